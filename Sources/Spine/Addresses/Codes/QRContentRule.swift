package import Core

/// What the QR code on a door plate says (二维码内容规则, A-054): a URL with the address code and a short proof.
///
/// Any scanner opens the URL; Lifang's own reader takes the code out of it and can check off line that the plate
/// is genuine. The proof is over the text that stands before it, address of the site included, so that it does
/// not carry over to another site; see ``PlateProofs``.
package struct QRContentRule: Sendable, Hashable {
  /// What was read from a QR code.
  package struct Content: Sendable, Hashable {
    package let code: AddressCode
    /// The proof as it stood there; empty where the rule has none.
    package let proof: String
  }

  /// Such as `https://dz.example.cn/d/{code}?k={proof}`.
  package let pattern: String
  package let codes: AddressCodeRule
  private let beforeCode: String
  private let between: String
  private let after: String
  package let hasProof: Bool
  /// Whether nothing follows the proof, so that the text can be checked off line without knowing the rule.
  package var endsWithProof: Bool { hasProof && after.isEmpty }
  /// What stands before the code and between code and proof, for readers outside (`js/plate.js`).
  package var marks: (before: String, between: String) { (beforeCode, between) }

  /// Throws a refusal unless the pattern starts as a web address and has `{code}`, and `{proof}` at most once after it.
  package init(pattern: String, codes: AddressCodeRule = .standard) throws(Refusal) {
    let parts = QRContentRule.cut(pattern, at: "{code}")
    guard parts.count == 2, pattern.hasPrefix("https://") || pattern.hasPrefix("http://") else {
      throw Refusal(
        .invalid, "qr-pattern", "二维码内容规则应是以 https:// 开头、含一个 {code} 的网址。", field: "pattern")
    }
    let tail = QRContentRule.cut(parts[1], at: "{proof}")
    guard tail.count <= 2, !tail[0].isEmpty || tail.count == 1 else {
      throw Refusal(.invalid, "qr-pattern", "{proof} 应在 {code} 之后、至多一次，并与之隔开。", field: "pattern")
    }
    self.pattern = pattern
    self.codes = codes
    beforeCode = parts[0]
    between = tail[0]
    after = tail.count == 2 ? tail[1] : ""
    hasProof = tail.count == 2
  }

  /// The text to encode for `code`.
  ///
  /// - Parameter proof: makes the proof of the text that stands before it, in characters that a URL keeps (A–Z, 0–9).
  package func content(for code: AddressCode, proof: (String) throws -> String) rethrows -> String {
    let signed = beforeCode + code.text + between
    return signed + (hasProof ? try proof(signed) : "") + after
  }

  /// Takes code and proof out of a scanned text; `nil` when the text follows another rule or the code is wrong.
  package func read(_ text: String) -> Content? {
    guard let frame = frame(of: text), let code = codes.read(frame.code) else { return nil }
    return Content(code: code, proof: frame.proof)
  }

  /// What stands in the places of code and proof, whatever it is, and what a proof is made of; `nil` when the text
  /// follows another rule.
  func frame(of text: String) -> (code: String, proof: String, signed: String)? {
    guard text.hasPrefix(beforeCode) else { return nil }
    var rest = text.dropFirst(beforeCode.count)
    guard rest.hasSuffix(after) else { return nil }
    rest = rest.dropLast(after.count)
    guard hasProof else {
      guard rest.hasSuffix(between) else { return nil }
      return (String(rest.dropLast(between.count)), "", "")
    }
    let pieces = QRContentRule.cut(String(rest), at: between)
    guard pieces.count == 2 else { return nil }
    return (pieces[0], pieces[1], beforeCode + pieces[0] + between)
  }

  /// The pieces of `text` around every `mark`.
  private static func cut(_ text: String, at mark: String) -> [String] {
    guard !mark.isEmpty else { return [text] }
    var pieces: [String] = []
    var current = ""
    var rest = text[...]
    while let first = rest.first {
      if rest.hasPrefix(mark) {
        pieces.append(current)
        current = ""
        rest = rest.dropFirst(mark.count)
      } else {
        current.append(first)
        rest = rest.dropFirst()
      }
    }
    return pieces + [current]
  }
}
