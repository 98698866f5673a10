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
    /// What was signed and can still be compared stands; the register has no such answers any more as those that are `gone`,
    /// and `added` came later.
    case incomparable(gone: [String], added: [String])
    /// These are not what was signed any more, by their labels.
    case altered([String])
    /// The seal does not fit what is kept of the signature.
    case broken

    /// What was changed or added since, or cannot be compared, by label.
    package var labels: [String] {
      switch self {
      case .extended(let labels), .altered(let labels): labels
      case .incomparable(let gone, let added): gone + added
      case .whole, .broken: []
      }
    }

    /// Whether everything that was signed still stands, as far as it can be compared: an upgrade of the register is not the
    /// applicant's doing, and takes no signature away.
    package var holds: Bool {
      switch self {
      case .whole, .extended, .incomparable: true
      case .altered, .broken: false
      }
    }

    /// For programs.
    package var code: String {
      switch self {
      case .whole: "whole"
      case .extended: "extended"
      case .incomparable: "incomparable"
      case .altered: "altered"
      case .broken: "broken"
      }
    }
  }

  package let id: Int64
  package let code: String
  package let method: SignatureMethod
  /// Masked for who may not see the name.
  package let signer: String
  /// Who was signed in, masked likewise; `nil` when an officer entered it.
  package let account: String?
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

  /// Whether whoever entered it compared the signer with their document.
  package var isFaceToFace: Bool { identity == SignatureOffer.faceToFace }

  /// Whether it holds and is on paper of which there is no scan yet.
  package var awaitsScan: Bool { method == .paper && sheet == nil && !hidesFiles && verdict.holds }
}

extension CaseView {
  /// Whether a signature can be given now, by whoever may.
  package var isSignable: Bool {
    !item.isInternal && item.signature != .unasked && instance.state == .running && !instance.isGranted
  }

  /// Whether a signature covers what stands there; `nil` while there is none. Outside the word of the inside comes first, where
  /// paper is entered and where answers may be corrected.
  package var signatureHolds: Bool? { signedInside ?? signatures.first?.verdict.holds }

  /// Whether the applicant still has to sign: on line, where the item demands it and nothing valid stands.
  package var awaitsSignature: Bool {
    isSignable && item.signature == .required && record["channel"].text == CaseChannel.online.rawValue
      && signatureHolds != true
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
    let standing = try await standing(of: id, item, in: transaction)
    var found: [CaseSignature] = []
    for kept in try await KeptSignature.of(case: id, store.keys, in: transaction) {
      guard let record = shown.first(where: { $0.id == kept.id }) else { continue }
      found.append(
        try await signature(
          kept, named: record["signer_name"].text ?? "", account: record["account_name"].text,
          hidesFiles: !record.masked.isDisjoint(with: ["picture", "sheet"]), standing, in: transaction))
    }
    return found.reversed()
  }

  /// - Parameters:
  ///   - name: of the signer, as the reader may see it.
  ///   - account: who was signed in, likewise.
  ///   - standing: what stands in the case now.
  func signature(
    _ kept: KeptSignature, named name: String, account: String?, hidesFiles: Bool, _ standing: StandingContent,
    in session: some SQLSession
  ) async throws -> CaseSignature {
    let files = try await ArchiveDigest.files([kept.picture, kept.sheet].compactMap(\.self), in: session)
      .compactMapValues { $0["digest"]?.string }
    let isSound = kept.isSound(Array(office.keys.trusted.values), files: files)
    return CaseSignature(
      id: kept.id, code: kept.code, method: SignatureMethod(rawValue: kept.method) ?? .paper, signer: name,
      account: account,
      identity: kept.identity, signedAt: kept.signedAt, witness: kept.witness, reference: kept.reference,
      digest: kept.digest, picture: hidesFiles ? nil : kept.picture, sheet: hidesFiles ? nil : kept.sheet,
      hidesFiles: hidesFiles, verdict: isSound ? kept.verdict(standing) : .broken, statement: kept.statement,
      seal: kept.seal, key: kept.key)
  }

  /// Whether the latest signature covers what stands in a case; `nil` without one.
  func signatureHolds(of state: CaseState, in transaction: Transaction) async throws -> Bool? {
    guard let last = try await KeptSignature.of(case: state.id, store.keys, in: transaction).last else { return nil }
    let standing = try await standing(of: state.id, state.item, in: transaction)
    return try await signature(last, named: "", account: nil, hidesFiles: true, standing, in: transaction).verdict.holds
  }

  // MARK: What the process asks

  /// Nothing that has to be signed is granted without a signature that covers what stands there.
  ///
  /// - Throws: ``Refusal`` `signature-missing`, `signature-outdated`, `signature-broken`; the move is not made.
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
        "申请人还没有在申请书上签名，不能批准。\(CaseStore.howToSign)")
    }
    if latest.verdict == .broken { throw CaseStore.brokenSignature }
    guard latest.verdict.holds else {
      throw Refusal(
        .unprocessable, "signature-outdated",
        "签名之后申请内容又有改动，原签名不再有效，不能批准。\(CaseStore.howToSign)")
    }
  }

  /// What an officer does about a signature that is missing.
  package static let howToSign = "请申请人在办件页面签名，不必退回；已收到纸质的，登记纸质签名。"

  package static let brokenSignature = Refusal(
    .unprocessable, "signature-broken", "保存的签名与签名值不符，不要采信，请报告系统管理员；可请申请人重新签名。")
}
