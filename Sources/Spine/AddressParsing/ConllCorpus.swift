import Addresses
package import Core

/// A labelled corpus in CoNLL form: a token and its tag (`B-road`, `I-road`) on a line, an empty line between addresses.
///
/// A token of several characters stands for all of them. An underscore stands for a space.
package enum ConllCorpus {
  /// The addresses of a file.
  ///
  /// - Parameter name: how messages call the file.
  /// - Throws: ``Refusal`` `corpus-line`, `corpus-label`, `corpus-tag`, `corpus-utf8` or `corpus-empty`, with the line.
  package static func read(_ bytes: [UInt8], name: String) throws(Refusal) -> [LabelledAddress] {
    var addresses: [LabelledAddress] = []
    var scalars: [UInt32] = []
    var parts: [AddressPart] = []
    var number = 0
    func refuse(_ code: String, _ what: String) -> Refusal {
      Refusal(.unprocessable, code, "\(name) 第 \(number) 行：\(what) 没有读入任何内容，请改正后重试。")
    }
    func finish() {
      if !scalars.isEmpty { addresses.append(LabelledAddress(scalars: scalars, parts: parts)) }
      scalars = []
      parts = []
    }
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      number += 1
      let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      if words.isEmpty {
        finish()
        continue
      }
      guard words.count == 2 else { throw refuse("corpus-line", "应为“字 标签”两列，实为 \(words.count) 列。") }
      guard let token = String(validating: words[0], as: UTF8.self),
        let tag = String(validating: words[1], as: UTF8.self)
      else { throw refuse("corpus-utf8", "不是 UTF-8 编码。") }
      let begins = tag.hasPrefix("B-")
      guard begins || tag.hasPrefix("I-") else { throw refuse("corpus-tag", "标签“\(tag)”应以 B- 或 I- 开头。") }
      guard let label = AddressLabel(name: tag.dropFirst(2)) else {
        throw refuse("corpus-label", "没有“\(tag.dropFirst(2))”这一类别。")
      }
      let start = scalars.count
      for scalar in token.unicodeScalars { scalars.append(scalar.value) }
      guard scalars.count <= AddressUnits.longest else {
        throw refuse("corpus-line", "一条地址超过 \(AddressUnits.longest) 字。")
      }
      if begins {
        parts.append(AddressPart(label, start..<scalars.count))
      } else {
        guard let last = parts.last, last.label == label else {
          throw refuse("corpus-tag", "标签“\(tag)”前面没有同类的开头。")
        }
        parts[parts.count - 1] = AddressPart(label, last.range.lowerBound..<scalars.count)
      }
    }
    finish()
    guard !addresses.isEmpty else {
      throw Refusal(.unprocessable, "corpus-empty", "\(name) 中没有地址。每行应为“字 标签”，地址之间空一行。")
    }
    return addresses
  }
}
