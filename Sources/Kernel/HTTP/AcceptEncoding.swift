/// Whether a client takes gzip (RFC 9110 §12.5.3).
enum AcceptEncoding {
  static func allowsGzip(_ field: String?) -> Bool {
    guard let field else { return false }
    var gzip: Int?
    var any: Int?
    for element in field.utf8.split(separator: UInt8(ascii: ",")) {
      let parts = element.split(separator: UInt8(ascii: ";")).map { Substring($0).trimmed }
      guard let name = parts.first else { continue }
      var weight = 1000
      for parameter in parts.dropFirst() where parameter.hasPrefix("q=") || parameter.hasPrefix("Q=") {
        weight = thousandths(parameter.dropFirst(2))
      }
      if Token.equal(name, "gzip") || Token.equal(name, "x-gzip") { gzip = max(gzip ?? 0, weight) }
      if name == "*" { any = weight }
    }
    return (gzip ?? any ?? 0) > 0
  }

  /// A weight `0.8` as 800; what is no weight counts as 0.
  private static func thousandths(_ text: Substring) -> Int {
    var digits = text.utf8[...]
    guard let first = digits.first, first == 48 || first == 49 else { return 0 }
    var value = Int(first - 48) * 1000
    digits = digits.dropFirst()
    guard digits.isEmpty || digits.first == UInt8(ascii: ".") else { return 0 }
    var unit = 100
    for digit in digits.dropFirst() {
      guard (48...57).contains(digit), unit > 0 else { return 0 }
      value += Int(digit - 48) * unit
      unit /= 10
    }
    return min(1000, value)
  }
}
