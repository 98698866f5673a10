package import Core
import Crypto
import SQL

/// How the ferry stands, for the page, the command line and the metrics (摆渡监控).
package struct FerryStatus: Sendable, Hashable {
  /// Last number given out, and last that the other side has.
  package var sent: Int64 = 0
  package var acknowledged: Int64 = 0
  /// Last of the other side's numbers applied here.
  package var applied: Int64 = 0
  package var waitingOut: Int64 = 0
  /// When the oldest message that is not acknowledged was written.
  package var oldest: Instant?
  /// Its age in seconds.
  package var oldestAge = 0.0
  /// Came, and wait for one before them.
  package var waitingIn: Int64 = 0
  package var missing: [Int64] = []
  package var held: Int64 = 0
  package var strays: Int64 = 0
  package var duplicates: Int64 = 0
  package var repeats: Int64 = 0
  package var rejected: Int64 = 0
  package var heardAt: Instant?
  package var heardAge: Double?
  /// Of the last 24 hours: messages applied here, and seconds from the change over there to here.
  package var appliedToday: Int64 = 0
  package var meanDelay: Double?
  package var longestDelay: Double?

  /// What is alarming, in words; `nil` when nothing is.
  package func alarm(_ settings: FerrySettings) -> String? {
    let limit = Double(settings.alarmMinutes * 60)
    if oldestAge > limit { return "有 \(waitingOut) 条数据超过 \(settings.alarmMinutes) 分钟没有送达对侧。请检查网闸和对侧的运行情况。" }
    if !missing.isEmpty, let first = missing.first, (heardAge ?? 0) > limit {
      return "缺少对侧的第 \(first) 号，已 \(settings.alarmMinutes) 分钟没有补来。请检查网闸。"
    }
    if let heardAge, heardAge > max(limit, Double(settings.receiptEvery * 3)) {
      return "已 \(Int(heardAge / 60)) 分钟没有收到对侧的任何文件。请检查网闸和对侧的运行情况。"
    }
    return nil
  }
}

/// A message that is held, or a file that was refused (待处理数据).
package struct FerryHeld: Sendable, Hashable {
  /// The number of a message, the id of a refused file.
  package let id: Int64
  package let isStray: Bool
  package let kind: String
  package let subject: String
  package let at: Instant
  package let reason: String
  package let times: Int64
}

extension FerryDock {
  /// How the ferry stands now.
  package func status() async throws -> FerryStatus {
    let now = clock.now()
    let dayAgo = now + -86_400
    let row = try await database.query(
      """
      select s.*,
        (select count(*) from ferry_outbox where acknowledged_at is null) as waiting_out,
        (select min(created_at) from ferry_outbox where acknowledged_at is null) as oldest,
        (select count(*) from ferry_inbox where state = 'waiting') as waiting_in,
        (select count(*) from ferry_inbox where state = 'held') as held,
        (select count(*) from ferry_stray where state = 'open') as strays, d.n, d.mean, d.longest
      from ferry_state s, (select count(*) as n,
          avg(extract(epoch from applied_at - created_at))::double precision as mean,
          max(extract(epoch from applied_at - created_at))::double precision as longest
        from ferry_inbox where applied_at >= \(dayAgo)) d
      """
    ).first
    var status = FerryStatus()
    guard let row else { return status }
    status.sent = try row.get("sent_number")
    status.acknowledged = try row.get("peer_applied")
    status.applied = try row.get("applied_number")
    status.waitingOut = try row.get("waiting_out")
    status.oldest = try row.get("oldest")
    status.oldestAge = status.oldest.map { max(0, now - $0) } ?? 0
    status.waitingIn = try row.get("waiting_in")
    status.held = try row.get("held")
    status.strays = try row.get("strays")
    status.duplicates = try row.get("duplicates")
    status.repeats = try row.get("repeats")
    status.rejected = try row.get("rejected")
    status.heardAt = try row.get("heard_at")
    status.heardAge = status.heardAt.map { max(0, now - $0) }
    status.appliedToday = try row.get("n")
    status.meanDelay = try row.get("mean")
    status.longestDelay = try row.get("longest")
    status.missing = try await missing(after: status.applied, in: database)
    return status
  }

  /// What waits for somebody to decide, the oldest first.
  package func heldItems(limit: Int = 200) async throws -> [FerryHeld] {
    let messages = try await database.query(
      """
      select number, kind, subject, received_at, reason, attempts from ferry_inbox where state = 'held'
      order by number limit \(limit)
      """
    ).map {
      FerryHeld(
        id: try $0.get("number"), isStray: false, kind: label(of: try $0.get("kind")), subject: try $0.get("subject"),
        at: try $0.get("received_at"), reason: try $0.get("reason", as: String?.self) ?? "", times: 1)
    }
    let strays = try await database.query(
      "select id, file, at, reason, times from ferry_stray where state = 'open' order by id limit \(limit)"
    ).map { row in
      let reason = FerryFailure.Reason(rawValue: try row.get("reason"))
      return FerryHeld(
        id: try row.get("id"), isStray: true, kind: "来路不明的文件", subject: try row.get("file"), at: try row.get("at"),
        reason: reason?.label ?? "不能识别", times: try row.get("times"))
    }
    return messages + strays
  }

  /// What a held message is and what does not fit in it, for whoever decides; values are never told.
  package func outline(of number: Int64) async throws -> [String] {
    let row = try await database.query("select content from ferry_inbox where number = \(number)").first
    guard let sealed = try row?.get("content", as: [UInt8]?.self) else { return [] }
    let message = try FerryMessage(bytes: try post.keys.open(sealed, associated: FerryDock.inboxDomain))
    let about = "这一条是“\(label(of: message.kind))”，编号 \(message.subject)。"
    return [about] + (receivers[message.kind]?.shape.faults(in: message.payload).map { "\($0)。" } ?? [])
  }
}
