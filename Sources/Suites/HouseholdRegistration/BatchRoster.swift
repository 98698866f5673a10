import Core
import Entities
import SQL

/// The list of people of a batch task that the register of persons knows (名单来源：从人口登记生成, C-213): identity cards that
/// expire or are due for the first time, and people without a photograph.
///
/// Made when the task is issued, in its transaction, so that plans by the calendar send officers out to whom it is time to see.
/// Whoever is on a list of the same kind already and not dealt with is not listed twice.
enum BatchRoster {
  static let task = "batch_task"

  /// Days before it expires in which a card is to be renewed.
  static let notice = 90

  /// The most people that one task lists; more have to be issued in parts, by a sooner date.
  static let most = 2000

  static func addHooks(to hooks: inout RecordHooks) {
    hooks.after(task) { events, records in
      for event in events
      where event.kind != .deleted && event["state"].text == "issued" && event["roster"].text == "register"
        && event.before["state"]?.text != "issued" && event["roster_note"].isBlank
      { try await list(event, records.asSystem) }
    }
  }

  private static func list(_ task: RecordEvent, _ system: Records) async throws {
    guard let transaction = system.transaction, let kind = task["kind"].text, let unit = task["unit_id"].integer else {
      return
    }
    let city = try await BatchTasks.city(of: unit, in: transaction)
    let filters =
      conditions(kind, by: task["due_on"].date ?? system.store.clock.today(), today: system.store.clock.today())
      + [ListFilter("registered_division", .prefix(city)), ListFilter("deceased_on", .empty(true))]
    let count = try await system.count(ListQuery("person", filters: filters)).value
    guard count <= most else {
      throw Refusal(
        .unprocessable, "batch-roster-large",
        "名单约有 \(count) 人，超过一次能下发的 \(most) 人，没有下发。请把完成期限提前，分几次下发，或改为导入表格。", field: "due_on")
    }
    let listed = try await system.all(
      ListQuery(
        BatchTasks.entry,
        filters: [ListFilter("kind", .equals(.text(kind))), ListFilter("state", .equals(.text("pending")))],
        columns: ["resident_id"]))
    let known = Set(listed.compactMap { $0["resident_id"].text })
    let people = try await system.all(ListQuery("person", filters: filters, columns: ["name", "resident_id"]))
    let items = people.enumerated().compactMap { number, person -> RecordBatch.Item? in
      guard let id = person["resident_id"].text, !known.contains(id) else { return nil }
      return RecordBatch.Item(
        number: number, held: nil,
        values: [
          "batch_task_id": .integer(task.id), "kind": .text(kind), "person_name": person["name"],
          "resident_id": .text(id),
        ])
    }
    let written = try await RecordBatch(system, BatchTasks.entry).write(items)
    let made = written.count(where: { $0.result == .created })
    var note = "列入 \(made) 人"
    if written.count > made { note += "，另有 \(written.count - made) 人的户籍地没有派出所，请导入补上" }
    try await system.update(Self.task, task.id, version: nil, ["roster_note": .text(note)], input: .code)
  }

  /// Who is due by a day.
  private static func conditions(_ kind: String, by day: CivilDate, today: CivilDate) -> [ListFilter] {
    switch kind {
    case "card_due": return [ListFilter("card_expires_on", .range(from: nil, to: .date(day)))]
    case "card_first":
      return [
        ListFilter(
          "birth_date",
          .range(from: .date(today.adding(months: -18 * 12)), to: .date(day.adding(months: -16 * 12)))),
        ListFilter("card_kind", .empty(true)),
      ]
    default: return [ListFilter("photo", .empty(true))]
    }
  }
}
