package import Core

/// A standard address (标准地址): a division in force, parts in their one form, and at least one part that locates.
///
/// Exists only when valid; two values for the same place have the same ``canonicalKey``.
package struct StandardAddress: Sendable, Hashable {
  /// 地址类型, by its narrowest part; the raw values are the codes of the dictionary `address_kind`.
  package enum Kind: String, Sendable, Hashable, CaseIterable {
    /// 沿街门牌: a number at a road or in a village.
    case roadside
    /// 小区 or another named place.
    case compound
    /// 楼栋.
    case building
    /// 单元.
    case unit
    /// 户室.
    case room
  }

  /// The county, or the town or community below it.
  package let division: DivisionCode
  package let province: String
  /// `nil` where counties lie in the province directly.
  package let city: String?
  package let district: String
  package let town: String?
  package private(set) var parts: AddressParts

  /// Puts the parts into their one form.
  ///
  /// Throws a refusal that names the part at fault: the division is unknown or wider than a county, no part locates, or a
  /// narrower part stands without the wider one it needs.
  package init(division: DivisionCode, parts: AddressParts, gazetteer: Gazetteer) throws(Refusal) {
    let path = gazetteer.path(to: division)
    guard
      let district = path.first(where: { $0.level == .county }) ?? StandardAddress.cityWithoutCounties(path, gazetteer)
    else {
      throw Refusal(.unprocessable, "address-division", "缺少区县，地址不能编码；请补充所在区县。", field: "division_code")
    }
    self.division = division
    self.district = district.name
    province = path.first { $0.level == .province }?.name ?? ""
    city = district.level == .city ? nil : path.first { $0.level == .city }?.name
    town = path.first { $0.level == .town }?.name
    self.parts = StandardAddress.tidied(parts)
    if let refusal = StandardAddress.problem(self.parts) { throw refusal }
  }

  /// 东莞 and three other cities have no counties and stand in for one.
  private static func cityWithoutCounties(_ path: [Division], _ gazetteer: Gazetteer) -> Division? {
    guard let city = path.last(where: { $0.level == .city }),
      !gazetteer.children(of: city.code).contains(where: { $0.level == .county })
    else { return nil }
    return city
  }

  /// The same place narrowed to a building, unit or room inside it.
  ///
  /// Throws the refusal of ``init(division:parts:gazetteer:)`` when the narrower part cannot stand here.
  package func narrowed(building: String? = nil, unit: String? = nil, room: String? = nil) throws(Refusal) -> Self {
    var narrowed = self
    if let building { narrowed.parts.buildingNumber = building }
    if let unit { narrowed.parts.unitNumber = unit }
    if let room { narrowed.parts.room = room }
    if let refusal = StandardAddress.problem(narrowed.parts) { throw refusal }
    return narrowed
  }

  /// The places it lies in, the narrowest first: of a room its unit, building and compound (上级地址).
  package var wider: [Self] {
    var places: [Self] = []
    var place = self
    func note() {
      if StandardAddress.problem(place.parts) == nil, place.parts != (places.last ?? self).parts {
        places.append(place)
      }
    }
    (place.parts.room, place.parts.floor) = (nil, nil)
    note()
    place.parts.unitNumber = nil
    note()
    place.parts.buildingNumber = nil
    note()
    return places
  }

  package var kind: Kind {
    if parts.room != nil { return .room }
    if parts.unitNumber != nil { return .unit }
    if parts.buildingNumber != nil { return .building }
    return parts.houseNumber != nil && parts.compound == nil ? .roadside : .compound
  }

  /// The address as plates and lists show it: from the province to the narrowest part.
  ///
  /// The community is written only where no road locates, as in villages; the floor only where no room says it already.
  package var fullName: String { province + (city ?? "") + localName }

  /// The full name without province and city.
  package var localName: String {
    var name = district + (town ?? "") + (parts.zone ?? "")
    if parts.road == nil || parts.road?.hasSuffix("组") == true || parts.road?.hasSuffix("社") == true {
      name += parts.community ?? ""
    }
    for part in [parts.road, parts.lane, parts.houseNumber, parts.subNumber, parts.compound] { name += part ?? "" }
    for part in [parts.buildingNumber, parts.unitNumber] { name += part ?? "" }
    name += parts.room ?? parts.floor ?? ""
    // A place stands for the address only where nothing numbered does.
    if parts.houseNumber == nil, parts.buildingNumber == nil, parts.room == nil { name += parts.poi ?? "" }
    return name
  }

  private static func tidied(_ parts: AddressParts) -> AddressParts {
    func tidy(_ text: String?) -> String? {
      guard let text else { return nil }
      let folded = AddressText(text)
      let clean = folded.compact(0..<folded.scalars.count)
      return clean.isEmpty ? nil : clean
    }
    var result = AddressParts()
    result.zone = tidy(parts.zone)
    result.community = tidy(parts.community)
    result.road = tidy(parts.road)
    result.lane = tidy(parts.lane)
    result.houseNumber = tidy(parts.houseNumber)
    result.subNumber = tidy(parts.subNumber)
    result.compound = tidy(parts.compound)
    result.buildingNumber = tidy(parts.buildingNumber)
    result.unitNumber = tidy(parts.unitNumber)
    result.floor = tidy(parts.floor)
    result.room = tidy(parts.room)
    result.poi = tidy(parts.poi)
    return result
  }

  private static func problem(_ parts: AddressParts) -> Refusal? {
    if parts.houseNumber != nil, parts.road == nil, parts.lane == nil, parts.community == nil, parts.compound == nil {
      return Refusal(.unprocessable, "address-road", "有门牌号但没有街路巷或村（社区）名称；请补充。", field: "road")
    }
    if parts.subNumber != nil, parts.houseNumber == nil {
      return Refusal(.unprocessable, "address-sub-number", "有副号但没有门牌号；请补充门牌号。", field: "house_number")
    }
    let isInside = parts.houseNumber != nil || parts.compound != nil || parts.poi != nil || parts.community != nil
    if parts.buildingNumber != nil || parts.unitNumber != nil || parts.room != nil || parts.floor != nil, !isInside {
      return Refusal(.unprocessable, "address-compound", "有楼栋、单元或室号，但没有小区名称或门牌号；请补充。", field: "compound")
    }
    if parts.houseNumber == nil, parts.compound == nil, parts.poi == nil, parts.buildingNumber == nil, parts.room == nil
    {
      let message = parts.road == nil ? "没有街路巷、小区或名称，不能定位；请补充。" : "有街路巷但没有门牌号；请补充门牌号。"
      return Refusal(.unprocessable, "address-number", message, field: parts.road == nil ? "road" : "house_number")
    }
    return nil
  }
}
