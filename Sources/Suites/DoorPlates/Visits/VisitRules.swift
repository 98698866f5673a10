import Access
import Core
package import Entities
package import Messaging
import SQL

/// What the registers of visits (走访登记, 被访确认) fill in and refuse by themselves, however they are written.
///
/// A visit is filed for good: only what the household says of it, and that it was corrected, is noted beside it.
package final class VisitRules: Sendable {
  package static let entity = "duty_visit"
  package static let confirmation = "visit_confirmation"

  /// What may still become of a visit.
  static let notes: Set<String> = [
    "confirmation", "confirmed_at", "confirmed_points", "is_unannounced", "is_corrected",
  ]

  private let parts = Later<(parameters: Parameters, messages: MessageCenter)>("visits")

  package init() {}

  package func begin(parameters: Parameters, messages: MessageCenter) {
    parts.begin((parameters, messages))
  }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(VisitRules.entity) { [self] drafts, records in
      for index in drafts.indices where drafts[index].refusal == nil { try await fill(&drafts[index], records) }
    }
    hooks.beforeUpdate(VisitRules.entity) { changes, _ in
      for index in changes.indices where !Set(changes[index].changes.keys).isSubset(of: VisitRules.notes) {
        changes[index].refuse(VisitRules.kept)
      }
    }
    for entity in [VisitRules.entity, VisitRules.confirmation] {
      hooks.beforeDelete(entity) { _, _ in throw VisitRules.kept }
    }
    hooks.beforeUpdate(VisitRules.confirmation) { changes, _ in
      for index in changes.indices { changes[index].refuse(VisitRules.kept) }
    }
    hooks.after(VisitRules.entity) { [self] events, records in
      for event in events where event.kind == .created { try await follow(event, records) }
    }
    hooks.after(VisitRules.confirmation) { events, records in
      for event in events where event.kind == .created { try await VisitRules.note(event, records) }
    }
  }

  private static let kept = Refusal(.conflict, "visit-kept", "走访记录已备案，不能修改或删除，没有改动。写错的请用“更正”另记一条。")

  private static let foreignAddress = Refusal(
    .notFound, "address-unknown", "没有这个地址，或它不在您的责任区，没有登记。请核对门牌上的编码。", field: "address_id")

  /// For how many days a household may answer.
  func answerDays() throws -> Int { Int(try parts.known().parameters.integer("duty_visit.answer_days")) }

  // MARK: Entering

  private func fill(_ draft: inout RecordDraft, _ records: Records) async throws {
    guard let id = draft["address_id"].integer else { return }
    if records.principal.kind != .system, try await !records.reaches("address", id) {
      return draft.refuse(VisitRules.foreignAddress)
    }
    let address = try await records.asSystem.get(
      "address", id,
      columns: ["code", "full_name", "division_code", "police_station_id", "beat", "location", "status"])
    guard address["status"].text != "cancelled" else {
      return draft.refuse(
        Refusal(.unprocessable, "address-cancelled", "这个地址已经注销，没有登记走访。请用现在的门牌。", field: "address_id"))
    }
    for name in ["code", "full_name", "division_code", "police_station_id", "beat"] { draft[name] = address[name] }
    draft["officer_id"] = records.principal.id > 0 ? .integer(records.principal.id) : .null
    draft["unit_id"] = records.principal.unit.map { .integer($0.id) } ?? .null
    draft["received_at"] = .instant(records.store.clock.now())
    if draft["visited_at"].isNull { draft["visited_at"] = draft["received_at"] }
    let parameters = try parts.known().parameters
    if try parameters.boolean("duty_visit.position_required"), draft["position"].isNull {
      draft.refuse(
        Refusal(.unprocessable, "field-required", "走访登记要有现场位置。请按“用我的位置”，或在地图上选。", field: "position"))
    }
    if try parameters.boolean("duty_visit.photo_required"), draft["photo"].isBlank {
      draft.refuse(Refusal(.unprocessable, "field-required", "请拍一张现场照片。", field: "photo"))
    }
    let distance = GroundLength.distance(draft["position"], address["location"])
    draft["deviation"] = distance.map(GroundLength.metres) ?? .null
    let near = Double(try parameters.integer("duty_visit.distance_metres"))
    draft["is_far"] = .boolean((distance ?? 0) > near)
    let isMet = draft["result"].text == "met"
    let isRequired = try parameters.boolean("duty_visit.confirm_required")
    let isDue = isMet && (isRequired || draft["ask_confirmation"].boolean == true)
    draft["ask_confirmation"] = .boolean(isDue)
    draft["confirmation"] = .text(isDue ? "waiting" : "none")
    draft["confirmed_points"] = isDue ? .integer(0) : .null
    if let earlier = draft["correction_of_id"].integer { try await correct(earlier, &draft, records) }
  }

  /// A correction stands for the visit that it corrects: the same address and officer, once. What the household was asked
  /// before it is asked again, and a dispute is answered in the note.
  private func correct(_ earlier: Int64, _ draft: inout RecordDraft, _ records: Records) async throws {
    guard let transaction = records.transaction else { throw Fault("visit-without-transaction") }
    // Held until the end, so that of two corrections at once the second sees the first, and neither overtakes an answer.
    try await TransactionSettings.apply(
      .system,
      [
        (
          entity: try records.store.entity(VisitRules.entity), permission: Permission(VisitRules.entity, "view")
        )
      ], in: transaction)
    _ = try await transaction.query("select id from duty_visit where id = \(earlier) for update")
    let visit = try await records.asSystem.get(
      VisitRules.entity, earlier, columns: ["officer_id", "address_id", "is_corrected", "visited_at", "confirmation"])
    guard visit["officer_id"] == draft["officer_id"] else {
      return draft.refuse(Refusal(.forbidden, "visit-foreign", "只有走访人可以更正自己的走访，没有登记。"))
    }
    guard visit["is_corrected"].boolean != true else {
      return draft.refuse(Refusal(.conflict, "visit-corrected", "这次走访已经更正过，没有重复登记。请更正最近的一条。"))
    }
    guard visit["address_id"] == draft["address_id"] else {
      return draft.refuse(
        Refusal(.unprocessable, "visit-elsewhere", "更正不能换地址，没有登记。登错地址的，请在正确的地址另登记一次。", field: "address_id"))
    }
    draft["visited_at"] = visit["visited_at"]
    let said = visit["confirmation"].text ?? "none"
    if said == "disputed", draft["note"].isBlank {
      draft.refuse(
        Refusal(
          .unprocessable, "note-missing", "住户对这次走访有异议，没有登记更正。请在情况说明里写明核实的结果，登记后再请住户确认。",
          field: "note"))
    }
    if said != "none" {
      draft["confirmation"] = .text("waiting")
      draft["confirmed_points"] = .integer(0)
    }
  }

  // MARK: What follows

  private func follow(_ event: RecordEvent, _ records: Records) async throws {
    let system = records.asSystem
    if let earlier = event.after["correction_of_id"]?.integer {
      try await system.update(VisitRules.entity, earlier, version: nil, ["is_corrected": .boolean(true)], input: .code)
    }
    let isCorrection = event.after["correction_of_id"]?.integer != nil
    if isCorrection || event.after["result"]?.text == "met", let address = event.after["address_id"]?.integer {
      try await VisitHouseholds.recount(
        address, event, period: Int(try parts.known().parameters.integer("duty_visit.period_days")), system)
    }
    if event.after["confirmation"]?.text == "waiting" {
      try await tell("visit_to_confirm", of: event.after, [:], phones: false, key: "visit \(event.id)", records)
    }
  }

  /// Tells the household: its accounts and, where `phones` says so, the registered telephones of those who have none.
  /// A telephone that the officer registered, or that was registered after the visit, tells nobody.
  ///
  /// - Parameter except: knows of it already.
  /// - Returns: whether there was anybody to tell.
  @discardableResult
  func tell(
    _ message: String, of visit: [String: Value], _ values: [String: String], phones: Bool,
    except: PhoneNumber? = nil, key: String, _ records: Records
  ) async throws -> Bool {
    guard let transaction = records.transaction, let address = visit["address_id"]?.integer else { return false }
    let system = records.asSystem.plain
    let people = try await system.list(
      ListQuery(
        "person", filters: [ListFilter("address_id", .equals(.integer(address)))], columns: ["user_id", "phone"],
        limit: 20)
    ).records
    var recipients: [MessageRecipient] = []
    var numbers: Set<String> = except.map { [$0.text] } ?? []
    for person in people {
      if let user = person["user_id"].integer {
        if user != visit["officer_id"]?.integer { recipients.append(.user(user)) }
      } else if phones, recipients.count < VisitRules.told,
        let phone = person["phone"].text.flatMap({ PhoneNumber($0) }),
        try await HouseholdPhone.isSettled(person.id, for: visit, system), numbers.insert(phone.text).inserted
      {
        recipients.append(.phone(phone))
      }
    }
    guard !recipients.isEmpty else { return false }
    let officer = [records.principal.unit?.name, records.principal.name].compactMap(\.self).joined()
    let time = visit["visited_at"]?.instant?.display ?? ""
    try await parts.known().messages.send(
      message, to: recipients, values.merging(["officer": officer, "time": time]) { given, _ in given }, key: key,
      in: transaction)
    return true
  }

  /// How many of a household are told by its telephones at most.
  private static let told = 5

  /// What a household says stands beside the visit.
  private static func note(_ event: RecordEvent, _ records: Records) async throws {
    guard let visit = event.after["duty_visit_id"]?.integer else { return }
    let isConfirmed = event.after["answer"]?.text == "confirmed"
    let isAnnounced = event.after["is_announced"]?.boolean != false
    try await records.asSystem.update(
      entity, visit, version: nil,
      [
        "confirmation": event.after["answer"] ?? .null, "confirmed_at": event.after["said_at"] ?? .null,
        "confirmed_points": .integer(isConfirmed && isAnnounced ? 100 : 0), "is_unannounced": .boolean(!isAnnounced),
      ], input: .code)
  }
}
