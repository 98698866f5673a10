package import Core
package import Crypto

/// What the platform seals when somebody signs (签名陈述): who signed what, when and how, in lines that tell a stranger
/// nothing about them. SM2 with SM3 is over exactly these bytes, so that stock `openssl` checks it.
package struct SignatureStatement: Sendable, Hashable {
  package static let heading = "lifang-signature-1"

  /// In the order of the text.
  package let lines: [(name: String, value: String)]

  package init(_ lines: [(name: String, value: String)]) { self.lines = lines }

  /// Reads ``text``; `nil` for anything else.
  package init?(text: String) {
    var rows = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard rows.first.map(String.init) == SignatureStatement.heading, rows.last?.isEmpty == true else { return nil }
    rows = Array(rows.dropFirst().dropLast())
    var lines: [(name: String, value: String)] = []
    for row in rows {
      guard let colon = row.firstIndex(of: ":"), row[row.index(after: colon)...].hasPrefix(" ") else { return nil }
      lines.append((String(row[..<colon]), String(row[row.index(colon, offsetBy: 2)...])))
    }
    guard Set(lines.map(\.name)).count == lines.count else { return nil }
    self.lines = lines
  }

  package subscript(name: String) -> String? { lines.first { $0.name == name }?.value }

  package var text: String {
    SignatureStatement.heading + "\n" + lines.map { "\($0.name): \($0.value)\n" }.joined()
  }

  package var bytes: [UInt8] { Array(text.utf8) }

  /// A name as it stands in a statement: nobody without the secret of the case finds out whose it is.
  package static func hidden(_ name: String, _ role: String, _ salt: String) -> String {
    ArchiveDigest.hash("\(salt)\n\(role)\n\(name)")
  }

  package static func == (a: SignatureStatement, b: SignatureStatement) -> Bool { a.text == b.text }

  package func hash(into hasher: inout Hasher) { hasher.combine(text) }

  /// What the inside seals of a signature that came from the outside (接收侧的签名值).
  package func receipt(of seal: [UInt8], by key: SM2PublicKey) -> [UInt8] {
    Array("lifang-signature-receipt-1\n\(Hex.encode(key.point))\n\(Hex.encode(seal))\n".utf8) + bytes
  }

  /// Whether the holder of a key sealed it.
  package func isSealed(_ seal: [UInt8], by key: SM2PublicKey) -> Bool {
    guard let signature = try? SM2Signature(der: seal) else { return false }
    return (try? key.isValid(signature, of: bytes)) ?? false
  }
}

/// What a statement says of a signature, in clear (签名事实). Written when it is sealed, and again when the seal is checked
/// against what is kept.
struct SignedFacts {
  /// Over everything that was signed, in hexadecimal.
  let content: String
  let signer: String
  let account: String?
  let identity: String
  let method: String
  /// Digests of the files; `nil` without one.
  let picture: String?
  let sheet: String?
  let reference: String?
  let cloud: CloudSeal?
  let witness: String?
  let signedAt: Instant
  let code: String
  /// Hides the names.
  let salt: String

  /// In the order of the statement, after the case and the item.
  var lines: [(name: String, value: String)] {
    func hidden(_ name: String?, _ role: String) -> String {
      name.map { SignatureStatement.hidden($0, role, salt) } ?? "-"
    }
    return [
      ("content", content), ("signer", hidden(signer, "signer")), ("account", hidden(account, "account")),
      ("identity", identity), ("method", method), ("picture", picture ?? "-"), ("sheet", sheet ?? "-"),
      ("reference", reference ?? "-"), ("cloud", cloud?.digest ?? "-"), ("witness", hidden(witness, "witness")),
      ("signed", signedAt.iso8601), ("code", code),
    ]
  }

  /// Whether a statement says the same, and the cloud's seal is over the same content.
  func stand(in statement: SignatureStatement) -> Bool {
    if let cloud { guard cloud.covers(content), cloud.reference == reference else { return false } }
    // Statements of before the cloud's seal was kept have no line of it.
    return lines.allSatisfy { line in
      (statement[line.name] ?? (line.name == "cloud" ? "-" : nil)) == line.value
    }
  }
}
