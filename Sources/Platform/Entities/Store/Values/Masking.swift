package import Access

/// Hides what is above a principal's clearance, the way Chinese practice does (脱敏, D2-570).
package enum Masking {
  /// The value as shown to somebody who may not read it; what is no text is hidden whole.
  package static func masked(_ value: Value, by mask: FieldDeclaration.Mask?) -> Value {
    switch value {
    case .null: .null
    case .text(let text): .text(masked(text, by: mask ?? .all))
    default: .null
    }
  }

  package static func masked(_ text: String, by mask: FieldDeclaration.Mask) -> String {
    switch mask {
    case .name: name(text)
    case .phone: phone(text)
    case .id: middle(text, first: 6, last: 4)
    case .address: address(text)
    case .all: "******"
    }
  }

  /// Whether a read shows `field` as it is. A person meets a mask even with the clearance for what is behind it, and
  /// lifts it record by record with a purpose; programs read by their clearance alone.
  package static func shows(_ field: FieldDeclaration, _ principal: Principal) -> Bool {
    mayRead(field, principal) && (field.mask == nil || principal.kind != .user)
  }

  /// Whether `principal` may know `field`: filter, sort and count by it, and type it.
  package static func mayRead(_ field: FieldDeclaration, _ principal: Principal) -> Bool {
    field.classification <= principal.clearance
  }

  /// 张*; 欧阳**; an organisation or foreign name keeps its first character.
  private static func name(_ text: String) -> String {
    let count = text.count
    if count <= 1 { return text.isEmpty ? "" : "*" }
    let isCompound = count >= 3 && compoundSurnames.contains(String(text.prefix(2)))
    let kept = isCompound ? 2 : 1
    return text.prefix(kept) + String(repeating: "*", count: min(count - kept, 6))
  }

  /// 138****5678; of a fixed line the last four digits stay, of a short number the last two.
  private static func phone(_ text: String) -> String {
    let digits = text.filter { $0.isASCII && $0.isNumber }
    if digits.count == 11, digits.first == "1" { return middle(digits, first: 3, last: 4) }
    return digits.count > 7 ? "****" + digits.suffix(4) : "****" + digits.suffix(2)
  }

  /// What stands before the first number that is followed by 号, 栋, 幢, 座, 单元 or 室 stays, at least the beginning.
  private static func address(_ text: String) -> String {
    let characters = Array(text)
    for (index, character) in characters.enumerated() where "号栋幢座楼室弄组".contains(character) {
      var start = index
      while start > 0, characters[start - 1].isNumber || characters[start - 1].isASCII { start -= 1 }
      if start < index, start > 0 { return String(characters[..<start]) + "****" }
    }
    return String(characters.prefix(max(characters.count / 2, 1))) + "****"
  }

  /// Keeps the ends and hides the middle; a text too short for that is hidden but for its first character.
  private static func middle(_ text: String, first: Int, last: Int) -> String {
    let count = text.count
    guard count > first + last else { return text.prefix(1) + String(repeating: "*", count: max(count - 1, 3)) }
    return text.prefix(first) + String(repeating: "*", count: count - first - last) + text.suffix(last)
  }

  private static let compoundSurnames: Set<String> = [
    "欧阳", "太史", "端木", "上官", "司马", "东方", "独孤", "南宫", "万俟", "闻人", "夏侯", "诸葛", "尉迟", "公羊",
    "赫连", "澹台", "皇甫", "宗政", "濮阳", "公冶", "太叔", "申屠", "公孙", "慕容", "仲孙", "钟离", "长孙", "宇文",
    "司徒", "鲜于", "司空", "闾丘", "子车", "亓官", "司寇", "巫马", "公西", "颛孙", "壤驷", "公良", "漆雕", "乐正",
    "宰父", "谷梁", "拓跋", "夹谷", "轩辕", "令狐", "段干", "百里", "呼延", "东郭", "南门", "羊舌", "微生", "公户",
    "公玉", "公仪", "梁丘", "公仲", "公上", "公门", "公山", "公坚", "左丘", "公伯", "西门", "公祖", "第五", "公乘",
    "贯丘", "公皙", "南荣", "东里", "东宫", "仲长", "子书", "子桑", "即墨", "达奚", "褚师",
  ]
}
