package import Access
package import Audit
package import Core
package import Crypto
import Entities
import Files

/// What anybody may know of a document whose code they hold (验真).
package struct DocumentProof: Sendable {
  /// What is to be thought of a document (验真结论).
  package enum Verdict: Sendable, Hashable {
    case authentic
    /// 已过有效期.
    case expired
    /// 已作废.
    case void
    /// The file in the store is not the one that was signed.
    case broken
  }

  package let verdict: Verdict
  package let label: String
  package let number: String
  /// Masked, such as 张*.
  package let holder: String
  package let unit: String
  package let issuedOn: CivilDate
  package let validUntil: CivilDate?
  package let voidedOn: CivilDate?
  /// SM3 of the PDF, in hexadecimal.
  package let digest: String
  /// SM2 over the PDF, DER.
  package let signature: [UInt8]
  /// The key that signed it; `nil` when this installation does not have it any more.
  package let key: SM2PublicKey?
}

extension DocumentOffice {
  /// What a code proves; `nil` for one that belongs to no document. Every question is audited.
  package func verify(_ code: String, by principal: Principal, origin: Origin) async throws -> DocumentProof? {
    let code = code.uppercased().filter { !$0.isWhitespace }
    let proof = try await proof(code)
    try await store.audit.append(
      AuditEntry(
        principal, "\(IssuedDocument.entity).verify", entity: IssuedDocument.entity, record: proof?.id,
        outcome: proof == nil ? .refused : .done, origin: origin), in: store.database)
    return proof?.proof
  }

  private func proof(_ code: String) async throws -> (id: Int64, proof: DocumentProof)? {
    guard (16...40).contains(code.utf8.count), code.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      return nil
    }
    let records = store.records(as: .system, purpose: "公众验真")
    guard var entry = try await records.find(IssuedDocument.entity, where: "code", equals: .text(code)) else {
      return nil
    }
    if entry[IssuedDocument.digest] == nil {
      try await settle(entry.id)
      entry = try await records.get(IssuedDocument.entity, entry.id)
    }
    let signature = entry[IssuedDocument.signature].flatMap { Hex.decode($0) } ?? []
    let key = entry[IssuedDocument.keyID].flatMap { keys.trusted[$0] }
    let today = store.clock.now().chinaTime.date
    let until = entry[IssuedDocument.validUntil]
    let verdict: DocumentProof.Verdict =
      if entry[IssuedDocument.state] != "valid" { .void } else if try await !isWhole(entry, signature, key) {
        .broken
      } else if let until, until < today { .expired } else { .authentic }
    let proof = DocumentProof(
      verdict: verdict, label: entry[IssuedDocument.label] ?? "", number: entry[IssuedDocument.number] ?? "",
      holder: Masking.masked(entry["holder_name"].text ?? "", by: .name), unit: entry["unit_name"].text ?? "",
      issuedOn: (entry["issued_at"].instant ?? entry.createdAt).chinaTime.date, validUntil: until,
      voidedOn: entry["voided_at"].instant?.chinaTime.date, digest: entry[IssuedDocument.digest] ?? "",
      signature: signature, key: key)
    return (entry.id, proof)
  }

  /// Whether the stored file is still the one that was signed.
  private func isWhole(_ entry: Record, _ signature: [UInt8], _ key: SM2PublicKey?) async throws -> Bool {
    guard let key, let name = entry[IssuedDocument.file], let signature = try? SM2Signature(der: signature) else {
      return false
    }
    let bytes = try await files.bytes(of: try await files.find(name))
    guard Hex.encode(Digest.sm3(bytes)) == entry[IssuedDocument.digest] else { return false }
    return try key.isValid(signature, of: bytes)
  }
}
