import Core
import SQL

/// Keeps a register of what an inspection finds (问题清单) in line with what is there now; the same for addresses and for
/// grids.
///
/// The inspection leaves what it found in the temporary table `defect_now`, with `key`, `kind` and `evidence`. A defect
/// found again is the same row. One no longer there becomes 已消除, one settled as 属实不改 stays so, and one that was called
/// corrected and is still there is open again, unless that was said while the inspection was looking.
struct DefectLedger {
  /// The register, with the fields `key kind state evidence settled_at settled_by kept_id reason`.
  let entity: String
  /// When the inspection began to look: what it saw of rows that have changed since may no longer be so.
  let began: Instant
  /// Which rows `d` are the inspection's own; others it leaves alone.
  var own: SQL = "true"

  struct Outcome {
    /// What is there now, by kind.
    var found: [String: Int64] = [:]
    var reopened: Int64 = 0
    var gone: Int64 = 0
  }

  /// - Parameter kinds: what was looked for; rows of other kinds stay as they are.
  func settle(_ kinds: [String], at now: Instant, by actor: Int64, in transaction: Transaction) async throws -> Outcome
  {
    var outcome = Outcome()
    for row in try await transaction.query("select kind, count(*) as n from defect_now group by kind") {
      outcome.found[try row.get("kind")] = try row.get("n")
    }
    outcome.gone = Int64(
      try await transaction.execute(
        """
        update \(identifier: entity) d set state = 'gone', settled_at = \(now), version = version + 1,
          updated_at = \(now), updated_by = \(actor)
        where d.state = 'open' and \(own) and d.kind = any(\(kinds))
          and not exists (select from defect_now n where n.key = d.key)
        """))
    outcome.reopened = try await reopen("d.state in ('gone', 'fixed')", at: now, by: actor, in: transaction)
    try await transaction.execute(
      """
      update \(identifier: entity) d set evidence = n.evidence, version = version + 1, updated_at = \(now),
        updated_by = \(actor)
      from defect_now n where n.key = d.key and d.state = 'open' and d.evidence <> n.evidence
      """)
    return outcome
  }

  /// Opens those again that are there (`n`) and of which `condition` holds.
  func reopen(
    _ condition: SQL, at now: Instant, by actor: Int64, in transaction: Transaction
  ) async throws -> Int64 {
    Int64(
      try await transaction.execute(
        """
        update \(identifier: entity) d set state = 'open', evidence = n.evidence, settled_at = null, settled_by = null,
          kept_id = null, reason = null, version = version + 1, updated_at = \(now), updated_by = \(actor)
        from defect_now n where n.key = d.key and d.updated_at <= \(began) and (\(condition))
        """))
  }
}
