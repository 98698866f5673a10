package import Geo

/// How the position of an address came about (定位方式); the raw values are the codes of the dictionary `location_source`
/// (D3-013).
package enum LocationSource: String, Sendable, Hashable, CaseIterable {
  /// 实测.
  case surveyed
  /// 现场采集: with a phone, on the spot.
  case device
  /// 楼栋中心: that of the building or unit it lies in.
  case building
  /// 门牌号插值: between the numbers on either side along the road.
  case interpolated
  /// 地名中心: that of the compound or the road.
  case place

  /// Whether somebody was there; the others are thought out and give way to better ones.
  package var isMeasured: Bool { self == .surveyed || self == .device }
}

/// Where an address belongs and lies, as far as the registers tell (地址归属与定位).
package struct AddressPlacement: Sendable, Hashable {
  /// 街巷.
  package var road: Int64?
  /// 所属小区.
  package var compound: Int64?
  /// 上级地址: of a room its unit, of a unit its building.
  package var parent: Int64?
  /// 网格.
  package var grid: Int64?
  /// 派出所.
  package var policeStation: Int64?
  /// 责任区 of that station.
  package var beat: String?
  /// A position for an address that has none.
  package var location: Coordinate?
  /// How ``location`` was found.
  package var source: LocationSource?
}
