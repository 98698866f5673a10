import Access
import Audit
import Cases
import Core
import SQL
import Testing

/// Signing as the pages do, for tests.
extension CaseFixture {
  static let signedSheet = Array("%PDF-1.4\n% Antrag\n".utf8)

  /// Signs as the page would: what it showed, with a sheet of some sort.
  @discardableResult
  func sign(
    _ id: Int64, by account: String = "resident", _ method: SignatureMethod = .phoneCode,
    sawDocument: Bool = false
  ) async throws -> String {
    let person = try self.person(account)
    let offer = try await cases.signing(id, as: person)
    var given = SignatureGiven(method, seen: offer.digest)
    given.sheet = CaseFixture.signedSheet
    given.sawDocument = sawDocument
    return try await cases.sign(offer, given, by: person)
  }

  /// Changes a kept signature as whoever owns the database could.
  func forge(_ id: Int64, _ change: SQL) async throws {
    try await database.transaction { transaction in
      _ = try await transaction.query("select set_config('lifang.scope_case_signature', '{\"all\":true}', true)")
      try await transaction.execute("alter table case_signature disable trigger case_signature_kept")
      try await transaction.execute("update case_signature set \(change) where id = \(id)")
      try await transaction.execute("alter table case_signature enable trigger case_signature_kept")
    }
  }

  /// As the applicant sees them, the latest first.
  func signatures(_ id: Int64) async throws -> [CaseSignature] {
    try await cases.view(id, as: try person("resident")).signatures
  }

  /// The latest signature of a case, and its evidence as the applicant takes it away.
  func evidence(_ id: Int64) async throws -> (kept: CaseSignature, json: JSON) {
    let resident = try person("resident")
    let view = try await cases.view(id, as: resident)
    let kept = try #require(view.signatures.first)
    return (kept, try await cases.signatureEvidence(kept.id, of: view, by: resident, origin: .inside))
  }
}
