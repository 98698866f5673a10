package import Access
package import Audit
package import Core
package import Entities
import SQL

/// What an auxiliary or officer finds at a door (上门核对, A-180): who still lives there, who has gone, who is new. Whoever is new
/// waits for an officer's review; everything is a row of the register of stays, and nobody is entered twice.
package struct HouseholdCheck: Sendable {
  package static let entity = "household_check"

  /// What was found of somebody who is registered there: still there (仍在), or gone (已搬离).
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

  /// What became of a submission. Marks of stays that were written after the check are left out (`skipped`).
  package enum Outcome: Sendable, Hashable {
    case taken(skipped: Int)
    case already
  }

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  /// The stays at an address that go on or wait for review, as the reader may see them. Everybody named sees who has looked;
  /// whom the reader's scope does not reach is not named.
  ///
  /// - Parameter code: of the address, for the purpose.
  package func stays(at address: Int64, code: String, for principal: Principal, origin: Origin = .inside) async throws
    -> [Record]
  {
    let records = store.records(as: principal, purpose: "上门核对：\(code)", origin: origin)
    var stays = try await records.list(
      ListQuery(
        ResidenceRules.entity,
        filters: [
          ListFilter("address_id", .equals(.integer(address))), ListFilter("until", .empty(true)),
          ListFilter("state", .oneOf([.text("confirmed"), .text("submitted")])),
        ], sort: [.init(field: "since", descending: false)],
        columns: ["person_id", "kind", "relation", "since", "confirmed_on", "state"], limit: 60)
    ).records
    for index in stays.indices {
      guard let person = stays[index]["person_id"].integer else { continue }
      do {
        _ = try await records.get("person", person, columns: ["name"])
      } catch let refusal as Refusal where ["record-missing", "permission-missing"].contains(refusal.code) {
        stays[index].titles["person_id"] = nil
      }
    }
    return stays
  }

  /// Whether this submission of this person has been taken before.
  package func isKnown(_ client: String, by principal: Principal) async throws -> Bool {
    let found = try await store.records(as: .system, purpose: "上门核对").find(
      HouseholdCheck.entity, where: "client_id", equals: .text(client))
    return found.map { $0["checked_by"].integer == principal.id } ?? false
  }

  /// Enters what was found at one door; the same one sent again, also at the same time, is entered once. What a telephone
  /// kept for days counts for the day of the check, and does not overwrite a stay that was written since.
  ///
  /// - Parameter values: the address, and when the check was made (`checked_at`).
  /// - Throws: ``Refusal`` `check-empty`, `stay-gone` for a stay that had ended before the check or was sent back,
  ///   `field-required` and what the registers say.
  package func submit(
    _ values: [String: Value], marks: [Int64: Mark], newcomer: Newcomer?, client: String, by principal: Principal,
    origin: Origin = .inside
  ) async throws -> Outcome {
    if try await isKnown(client, by: principal) { return .already }
    try principal.require(Permission(HouseholdCheck.entity, "create"), toDo: "上门核对")
    guard let address = values["address_id"]?.integer,
      try await store.records(as: principal, origin: origin).reaches("address", address)
    else {
      throw Refusal(.notFound, "address-unknown", "没有这个地址，或它不在您的责任区，没有登记。", field: "code")
    }
    guard !marks.isEmpty || newcomer != nil else {
      throw Refusal(.invalid, "check-empty", "请至少核对一个人，或填写一位新住户。", field: "name")
    }
    do {
      return try await take(values, at: address, marks, newcomer, client, principal, origin)
    } catch let refusal as Refusal {
      // The same submission may have come in twice at once, and changed the stays already.
      if try await isKnown(client, by: principal) { return .already }
      throw refusal
    }
  }

  private func take(
    _ values: [String: Value], at address: Int64, _ marks: [Int64: Mark], _ newcomer: Newcomer?, _ client: String,
    _ principal: Principal, _ origin: Origin
  ) async throws -> Outcome {
    let now = store.clock.now()
    let time = min(values["checked_at"]?.instant ?? now, now)
    return try await store.transaction(as: principal, purpose: "上门核对", origin: origin) { records in
      let writer = try records.entrusted(with: ["person", ResidenceRules.entity, "address", HouseholdCheck.entity])
      let place = try await writer.get(
        "address", address, columns: ["code", "full_name", "division_code", "police_station_id"])
      var stays: [(stay: Record, mark: Mark)] = []
      for (id, mark) in marks.sorted(by: { $0.key < $1.key }) {
        if let stay = try await stay(id, at: address, time, writer) { stays.append((stay, mark)) }
      }
      var made = values
      for name in ["code", "full_name", "division_code", "police_station_id"] { made[name] = place[name] }
      made.merge([
        "client_id": .text(client), "confirmed": .integer(Int64(stays.count { $0.mark == .confirmed })),
        "gone": .integer(Int64(stays.count { $0.mark == .gone })), "new": .integer(newcomer == nil ? 0 : 1),
        "skipped": .integer(Int64(marks.count - stays.count)),
        "checked_by": .integer(principal.id), "checked_at": .instant(time), "received_at": .instant(now),
      ]) { _, ours in ours }
      // Its number is unique: whoever sends the same again waits here, and changes nothing.
      try await writer.insert(HouseholdCheck.entity, made.filter { !$0.value.isNull }, input: .code)
      for (stay, mark) in stays { try await apply(mark, to: stay, on: time.chinaTime.date, writer) }
      if let newcomer { try await enter(newcomer, at: place, writer) }
      return .taken(skipped: marks.count - stays.count)
    }
  }

  /// The stay that was checked at `time`; `nil` when it was written since.
  private func stay(_ id: Int64, at address: Int64, _ time: Instant, _ writer: Records) async throws -> Record? {
    let stay = try await writer.get(
      ResidenceRules.entity, id, columns: ["address_id", "until", "since", "state", "confirmed_on"])
    guard stay["address_id"].integer == address else { throw HouseholdCheck.stayGone }
    if stay.updatedAt > time { return nil }
    if let confirmed = stay["confirmed_on"].date, confirmed > time.chinaTime.date { return nil }
    guard stay["until"].isNull, ["confirmed", "submitted"].contains(stay["state"].text) else {
      throw HouseholdCheck.stayGone
    }
    return stay
  }

  private static let stayGone = Refusal(
    .conflict, "stay-gone", "名单里有人的居住登记刚被改过，没有登记。请重新打开名单核对。")

  private func apply(_ mark: Mark, to stay: Record, on day: CivilDate, _ writer: Records) async throws {
    let changes: [String: Value] =
      switch mark {
      case .confirmed: ["confirmed_on": .date(day)]
      case .gone: ["until": .date(max(day, stay["since"].date ?? day))]
      }
    try await writer.update(ResidenceRules.entity, stay.id, version: stay.version, changes, input: .code)
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
