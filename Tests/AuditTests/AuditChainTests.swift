import Audit
import Core
import Crypto
import SQL
import Testing

@Suite struct AuditChainTests {
  @Test func anUntouchedChainIsIntact() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(25)
    try await fixture.audit.append(fixture.entry("address.view"), in: fixture.database)
    let report = try await fixture.verifier(batch: 7).verify()
    #expect(report.isIntact, "\(report)")
    #expect(report.checked == 25)
    #expect(report.pending == 1)
    #expect(report.signedUpTo == 25)
  }

  @Test(arguments: [
    "update audit_entry set details = '{\"fields\":[\"name\"]}' where record_id = 13",
    "update audit_entry set principal_name = '李四' where record_id = 13",
    "update audit_entry set occurred_at = occurred_at + interval '1 microsecond' where record_id = 13",
    "update audit_entry set purpose = null where record_id = 13",
    "update audit_entry set outcome = 'refused' where record_id = 13",
  ])
  func anAlteredEntryIsNamed(statement: String) async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(20)
    try await fixture.tamper("audit_entry", SQL(unsafe: statement))
    let report = try await fixture.verifier().verify()
    #expect(report.checked == 12)
    guard case .altered(sequence: 13, _, _, action: "address.update") = report.finding else {
      Issue.record("found \(String(describing: report.finding))")
      return
    }
  }

  @Test func aDeletedEntryIsNamed() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(20)
    try await fixture.tamper("audit_entry", "delete from audit_entry where record_id = 5")
    guard case .entryMissing(sequence: 5, _) = try await fixture.verifier().verify().finding else {
      Issue.record("the missing entry was not named")
      return
    }
  }

  @Test func aDeletedEntryWithItsLinkLeavesAGap() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(20)
    try await fixture.tamper("audit_link", "delete from audit_link where sequence = 5")
    try await fixture.tamper("audit_entry", "delete from audit_entry where record_id = 5")
    #expect(try await fixture.verifier().verify().finding == .linkMissing(sequence: 5))
  }

  @Test func closingTheGapBreaksTheLinks() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(20)
    try await fixture.tamper(
      "audit_link",
      """
      with gone as (delete from audit_link where sequence = 5)
      update audit_link set sequence = -(sequence - 1) where sequence > 5
      """)
    try await fixture.tamper("audit_link", "update audit_link set sequence = -sequence where sequence < 0")
    #expect(try await fixture.verifier().verify().finding == .relinked(sequence: 5))
  }

  @Test func calculatingAllHashesAnewFailsAtTheSignedHead() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(10)
    try await fixture.tamper("audit_entry", "update audit_entry set principal_id = 77 where record_id = 4")
    // The forger rebuilds every link with the product's own code but has no signing key.
    try await fixture.tamper(
      "audit_link",
      """
      with gone as (delete from audit_link returning entry_id)
      insert into audit_pending select entry_id from gone
      """)
    let forger = AuditSealer(
      database: fixture.database, keys: AuditKeys(trusted: [:]), clock: fixture.time.clock, log: .silent)
    #expect(try await forger.seal() == 10)
    #expect(try await fixture.verifier().verify().finding == .headMismatch(sequence: 10, lastGoodHead: 0))
  }

  @Test func aHeadSignedByAStrangerIsRefused() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(3)
    let stranger = KeyRing(random: .seeded(99))
    try stranger.rotate(.audit, at: fixture.time.clock.now())
    try await fixture.tamper("audit_head", "delete from audit_head")
    let forger = AuditSealer(
      database: fixture.database, keys: try AuditKeys(ring: stranger), clock: fixture.time.clock, log: .silent)
    try await forger.signNow()
    #expect(try await fixture.verifier().verify().finding == .headForged(sequence: 3))
  }

  @Test func aTailCutOffBehindTheHeadIsNoticed() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(10)
    try await fixture.tamper("audit_link", "delete from audit_link where sequence > 7")
    try await fixture.tamper("audit_entry", "delete from audit_entry where record_id > 7")
    #expect(try await fixture.verifier().verify().finding == .truncated(sequence: 7, signedUpTo: 10))
  }

  @Test func anEntrySlippedInBesideTheChainIsNamed() async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(2)
    try await fixture.database.execute(
      """
      insert into audit_entry (occurred_at, principal_kind, principal_id, principal_name, action, entity, outcome, details)
      values (now(), 'user', 1, 'x', 'address.view', '', 'done', '{}')
      """)
    guard case .unchained = try await fixture.verifier().verify().finding else {
      Issue.record("the stray entry was not named")
      return
    }
  }

  @Test(arguments: [
    "update audit_entry set action = 'x'", "delete from audit_entry", "truncate audit_entry",
    "update audit_link set hash = ''", "delete from audit_link", "delete from audit_head",
  ])
  func tablesRefuseEverythingButGrowing(statement: String) async throws {
    let fixture = try await AuditFixture()
    try await fixture.fill(1)
    await #expect(throws: SQLFailure.self) { try await fixture.database.execute(SQL(unsafe: statement)) }
    #expect(try await fixture.verifier().verify().isIntact)
  }
}
