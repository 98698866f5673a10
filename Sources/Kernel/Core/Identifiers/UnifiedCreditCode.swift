/// The code of an organisation (统一社会信用代码), valid by GB 32100-2015.
///
/// One character for the registering department, one for the kind, six digits of division, the nine characters of the
/// former organisation code (GB 11714) and a check character, from an alphabet without I, O, S, V and Z.
package struct UnifiedCreditCode: Sendable, Hashable, CustomStringConvertible {
  /// The 18 characters in upper case.
  package let text: String

  /// Reads 18 characters; `nil` when a rule of the standard is broken. See ``read(_:)`` for the reason.
  package init?(_ text: String) {
    guard case .success(let value) = UnifiedCreditCode.scan(text) else { return nil }
    self = value
  }

  /// Makes a code with both check characters; `nil` for characters or numbers that the standard does not know.
  ///
  /// - Parameters:
  ///   - prefix: registering department and kind, such as `91` for an enterprise.
  ///   - division: six digits.
  ///   - organisation: the eight characters of the organisation code without its check character.
  package init?(prefix: String, division: Int, organisation: String) {
    guard prefix.utf8.count == 2, (100_000...999_999).contains(division), organisation.utf8.count == 8,
      let inner = UnifiedCreditCode.organisationCheck(Array(organisation.utf8))
    else { return nil }
    let body = prefix + String(division) + organisation + String(UnicodeScalar(inner))
    guard let check = UnifiedCreditCode.check(Array(body.utf8)) else { return nil }
    text = body + String(UnicodeScalar(check))
  }

  private init(canonical: String) { text = canonical }

  /// Reads a code as ``init(_:)`` does and says in Chinese which rule is broken.
  package static func read(_ text: String) throws(Refusal) -> UnifiedCreditCode { try scan(text).get() }

  /// The division that registered the organisation, six digits.
  package var division: Int { Int(text.dropFirst(2).prefix(6)) ?? 0 }

  /// The nine characters of the former organisation code (组织机构代码).
  package var organisationCode: String { String(text.dropFirst(8).prefix(9)) }

  /// Whether the check character inside the organisation code holds (GB 11714); a few genuine codes break it.
  package var organisationCodeHolds: Bool {
    let code = Array(organisationCode.utf8)
    return UnifiedCreditCode.organisationCheck(Array(code.prefix(8))) == code[8]
  }

  package var description: String { text }

  private static func scan(_ text: String) -> Result<UnifiedCreditCode, Refusal> {
    let result = withFoldedASCII(text) { bytes -> Result<UnifiedCreditCode, Refusal>? in
      guard bytes.count == 18 else { return nil }
      guard bytes.number(2..<8) != nil, let expected = check(Array(bytes[..<17])) else {
        return .failure(refusal("alphabet", "统一社会信用代码第 3 至 8 位应是数字，其余不含字母 I、O、S、V、Z。"))
      }
      guard bytes[17] == expected else {
        let character = UnicodeScalar(expected)
        return .failure(refusal("check", "统一社会信用代码校验不通过：按前 17 位末位应为 \(character)，请逐位核对。"))
      }
      return .success(UnifiedCreditCode(canonical: bytes.string))
    }
    return result ?? .failure(refusal("length", "统一社会信用代码应为 18 位数字或大写字母，请核对位数。"))
  }

  private static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".utf8)

  /// The check character of GB 32100: weights are powers of 3 modulo 31.
  private static func check(_ body: [UInt8]) -> UInt8? {
    var weight = 1
    var sum = 0
    for byte in body {
      guard let value = alphabet.firstIndex(of: byte) else { return nil }
      sum += value * weight
      weight = weight * 3 % 31
    }
    return alphabet[(31 - sum % 31) % 31]
  }

  /// The check character of GB 11714 over eight digits or capital letters.
  private static func organisationCheck(_ body: [UInt8]) -> UInt8? {
    var sum = 0
    for (byte, weight) in zip(body, [3, 7, 9, 10, 5, 8, 4, 2]) {
      switch byte {
      case 0x30...0x39: sum += Int(byte - 0x30) * weight
      case 0x41...0x5A: sum += Int(byte - 0x41 + 10) * weight
      default: return nil
      }
    }
    let check = (11 - sum % 11) % 11
    return check == 10 ? 0x58 : UInt8(0x30 + check)
  }

  private static func refusal(_ code: String, _ message: String) -> Refusal {
    Refusal(.invalid, "credit-code-\(code)", message)
  }
}
