package import Access
package import Audit
package import Core
import Crypto
import Documents
import Entities
import Files
import Identity
import Papers
import Processes
import SQL

/// A signature that is about to be given: what is signed, by whom, and what stands on the sheet (待签内容).
package struct SignatureOffer: Sendable {
  package let id: Int64
  package let number: String
  package let item: ServiceItem
  /// The digest of everything that stands in the case now.
  package let digest: String
  package let signer: String
  /// How surely who is signed in is known.
  package let assurance: Assurance
  /// Who is signed in; `nil` when an officer enters the signature.
  package let account: String?
  /// Whoever is there while the applicant signs, or takes the signed paper; `nil` when the applicant signs alone.
  package let witness: String?
  package let code: String
  package let at: Instant
  /// The case as whoever signs or takes the signature sees it: everything that is signed, in clear.
  package let view: CaseView

  /// What was signed before, the latest first.
  package var earlier: [CaseSignature] { view.signatures }

  /// Whether what stands was signed on paper of which there is no scan yet.
  package var awaitsScan: Bool { witness != nil && earlier.first?.awaitsScan == true }

  /// How the signer is known, as a code of `signature_identity`: by the account, or by what an officer says they saw.
  package func identity(_ given: SignatureGiven) -> String {
    witness == nil ? assurance.rawValue : given.sawDocument ? SignatureOffer.faceToFace : "received"
  }

  static let faceToFace = "window"

  /// The ways that are open to whoever asks. Whether there is a cloud service or a bound telephone shows when it is used.
  package var methods: [SignatureMethod] { witness == nil ? SignatureMethod.alone : [.handwriting, .paper] }
}

/// What was given with a signature.
package struct SignatureGiven: Sendable {
  package let method: SignatureMethod
  /// The digest of what the page showed.
  package let seen: String
  /// Whether the officer compared the signer with their document, face to face.
  package var sawDocument = false
  /// Strokes as PNG.
  package var picture: [UInt8]?
  /// The application with the signature on it: as PDF, or of paper a scan of it.
  package var sheet: [UInt8]?
  /// Of the cloud service.
  package var cloud: CloudSeal?

  package var reference: String? { cloud?.reference }

  package init(_ method: SignatureMethod, seen: String) {
    self.method = method
    self.seen = seen
  }
}

extension CaseStore {
  /// What somebody may sign now.
  ///
  /// - Throws: ``Refusal`` `case-missing`, `signature-unasked`, `signature-closed`, `signature-foreign`, `signature-unseen` for
  ///   whoever does not see all of it, and the item's refusal of who is not known surely enough.
  package func signing(_ id: Int64, as principal: Principal, origin: Origin = .inside) async throws -> SignatureOffer {
    let view = try await view(id, as: principal, origin: origin, toSign: true)
    return try await store.database.transaction { try await signing(view, as: principal, in: $0) }
  }

  private func signing(_ view: CaseView, as principal: Principal, in transaction: Transaction) async throws
    -> SignatureOffer
  {
    guard !view.item.isInternal, view.item.signature != .unasked else {
      throw Refusal(.unprocessable, "signature-unasked", "这个事项不需要签名。")
    }
    guard view.isSignable else {
      throw Refusal(.conflict, "signature-closed", "这件事已经批准、办结或停办，不能再签名。")
    }
    let channel = view.record["channel"].text.flatMap { CaseChannel(rawValue: $0) } ?? .online
    let isOwn = view.access == .applicant
    guard isOwn || mayWitness(view, principal) else {
      throw Refusal(.forbidden, "signature-foreign", "只有申请人本人可以签名；受理人员在办理时可以当面请申请人签名，或登记纸质签名。")
    }
    if isOwn, channel == .online, let refusal = view.item.assuranceRefusal(principal.assurance) { throw refusal }
    let system = store.records(as: .system, purpose: "核对签名").within(transaction).plain
    let record = try await system.get(ServiceCase.entity, view.id, reveal: true)
    let number = record["number"].text ?? ""
    let content = SignedContent(
      parts: try await signedParts(of: view.id, view.item, in: transaction), salt: try signingSalt(number))
    // What is masked or kept from them would be signed unseen, and missing on the sheet.
    let shown = SignedContent(
      parts: try await signedParts(view.record, view.form, view.materials, in: transaction), salt: content.salt)
    guard shown.digest == content.digest else {
      throw isOwn
        ? CaseStore.staleSignature
        : Refusal(
          .forbidden, "signature-unseen",
          "这件申请有内容不向您显示，或刚刚有改动，现在不能登记签名。请刷新后重试；仍不能的，请由办理这一步的人员登记。")
    }
    return SignatureOffer(
      id: view.id, number: number, item: view.item, digest: content.digest,
      signer: record["applicant_name"].text ?? "", assurance: principal.assurance,
      account: isOwn ? principal.name : nil, witness: isOwn ? nil : principal.name, code: office.newCode(),
      at: store.clock.now(), view: view)
  }

