/// A word of direction (方位) by which a place is described from another (D3-016); the raw values are the delivered codes of
/// the dictionary `place_direction`.
package enum PlaceDirection: String, Sendable, Hashable, CaseIterable {
  case east, south, west, north, southeast, northwest, northeast, southwest
  case front, behind, left, right, above, below, inside, outside, beside, opposite, adjacent

  /// The word as the norm writes it.
  package var word: String {
    switch self {
    case .east: "东"
    case .south: "南"
    case .west: "西"
    case .north: "北"
    case .southeast: "东南"
    case .northwest: "西北"
    case .northeast: "东北"
    case .southwest: "西南"
    case .front: "前"
    case .behind: "后"
    case .left: "左"
    case .right: "右"
    case .above: "上"
    case .below: "下"
    case .inside: "内"
    case .outside: "外"
    case .beside: "旁"
    case .opposite: "相向"
    case .adjacent: "相邻"
    }
  }

  /// Degrees from north, clockwise; `nil` for words that a map does not tell.
  package var bearing: Double? {
    switch self {
    case .north: 0
    case .northeast: 45
    case .east: 90
    case .southeast: 135
    case .south: 180
    case .southwest: 225
    case .west: 270
    case .northwest: 315
    default: nil
    }
  }

  /// The direction that a word of place says: 楼上, 以东, 院内.
  init?(saying text: String) {
    var word = Array(text)
    if let first = word.first, word.count > 1, ["以", "往", "院"].contains(first) { word.removeFirst() }
    guard let found = PlaceDirection.words.first(where: { $0.word == word }) else { return nil }
    self = found.direction
  }

  /// The words that say it, with `isWhole` for those that say it without a distance behind them as well: a name may well
  /// end in 北, but not in 北侧.
  static let words: [(word: [Character], direction: PlaceDirection, isWhole: Bool)] = {
    var words: [(word: [Character], direction: PlaceDirection, isWhole: Bool)] = []
    for direction in allCases {
      words.append((Array(direction.word), direction, ["旁", "相向", "相邻"].contains(direction.word)))
      let endings = direction.bearing == nil ? ["方", "面", "边", "侧"] : ["方向", "方", "面", "边", "侧", "角", "向"]
      guard ![PlaceDirection.opposite, .adjacent].contains(direction) else { continue }
      for ending in endings { words.append((Array(direction.word + ending), direction, true)) }
    }
    for (word, direction) in [
      ("对面", PlaceDirection.opposite), ("斜对面", .opposite), ("正对面", .opposite), ("对过", .opposite), ("隔壁", .adjacent),
      ("里面", .inside), ("门前", .front), ("楼下", .below), ("楼上", .above),
    ] {
      words.append((Array(word), direction, true))
    }
    return words.sorted { $0.word.count > $1.word.count }
  }()
}
