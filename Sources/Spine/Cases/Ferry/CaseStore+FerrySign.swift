import Access
import Audit
import Core
import Crypto
import Entities
import Ferry
import Files
import Papers
import Processes
import SQL

/// Signatures across the boundary (签名摆渡): what was signed outside is proved again inside and kept there with a seal of the
/// inside's own, since the outside's key and everything it keeps of the case go away.
extension CaseStore {
  static let signatureShape = FerryShape.members([
    ("number", .text(max: 40)), ("values", .map(.value, max: 30)),
    (
      "files",
      .list(
        .members([
          ("field", .word(["picture", "sheet"])), ("digest", .digest), ("name", .text(max: 200)),
          ("size", .integer(1...(20 << 20))),
        ]), max: 2)
    ),
  ])

  func sendSignature(
    _ values: [String: Value], _ picture: StoredFile?, _ sheet: StoredFile?, _ state: CaseState,
    in transaction: Transaction
  ) async throws {
    guard let ferry, let number = try await ferryNumber(of: state.id, in: transaction) else { return }
    try await forgetSignedInside(state.id, in: transaction)
    var files: [JSON] = []
    for (field, file) in [("picture", picture), ("sheet", sheet)] {
      guard let file else { continue }
      try await ferry.post.send(file, subject: number, in: transaction)
      files.append([
        "field": .string(field), "digest": .string(file.digest), "name": .string(file.name), "size": .int(file.size),
      ])
    }
    let told = values.filter { !$0.value.isNull && $0.key != "picture" && $0.key != "sheet" }
    try await ferry.post.send(
      FerryMessage(
        kind: CaseFerryKind.signature, subject: number,
        payload: ["number": .string(number), "values": told.ferried, "files": .array(files)]), in: transaction)
  }

  /// Enters a signature that was given outside, once its seal and everything in it have been proved. One that comes after the
  /// decision decides nothing: history, audit and the applicant are told of it, and it is not entered.
  ///
  /// The key that it brings is the outside's own, which nobody inside knows: what the envelope proved came from there.
  ///
  /// - Throws: ``Refusal`` `ferry-signature` for what is not what was sealed, `ferry-file`; a ``Fault`` while there is no key to
  ///   seal it with, so that it is tried again.
  func takeSignature(_ payload: JSON, in transaction: Transaction) async throws {
    guard let ferry, let signer = office.keys.current else { throw Fault("signature-unsealed") }
    let (id, number) = try await ferried(payload, in: transaction)
    let state = try await hold(id, in: transaction)
    guard let taken = TakenSignature(payload), taken.statement["number"] == number,
      taken.statement["item"]?.split(separator: " ").first.map(String.init) == state.item.code
    else {
      throw Refusal(.unprocessable, "ferry-signature", "受理编号 \(number) 的签名与签名值不符，没有采用。请联系互联网侧核查后拒绝这一条。")
    }
    let digests = taken.files.map(\.digest)
    guard state.instance.state != .finished, state.instance.state != .void, !state.instance.isGranted else {
      try await note(late: taken, state, in: transaction)
      return try await ferry.parts.drop(digests, in: transaction)
    }
    var values = taken.values
    for file in taken.files {
      let kept = try await ferry.parts.assemble(
        file.digest, name: file.name, classification: .secret, policy: .scans, by: CaseFerry.applicant, in: transaction)
      values[file.field] = .text(kept.key)
    }
    let receipt = try signer.key.sign(taken.statement.receipt(of: taken.seal, by: taken.key))
    values["receipt"] = .text(Hex.encode(receipt.der))
    try await enter(values, state, by: CaseFerry.applicant, origin: .inside, in: transaction)
    try await ferry.parts.drop(digests, in: transaction)
  }

