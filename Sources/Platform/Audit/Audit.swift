import Access
package import Core
package import SQL

/// Writes audit entries (审计).
package struct Audit: Sendable {
  private let clock: WallClock

  package init(clock: WallClock = .system) { self.clock = clock }

  /// Adds `entry` in `session`, which should be the transaction of the change it tells of: both happen or neither.
  package func append(_ entry: AuditEntry, in session: some SQLSession) async throws {
    try await append([entry], in: session)
  }

  /// Adds several entries in one statement; in a transaction it is the last before the commit, with all others that came
  /// before. Batches of thousands (an import) write one entry a batch instead, with the
  /// count and the job in its details.
  package func append(_ entries: [AuditEntry], in session: some SQLSession) async throws {
    guard !entries.isEmpty else { return }
    let time = clock.now().iso8601
    let rows = entries.map { Audit.row($0, time: time) }
    if let transaction = session as? Transaction {
      for row in rows { transaction.gather(row, for: Audit.entries) }
    } else {
      try await session.execute(Audit.entries(rows))
    }
  }

  private static let entries = GatheringStatement("audit") { rows in
    """
    with entry as (
      insert into audit_entry (occurred_at, principal_kind, principal_id, principal_name, unit_id, unit_name, action,
        entity, record_id, purpose, outcome, remote_address, request_id, details)
      select * from json_to_recordset(\(rows)::json) as row(t timestamptz, k text, i bigint, n text, u bigint,
        un text, a text, e text, r bigint, p text, o text, ip text, q text, d json)
      returning id)
    insert into audit_pending (entry_id) select id from entry
    """
  }

  private static func row(_ entry: AuditEntry, time: String) -> JSON {
    func text(_ value: String?) -> JSON { value.map { .string($0.withoutNUL) } ?? .null }
    return [
      "t": .string(time), "k": .string(entry.principal.kind.rawValue), "i": .int(entry.principal.id),
      "n": text(entry.principal.name), "u": entry.principal.unit.map { .int($0.id) } ?? .null,
      "un": text(entry.principal.unit?.name), "a": text(entry.action), "e": text(entry.entity),
      "r": entry.record.map { .int($0) } ?? .null, "p": text(entry.purpose), "o": .string(entry.outcome.rawValue),
      "ip": text(entry.origin.remoteAddress), "q": text(entry.origin.requestID), "d": details(entry),
    ]
  }
}

extension Audit {
  /// With the browser and the system of whoever acts, where a browser did (C-550: 浏览器、操作系统版本).
  private static func details(_ entry: AuditEntry) -> JSON {
    guard let agent = entry.origin.userAgent, !agent.isEmpty, case .object(let members) = entry.details else {
      return entry.details
    }
    return .object(members + [("agent", .string(agent.withoutNUL))])
  }
}

extension String {
  /// PostgreSQL keeps no NUL in text; one in a hostile name must not stop the entry that tells of it.
  fileprivate var withoutNUL: String { utf8.contains(0) ? String(unicodeScalars.filter { $0 != "\0" }) : self }
}
