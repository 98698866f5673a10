import Core
import Entities
import Processes
import Testing
import YAML

/// What a step says of its limit, of who of a pool is asked, and of the fields of the form.
@Suite struct StepOptionTests {
  private static let review = ProcessVariable(
    name: "review", label: "审核意见", kind: .text,
    choices: [.init(value: "passed", label: "通过"), .init(value: "refused", label: "不予办理", needsOpinion: true)])

  /// `a`, then `b` with options, then `c`.
  private func process(
    _ overdue: OverdueRule?, signing: Signing = .one, inputs: [StepInput] = [],
    limit: ProcessDuration? = .init(days: 2),
    reminder: ProcessDuration? = nil, dispatch: Dispatch = .pool, fallback: StepHandler = .role("admin")
  ) throws -> RunnableProcess {
    var drawing = Drawing()
    drawing.variables.append(StepOptionTests.review)
    drawing.node("start", .start)
    drawing.step("a")
    drawing.node(
      "b",
      .step(
        StepRule(
          handler: .role("b"), fallback: fallback, signing: signing, inputs: inputs, limit: limit, reminder: reminder,
          overdue: overdue, dispatch: dispatch)))
    drawing.step("c")
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > a > b > c > end")
    return try drawing.process()
  }

  private func overdue(_ process: RunnableProcess) throws -> Drive {
    var drive = try Drive(process)
    try drive.complete("a")
    try drive.make(.overdue(visit: try drive.last("b").id))
    return drive
  }

  @Test func anOverdueStepThatPassesCountsAsAgreed() throws {
    let drive = try overdue(try process(.pass, inputs: [StepInput(variable: "review", isRequired: true)]))
    #expect(drive.open == ["c"])
    #expect(drive.instance.variables["review"] == .text("passed"))
    #expect(try drive.last("b").state == .done)
  }

  @Test func everySignerWhoHasNotAnsweredCountsAsAgreed() throws {
    var drive = try Drive(try process(.pass, signing: .all(sequential: true)))
    try drive.complete("a")
    try drive.complete("b")
    try drive.make(.overdue(visit: try drive.last("b").id))
    #expect(drive.open == ["c"])
    #expect(try drive.last("b").tasks.allSatisfy { $0.state == .done })
  }

  @Test func anOverdueStepReturnsToTheStepBefore() throws {
    let drive = try overdue(try process(.back(to: nil)))
    #expect(drive.open == ["a"])
    #expect(try drive.last("b").state == .returned)
    #expect(drive.events.contains { if case .overdue(_, .returned) = $0 { true } else { false } })
  }

