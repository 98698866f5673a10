import Access
import Audit
import Core
import Crypto
import SQL
import TestSupport

/// A fresh database with the audit tables, a key that signs and a clock that stands still.
struct AuditFixture {
  let database: Database
  let ring: KeyRing
  let keys: AuditKeys
  let time = ManualClock(Instant(seconds: 1_800_000_000))
  let audit: Audit

  init() async throws {
    database = try await TestDatabase.make(
      .init("audit") { _ = try await Migrator(log: .silent).run(AuditSchema.migrations, on: $0) })
    ring = KeyRing(random: .seeded(1))
    try ring.rotate(.audit, at: time.clock.now())
    keys = try AuditKeys(ring: ring)
    audit = Audit(clock: time.clock)
  }

  func sealer(signEvery: Int64 = 1000, batch: Int = 2000) throws -> AuditSealer {
    AuditSealer(
      database: database, keys: try AuditKeys(ring: ring), clock: time.clock, log: .silent, signEvery: signEvery,
      batch: batch)
  }

  func verifier(batch: Int = 2000) throws -> AuditVerifier {
    AuditVerifier(database: database, keys: try AuditKeys(ring: ring), batch: batch)
  }

  /// Appends `count` entries one by one, each a second after the other, and seals them.
  func fill(_ count: Int) async throws {
    for number in 0..<count {
      time.advance(seconds: 1)
      try await audit.append(entry("address.update", record: Int64(number + 1)), in: database)
    }
    try await sealer().seal()
  }

  func entry(_ action: String, record: Int64? = nil, outcome: AuditEntry.Outcome = .done) -> AuditEntry {
    let unit = UnitMembership(id: 4, name: "通川区公安分局", path: "1.4.", division: "511702")
    let clerk = Principal(
      kind: .user, id: 9, name: "王\t主任\\", unit: unit, grants: Grants([]), clearance: .inner)
    return AuditEntry(
      clerk, action, entity: "address", record: record, purpose: "群众\n来访", outcome: outcome,
      origin: Origin(remoteAddress: "10.1.2.3", requestID: "r-1"), details: ["fields": ["name", "road"]])
  }

  /// Does by hand what the triggers refuse, as somebody with the rights of the owner can.
  func tamper(_ table: String, _ statement: SQL) async throws {
    try await database.transaction { transaction in
      try await transaction.execute("alter table \(identifier: table) disable trigger user")
      try await transaction.execute(statement)
      try await transaction.execute("alter table \(identifier: table) enable trigger user")
    }
  }
}
