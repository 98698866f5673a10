import Core
package import Crypto
package import SQL

/// The chain as text that stock tools can check (审计链导出).
///
/// Line 1 is `#lifang-audit-1`. A line `#key ⇥ id ⇥ point in hex` names each signing key. Then, in order, one line an
/// entry: the fields of ``AuditLine`` and the hash; after an entry with a signed head a line
/// `#head ⇥ sequence ⇥ hash ⇥ time ⇥ key id ⇥ signature (DER in hex)`. To check one entry:
///
///     line=$(sed -n 5p audit.txt); printf %s "${line%⇥*}" | openssl dgst -sm3    # equals ${line##*⇥}
package struct AuditExport: Sendable {
  private let database: Database
  private let keys: AuditKeys
  private let batch: Int

  package init(database: Database, keys: AuditKeys, batch: Int = 2000) {
    self.database = database
    self.keys = keys
    self.batch = batch
  }

  /// Hands the text to `write` piece by piece and returns how many entries it holds. An entry that is gone leaves a gap.
  @discardableResult
  package func write(
    after start: Int64 = 0, to write: @Sendable ([UInt8]) async throws -> Void
  ) async throws -> Int64 {
    var head = "#\(AuditLine.format)\n"
    for (id, key) in keys.trusted.sorted(by: { $0.key < $1.key }) { head += "#key\t\(id)\t\(Hex.encode(key.point))\n" }
    try await write(Array(head.utf8))
    var sequence = start
    var count: Int64 = 0
    while true {
      let links = try await database.query(AuditVerifier.links(after: sequence, limit: batch))
      let heads = try await AuditVerifier.heads(database, after: sequence, upTo: links.last)
      var text: [UInt8] = []
      for link in links {
        sequence = try link.get("sequence")
        if try link.isNull("id") { continue }
        let line = try AuditLine(row: link, sequence: sequence, previousHash: try link.get("previous_hash"))
        text += line.canonical
        text += "\t\(Hex.encode(try link.get("hash", as: [UInt8].self)))\n".utf8
        count += 1
        if let head = heads[sequence] { text += AuditExport.line(head).utf8 }
      }
      if !text.isEmpty { try await write(text) }
      if links.count < batch { return count }
    }
  }

  private static func line(_ head: AuditHead) -> String {
    let fields = [
      "#head", "\(head.sequence)", Hex.encode(head.hash), head.signedAt.iso8601, "\(head.keyID)",
      Hex.encode(head.signature),
    ]
    return fields.joined(separator: "\t") + "\n"
  }
}

/// Checks an export line by line, with no database at hand (离线校验).
package struct AuditExportCheck {
  private var check: ChainCheck
  private var number = 0

  /// - Parameter trusted: signing keys from a source other than the export itself.
  package init(trusted: [Int64: SM2PublicKey]) { check = ChainCheck(trusted: trusted) }

  package var report: AuditReport { check.report }

  /// Takes the next line, without its line feed. Returns false when something is wrong; ``report`` says what.
  package mutating func take(_ line: some Collection<UInt8>) -> Bool {
    number += 1
    guard let first = line.first else { return true }
    let fields = Array(line).split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false)
    if first == UInt8(ascii: "#") { return comment(fields.map { String(decoding: $0, as: UTF8.self) }) }
    func text(_ index: Int) -> String { String(decoding: fields[index], as: UTF8.self) }
    guard fields.count == 19, text(0) == AuditLine.format, let sequence = Int64(text(1)),
      let previous = Hex.decode(text(2)), let entry = Int64(text(3)), let time = Instant(text(4)),
      let hash = Hex.decode(text(18))
    else { return check.fail(.unreadable(line: number)) }
    return check.take(
      sequence: sequence, previousHash: previous, canonical: Array(Array(line).dropLast(65)), hash: hash,
      altered: .altered(sequence: sequence, entry: entry, time: time, action: text(10)))
  }

  private mutating func comment(_ fields: [String]) -> Bool {
    guard fields[0] == "#head" else { return true }
    guard fields.count == 6, let sequence = Int64(fields[1]), let hash = Hex.decode(fields[2]),
      let time = Instant(fields[3]), let key = Int64(fields[4]), let signature = Hex.decode(fields[5])
    else { return check.fail(.unreadable(line: number)) }
    return check.take(AuditHead(sequence: sequence, hash: hash, signedAt: time, keyID: key, signature: signature))
  }
}
