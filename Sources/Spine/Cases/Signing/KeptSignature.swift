import Core
import Crypto
import SQL

/// A signature with everything that is kept of it, which no page shows (保存的签名).
struct KeptSignature {
  let id: Int64
  let caseID: Int64
  let code: String
  let method: String
  let signer: String
  /// Who was signed in; `nil` when an officer entered it.
  let account: String?
  let identity: String
  let signedAt: Instant
  let witness: String?
  let reference: String?
  let digest: String
  let picture: String?
  let sheet: String?
  let parts: SignatureParts
  let salt: String
  let statement: SignatureStatement
  let seal: [UInt8]
  let key: SM2PublicKey?
  /// Our own seal over what came from the other network; `nil` for what was signed here.
  let receipt: [UInt8]?
  /// What the cloud service sealed; `nil` for other ways to sign.
  let cloud: CloudSeal?

  private static let columns: SQL = """
    id, service_case_id, code, method, signer_name, account_name, identity, signed_at, witness_name, reference, digest,
    picture, sheet, parts::jsonb as parts, salt, statement, seal, seal_key, receipt, cloud::jsonb as cloud
    """

  static func of(case id: Int64, _ keys: KeyRing, in transaction: Transaction) async throws -> [KeptSignature] {
    try await read("service_case_id = \(id)", keys, in: transaction)
  }

  static func of(code: String, _ keys: KeyRing, in transaction: Transaction) async throws -> KeptSignature? {
    try await read("code = \(code)", keys, in: transaction).first
  }

  private static func read(_ condition: SQL, _ keys: KeyRing, in transaction: Transaction) async throws
    -> [KeptSignature]
  {
    try await transaction.pipeline([
      "select set_config('lifang.scope_case_signature', '{\"all\":true}', true)",
      "select \(columns) from case_signature where \(condition) order by id",
    ])[1].map { try KeptSignature($0, keys) }
  }

  private init(_ row: Row, _ keys: KeyRing) throws {
    id = try row.get("id")
    caseID = try row.get("service_case_id")
    code = try row.get("code")
    method = try row.get("method")
    signer = try row.get("signer_name")
    account = try row.get("account_name")
    identity = try row.get("identity")
    signedAt = try row.get("signed_at")
    witness = try row.get("witness_name")
    reference = try row.get("reference")
    digest = try row.get("digest")
    picture = try row.get("picture")
    sheet = try row.get("sheet")
    parts = SignatureParts(try row.get("parts", as: JSON.self))
    let sealed: [UInt8] = try row.get("salt")
    salt = String(decoding: try keys.open(sealed, associated: "\(ServiceCase.signature).salt"), as: UTF8.self)
    statement = SignatureStatement(text: try row.get("statement")) ?? SignatureStatement([])
    seal = Hex.decode(try row.get("seal", as: String.self)) ?? []
    key = Hex.decode(try row.get("seal_key", as: String.self)).flatMap { try? SM2PublicKey(point: $0) }
    receipt = try row.get("receipt", as: String?.self).map { Hex.decode($0) ?? [] }
    cloud = try row.get("cloud", as: JSON?.self).flatMap { CloudSeal($0) }
  }

  /// Whether what is kept is what was sealed: by a key of ours, or taken in from the other network under our own seal.
  ///
  /// - Parameters:
  ///   - ours: the public keys of this installation.
  ///   - files: digests of the files of this signature, by key.
  func isSound(_ ours: [SM2PublicKey], files: [String: String]) -> Bool {
    guard let key, statement.isSealed(seal, by: key) else { return false }
    if receipt != nil {
      guard receiver(among: ours) != nil else { return false }
    } else {
      guard ours.contains(where: { $0.point == key.point }) else { return false }
    }
    let content = SignedContent.digest(of: parts.digests)
    let facts = SignedFacts(
      content: content, signer: signer, account: account, identity: identity, method: method,
      picture: picture.map { files[$0] ?? "" }, sheet: sheet.map { files[$0] ?? "" }, reference: reference,
      cloud: cloud, witness: witness, signedAt: signedAt, code: code, salt: salt)
    return digest == content && facts.stand(in: statement)
  }

  /// The key of ours that sealed what came from the other network; `nil` for what was signed here, and when none did.
  func receiver(among ours: [SM2PublicKey]) -> SM2PublicKey? {
    guard let key, let seal = receipt.flatMap({ try? SM2Signature(der: $0) }) else { return nil }
    let taken = statement.receipt(of: self.seal, by: key)
    return ours.first { (try? $0.isValid(seal, of: taken)) == true }
  }

  /// What it covers compared with what stands in the case now.
  func verdict(_ now: StandingContent) -> CaseSignature.Verdict {
    let (other, added) = SignedContent(parts: now.parts, salt: salt).changes(since: parts.digests)
    func labels(_ names: [String]) -> [String] {
      names.map { name in now.parts.first { $0.name == name }?.label ?? parts.labels[name] ?? name }
    }
    let altered = other.filter { now.knows($0) }
    if !altered.isEmpty { return .altered(labels(altered)) }
    if !other.isEmpty { return .incomparable(gone: labels(other), added: labels(added)) }
    return added.isEmpty ? .whole : .extended(labels(added))
  }
}