  /// Says of a signature that crossed the decision that it came, and that nothing was decided by it.
  private func note(late taken: TakenSignature, _ state: CaseState, in transaction: Transaction) async throws {
    var action = CaseAction(name: CaseAction.lateSignature, target: taken.method.label)
    action.opinion =
      "网上的签名（\(taken.method.label)，\(taken.signedAt.display)，验真码 \(taken.code)）送到时这件事已经批准或结束，没有登记，不作为批准的依据。"
    _ = try await transaction.query(
      eventStatement(state, action, by: CaseFerry.applicant, at: store.clock.now()))
    try await store.audit.append(
      AuditEntry(
        CaseFerry.applicant, "\(ServiceCase.signature).late", entity: ServiceCase.entity, record: state.id,
        purpose: "签名",
        details: [
          "code": .string(taken.code), "statement": .string(Hex.encode(Digest.sm3(taken.statement.bytes))),
          "method": .string(taken.method.rawValue),
        ]), in: transaction)
    try await report(state, action, by: .system, in: transaction)
  }
}

extension CaseAction {
  /// A signature that came after the decision.
  static let lateSignature = "sign-late"
}

/// A signature as the other network sends it, when it is what was sealed there (送来的签名).
private struct TakenSignature {
  /// As they are entered, but for the files.
  let values: [String: Value]
  let files: [(field: String, digest: String, name: String)]
  let statement: SignatureStatement
  let seal: [UInt8]
  let key: SM2PublicKey
  let code: String
  let method: SignatureMethod
  let signedAt: Instant

  private static let names: Set = [
    "code", "method", "signer_name", "account_name", "identity", "signed_at", "reference", "cloud", "digest", "parts",
    "salt", "statement", "seal", "seal_key",
  ]

  /// - Returns: `nil` when anything is missing, added or other than it was sealed, or is nothing that an applicant does alone.
  init?(_ payload: JSON) {
    guard let values = try? [String: Value](ferried: payload["values"]),
      Set(values.keys).isSubset(of: TakenSignature.names)
    else { return nil }
    func text(_ name: String) -> String? { values[name]?.text }
    var files: [(field: String, digest: String, name: String)] = []
    for file in payload["files"]?.array ?? [] {
      guard let field = file["field"]?.string, let digest = file["digest"]?.string, let name = file["name"]?.string,
        !files.contains(where: { $0.field == field })
      else { return nil }
      files.append((field, digest, name))
    }
    guard let statement = text("statement").flatMap({ SignatureStatement(text: $0) }),
      let key = text("seal_key").flatMap({ Hex.decode($0) }).flatMap({ try? SM2PublicKey(point: $0) }),
      let seal = text("seal").flatMap({ Hex.decode($0) }), statement.isSealed(seal, by: key),
      let method = text("method").flatMap({ SignatureMethod(rawValue: $0) }), SignatureMethod.alone.contains(method),
      let identity = text("identity"), Assurance(rawValue: identity) != nil, let code = text("code"),
      let signer = text("signer_name"), let signedAt = values["signed_at"]?.instant, let salt = text("salt"),
      case .json(let parts)? = values["parts"]
    else { return nil }
    var cloud: CloudSeal?
    if case .json(let given)? = values["cloud"] {
      guard let sealed = CloudSeal(given) else { return nil }
      cloud = sealed
    }
    func digest(_ field: String) -> String? { files.first { $0.field == field }?.digest }
    let facts = SignedFacts(
      content: SignedContent.digest(of: SignatureParts(parts).digests), signer: signer, account: text("account_name"),
      identity: identity, method: method.rawValue, picture: digest("picture"), sheet: digest("sheet"),
      reference: text("reference"), cloud: cloud, witness: nil, signedAt: signedAt, code: code, salt: salt)
    guard text("digest") == facts.content, facts.stand(in: statement), (method == .cloud) == (cloud != nil) else {
      return nil
    }
    (self.values, self.files, self.statement, self.seal, self.key) = (values, files, statement, seal, key)
    (self.code, self.method, self.signedAt) = (code, method, signedAt)
  }
}
