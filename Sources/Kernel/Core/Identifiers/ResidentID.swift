/// A citizen identification number (公民身份号码), valid by GB 11643-1999.
///
/// Six digits of region, eight of birth date, three of sequence (odd for men) and a check character. Numbers of fifteen
/// digits are brought to eighteen. Residence permits of Hong Kong, Macau and Taiwan residents carry such numbers too, with
/// the regions 81, 82 and 83. The value keeps 17 digits in eight bytes; the check character follows from them.
package struct ResidentID: Sendable, Hashable, Comparable {
  /// 男 or 女, as the sequence number says.
  package enum Sex: String, Sendable, Hashable, CaseIterable {
    case male
    case female

    package var label: String { self == .male ? "男" : "女" }
  }

  private let body: Int64

  /// Reads 18 or 15 characters; `nil` when a rule of the standard is broken. See ``read(_:)`` for the reason.
  package init?(_ text: String) {
    guard case .success(let value) = ResidentID.scan(text) else { return nil }
    self = value
  }

  /// Makes a number from its parts; `nil` unless the region is one of the country and `sequence` is 0 to 999.
  package init?(region: Int, birthDate: CivilDate, sequence: Int) {
    guard ResidentID.isRegion(region), (0...999).contains(sequence), (1800...2199).contains(birthDate.year)
    else { return nil }
    let date = birthDate.year * 10000 + birthDate.month * 100 + birthDate.day
    body = (Int64(region) * 100_000_000 + Int64(date)) * 1000 + Int64(sequence)
  }

  private init(body: Int64) { self.body = body }

  /// Reads a number as ``init(_:)`` does and says in Chinese which rule is broken.
  package static func read(_ text: String) throws(Refusal) -> ResidentID {
    try scan(text).get()
  }

  /// The 18 characters with an upper-case `X`.
  package var text: String {
    let digits = padded(Int(body), 17)
    return digits + String(UnicodeScalar(ResidentID.checkCharacter(body)))
  }

  /// The division of first registration, six digits; it may since have been abolished.
  package var region: Int { Int(body / 100_000_000_000) }

  /// The person's date of birth; always a real date.
  package var birthDate: CivilDate {
    let date = Int(body / 1000 % 100_000_000)
    return CivilDate(year: date / 10000, month: date / 100 % 100, day: date % 100)
      ?? CivilDate(daysSinceEpoch: 0)
  }

  package var sex: Sex { body % 2 == 1 ? .male : .female }

  /// Whether the number belongs to a residence permit of a Hong Kong, Macau or Taiwan resident (港澳台居民居住证).
  package var isResidencePermit: Bool { (81...83).contains(region / 10000) }

  package static func < (a: ResidentID, b: ResidentID) -> Bool { a.body < b.body }

  private static func scan(_ text: String) -> Result<ResidentID, Refusal> {
    let result = withFoldedASCII(text) { bytes -> Result<ResidentID, Refusal>? in
      switch bytes.count {
      case 18: scan18(bytes)
      case 15: scan15(bytes)
      default: nil
      }
    }
    return result ?? .failure(refusal("length", "身份证号码应为 18 位（旧号码为 15 位），请核对位数。"))
  }

  private static func scan18(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<ResidentID, Refusal> {
    guard let number = bytes.number(0..<17) else {
      return .failure(refusal("digits", "身份证号码前 17 位应全部是数字。"))
    }
    let body = Int64(number)
    return check(body).flatMap { id in
      let expected = checkCharacter(body)
      guard bytes[17] == expected else {
        let character = UnicodeScalar(expected)
        return .failure(refusal("check", "身份证号码校验不通过：按前 17 位末位应为 \(character)，请逐位核对。"))
      }
      return .success(id)
    }
  }

  /// Numbers of 15 digits leave out the century; sequences 996 to 999 were kept for people born before 1900.
  private static func scan15(_ bytes: UnsafeBufferPointer<UInt8>) -> Result<ResidentID, Refusal> {
    guard let region = bytes.number(0..<6), let date = bytes.number(6..<12), let sequence = bytes.number(12..<15) else {
      return .failure(refusal("digits", "15 位身份证号码应全部是数字。"))
    }
    let century = sequence >= 996 ? 18_000_000 : 19_000_000
    return check((Int64(region) * 100_000_000 + Int64(century + date)) * 1000 + Int64(sequence))
  }

  private static func check(_ body: Int64) -> Result<ResidentID, Refusal> {
    let date = Int(body / 1000 % 100_000_000)
    guard isRegion(Int(body / 100_000_000_000)) else {
      return .failure(refusal("region", "身份证号码前 6 位不是有效的行政区划代码。"))
    }
    guard (1800...2199).contains(date / 10000),
      CivilDate(year: date / 10000, month: date / 100 % 100, day: date % 100) != nil
    else { return .failure(refusal("birth-date", "身份证号码中的出生日期（第 7 至 14 位）不是真实日期。")) }
    return .success(ResidentID(body: body))
  }

  /// Whether the first two digits name a province; counties come and go, so no list of them can be asked.
  private static func isRegion(_ region: Int) -> Bool {
    guard region % 10000 != 0 || region / 10000 > 80 else { return false }
    return switch region / 10000 {
    case 11...15, 21...23, 31...37, 41...46, 50...54, 61...65, 71, 81...83: true
    default: false
    }
  }

  /// ISO 7064 MOD 11-2 over the 17 digits.
  static func checkCharacter(_ body: Int64) -> UInt8 {
    var rest = Int(body)
    var weight = 1
    var sum = 0
    for _ in 0..<17 {
      weight = weight * 2 % 11
      sum += rest % 10 * weight
      rest /= 10
    }
    let check = (12 - sum % 11) % 11
    return check == 10 ? 0x58 : UInt8(0x30 + check)
  }

  private static func refusal(_ code: String, _ message: String) -> Refusal {
    Refusal(.invalid, "resident-id-\(code)", message)
  }
}

extension ResidentID: CustomStringConvertible {
  /// Region and last two characters only, since descriptions reach logs.
  package var description: String {
    let full = text
    return "\(full.prefix(6))**********\(full.suffix(2))"
  }
}
