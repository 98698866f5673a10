/// What became of one row of an address list (地址治理结果).
package enum AddressOutcome: Sendable, Hashable {
  /// 新建: a valid address that is not yet known.
  case created(StandardAddress)
  /// 匹配: the address with this record id, already known.
  case matched(id: Int64, StandardAddress)
  /// 存疑: kept for a person to look at, with what was understood.
  case doubtful([AddressDoubt], StandardAddress?)
  /// 拒绝: no address, with the reason.
  case rejected(AddressRejection)

  /// The class's name in files and the API.
  package var name: String {
    switch self {
    case .created: "created"
    case .matched: "matched"
    case .doubtful: "doubtful"
    case .rejected: "rejected"
    }
  }

  /// Why a row is doubtful or rejected, in Chinese; `nil` for the others.
  package var reason: String? {
    switch self {
    case .created, .matched: nil
    case .doubtful(let doubts, _): doubts.map(\.message).joined(separator: "；")
    case .rejected(let rejection): rejection.message
    }
  }

  /// Stable codes of the reasons, for counting.
  package var reasonCodes: [String] {
    switch self {
    case .created, .matched: []
    case .doubtful(let doubts, _): doubts.map(\.code)
    case .rejected(let rejection): [rejection.rawValue]
    }
  }
}

/// Something about an address that a person has to decide.
package enum AddressDoubt: Sendable, Hashable {
  /// No county is named and none follows from the town.
  case missingDistrict
  /// The name of the district fits several.
  case ambiguousDistrict([String])
  /// A division is named that does not lie in the one named before it, or in the one of the other columns.
  case contradictoryDivision
  /// The city has no district of this name.
  case unknownDistrict(String)
  /// The district has no town of this name.
  case unknownTown(String)
  /// A former name does not say which district of today is meant.
  case formerDivision
  /// The address lies outside the city that is being governed.
  case outsideJurisdiction(String)
  /// The address is described relative to another: 对面, 交叉口.
  case relative
  /// A part that the standard form needs is missing; the message of the refusal.
  case incomplete(String)
  /// Text that no rule explains.
  case leftover(String)
  /// Several known addresses fit.
  case severalCandidates([Int64])
  /// A known address has the same road and number, but another town, community or compound.
  case conflictsWith(id: Int64)

  package var code: String {
    switch self {
    case .missingDistrict: "missing-district"
    case .ambiguousDistrict: "ambiguous-district"
    case .contradictoryDivision: "contradictory-division"
    case .unknownDistrict: "unknown-district"
    case .unknownTown: "unknown-town"
    case .formerDivision: "former-division"
    case .outsideJurisdiction: "outside-jurisdiction"
    case .relative: "relative"
    case .incomplete: "incomplete"
    case .leftover: "leftover"
    case .severalCandidates: "several-candidates"
    case .conflictsWith: "conflicts"
    }
  }

  package var message: String {
    switch self {
    case .missingDistrict: "没有写明区县，也不能由街道乡镇推出"
    case .ambiguousDistrict(let names): "区县不唯一，可能是\(names.joined(separator: "、"))"
    case .contradictoryDivision: "写明的区划互不隶属"
    case .unknownDistrict(let name): "没有“\(name)”这个区县"
    case .unknownTown(let name): "所在区县没有“\(name)”"
    case .formerDivision: "使用了已撤销的区划名称，今属何区县不能确定"
    case .outsideJurisdiction(let name): "不在本辖区内，位于\(name)"
    case .relative: "以方位或路口描述，不是门牌地址"
    case .incomplete(let message): message
    case .leftover(let text): "有不能识别的内容“\(text)”"
    case .severalCandidates(let ids): "与 \(ids.count) 条已有地址都相符"
    case .conflictsWith: "与已有地址的街路巷、门牌号相同，但所属街道、社区或小区不同"
    }
  }
}

/// Why a row is no address; the raw values are stable.
package enum AddressRejection: String, Sendable, Hashable {
  case empty
  case tooLong = "too-long"
  case notAnAddress = "not-an-address"
  case noLocation = "no-location"

  package var message: String {
    switch self {
    case .empty: "地址为空"
    case .tooLong: "地址超过 200 个字"
    case .notAnAddress: "不是地址：没有汉字或没有可识别的内容"
    case .noLocation: "只写到行政区划，没有街路巷、小区或名称"
    }
  }
}
