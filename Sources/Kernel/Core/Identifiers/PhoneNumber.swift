/// A telephone number of mainland China: mobile, landline or service number.
package struct PhoneNumber: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    /// 手机: eleven digits from 13 to 19.
    case mobile
    /// 固定电话: area code and seven or eight digits, with an extension perhaps.
    case landline
    /// 服务号码: 400 and 800 numbers, hotlines such as 12345 and emergency numbers such as 110.
    case service
  }

  package let kind: Kind
  /// `13812345678`, `0818-2123456`, `0818-2123456-801`, `4008001234`, `110`.
  package let text: String

  /// Reads a number as people write it: `+86`, `0086`, blanks, hyphens, brackets and `转` before an extension are taken.
  ///
  /// - Parameter areaCode: stands in for a missing area code, such as `0818`; without it a bare local number is refused.
  package init?(_ text: String, areaCode: String? = nil) {
    guard let (kind, canonical) = PhoneNumber.scan(text, areaCode: areaCode) else { return nil }
    self.kind = kind
    self.text = canonical
  }

  /// Reads a number as ``init(_:areaCode:)`` does and says in Chinese what is expected.
  package static func read(_ text: String, areaCode: String? = nil) throws(Refusal) -> PhoneNumber {
    if let number = PhoneNumber(text, areaCode: areaCode) { return number }
    throw Refusal(.invalid, "phone-format", "电话号码应为 11 位手机号，或带区号的固定电话（如 0818-2123456）。")
  }

  /// The number in E.164 (`+8613812345678`), or `nil` for a service number, which has none.
  package var e164: String? {
    switch kind {
    case .mobile: return "+86" + text
    case .landline:
      let parts = text.split(separator: "-")
      return "+86" + parts[0].dropFirst() + parts[1]
    case .service: return nil
    }
  }

  private static func scan(_ text: String, areaCode: String?) -> (Kind, String)? {
    let plain = text.contains("转") ? text.split(separator: "转", maxSplits: 1).joined(separator: "-") : text
    return withFoldedASCII(plain) { bytes -> (Kind, String)? in
      // Digits with one mark where a hyphen separates groups, so that an extension can be told from the number.
      var groups: [String] = [""]
      for (index, byte) in bytes.enumerated() {
        switch byte {
        case 0x30...0x39: groups[groups.count - 1].unicodeScalars.append(UnicodeScalar(byte))
        case 0x2D, 0x29, 0x2F, 0x2A, 0x23, 0x2E: if groups[groups.count - 1] != "" { groups.append("") }
        case 0x28: if index > 0, groups[groups.count - 1] != "" { groups.append("") }
        case 0x2B where index == 0: break
        default: return nil
        }
      }
      groups.removeAll { $0.isEmpty }
      return number(groups, international: bytes.first == 0x2B, areaCode: areaCode)
    }
  }

  private static func number(_ written: [String], international: Bool, areaCode: String?) -> (Kind, String)? {
    var groups = written
    guard let first = groups.first else { return nil }
    var foreign = international
    if first.hasPrefix("0086") {
      foreign = true
      groups[0] = String(first.dropFirst(2))
    } else if !international, first.utf8.count == 13, first.hasPrefix("861") {
      foreign = true
    }
    if foreign {
      guard groups[0].hasPrefix("86") else { return nil }
      groups[0] = String(groups[0].dropFirst(2))
      groups.removeAll { $0.isEmpty }
      // Abroad the trunk prefix 0 of an area code is left out.
      if let head = groups.first, !head.hasPrefix("0"), !isMobile(groups.joined()) { groups[0] = "0" + head }
    }
    let all = groups.joined()
    if isMobile(all) { return (.mobile, all) }
    if isService(all) { return (.service, all) }
    return landline(groups, areaCode: areaCode).map { (.landline, $0) }
  }

  private static func isMobile(_ digits: String) -> Bool {
    let bytes = Array(digits.utf8)
    return bytes.count == 11 && bytes[0] == 0x31 && (0x33...0x39).contains(bytes[1])
  }

  /// 110-style three digits, 5-digit 12xxx, 95xxx, 96xxx and 10xxx hotlines, and 400/800 numbers.
  private static func isService(_ digits: String) -> Bool {
    switch digits.utf8.count {
    case 3: digits.hasPrefix("11") || digits.hasPrefix("12")
    case 5: ["12", "95", "96", "10"].contains { digits.hasPrefix($0) }
    case 6: digits.hasPrefix("95") || digits.hasPrefix("96") || digits.hasPrefix("12")
    case 10: digits.hasPrefix("400") || digits.hasPrefix("800")
    default: false
    }
  }

  private static func landline(_ written: [String], areaCode: String?) -> String? {
    var groups = written
    if groups[0].hasPrefix("0") {
      // 010 and 02x have three digits, every other area code has four.
      let width = groups[0].hasPrefix("010") || groups[0].hasPrefix("02") ? 3 : 4
      guard groups[0].utf8.count >= width else { return nil }
      let local = String(groups[0].dropFirst(width))
      groups[0] = String(groups[0].prefix(width))
      if !local.isEmpty { groups.insert(local, at: 1) }
    } else if let areaCode {
      groups.insert(areaCode, at: 0)
    } else {
      return nil
    }
    // A local number may be written in two groups: 2123-4567.
    if groups.count >= 3, groups[1].utf8.count <= 4, (7...8).contains(groups[1].utf8.count + groups[2].utf8.count) {
      groups[1] += groups.remove(at: 2)
    }
    guard groups.count == 2 || (groups.count == 3 && (1...6).contains(groups[2].utf8.count)),
      (7...8).contains(groups[1].utf8.count), let head = groups[1].utf8.first, head >= 0x32
    else { return nil }
    return groups.joined(separator: "-")
  }
}

extension PhoneNumber: CustomStringConvertible {
  /// The number with its middle hidden, since descriptions reach logs; service numbers are public.
  package var description: String {
    switch kind {
    case .mobile: "\(text.prefix(3))****\(text.suffix(4))"
    case .landline: "\(text.prefix(while: { $0 != "-" }))-****\(text.suffix(2))"
    case .service: text
    }
  }
}
