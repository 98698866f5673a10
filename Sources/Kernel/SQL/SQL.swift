/// A piece of SQL text together with the values bound to it.
///
/// Fragments are written as string literals: an interpolated value always becomes a parameter (`$1`, `$2`, …), an
/// interpolated fragment is spliced in with its parameters renumbered, and a `String` variable can never become SQL
/// text unless it is labelled `identifier:` (quoted) or `unsafe:` (raw).
///
///     let active: SQL = "state = \(state)"
///     try await database.query("select * from \(identifier: table) where \(active) and id = any(\(ids))")
///
/// PostgreSQL infers the type of a text parameter from where it stands; where nothing tells (`\(text) is null`),
/// write a cast beside it (`\(text)::text is null`). An integer parameter is an `int8`; a function that wants an
/// `int4` needs `\(count)::int4`.
package struct SQL: Sendable {
  /// A bound value and where its `$n` stands in ``text``, in UTF-8 bytes.
  struct Bind: Sendable {
    var value: SQLValue
    var offset: Int
  }

  /// The statement text with `$n` in place of values.
  package private(set) var text: String
  private(set) var binds: [Bind] = []

  /// The bound values, in the order of their numbers.
  package var values: [SQLValue] { binds.map(\.value) }

  package var isEmpty: Bool { text.isEmpty }

  init(text: String) { self.text = text }

  /// Text that is not checked at all: for statements that this program made itself.
  package init(unsafe text: String) { self.text = text }

  /// `name` in double quotes, with quotes inside it doubled (PostgreSQL 4.1.1).
  package init(identifier name: String) {
    text = ""
    append(identifier: name)
  }

  mutating func reserve(_ textBytes: Int, binds count: Int) {
    text.reserveCapacity(textBytes)
    if count > 0 { binds.reserveCapacity(count) }
  }

  mutating func append(text part: String) { text += part }

  mutating func append(value: SQLValue) {
    binds.append(Bind(value: value, offset: text.utf8.count))
    text += "$"
    text += String(binds.count)
  }

  mutating func append(identifier name: String) {
    text += "\""
    if name.utf8.contains(where: { $0 == UInt8(ascii: "\"") || $0 == 0 }) {
      for scalar in name.unicodeScalars where scalar.value != 0 {
        text.unicodeScalars.append(scalar)
        if scalar == "\"" { text += "\"" }
      }
    } else {
      text += name
    }
    text += "\""
  }

  /// Splices `part` in, renumbering its parameters to follow those already here.
  mutating func append(_ part: SQL) {
    guard !part.binds.isEmpty else {
      text += part.text
      return
    }
    guard !binds.isEmpty else {
      let shift = text.utf8.count
      text += part.text
      binds = part.binds
      if shift > 0 { for index in binds.indices { binds[index].offset += shift } }
      return
    }
    part.eachPiece { piece, value in
      text += piece
      if let value { append(value: value) }
    }
  }

  /// Walks through the text between parameters; the last piece has no value behind it.
  func eachPiece(_ body: (Substring, SQLValue?) -> Void) {
    let bytes = text.utf8
    var start = bytes.startIndex
    for (index, bind) in binds.enumerated() {
      let end = bytes.index(bytes.startIndex, offsetBy: bind.offset)
      body(text[start..<end], bind.value)
      start = bytes.index(end, offsetBy: 1 + String(index + 1).utf8.count)
    }
    body(text[start...], nil)
  }

  package static func + (a: SQL, b: SQL) -> SQL {
    var sum = a
    sum.append(b)
    return sum
  }

  package static func += (a: inout SQL, b: SQL) { a.append(b) }

  /// The fragments that are not empty, with `separator` between them.
  package static func join(_ parts: [SQL], separator: SQL = ", ") -> SQL {
    var joined = SQL(text: "")
    for part in parts where !part.isEmpty {
      if !joined.isEmpty { joined.append(separator) }
      joined.append(part)
    }
    return joined
  }

  /// `(value, value, …)` of bound values, for a row constructor or `values`.
  package static func tuple(_ values: [SQLValue]) -> SQL {
    var list = SQL(text: "(")
    for (index, value) in values.enumerated() {
      if index > 0 { list.append(text: ", ") }
      list.append(value: value)
    }
    list.append(text: ")")
    return list
  }
}

extension SQL: ExpressibleByStringInterpolation {
  package struct StringInterpolation: StringInterpolationProtocol {
    var sql = SQL(text: "")

    package init(literalCapacity: Int, interpolationCount: Int) {
      sql.reserve(literalCapacity + interpolationCount * 4, binds: interpolationCount)
    }

    package mutating func appendLiteral(_ literal: String) { sql.append(text: literal) }

    /// Binds `value`; it is never part of the text.
    package mutating func appendInterpolation<Value: SQLEncodable>(_ value: Value) {
      sql.append(value: value.sqlValue)
    }

    /// Binds `value`, or null.
    package mutating func appendInterpolation<Value: SQLEncodable>(_ value: Value?) {
      sql.append(value: value.sqlValue)
    }

    /// Splices a fragment in.
    package mutating func appendInterpolation(_ fragment: SQL) { sql.append(fragment) }

    /// A name in double quotes.
    package mutating func appendInterpolation(identifier name: String) { sql.append(identifier: name) }

    /// Raw text: never for anything that came from outside.
    package mutating func appendInterpolation(unsafe text: String) { sql.append(text: text) }
  }

  package init(stringLiteral value: String) { text = value }

  package init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sql }
}

extension SQL: CustomStringConvertible {
  /// The text without the values, which may be personal data.
  package var description: String { text }
}
