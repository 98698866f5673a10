package import Access
package import Audit
package import Core
import Crypto
import Entities
import Files
import Papers
import SQL

/// What anybody may know of a signature whose code they hold (签名验证): nothing that does not stand on the signed sheet, and
/// less of who signed.
package struct SignatureProof: Sendable {
  package let item: String
  package let number: String
  /// Masked, such as 张*.
  package let signer: String
  package let unit: String
  package let signature: CaseSignature
}

extension CaseStore {
  /// A code as it is kept, however somebody typed it; `nil` for what can be none.
  static func signatureCode(_ text: String) -> String? {
    let code = text.uppercased().filter { !$0.isWhitespace }
    guard (16...40).contains(code.utf8.count), code.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      return nil
    }
    return code
  }

  /// What a code proves; `nil` for one that belongs to no signature. Every question about one is audited.
  package func verifySignature(_ code: String, by principal: Principal, origin: Origin) async throws
    -> SignatureProof?
  {
    guard let code = CaseStore.signatureCode(code) else { return nil }
    return try await store.database.transaction { transaction -> SignatureProof? in
      guard let kept = try await KeptSignature.of(code: code, store.keys, in: transaction) else { return nil }
      let system = store.records(as: .system, purpose: "公众验证签名", origin: origin).within(transaction)
      let record = try await system.get(ServiceCase.entity, kept.caseID)
      // As the case began: what is in force today may have another form, or have been withdrawn.
      let began = try await transaction.query(
        "select item_version_id from case_process where case_id = \(kept.caseID)"
      ).first
      guard let began else { return nil }
      let item = try await versions.item(try began.get("item_version_id"), in: transaction)
      let standing = try await standing(of: record.id, item, in: transaction)
      let signature = try await signature(
        kept, named: kept.signer, account: nil, hidesFiles: true, standing, in: transaction)
      try await store.audit.append(
        AuditEntry(
          principal, "\(ServiceCase.signature).verify", entity: ServiceCase.signature, record: kept.id, origin: origin),
        in: transaction)
      return SignatureProof(
        item: record["item_label"].text ?? "", number: record["number"].text ?? "",
        signer: Masking.masked(signature.signer, by: .name), unit: record.titles["unit_id"] ?? "",
        signature: signature)
    }
  }

  /// Everything that proves a signature without this installation (签名证据): for the applicant, and for whoever may see the
  /// files of the case.
  ///
  /// - Throws: ``Refusal`` `signature-missing`, `reading-due`.
  package func signatureEvidence(_ signature: Int64, of view: CaseView, by principal: Principal, origin: Origin)
    async throws -> JSON
  {
    guard let known = view.signatures.first(where: { $0.id == signature }) else {
      throw Refusal(.notFound, "signature-missing", "没有找到这次签名。请刷新办件页面。")
    }
    guard !known.hidesFiles, view.access == .applicant || !view.mine.isEmpty || view.reading != nil else {
      throw CaseStore.readingDue
    }
    return try await store.database.transaction { transaction in
      guard
        let kept = try await KeptSignature.of(case: view.id, store.keys, in: transaction)
          .first(where: { $0.id == signature })
      else { throw CaseStore.missing }
      let now = SignedContent(
        parts: try await signedParts(of: view.id, view.item, in: transaction), salt: kept.salt)
      let signed = kept.parts
      let parts = signed.digests.sorted { $0.key < $1.key }.map { name, digest -> JSON in
        let standing = now.parts.first { $0.name == name && now.digests[name] == digest }
        return [
          "name": .string(name), "label": .string(signed.labels[name] ?? name), "digest": .string(digest),
          "value": standing.map { .string($0.value) } ?? .null,
        ]
      }
      try await store.audit.append(
        AuditEntry(
          principal, "\(ServiceCase.signature).evidence", entity: ServiceCase.signature, record: signature,
          purpose: "签名证据", origin: origin), in: transaction)
      let receiver = try kept.receiver(among: Array(office.keys.trusted.values))?.pem()
      return [
        "format": .string(SignatureEvidence.format), "statement": .string(known.statement.text),
        "signature": .string(Hex.encode(known.seal)), "key": .string(try known.key?.pem() ?? ""),
        "receipt": kept.receipt.map { .string(Hex.encode($0)) } ?? .null,
        "receiptKey": receiver.map { .string($0) } ?? .null,
        "cloud": kept.cloud?.json ?? .null,
        "signer": .string(kept.signer), "salt": .string(kept.salt), "parts": .array(parts),
      ]
    }
  }
}
