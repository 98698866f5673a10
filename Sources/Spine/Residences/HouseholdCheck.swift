package import Access
package import Audit
package import Core
package import Entities
import SQL

/// What an auxiliary or officer finds at a door (上门核对, A-180): who still lives there, who has gone, who is new. Whoever is new
/// waits for an officer's review; everything is a row of the register of stays, and nobody is entered twice.
package struct HouseholdCheck: Sendable {
  package static let entity = "household_check"

  package enum Mark: String, Sendable { case confirmed, gone }

  /// Somebody new, as the form sends it: fields of the register of population, and the day of coming.
  package struct Newcomer: Sendable {
    package let values: [String: Value]
    package let since: CivilDate

    package init(values: [String: Value], since: CivilDate) {
      self.values = values
      self.since = since
    }
  }

  package enum Outcome: String, Sendable { case taken, already }

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// The stays at an address that go on or wait for review, as the reader may see them.
  package func stays(at address: Int64, for principal: Principal, origin: Origin = .inside) async throws -> [Record] {
    try await store.records(as: principal, purpose: "上门核对", origin: origin).list(
      ListQuery(
        ResidenceRules.entity,
        filters: [
          ListFilter("address_id", .equals(.integer(address))), ListFilter("until", .empty(true)),
          ListFilter("state", .oneOf([.text("confirmed"), .text("submitted")])),
        ], sort: [.init(field: "since", descending: false)],
        columns: ["person_id", "kind", "relation", "since", "confirmed_on", "state"], limit: 60)
    ).records
  }

  /// Whether this submission has been taken before.
  package func isKnown(_ client: String) async throws -> Bool {
    try await store.records(as: .system, purpose: "上门核对").find(
      HouseholdCheck.entity, where: "client_id", equals: .text(client)) != nil
  }

  /// Enters what was found at one door, all of it or nothing; the same one sent again is entered once.
  ///
  /// - Throws: ``Refusal`` `check-empty`, `stay-gone` when somebody else changed a stay meanwhile, `field-required` and what
  ///   the registers say.
  package func submit(
    _ values: [String: Value], marks: [Int64: Mark], newcomer: Newcomer?, client: String, by principal: Principal,
    origin: Origin = .inside
  ) async throws -> Outcome {
    if try await isKnown(client) { return .already }
    try principal.require(Permission(HouseholdCheck.entity, "create"), toDo: "上门核对")
    guard let address = values["address_id"]?.integer,
      try await store.records(as: principal, origin: origin).reaches("address", address)
    else {
      throw Refusal(.notFound, "address-unknown", "没有这个地址，或它不在您的责任区，没有登记。", field: "code")
    }
    guard !marks.isEmpty || newcomer != nil else {
      throw Refusal(.invalid, "check-empty", "请至少核对一个人，或填写一位新住户。", field: "name")
    }
    return try await store.transaction(as: principal, purpose: "上门核对", origin: origin) { records in
      let writer = try records.entrusted(with: ["person", ResidenceRules.entity, "address", HouseholdCheck.entity])
      let place = try await writer.get(
        "address", address, columns: ["code", "full_name", "division_code", "police_station_id"])
      for (id, mark) in marks.sorted(by: { $0.key < $1.key }) { try await apply(mark, to: id, at: address, writer) }
      if let newcomer { try await enter(newcomer, at: place, writer) }
      var made = values
      for name in ["code", "full_name", "division_code", "police_station_id"] { made[name] = place[name] }
      made.merge([
        "client_id": .text(client), "confirmed": .integer(Int64(marks.count { $0.value == .confirmed })),
        "gone": .integer(Int64(marks.count { $0.value == .gone })), "new": .integer(newcomer == nil ? 0 : 1),
        "checked_by": .integer(principal.id), "received_at": .instant(store.clock.now()),
      ]) { _, ours in ours }
      try await writer.insert(HouseholdCheck.entity, made.filter { !$0.value.isNull }, input: .code)
      return .taken
    }
  }

  private func apply(_ mark: Mark, to id: Int64, at address: Int64, _ writer: Records) async throws {
    let stay = try await writer.get(ResidenceRules.entity, id, columns: ["address_id", "until", "since", "state"])
    guard stay["address_id"].integer == address, stay["until"].isNull else {
      throw Refusal(.conflict, "stay-gone", "名单里有人的居住登记刚被改过，没有登记。请重新打开名单核对。")
    }
    let today = store.clock.today()
    switch mark {
    case .confirmed:
      try await writer.update(
        ResidenceRules.entity, id, version: nil, ["confirmed_on": .date(today)], input: .code)
    case .gone:
      let until = max(today, stay["since"].date ?? today)
      try await writer.update(ResidenceRules.entity, id, version: nil, ["until": .date(until)], input: .code)
    }
  }

  private func enter(_ newcomer: Newcomer, at place: Record, _ writer: Records) async throws {
    func value(_ name: String) -> Value { newcomer.values[name] ?? .null }
    let isResidentID = value("document_kind").text == "resident_id"
    let due = isResidentID ? ["resident_id"] : ["document_number", "sex", "birth_date"]
    for name in due where value(name).isBlank {
      let label = store.catalog.entity("person")?.field(name)?.label ?? name
      throw Refusal(.invalid, "field-required", "新住户请填写\(label)，按证件核对。", field: name)
    }
    let settlement = Settlement(
      name: value("name"), documentKind: value("document_kind"), residentID: value("resident_id"),
      documentNumber: value("document_number"), sex: value("sex"), birthDate: value("birth_date"),
      phone: value("phone"), division: place["division_code"], address: .integer(place.id),
      since: .date(newcomer.since),
      nameField: "name")
    let person = try await settlement.person(writer)
    _ = try await settlement.stay(
      of: person, ["basis": .text("other"), "state": .text("submitted"), "source_kind": .text("grid")],
      isBetter: false, writer)
  }
}
