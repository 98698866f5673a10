import Core
import SQL

extension FerryDock {
  /// Numbers what is new and writes what is due.
  func write(_ settings: FerrySettings, _ keys: FerryKeys) async throws -> Int {
    try await database.transaction { transaction in
      guard try await locked(transaction) else { return 0 }
      try await number(in: transaction)
      let now = clock.now()
      // Twice as long each time, up to ten minutes.
      let rows = try await transaction.query(
        """
        select o.number, o.kind, o.subject, o.content, o.created_at, o.sends from ferry_outbox o, ferry_state s
        where o.acknowledged_at is null and o.number is not null and o.number <= s.peer_applied + \(settings.window)
          and (o.sent_at is null or o.sent_at + make_interval(secs =>
            least(600, \(settings.retryAfter) * power(2, least(o.sends - 1, 6)))) <= \(now))
        order by o.number limit 50
        """)
      for row in rows {
        let number: Int64 = try row.get("number")
        let message = try await post.message(try row.get("kind"), try row.get("subject"), try row.get("content"))
        let envelope = try FerryEnvelope.seal(
          message.bytes, .message, number: number, from: settings.side, at: try row.get("created_at"), keys: keys,
          random: random)
        try await folder.write(envelope.xml, to: "\(settings.outgoing)/\(FerryDock.name(settings.side, number))")
        try await transaction.execute(
          "update ferry_outbox set sent_at = \(now), sends = sends + 1 where number = \(number)")
        metrics.count("lifang_ferry_sent_total")
        if try row.get("sends", as: Int64.self) > 0 {
          try await transaction.execute("update ferry_state set repeats = repeats + 1")
        }
      }
      return rows.count
    }
  }

  /// A number sent again takes the place of the file before it, so a device that stands still fills no disk.
  static func name(_ side: FerrySide, _ number: Int64) -> String {
    let digits = String(number)
    return "\(side.rawValue)-\(String(repeating: "0", count: max(0, 12 - digits.count)))\(digits).xml"
  }

  /// Gives numbers without gaps to what has none, in the order of writing.
  private func number(in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      with fresh as (
        select id, row_number() over (order by id) as place from ferry_outbox where number is null
      ), numbered as (
        update ferry_outbox o set number = s.sent_number + fresh.place from fresh, ferry_state s
        where o.id = fresh.id returning o.number
      )
      update ferry_state set sent_number = greatest(sent_number, (select max(number) from numbered))
      where exists (select 1 from numbered)
      """)
  }

  func locked(_ transaction: Transaction) async throws -> Bool {
    try await transaction.query("select pg_try_advisory_xact_lock(\(FerryDock.lock)) as held").first?.get("held")
      ?? false
  }

  // MARK: Receipts

  /// Tells the other side how far we have come: when something came, and now and then as a sign of life.
  func sendReceipt(_ settings: FerrySettings, _ keys: FerryKeys) async throws {
    let now = clock.now()
    try await database.transaction { transaction in
      guard try await locked(transaction) else { return }
      let row = try await transaction.query(
        """
        update ferry_state set receipt_number = receipt_number + 1, receipt_at = \(now), receipt_due = false
        where receipt_due or receipt_at is null or receipt_at < \(now + -settings.receiptEvery)
        returning receipt_number, applied_number
        """
      ).first
      guard let row else { return }
      let number: Int64 = try row.get("receipt_number")
      let applied: Int64 = try row.get("applied_number")
      let missing = try await missing(after: applied, in: transaction)
      let content: JSON = ["applied": .int(applied), "missing": .array(missing.map { .int($0) })]
      let envelope = try FerryEnvelope.seal(
        Array(content.text.utf8), .receipt, number: number, from: settings.side, at: now, keys: keys, random: random)
      try await folder.write(envelope.xml, to: "\(settings.outgoing)/\(settings.side.rawValue)-receipt.xml")
    }
  }

  /// Numbers that have not come though later ones have (断号), at most 200.
  func missing(after applied: Int64, in session: some SQLSession) async throws -> [Int64] {
    try await session.query(
      """
      select n from generate_series(\(applied) + 1,
        (select max(number) from ferry_inbox where state = 'waiting' and number > \(applied))) as n
      where not exists (select 1 from ferry_inbox i where i.number = n) order by n limit 200
      """
    ).map { try $0.get("n") }
  }

  /// Believes a receipt that is newer than the last one: what it counts as applied is done with, and what it misses is
  /// sent again at once.
  func take(receipt content: [UInt8], number: Int64) async throws {
    guard let json = try? JSON(parsing: content), let applied = json["applied"]?.int, applied >= 0 else {
      throw FerryFailure(.content, "receipt")
    }
    let missing = json["missing"]?.array?.compactMap(\.int) ?? []
    let now = clock.now()
    try await database.transaction { transaction in
      let isNew = try await !transaction.query(
        """
        update ferry_state set peer_receipt = \(number), heard_at = \(now),
          peer_applied = greatest(peer_applied, least(\(applied), sent_number))
        where peer_receipt < \(number) returning 1
        """
      ).isEmpty
      guard isNew else { return }
      try await transaction.execute(
        """
        update ferry_outbox o set acknowledged_at = \(now), content = null from ferry_state s
        where o.number <= s.peer_applied and o.acknowledged_at is null
        """)
      // What was written a moment ago may be on its way still.
      try await transaction.execute(
        """
        update ferry_outbox set sent_at = null where number = any(\(missing)) and acknowledged_at is null
          and sent_at < \(now + -3)
        """)
    }
  }
}