  package static let staleSignature = Refusal(
    .conflict, "signature-stale", "申请内容刚刚有改动，和您核对的不一样，没有签名。请重新核对后再签。", field: "digest")

  package static let unofferedMethod = Refusal(.invalid, "signature-way", "请选择一种签名方式。")

  /// Whether an officer may take a signature in a case: whoever has to handle it, or took it up at the window.
  package func mayWitness(_ view: CaseView, _ principal: Principal) -> Bool {
    guard principal.kind == .user, principal.unit != nil, !isOutside, view.access != .applicant else { return false }
    return !view.mine.isEmpty || view.record["accepted_by"].integer == principal.id
  }

  /// Whether somebody took a case up, who then sees all of it while the applicant signs before them.
  func hasAccepted(_ id: Int64, _ principal: Principal, in transaction: Transaction) async throws -> Bool {
    guard principal.kind == .user, principal.unit != nil, !isOutside else { return false }
    let rows = try await transaction.pipeline([
      Inbox.openScope, "select 1 from service_case where id = \(id) and accepted_by = \(principal.id)",
    ])[1]
    return !rows.isEmpty
  }

  /// Seals a signature and enters it.
  ///
  /// - Throws: ``Refusal`` `signature-stale` when the case is not what the page showed any more, `signature-given` when it is
  ///   signed in this way already; nothing is signed then.
  @discardableResult
  package func sign(
    _ offer: SignatureOffer, _ given: SignatureGiven, by principal: Principal, origin: Origin = .inside
  ) async throws -> String {
    guard let signer = office.keys.current else { throw Fault("signature-unsealed") }
    guard offer.methods.contains(given.method) else { throw CaseStore.unofferedMethod }
    return try await store.database.transaction { transaction in
      let state = try await hold(offer.id, in: transaction)
      guard state.instance.state == .running, !state.instance.isGranted else {
        throw Refusal(.conflict, "signature-closed", "这件事刚刚批准、办结或停办，没有签名。请刷新页面查看。")
      }
      guard offer.witness != nil || state.isApplicant(principal) else {
        throw Refusal(.forbidden, "signature-foreign", "只有申请人本人可以签名，没有签名。")
      }
      let standing = try await standing(of: offer.id, state.item, in: transaction)
      let content = SignedContent(parts: standing.parts, salt: try signingSalt(offer.number))
      guard constantTimeEqual(Array(content.digest.utf8), Array(given.seen.utf8)) else {
        throw CaseStore.staleSignature
      }
      guard given.method != .cloud || given.cloud?.covers(content.digest) == true else {
        throw Refusal(
          .unprocessable, "cloud-signature", "云签服务的签名值与申请内容不符，没有签名。请重新核对后再签，或改用手写签名。", field: "cloud")
      }
      var identity = offer.identity(given)
      let last = try await KeptSignature.of(case: offer.id, store.keys, in: transaction).last
      if let last, last.digest == content.digest, last.method == given.method.rawValue,
        try await signature(last, named: "", account: nil, hidesFiles: true, standing, in: transaction).verdict
          .holds
      {
        // A second click signs nothing more; a scan of what was signed on paper may come later.
        if last.witness == offer.witness, (last.sheet == nil) == (given.sheet == nil) { return last.code }
        // Whoever saw the signer when they took the paper has seen them when they scan it.
        if let witness = offer.witness, last.witness == witness { identity = last.identity }
        guard last.sheet == nil, given.sheet != nil else {
          throw Refusal(
            .conflict, "signature-given",
            "申请已有有效签名（\(given.method.label)，\(last.signedAt.display)\(last.witness.map { "，\($0)登记" } ?? "")），没有再登记。请在办件页面查看。"
          )
        }
      }
      let picture = try await keep(given.picture, "手写签名", by: principal, in: transaction)
      let sheet = try await keep(given.sheet, "申请表（已签名）", by: principal, in: transaction)
      let facts = SignedFacts(
        content: content.digest, signer: offer.signer, account: offer.account, identity: identity,
        method: given.method.rawValue, picture: picture?.digest, sheet: sheet?.digest, reference: given.reference,
        cloud: given.cloud, witness: offer.witness, signedAt: offer.at, code: offer.code, salt: content.salt)
      let statement = SignatureStatement(
        [("number", offer.number), ("item", "\(state.item.code) \(state.item.version)")] + facts.lines)
      let values: [String: Value] = [
        "code": .text(offer.code), "method": .text(given.method.rawValue), "signer_name": .text(offer.signer),
        "account_name": offer.account.map { .text($0) } ?? .null,
        "identity": .text(identity), "signed_at": .instant(offer.at),
        "witness_name": offer.witness.map { .text($0) } ?? .null,
        "reference": given.reference.map { .text($0) } ?? .null,
        "cloud": given.cloud.map { .json($0.json) } ?? .null, "digest": .text(content.digest),
        "picture": picture.map { .text($0.key) } ?? .null, "sheet": sheet.map { .text($0.key) } ?? .null,
        "parts": .json(SignatureParts(content).json), "salt": .text(content.salt), "statement": .text(statement.text),
        "seal": .text(Hex.encode(try signer.key.sign(statement.bytes).der)),
        "seal_key": .text(Hex.encode(signer.key.publicKey.point)),
      ]
      try await enter(values, state, by: principal, origin: origin, in: transaction)
      if isOutside { try await sendSignature(values, picture, sheet, state, in: transaction) }
      return offer.code
    }
  }

