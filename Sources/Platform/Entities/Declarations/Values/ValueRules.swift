import Core

/// Whether one value may stand in a field.
enum ValueRules {
  /// The first rule of `field` that a value other than null breaks.
  ///
  /// - Parameter dictionary: the dictionary of a code field; without it membership is not checked.
  static func refusal(_ value: Value, _ field: FieldDeclaration, _ dictionary: DictionaryDeclaration? = nil) -> Refusal?
  {
    switch (value, field.valueKind) {
    case (.null, _): return nil
    case (.text(let text), .text): return self.text(text, field, dictionary)
    case (.integer(let number), .integer):
      // Beyond the range of decimals no limit can be stated.
      guard let exact = FixedDecimal(number) else {
        guard let limit = number < 0 ? field.minimum : field.maximum else { return nil }
        return bounds(FixedDecimal(millionths: number < 0 ? .min : .max), field, whenEqual: limit)
      }
      return bounds(exact, field)
    case (.decimal(let number), .decimal): return bounds(number, field)
    case (.money(let money), .money):
      guard let yuan = money.yuan else { return refusal("too-large", "金额太大，不能超过九万亿元", field) }
      return bounds(yuan, field)
    case (.list(let entries), .list):
      for entry in entries { if let refusal = text(entry, field, dictionary) { return refusal } }
      return Set(entries).count < entries.count ? refusal("duplicate-entry", "同一项选了两次，请去掉一个", field) : nil
    case (.geometry(let json), .geometry): return GeometryRules.refusal(json, field)
    case (.boolean, .boolean), (.date, .date), (.instant, .instant), (.json, .json): return nil
    default: return refusal("wrong-type", "应是\(field.type.label)", field)
    }
  }

  static func refusal(_ code: String, _ message: String, _ field: FieldDeclaration) -> Refusal {
    Refusal(.unprocessable, code, "“\(field.label)”\(message)。", field: field.name)
  }

  static func unknownCode(_ code: String, _ dictionary: DictionaryDeclaration, _ field: FieldDeclaration) -> Refusal {
    let offered = dictionary.codes.filter { !$0.retired }.prefix(6).map(\.label).joined(separator: "、")
    let more = dictionary.codes.count > 6 ? "等" : ""
    return refusal("unknown-code", "里没有“\(code.prefix(20))”，请从\(offered)\(more)里选择", field)
  }

  private static func text(_ text: String, _ field: FieldDeclaration, _ dictionary: DictionaryDeclaration?) -> Refusal?
  {
    if text.unicodeScalars.contains("\0") { return refusal("wrong-type", "里有不可见的控制字符，请重新输入", field) }
    switch field.type {
    case .text, .longtext:
      if field.type == .text, text.unicodeScalars.contains(where: { $0 == "\n" || $0 == "\r" }) {
        return refusal("wrong-type", "只能有一行，请去掉换行", field)
      }
      let length = text.unicodeScalars.count
      guard let limit = field.maximumLength, length > limit else { return nil }
      return refusal("too-long", "有 \(length) 字，最多 \(limit) 字，请缩短", field)
    case .code:
      guard let dictionary, dictionary.code(text) == nil else { return nil }
      return unknownCode(text, dictionary, field)
    case .residentID:
      return canonical(text, field) { (text) throws(Refusal) in try ResidentID.read(text).text }
    case .creditCode:
      return canonical(text, field) { (text) throws(Refusal) in try UnifiedCreditCode.read(text).text }
    case .phone:
      return canonical(text, field) { (text) throws(Refusal) in try PhoneNumber.read(text).text }
    case .division:
      return ValueParser.division(text) == text ? nil : refusal("wrong-type", "应是去掉末尾零的行政区划代码，如 511702", field)
    default: return nil
    }
  }

  /// Refuses what the standard refuses, and what is right but not in its one stored form.
  private static func canonical(
    _ text: String, _ field: FieldDeclaration, _ read: (String) throws(Refusal) -> String
  ) -> Refusal? {
    do throws(Refusal) {
      let canonical = try read(text)
      return canonical == text ? nil : refusal("not-canonical", "应写成 \(canonical.utf8.count) 位的标准形式，不带空格和符号", field)
    } catch {
      return Refusal(.unprocessable, error.code, error.message, field: field.name)
    }
  }

  private static func bounds(_ number: FixedDecimal, _ field: FieldDeclaration, whenEqual limit: FixedDecimal? = nil)
    -> Refusal?
  {
    let unit = field.unit ?? (field.type == .money ? "元" : "")
    if let minimum = field.minimum, number < minimum || limit != nil && number.millionths == .min {
      return refusal("too-small", "不能小于 \(minimum)\(unit)", field)
    }
    if let maximum = field.maximum, number > maximum || limit != nil && number.millionths == .max {
      return refusal("too-large", "不能大于 \(maximum)\(unit)", field)
    }
    return nil
  }
}

/// Whether GeoJSON is a shape of the declared kind on the earth (RFC 7946).
enum GeometryRules {
  /// Positions one shape may have.
  static let maximumPositions = 100_000

  static func refusal(_ json: JSON, _ field: FieldDeclaration) -> Refusal? {
    let wanted: (types: [String], example: String) =
      switch field.type {
      case .point: (["Point"], "点（Point）")
      case .line: (["LineString", "MultiLineString"], "线（LineString 或 MultiLineString）")
      default: (["Polygon", "MultiPolygon"], "面（Polygon 或 MultiPolygon）")
      }
    guard let type = json["type"]?.string, wanted.types.contains(type), let coordinates = json["coordinates"] else {
      return ValueRules.refusal("wrong-geometry", "应是\(wanted.example)", field)
    }
    var count = 0
    let problem: String? =
      switch type {
      case "Point": position(coordinates, &count)
      case "LineString": line(coordinates, &count)
      case "MultiLineString": each(coordinates, &count, line)
      case "Polygon": each(coordinates, &count, ring)
      default: each(coordinates, &count) { each($0, &$1, ring) }
      }
    if let problem { return ValueRules.refusal("wrong-geometry", problem, field) }
    return count > maximumPositions ? ValueRules.refusal("too-large", "的图形超过 \(maximumPositions) 个点，请简化", field) : nil
  }

  private static func position(_ json: JSON, _ count: inout Int) -> String? {
    count += 1
    guard let numbers = json.array, numbers.count >= 2, let longitude = numbers[0].double,
      let latitude = numbers[1].double
    else { return "的坐标应写成 [经度, 纬度]" }
    guard (-180...180).contains(longitude), (-90...90).contains(latitude) else {
      return "的坐标 [\(longitude), \(latitude)] 超出范围，经度在前、纬度在后"
    }
    return nil
  }

  private static func each(_ json: JSON, _ count: inout Int, _ part: (JSON, inout Int) -> String?) -> String? {
    guard let parts = json.array, !parts.isEmpty else { return "的坐标是空的" }
    for item in parts {
      if let problem = part(item, &count) { return problem }
      if count > maximumPositions { return nil }
    }
    return nil
  }

  private static func line(_ json: JSON, _ count: inout Int) -> String? {
    guard let positions = json.array, positions.count >= 2 else { return "的线至少要有两个点" }
    return each(json, &count, position)
  }

  private static func ring(_ json: JSON, _ count: inout Int) -> String? {
    guard let positions = json.array, positions.count >= 4 else { return "的环至少要有四个点" }
    guard positions.first == positions.last else { return "的环没有闭合，首尾应是同一点" }
    return each(json, &count, position)
  }
}
