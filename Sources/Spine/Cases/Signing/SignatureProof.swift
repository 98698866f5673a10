package import Access
package import Audit
package import Core
package import Crypto
import Entities
import Files
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
  /// What a code proves; `nil` for one that belongs to no signature. Every question about one is audited.
  package func verifySignature(_ code: String, by principal: Principal, origin: Origin) async throws
    -> SignatureProof?
  {
    let code = code.uppercased().filter { !$0.isWhitespace }
    guard (16...40).contains(code.utf8.count), code.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      return nil
    }
    return try await store.database.transaction { transaction -> SignatureProof? in
      guard let kept = try await KeptSignature.of(code: code, store.keys, in: transaction) else { return nil }
      let system = store.records(as: .system, purpose: "公众验证签名", origin: origin).within(transaction)
      let record = try await system.get(ServiceCase.entity, kept.caseID)
      guard let item = services.item(record["item_code"].text ?? "") else { return nil }
      let parts = try await signedParts(of: record.id, item, in: transaction)
      let signature = try await signature(
        kept, named: kept.signer, account: nil, hidesFiles: true, parts, in: transaction)
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
      return [
        "format": .string(SignatureEvidence.format), "statement": .string(known.statement.text),
        "signature": .string(Hex.encode(known.seal)), "key": .string(try known.key?.pem() ?? ""),
        "signer": .string(kept.signer), "salt": .string(kept.salt), "parts": .array(parts),
      ]
    }
  }
}

/// A signature taken away from the installation, and how it is checked without one (离线验签).
package struct SignatureEvidence: Sendable {
  package static let format = "lifang-signature-evidence-1"

  /// What a check found, in words.
  package struct Report: Sendable, Hashable {
    /// What was proved.
    package var proved: [String] = []
    /// What does not fit; nothing is to be believed then.
    package var faults: [String] = []
  }

  package let statement: SignatureStatement
  let seal: [UInt8]
  let key: SM2PublicKey
  let signer: String
  let salt: String
  let parts: [(name: String, label: String, digest: String, value: String?)]

  /// - Throws: ``Refusal`` `signature-evidence` for a file that is none.
  package init(_ json: JSON) throws(Refusal) {
    guard json["format"]?.string == SignatureEvidence.format,
      let statement = json["statement"]?.string.flatMap({ SignatureStatement(text: $0) }),
      let seal = json["signature"]?.string.flatMap({ Hex.decode($0) }),
      let key = json["key"]?.string.flatMap({ try? SM2PublicKey(pem: $0) }), let salt = json["salt"]?.string
    else {
      throw Refusal(.invalid, "signature-evidence", "这不是里坊导出的签名证据，或文件不完整。请从办件页面重新下载“签名证据”。")
    }
    self.statement = statement
    self.seal = seal
    self.key = key
    self.salt = salt
    signer = json["signer"]?.string ?? ""
    parts = (json["parts"]?.array ?? []).map { part in
      (
        part["name"]?.string ?? "", part["label"]?.string ?? "", part["digest"]?.string ?? "", part["value"]?.string
      )
    }
  }

  /// Checks seal, contents and the signed sheet.
  ///
  /// - Parameters:
  ///   - sheet: the PDF that is to be the signed one.
  ///   - trusted: the platform's public key as somebody got it otherwise; without it the file's own is believed, and said so.
  package func check(sheet: [UInt8]? = nil, trusted: SM2PublicKey? = nil) -> Report {
    var report = Report()
    if let trusted, trusted.point != key.point { report.faults.append("证据里的公钥不是您给的公钥") }
    if statement.isSealed(seal, by: key) {
      report.proved.append("签名值有效（SM2/SM3），签名时间 \(statement["signed"] ?? "")")
    } else {
      report.faults.append("签名值与签名陈述不符：陈述被改动过，或不是这把密钥签的")
    }
    let digests = Dictionary(parts.map { ($0.name, $0.digest) }, uniquingKeysWith: { a, _ in a })
    if SignedContent.digest(of: digests) == statement["content"] {
      report.proved.append("逐项摘要 \(parts.count) 项，与所签的内容摘要一致")
    } else {
      report.faults.append("逐项摘要与所签的内容摘要不符")
    }
    for part in parts {
      guard let value = part.value else {
        report.proved.append("“\(part.label)”签名后已改动，证据里没有原值")
        continue
      }
      if SignedContent.digest(part.name, value, salt) != part.digest {
        report.faults.append("“\(part.label)”的内容与摘要不符")
      }
    }
    if SignatureStatement.hidden(signer, "signer", salt) != statement["signer"] {
      report.faults.append("签名人姓名与签名陈述不符")
    }
    if let sheet {
      if Hex.encode(Digest.sm3(sheet)) == statement["sheet"] {
        report.proved.append("PDF 是签名时的那一份")
      } else {
        report.faults.append("PDF 不是签名时的那一份，或被改动过")
      }
    }
    return report
  }
}
