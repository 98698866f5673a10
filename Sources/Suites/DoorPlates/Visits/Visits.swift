package import Access
package import Audit
package import Core
package import Entities
import Identity
package import Portal
import SQL

/// Entering visits from a telephone that may have been without a network, and what households say of them (A-031).
///
/// An officer who confirmed for a household would be noticed: a code goes only to a telephone that was registered before the
/// visit and by somebody else, codes and signatures are told to the accounts and other such telephones of the household, and
/// a signature that nobody could be told of is marked and does not count as confirmed. An account is the household's own.
package struct Visits: Sendable {
  /// Whether what was sent was entered now, or before: the queue of a telephone may send twice.
  package enum Outcome: String, Sendable { case taken, already }

  /// How a household confirms (被访确认): by its own account, by a code to its telephone, or by signing on the officer's.
  package enum Way: String, Sendable { case account, code, signature }

  let store: RecordStore
  let rules: VisitRules
  let codes: PhoneCodes

  package init(store: RecordStore, rules: VisitRules, codes: PhoneCodes) {
    self.store = store
    self.rules = rules
    self.codes = codes
  }

  // MARK: Entering

  /// The visit that a telephone has sent before under this number.
  package func known(_ client: String, by principal: Principal) async throws -> Int64? {
    let found = try await store.records(as: .system, purpose: "走访登记").find(
      VisitRules.entity, where: "client_id", equals: .text(client))
    guard let found, found["officer_id"].integer == principal.id else { return nil }
    return found.id
  }

  /// Enters a visit; the same one sent again is entered once.
  ///
  /// - Parameter values: of the fields that officers fill in.
  /// - Throws: ``Refusal``: what the register says.
  package func enter(
    _ values: [String: Value], client: String, by principal: Principal, origin: Origin = .inside
  ) async throws -> (outcome: Outcome, id: Int64) {
    if let known = try await known(client, by: principal) { return (.already, known) }
    try principal.require(Permission(VisitRules.entity, "create"), toDo: "登记走访")
    let records = store.records(as: principal, purpose: "走访登记", origin: origin)
    guard let address = values["address_id"]?.integer, try await records.reaches("address", address) else {
      throw Visits.unknownAddress
    }
    do {
      let visit = try await records.insert(
        VisitRules.entity, values.merging(["client_id": .text(client)]) { $1 }, input: .code)
      return (.taken, visit.id)
    } catch let refusal as Refusal where refusal.code == "duplicate" {
      guard let known = try await known(client, by: principal) else { throw refusal }
      return (.already, known)
    }
  }

  package static let unknownAddress = Refusal(
    .notFound, "address-unknown", "没有这个编码的地址，或它不在您的责任区，没有登记。请核对门牌上的编码。", field: "code")

  // MARK: Confirming, on the officer's telephone

  /// A visit of this officer that waits for its household.
  ///
  /// - Throws: ``Refusal`` `record-missing`, `visit-answered`.
  package func waiting(_ id: Int64, of principal: Principal) async throws -> Record {
    let visit = try await store.records(as: principal, purpose: "被访确认").get(VisitRules.entity, id)
    guard visit["officer_id"].integer == principal.id else {
      throw Refusal(.forbidden, "visit-foreign", "这次走访由别人登记，被访确认由走访人办理。")
    }
    guard visit["confirmation"].text == "waiting" else {
      throw Refusal(.conflict, "visit-answered", "这次走访不在等待确认，没有改动。请回到走访记录查看。")
    }
    return visit
  }

  /// Who of the household, within this officer's scope, has a registered telephone: name and its last four figures. Each of
  /// them sees who has looked.
  package func telephones(at visit: Record, for principal: Principal, origin: Origin = .inside) async throws
    -> [(person: Int64, name: String, tail: String)]
  {
    guard let address = visit["address_id"].integer else { return [] }
    try principal.require(Permission("person", "view"), toDo: "查看住户登记的手机")
    return try await store.transaction(as: principal, purpose: Visits.purpose(visit), origin: origin) { records in
      let people = try await records.list(
        ListQuery(
          "person", filters: [ListFilter("address_id", .equals(.integer(address)))], columns: ["name"], limit: 20)
      ).records
      let clear = try HouseholdPhone.reader(records)
      var found: [(person: Int64, name: String, tail: String)] = []
      for person in people {
        _ = try await records.get("person", person.id, columns: ["name"])
        let whole = try await clear.get("person", person.id, columns: ["name", "phone"])
        guard let number = whole["phone"].text.flatMap({ PhoneNumber($0) }) else { continue }
        found.append((person.id, whole["name"].text ?? "住户", String(number.text.suffix(4))))
      }
      return found
    }
  }

  private static func purpose(_ visit: Record) -> String { "被访确认：\(visit["code"].text ?? "")" }

  private func telephone(_ person: Int64, at visit: Record, for principal: Principal, _ origin: Origin) async throws
    -> (PhoneNumber, String)
  {
    try await store.transaction(as: principal, purpose: Visits.purpose(visit), origin: origin) { records in
      guard try await records.reaches("person", person) else { throw Visits.unknownPhone }
      _ = try await records.get("person", person, columns: ["name"])
      let found = try await HouseholdPhone.reader(records).get(
        "person", person, columns: ["name", "phone", "address_id"])
      guard found["address_id"] == visit["address_id"], let phone = found["phone"].text.flatMap({ PhoneNumber($0) })
      else { throw Visits.unknownPhone }
      guard try await HouseholdPhone.isSettled(person, for: visit.values, records) else {
        throw Refusal(
          .unprocessable, "phone-fresh",
          "这个手机号是您自己登记的，或在这次走访之后才登记，不能用来确认，没有发送。请换一位住户、当面签字，或请住户用自己的账号确认。",
          field: "person")
      }
      return (phone, found["name"].text ?? "")
    }
  }

  private static let unknownPhone = Refusal(
    .unprocessable, "phone-unknown", "这位住户没有登记手机，不能发验证码。请换一位，或当面签字。", field: "person")

  /// Sends a code to a telephone that is registered at the address.
  ///
  /// - Throws: ``Refusal`` `phone-unknown`, `phone-fresh`, `code-too-soon`.
  package func send(to person: Int64, for id: Int64, by principal: Principal, origin: Origin = .inside) async throws {
    let visit = try await waiting(id, of: principal)
    let (phone, _) = try await telephone(person, at: visit, for: principal, origin)
    let officer = [principal.unit?.name, principal.name].compactMap(\.self).joined()
    try await codes.send(.visit, to: phone, subject: String(id), isWanted: true, values: ["officer": officer])
  }

  /// Enters the code that the household told; the others of the household are told.
  package func confirm(_ id: Int64, code: String, of person: Int64, by principal: Principal, origin: Origin)
    async throws
  {
    let visit = try await waiting(id, of: principal)
    let (phone, name) = try await telephone(person, at: visit, for: principal, origin)
    try await codes.redeem(.visit, code, phone: phone, subject: String(id))
    try await store.transaction(as: principal, purpose: "被访确认", origin: origin) { records in
      try await file(
        id, ["way": .text(Way.code.rawValue), "signer": .text(name), "phone": .text(phone.text)], records)
      try await rules.tell(
        "visit_coded", of: visit.values, ["signer": Masking.masked(.text(name), by: .name).text ?? ""], phones: true,
        except: phone, key: "visit-coded \(id)", records)
    }
  }

  /// Enters what somebody of the household signed on the officer's telephone; the household is told, or the signature is
  /// marked as one that nobody was told of.
  ///
  /// - Parameter signature: its key in the file store.
  package func confirm(_ id: Int64, signer: String, signature: String?, by principal: Principal, origin: Origin)
    async throws
  {
    let visit = try await waiting(id, of: principal)
    guard !signer.isEmpty else {
      throw Refusal(.invalid, "field-required", "请填写签字人的姓名。", field: "signer")
    }
    guard let signature else {
      throw Refusal(.invalid, "field-required", "请住户在方框里签字，或拍下手写的签字。", field: "signature")
    }
    let values: [String: Value] = [
      "way": .text(Way.signature.rawValue), "signer": .text(signer), "signature": .text(signature),
    ]
    try await store.transaction(as: principal, purpose: "被访确认", origin: origin) { records in
      let isTold = try await rules.tell(
        "visit_signed", of: visit.values, ["signer": Masking.masked(.text(signer), by: .name).text ?? ""],
        phones: true, key: "visit-signed \(id)", records)
      try await file(id, values.merging(["is_announced": .boolean(isTold)]) { $1 }, records)
    }
  }

  /// One answer at a time: the visit is locked and has to wait still; only a household's own account may say otherwise
  /// afterwards, once.
  private func file(_ id: Int64, _ values: [String: Value], _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("visit-without-transaction") }
    try await TransactionSettings.apply(
      .system, [(entity: try store.entity(VisitRules.entity), permission: Permission(VisitRules.entity, "view"))],
      in: transaction)
    let row = try await transaction.query(
      "select confirmation, is_corrected, division_code, unit_id, officer_id from duty_visit where id = \(id) for update"
    ).first
    let isByAccount = values["way"]?.text == Way.account.rawValue
    let isDispute = isByAccount && values["answer"]?.text == "disputed"
    let open: Set<String> = isDispute ? ["waiting", "confirmed"] : ["waiting"]
    guard let row, try open.contains(row.get("confirmation", as: String.self)),
      try row.get("is_corrected", as: Bool?.self) != true
    else {
      throw Refusal(.conflict, "visit-answered", "住户刚刚答复过这次走访，没有改动。请刷新后查看。")
    }
    let writer = try records.entrusted(with: [VisitRules.confirmation, VisitRules.entity])
    try await writer.insert(
      VisitRules.confirmation,
      [
        "duty_visit_id": .integer(id), "answer": .text("confirmed"),
        "said_at": .instant(store.clock.now()),
        "division_code": try row.get("division_code", as: String?.self).map { .text($0) } ?? .null,
        "unit_id": try row.get("unit_id", as: Int64?.self).map { .integer($0) } ?? .null,
        "officer_id": try row.get("officer_id", as: Int64?.self).map { .integer($0) } ?? .null,
      ].merging(values) { $1 }, input: .code)
  }

  // MARK: Answering, by the household's own account

  /// Where somebody lives, and since which day they may answer for it.
  private struct Home: Sendable {
    let address: Int64
    let first: CivilDate

    func covers(_ visit: Record) -> Bool {
      visit["address_id"].integer == address
        && (visit["visited_at"].instant?.chinaTime.date).map { $0 >= first } == true
    }
  }

  /// Visits to where this person lives that wait or were answered in the last while, the latest first; one that was
  /// corrected is left out unless the household disputed it.
  package func mine(_ principal: Principal) async throws -> [Record] {
    guard let home = try await home(of: principal) else { return [] }
    let found = try await store.records(as: .system, purpose: "住户查看走访").list(
      ListQuery(
        VisitRules.entity,
        filters: [
          ListFilter("address_id", .equals(.integer(home.address))),
          ListFilter("confirmation", .oneOf(["waiting", "confirmed", "disputed"].map { .text($0) })),
        ], sort: [.init(field: "visited_at", descending: true)],
        columns: [
          "number", "full_name", "address_id", "officer_id", "unit_id", "visited_at", "result", "confirmation",
          "confirmed_at", "is_corrected",
        ],
        limit: 60)
    ).records
    let shown = found.filter {
      home.covers($0) && ($0["is_corrected"].boolean != true || $0["confirmation"].text == "disputed")
    }
    return Array(shown.prefix(20))
  }

  private func home(of principal: Principal) async throws -> Home? {
    guard principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再确认走访。")
    }
    let name = try await store.database.transaction { transaction in
      try await RealName.of(user: principal.id, in: transaction)
    }
    guard let name, let address = name.address else { return nil }
    let stays = try await store.records(as: .system, purpose: "住户查看走访").list(
      ListQuery(
        "residence",
        filters: [
          ListFilter("person_id", .equals(.integer(name.person))), ListFilter("address_id", .equals(.integer(address))),
          ListFilter("until", .empty(true)), ListFilter("state", .equals(.text("confirmed"))),
        ], columns: ["since"], limit: 5)
    ).records
    guard let since = stays.compactMap({ $0["since"].date }).min() else { return nil }
    return Home(address: address, first: max(since, store.clock.today().adding(days: -(try rules.answerDays()))))
  }

  /// Enters what somebody who lives there says: it was so, or not.
  ///
  /// - Throws: ``Refusal`` `record-missing`, `visit-own`, `note-missing`.
  package func answer(_ id: Int64, isSo: Bool, note: String, by principal: Principal, origin: Origin) async throws {
    let home = try await home(of: principal)
    let visit = try await store.records(as: .system, purpose: "住户确认走访").list(
      ListQuery(
        VisitRules.entity, filters: [ListFilter("id", .equals(.integer(id)))],
        columns: ["address_id", "officer_id", "confirmation", "visited_at"], limit: 1)
    ).records.first
    guard let visit, let home, home.covers(visit), visit["confirmation"].text != "none" else {
      throw Refusal(.notFound, "record-missing", "没有找到这次走访，或它不是在您住在这里的时候，或已过了答复的期限。仍有异议的，请向派出所反映。")
    }
    guard visit["officer_id"].integer != principal.id else {
      throw Refusal(.forbidden, "visit-own", "走访人不能替住户确认自己的走访。")
    }
    guard isSo || !note.isEmpty else {
      throw Refusal(.invalid, "note-missing", "请写明有什么异议，便于派出所核实。", field: "note")
    }
    var values: [String: Value] = [
      "way": .text(Way.account.rawValue), "answer": .text(isSo ? "confirmed" : "disputed"),
      "signer": .text(String(principal.name.prefix(60))), "by_user_id": .integer(principal.id),
    ]
    if !note.isEmpty { values["note"] = .text(String(note.prefix(500))) }
    try await store.transaction(as: principal, purpose: "被访确认", origin: origin) { [values] records in
      try await file(id, values, records)
    }
  }
}
