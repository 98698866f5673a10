/// What a part of an address says (地址要素), by the names of the published Chinese address corpora.
package enum SegmentLabel: String, Sendable, Hashable, CaseIterable {
  /// 国家.
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
  /// 支路, 段, 弄: a part of a road or a second one.
  case subroad
  /// 门牌号 at the road.
  case roadno
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
  /// What adds nothing: separators, repeated divisions, 电联.
  case redundant
  /// What no rule explains.
  case otherinfo
}

/// One labelled part of a ``SegmentedAddress``.
package struct AddressSegment: Sendable, Hashable {
  package let label: SegmentLabel
  /// Places in the text, counted in Unicode scalars.
  package let range: Range<Int>
}

/// An address cut into labelled parts, with the divisions that its first parts name.
package struct SegmentedAddress: Sendable {
  let text: AddressText
  package internal(set) var segments: [AddressSegment]
  package internal(set) var divisions: DivisionReading

  /// The folded text of a segment: full-width forms as ASCII, capital letters, standard characters.
  package func text(of segment: AddressSegment) -> String { text.string(segment.range) }

  /// The folded text of the first segment with this label.
  package func first(_ label: SegmentLabel) -> String? {
    segments.first { $0.label == label }.map(text(of:))
  }
}

/// Which divisions an address names, and what is wrong with the naming.
package struct DivisionReading: Sendable, Hashable {
  /// The narrowest division that is certain; `nil` when none is named or the name fits several.
  package var code: DivisionCode?
  /// Divisions that the narrowest name may mean, when there are several.
  package var alternatives: [DivisionCode] = []
  /// A division was named that does not lie in the one named before it.
  package var isContradictory = false
  /// A former or abolished name was used (曾用名).
  package var usesFormerName = false
  /// A name with the shape of a division that the gazetteer does not have, such as a town.
  package var unknown: [SegmentLabel] = []
}
