extension AddressParts {
  /// Sorts the segments of an address into columns; what fits no column is reported.
  init(_ address: SegmentedAddress, leftover: inout [String], isRelative: inout Bool) {
    self.init()
    let hasNumberedParts = address.segments.contains {
      [.houseno, .cellno, .floorno, .roomno].contains($0.label)
    }
    for segment in address.segments {
      let text = address.text.compact(segment.range)
      switch segment.label {
      case .country, .prov, .city, .district, .town, .redundant, .person: break
      case .devzone: zone = zone ?? text
      case .community: takeCommunity(text)
      case .road: takeRoad(text)
      case .subroad: takeSubroad(text)
      case .roadno, .subroadno: takeHouseNumber(text)
      case .poi: takePlace(text, isCompound: hasNumberedParts || text.hasCompoundEnding)
      case .subpoi: takePlacePart(text)
      case .houseno: takeBuilding(text)
      case .cellno: unitNumber = unitNumber ?? numbered(text, "单元")
      case .floorno: floor = floor ?? numbered(text, "层")
      case .roomno: room = room.map { "\($0)-\(PlateNumber(text).value)室" } ?? numbered(text, "室")
      case .assist: isRelative = isRelative || !AddressParts.harmless.contains(text)
      case .otherinfo: leftover.append(text)
      }
    }
  }

  /// Words of place that leave the address itself as it is.
  private static let harmless: Set<String> = ["内", "院内", "里面", "楼下", "楼上", "门口", "入口"]

  private mutating func takeCommunity(_ text: String) {
    guard community == nil else { return takePlace(text, isCompound: true) }
    community = text
  }

  private mutating func takeRoad(_ text: String) {
    if road == nil { road = text } else if lane == nil { lane = text }
  }

  private mutating func takeSubroad(_ text: String) {
    // 西段, 二段 belong to the road's own name.
    if text.hasSuffix("段"), let name = road, houseNumber == nil {
      road = name + text
    } else if lane == nil {
      lane = text
    }
  }

  /// `12号`, `12号附3号`, `12-3号`, `553弄`.
  private mutating func takeHouseNumber(_ text: String) {
    let number = PlateNumber(text)
    if number.unit == "弄" || number.unit == "巷" {
      lane = lane ?? number.value + number.unit
      return
    }
    guard houseNumber == nil else {
      subNumber = subNumber ?? "附\(number.value)号"
      return
    }
    var parts = number.value.split(separator: "-", omittingEmptySubsequences: true).map(String.init)
    if parts.isEmpty { parts = [number.value] }
    houseNumber = parts[0] + "号"
    if parts.count > 1 { subNumber = "附\(parts[1...].joined(separator: "-"))号" }
    for mark in ["附", "之"] {
      guard let found = number.unit.unicodeScalars.firstIndex(where: { String($0) == mark }) else { continue }
      let rest = number.unit.unicodeScalars[number.unit.unicodeScalars.index(after: found)...]
      subNumber = "附\(PlateNumber(String(rest)).value)号"
    }
  }

  private mutating func takePlace(_ text: String, isCompound: Bool) {
    if isCompound, compound == nil {
      compound = text
    } else if poi == nil {
      poi = text
    } else if compound == nil {
      compound = text
    }
  }

  /// 二期, A区 belong to the compound's name; other parts are places of their own.
  private mutating func takePlacePart(_ text: String) {
    if let name = compound, buildingNumber == nil, text.hasSuffix("期") || text.hasSuffix("区") || text.hasSuffix("苑") {
      compound = name + text
    } else if poi == nil {
      poi = text
    }
  }

  private mutating func takeBuilding(_ text: String) {
    let number = PlateNumber(text)
    if number.unit == "号", lane != nil, houseNumber == nil {
      houseNumber = number.value + "号"
    } else if buildingNumber == nil {
      buildingNumber = number.unit.isEmpty ? number.value + "栋" : number.value + number.unit
    }
  }

  private func numbered(_ text: String, _ unit: String) -> String {
    let number = PlateNumber(text)
    return number.value + unit
  }
}

extension String {
  /// Whether the name is one that homes and buildings are numbered in.
  fileprivate var hasCompoundEnding: Bool {
    AddressParts.compoundEndings.contains { hasSuffix($0) }
  }
}

extension AddressParts {
  fileprivate static let compoundEndings = [
    "小区", "花园", "家园", "公寓", "花苑", "苑", "新村", "山庄", "别墅", "公馆", "华府", "大院", "宿舍", "人家", "华庭", "豪庭", "院",
    "工业园", "工业区", "产业园", "科技园", "园区", "大厦", "广场",
  ]
}
