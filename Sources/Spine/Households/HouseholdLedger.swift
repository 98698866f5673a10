import Access
import Core
package import Entities
package import SQL

/// 户籍变动台账: a line for every person and household whose registration a completed case changed, with what stood
/// before and after (C-469, C-472, C-473).
///
/// While a case is carried out, hooks note whom it touches and at which version each stood; the lines are worked out once,
/// when all its changes are made, from these versions and what stands then. What officers change by hand in the two
/// registers is noted too, each change a line.
package enum HouseholdLedger {
  package static let entity = "household_change"

  /// What makes a person's registration: a case that leaves all of it as it was has changed nothing.
  static let personFacts = [
    "name", "former_name", "sex", "birth_date", "ethnicity", "document_kind", "resident_id", "document_number",
    "household_number", "relation_to_head", "registered_division", "registered_address", "registration_ended_on",
    "registration_end_reason", "deceased_on", "residency", "education", "marital_status", "military_service",
    "employer_name", "occupation", "religion", "native_place", "birth_place", "height", "blood_type", "other_address",
  ]

  /// The same of a household. Its number of people follows from theirs.
  static let householdFacts = [
    "kind", "head_name", "head_resident_id", "address_id", "address_text", "division_code", "unit_id", "state",
    "cancelled_on", "cancel_reason",
  ]

  /// Of what officers change by hand, only what moves somebody or a household is a change of registration.
  private static let byHand: [String: [String]] = [
    HouseholdBook.person: [
      "name", "sex", "birth_date", "ethnicity", "resident_id", "household_number", "relation_to_head",
      "registered_address", "registration_ended_on", "deceased_on",
    ],
    HouseholdBook.entity: ["kind", "head_name", "head_resident_id", "address_id", "address_text", "state"],
  ]

  static func facts(of register: String) -> [String] {
    register == HouseholdBook.person ? personFacts : householdFacts
  }

  /// Everything that a case may have changed of a record, and that is put back with it: besides the facts of registration
  /// also whose scope somebody is in, since when, and what was noted. A household's number of people is counted anew.
  static func kept(of register: String, _ catalog: Catalog) -> [String] {
    (catalog.entity(register)?.fields ?? []).filter { $0.isStored && $0.name != "member_count" }.map(\.name)
  }

  /// A completed case, as the ledger names it.
  package struct Case: Sendable {
    package let id: Int64
    package let number: String
    package let item: String
    /// A code of `household_change_kind`.
    package let kind: String
    package let division: String
    package let unit: Int64
    package let officer: Int64?

    package init(
      id: Int64, number: String, item: String, kind: String, division: String, unit: Int64, officer: Int64?
    ) {
      self.id = id
      self.number = number
      self.item = item
      self.kind = kind
      self.division = division
      self.unit = unit
      self.officer = officer
    }
  }

  // MARK: Noting

  /// Where a transaction keeps whom its case touched: `open person:12:3 household:4:0`, the version before, 0 for none.
  private static let setting = "lifang.household_changes"

  package static func addHooks(to hooks: inout RecordHooks) {
    for register in [HouseholdBook.person, HouseholdBook.entity] {
      hooks.after(register) { events, records in try await note(events, register, records) }
    }
  }

  private static func note(_ events: [RecordEvent], _ register: String, _ records: Records) async throws {
    guard let transaction = records.transaction else { return }
    func alters(_ event: RecordEvent, _ facts: [String]) -> Bool {
      facts.contains { event.before[$0] ?? .null != event.after[$0] ?? .null }
    }
    // Of a case any change counts: what stood before its first one is what is put back.
    let kept = kept(of: register, records.store.catalog)
    let changed = events.filter { $0.kind == .created || $0.kind != .deleted && alters($0, kept) }
    guard !changed.isEmpty else { return }
    if var touched = try await touched(in: transaction) {
      for event in changed where !touched.contains(where: { $0.register == register && $0.id == event.id }) {
        let version =
          event.kind == .created ? 0 : try await records.asSystem.plain.get(register, event.id).version - 1
        touched.append(Touched(register: register, id: event.id, version: version))
      }
      try await keep(touched, in: transaction)
      return
    }
    for event in changed where event.kind == .updated && alters(event, byHand[register] ?? []) {
      if register == HouseholdBook.person, event.before["household_number"]?.isBlank != false,
        event.after["household_number"]?.isBlank != false
      {
        continue
      }
      try await enterByHand(event, register, records)
    }
  }

  struct Touched: Sendable, Hashable {
    let register: String
    let id: Int64
    /// The version that stood before; 0 for a record that the case made.
    let version: Int
  }

  private static func touched(in transaction: Transaction) async throws -> [Touched]? {
    let kept = try await transaction.query("select coalesce(current_setting(\(setting), true), '') as kept").first?
      .get("kept", as: String.self)
    guard let kept, !kept.isEmpty else { return nil }
    return kept.split(separator: " ").dropFirst().compactMap { item in
      let parts = item.split(separator: ":")
      guard parts.count == 3, let id = Int64(parts[1]), let version = Int(parts[2]) else { return nil }
      return Touched(register: String(parts[0]), id: id, version: version)
    }
  }

  private static func keep(_ touched: [Touched]?, in transaction: Transaction) async throws {
    let text = touched.map { (["open"] + $0.map { "\($0.register):\($0.id):\($0.version)" }).joined(separator: " ") }
    _ = try await transaction.query("select set_config(\(setting), \(text ?? ""), true)")
  }

  // MARK: A case

  /// From here on the changes of this transaction are those of one case.
  package static func begin(in transaction: Transaction) async throws { try await keep([], in: transaction) }

  /// Enters a line for each person and household that the case changed.
  ///
  /// - Parameter records: inside the transaction of ``begin(in:)``, with every right on the ledger.
  package static func close(_ origin: Case, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("ledger-transaction", entity) }
    let touched = try await touched(in: transaction) ?? []
    try await keep(nil, in: transaction)
    let reader = records.asSystem
    var before: [Touched: Record] = [:]
    for one in touched where one.version > 0 {
      before[one] = try await version(one.version, of: one.register, one.id, reader)
    }
    let households = touched.filter { $0.register == HouseholdBook.entity }
    let book = LedgerHouseholds(
      former: Dictionary(
        households.compactMap { one in
          before[one].flatMap { record in record["number"].text.map { ($0, record) } }
        }, uniquingKeysWith: { first, _ in first }), reader: reader)
    for one in touched {
      let after = try await reader.get(one.register, one.id)
      let line = LedgerLine(register: one.register, before: before[one], after: after)
      guard line.changesAnything else { continue }
      var values = try await line.values(book, kind: origin.kind)
      values["service_case_id"] = .integer(origin.id)
      values["case_number"] = .text(origin.number)
      values["item_label"] = .text(origin.item)
      values["division_code"] = .text(origin.division)
      values["unit_id"] = .integer(origin.unit)
      values["officer_id"] = origin.officer.map { .integer($0) } ?? .null
      // As the system: a line refers to the case, which the writer of registers has no say over.
      let made = try await reader.insert(entity, values.filter { !$0.value.isNull }, input: .code)
      try await enter(line, of: made.id, records)
    }
  }

  // MARK: Items of the card

  /// 登记项目变更.
  package static let item = "household_change_item"

  /// The items that a line's card records. Whether each is printed is asked of 变更打印控制 when a card is.
  private static func enter(_ line: LedgerLine, of change: Int64, _ records: Records) async throws {
    let items = line.items(records.store.catalog)
    guard !items.isEmpty else { return }
    for item in items {
      var values = item.values
      values["\(entity)_id"] = .integer(change)
      values["officer_name"] = records.principal.kind == .user ? .text(records.principal.name) : .null
      values["changed_on"] = .date(records.store.clock.now().chinaTime.date)
      try await records.asSystem.insert(self.item, values.filter { !$0.value.isNull }, input: .code)
    }
  }

  /// A record as a version of it stood.
  static func version(_ version: Int, of register: String, _ id: Int64, _ reader: Records) async throws -> Record? {
    try await reader.versions(register, id).first { $0.record.version == version }?.record
  }

  // MARK: By hand

  private static func enterByHand(_ event: RecordEvent, _ register: String, _ records: Records) async throws {
    let reader = records.asSystem
    let after = try await reader.get(register, event.id)
    guard let before = try await version(after.version - 1, of: register, event.id, reader) else { return }
    let former =
      register == HouseholdBook.entity ? before["number"].text.map { [$0: before] } ?? [:] : [:]
    let book = LedgerHouseholds(former: former, reader: reader)
    let line = LedgerLine(register: register, before: before, after: after)
    var values = try await line.values(book, kind: "edit")
    let home = try await book.now(line.household)
    guard let unit = home?["unit_id"].integer ?? records.principal.unit?.id else { return }
    let division = home?["division_code"] ?? after["registered_division"]
    values["division_code"] = division.isBlank ? after["division_code"] : division
    values["unit_id"] = .integer(unit)
    values["officer_id"] = records.principal.kind == .user ? .integer(records.principal.id) : .null
    let made = try await reader.insert(entity, values.filter { !$0.value.isNull }, input: .code)
    try await enter(line, of: made.id, records)
  }
}
