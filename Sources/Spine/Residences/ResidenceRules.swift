import Access
import Core
package import Entities
import SQL

/// Who lives where (居住登记, 即住即登记): the register of stays and the present address of a person say the same, whichever
/// is written. A person has one current stay; moving in somewhere ends the one before.
package enum ResidenceRules {
  static let entity = "residence"

  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(entity) { drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil {
        drafts[index]["label"] = try await label(
          person: drafts[index]["person_id"], address: drafts[index]["address_id"], records)
        if drafts[index]["confirmed_on"].isNull { drafts[index]["confirmed_on"] = drafts[index]["since"] }
      }
    }
    hooks.beforeUpdate(entity) { changes, records in
      for index in changes.indices where changes[index].alters("person_id") || changes[index].alters("address_id") {
        changes[index]["label"] = try await label(
          person: changes[index]["person_id"], address: changes[index]["address_id"], records)
      }
    }
    hooks.after(entity) { events, records in
      for event in events { try await follow(event, records) }
    }
    hooks.after("person") { events, records in
      for event in events where event.kind != .deleted && event.before["address_id"] != event.after["address_id"] {
        try await move(event, records)
      }
    }
  }

  // MARK: From the stay to the person

  private static func isCurrent(_ values: [String: Value]) -> Bool {
    values["state"]?.text == "confirmed" && (values["until"] ?? .null).isNull
  }

  private static func follow(_ event: RecordEvent, _ records: Records) async throws {
    let (was, stays) = (isCurrent(event.before), isCurrent(event.after))
    let isElsewhere = ["person_id", "address_id", "room_id"].contains { event.before[$0] != event.after[$0] }
    let writer = try records.entrusted(with: [entity, "person"])
    if was, let person = event.before["person_id"]?.integer,
      !stays || event.before["person_id"] != event.after["person_id"]
    {
      try await leave(person, event.before["address_id"] ?? .null, writer)
    }
    guard stays, !was || isElsewhere, let person = event.after["person_id"]?.integer else { return }
    try await settle(person, event, writer)
    for other in try await current(of: person, writer) where other.id != event.id {
      let since = event.after["since"]?.date ?? records.store.clock.today()
      let until = max(since, other["since"].date ?? since)
      try await writer.update(entity, other.id, version: nil, ["until": .date(until)], input: .code)
    }
  }

  /// The person's present address becomes that of the stay.
  private static func settle(_ id: Int64, _ event: RecordEvent, _ writer: Records) async throws {
    let person = try await writer.get("person", id, columns: ["address_id", "room_id", "division_code"])
    var changes: [String: Value] = [:]
    for name in ["address_id", "room_id", "division_code"] {
      let value = event.after[name] ?? .null
      if person[name] != value { changes[name] = value }
    }
    if !changes.isEmpty { try await writer.update("person", id, version: nil, changes, input: .code) }
  }

  /// Who has left and is known nowhere else has no present address.
  private static func leave(_ id: Int64, _ address: Value, _ writer: Records) async throws {
    let person = try await writer.get("person", id, columns: ["address_id"])
    guard person["address_id"] == address, try await current(of: id, writer).isEmpty else { return }
    try await writer.update("person", id, version: nil, ["address_id": .null, "room_id": .null], input: .code)
  }

  private static func current(of person: Int64, _ records: Records) async throws -> [Record] {
    try await records.list(
      ListQuery(
        entity,
        filters: [
          ListFilter("person_id", .equals(.integer(person))), ListFilter("state", .equals(.text("confirmed"))),
          ListFilter("until", .empty(true)),
        ], columns: ["address_id", "since"], limit: 50)
    ).records
  }

  // MARK: From the person to the stay

  /// An address entered with the person is a stay; one taken away ends it.
  private static func move(_ event: RecordEvent, _ records: Records) async throws {
    let writer = try records.entrusted(with: [entity, "person"])
    let stays = try await current(of: event.id, writer)
    let today = records.store.clock.today()
    guard let address = event.after["address_id"]?.integer else {
      for stay in stays {
        let until = max(today, stay["since"].date ?? today)
        try await writer.update(entity, stay.id, version: nil, ["until": .date(until)], input: .code)
      }
      return
    }
    if stays.contains(where: { $0["address_id"].integer == address }) { return }
    let residency = event.after["residency"] ?? .null
    let isOwn = ["registered", "permanent"].contains(residency.text)
    var since = today
    // The day of coming is that of the first address; who moves within the city moves today.
    if event.kind == .created, let came = event.after["moved_in_on"]?.date { since = min(came, today) }
    var values: [String: Value] = [
      "person_id": .integer(event.id), "address_id": .integer(address), "kind": residency, "since": .date(since),
      "basis": .text(isOwn ? "own" : "other"), "confirmed_on": .date(today), "state": .text("confirmed"),
      "division_code": event.after["division_code"] ?? .null,
    ]
    if let room = event.after["room_id"], !room.isNull { values["room_id"] = room }
    try await writer.insert(entity, values, input: .code)
  }

  // MARK: Its name

  private static func label(person: Value, address: Value, _ records: Records) async throws -> Value {
    guard let person = person.integer, let address = address.integer, let transaction = records.transaction else {
      return .null
    }
    let register = try records.store.entity("person")
    try await TransactionSettings.apply(
      .system, [(entity: register, permission: Permission("person", "view"))], in: transaction)
    guard
      let row = try await transaction.query(
        """
        select p.name || ' · ' || coalesce(a.road || coalesce(a.house_number, ''), a.compound, a.full_name) as label
        from person p, address a where p.id = \(person) and a.id = \(address)
        """
      ).first
    else { return .null }
    return .text(String(try row.get("label", as: String.self).prefix(120)))
  }
}
