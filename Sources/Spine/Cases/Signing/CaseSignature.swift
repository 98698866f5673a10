package import Access
import Audit
package import Core
package import Crypto
package import Entities
import Papers
import Processes
import SQL

/// A signature as somebody may see it, and whether it still covers what stands in the case (电子签名).
package struct CaseSignature: Sendable {
  /// What is to be thought of a signature now (核验结论).
  package enum Verdict: Sendable, Hashable {
    /// Nothing was changed since.
    case whole
    /// What was signed stands; these came later and are not covered, by their labels.
    case extended([String])
    /// These are not what was signed any more, by their labels.
    case altered([String])
    /// The seal does not fit what is kept of the signature.
    case broken

    /// What was changed or added since, by label.
    package var labels: [String] {
      switch self {
      case .extended(let labels), .altered(let labels): labels
      case .whole, .broken: []
      }
    }

    /// Whether everything that was signed still stands.
    package var holds: Bool {
      switch self {
      case .whole, .extended: true
      case .altered, .broken: false
      }
    }
  }

  package let id: Int64
  package let code: String
  package let method: SignatureMethod
  /// Masked for who may not see the name.
  package let signer: String
  /// A code of `signature_identity`.
  package let identity: String
  package let signedAt: Instant
  /// Who was there, or took the paper; `nil` when the applicant was alone.
  package let witness: String?
  package let reference: String?
  /// Of everything that was signed, in hexadecimal.
  package let digest: String
  /// Keys of the file store; `nil` without strokes.
  package let picture: String?
  package let sheet: String?
  /// Whether there are files that the reader may see only after registering why.
  package let hidesFiles: Bool
  package let verdict: Verdict
  package let statement: SignatureStatement
  package let seal: [UInt8]
  package let key: SM2PublicKey?
}

extension CaseView {
  /// Whether a signature can be given now, by whoever may.
  package var isSignable: Bool {
    !item.isInternal && item.signature != .unasked && instance.state == .running && !instance.isGranted
  }

  /// Whether the applicant still has to sign: on line, where the item demands it and nothing valid stands.
  package var awaitsSignature: Bool {
    isSignable && item.signature == .required && record["channel"].text == CaseChannel.online.rawValue
      && signatures.first?.verdict.holds != true
  }
}

extension CaseStore {
  /// The signatures of a case with what each is worth now, the latest first.
  ///
  /// - Parameters:
  ///   - records: of the reader.
  ///   - reveals: whether the reader sees everything.
  func signatures(
    of id: Int64, _ item: ServiceItem, _ records: Records, reveals: Bool, in transaction: Transaction
  ) async throws -> [CaseSignature] {
    let shown = try await records.attached(ServiceCase.signature, to: id, reveal: reveals)
    if shown.isEmpty { return [] }
    let kept = try await store.records(as: .system, purpose: "核对签名").within(transaction).plain
      .attached(ServiceCase.signature, to: id, reveal: true)
    let parts = try await signedParts(of: id, item, in: transaction)
    var found: [CaseSignature] = []
    for (record, full) in zip(shown, kept) {
      found.append(try await signature(full, as: record, parts, in: transaction))
    }
    return found.reversed()
  }

  /// - Parameters:
  ///   - full: everything that is kept.
  ///   - shown: what the reader may see.
  ///   - parts: what stands in the case now.
  func signature(
    _ full: Record, as shown: Record, _ parts: [SignedContent.Part], in session: some SQLSession
  ) async throws -> CaseSignature {
    let seal = full["seal"].text.flatMap { Hex.decode($0) } ?? []
    let key = full["seal_key"].text.flatMap { Hex.decode($0) }.flatMap { try? SM2PublicKey(point: $0) }
    let statement = full["statement"].text.flatMap { SignatureStatement(text: $0) } ?? SignatureStatement([])
    var verdict = CaseSignature.Verdict.broken
    if let key, try await isSound(full, statement, seal, key, in: session) {
      verdict = changes(full, parts)
    }
    let masked = !shown.masked.isDisjoint(with: ["picture", "sheet"])
    return CaseSignature(
      id: full.id, code: full["code"].text ?? "",
      method: full["method"].text.flatMap { SignatureMethod(rawValue: $0) } ?? .paper,
      signer: shown["signer_name"].text ?? "", identity: full["identity"].text ?? "",
      signedAt: full["signed_at"].instant ?? full.createdAt, witness: full["witness_name"].text,
      reference: full["reference"].text, digest: full["digest"].text ?? "",
      picture: masked ? nil : full["picture"].text, sheet: masked ? nil : full["sheet"].text, hidesFiles: masked,
      verdict: verdict, statement: statement, seal: seal, key: key)
  }