  @Test func whereThereIsNothingToReturnToEverythingStays() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.node(
      "b", .step(StepRule(handler: .role("b"), fallback: .role("x"), limit: .init(days: 1), overdue: .back(to: nil))))
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > b > end")
    var drive = try Drive(try drawing.process())
    let visit = try drive.last("b").id
    try drive.make(.overdue(visit: visit))
    #expect(drive.open == ["b"] && drive.holders("b") == ["role:b#1"])
    #expect(throws: Refusal.self, "what a limit brings about comes once") { try drive.make(.overdue(visit: visit)) }
  }

  @Test(arguments: [Signing.one, .all(sequential: false), .all(sequential: true), .any, .share(percent: 60)])
  func escalationAsksSomebodyElseInPlaceOfAllWhoHaveNotAnswered(_ signing: Signing) throws {
    var drive = try overdue(try process(.escalate(.role("chief")), signing: signing))
    #expect(drive.holders("b") == ["role:chief#1"])
    try drive.complete("b")
    #expect(drive.open == ["c"])
  }

  @Test func whoHadBeenAskedBesidesIsNotAskedAnyMore() throws {
    var drive = try Drive(try process(.transfer))
    try drive.complete("a")
    try drive.make(.addBefore(task: try drive.task("b"), [Participant("p1"), Participant("p2")]))
    try drive.make(.overdue(visit: try drive.last("b").id))
    #expect(drive.holders("b") == ["role:admin#1"])
  }

  @Test func aReminderComesOnceAndChangesNothingElse() throws {
    var drive = try Drive(try process(nil, reminder: ProcessDuration(hours: 4)))
    try drive.complete("a")
    let visit = try drive.last("b").id
    let before = drive.instance.openTasks.map(\.task)
    try drive.make(.remind(visit: visit))
    #expect(drive.instance.openTasks.map(\.task) == before)
    #expect(drive.events == [.reminded(visit: visit)])
    #expect(throws: Refusal.self) { try drive.make(.remind(visit: visit)) }
  }

  @Test func aPoolIsAskedThroughWhoeverDispatchChooses() throws {
    let process = try process(nil, dispatch: .roundRobin)
    let engine = ProcessEngine(
      process, context: EvaluationContext(now: Instant(seconds: 0)),
      dispatch: { step, pool, _ in Participant("\(step)/\(pool)/7") },
      find: { handler, _, _ in [Participant("\(handler)")] })
    var (instance, _) = try engine.start()
    let task = try #require(instance.openTasks.first?.task.id)
    (instance, _) = try engine.apply(.complete(task: task, values: [:]), to: instance)
    #expect(instance.openTasks.map(\.task.holder.name) == ["b/role:b/7"])
  }

  // MARK: Files

  @Test func optionsAreWrittenAndReadAgain() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    for (number, overdue) in [
      OverdueRule.pass, .back(to: nil), .back(to: "s0"), .transfer, .escalate(.role("chief")), .escalate(.post("head")),
    ].enumerated() {
      drawing.node(
        "s\(number)",
        .step(
          StepRule(
            handler: .role("a"), fallback: .role("b"), limit: .init(days: 3), edits: [.form],
            reminder: .init(days: 1, hours: 2), overdue: overdue, dispatch: number % 2 == 0 ? .least : .roundRobin,
            fields: ["name": .hide, "birth": .read, "address": .edit])))
    }
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > s0 > s1 > s2 > s3 > s4 > s5 > end")
    let definition = drawing.definition
    let read = try ProcessDefinition(bpmn: Array(definition.bpmn.utf8), file: "drawn")
    #expect(read.stepsInOrder.map(\.rule) == definition.stepsInOrder.map(\.rule))
    _ = try RunnableProcess(read)
  }

  @Test(arguments: [
    ("lifang:overdue=\"explode\"", "超时处理“explode”读不懂"), ("lifang:overdue=\"escalate:starter\"", "读不懂"),
    ("lifang:remind=\"soon\"", "到期提醒“soon”读不懂"), ("lifang:dispatch=\"dice\"", "派单方式“dice”读不懂"),
    ("lifang:overdue=\"pass\"", "没有办理时限"), ("lifang:remind=\"P1D\"", "没有办理时限"),
    ("lifang:limit=\"P1D\" lifang:remind=\"P2D\"", "比办理时限（P1D）还长"),
    ("lifang:limit=\"P1D\" lifang:overdue=\"return:nowhere\"", "没有这个环节"),
    ("lifang:limit=\"P1D\" lifang:overdue=\"transfer\" lifang:fallback=\"role:a\"", "兜底办理人与办理人相同"),
  ]) func whatAnOptionCannotMeanIsRefusedAtItsStep(_ attributes: String, _ message: String) throws {
    let fallback = attributes.contains("fallback") ? "" : "lifang:fallback=\"role:b\""
    let text = """
      <definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:lifang="urn:lifang:process:1">
      <process id="p"><startEvent id="s"/><userTask id="t" name="审核" lifang:handler="role:a" \(fallback) \(attributes)/>
      <endEvent id="e"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>
      <sequenceFlow id="g" sourceRef="t" targetRef="e"/></process></definitions>
      """
    let failure = #expect(throws: ProcessFailure.self) {
      let definition = try ProcessDefinition(bpmn: Array(text.utf8), file: "p.bpmn")
      _ = try RunnableProcess(definition)
    }
    let problems = failure?.problems ?? []
    #expect(problems.contains { $0.element == "t" && $0.message.contains(message) }, "\(problems)")
  }

  @Test func passingNeedsSomethingToPassWith() {
    #expect(throws: ProcessFailure.self) {
      _ = try process(.pass, inputs: [StepInput(variable: "x", isRequired: true)])
    }
    #expect(throws: ProcessFailure.self) { _ = try process(nil, signing: .any, dispatch: .least) }
  }

  // MARK: Time

  private let calendar = WorkCalendar.standard

  /// 2026-11-20 is a Friday.
  @Test(arguments: [
    (ProcessDuration(days: 1), "2026-11-24 17:30", "2026-11-23 17:30"),
    (ProcessDuration(days: 1), "2026-11-23 17:30", "2026-11-20 17:30"),
    (ProcessDuration(hours: 2), "2026-11-24 17:30", "2026-11-24 15:30"),
    (ProcessDuration(hours: 4), "2026-11-24 17:30", "2026-11-24 11:30"),
    (ProcessDuration(hours: 9), "2026-11-24 17:30", "2026-11-23 15:30"),
    (ProcessDuration(days: 30), "2026-11-24 17:30", "2026-11-18 10:00"),
  ]) func aReminderComesSoMuchWorkingTimeBefore(_ duration: ProcessDuration, _ due: String, _ expected: String) throws {
    let start = try #require(Instant("2026-11-18 10:00"))
    let due = try #require(Instant(due))
    #expect(calendar.reminder(duration, before: due, notBefore: start) == Instant(expected))
  }
}
