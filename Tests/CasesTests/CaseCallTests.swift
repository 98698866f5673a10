import Access
import Cases
import Core
import Entities
import Foundation
import Processes
import SQL
import Testing
import YAML

/// Cases of a process that calls another (调用流程): tasks, timers, versions and views across the boundary.
@Suite struct CaseCallTests {
  private static let place = SourcePosition(file: "drawn", line: 1, column: 1)

  /// 复核: one step, which says whether it agrees.
  private static func checking(by role: String = "station_hukou_chief") -> ProcessDefinition {
    func node(_ id: String, _ name: String, _ kind: ProcessNode.Kind) -> ProcessNode {
      ProcessNode(id: id, name: name, kind: kind, position: place)
    }
    func flow(_ source: String, _ target: String) -> ProcessFlow {
      ProcessFlow(id: "\(source)_\(target)", source: source, target: target, position: place)
    }
    return ProcessDefinition(
      id: "hukou_check", name: "复核",
      variables: [
        ProcessVariable(name: "channel", label: "渠道", kind: .text),
        ProcessVariable(
          name: "verdict", label: "复核意见", kind: .text,
          choices: [.init(value: "right", label: "属实"), .init(value: "wrong", label: "不属实", needsOpinion: true)]),
      ],
      nodes: [
        node("start", "", .start),
        node(
          "look", "所长复核",
          .step(
            StepRule(
              handler: .role(role), fallback: .role("hukou_officer"),
              inputs: [StepInput(variable: "verdict", isRequired: true)], limit: ProcessDuration(days: 1)))),
        node("end", "", .end(isTerminating: false)),
      ], flows: [flow("start", "look"), flow("look", "end")])
  }

  /// The shipped flow, which has every application that was looked at checked by another process.
  private static func services(
    _ callee: ProcessDefinition = checking(), timer: ProcessDuration? = nil
  ) throws -> ServiceCatalog {
    let shipped = try #require(try CaseFixture.services().processes["hukou_on_site"]).source
    let rule = CallRule(
      process: "hukou_check", inputs: [ProcessAssignment(variable: "channel", formula: "channel")],
      outputs: [ProcessAssignment(variable: "receipt", formula: "if(verdict == 'right', 'matched', 'mismatched')")])
    var (changed, call) = try shipped.insertingCall(rule, named: "复核", behind: "pre_review")
    #expect(call == "call_1")
    if let timer {
      changed = ProcessDefinition(
        id: changed.id, name: changed.name, variables: changed.variables,
        nodes: changed.nodes + [
          ProcessNode(
            id: "check_late", name: "复核超时", kind: .boundary(host: call, after: timer, interrupts: true),
            position: place)
        ],
        flows: changed.flows + [
          ProcessFlow(id: "f_check_late", source: "check_late", target: "refuse", position: place)
        ])
    }
    let services = ServiceCatalog(
      try CaseFixture.catalog.get(), folders: [CaseFixture.resources],
      designed: ["hukou_on_site": changed.bpmn, "hukou_check": callee.bpmn])
    #expect(services.findings.filter { $0.severity == .error }.map(\.description) == [])
    return services
  }

  @Test func theTasksOfACalledProcessAreInTheInboxAndItsAnswerComesBack() async throws {
    let city = try await CaseFixture(services: try Self.services())
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "passed"])
    #expect(try await city.todo("chief").map(\.step) == ["所长复核"])
    let view = try await city.cases.view(id, as: try city.person("chief"))
    #expect(view.mine.map(\.step) == ["call_1/look"] && view.instance.openCalls.count == 1)
    #expect(view.instance.variables["call_1/channel"] == .text("online"))
    #expect(try await city.refusal { try await city.answer(id, by: "chief") } == "process-input")
    #expect(
      try await city.refusal { try await city.answer(id, by: "chief", ["call_1/verdict": "wrong"]) }
        == "opinion-missing")
    try await city.answer(id, by: "chief", ["call_1/verdict": "right"])
    let after = try await city.cases.view(id, as: try city.person("aux"))
    #expect(after.instance.variables["receipt"] == .text("matched") && after.instance.openCalls.isEmpty)
    #expect(try await city.state(id)["step"] == .text("收件核验原件"))
    #expect(after.events.map(\.action) == ["submit", "complete", "complete"])
    #expect(after.events.last?.step == "所长复核" && after.events.last?.result == "属实")
  }

  @Test func aCaseGoesBackOutOfACallAndIntoIt() async throws {
    let city = try await CaseFixture(services: try Self.services())
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "passed"])
    let task = try #require(try await city.tasks(id, of: "chief").first)
    try await city.cases.move(
      id, .back(task: task.number, to: "pre_review"), opinion: "请再核对姓名", by: try city.person("chief"))
    #expect(try await city.state(id)["step"] == .text("网上预审"))
    #expect(try await city.todo("chief").isEmpty)
    try await city.answer(id, by: "aux", ["review": "passed"])
    try await city.answer(id, by: "chief", ["call_1/verdict": "right"])
    let next = try #require(try await city.tasks(id, of: "aux").first)
    try await city.cases.move(
      id, .back(task: next.number, to: "call_1/look"), opinion: "原件与复核不符", by: try city.person("aux"))
    #expect(try await city.todo("chief").map(\.step) == ["所长复核"])
    try await city.cases.move(id, .void, opinion: "申请人死亡", by: try city.person("chief"))
    #expect(try await city.database.value("select count(*) from case_task where state = 'open'", as: Int.self) == 0)
  }

  @Test func theTimeOfACallRunsOut() async throws {
    let city = try await CaseFixture(services: try Self.services(timer: ProcessDuration(days: 2)))
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "passed"])
    #expect(try await city.database.value("select count(*) from case_timer", as: Int.self) == 1)
    try city.wait(until: "2026-11-20 09:59")
    #expect(try await city.cases.fireTimers(log: .silent) == 0)
    try city.wait(until: "2026-11-23 10:00")
    #expect(try await city.cases.fireTimers(log: .silent) == 1)
    #expect(try await city.state(id)["state"] == .text("refused"))
    #expect(try await city.todo("chief").isEmpty)
    let view = try await city.cases.view(id, as: try city.person("aux"))
    let end = try #require(view.events.last { $0.action != "issue" })
    #expect(end.action == "timeout" && end.step == "复核")
  }

  @Test func aCaseStaysOnTheCalledProcessItBeganWith() async throws {
    let city = try await CaseFixture(services: try Self.services())
    let old = try await city.start()
    try await city.cases.versions.publish(
      try Self.services(Self.checking(by: "county_hukou_approver")), on: city.database, at: CaseFixture.start)
    let new = try await city.start("hukou_001", by: "neighbour")
    // Another server knows no version but those in the database.
    let fresh = CaseVersions(city.cases.services, catalogs: city.catalogs)
    let cases = CaseStore(
      store: city.store, versions: fresh, parameters: city.cases.parameters, messages: city.messages,
      office: city.cases.office)
    try await fresh.publish(on: city.database, at: CaseFixture.start)
    for id in [old, new] {
      let task = try #require(try await cases.view(id, as: try city.person("aux")).mine.first)
      try await cases.move(
        id, .complete(task: task.number, values: ["review": .text("passed")]), by: try city.person("aux"))
    }
    #expect(try await cases.view(old, as: try city.person("chief")).mine.count == 1)
    #expect(try await cases.view(new, as: try city.person("county")).mine.count == 1)
    let versions = try await city.database.value(
      "select count(*) from process_version where process = 'hukou_on_site'", as: Int.self)
    #expect(versions == 2, "with another called process it is another version")
  }
}
