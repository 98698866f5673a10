package import Search

/// What is wrong with one written form of a name (错别字).
enum Slip: Hashable, Sendable {
  /// A character read or drawn alike stands in its place.
  case alike
  /// Two neighbours changed places.
  case swapped
  /// One character too few or too many.
  case missing
  case added
  /// Another character stands in its place.
  case other
  /// The characters that tell two names apart differ: 东 for 西, 二 for 三.
  case telling

  /// How much less the name is worth, in characters.
  var cost: Float {
    switch self {
    case .alike, .swapped: 0.8
    case .missing, .added: 1.2
    case .other: 1.6
    case .telling: 2.6
    }
  }
}

/// Tells slips of the pen from other names.
package struct CharacterLikeness: Sendable {
  private let pinyin: PinyinTable
  private let groups: [UInt32: Int]

  package init(pinyin: PinyinTable) {
    self.pinyin = pinyin
    var groups: [UInt32: Int] = [:]
    for (index, group) in CharacterLikeness.shapes.split(separator: " ").enumerated() {
      for scalar in group.unicodeScalars { groups[scalar.value] = index }
    }
    self.groups = groups
  }

  /// What changed `name` into `written`; `nil` when they are equal or more than one thing is wrong.
  func slip(from name: [UInt32], to written: ArraySlice<UInt32>) -> Slip? {
    let count = min(name.count, written.count)
    var head = 0
    while head < count, name[head] == written[written.startIndex + head] { head += 1 }
    var tail = 0
    while tail < count - head, name[name.count - 1 - tail] == written[written.endIndex - 1 - tail] { tail += 1 }
    let left = name.count - head - tail
    let right = written.count - head - tail
    switch (left, right) {
    case (1, 1):
      let a = name[head]
      let b = written[written.startIndex + head]
      if CharacterLikeness.tells(a), CharacterLikeness.tells(b) { return .telling }
      return isAlike(a, b) ? .alike : .other
    case (2, 2):
      let isSwap =
        name[head] == written[written.startIndex + head + 1] && name[head + 1] == written[written.startIndex + head]
      return isSwap ? .swapped : nil
    case (1, 0): return CharacterLikeness.tells(name[head]) ? .telling : .missing
    case (0, 1): return CharacterLikeness.tells(written[written.startIndex + head]) ? .telling : .added
    default: return nil
    }
  }

  private func isAlike(_ a: UInt32, _ b: UInt32) -> Bool {
    if let group = groups[a], group == groups[b] { return true }
    return pinyin.readsAlike(a, b)
  }

  /// Directions, places and numerals, by which names next to each other are told apart.
  private static func tells(_ scalar: UInt32) -> Bool {
    telling.contains(scalar) || ChineseNumeral.value(scalar) != nil || AddressQuery.isFigure(scalar)
  }

  private static let telling = Set("东西南北中前后左右上下内外大小新老".unicodeScalars.map(\.value))

  /// Characters that are drawn alike and taken for one another.
  private static let shapes = """
    己已巳 未末 土士 日曰 人入 大太犬 天夭 干千于 午牛 刀力 九丸 王玉 木本 田由甲申 白百 目自 石右 令今 问间 住往 城诚 阳阴 河何 湖胡 \
    岗冈 桥挢 坪评 塘溏 坝贝 堰偃 渠集 峰锋 烽蜂 柏拍 柳杨 梅海 桃挑 杏否 松忪 枫风 荷菏 莲连 滨宾 泽择 清请 晴情 青靑 圆园 宁字 安按 \
    万方 兴共 丰半 华毕 福幅 禄绿 金全 银根 铁秩 丽历 景影 凤风 龙尤 庆厌 利刹 和知 平乎 升开 广厂 康唐 建健 设没 治冶 院完 苑宛 府俯 \
    居届 栋拣 幢撞 镇填 村材 社杜 区巨
    """
}
