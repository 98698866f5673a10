/// One server-sent event (WHATWG HTML §9.2).
package struct Event: Sendable, Hashable {
  /// What a reconnecting browser reports as `Last-Event-ID`.
  package let id: String?
  /// The event's type; `nil` is `message`.
  package let name: String?
  package let data: String

  package init(_ data: String, name: String? = nil, id: String? = nil) {
    self.data = data
    self.name = name.map(Event.line)
    self.id = id.map(Event.line)
  }

  /// The event as sent; each line of the data gets its own `data:` line.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(data.utf8.count + 32)
    func field(_ label: StaticString, _ value: some Sequence<UInt8>) {
      bytes.append(contentsOf: UnsafeBufferPointer(start: label.utf8Start, count: label.utf8CodeUnitCount))
      bytes.append(contentsOf: value)
      bytes.append(0x0A)
    }
    if let id { field("id: ", id.utf8) }
    if let name { field("event: ", name.utf8) }
    var rest = data.utf8[...]
    while true {
      let end = rest.firstIndex { $0 == 0x0A || $0 == 0x0D } ?? rest.endIndex
      field("data: ", rest[..<end])
      if end == rest.endIndex { break }
      var next = rest.index(after: end)
      if rest[end] == 0x0D, next != rest.endIndex, rest[next] == 0x0A { next = rest.index(after: next) }
      rest = rest[next...]
    }
    bytes.append(0x0A)
    return bytes
  }

  /// Ids and names are one line without NUL.
  private static func line(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else { return text }
    return String(decoding: text.utf8.filter { $0 != 0x0A && $0 != 0x0D && $0 != 0 }, as: UTF8.self)
  }
}
