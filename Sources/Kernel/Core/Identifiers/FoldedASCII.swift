/// Hands `body` the text as identifiers are compared: full-width forms as ASCII, letters in upper case, without blanks.
///
/// Blanks are spaces, tabs, line ends, the ideographic and no-break space and zero-width characters, as spreadsheets and
/// chat programs leave them behind. Returns `nil` when another character remains or more than `capacity` bytes do.
func withFoldedASCII<Value>(
  _ text: String, capacity: Int = 40, _ body: (UnsafeBufferPointer<UInt8>) -> Value?
) -> Value? {
  withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer -> Value? in
    var count = 0
    for scalar in text.unicodeScalars {
      var value = scalar.value
      if value >= 0xFF01, value <= 0xFF5E { value -= 0xFEE0 }
      switch value {
      case 0x20, 0x09, 0x0A, 0x0D, 0xA0, 0x3000, 0x200B...0x200F, 0x202A...0x202E, 0xFEFF: continue
      case 0x21...0x7E: break
      case 0x2010...0x2015, 0x2212: value = 0x2D
      default: return nil
      }
      if value >= 0x61, value <= 0x7A { value -= 0x20 }
      guard count < capacity else { return nil }
      buffer[count] = UInt8(truncatingIfNeeded: value)
      count += 1
    }
    return body(UnsafeBufferPointer(rebasing: buffer[..<count]))
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// The number that the digits of `range` write, or `nil` when one of them is no digit.
  func number(_ range: Range<Int>) -> Int? {
    var value = 0
    for index in range {
      let digit = Int(self[index]) - 0x30
      guard digit >= 0, digit <= 9 else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// The bytes of `range` as a string; they are ASCII.
  func string(_ range: Range<Int>) -> String { String(decoding: self[range], as: UTF8.self) }

  var string: String { String(decoding: self, as: UTF8.self) }
}

/// `value` in at least `width` digits.
func padded(_ value: Int, _ width: Int) -> String {
  let digits = String(value)
  return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
}
