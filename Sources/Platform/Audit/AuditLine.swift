import Core
import Crypto
import SQL

/// An entry with its place in the chain, as its hash covers it.
///
/// The hash is SM3 over one line of UTF-8 text without its line feed: eighteen fields with a tab between them,
/// `lifang-audit-1`, sequence, previous hash (64 hex digits, zeros for the first), entry id, time (RFC 3339 with
/// microseconds and +08:00), principal kind, id and name, unit id and name, action, entity, record id, purpose,
/// outcome, remote address, request id, details (the JSON text as stored). A missing value is `\N`; a tab, line feed,
/// carriage return or backslash inside one is written `\t`, `\n`, `\r`, `\\`. An export has the same line followed by a
/// tab and the hash, so that `cut`, `printf` and `openssl dgst -sm3` are enough to check it.
struct AuditLine: Sendable {
  let sequence: Int64
  let entryID: Int64
  let previousHash: [UInt8]
  let time: Instant
  let action: String
  let canonical: [UInt8]

  static let format = "lifang-audit-1"
  static let firstPreviousHash = [UInt8](repeating: 0, count: 32)

  /// The columns that ``init(row:sequence:previousHash:)`` reads, of `audit_entry e`.
  static let columns: SQL = """
    e.id, e.occurred_at, e.principal_kind, e.principal_id, e.principal_name, e.unit_id, e.unit_name, e.action, \
    e.entity, e.record_id, e.purpose, e.outcome, e.remote_address, e.request_id, e.details::text as details
    """

  init(row: Row, sequence: Int64, previousHash: [UInt8]) throws {
    self.sequence = sequence
    self.previousHash = previousHash
    entryID = try row.get("id")
    time = try row.get("occurred_at")
    action = try row.get("action")
    func number(_ name: String) throws -> String? { try row.get(name, as: Int64?.self).map { String($0) } }
    func text(_ name: String) throws -> String? { try row.get(name, as: String?.self) }
    let fields: [String?] = [
      AuditLine.format, String(sequence), Hex.encode(previousHash), String(entryID), time.iso8601,
      try text("principal_kind"), try number("principal_id"), try text("principal_name"), try number("unit_id"),
      try text("unit_name"), action, try text("entity"), try number("record_id"), try text("purpose"),
      try text("outcome"), try text("remote_address"), try text("request_id"), try text("details"),
    ]
    canonical = AuditLine.join(fields)
  }

  var hash: [UInt8] { Digest.sm3(canonical) }

  private static func join(_ fields: [String?]) -> [UInt8] {
    var line: [UInt8] = []
    for (index, field) in fields.enumerated() {
      if index > 0 { line.append(UInt8(ascii: "\t")) }
      guard let field else {
        line += #"\N"#.utf8
        continue
      }
      for byte in field.utf8 {
        switch byte {
        case UInt8(ascii: "\t"): line += #"\t"#.utf8
        case UInt8(ascii: "\n"): line += #"\n"#.utf8
        case UInt8(ascii: "\r"): line += #"\r"#.utf8
        case UInt8(ascii: "\\"): line += #"\\"#.utf8
        default: line.append(byte)
        }
      }
    }
    return line
  }
}

/// A signature over the chain up to one entry: whoever alters anything before it would have to sign again.
///
/// What is signed, by SM2 with the usual user id, is the text
/// `lifang-audit-head-1 ⇥ sequence ⇥ hash in hex ⇥ time ⇥ key id`.
struct AuditHead: Sendable {
  let sequence: Int64
  let hash: [UInt8]
  let signedAt: Instant
  let keyID: Int64
  let signature: [UInt8]

  static func message(sequence: Int64, hash: [UInt8], signedAt: Instant, keyID: Int64) -> [UInt8] {
    Array("lifang-audit-head-1\t\(sequence)\t\(Hex.encode(hash))\t\(signedAt.iso8601)\t\(keyID)".utf8)
  }

  /// Whether the signature is that of `key`.
  func isValid(under key: SM2PublicKey) -> Bool {
    let message = AuditHead.message(sequence: sequence, hash: hash, signedAt: signedAt, keyID: keyID)
    guard let signature = try? SM2Signature(der: signature) else { return false }
    return (try? key.isValid(signature, of: message)) ?? false
  }
}
