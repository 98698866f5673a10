package import Core

/// The forms in which people write numbers, dates and truth values.
package enum TextForms {
  /// Without blanks and invisible characters at either end.
  package static func trimmed(_ text: String) -> String {
    func isBlank(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isWhitespace || (0x200B...0x200F).contains(scalar.value) || scalar.value == 0xFEFF
    }
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !isBlank($0) }), let last = scalars.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return String(scalars[first...last])
  }

  /// Full-width forms as ASCII.
  package static func folded(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
    var scalars = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let value = scalar.value
      if (0xFF01...0xFF5E).contains(value), let ascii = Unicode.Scalar(value - 0xFEE0) {
        scalars.append(ascii)
      } else if value == 0x3000 {
        scalars.append(" ")
      } else if value == 0x2212 || (0x2010...0x2015).contains(value) {
        scalars.append("-")
      } else {
        scalars.append(scalar)
      }
    }
    return String(scalars)
  }

  /// Plain digits of `1,234.5`, `１２`, `- 3`; `nil` when commas stand elsewhere than between groups of three.
  static func number(_ text: String) -> String? {
    var digits = ""
    var group: Int?
    var sawPoint = false
    for scalar in folded(text).unicodeScalars {
      switch scalar {
      case "0"..."9":
        digits.unicodeScalars.append(scalar)
        group = sawPoint ? group : group.map { $0 + 1 }
      case "-" where digits.isEmpty, "+" where digits.isEmpty: digits.unicodeScalars.append(scalar)
      case ".":
        if sawPoint || group ?? 3 != 3 { return nil }
        sawPoint = true
        group = nil
        digits.unicodeScalars.append(scalar)
      case ",":
        let whole = digits.utf8.count(where: { (48...57).contains($0) })
        if sawPoint || group ?? 3 != 3 || whole == 0 || group == nil && whole > 3 { return nil }
        group = 0
      case " ", "\u{A0}": continue
      default: return nil
      }
    }
    if group ?? 3 != 3 || digits.hasSuffix(".") { return nil }
    return digits.utf8.contains(where: { (48...57).contains($0) }) ? digits : nil
  }

  static func boolean(_ text: String) -> Bool? {
    switch folded(text).lowercased() {
    case "是", "有", "对", "真", "true", "yes", "y", "1", "√", "✓", "on": true
    case "否", "无", "没有", "不是", "错", "假", "false", "no", "n", "0", "×", "✗", "off": false
    default: nil
    }
  }

  /// `2026-11-21`, `2026/1/2`, `20261121`, `2026年11月21日`, `二〇二六年十一月二十一日`, and any of them before a time.
  package static func date(_ text: String) -> CivilDate? {
    let folded = folded(text)
    if let date = strictDate(folded) { return date }
    return instant(folded)?.chinaTime.date
  }

  /// A date and a time in any of the forms of both, or a date alone for its first moment.
  static func instant(_ text: String) -> Instant? {
    let folded = folded(text)
    if let instant = Instant(folded) { return instant }
    if let date = strictDate(folded) { return date.start }
    guard let gap = folded.unicodeScalars.firstIndex(where: { $0 == " " || $0 == "T" || $0 == "日" }) else { return nil }
    let scalars = folded.unicodeScalars
    let keepsMark = scalars[gap] == "日"
    let head = String(scalars[...gap].dropLast(keepsMark ? 0 : 1))
    let tail = trimmed(String(scalars[scalars.index(after: gap)...]))
    guard let date = strictDate(trimmed(head)), !tail.isEmpty else { return nil }
    var time = ""
    for scalar in tail.unicodeScalars {
      switch scalar {
      case "时", "点", "分": time += ":"
      case "秒": continue
      default: time.unicodeScalars.append(scalar)
      }
    }
    if time.hasSuffix(":") { time += time.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 ? "00" : "" }
    if time.hasSuffix(":") { time.removeLast() }
    let parts = time.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let hour = parts[0].utf8.count == 1 ? "0\(parts[0])" : String(parts[0])
    return Instant("\(date) \(hour):\(parts[1])")
  }

  private static func strictDate(_ text: String) -> CivilDate? {
    let allowed = text.unicodeScalars.allSatisfy { ("0"..."9").contains($0) || "-/.年月日".unicodeScalars.contains($0) }
    if allowed { return CivilDate(text) }
    return chineseDate(text)
  }

  /// `二〇二六年十一月二十一日`.
  private static func chineseDate(_ text: String) -> CivilDate? {
    let parts = text.split(whereSeparator: { "年月日".contains($0) })
    guard parts.count == 3, text.hasSuffix("日"), let year = chineseDigits(parts[0]), let month = chineseCount(parts[1]),
      let day = chineseCount(parts[2])
    else { return nil }
    return CivilDate(year: year, month: month, day: day)
  }

  private static let chinese: [Character: Int] = [
    "〇": 0, "○": 0, "零": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9,
  ]

  private static func chineseDigits(_ text: Substring) -> Int? {
    guard text.count == 4 else { return nil }
    var value = 0
    for character in text {
      guard let digit = chinese[character] else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// 一 to 九十九.
  private static func chineseCount(_ text: Substring) -> Int? {
    guard let ten = text.firstIndex(of: "十") else { return text.count == 1 ? text.first.flatMap { chinese[$0] } : nil }
    let tens = text[..<ten]
    let ones = text[text.index(after: ten)...]
    guard tens.count <= 1, ones.count <= 1 else { return nil }
    let high = tens.first.map { chinese[$0] } ?? 1
    let low = ones.first.map { chinese[$0] } ?? 0
    guard let high, let low else { return nil }
    return high * 10 + low
  }
}
