package import Core
package import Search

/// What a plate can say of its address; never anything of the people who live there (数据脱敏, A-064).
package enum PlateField: String, Sendable, Hashable, CaseIterable {
  /// 路、街、巷或村组的名称；没有时为小区名称.
  case name
  /// Its reading by GB 17733: capitals, the generic word apart: CHAOYANG ZHONGLU.
  case pinyin
  /// 门牌号的数字部分：88.
  case number
  /// 门牌号数字以外的部分：号.
  case numberWord = "number_word"
  /// 附号：附1号.
  case sub
  case compound
  case building
  case buildingFigure = "building_figure"
  case buildingWord = "building_word"
  case unit
  case unitFigure = "unit_figure"
  case unitWord = "unit_word"
  /// 室号，不带“室”.
  case room
  case town
  case community
  /// 地址编码，四位一组.
  case code
}

/// The texts of one plate.
package struct PlateFields: Sendable, Hashable {
  private var texts: [PlateField: String] = [:]

  package init() {}

  package subscript(_ field: PlateField) -> String {
    get { texts[field] ?? "" }
    set { texts[field] = newValue.isEmpty ? nil : newValue }
  }

  /// As the register of plates keeps them, so that what was approved is what is made.
  package var json: JSON {
    .object(texts.map { ($0.key.rawValue, .string($0.value)) }.sorted { $0.0 < $1.0 })
  }

  package init(json: JSON) {
    for field in PlateField.allCases { self[field] = json[field.rawValue]?.string ?? "" }
  }

  /// What a plate says of an address of the register.
  ///
  /// - Parameter address: the value of a field of the register by name.
  package init(address: (String) -> String?, pinyin: PinyinTable) {
    func text(_ name: String) -> String { address(name) ?? "" }
    let village = text("community")
    let street = text("road") + text("lane")
    self[.compound] = text("compound")
    self[.name] = street.isEmpty ? (text("compound").isEmpty ? village : text("compound")) : street
    self[.pinyin] = PlatePinyin.write(self[.name], pinyin)
    (self[.number], self[.numberWord]) = PlateFields.split(text("house_number"))
    self[.sub] = text("sub_number")
    self[.building] = text("building_number")
    (self[.buildingFigure], self[.buildingWord]) = PlateFields.split(text("building_number"))
    self[.unit] = text("unit_number")
    (self[.unitFigure], self[.unitWord]) = PlateFields.split(text("unit_number"))
    self[.room] = PlateFields.withoutEnding(text("room"), ["室", "号", "户"])
    self[.town] = text("town")
    self[.community] = village
    self[.code] = PlateFields.grouped(text("code"))
  }

  /// The name proper and the word behind it: `88` and `号`, `甲3` and `栋`, `东` and `单元`.
  static func split(_ text: String) -> (String, String) {
    for word in ["单元", "号楼", "号", "栋", "幢", "座"] where text.hasSuffix(word) && text.count > word.count {
      return (String(text.dropLast(word.count)), word)
    }
    return (text, "")
  }

  private static func withoutEnding(_ text: String, _ endings: [String]) -> String {
    for ending in endings where text.hasSuffix(ending) && text.count > ending.count {
      return String(text.dropLast(ending.count))
    }
    return text
  }

  /// In fours, for reading aloud.
  static func grouped(_ code: String) -> String {
    var result = ""
    for (index, character) in code.enumerated() {
      if index > 0, index.isMultiple(of: 4) { result += " " }
      result.append(character)
    }
    return result
  }
}

/// Names of roads in pinyin as plates show them (GB 17733, GB/T 28039): capitals without tones, the generic word (通名)
/// apart from the name proper (专名), what qualifies the generic word with it.
package enum PlatePinyin {
  private static let generics = [
    "大道", "公路", "胡同", "小区", "社区", "花园", "广场", "新村", "路", "街", "巷", "弄", "道", "里", "坊", "村", "组", "社", "苑", "院", "段",
  ]
  private static let qualifiers: Set<Character> = [
    "东", "西", "南", "北", "中", "前", "后", "上", "下", "内", "外", "支", "横", "正", "一", "二", "三", "四", "五", "六", "七", "八", "九",
    "十",
  ]

  package static func write(_ name: String, _ table: PinyinTable) -> String {
    let characters = Array(name)
    var cut = characters.count
    if let generic = generics.first(where: { name.hasSuffix($0) && name.count > $0.count }) {
      cut -= generic.count
      // 朝阳中路 is CHAOYANG ZHONGLU; a name that would be nothing but qualifiers stays whole.
      var qualified = cut
      while qualified > 0, qualifiers.contains(characters[qualified - 1]) { qualified -= 1 }
      if qualified > 1 { cut = qualified }
    }
    let words = [characters[..<cut], characters[cut...]].filter { !$0.isEmpty }
    // The whole name is read at once, so that words with their own reading are found.
    let syllables = table.reading(name.unicodeScalars)
    var texts: [String] = []
    var next = 0
    for word in words {
      var text = ""
      for character in word {
        for scalar in character.unicodeScalars {
          let syllable = next < syllables.count ? syllables[next] : ""
          next += 1
          if syllable.isEmpty { text.unicodeScalars.append(scalar) } else { text += spelled(syllable) }
        }
      }
      texts.append(text.uppercased())
    }
    return texts.joined(separator: " ")
  }

  private static func spelled(_ syllable: String) -> String { syllable.replacing("v", with: "ü") }
}
