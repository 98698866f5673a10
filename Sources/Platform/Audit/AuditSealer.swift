package import Core
import Crypto
package import SQL

/// Links pending entries into the chain and signs its head now and then.
///
/// One sealer works at a time, held apart by an advisory lock; others find it taken and do nothing. The order of the
/// chain is the order in which entries became visible, which follows the order of commits to within one run.
package struct AuditSealer: Sendable {
  private let database: Database
  private let keys: AuditKeys
  private let clock: WallClock
  private let log: Log
  private let signEvery: Int64
  private let signAfter: Int64
  private let batch: Int

  /// - Parameters:
  ///   - signEvery: entries after which the head is signed.
  ///   - signAfter: seconds after which it is signed when there are new entries at all.
  package init(
    database: Database, keys: AuditKeys, clock: WallClock = .system, log: Log = Log(), signEvery: Int64 = 1000,
    signAfter: Int64 = 300, batch: Int = 2000
  ) {
    self.database = database
    self.keys = keys
    self.clock = clock
    self.log = log
    self.signEvery = signEvery
    self.signAfter = signAfter
    self.batch = batch
  }

  /// Seals every second until the task is cancelled; a failure is logged and tried again.
  package func run(every interval: Duration = .seconds(1)) async {
    while !Task.isCancelled {
      do {
        try await seal()
      } catch is CancellationError {
        return
      } catch {
        log.fault(error, "audit-seal-failed")
      }
      try? await Task.sleep(for: interval)
    }
  }

  /// Seals all that is pending and returns how many entries that were; 0 when another sealer is at work.
  @discardableResult
  package func seal() async throws -> Int {
    var total = 0
    while true {
      let count = try await database.transaction { try await sealBatch(in: $0) }
      total += count
      if count < batch { break }
    }
    if total > 0 { try await database.transaction { try await signHead(in: $0, force: false) } }
    return total
  }

  /// Signs the head now, whatever the interval: at the end of a day, before an export, when the server stops.
  package func signNow() async throws {
    try await database.transaction { try await signHead(in: $0, force: true) }
  }

  private func sealBatch(in transaction: Transaction) async throws -> Int {
    guard try await locked(transaction) else { return 0 }
    let last = try await transaction.first("select sequence, hash from audit_link order by sequence desc limit 1")
    var sequence = try last?.get("sequence", as: Int64.self) ?? 0
    var hash = try last?.get("hash", as: [UInt8].self) ?? AuditLine.firstPreviousHash
    let rows = try await transaction.query(
      """
      select \(AuditLine.columns) from audit_pending p join audit_entry e on e.id = p.entry_id
      order by p.entry_id limit \(batch)
      """)
    guard !rows.isEmpty else { return 0 }
    var sequences: [Int64] = []
    var entries: [Int64] = []
    var previous: [String] = []
    var hashes: [String] = []
    for row in rows {
      sequence += 1
      let line = try AuditLine(row: row, sequence: sequence, previousHash: hash)
      sequences.append(sequence)
      entries.append(line.entryID)
      previous.append(Hex.encode(hash))
      hash = line.hash
      hashes.append(Hex.encode(hash))
    }
    try await transaction.execute(
      """
      insert into audit_link (sequence, entry_id, previous_hash, hash)
      select s, e, decode(p, 'hex'), decode(h, 'hex')
      from unnest(\(sequences)::bigint[], \(entries)::bigint[], \(previous)::text[], \(hashes)::text[]) as l(s, e, p, h)
      """)
    try await transaction.execute("delete from audit_pending where entry_id = any(\(entries)::bigint[])")
    return rows.count
  }

  private func signHead(in transaction: Transaction, force: Bool) async throws {
    guard let current = keys.current, try await locked(transaction),
      let last = try await transaction.first("select sequence, hash from audit_link order by sequence desc limit 1")
    else { return }
    let sequence: Int64 = try last.get("sequence")
    let hash: [UInt8] = try last.get("hash")
    let now = clock.now()
    if let head = try await transaction.first(
      "select sequence, signed_at from audit_head order by sequence desc limit 1")
    {
      let signed: Int64 = try head.get("sequence")
      let signedAt: Instant = try head.get("signed_at")
      let due = sequence - signed >= signEvery || now - signedAt >= Double(signAfter)
      guard sequence > signed, due || force else { return }
    }
    let message = AuditHead.message(sequence: sequence, hash: hash, signedAt: now, keyID: current.id)
    try await transaction.execute(
      """
      insert into audit_head (sequence, hash, signed_at, key_id, signature)
      values (\(sequence), \(hash), \(now), \(current.id), \(current.key.sign(message).der))
      """)
  }

  private func locked(_ transaction: Transaction) async throws -> Bool {
    try await transaction.value("select pg_try_advisory_xact_lock(\(AuditSealer.lockKey))")
  }

  /// "lifang-a" as a number.
  private static let lockKey: Int64 = 0x6c69_6661_6e67_2d61
}
