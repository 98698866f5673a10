/// The identity document of somebody without a resident number (境外人员证件), checked as far as its kind is fixed.
package struct ForeignDocument: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// 护照: five to fifteen letters and digits; every state has its own form.
    case passport
    /// 港澳居民来往内地通行证 (回乡证): `H` or `M` with eight or ten digits.
    case hongKongMacauPermit = "hong_kong_macau_permit"
    /// 台湾居民来往大陆通行证 (台胞证): eight digits; older ones ten digits and a letter.
    case taiwanPermit = "taiwan_permit"
    /// 港澳台居民居住证: a number by GB 11643 with region 81, 82 or 83.
    case residencePermit = "residence_permit"
    /// 外国人永久居留身份证: 18 digits beginning with 9, or 15 characters on cards before 2023.
    case permanentResidence = "permanent_residence"
    /// 其他证件: four to thirty letters, digits and hyphens.
    case other

    package var label: String {
      switch self {
      case .passport: "护照"
      case .hongKongMacauPermit: "港澳居民来往内地通行证"
      case .taiwanPermit: "台湾居民来往大陆通行证"
      case .residencePermit: "港澳台居民居住证"
      case .permanentResidence: "外国人永久居留身份证"
      case .other: "其他证件"
      }
    }
  }

  package let kind: Kind
  /// The number in upper case without blanks.
  package let text: String

  /// Reads the number of a document; `nil` when the kind's form does not allow it.
  package init?(kind: Kind, _ text: String) {
    let canonical = withFoldedASCII(text) { bytes in
      ForeignDocument.allows(bytes, kind) ? bytes.string : nil
    }
    guard let canonical else { return nil }
    self.kind = kind
    self.text = canonical
  }

  /// Reads a number as ``init(kind:_:)`` does and says in Chinese what is expected.
  package static func read(kind: Kind, _ text: String) throws(Refusal) -> ForeignDocument {
    if let document = ForeignDocument(kind: kind, text) { return document }
    throw Refusal(.invalid, "foreign-document-format", "\(kind.label)号码的格式不对，请照证件逐位核对。")
  }

  private static func allows(_ bytes: UnsafeBufferPointer<UInt8>, _ kind: Kind) -> Bool {
    switch kind {
    case .passport:
      return (5...15).contains(bytes.count) && bytes.allSatisfy(isAlphanumeric) && bytes.contains(where: isDigit)
    case .hongKongMacauPermit:
      guard bytes.count == 9 || bytes.count == 11 else { return false }
      return (bytes[0] == 0x48 || bytes[0] == 0x4D) && bytes.number(1..<bytes.count) != nil
    case .taiwanPermit:
      if bytes.count == 8 || bytes.count == 10 { return bytes.number(0..<bytes.count) != nil }
      return bytes.count == 11 && bytes.number(0..<10) != nil && isLetter(bytes[10])
    case .residencePermit:
      return ResidentID(bytes.string)?.isResidencePermit ?? false
    case .permanentResidence:
      return bytes.count == 18 ? isFiveStarCard(bytes) : isOldCard(bytes)
    case .other:
      return (4...30).contains(bytes.count) && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2D }
    }
  }

  /// `9`, two digits of province, three of the state (ISO 3166-1), birth date, sequence, check digit of GB 11643.
  private static func isFiveStarCard(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes[0] == 0x39, let body = bytes.number(0..<17), let date = bytes.number(6..<14),
      CivilDate(year: date / 10000, month: date / 100 % 100, day: date % 100) != nil
    else { return false }
    return bytes[17] == ResidentID.checkCharacter(Int64(body))
  }

  /// Three letters of the state and twelve digits.
  private static func isOldCard(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    bytes.count == 15 && bytes[..<3].allSatisfy(isLetter) && bytes.number(3..<15) != nil
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
  private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) }
  private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
}

extension ForeignDocument: CustomStringConvertible {
  /// The kind and the last two characters, since descriptions reach logs.
  package var description: String { "\(kind.label)******\(text.suffix(2))" }
}
