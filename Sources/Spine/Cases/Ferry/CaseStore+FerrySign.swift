import Access
import Audit
import Core
import Crypto
import Entities
import Ferry
import Files
import Papers
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

  /// Enters a signature that was given outside, once its seal and everything in it have been proved.
  func takeSignature(_ payload: JSON, in transaction: Transaction) async throws {
    guard let ferry, let signer = office.keys.current else { return }
    let (id, number) = try await ferried(payload, in: transaction)
    var values = try [String: Value](ferried: payload["values"])
    let seal = values["seal"]?.text.flatMap { Hex.decode($0) } ?? []
    guard let statement = values["statement"]?.text.flatMap({ SignatureStatement(text: $0) }),
      let key = values["seal_key"]?.text.flatMap({ Hex.decode($0) }).flatMap({ try? SM2PublicKey(point: $0) }),
      statement.isSealed(seal, by: key), statement["number"] == number
    else {
      throw Refusal(.unprocessable, "ferry-signature", "受理编号 \(number) 的签名与签名值不符，没有采用。请联系互联网侧核查后拒绝这一条。")
    }
    var digests: [String] = []
    for file in payload["files"]?.array ?? [] {
      guard let field = file["field"]?.string, let digest = file["digest"]?.string, let name = file["name"]?.string,
        statement[field] == digest
      else { continue }
      let kept = try await ferry.parts.assemble(
        digest, name: name, classification: .secret, policy: .scans, by: CaseFerry.applicant, in: transaction)
      values[field] = .text(kept.key)
      digests.append(digest)
    }
    let receipt = try signer.key.sign(statement.receipt(of: seal, by: key))
    values["receipt"] = .text(Hex.encode(receipt.der))
    let state = try await hold(id, in: transaction)
    try await enter(values, state, by: CaseFerry.applicant, origin: .inside, in: transaction)
    try await ferry.parts.drop(digests, in: transaction)
  }
}
