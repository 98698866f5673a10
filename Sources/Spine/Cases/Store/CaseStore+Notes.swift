package import Access
import Audit
package import Core
import Crypto
import Entities
import Identity
import Processes
package import SQL

extension CaseStore {
  // MARK: Urging and copies

  /// 催办: marks the open tasks of a case, at most once an hour; the applicant may, and whoever runs the office.
  package func urge(_ id: Int64, note: String?, by principal: Principal, in given: Transaction? = nil) async throws {
    let now = store.clock.now()
    try await inTransaction(given) { transaction in
      let state = try await hold(id, in: transaction)
      if !state.isApplicant(principal) {
        try principal.require(Permission("case_work", "urge"), toDo: "催办")
        guard try await mayControl(id, "urge", by: principal, in: transaction) else { throw CaseStore.missing }
      }
      guard state.instance.state == .running else {
        throw Refusal(.conflict, "urge-over", "这件事不在办理中，不能催办。")
      }
      let hour = now + -3600
      let urged = try await transaction.execute(
        """
        update case_task set urged_at = \(now)
        where case_id = \(id) and state = 'open' and (urged_at is null or urged_at < \(hour))
        """)
      guard urged > 0 else { throw Refusal(.conflict, "urge-soon", "一小时内已经催过。办理人会在待办里看到催办标记。") }
      _ = try await transaction.query(
        eventStatement(state, CaseAction(name: "urge", opinion: note), by: principal, at: now))
      try await tellUrged(state, note: note, by: principal, in: transaction)
      try await sendUrge(state, note: note, in: transaction)
    }
  }

  /// 抄送: lets others see a case; whoever works on it may.
  package func copy(_ id: Int64, to users: [Int64], note: String?, by principal: Principal) async throws {
    guard (1...50).contains(users.count) else {
      throw Refusal(.invalid, "copy-nobody", "请选择 1 至 50 位人员。", field: "people")
    }
    let now = store.clock.now()
    let view = try await view(id, as: principal)
    guard view.access != .applicant else { throw CaseStore.missing }
    try await store.database.transaction { transaction in
      let state = try await hold(id, in: transaction)
      let staff = try await responsibility.staff(of: users, near: state.unit, in: transaction)
      guard users.allSatisfy(staff.contains) else {
        throw Refusal(.invalid, "copy-people", "只能抄送给本系统在职的工作人员。请从列表中重新选择。", field: "people")
      }
      var names: [String] = []
      for user in users {
        guard let name = try await store.actorName(user, transaction) else { continue }
        names.append(name)
        try await transaction.execute(
          """
          insert into case_copy (case_id, user_id, sent_at, sent_by, note)
          values (\(id), \(user), \(now), \(principal.id), \(note))
          on conflict (case_id, user_id) do update set sent_at = excluded.sent_at, sent_by = excluded.sent_by,
            note = excluded.note, read_at = null
          """)
      }
      _ = try await transaction.query(
        eventStatement(
          state, CaseAction(name: "copy", opinion: note, target: names.joined(separator: "、")), by: principal, at: now))
    }
  }

  // MARK: Drafts

  /// What somebody has begun to fill in for an item; one each, sealed in the database.
  package func draft(of item: String, by principal: Principal) async throws -> JSON? {
    let row = try await store.database.query(
      "select content from case_draft where user_id = \(principal.id) and item = \(item)"
    ).first
    guard let row else { return nil }
    let bytes = try store.keys.open(try row.get("content"), associated: CaseStore.draftDomain)
    return try JSON(parsing: bytes)
  }

  package func keepDraft(_ content: JSON, of item: String, by principal: Principal) async throws {
    guard principal.kind == .user, services.item(item) != nil else { throw CaseStore.missing }
    let bytes = Array(content.text.utf8)
    guard bytes.count <= 200_000 else { throw Refusal(.tooLarge, "draft-too-large", "填写的内容太多，没有暂存。请精简后再试。") }
    let sealed = try store.keys.seal(bytes, associated: CaseStore.draftDomain)
    try await store.database.execute(
      """
      insert into case_draft (user_id, item, content, updated_at)
      values (\(principal.id), \(item), \(sealed), \(store.clock.now()))
      on conflict (user_id, item) do update set content = excluded.content, updated_at = excluded.updated_at
      """)
  }

  /// Deletes what was begun, and not gone on with since `time`; returns how much.
  package static func clearDrafts(before time: Instant, on database: Database) async throws -> Int {
    try await database.execute("delete from case_draft where updated_at < \(time)")
  }

  package func dropDraft(of item: String, by principal: Principal) async throws {
    try await store.database.execute("delete from case_draft where user_id = \(principal.id) and item = \(item)")
  }

  /// The items somebody has begun, the latest first.
  package func drafts(by principal: Principal) async throws -> [(item: String, at: Instant)] {
    try await store.database.query(
      "select item, updated_at from case_draft where user_id = \(principal.id) order by updated_at desc"
    ).map { (try $0.get("item"), try $0.get("updated_at")) }
  }

  private static let draftDomain = "case_draft.content"

  // MARK: Timers

  /// Lets every timer that has run out do its work.
  ///
  /// Any number of nodes may do this at once: each timer is judged again under the lock of its case.
  /// - Returns: how many went off.
  @discardableResult
  package func fireTimers(limit: Int = 200, log: Log) async throws -> Int {
    // Outside the clock is the inside's.
    if isOutside { return 0 }
    let due = try await store.database.query(
      """
      select t.case_id, t.key from case_timer t join case_process p on p.case_id = t.case_id
      where t.due_at <= \(store.clock.now()) and p.shelved_at is null order by t.due_at limit \(limit)
      """)
    var fired = 0
    for row in due {
      let id: Int64 = try row.get("case_id")
      let key: String = try row.get("key")
      guard let move = CaseMove(timer: key) else { continue }
      do {
        try await self.move(id, move, by: .system)
        fired += 1
      } catch let refusal as Refusal {
        // Somebody was quicker, or the step found nobody: the next round tries again.
        log(.warning, "case-timer", ["case": .int(id), "reason": .string(refusal.code)])
      }
    }
    return fired
  }
}

extension CaseMove {
  /// The move of a timer by its key: `v12.late`, `t7`.
  init?(timer key: String) {
    if key.hasPrefix("t"), let token = Int(key.dropFirst()) {
      self = .elapse(token: token)
      return
    }
    let limit = key.dropFirst().split(separator: ":", maxSplits: 1)
    if key.hasPrefix("v"), limit.count == 2, let visit = Int(limit[0]) {
      switch limit[1] {
      case "remind": self = .remind(visit: visit)
      case "overdue": self = .overdue(visit: visit)
      default: return nil
      }
      return
    }
    let parts = key.dropFirst().split(separator: ".", maxSplits: 1)
    guard key.hasPrefix("v"), parts.count == 2, let visit = Int(parts[0]) else { return nil }
    self = .fire(visit: visit, timer: String(parts[1]))
  }

  /// The key of the timer that it is, if it is one.
  var timerKey: String? {
    switch self {
    case .elapse(let token): "t\(token)"
    case .fire(let visit, let timer): "v\(visit).\(timer)"
    case .remind(let visit): "v\(visit):remind"
    case .overdue(let visit): "v\(visit):overdue"
    default: nil
    }
  }
}
