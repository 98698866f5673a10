/// A postal code of China (邮政编码): six digits, the first two of which name a province.
package struct PostalCode: Sendable, Hashable, CustomStringConvertible {
  package let text: String

  /// Reads six digits; `nil` for another length or a first digit that no province has.
  package init?(_ text: String) {
    let canonical = withFoldedASCII(text) { bytes -> String? in
      guard bytes.count == 6, let number = bytes.number(0..<6), number >= 10_000 else { return nil }
      // 999077 and 999078 are what forms ask Hong Kong and Macau for; otherwise nothing begins with 9.
      guard number < 900_000 || number == 999_077 || number == 999_078 else { return nil }
      return bytes.string
    }
    guard let canonical else { return nil }
    self.text = canonical
  }

  /// Reads a code as ``init(_:)`` does and says in Chinese what is expected.
  package static func read(_ text: String) throws(Refusal) -> PostalCode {
    if let code = PostalCode(text) { return code }
    throw Refusal(.invalid, "postal-code-format", "邮政编码应为 6 位数字，如 635000。")
  }

  package var description: String { text }
}
