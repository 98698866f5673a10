import Access
import Cases
import Core
import Crypto
import Entities
import SQL

/// The seeded draw of a sampling plan (随机抽检): which cases it takes follows from the seed and the numbers alone, so
/// that whoever has both draws the same again with stock `openssl` (C-038).
enum InspectionDraw {
  static let plan = "inspection_plan"
  static let sample = "inspection_sample"
  static let inspection = "case_inspection"

  /// A case that may be drawn.
  struct Candidate: Sendable, Hashable {
    let id: Int64
    let number: String
    let item: String
    let unit: Int64?
    let officer: Int64?
  }

  /// Draws the sample of a plan when it is told to, and sends back what did not pass.
  static func addHooks(to hooks: inout RecordHooks, random: RandomSource = .system) {
    hooks.beforeUpdate(plan) { changes, records in
      for index in changes.indices {
        let isDrawn = changes[index].before["state"]?.text != "draft"
        let fixed = ["from_on", "to_on", "station_id", "category", "officer_id", "percent", "amount", "seed"]
        if isDrawn, fixed.contains(where: changes[index].alters) {
          changes[index].refuse(
            Refusal(.conflict, "plan-drawn", "已经抽取，范围、比例和种子不能再改，没有改动。需要时另建计划。"))
          continue
        }
        guard changes[index].alters("state"), changes[index]["state"].text == "drawn" else { continue }
        if changes[index]["seed"].isBlank { changes[index]["seed"] = .text(random.token(bytes: 12)) }
        let population = try await population(changes[index], records)
        guard !population.isEmpty else {
          changes[index].refuse(
            Refusal(.unprocessable, "plan-empty", "这个范围内没有您可以查看的办结办件，没有抽取。请放宽范围。", field: "from_on"))
          continue
        }
        changes[index]["population"] = .integer(Int64(population.count))
        changes[index]["population_digest"] = .text(SeededDraw.digest(of: population.map(\.number)))
        changes[index]["drawn"] = .integer(Int64(count(changes[index], of: population.count)))
      }
    }
    hooks.after(plan) { events, records in
      for event in events
      where event.kind == .updated && event["state"].text == "drawn" && event.before["state"]?.text == "draft" {
        try await draw(event, records)
      }
    }
    hooks.after(sample) { events, records in
      for event in events
      where event.kind == .updated && event["state"].text == "failed" && event.before["state"]?.text == "pending" {
        try await demand(event, records)
      }
    }
  }

  private static func count(_ plan: RecordChange, of population: Int) -> Int {
    if let percent = plan["percent"].integer { return SeededDraw.share(percent, of: population) }
    return min(Int(plan["amount"].integer ?? 0), population)
  }

  /// Completed cases within the range of the plan and the data scope of whoever draws, in the order of their numbers.
  private static func population(_ plan: RecordChange, _ records: Records) async throws -> [Candidate] {
    guard let from = plan["from_on"].date, let to = plan["to_on"].date else { return [] }
    var filters = [
      ListFilter("state", .equals(.text("completed"))),
      ListFilter(
        "finished_at", .range(from: .instant(from.start), to: .instant(to.end))),
    ]
    if let station = plan["station_id"].integer { filters.append(ListFilter("unit_id", .equals(.integer(station)))) }
    if let officer = plan["officer_id"].integer {
      filters.append(ListFilter("accepted_by", .equals(.integer(officer))))
    }
    if let category = plan["category"].text, !category.isEmpty {
      filters.append(ListFilter("category", .prefix(category)))
    }
    var query = ListQuery(
      ServiceCase.entity, filters: filters, columns: ["number", "item_label", "unit_id", "accepted_by"],
      limit: ListQuery.maximumLimit)
    var found: [Candidate] = []
    while true {
      let page = try await records.list(query)
      found += page.records.map { record in
        Candidate(
          id: record.id, number: record["number"].text ?? "", item: record["item_label"].text ?? "",
          unit: record["unit_id"].integer, officer: record["accepted_by"].integer)
      }
      guard let next = page.next else { break }
      query.start = .after(next)
    }
    return found.sorted { $0.number < $1.number }
  }

  private static func draw(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction else { return }
    let change = RecordChange(entity: plan, id: event.id, before: event.after, changes: [:])
    let population = try await population(change, records)
    // A case that was completed in between would make the sample another than the digest says.
    guard event["population_digest"].text == SeededDraw.digest(of: population.map(\.number)) else {
      throw Refusal(.conflict, "plan-moved", "抽取时正好有办件办结，范围变了，没有抽取。请再点一次抽取。")
    }
    let byNumber = Dictionary(population.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
    let order = SeededDraw.ranked(population.map(\.number), seed: event["seed"].text ?? "")
    let writer = records.asSystem
    for (rank, number) in order.prefix(Int(event["drawn"].integer ?? 0)).enumerated() {
      guard let one = byNumber[number] else { continue }
      let faults = try await faults(of: one.id, in: transaction)
      try await writer.insert(
        sample,
        [
          "inspection_plan_id": .integer(event.id), "rank": .integer(Int64(rank + 1)), "case_number": .text(number),
          "service_case_id": .integer(one.id), "item_label": .text(one.item),
          "unit_id": one.unit.map { .integer($0) } ?? .null, "inspecting_unit_id": event["unit_id"],
          "officer_id": one.officer.map { .integer($0) } ?? .null,
          "faults": faults.isEmpty ? .null : .list(faults), "state": .text("pending"),
        ].filter { !$0.value.isNull }, input: .code)
    }
  }

  /// What measuring has found in the images of a case and nobody has dismissed.
  private static func faults(of id: Int64, in transaction: Transaction) async throws -> [String] {
    try await transaction.query(
      """
      select distinct unnest(faults) as fault from image_finding
      where service_case_id = \(id) and state <> 'dismissed' order by 1
      """
    ).map { try $0.get("fault") }
  }

  /// A case that did not pass goes to its unit to be put right, with a deadline (整改).
  private static func demand(_ event: RecordEvent, _ records: Records) async throws {
    guard let planID = event["inspection_plan_id"].integer, let transaction = records.transaction else { return }
    let writer = records.asSystem
    let plan = try await writer.get(plan, planID)
    let today = records.store.clock.now().chinaTime.date
    let officer = try await transaction.query(
      "select name from app_user where id = \(event["officer_id"].integer ?? 0)"
    ).first?.get("name", as: String.self)
    let made = try await writer.insert(
      inspection,
      [
        "service_case_id": event["service_case_id"], "kind": plan["kind"], "unit_id": event["unit_id"],
        "officer_name": officer.map { .text($0) } ?? .null, "problems": event["problems"],
        "severity": event["severity"], "finding": event["finding"],
        "demand": .text("请按检查情况整改，图片不合格的重新扫描并补进档案。"),
        "due_on": .date(today.adding(days: Int(plan["correct_days"].integer ?? 7))),
        "inspecting_unit_id": event["inspecting_unit_id"], "inspector": .text(records.principal.name),
        "inspected_on": .date(today), "state": .text("pending"),
      ].filter { !$0.value.isNull }, input: .code)
    try await writer.update(
      sample, event.id, version: nil, ["case_inspection_id": .integer(made.id)], input: .code)
  }
}
