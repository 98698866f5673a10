package import SQL

/// What is or may be wrong with an address (问题地址), as the register `address_defect` keeps it.
package enum AddressDefect {
  package static let entity = "address_defect"

  /// What the inspection looks for; the raw values are codes of the dictionary `address_error`.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// 地址重复: one place written in two ways.
    case duplicate
    /// 门牌号编制错误: out of the order of its road, or no number at all.
    case houseNumber = "house_number"
    /// 门牌副号编制错误.
    case subNumber = "sub_number"
    /// 室号编制错误: contradicts its floor or building.
    case roomNumber = "room_number"
    /// 单双号错侧: on the side of the other parity.
    case parity
    /// 门牌号缺漏: a row of numbers has a hole.
    case gap
    /// 所属区划错误: contradicts its road, compound, grid or the address above.
    case division
    /// 位置在区划之外.
    case outside
    /// 位置错误: far from its road or from the address above.
    case location

    package var label: String {
      switch self {
      case .duplicate: "地址重复"
      case .houseNumber: "门牌号编制错误"
      case .subNumber: "门牌副号编制错误"
      case .roomNumber: "室号编制错误"
      case .parity: "单双号错侧"
      case .gap: "门牌号缺漏"
      case .division: "所属区划错误"
      case .outside: "位置在区划之外"
      case .location: "位置错误"
      }
    }
  }

  /// What is said of an address that must not get a plate before it is settled; a missing neighbour does not bar it.
  ///
  /// - Returns: the codes of what is open about it, empty when a plate may be applied for.
  package static func barring(_ address: Int64, in session: some SQLSession) async throws -> [String] {
    try await session.query(
      """
      select distinct kind from address_defect
      where state = 'open' and kind <> 'gap' and (address_id = \(address) or other_id = \(address)) order by kind
      """
    ).map { try $0.get("kind") }
  }
}
