/// 与户主关系 (GB/T 4761-2008, the groups of its first digit), and what it becomes when somebody else is the head.
///
/// The groups are wide: 子 holds sons-in-law, 女 daughters-in-law, 父母 the parents of the spouse. Where a group leaves
/// open what the new relation is, there is none: a wrong relation in a register is worse than a missing one.
package enum Kinship: String, Sendable, Hashable, CaseIterable {
  case head
  case spouse
  case son
  case daughter
  case grandchild
  case parent
  case grandparent
  case sibling
  /// 其他亲属.
  case inLaw = "in_law"
  case tenant
  case cohabitant
  /// 非亲属.
  case other

  /// Whether it is one of family.
  package var isFamily: Bool {
    switch self {
    case .tenant, .cohabitant, .other: false
    default: true
    }
  }

  /// What the head is to somebody who is this to the head (反向关系).
  ///
  /// - Parameter headIsMale: `nil` when the sex is not known, which leaves son or daughter open.
  package func inverse(headIsMale: Bool?) -> Kinship? {
    switch self {
    case .head: .head
    case .spouse: .spouse
    case .son, .daughter: .parent
    case .grandchild: .grandparent
    case .parent: headIsMale.map { $0 ? .son : .daughter }
    case .grandparent: .grandchild
    case .sibling: .sibling
    case .inLaw: .inLaw
    case .cohabitant: .cohabitant
    case .tenant, .other: .other
    }
  }

  /// What somebody who is this to the old head is to a new head, who was `new` to the old one.
  ///
  /// - Parameters:
  ///   - isMale: of the somebody.
  ///   - isSingle: whether the somebody never married, which rules out the new head's spouse.
  /// - Returns: `nil` where it cannot be told.
  package func seen(from new: Kinship, isMale: Bool?, isSingle: Bool) -> Kinship? {
    if new == .head { return self }
    guard isFamily, new.isFamily else {
      // Who is no family of the old head may be family of another such person, never of the family.
      return isFamily == new.isFamily ? nil : .other
    }
    let child: Kinship? = isMale.map { $0 ? .son : .daughter }
    switch (new, self) {
    case (_, .head): return nil
    case (.spouse, .spouse), (.spouse, .inLaw): return nil
    case (.spouse, .sibling): return .inLaw
    case (.spouse, _): return self
    case (.son, .spouse), (.daughter, .spouse): return .parent
    case (.son, .parent), (.daughter, .parent), (.son, .grandparent), (.daughter, .grandparent): return .grandparent
    case (.son, .sibling), (.daughter, .sibling): return .inLaw
    case (.son, .son), (.son, .daughter), (.daughter, .son), (.daughter, .daughter): return isSingle ? .sibling : nil
    case (.parent, .spouse), (.parent, .sibling): return child
    case (.parent, .son), (.parent, .daughter), (.parent, .grandchild): return .grandchild
    case (.sibling, .spouse): return .sibling
    case (.sibling, .sibling): return isSingle ? .sibling : nil
    case (.sibling, .parent), (.sibling, .grandparent): return self
    case (.sibling, .son), (.sibling, .daughter), (.sibling, .grandchild): return .inLaw
    case (.grandchild, .spouse), (.grandchild, .parent), (.grandchild, .grandparent): return .grandparent
    case (.grandchild, .sibling): return .inLaw
    case (.grandparent, .spouse), (.grandparent, .son), (.grandparent, .daughter), (.grandparent, .sibling):
      return .grandchild
    case (.inLaw, .spouse), (.inLaw, .son), (.inLaw, .daughter), (.inLaw, .grandchild): return .inLaw
    default: return nil
    }
  }

  /// Reads what people write: 妻, 长子, 外孙女, 岳父 …; `nil` for what is none of them.
  package init?(written text: String) {
    guard let found = Kinship.words[text] else { return nil }
    self = found
  }

  package var label: String {
    switch self {
    case .head: "户主"
    case .spouse: "配偶"
    case .son: "子"
    case .daughter: "女"
    case .grandchild: "孙子女"
    case .parent: "父母"
    case .grandparent: "祖父母"
    case .sibling: "兄弟姐妹"
    case .inLaw: "其他亲属"
    case .tenant: "承租人"
    case .cohabitant: "合住人"
    case .other: "非亲属"
    }
  }

  private static let words: [String: Kinship] = {
    let groups: [(Kinship, String)] = [
      (.head, "户主 本人"), (.spouse, "配偶 丈夫 妻子 夫 妻"),
      (.son, "子 儿子 独生子 长子 次子 三子 四子 五子 养子 继子 女婿 婿 儿"),
      (.daughter, "女 女儿 独生女 长女 次女 二女 三女 四女 五女 养女 继女 儿媳 媳 媳妇"),
      (.grandchild, "孙子女 孙子 孙女 外孙子 外孙 外孙女 孙 孙媳 孙女婿 曾孙子 曾孙女 孙子女或外孙子女"),
      (.parent, "父母 父亲 母亲 父 母 公公 婆婆 岳父 岳母 养父 养母 继父 继母"),
      (.grandparent, "祖父母 祖父 祖母 外祖父 外祖母 爷爷 奶奶 外公 外婆 曾祖父 曾祖母 祖父母或外祖父母"),
      (.sibling, "兄弟姐妹 兄 弟 哥哥 弟弟 姐姐 妹妹 哥 姐 妹 嫂 弟媳 姐夫 妹夫"),
      (.inLaw, "其他亲属 伯父 伯母 叔父 婶母 舅父 舅母 姨父 姨母 姑父 姑母 侄子 侄女 外甥 外甥女 堂兄弟 表兄弟"),
      (.tenant, "承租人 租客"), (.cohabitant, "合住人"), (.other, "非亲属 其他"),
    ]
    var words: [String: Kinship] = [:]
    for (kinship, list) in groups { for word in list.split(separator: " ") { words[String(word)] = kinship } }
    return words
  }()
}
