import Core
import Crypto
package import SQL

/// Checks the chain from its first entry to its last (审计链校验).
package struct AuditVerifier: Sendable {
  private let database: Database
  private let keys: AuditKeys
  private let batch: Int

  package init(database: Database, keys: AuditKeys, batch: Int = 2000) {
    self.database = database
    self.keys = keys
    self.batch = batch
  }

  /// Reads everything in batches, so that memory stays flat, and names the first fault.
  ///
  /// What it cannot see: entries taken out of both `audit_entry` and `audit_pending` in the second before they were
  /// sealed, and a tail cut off after the last signed head. Note ``AuditReport/lastHash`` outside to close the latter.
  package func verify() async throws -> AuditReport {
    var check = ChainCheck(trusted: keys.trusted)
    try await follow(&check)
    guard check.report.isIntact else { return check.report }
    try await findOutsiders(&check)
    check.note(pending: try await database.value("select count(*) from audit_pending"))
    return check.report
  }

  private func follow(_ check: inout ChainCheck) async throws {
    while true {
      let links = try await database.query(AuditVerifier.links(after: check.report.checked, limit: batch))
      let heads = try await AuditVerifier.heads(database, after: check.report.checked, upTo: links.last)
      for link in links {
        let sequence: Int64 = try link.get("sequence")
        guard try !link.isNull("id") else {
          // A gap before this link comes first.
          let expected = check.report.checked + 1
          check.fail(
            sequence == expected
              ? .entryMissing(sequence: sequence, entry: try link.get("entry_id")) : .linkMissing(sequence: expected))
          return
        }
        let line = try AuditLine(row: link, sequence: sequence, previousHash: try link.get("previous_hash"))
        guard check.take(line, hash: try link.get("hash")) else { return }
        if let head = heads[sequence], !check.take(head) { return }
      }
      if links.count < batch { break }
    }
    let last = try await database.first("select max(sequence) from audit_head")
    if let signed = try last?.get(0, as: Int64?.self), signed > check.report.checked {
      check.fail(.truncated(sequence: check.report.checked, signedUpTo: signed))
    }
  }

  /// Entries that are neither linked nor waiting, and waiting ones whose entry is gone.
  private func findOutsiders(_ check: inout ChainCheck) async throws {
    let stray = try await database.first(
      """
      select e.id from audit_entry e
      where not exists (select from audit_link l where l.entry_id = e.id)
        and not exists (select from audit_pending p where p.entry_id = e.id)
      order by e.id limit 1
      """)
    if let stray {
      check.fail(.unchained(entry: try stray.get(0)))
      return
    }
    let lost = try await database.first(
      """
      select p.entry_id from audit_pending p where not exists (select from audit_entry e where e.id = p.entry_id)
      order by 1 limit 1
      """)
    if let lost { check.fail(.unchained(entry: try lost.get(0))) }
  }

  static func links(after sequence: Int64, limit: Int) -> SQL {
    """
    select l.sequence, l.entry_id, l.previous_hash, l.hash, \(AuditLine.columns)
    from audit_link l left join audit_entry e on e.id = l.entry_id
    where l.sequence > \(sequence) order by l.sequence limit \(limit)
    """
  }

  static func heads(
    _ session: some SQLSession, after sequence: Int64, upTo last: Row?
  ) async throws -> [Int64: AuditHead] {
    guard let last else { return [:] }
    let rows = try await session.query(
      """
      select sequence, hash, signed_at, key_id, signature from audit_head
      where sequence > \(sequence) and sequence <= \(try last.get("sequence", as: Int64.self))
      """)
    var heads: [Int64: AuditHead] = [:]
    for row in rows {
      let head = AuditHead(
        sequence: try row.get("sequence"), hash: try row.get("hash"), signedAt: try row.get("signed_at"),
        keyID: try row.get("key_id"), signature: try row.get("signature"))
      heads[head.sequence] = head
    }
    return heads
  }
}
