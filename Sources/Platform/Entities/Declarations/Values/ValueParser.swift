package import Core

/// Reads values as people type them and as files carry them.
package struct ValueParser: Sendable {
  private let dictionary: @Sendable (String) -> DictionaryDeclaration?

  /// - Parameter dictionary: finds a dictionary by name, for codes given by their labels.
  package init(dictionary: @escaping @Sendable (String) -> DictionaryDeclaration?) { self.dictionary = dictionary }

  /// The value that `text` means for `field`; blank text is null.
  ///
  /// Full-width digits and letters, thousands separators, dates in people's forms, 是/否, and labels of codes are taken.
  /// A reference is read as the number of its record. Limits and rules of the field are not checked here.
  ///
  /// - Throws: ``Refusal`` that names the field and says what is expected.
  package func parse(_ text: String, for field: FieldDeclaration) throws(Refusal) -> Value {
    let trimmed = TextForms.trimmed(text)
    if trimmed.isEmpty { return .null }
    if trimmed.unicodeScalars.contains("\0") {
      throw Refusal(.unprocessable, "wrong-type", "“\(field.label)”里有不可见的控制字符，没有保存。请重新输入。", field: field.name)
    }
    if field.multiple { return try list(trimmed, field) }
    do throws(Refusal) { return try value(trimmed, field) } catch {
      throw Refusal(error.kind, error.code, error.message, field: field.name)
    }
  }

  private func value(_ text: String, _ field: FieldDeclaration) throws(Refusal) -> Value {
    switch field.type {
    case .text: return .text(text)
    case .longtext:
      // Browsers send \r\n at the end of every line.
      return .text(String(text.map { $0 == "\r\n" || $0 == "\r" ? "\n" : $0 }))
    case .integer, .ref:
      guard let digits = TextForms.number(text), let number = FixedDecimal(digits), number.millionths % 1_000_000 == 0
      else {
        // Integers beyond the range of decimals are still integers.
        if let digits = TextForms.number(text), let number = Int64(digits) { return .integer(number) }
        throw wrong(text, field, "整数，如 12")
      }
      return .integer(number.millionths / 1_000_000)
    case .decimal:
      guard let digits = TextForms.number(text), let number = FixedDecimal(digits) else {
        throw wrong(text, field, "数，如 88.5")
      }
      guard (digits.split(separator: ".").dropFirst().first?.utf8.count ?? 0) <= 6 else {
        throw wrong(text, field, "最多六位小数的数")
      }
      return .decimal(number)
    case .money:
      guard let money = Money(text) else { throw wrong(text, field, "金额，最多两位小数，如 1,234.50") }
      return .money(money)
    case .boolean:
      guard let flag = TextForms.boolean(text) else { throw wrong(text, field, "“是”或“否”") }
      return .boolean(flag)
    case .date:
      guard let date = TextForms.date(text) else { throw wrong(text, field, "日期，如 2026-11-21") }
      return .date(date)
    case .instant:
      guard let instant = TextForms.instant(text) else { throw wrong(text, field, "日期和时间，如 2026-11-21 14:05") }
      return .instant(instant)
    case .code(let name): return .text(try code(text, name, field))
    case .residentID: return .text(try ResidentID.read(text).text)
    case .creditCode: return .text(try UnifiedCreditCode.read(text).text)
    case .phone: return .text(try PhoneNumber.read(text).text)
    case .division:
      guard let code = ValueParser.division(text) else { throw wrong(text, field, "2 至 15 位行政区划代码，如 511702") }
      return .text(code)
    case .point, .line, .polygon: return .geometry(try geometry(text, field))
    case .file, .image: return .text(text)
    case .json: return .json(try JSON(parsing: text))
    }
  }

  private func wrong(_ text: String, _ field: FieldDeclaration, _ wanted: String) -> Refusal {
    let shown = text.count > 20 ? "\(text.prefix(20))…" : text
    return Refusal(
      .unprocessable, "wrong-type", "“\(field.label)”应是\(wanted)，“\(shown)”认不出来。请改正后再提交。", field: field.name)
  }

  // MARK: Codes

  private func code(_ text: String, _ name: String, _ field: FieldDeclaration) throws(Refusal) -> String {
    guard let dictionary = dictionary(name) else { return text }
    if let code = dictionary.code(text) ?? dictionary.code(labelled: text) { return code.code }
    let folded = TextForms.folded(text)
    if let code = dictionary.code(folded) ?? dictionary.code(labelled: folded) { return code.code }
    throw ValueRules.unknownCode(text, dictionary, field)
  }

  /// Codes or file keys between `、`, commas, semicolons, bars or line ends, each once.
  private func list(_ text: String, _ field: FieldDeclaration) throws(Refusal) -> Value {
    var entries: [String] = []
    for part in text.split(whereSeparator: { "、,，;；|\n".contains($0) }) {
      let trimmed = TextForms.trimmed(String(part))
      if trimmed.isEmpty { continue }
      let entry = if let name = field.dictionary { try code(trimmed, name, field) } else { trimmed }
      if !entries.contains(entry) { entries.append(entry) }
    }
    return entries.isEmpty ? .null : .list(entries)
  }

  /// The code without the zeros that stand for a whole province, city, county or township (GB/T 2260, GB/T 10114).
  package static func division(_ text: String) -> String? {
    var digits = Array(TextForms.folded(text).utf8)
    guard digits.allSatisfy({ (48...57).contains($0) }), let first = digits.first, first != 48 else { return nil }
    let zero = UInt8(ascii: "0")
    for (long, short) in [(15, 12), (12, 9), (9, 6), (6, 4), (4, 2)] where digits.count == long {
      if digits[short...].allSatisfy({ $0 == zero }) { digits.removeLast(long - short) }
    }
    return [2, 4, 6, 9, 12, 15].contains(digits.count) ? String(decoding: digits, as: UTF8.self) : nil
  }

  // MARK: Geometry

  /// GeoJSON, or `经度,纬度` for a point.
  private func geometry(_ text: String, _ field: FieldDeclaration) throws(Refusal) -> JSON {
    if text.hasPrefix("{") { return try JSON(parsing: text) }
    let parts = TextForms.folded(text).split(whereSeparator: { ",， \t".contains($0) })
    guard field.type == .point, parts.count == 2, let longitude = Double(parts[0]), let latitude = Double(parts[1])
    else { throw wrong(text, field, field.type == .point ? "“经度,纬度”，如 107.5012,31.2094" : "GeoJSON 图形") }
    return ["type": "Point", "coordinates": [.double(longitude), .double(latitude)]]
  }
}

extension Catalog {
  /// Reads `text` for `field` with the dictionaries of this catalog.
  package func parse(_ text: String, for field: FieldDeclaration) throws(Refusal) -> Value {
    try ValueParser(dictionary: { dictionary($0) }).parse(text, for: field)
  }
}
