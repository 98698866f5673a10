package import Core
import Crypto
package import YAML

extension YAMLNode {
  /// The content as JSON, which is YAML too, without places and styles.
  package var json: JSON {
    if let entries = mapping { return .object(entries.map { ($0.key, $0.value.json) }) }
    if let nodes = sequence { return .array(nodes.map(\.json)) }
    if isNull { return .null }
    if let flag = bool { return .bool(flag) }
    if let number = integer { return .int(Int64(number)) }
    return text.map { .string($0) } ?? .null
  }

  /// The first eight digits of the SM3 digest of the content.
  package var digest: String {
    Digest.sm3(Array(json.text.utf8)).prefix(4).map { byte in
      String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
    }.joined()
  }
}
