import Core
import Crypto
package import SQL

extension FerryDock {
  /// Seconds for which a file that is not whole may still be being written.
  static let patience: Int64 = 10
  /// How far ahead of what is applied a number may be.
  static let reach: Int64 = 10_000

  /// Takes the files that lie in the incoming folder; each is deleted once the database has what it said.
  func read(_ settings: FerrySettings, _ keys: FerryKeys) async throws -> Int {
    var count = 0
    for entry in try await folder.list(settings.incoming, limit: 500) {
      let path = settings.incoming + "/" + entry.name
      var bytes: [UInt8] = []
      do {
        bytes = try await folder.read(path, limit: settings.largestFile)
        try await take(try FerryEnvelope(xml: bytes), keys, settings)
        count += 1
      } catch let failure as FerryFailure {
        if failure.reason == .malformed, entry.age < FerryDock.patience { continue }
        try await refuse(entry.name, bytes, failure)
      } catch let fault as Fault where fault.code == "ferry-read" {
        continue
      }
      await folder.remove(path)
    }
    return count
  }

  private func take(_ envelope: FerryEnvelope, _ keys: FerryKeys, _ settings: FerrySettings) async throws {
    let content = try envelope.open(keys, on: settings.side)
    if envelope.kind == .receipt { return try await take(receipt: content, number: envelope.number) }
    let message = try FerryMessage(bytes: content)
    let digest = Digest.sm3(content)
    let sealed = try post.keys.seal(content, associated: FerryDock.inboxDomain)
    let now = clock.now()
    let number = envelope.number
    try await database.transaction { transaction in
      let known = try await transaction.query("select digest from ferry_inbox where number = \(number)").first
      if let known {
        guard try known.get("digest", as: [UInt8].self) == digest else {
          throw FerryFailure(.reused, "\(number)")
        }
        // It came again because the other side does not know yet that it did.
        try await transaction.execute(
          "update ferry_state set duplicates = duplicates + 1, receipt_due = true, heard_at = \(now)")
        metrics.count("lifang_ferry_duplicates_total")
        return
      }
      let state = try await transaction.query("select applied_number from ferry_state for update").first
      let applied: Int64 = try state?.get("applied_number") ?? 0
      guard number > applied else { throw FerryFailure(.reused, "\(number)") }
      guard number <= applied + FerryDock.reach else { throw FerryFailure(.ahead, "\(number)") }
      try await transaction.execute(
        """
        insert into ferry_inbox (number, kind, subject, digest, content, created_at, received_at, state)
        values (\(number), \(message.kind), \(message.subject), \(digest), \(sealed), \(envelope.createdAt), \(now),
          'waiting') on conflict (number) do nothing
        """)
      try await transaction.execute("update ferry_state set receipt_due = true, heard_at = \(now)")
    }
  }

  static let inboxDomain = "ferry_inbox.content"

