import Core

/// What a number in a worksheet stands for, by its cell's number format.
enum NumberKind: Sendable, Hashable {
  case number, date, time, dateTime

  /// The formats that need no code (ECMA-376 §18.8.30), with the Chinese ones of 27–36 and 50–58.
  init(builtIn id: Int) {
    switch id {
    case 14...17, 27...31, 36, 50...54, 57, 58: self = .date
    case 18...21, 32...35, 45...47, 55, 56: self = .time
    case 22: self = .dateTime
    default: self = .number
    }
  }

  /// Reads a format code such as `yyyy"年"m"月"d"日"` or `[h]:mm:ss`.
  init(formatCode code: String) {
    var letters: [UInt8] = []
    var rest = code.utf8.first.map { _ in Array(code.utf8)[...] } ?? []
    while let byte = rest.popFirst(), byte != UInt8(ascii: ";") {
      switch byte {
      case UInt8(ascii: "\""):
        while let next = rest.popFirst(), next != UInt8(ascii: "\"") {}
      case UInt8(ascii: "\\"), UInt8(ascii: "_"), UInt8(ascii: "*"):
        rest = rest.dropFirst()
      case UInt8(ascii: "["):
        let inner = rest.prefix { $0 != UInt8(ascii: "]") }
        rest = rest.dropFirst(inner.count + 1)
        let elapsed = inner.allSatisfy { [UInt8(ascii: "h"), UInt8(ascii: "m"), UInt8(ascii: "s")].contains($0 | 32) }
        if elapsed, !inner.isEmpty { letters.append(UInt8(ascii: "h")) }
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
        letters.append(byte | 32)
      default: continue
      }
    }
    guard letters != Array("general".utf8) else {
      self = .number
      return
    }
    let hasTime = letters.contains { $0 == UInt8(ascii: "h") || $0 == UInt8(ascii: "s") }
    let hasDay = letters.contains { $0 == UInt8(ascii: "y") || $0 == UInt8(ascii: "d") }
    let hasMonth = letters.contains(UInt8(ascii: "m"))
    switch (hasDay, hasTime, hasMonth) {
    case (true, true, _): self = .dateTime
    case (true, false, _), (false, false, true): self = .date
    case (false, true, _): self = .time
    default: self = .number
    }
  }

  /// The text of a stored number: `2026-11-21`, `14:05:06`, `2026-11-21 14:05:06`, or the plain decimal number.
  func text(_ stored: String, startsIn1904: Bool) -> String {
    if self == .number, PlainNumber.isPlain(stored) { return stored }
    guard let value = Double(stored), value.isFinite else { return stored }
    let longest = startsIn1904 ? 2_957_003.0 : 2_958_466.0
    guard self != .number, value >= 0, value < longest else { return PlainNumber.text(value) }
    let seconds = Int((value * 86400).rounded())
    let day = seconds / 86400
    let clock = NumberKind.clock(seconds % 86400)
    let date: Int
    if startsIn1904 {
      date = day - 24107
    } else {
      // Day 60 is 29 February 1900, which Excel invented; the days before it count one less.
      date = day - (day < 60 ? 25568 : 25569)
    }
    switch self {
    case .number: return PlainNumber.text(value)
    case .date: return "\(CivilDate(daysSinceEpoch: date))"
    case .time: return value < 1 ? clock : NumberKind.clock(seconds)
    case .dateTime: return "\(CivilDate(daysSinceEpoch: date)) \(clock)"
    }
  }

  /// Hours may pass 24: elapsed times do.
  private static func clock(_ seconds: Int) -> String {
    "\(twoDigits(seconds / 3600)):\(twoDigits(seconds / 60 % 60)):\(twoDigits(seconds % 60))"
  }
}

/// Numbers as people write them: no exponent, no trailing `.0`, the fewest digits that mean the same value.
enum PlainNumber {
  /// Whether a text is such a number already: at most 15 digits, as which every decimal comes back from a `Double`.
  static func isPlain(_ text: String) -> Bool {
    var digits = 0
    var point = false
    var last: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0"): if digits == 0, last != 0, !point { return false }
      case UInt8(ascii: "1")...UInt8(ascii: "9"): if digits == 0, last == UInt8(ascii: "0"), !point { return false }
      case UInt8(ascii: "."):
        guard !point, last != 0 else { return false }
        point = true
      default: return false
      }
      if byte != UInt8(ascii: ".") { digits += digits > 0 || byte != UInt8(ascii: "0") ? 1 : 0 }
      last = byte
    }
    return last != 0 && digits <= 15 && last != UInt8(ascii: ".") && !(point && last == UInt8(ascii: "0"))
  }

  static func text(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 9e15 { return String(Int64(value)) }
    let shortest = "\(value)"
    guard let mark = shortest.firstIndex(of: "e"), let exponent = Int(shortest[shortest.index(after: mark)...]) else {
      return shortest
    }
    let negative = value < 0
    let mantissa = shortest[..<mark].filter { $0 != "-" && $0 != "." }
    let whole = shortest[..<mark].filter { $0 != "-" }.prefix { $0 != "." }.count
    let point = whole + exponent
    let digits: String
    if point <= 0 {
      digits = "0." + String(repeating: "0", count: -point) + mantissa
    } else if point >= mantissa.count {
      digits = mantissa + String(repeating: "0", count: point - mantissa.count)
    } else {
      digits = mantissa.prefix(point) + "." + mantissa.dropFirst(point)
    }
    var trimmed = Substring(digits)
    if trimmed.contains(".") {
      while trimmed.last == "0" { trimmed.removeLast() }
      if trimmed.last == "." { trimmed.removeLast() }
    }
    return (negative ? "-" : "") + trimmed
  }
}
