/// One administrative division (行政区划): a province, city, county or town.
package struct Division: Sendable, Hashable {
  package let code: DivisionCode
  /// 标准名称: `达州市`.
  package let name: String
  /// What remains without the kind: `达州`; equal to the name where nothing may be left out.
  package let shortName: String
  /// Whether the division is still in force.
  package let isInForce: Bool

  package init(code: DivisionCode, name: String, shortName: String? = nil, isInForce: Bool = true) {
    self.code = code
    self.name = name
    self.shortName = shortName ?? Division.shortName(ofTown: name)
    self.isInForce = isInForce
  }

  package var level: DivisionCode.Level { code.level }

  /// `东城街道` → `东城`; a name of which one character would remain is kept.
  private static func shortName(ofTown name: String) -> String {
    for kind in ["街道", "苏木", "镇", "乡"] where name.hasSuffix(kind) {
      let short = name.dropLast(kind.count)
      return short.count >= 2 ? String(short) : name
    }
    return name
  }
}