  /// What a signature covers compared with what stands there.
  private func changes(_ full: Record, _ parts: [SignedContent.Part]) -> CaseSignature.Verdict {
    let signed = SignatureParts(full["parts"].json)
    let now = SignedContent(parts: parts, salt: full["salt"].text ?? "")
    let (altered, added) = now.changes(since: signed.digests)
    func labels(_ names: [String]) -> [String] {
      names.map { name in parts.first { $0.name == name }?.label ?? signed.labels[name] ?? name }
    }
    if !altered.isEmpty { return .altered(labels(altered)) }
    return added.isEmpty ? .whole : .extended(labels(added))
  }

  /// Whether what is kept is what was sealed: by a key of ours, or taken in from the other network under our own seal.
  private func isSound(
    _ full: Record, _ statement: SignatureStatement, _ seal: [UInt8], _ key: SM2PublicKey, in session: some SQLSession
  ) async throws -> Bool {
    guard statement.isSealed(seal, by: key) else { return false }
    let ours = Array(office.keys.trusted.values)
    if let receipt = full["receipt"].text.flatMap({ Hex.decode($0) }) {
      let taken = CaseStore.received(statement, seal, key)
      guard let receipt = try? SM2Signature(der: receipt),
        ours.contains(where: { (try? $0.isValid(receipt, of: taken)) == true })
      else { return false }
    } else {
      guard ours.contains(where: { $0.point == key.point }) else { return false }
    }
    let signed = SignatureParts(full["parts"].json)
    let salt = full["salt"].text ?? ""
    let digest = SignedContent.digest(of: signed.digests)
    guard statement["content"] == digest, full["digest"].text == digest, statement["code"] == full["code"].text,
      statement["method"] == full["method"].text, statement["identity"] == full["identity"].text,
      statement["signed"] == full["signed_at"].instant?.iso8601,
      statement["signer"] == SignatureStatement.hidden(full["signer_name"].text ?? "", "signer", salt)
    else { return false }
    let files = try await ArchiveDigest.files(
      [full["picture"].text, full["sheet"].text].compactMap(\.self), in: session)
    for name in ["picture", "sheet"] {
      let stored = full[name].text.flatMap { files[$0]?["digest"]?.string }
      guard statement[name] == stored ?? "-" else { return false }
    }
    return true
  }

  /// What the inside seals of a signature that came from the outside.
  static func received(_ statement: SignatureStatement, _ seal: [UInt8], _ key: SM2PublicKey) -> [UInt8] {
    Array("lifang-signature-receipt-1\n\(Hex.encode(key.point))\n\(Hex.encode(seal))\n".utf8) + statement.bytes
  }

  // MARK: What the process asks

  /// Nothing that has to be signed is granted without a signature that covers what stands there.
  ///
  /// - Throws: ``Refusal`` `signature-missing`, `signature-outdated`; the move is not made.
  func requireSignature(_ state: CaseState, before: ProcessInstance?, in transaction: Transaction) async throws {
    guard state.item.signature == .required, !isOutside, let before, !before.isGranted, state.instance.isGranted else {
      return
    }
    let system = store.records(as: .system, purpose: "核对签名").within(transaction).plain
    let record = try await system.get(ServiceCase.entity, state.id, columns: ["channel"])
    guard record["channel"].text == CaseChannel.online.rawValue else { return }
    let latest = try await signatures(of: state.id, state.item, system, reveals: true, in: transaction).first
    guard let latest else {
      throw Refusal(
        .unprocessable, "signature-missing",
        "申请人还没有在申请书上签名，不能批准。请退回补正请申请人签名；已收到纸质签名的，先在办件页面“登记纸质签名”。")
    }
    guard latest.verdict.holds else {
      throw Refusal(
        .unprocessable, "signature-outdated",
        "签名之后申请内容又有改动，原签名不再有效，不能批准。请退回补正请申请人重新签名，或登记纸质签名。")
    }
  }
}

/// What is kept of signed parts: each digest and what people call it (逐项摘要).
struct SignatureParts {
  var digests: [String: String] = [:]
  var labels: [String: String] = [:]

  init(_ content: SignedContent) {
    digests = content.digests
    labels = Dictionary(content.parts.map { ($0.name, $0.label) }, uniquingKeysWith: { a, _ in a })
  }

  init(_ json: JSON?) {
    for (name, part) in json?.object ?? [] {
      digests[name] = part["digest"]?.string
      labels[name] = part["label"]?.string
    }
  }

  var json: JSON {
    .object(
      digests.sorted { $0.key < $1.key }.map { name, digest in
        (name, ["label": .string(labels[name] ?? name), "digest": .string(digest)])
      })
  }
}
