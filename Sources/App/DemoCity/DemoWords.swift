import Addresses
import Core

/// The words that the demo city composes names from, read from `Resources/spine/demo`.
struct DemoWords: Sendable {
  let surnames: [String]
  let surnameWeights: [Int]
  private let lists: [String: [String]]

  /// Throws a `Fault` when a file or a kind of word is missing.
  init(folder: String) throws {
    var lists: [String: [String]] = [:]
    for row in try TextTable(path: "\(folder)/words.tsv").rows {
      lists[try row.cell(0)] = try row.cell(1).split(separator: " ").map(String.init)
    }
    for kind in Kind.allCases where lists[kind.rawValue]?.isEmpty ?? true { throw Fault("demo-words", kind.rawValue) }
    var surnames: [String] = []
    var weights: [Int] = []
    for word in lists["surname"] ?? [] {
      let parts = word.split(separator: ":")
      surnames.append(String(parts[0]))
      weights.append(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
    }
    self.surnames = surnames
    surnameWeights = weights
    self.lists = lists
  }

  enum Kind: String, CaseIterable {
    case surname
    case givenMale = "given_male"
    case givenFemale = "given_female"
    case roadWord = "road_word"
    case roadEnd = "road_end"
    case laneWord = "lane_word"
    case compoundWord = "compound_word"
    case compoundEnd = "compound_end"
    case communityWord = "community_word"
    case communityEnd = "community_end"
    case villageWord = "village_word"
    case villageEnd = "village_end"
    case shopWord = "shop_word"
    case shopKind = "shop_kind"
    case companyKind = "company_kind"
    case foreignName = "foreign_name"
  }

  subscript(kind: Kind) -> [String] { lists[kind.rawValue] ?? [] }

  /// A given name of one or two characters after a surname drawn by frequency.
  func personName(_ sex: ResidentID.Sex, surname: String? = nil, _ random: inout SeededRandom) -> String {
    let family = surname ?? surnames[random.weighted(surnameWeights)]
    let given = self[sex == .male ? .givenMale : .givenFemale]
    let first = random.pick(given)
    return family + (first.count == 1 && random.chance(0.35) ? first + random.pick(given).prefix(1) : first)
  }

  /// The `index`-th name made of a word and an ending; runs through all pairs before any repeats with a mark.
  func name(_ index: Int, _ word: Kind, _ end: Kind, _ seed: UInt64) -> String {
    let (words, ends) = (self[word], self[end])
    let pairs = words.count * ends.count
    // A stride that shares no factor with the number of pairs visits each once.
    var stride = pairs / 2 + 1 + Int(seed % 97)
    while DemoWords.commonFactor(stride, pairs) != 1 { stride += 1 }
    let pair = (index % pairs * stride + Int(seed % UInt64(pairs))) % pairs
    let name = words[pair % words.count] + ends[pair / words.count]
    let round = index / pairs
    return round == 0 ? name : words[(pair + round * 7) % words.count] + name
  }

  private static func commonFactor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonFactor(b, a % b) }
}