  private func keep(_ bytes: [UInt8]?, _ name: String, by principal: Principal, in transaction: Transaction)
    async throws -> StoredFile?
  {
    guard let bytes else { return nil }
    let kind = FileKind.sniff(bytes: bytes)
    return try await office.files.put(
      bytes: bytes, name: "\(name).\(kind.fileExtension)", classification: .secret, policy: CaseStore.sheets,
      by: principal, in: transaction)
  }

  private static let sheets = FilePolicy(maximumSize: 20 << 20, description: "PNG、JPEG 图片或 PDF") { kind in
    [.png, .jpeg, .pdf].contains(kind)
  }

  /// Enters a signature with its line in the history; the audit chain keeps its digest, so that none disappears unseen.
  func enter(
    _ values: [String: Value], _ state: CaseState, by principal: Principal, origin: Origin, in transaction: Transaction
  ) async throws {
    let records = store.records(as: acting(for: principal, form: state.form), purpose: "签名", origin: origin)
      .within(transaction).plain
    var made = values.filter { !$0.value.isNull }
    made[ServiceCase.reference] = .integer(state.id)
    for name in ["division_code", "unit_id", "applicant_user_id"] {
      if let value = state.record[name], !value.isNull { made[name] = value }
    }
    let record = try await records.insert(ServiceCase.signature, made, input: .code)
    let method = values["method"]?.text.flatMap { SignatureMethod(rawValue: $0) } ?? .paper
    let action = CaseAction(name: "sign", target: method.label)
    _ = try await transaction.query(eventStatement(state, action, by: principal, at: store.clock.now()))
    try await store.audit.append(
      AuditEntry(
        principal, "\(ServiceCase.signature).sign", entity: ServiceCase.signature, record: record.id, purpose: "签名",
        origin: origin,
        details: [
          "statement": .string(Hex.encode(Digest.sm3(Array((values["statement"]?.text ?? "").utf8)))),
          "method": .string(method.rawValue),
        ]), in: transaction)
    try await report(state, action, by: principal, in: transaction)
  }
}
