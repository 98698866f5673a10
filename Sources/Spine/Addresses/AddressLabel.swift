/// What a part of an address says (地址要素类别), by the 21 names of the published Chinese address corpora.
///
/// Li, Lu, Xie and Li, “Neural Chinese Address Parsing”, NAACL 2019, section 3. The raw values are the rows of the
/// learned model; their order is part of its format.
package enum AddressLabel: UInt8, Sendable, Hashable, CaseIterable {
  case country
  /// 省级行政区.
  case prov
  /// 地级行政区.
  case city
  /// 县级行政区.
  case district
  /// 开发区, 高新区, 新区.
  case devzone
  /// 街道, 镇, 乡.
  case town
  /// 社区, 村.
  case community
  /// 路, 街, 巷; in villages the group (组).
  case road
  /// 门牌号 at the road.
  case roadno
  /// 支路, 段, 弄: a part of a road or a second one.
  case subroad
  /// 门牌号 at the part of a road.
  case subroadno
  /// 小区, 单位, 楼宇 and other named places.
  case poi
  /// 期, 区 and other parts of a named place.
  case subpoi
  /// 楼栋号.
  case houseno
  /// 单元号.
  case cellno
  /// 楼层号.
  case floorno
  /// 户室号.
  case roomno
  /// 店铺, 前台, 收件人.
  case person
  /// 方位词: 对面, 与, 交叉口.
  case assist
  /// What nothing explains.
  case otherinfo
  /// What adds nothing: separators, repeated divisions, 电联.
  case redundant

  package static let count = 21

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
}
