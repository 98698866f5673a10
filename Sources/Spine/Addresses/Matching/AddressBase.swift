/// The standard addresses of a city in memory, ready to be searched by parts of any written form (标准地址库).
///
/// Some 60 bytes an address: a record holds where it lies inside its site, a site what its addresses share. Made from
/// canonical keys, so that it knows nothing the register does not. Immutable; read by any number of threads.
package struct AddressBase: Sendable {
  /// What all addresses of one plate or compound share; numbers of ``texts``, 0 for none.
  struct Site: Sendable, Hashable {
    var district: Int32 = 0
    var town: Int32 = 0
    var community: Int32 = 0
    var road: Int32 = 0
    var lane: Int32 = 0
    var number: Int32 = 0
    var subNumber: Int32 = 0
    var compound: Int32 = 0
    var place: Int32 = 0
    /// Whether `road` is the group of a village (4组), which begins anew in every village.
    var isGroup = false
  }

  /// One address inside its site.
  struct Record: Sendable {
    var site: Int32
    var building: Int32
    var unit: Int32
    var floor: Int32
    var room: Int32
    var id: Int64
  }

  let texts: TextPool
  let sites: [Site]
  /// Sorted by site, then building.
  let records: [Record]
  /// Where the records of each site start in ``records``; one more than there are sites.
  let starts: [Int32]
  let byRoadNumber: SiteIndex
  let byCommunityNumber: SiteIndex
  let byCompound: SiteIndex
  let byPlace: SiteIndex
  let byCommunity: SiteIndex
  let names: NameFinder

  package var count: Int { records.count }

  func records(of site: Int32) -> ArraySlice<Record> {
    records[Int(starts[Int(site)])..<Int(starts[Int(site) + 1])]
  }
}

/// From one or two numbers to the sites that have them.
struct SiteIndex: Sendable {
  private let keys: [UInt64]
  private let sites: [Int32]

  init(_ entries: [(key: UInt64, site: Int32)]) {
    let sorted = entries.sorted { ($0.key, $0.site) < ($1.key, $1.site) }
    keys = sorted.map(\.key)
    sites = sorted.map(\.site)
  }

  static func key(_ first: Int32, _ second: Int32 = 0) -> UInt64 {
    UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
  }

  subscript(key: UInt64) -> ArraySlice<Int32> {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) / 2
      if keys[middle] < key { low = middle + 1 } else { high = middle }
    }
    var end = low
    while end < keys.count, keys[end] == key { end += 1 }
    return sites[low..<end]
  }
}

