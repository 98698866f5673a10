import AddressParsing
import Core

/// Addresses that nobody lives at, as a corpus to learn from in a test.
enum Invented {
  static let provinces = ["松江省", "临海省"]
  static let cities = ["白塔市", "云泽市"]
  static let districts = ["东湖区", "柳林县"]
  static let towns = ["青石镇", "南桥街道"]
  static let roads = ["和平路", "长青大街", "学府巷"]
  static let places = ["望江花园", "锦绣家园", "兴业大厦"]

  /// `count` addresses drawn with `seed`, as CoNLL text.
  static func corpus(_ count: Int, seed: UInt64) -> String {
    var random = SeededRandom(seed: seed)
    var text = ""
    for _ in 0..<count {
      func one(_ values: [String]) -> String { values[random.below(values.count)] }
      func number(_ limit: Int) -> String { String(random.within(1...limit)) }
      var parts: [(String, [String])] = []
      func add(_ label: String, _ text: String) { parts.append((label, text.map(String.init))) }
      func addNumber(_ label: String, _ number: String, _ unit: String) { parts.append((label, [number, unit])) }
      if random.below(2) == 0 { add("prov", one(provinces)) }
      add("city", one(cities))
      add("district", one(districts))
      if random.below(2) == 0 { add("town", one(towns)) }
      add("road", one(roads))
      addNumber("roadno", number(999), "号")
      if random.below(2) == 0 { add("poi", one(places)) }
      addNumber("houseno", number(40), "幢")
      if random.below(2) == 0 { parts.append(("redundant", ["-"])) }
      addNumber("roomno", number(2000), "室")
      for (label, tokens) in parts {
        for (index, token) in tokens.enumerated() { text += "\(token) \(index == 0 ? "B" : "I")-\(label)\n" }
      }
      text += "\n"
    }
    return text
  }

  static func addresses(_ count: Int, seed: UInt64) throws -> [LabelledAddress] {
    try ConllCorpus.read(Array(corpus(count, seed: seed).utf8), name: "invented.txt")
  }

  static let names = PlaceNames(
    provinces.map { (name: $0, kind: PlaceNameKind.province) } + cities.map { (name: $0, kind: .city) }
      + districts.map { (name: $0, kind: .county) } + towns.map { (name: $0, kind: .town) })

  static func model(seed: UInt64 = 7, rounds: Int = 3) throws -> ParserModel {
    var settings = ParserTraining.Settings()
    settings.seed = seed
    settings.rounds = rounds
    settings.rate = 0.1
    return ParserTraining(settings, names: names).run(try addresses(60, seed: 3))
  }
}
