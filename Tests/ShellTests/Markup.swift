/// A small strict reader of the markup our writer produces: every start tag has its end tag, every value is quoted.
struct Element {
  let name: String
  let attributes: [String: String]
  /// Names of the elements around, outermost first.
  let path: [String]
  /// Text directly and indirectly inside.
  var text = ""
}

struct MarkupFailure: Error {
  let message: String
}

enum Markup {
  static let void: Set<String> = ["br", "hr", "wbr", "img", "input", "meta", "link", "col", "source"]

  /// All elements in order of their start tags.
  static func elements(_ bytes: [UInt8]) throws -> [Element] {
    var elements: [Element] = []
    var open: [Int] = []
    var reader = Reader(bytes: bytes)
    while let token = try reader.next() {
      switch token {
      case .text(let text):
        for index in open { elements[index].text += text }
      case .start(let name, let attributes):
        elements.append(Element(name: name, attributes: attributes, path: open.map { elements[$0].name }))
        if !void.contains(name) { open.append(elements.count - 1) }
      case .end(let name):
        guard let last = open.popLast(), elements[last].name == name else {
          throw MarkupFailure(message: "</\(name)> closes <\(open.last.map { elements[$0].name } ?? "nothing")>")
        }
      }
    }
    guard open.isEmpty else { throw MarkupFailure(message: "unclosed \(open.map { elements[$0].name })") }
    return elements
  }

  enum Token {
    case text(String)
    case start(String, [String: String])
    case end(String)
  }

  struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
      self.bytes = bytes
      if bytes.starts(with: "<!doctype html>\n".utf8) { position = 16 }
    }

    private mutating func take(until stop: (UInt8) -> Bool) -> String {
      let start = position
      while position < bytes.count, !stop(bytes[position]) { position += 1 }
      return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func skip(_ character: Character) throws {
      guard position < bytes.count, bytes[position] == character.asciiValue else {
        throw MarkupFailure(message: "expected \(character) at byte \(position)")
      }
      position += 1
    }

    mutating func next() throws -> Token? {
      guard position < bytes.count else { return nil }
      guard bytes[position] == UInt8(ascii: "<") else { return .text(take { $0 == UInt8(ascii: "<") }) }
      position += 1
      if bytes[position] == UInt8(ascii: "/") {
        position += 1
        let name = take { $0 == UInt8(ascii: ">") }
        try skip(">")
        return .end(name)
      }
      let name = take { $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: " ") }
      var attributes: [String: String] = [:]
      while position < bytes.count, bytes[position] == UInt8(ascii: " ") {
        position += 1
        let key = take { [UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: " ")].contains($0) }
        var value = ""
        if position < bytes.count, bytes[position] == UInt8(ascii: "=") {
          position += 1
          try skip("\"")
          value = take { $0 == UInt8(ascii: "\"") }
          try skip("\"")
        }
        guard attributes.updateValue(value, forKey: key) == nil else {
          throw MarkupFailure(message: "<\(name)> has \(key) twice")
        }
      }
      try skip(">")
      return .start(name, attributes)
    }
  }
}
