/// What a part of an address is (地址要素类别): the 21 labels of the corpus that the parser learns from.
///
/// Li, Lu, Xie and Li, “Neural Chinese Address Parsing”, NAACL 2019, section 3. The raw values are the rows of the
/// model; their order is part of its format.
package enum AddressLabel: UInt8, Sendable, CaseIterable {
  case country, prov, city, district, devzone, town, community, road, roadno, subroad, subroadno
  case poi, subpoi, houseno, cellno, floorno, roomno, person, assist, otherinfo, redundant

  /// The name in files and interfaces, all small letters: `roadno`.
  package var name: String { AddressLabel.names[Int(rawValue)] }

  private static let names = allCases.map { "\($0)" }

  /// The Chinese term, as pages show it.
  package var title: String {
    switch self {
    case .country: "国家"
    case .prov: "省"
    case .city: "市"
    case .district: "区县"
    case .devzone: "开发区"
    case .town: "乡镇街道"
    case .community: "村社区"
    case .road: "道路"
    case .roadno: "门牌号"
    case .subroad: "支路"
    case .subroadno: "支路号"
    case .poi: "兴趣点"
    case .subpoi: "子兴趣点"
    case .houseno: "楼幢号"
    case .cellno: "单元号"
    case .floorno: "楼层"
    case .roomno: "房间号"
    case .person: "人或单位"
    case .assist: "方位辅助"
    case .otherinfo: "其他信息"
    case .redundant: "冗余"
    }
  }

  /// The label called `name`, whatever the case of its letters: the corpus writes `devZone`, `subRoad`, `subroad`.
  package init?(name: some StringProtocol) {
    guard let label = AddressLabel.byName[name.lowercased()] else { return nil }
    self = label
  }

  private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })

  static let count = 21
}
