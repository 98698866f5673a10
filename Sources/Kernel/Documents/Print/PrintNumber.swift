/// Writes numbers as PDF and SVG take them: at most four places, no exponent.
enum PrintNumber {
  static func write(_ value: Double, into bytes: inout [UInt8]) {
    var scaled = Int((value * 10_000).rounded())
    if scaled < 0 {
      bytes.append(UInt8(ascii: "-"))
      scaled = -scaled
    }
    write(scaled / 10_000, into: &bytes)
    var rest = scaled % 10_000
    guard rest > 0 else { return }
    bytes.append(UInt8(ascii: "."))
    var place = 1000
    while rest > 0 {
      bytes.append(UInt8(0x30 + rest / place))
      rest %= place
      place /= 10
    }
  }

  static func write(_ value: Int, into bytes: inout [UInt8]) {
    if value >= 10 { write(value / 10, into: &bytes) }
    bytes.append(UInt8(0x30 + value % 10))
  }
}

extension [UInt8] {
  mutating func put(_ text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }

  mutating func put(_ values: Double...) {
    for value in values {
      PrintNumber.write(value, into: &self)
      append(0x20)
    }
  }
}
