import Access
import Audit
import Core
import Crypto
import Documents
import Entities
import Files
import Messaging
import Reports
import SQL
import Testing

/// Audit reports as they are issued (C-616).
@Suite struct AuditReportTests {
  private struct Auditing {
    let city: CaseFixture
    let files: FileStore
    let office: AuditOffice
    let sealer: AuditSealer
    let auditor: Principal
  }

  private func auditing() async throws -> Auditing {
    let city = try await CaseFixture()
    let ring = KeyRing(random: .seeded(3))
    try ring.rotate(.audit, at: CaseFixture.start)
    let keys = try AuditKeys(ring: ring)
    let told = try city.person("chief").id
    let files = try await city.fileStore()
    let office = AuditOffice(
      store: city.store, files: files, owner: city.database, keys: keys,
      parameters: Parameters(city.catalogs), messages: city.messages
    ) { _ in [told] }
    let auditor = Principal(
      kind: .user, id: try city.person("county").id, name: "审计员", unit: nil,
      grants: Grants([.init(AuditOffice.report, .all)]), clearance: .inner)
    let sealer = AuditSealer(database: city.database, keys: keys, clock: city.time.clock, log: .silent)
    try await city.store.audit.append(
      AuditEntry(try city.person("officer"), "person.list", entity: "person", purpose: "入户核查"), in: city.database)
    return Auditing(city: city, files: files, office: office, sealer: sealer, auditor: auditor)
  }

  private func span(_ since: String, _ until: String) throws -> ReportSpan {
    try ReportSpan(since: try #require(CivilDate(since)), until: try #require(CivilDate(until)))
  }

  @Test func aReportIsKeptWithItsFilesAndTheProofOfTheChain() async throws {
    let here = try await auditing()
    try await here.sealer.seal()
    let issued = try await here.office.issue(try span("2026-11-01", "2026-11-30"), by: here.auditor)
    #expect(issued["number"].text == "SJ2026000001" && issued["span_text"].text == "2026年11月")
    #expect(issued["chain"].text == "intact" && issued["chain_hash"].text?.count == 64)
    #expect(issued["entries"].integer ?? 0 > 0)
    for (field, kind) in [("file", FileKind.pdf), ("workbook", .xlsx), ("document", .docx)] {
      let file = try await here.files.find(try #require(issued[field].text))
      #expect(file.contentType == kind.mediaType && file.name.hasPrefix("审计报告-2026年11月-SJ2026000001."))
    }
    // A log that somebody changed by hand is said to be changed.
    try await here.city.database.transaction { transaction in
      try await transaction.execute("alter table audit_entry disable trigger user")
      try await transaction.execute("update audit_entry set purpose = '别的' where action = 'person.list'")
      try await transaction.execute("alter table audit_entry enable trigger user")
    }
    let again = try await here.office.issue(try span("2026-11-01", "2026-11-30"), by: here.auditor)
    #expect(again["chain"].text == "broken" && again["remarks"].integer ?? 0 > 0)
  }

  @Test func onlyTheAuditorSumsUpAndTheLookIsInTheLog() async throws {
    let here = try await auditing()
    let month = try span("2026-11-01", "2026-11-30")
    for account in ["officer", "county", "manager"] {
      let refused = await #expect(throws: Refusal.self) {
        try await here.office.look(month, by: try here.city.person(account))
      }
      #expect(refused?.kind == .forbidden)
    }
    let sheet = try await here.office.look(month, by: here.auditor)
    #expect(sheet.chain == nil)
    #expect(sheet.sections.first { $0.title == "按用途查看个人信息" }?.rows.contains { $0.first == "入户核查" } == true)
    var filter = AuditFilter()
    filter.action = "audit.report"
    let looks = try await AuditQuery(here.city.database).list(filter)
    #expect(looks.map(\.principalName) == ["审计员"] && looks.first?.details["since"]?.string == "2026-11-01")
  }

  @Test func theMonthThatIsOverIsIssuedOnceAndTold() async throws {
    let here = try await auditing()
    // Nothing happened in October.
    #expect(try await !here.office.issueDue())
    here.city.time.advance(seconds: 14 * 86_400)
    #expect(try await here.office.issueDue())
    #expect(try await !here.office.issueDue())
    let entries = try await here.city.store.records(as: .system).list(ListQuery(AuditOffice.register)).records
    #expect(entries.map { $0["span_text"].text } == ["2026年11月"])
    #expect(try await here.city.messages.unread(of: try here.city.person("chief").id) == 1)
  }
}
