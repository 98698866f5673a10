import Access
package import Core
package import Entities
import Identity
import SQL

/// Batch tasks (批量任务) that find their station and complete by themselves (C-523, C-526).
///
/// Everything is read from the register of persons: completed cases change it (`outcomes`), officers and imports do, and
/// each change completes the entries that wait for it in the same transaction.
package enum BatchTasks {
  static let entry = "batch_task_entry"

  /// Fields of a person whose change may complete an entry.
  private static let watched = [
    "deceased_on", "registered_division", "photo", "card_issued_on", "card_expires_on", "card_kind", "locked",
  ]

  /// How an entry of a kind is completed by what its person's record says: the state it comes to; `nil` leaves it open.
  ///
  /// 死亡核销: 死亡注销或锁定 · 入伍核销: 户口已迁出注销或锁定 · 无照片清理: 已有照片 · 二代证清理: 已办证、锁定或户口已不在本市 ·
  /// 到期换领: 有效期已往后、已死亡或户口已不在本市 · 首次申领: 已有证件、已死亡或户口已不在本市 · 其余不自动判断.
  ///
  /// - Parameters:
  ///   - city: the first four figures of the city's divisions.
  ///   - today: by which a card is about to expire.
  package static func completion(kind: String, person: (String) -> Value, city: String, today: CivilDate) -> String? {
    let isLocked = person("locked") == .boolean(true)
    let registered = person("registered_division").text ?? ""
    switch kind {
    case "death":
      if !person("deceased_on").isBlank { return "cancelled" }
      return isLocked ? "locked" : nil
    case "enlistment":
      if registered.isEmpty { return "cancelled" }
      return isLocked ? "locked" : nil
    case "no_photo": return person("photo").isBlank ? nil : "handled"
    case "no_card":
      if !person("card_issued_on").isBlank { return "handled" }
      if isLocked { return "locked" }
      return registered.isEmpty || !registered.hasPrefix(city) ? "handled" : nil
    case "card_due", "card_first":
      if !person("deceased_on").isBlank || !registered.hasPrefix(city) { return "handled" }
      if isLocked { return "locked" }
      if kind == "card_first" { return person("card_kind").isBlank ? nil : "handled" }
      guard let expiry = person("card_expires_on").date else { return "handled" }
      return expiry > today.adding(days: BatchRoster.notice) ? "handled" : nil
    default: return nil
    }
  }

  /// Finds the station of new entries, and completes those whose person changed.
  static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(entry) { drafts, records in
      guard let transaction = records.transaction else { throw Fault("hook-without-transaction", entry) }
      for index in drafts.indices where drafts[index].refusal == nil {
        try await prepare(&drafts[index], records, in: transaction)
      }
    }
    hooks.after("person") { events, records in
      guard let transaction = records.transaction else { return }
      let changed = events.filter { event in
        event.kind != .deleted && !event["resident_id"].isBlank
          && (event.kind == .created || watched.contains { event.before[$0] ?? .null != event.after[$0] ?? .null })
      }
      guard !changed.isEmpty else { return }
      // Most changes of persons meet no task at all: asked once for all of them.
      guard
        try await transaction.pipeline([
          "select set_config('lifang.scope_batch_task_entry', '{\"all\":true}', true)",
          "select 1 from batch_task_entry where state = 'pending' limit 1",
        ])[1].first != nil
      else { return }
      for event in changed { try await settle(event, records) }
    }
  }

  // MARK: New entries

  /// The station of a person whose table names none, and what is done already.
  private static func prepare(_ draft: inout RecordDraft, _ records: Records, in transaction: Transaction) async throws
  {
    let number = draft["resident_id"].isBlank ? draft["family_resident_id"] : draft["resident_id"]
    let person =
      number.isBlank
      ? nil : try await records.asSystem.find("person", where: "resident_id", equals: number)
    if draft["unit_id"].isBlank {
      let division = person?["registered_division"].text ?? person?["division_code"].text
      if let division,
        // The station, not its rooms: where somebody may answer entries.
        let unit = try await Responsibility(clock: records.store.clock).unit(
          covering: division, with: Permission(entry, "respond"), in: transaction)
      {
        draft["unit_id"] = .integer(unit)
      } else {
        draft.refuse(
          Refusal(
            .unprocessable, "batch-station",
            person == nil ? "人口登记里没有这个身份证号，派不出派出所。请填责任派出所。" : "这个人的户籍地没有对应的派出所。请填责任派出所。",
            field: "unit_id"))
        return
      }
    }
    guard let person, !draft["resident_id"].isBlank, draft["state"].text == "pending",
      let unit = draft["unit_id"].integer,
      let state = completion(
        kind: draft["kind"].text ?? "", person: { person[$0] }, city: try await city(of: unit, in: transaction),
        today: records.store.clock.today())
    else { return }
    draft.values.merge(done(state, records)) { _, new in new }
  }

  static func city(of unit: Int64, in session: some SQLSession) async throws -> String {
    let code = try await session.query("select division_code from unit where id = \(unit)").first?
      .get("division_code", as: String?.self)
    return String((code ?? "").prefix(4))
  }

  // MARK: Completing

  private static func done(_ state: String, _ records: Records) -> [String: Value] {
    [
      "state": .text(state), "completion": .integer(100), "handled_by": .text("系统自动判断"),
      "done_on": .date(records.store.clock.now().chinaTime.date),
    ]
  }

  private static func settle(_ event: RecordEvent, _ records: Records) async throws {
    guard let transaction = records.transaction else { return }
    let system = records.asSystem
    let page = try await system.list(
      ListQuery(
        entry,
        filters: [
          ListFilter("resident_id", .equals(event["resident_id"])), ListFilter("state", .equals(.text("pending"))),
        ], columns: ["kind", "unit_id"], limit: 100))
    for one in page.records {
      guard
        let state = completion(
          kind: one["kind"].text ?? "", person: { event[$0] },
          city: try await city(of: one["unit_id"].integer ?? 0, in: transaction), today: records.store.clock.today())
      else { continue }
      try await system.update(entry, one.id, version: nil, done(state, records), input: .code)
    }
  }
}
