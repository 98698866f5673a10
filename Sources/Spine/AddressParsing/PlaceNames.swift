package import Addresses
import Core

/// What kind of name a run of characters may be (地名库中的类别); a name may be several.
package enum PlaceNameKind: UInt8, Sendable, CaseIterable {
  case province, city, county, provinceShort, cityShort, countyShort, former, town, townShort
}

/// The names that the parser knows beforehand, found by one look-up each.
///
/// A name is kept as a 64-bit mixture of its characters, so that the list ships inside the model in a few hundred
/// kilobytes; two names with the same mixture would be taken for each other, which the size of the list makes unlikely.
package struct PlaceNames: Sendable {
  /// Mixtures of names with the kinds they may be (a bit each), in ascending order.
  private(set) var entries: [(key: UInt64, kinds: UInt16)] = []
  private var table = KeyTable()
  /// A bit for each pair of characters that begins a name, so that most places are left at once.
  private var beginnings = [UInt64](repeating: 0, count: 1 << 12)

  static let longest = 12
  /// Marks an entry as the first two characters of a name.
  private static let beginning: UInt16 = 1 << 15

  package init() {}

  /// - Parameter names: names with what they are; names of one character are left out.
  package init(_ names: some Sequence<(name: String, kind: PlaceNameKind)>) {
    var kinds: [UInt64: UInt16] = [:]
    var pairs: Set<UInt64> = []
    for (name, kind) in names {
      let scalars = name.unicodeScalars.map { AddressText.folded($0.value) }
      guard scalars.count >= 2, scalars.count <= PlaceNames.longest else { continue }
      kinds[PlaceNames.key(scalars), default: 0] |= 1 << UInt16(kind.rawValue)
      pairs.insert(PlaceNames.key(scalars.prefix(2)))
    }
    for pair in pairs { kinds[pair, default: 0] |= PlaceNames.beginning }
    self.init(entries: kinds.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
  }

  init(entries: [(key: UInt64, kinds: UInt16)]) {
    self.entries = entries
    table = KeyTable(entries.map(\.key))
    for entry in entries where entry.kinds & PlaceNames.beginning != 0 {
      beginnings[Int(entry.key >> 46) >> 6] |= 1 << (entry.key >> 46 & 63)
    }
  }

  /// The divisions of the country in force and no longer in force, in full and in short (行政区划名称).
  package static func divisions(_ gazetteer: Gazetteer, folder: String) throws -> [(name: String, kind: PlaceNameKind)]
  {
    var names: [(name: String, kind: PlaceNameKind)] = []
    for division in gazetteer.divisions {
      let kinds: (PlaceNameKind, PlaceNameKind)? =
        switch division.level {
        case .province: (.province, .provinceShort)
        case .city: (.city, .cityShort)
        case .county: (.county, .countyShort)
        case .town: (.town, .townShort)
        case .community, .grid: nil
        }
      guard let kinds else { continue }
      names.append((division.name, kinds.0))
      names.append((division.shortName, kinds.1))
      if division.level == .town, division.name.hasSuffix("街道") { names.append((division.name + "办事处", .town)) }
    }
    for row in try TextTable(path: "\(folder)/former.tsv").rows { names.append((try row.cell(1), .former)) }
    return names
  }

  private static func key(_ scalars: some Sequence<UInt32>) -> UInt64 {
    scalars.reduce(seed) { mixed($0, $1) }
  }

  private static let seed: UInt64 = 0x9E37_79B9_7F4A_7C15

  @inline(__always)
  private static func mixed(_ key: UInt64, _ scalar: UInt32) -> UInt64 {
    var key = (key ^ UInt64(scalar)) &* 0xBF58_476D_1CE4_E5B9
    key ^= key >> 29
    return key
  }

  /// Marks each unit with what the longest names over it may be and where in the name it stands (first 1, inner 2,
  /// last 3), 0 where there is none. Reads from left to right and goes on behind a name found.
  func mark(_ codes: UnsafeBufferPointer<UInt32>, into marks: UnsafeMutableBufferPointer<UInt32>) {
    var index = 0
    while index < codes.count {
      var length = 0
      var kinds: UInt16 = 0
      if index + 1 < codes.count {
        var key = PlaceNames.mixed(PlaceNames.mixed(PlaceNames.seed, codes[index]), codes[index + 1])
        if beginnings[Int(key >> 46) >> 6] >> (key >> 46 & 63) & 1 == 1, var found = table[key] {
          var end = index + 2
          while true {
            if found >= 0, entries[found].kinds & ~PlaceNames.beginning != 0 {
              length = end - index
              kinds = entries[found].kinds & ~PlaceNames.beginning
            }
            guard end < codes.count, end - index < PlaceNames.longest else { break }
            key = PlaceNames.mixed(key, codes[end])
            end += 1
            found = table[key] ?? -1
          }
        }
      }
      marks[index] = 0
      if length == 0 {
        index += 1
        continue
      }
      for place in 0..<length {
        let position: UInt32 = place == 0 ? 1 : place == length - 1 ? 3 : 2
        marks[index + place] = UInt32(kinds) << 2 | position
      }
      index += length
    }
  }
}
