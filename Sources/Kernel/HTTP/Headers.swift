/// The fields of a message header (RFC 9110 §6.3), in order; names compare without regard to case.
///
/// The header of a request is kept as it was received and only searched when it is asked for a field.
package struct Headers: Sendable, ExpressibleByDictionaryLiteral, CustomDebugStringConvertible {
  /// One field: a name and a value without control characters.
  package struct Field: Sendable, Hashable {
    package let name: String
    package let value: String
  }

  private enum Storage: Sendable {
    case received(HeaderBlock)
    case fields([Field])
  }

  private var storage: Storage

  package init() { storage = .fields([]) }

  init(_ block: HeaderBlock) { storage = .received(block) }

  /// The header most responses begin with, with room for what every response gets.
  init(contentType: String) {
    var fields: [Field] = []
    fields.reserveCapacity(8)
    fields.append(Headers.field("Content-Type", contentType))
    storage = .fields(fields)
  }

  package init(dictionaryLiteral elements: (String, String)...) {
    self.init()
    for (name, value) in elements { add(name, value) }
  }

  /// All fields in order; the names of a request's fields are in lower case.
  package var fields: [Field] {
    switch storage {
    case .fields(let fields): return fields
    case .received(let block):
      var fields: [Field] = []
      fields.reserveCapacity(block.count)
      block.forEach { name, value in
        fields.append(Field(name: block.text(name), value: block.text(value)))
        return true
      }
      return fields
    }
  }

  package var isEmpty: Bool {
    switch storage {
    case .received(let block): block.count == 0
    case .fields(let fields): fields.isEmpty
    }
  }

  /// The first value of a field; setting replaces all values of the name, and `nil` removes it.
  ///
  /// Control characters in a value become spaces, so that no value can begin a new header line.
  package subscript(name: String) -> String? {
    get {
      switch storage {
      case .received(let block): block.first(name)
      case .fields(let fields): fields.first { Token.equal($0.name, name) }?.value
      }
    }
    set {
      var fields = self.fields
      fields.removeAll { Token.equal($0.name, name) }
      if let newValue { fields.append(Headers.field(name, newValue)) }
      storage = .fields(fields)
    }
  }

  /// All values of a field, in order.
  package func all(_ name: String) -> [String] { fields.filter { Token.equal($0.name, name) }.map(\.value) }

  package func contains(_ name: String) -> Bool { self[name] != nil }

  /// Appends a value, keeping those that are there.
  package mutating func add(_ name: String, _ value: String) { append(Headers.field(name, value)) }

  /// Appends a field that is known to be clean.
  mutating func append(_ field: Field) {
    if case .fields(var fields) = storage {
      storage = .fields([])
      fields.append(field)
      storage = .fields(fields)
    } else {
      storage = .fields(fields + [field])
    }
  }

  /// Sets a value unless the field is there already.
  package mutating func setDefault(_ name: String, _ value: String) {
    if !contains(name) { add(name, value) }
  }

  /// Whether one of the comma-separated values of a field is `token`.
  package func lists(_ name: String, _ token: String) -> Bool {
    all(name).contains { value in
      value.utf8.split(separator: UInt8(ascii: ",")).contains { Token.equal(Substring($0).trimmed, token) }
    }
  }

  private static func field(_ name: String, _ value: String) -> Field {
    precondition(Token.isToken(name), "\(name) is no field name")
    guard value.utf8.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
      return Field(name: name, value: value)
    }
    let clean = value.utf8.map { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F ? 0x20 : $0 }
    return Field(name: name, value: String(decoding: clean, as: UTF8.self))
  }

  package var debugDescription: String { fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n") }
}

extension Substring {
  /// Without spaces and tabs at both ends.
  var trimmed: Substring {
    var rest = utf8[...]
    while let first = rest.first, first == 0x20 || first == 0x09 { rest = rest.dropFirst() }
    while let last = rest.last, last == 0x20 || last == 0x09 { rest = rest.dropLast() }
    return Substring(rest)
  }
}

extension String {
  /// Without spaces and tabs at both ends.
  var trimmed: Substring { self[...].trimmed }
}