/// Collects addresses and turns them into an ``AddressBase``.
package struct AddressBaseBuilder: Sendable {
  private var texts = TextPool()
  private var sites: [AddressBase.Site] = []
  private var numbers: [AddressBase.Site: Int32] = [:]
  private var records: [AddressBase.Record] = []
  private var aliases: [(kind: NameFinder.Kind, name: String, alias: String)] = []
  private let gazetteer: Gazetteer

  package init(gazetteer: Gazetteer) { self.gazetteer = gazetteer }

  /// Adds one address by its ``StandardAddress/canonicalKey``; `false` when the text is no key.
  ///
  /// An address that was also called otherwise is added again with the other key and the same id.
  @discardableResult
  package mutating func add(id: Int64, key: String) -> Bool { add(id: id, key: Array(key.utf8)[...]) }

  /// The same with the bytes of the key.
  @discardableResult
  package mutating func add(id: Int64, key bytes: ArraySlice<UInt8>) -> Bool {
    var site = AddressBase.Site()
    var record = AddressBase.Record(site: 0, building: 0, unit: 0, floor: 0, room: 0, id: id)
    var start = bytes.startIndex
    while start < bytes.endIndex {
      var end = start
      while end < bytes.endIndex, bytes[end] != 0x7C { end += 1 }
      guard end > start else { return false }
      let text = bytes[(start + 1)..<end]
      switch bytes[start] {
      case UInt8(ascii: "d"): site.district = texts.number(of: text)
      case UInt8(ascii: "t"): site.town = texts.number(of: text)
      case UInt8(ascii: "c"): site.community = texts.number(of: text)
      case UInt8(ascii: "r"):
        if let group = AddressBaseBuilder.group(text) {
          site.road = texts.number(of: group)
          site.isGroup = true
          // Questions name the group by its figure.
          _ = texts.number(of: group.dropLast(3))
        } else {
          site.road = texts.number(of: text)
        }
      case UInt8(ascii: "l"): site.lane = texts.number(of: text)
      case UInt8(ascii: "n"): site.number = texts.number(of: text)
      case UInt8(ascii: "s"): site.subNumber = texts.number(of: text)
      case UInt8(ascii: "z"): site.compound = texts.number(of: text)
      case UInt8(ascii: "b"): record.building = texts.number(of: text)
      case UInt8(ascii: "u"): record.unit = texts.number(of: text)
      case UInt8(ascii: "f"): record.floor = texts.number(of: text)
      case UInt8(ascii: "m"): record.room = texts.number(of: text)
      case UInt8(ascii: "p"): site.place = texts.number(of: text)
      default: return false
      }
      start = end + 1
    }
    guard site.district != 0 else { return false }
    if let last = records.last, sites[Int(last.site)] == site {
      record.site = last.site
    } else if let known = numbers[site] {
      record.site = known
    } else {
      record.site = Int32(sites.count)
      numbers[site] = record.site
      sites.append(site)
    }
    records.append(record)
    return true
  }

  /// Another way in which a road or compound is or was written (别名, 曾用名).
  package mutating func add(alias: String, road name: String) { aliases.append((.road, name, alias)) }

  package mutating func add(alias: String, compound name: String) { aliases.append((.compound, name, alias)) }

  /// `4组`, `4社` and `4队` are one group of a village.
  private static func group(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard text.count > 3, text.dropLast(3).allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let unit = String(decoding: text.suffix(3), as: UTF8.self)
    return unit == "组" || unit == "社" || unit == "队" ? text.dropLast(3) + Array("组".utf8) : nil
  }

  package mutating func finish() -> AddressBase {
    let counts = sites.count
    var starts = [Int32](repeating: 0, count: counts + 1)
    for record in records { starts[Int(record.site) + 1] += 1 }
    for site in 0..<counts { starts[site + 1] += starts[site] }
    var next = starts
    var sorted = records
    for record in records {
      sorted[Int(next[Int(record.site)])] = record
      next[Int(record.site)] += 1
    }
    var roadNumber: [(key: UInt64, site: Int32)] = []
    var communityNumber = roadNumber
    var compound = roadNumber
    var place = roadNumber
    var community = roadNumber
    for (index, site) in sites.enumerated() {
      let index = Int32(index)
      if site.number != 0 {
        if site.road != 0, !site.isGroup { roadNumber.append((SiteIndex.key(site.road, site.number), index)) }
        if site.lane != 0 { roadNumber.append((SiteIndex.key(site.lane, site.number), index)) }
        if site.community != 0 {
          communityNumber.append((SiteIndex.key(site.community, site.number), index))
        }
      } else if site.compound == 0, site.community != 0 {
        community.append((SiteIndex.key(site.community), index))
      }
      if site.compound != 0 { compound.append((SiteIndex.key(site.compound), index)) }
      if site.place != 0 { place.append((SiteIndex.key(site.place), index)) }
    }
    let names = names()
    return AddressBase(
      texts: texts, sites: sites, records: sorted, starts: starts, byRoadNumber: SiteIndex(roadNumber),
      byCommunityNumber: SiteIndex(communityNumber), byCompound: SiteIndex(compound), byPlace: SiteIndex(place),
      byCommunity: SiteIndex(community), names: names)
  }

  /// All names of the base in all their forms; adds the codes of wider and other divisions to the texts.
  private mutating func names() -> NameFinder {
    var builder = NameFinderBuilder()
    var codes: Set<String> = []
    var seen: Set<SeenName> = []
    for site in sites {
      for division in [site.district, site.town] where division != 0 && seen.insert(SeenName(.town, division)).inserted
      {
        codes.insert(texts[division])
        if let code = DivisionCode(texts[division]) {
          for level in [DivisionCode.Level.province, .city] { codes.insert(code.ancestor(level)?.text ?? "") }
        }
      }
      if site.community != 0, seen.insert(SeenName(.community, site.community)).inserted {
        builder.addCommunity(site.community, texts[site.community])
      }
      if site.road != 0, !site.isGroup, seen.insert(SeenName(.road, site.road)).inserted {
        builder.add(.road, site.road, texts[site.road])
      }
      if site.lane != 0, seen.insert(SeenName(.lane, site.lane)).inserted {
        builder.add(.lane, site.lane, texts[site.lane])
      }
      if site.compound != 0, seen.insert(SeenName(.compound, site.compound)).inserted {
        builder.addCompound(site.compound, texts[site.compound])
      }
      if site.place != 0, seen.insert(SeenName(.place, site.place)).inserted {
        builder.add(.place, site.place, texts[site.place])
      }
    }
    builder.addDivisions(gazetteer, within: codes, &texts)
    for (kind, name, alias) in aliases {
      let scalars = AddressKey.figures(AddressText(name).scalars.filter { $0 != AddressText.space })
      guard let value = texts.find(AddressText.string(scalars[...])) else { continue }
      builder.add(kind, value, alias)
    }
    return builder.finish()
  }

  private struct SeenName: Hashable {
    let kind: NameFinder.Kind
    let value: Int32

    init(_ kind: NameFinder.Kind, _ value: Int32) {
      self.kind = kind
      self.value = value
    }
  }
}
