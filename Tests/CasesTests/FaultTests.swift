import Access
import Cases
import Core
import Entities
import Processes
import SQL
import Testing

/// Cases when something breaks, and after many moves of many people.
@Suite struct FaultTests {
  /// The tables that the last review of a case writes to, in the order of the writing.
  private static let tables = [
    "case_task", "case_process", "case_event", "service_case", "service_case_history", "person", "audit_entry",
  ]

  @Test(arguments: tables) func aMoveThatIsCutOffAnywhereLeavesNothingHalfDone(table: String) async throws {
    let city = try await CaseFixture()
    let id = try await city.start(by: "aux", channel: .window, golden: 2, delivery: "window")
    let task = try #require(try await city.tasks(id, of: "officer").first).number
    let before = try await snapshot(city)
    // The connection ends in the middle of the statement, as it does when the server or its machine dies.
    try await city.database.transaction {
      try await $0.execute(
        unsafe: """
          create function cut_off() returns trigger language plpgsql as
            $$ begin perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(1); return new; end $$;
          create trigger cut_off before insert or update on \(table) for each row execute function cut_off();
          """)
    }
    let officer = try city.person("officer")
    await #expect(throws: (any Error).self) {
      try await city.cases.move(id, .complete(task: task, values: ["review": .text("passed")]), by: officer)
    }
    #expect(try await snapshot(city) == before)
    try await city.database.execute("drop trigger cut_off on \(identifier: table)")
    try await city.cases.move(id, .complete(task: task, values: ["review": .text("passed")]), by: officer)
    #expect(try await city.state(id)["state"] == .text("completed"))
    #expect(
      try await city.database.value(
        "select count(*) from case_event where case_id = \(id) and action = 'complete'", as: Int.self) == 1)
  }

  /// All that cases and persons hold, as text.
  private func snapshot(_ city: CaseFixture) async throws -> [String] {
    var parts: [String] = []
    for table in FaultTests.tables.dropLast() + ["case_timer", "case_material", "hukou_birth"] {
      let rows = try await city.database.transaction { transaction in
        for scope in ["service_case", "person", "case_material", "hukou_birth"] {
          try await transaction.execute("select set_config('lifang.scope_' || \(scope), '{\"all\":true}', true)")
        }
        return try await transaction.query(
          "select coalesce(string_agg(t::text, E'\\n' order by t::text), '') as all from \(identifier: table) t")
      }
      parts.append("\(table): " + (try rows.first?.get("all") ?? ""))
    }
    return parts
  }

  @Test func whateverManyPeopleDoInTurnNoTaskIsLostAndNoneIsLeftOver() async throws {
    let city = try await CaseFixture()
    var random = SeededRandom(seed: 20_261_121)
    var cases: [Int64] = []
    for (item, golden) in [("hukou_001", 0), ("hukou_025", 0), ("hukou_089", 1)] {
      cases.append(try await city.start(item, golden: golden))
    }
    let accounts = ["aux", "two", "officer", "chief", "beat", "county", "resident"]
    var made = 0
    for _ in 0..<70 {
      guard let id = cases.randomElement(using: &random) else { continue }
      for account in accounts.shuffled(using: &random) {
        let person = try city.person(account)
        guard let view = try? await city.cases.view(id, as: person), let move = choose(view, person, city, &random)
        else { continue }
        if try await city.refusal({ try await city.cases.move(id, move, opinion: "试", by: person) }) == "none" {
          made += 1
        }
        try await expectSound(id, city)
        break
      }
      city.time.advance(seconds: Int64.random(in: 60...20_000, using: &random))
      try await city.cases.fireTimers(log: .silent)
    }
    #expect(made > 25)
  }

  /// Something that the person might do with the case.
  private func choose(_ view: CaseView, _ person: Principal, _ city: CaseFixture, _ random: inout SeededRandom)
    -> CaseMove?
  {
    guard let task = view.mine.randomElement(using: &random) else {
      return view.withdrawable.first.map { .withdraw(visit: $0.id) }
    }
    let others = ["aux", "two", "officer", "chief"].compactMap { try? city.person($0).id }.filter { $0 != person.id }
    var values: [String: Value] = [:]
    for input in task.kind == .own ? view.rule(of: task.step)?.inputs ?? [] : [] {
      let variable = view.process.definition.variables.first { $0.name == input.variable }
      values[input.variable] = .text(variable?.choices.randomElement(using: &random)?.value ?? "编号 1")
    }
    switch Int.random(in: 0..<12, using: &random) {
    case 0: return .claim(task: task.number)
    case 1: return .release(task: task.number)
    case 2: return others.randomElement(using: &random).map { .transfer(task: task.number, to: $0) }
    case 3: return others.randomElement(using: &random).map { .delegate(task: task.number, to: $0) }
    case 4: return others.randomElement(using: &random).map { .addBefore(task: task.number, [$0]) }
    case 5: return others.randomElement(using: &random).map { .addAfter(task: task.number, [$0]) }
    case 6: return view.steps(before: task).randomElement(using: &random).map { .back(task: task.number, to: $0.step) }
    default: return .complete(task: task.number, values: values)
    }
  }

  /// The rows say the same as the instance, and somebody or some timer is waited for while the case runs.
  private func expectSound(_ id: Int64, _ city: CaseFixture) async throws {
    let view = try await city.cases.view(id, as: .system)
    let open = Set(view.instance.openTasks.map(\.task.id))
    #expect(Set(view.tasks.filter { $0.state == .open }.map(\.number)) == open)
    #expect(view.tasks.allSatisfy { !$0.holder.isEmpty })
    #expect((view.instance.state == .running) == !open.isEmpty)
    for task in view.instance.visits.flatMap(\.tasks) {
      #expect(view.tasks.first { $0.number == task.id }?.state == task.state)
    }
    let timers: Int = try await city.database.value("select count(*) from case_timer where case_id = \(id)")
    let waiting = view.instance.openVisits.contains { $0.node == "supplement" }
    #expect(timers == (waiting ? 1 : 0))
    let isOver = view.record["finished_at"] != .null
    #expect(isOver == (view.instance.state == .finished))
  }
}
