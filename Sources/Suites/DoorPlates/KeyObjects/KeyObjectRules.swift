import Access
import Core
package import Entities
import Identity
import SQL

/// What the registers of key objects (重点对象) and of visits to them (重点走访) fill in and refuse by themselves, however they are
/// written (A-004): whom or what it is, whose it is, when the next visit is due. They follow a person who moves.
package final class KeyObjectRules: Sendable {
  package static let entity = "key_object"
  package static let visit = "key_object_visit"

  private let parameters = Later<Parameters>("key-objects")

  package init() {}

  package func begin(parameters: Parameters) { self.parameters.begin(parameters) }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(KeyObjectRules.entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        do { try await KeyObjectRules.fill(&drafts[index], records) } catch let refusal as Refusal {
          drafts[index].refuse(refusal)
        }
      }
    }
    hooks.beforeUpdate(KeyObjectRules.entity) { [self] changes, records in
      for index in changes.indices where changes[index].refusal == nil {
        do { try await follow(&changes[index], records) } catch let refusal as Refusal {
          changes[index].refuse(refusal)
        }
      }
    }
    hooks.beforeInsert(KeyObjectRules.visit) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        do { try await KeyObjectRules.fillVisit(&drafts[index], records) } catch let refusal as Refusal {
          drafts[index].refuse(refusal)
        }
      }
    }
    hooks.beforeUpdate(KeyObjectRules.visit) { changes, records in
      for index in changes.indices where records.principal.kind != .system {
        changes[index].refuse(KeyObjectRules.kept)
      }
    }
    for register in [KeyObjectRules.entity, KeyObjectRules.visit] {
      hooks.beforeDelete(register) { _, _ in throw KeyObjectRules.kept }
    }
    hooks.after(KeyObjectRules.visit) { [self] events, records in
      for event in events where event.kind == .created { try await count(event, records) }
    }
    hooks.after(KeyObjectRules.entity) { events, records in
      for event in events where event.kind == .updated { try await KeyObjectRules.handOver(event, records) }
    }
    for (register, field) in [("person", "person_id"), ("organisation", "organisation_id")] {
      hooks.after(register) { events, records in try await KeyObjectRules.move(events, field, records) }
    }
  }

  private static let kept = Refusal(
    .conflict, "key-object-kept", "重点对象和走访的记录不能修改或删除，没有改动。走访写错的另记一条，不再列管的请申请解除。")

  /// While one of these, it is looked after or about to be.
  private static let open: [Value] = [.text("submitted"), .text("active"), .text("lifting")]

  // MARK: Asking for it

  /// Which field says whom or what it is, for each kind.
  private static let targets = ["person": "person_id", "place": "address_id", "organisation": "organisation_id"]

  private static func fill(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("key-object-without-transaction") }
    guard let kind = draft["kind"].text, let field = targets[kind], let id = draft[field].integer else { return }
    for other in targets.values where other != field { draft[other] = .null }
    let register = try records.store.entity(entity).field(field)?.target ?? ""
    if records.principal.kind != .system, try await !records.reaches(register, id) {
      throw Refusal(.notFound, "key-object-foreign", "没有这个对象，或它不在您的辖区，没有提交。请核对后再选。", field: field)
    }
    // Two who ask for the same wait for each other here.
    try await transaction.execute("select pg_advisory_xact_lock(hashtextextended(\("key-object \(field)"), \(id)))")
    // An address is written beside people and organisations too: whoever lives there does not make it a key place.
    let listed = try await records.asSystem.list(
      ListQuery(
        entity,
        filters: [
          ListFilter("kind", .equals(.text(kind))), ListFilter(field, .equals(.integer(id))),
          ListFilter("state", .oneOf(open)),
        ], columns: ["number"], limit: 1)
    ).records
    guard listed.isEmpty else {
      throw Refusal(.conflict, "key-object-listed", "这个对象已经在管或正在审批，没有重复提交。需要调整的请找责任民警。", field: field)
    }
    for (name, value) in try await place(register, id, records) { draft[name] = value }
    let asker: Value = records.principal.kind == .user ? .integer(records.principal.id) : .null
    if draft["officer_id"].isNull { draft["officer_id"] = asker }
    draft["unit_id"] = try await unit(of: draft["officer_id"].integer, records, in: transaction)
    draft["asked_by"] = asker
    draft["asked_at"] = .instant(records.store.clock.now())
  }

  /// What it is called and where it is, as the register of people, addresses or organisations has it.
  private static func place(_ register: String, _ id: Int64, _ records: Records) async throws -> [String: Value] {
    let isAddress = register == "address"
    let record = try await records.asSystem.plain.get(
      register, id, columns: isAddress ? ["full_name", "division_code"] : ["name", "division_code", "address_id"])
    return [
      "subject": isAddress ? record["full_name"] : record["name"], "division_code": record["division_code"],
      "address_id": isAddress ? .integer(id) : record["address_id"],
    ]
  }

  /// The unit of somebody who may be made responsible: staff who work now, of the same administration.
  private static func unit(of officer: Int64?, _ records: Records, in transaction: Transaction) async throws -> Value {
    guard let officer else { return .null }
    let unit: Int64? = try await transaction.first("select unit_id from app_user where id = \(officer)")?.get("unit_id")
    let staff = try await Responsibility(clock: records.store.clock).staff(
      of: [officer], near: records.principal.unit?.id ?? unit ?? 0, in: transaction)
    guard let unit, staff.contains(officer) else {
      throw Refusal(
        .unprocessable, "officer-unknown", "责任民警应是本系统在职的工作人员，没有改动。请重新选择。", field: "officer_id")
    }
    return .integer(unit)
  }

  // MARK: What becomes of it

  private func follow(_ change: inout RecordChange, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("key-object-without-transaction") }
    if records.principal.kind != .system,
      ["kind", "person_id", "address_id", "organisation_id", "category", "reason"].contains(where: { change.alters($0) }
      )
    {
      throw KeyObjectRules.kept
    }
    let today = records.store.clock.today()
    if change.alters("state"), change.before["state"]?.text == "submitted", change["state"].text == "active" {
      change["listed_on"] = .date(today)
      change["due_on"] = .date(today.adding(days: try days(change["level"])))
    }
    if change.alters("level"), let last = (change["visited_on"].date ?? change["listed_on"].date) {
      change["due_on"] = .date(last.adding(days: try days(change["level"])))
    }
    if change.alters("state"), change["state"].text == "lifted" { change["due_on"] = .null }
    if change.alters("due_on") {
      let due = change["due_on"].date
      change["visit_state"] = due.map { .text(KeyObjectDues.state($0, on: today)) } ?? .null
    }
    if change.alters("officer_id") {
      change["unit_id"] = try await KeyObjectRules.unit(of: change["officer_id"].integer, records, in: transaction)
    }
  }

  /// Within how many days one of this level has to be visited.
  private func days(_ level: Value) throws -> Int {
    Int(try parameters.known().integer("key_object.days_\(level.text ?? "third")"))
  }

  /// Earlier visits are for whoever looks after it now.
  private static func handOver(_ event: RecordEvent, _ records: Records) async throws {
    let fields = ["officer_id", "unit_id", "division_code"]
    guard fields.contains(where: { event.before[$0] != event.after[$0] }) else { return }
    let system = records.asSystem.plain
    let visits = try await system.all(
      ListQuery(visit, filters: [ListFilter("key_object_id", .equals(.integer(event.id)))], columns: ["number"]))
    for one in visits {
      try await system.update(
        visit, one.id, version: nil, Dictionary(uniqueKeysWithValues: fields.map { ($0, event[$0]) }), input: .code)
    }
  }

  // MARK: Visits

  private static func fillVisit(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let id = draft["key_object_id"].integer else { return }
    let key = try await records.asSystem.plain.get(
      entity, id, columns: ["state", "subject", "officer_id", "unit_id", "division_code"])
    guard ["active", "lifting"].contains(key["state"].text) else {
      throw Refusal(
        .conflict, "key-object-not-listed", "这个对象不在管（待审批或已解除），没有登记走访。", field: "key_object_id")
    }
    for name in ["officer_id", "unit_id", "division_code"] { draft[name] = key[name] }
    let day = draft["visited_at"].instant?.chinaTime.date ?? records.store.clock.today()
    draft["label"] = .text("\(key["subject"].text ?? "重点对象") · \(day)")
    draft["visitor_id"] = records.principal.kind == .user ? .integer(records.principal.id) : .null
  }

  /// The next visit is due by the level, counted from the latest at which it was found.
  private func count(_ event: RecordEvent, _ records: Records) async throws {
    guard event["situation"].text != "missing", let id = event["key_object_id"].integer,
      let day = event["visited_at"].instant?.chinaTime.date
    else { return }
    let system = records.asSystem.plain
    let key = try await system.get(KeyObjectRules.entity, id, columns: ["visited_on", "level"])
    if let last = key["visited_on"].date, last > day { return }
    let due = day.adding(days: try days(key["level"]))
    try await system.update(
      KeyObjectRules.entity, id, version: nil, ["visited_on": .date(day), "due_on": .date(due)], input: .code)
  }

  // MARK: Moving

  /// Those who move are key objects of where they have moved to; who has to take over there is told by a rule of analysis.
  private static func move(_ events: [RecordEvent], _ field: String, _ records: Records) async throws {
    let moved = events.filter { event in
      event.kind == .updated
        && ["name", "address_id", "division_code"].contains { event.before[$0] != event.after[$0] }
    }
    if moved.isEmpty { return }
    let system = records.asSystem.plain
    let listed = try await system.all(
      ListQuery(
        entity, filters: [ListFilter(field, .oneOf(moved.map { .integer($0.id) })), ListFilter("state", .oneOf(open))],
        columns: [field, "address_id", "division_code"]))
    for key in listed {
      guard let event = moved.last(where: { $0.id == key[field].integer }) else { continue }
      var values: [String: Value] = [
        "subject": event["name"], "address_id": event["address_id"], "division_code": event["division_code"],
      ]
      if !event["address_id"].isNull, event["address_id"] != event.before["address_id"] ?? .null {
        values["moved_at"] = .instant(records.store.clock.now())
        values["moved_from"] = key["division_code"]
      }
      try await system.update(entity, key.id, version: nil, values, input: .code)
    }
  }
}