  private func refuse(_ name: String, _ bytes: [UInt8], _ failure: FerryFailure) async throws {
    metrics.count("lifang_ferry_rejected_total", "reason=\"\(failure.reason.rawValue)\"")
    log(.warning, "ferry-rejected", ["reason": .string(failure.reason.rawValue), "size": .int(Int64(bytes.count))])
    let digest = bytes.isEmpty ? Digest.sm3(Array("\(failure.reason.rawValue) \(name)".utf8)) : Digest.sm3(bytes)
    let file = String(name.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }.prefix(100).map(Character.init))
    let now = clock.now()
    try await database.transaction { transaction in
      try await transaction.execute("update ferry_state set rejected = rejected + 1")
      // A flood of rubbish is counted and not kept.
      let open: Int64 =
        try await transaction.query("select count(*) as n from ferry_stray where state = 'open'").first?.get("n") ?? 0
      guard open < 1000 else { return }
      try await transaction.execute(
        """
        insert into ferry_stray (at, file, size, digest, reason, detail)
        values (\(now), \(file), \(bytes.count), \(digest), \(failure.reason.rawValue),
          \(String(failure.detail.prefix(200))))
        on conflict (digest) do update set times = ferry_stray.times + 1, at = excluded.at
        """)
    }
  }

  // MARK: Applying

  /// Applies what is next, one after the other.
  func apply(_ settings: FerrySettings) async throws -> Int {
    var count = 0
    while try await applyNext(settings) { count += 1 }
    return count
  }

  private func applyNext(_ settings: FerrySettings) async throws -> Bool {
    do {
      return try await database.transaction { transaction in try await step(settings, in: transaction) }
    } catch let failure as StepFailure {
      if Task.isCancelled { return false }
      // Nothing of it is applied. It is tried again, and held when it is not to be had.
      log.fault(failure.error, "ferry-apply-failed", ["number": .int(failure.number)])
      try await database.execute(
        """
        update ferry_inbox set attempts = attempts + 1, reason = '处理出错，正在重试'
        where number = \(failure.number) and state = 'waiting'
        """)
      return false
    }
  }

  /// What went wrong with a number and takes its transaction with it.
  private struct StepFailure: Error {
    let number: Int64
    let error: any Error
  }

  private func step(_ settings: FerrySettings, in transaction: Transaction) async throws -> Bool {
    guard let state = try await transaction.query("select applied_number from ferry_state for update").first else {
      return false
    }
    let number = try state.get("applied_number", as: Int64.self) + 1
    let row = try await transaction.query(
      "select content, subject, created_at, attempts from ferry_inbox where number = \(number) and state = 'waiting'"
    ).first
    guard let row else { return false }
    let subject: String = try row.get("subject")
    var held: String?
    let isBlocked = try await !transaction.query(
      "select 1 from ferry_inbox where state = 'held' and subject = \(subject) and subject <> '' limit 1"
    ).isEmpty
    if isBlocked {
      held = "同一件业务的前一条还在待处理，依次等候"
    } else if try row.get("attempts", as: Int64.self) >= 5 {
      held = "多次处理出错，详见运行日志"
    } else {
      do {
        try await hand(try row.get("content"), settings, in: transaction)
      } catch let refusal as Refusal {
        held = ([refusal] + refusal.others).map(\.message).joined(separator: " ")
      } catch {
        throw StepFailure(number: number, error: error)
      }
    }
    let now = clock.now()
    try await settle(number, held: held, at: now, in: transaction)
    try await transaction.execute("update ferry_state set applied_number = \(number), receipt_due = true")
    if held == nil {
      metrics.count("lifang_ferry_applied_total")
      metrics.observe(
        "lifang_ferry_delay_seconds", seconds: max(0, now - (try row.get("created_at", as: Instant.self))))
    } else {
      metrics.count("lifang_ferry_held_total")
    }
    return true
  }

  private func settle(_ number: Int64, held: String?, at now: Instant, in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      update ferry_inbox set state = \(held == nil ? "applied" : "held"), applied_at = \(held == nil ? now : nil),
        content = case when \(held == nil) then null else content end, reason = \(held.map { String($0.prefix(1000)) })
      where number = \(number)
      """)
  }

  /// Checks a message against its shape and gives it to its receiver; what that did is undone when it refuses.
  func hand(_ sealed: [UInt8], _ settings: FerrySettings, in transaction: Transaction) async throws {
    let message = try FerryMessage(bytes: try post.keys.open(sealed, associated: FerryDock.inboxDomain))
    guard let receiver = receivers[message.kind], receiver.from == settings.side.other else {
      throw Refusal(.unprocessable, "ferry-kind", "本侧不接收“\(message.kind)”这类数据。请检查两侧的版本是否一致。")
    }
    let faults = receiver.shape.faults(in: message.payload)
    guard faults.isEmpty else {
      throw Refusal(.unprocessable, "ferry-shape", "数据不符合校验规则：\(faults.prefix(5).joined(separator: "；"))。")
    }
    try await transaction.savepoint { inner in try await receiver.apply(message, inner) }
  }

  // MARK: What is held

  /// Tries a held message again, and then those of the same subject that waited for it.
  ///
  /// - Throws: ``Refusal`` `ferry-not-held`; what the receiver refuses.
  package func retry(_ number: Int64, by actor: Int64) async throws {
    guard let settings = post.current else { throw FerryDock.idle }
    try await database.transaction { transaction in
      _ = try await transaction.query("select 1 from ferry_state for update")
      let row = try await transaction.query(
        "select subject, content from ferry_inbox where number = \(number) and state = 'held'"
      ).first
      guard let row else { throw FerryDock.notHeld }
      let subject: String = try row.get("subject")
      let earlier = try await transaction.query(
        """
        select number from ferry_inbox where state = 'held' and subject = \(subject) and subject <> ''
          and number < \(number) order by number limit 1
        """
      ).first
      if let earlier {
        throw Refusal(
          .conflict, "ferry-order", "请先处理同一件业务的第 \(try earlier.get("number", as: Int64.self)) 号。")
      }
      let now = clock.now()
      try await hand(try row.get("content"), settings, in: transaction)
      try await settle(number, held: nil, at: now, in: transaction)
      try await transaction.execute(
        "update ferry_inbox set decided_by = \(actor), decided_at = \(now) where number = \(number)")
      guard !subject.isEmpty else { return }
      let next = try await transaction.query(
        "select number, content from ferry_inbox where state = 'held' and subject = \(subject) order by number")
      for row in next {
        let number: Int64 = try row.get("number")
        do {
          try await hand(try row.get("content"), settings, in: transaction)
          try await settle(number, held: nil, at: now, in: transaction)
        } catch let refusal as Refusal {
          try await settle(number, held: refusal.message, at: now, in: transaction)
          return
        }
      }
    }
  }

  /// Gives a held message up; what it carried is erased.
  ///
  /// - Throws: ``Refusal`` `ferry-not-held`.
  package func reject(_ number: Int64, reason: String, by actor: Int64, in transaction: Transaction) async throws {
    let done = try await transaction.execute(
      """
      update ferry_inbox set state = 'rejected', content = null, decided_by = \(actor), decided_at = \(clock.now()),
        reason = \(String("拒绝：\(reason)".prefix(1000)))
      where number = \(number) and state = 'held'
      """)
    guard done > 0 else { throw FerryDock.notHeld }
  }

  /// Notes that somebody has looked at a refused file.
  package func dismiss(stray id: Int64, by actor: Int64, in transaction: Transaction) async throws {
    let done = try await transaction.execute(
      """
      update ferry_stray set state = 'rejected', decided_by = \(actor), decided_at = \(clock.now())
      where id = \(id) and state = 'open'
      """)
    guard done > 0 else { throw FerryDock.notHeld }
  }

  private static let notHeld = Refusal(.conflict, "ferry-not-held", "这一条已经处理过了。请刷新后查看。")
  static let idle = Refusal(.conflict, "ferry-idle", "本系统没有启用网间摆渡。请先设置参数。")
}
