package import Core

/// The names and values of a query or of a urlencoded form, in order; a name may occur several times.
package struct QueryItems: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  package struct Item: Sendable, Hashable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  package private(set) var items: [Item]

  package init(_ items: [Item] = []) { self.items = items }

  package init(dictionaryLiteral elements: (String, String)...) {
    items = elements.map { Item(name: $0.0, value: $0.1) }
  }

  /// Reads `a=1&b=2` (WHATWG URL §5.1).
  ///
  /// - Throws: ``Refusal`` `malformed-url` for broken escapes, invalid UTF-8 or NUL; `too-many-fields` beyond `maximum`.
  package init(parsing bytes: some Collection<UInt8>, maximum: Int = 2000) throws(Refusal) {
    items = []
    for pair in bytes.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
      guard items.count < maximum else {
        throw Refusal(.tooLarge, "too-many-fields", "提交的字段超过 \(maximum) 个，未保存任何内容。请减少一次提交的数量后重试。")
      }
      let equals = pair.firstIndex(of: UInt8(ascii: "="))
      let name = try PercentEncoding.decode(pair[..<(equals ?? pair.endIndex)], plusIsSpace: true)
      let value = try equals.map { (index) throws(Refusal) -> String in
        try PercentEncoding.decode(pair[pair.index(after: index)...], plusIsSpace: true)
      }
      items.append(Item(name: name, value: value ?? ""))
    }
  }

  package var isEmpty: Bool { items.isEmpty }

  package func first(_ name: String) -> String? { items.first { $0.name == name }?.value }

  package func all(_ name: String) -> [String] { items.filter { $0.name == name }.map(\.value) }

  package func contains(_ name: String) -> Bool { items.contains { $0.name == name } }

  /// A copy in which `name` has this one value, or none when it is `nil`; for links of pagers and filters.
  package func setting(_ name: String, to value: String?) -> QueryItems {
    var kept = items.filter { $0.name != name }
    if let value { kept.append(Item(name: name, value: value)) }
    return QueryItems(kept)
  }

  /// The query as URL text without the question mark.
  package var encoded: String {
    items.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
  }
}
