import Addresses
import Core
import DemoCity
import Geo
import Testing

/// A small demo city, made once for all tests.
enum Fixture {
  static let root: String = {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(3).joined(separator: "/")
  }()

  static let gazetteer = Result { try Gazetteer.load(folder: root + "/Resources/spine/divisions") }

  static func make(seed: UInt64 = 5117, scale: Double, cells: Int = 1000) throws -> DemoCity {
    try DemoCity(
      seed: seed, scale: scale, cells: cells, gazetteer: gazetteer.get(), folder: root + "/Resources/spine/demo")
  }

  static let city = Result { try make(scale: 0.005, cells: 5000) }
  static let batches = Result { () throws -> [DemoBatch] in
    let made = try city.get()
    return try (0..<made.batchCount).map { try made.batch($0) }
  }
}

@Suite struct DemoCityTests {
  @Test func theCountOfRoomsAndPeopleIsTheScale() throws {
    let city = try Fixture.city.get()
    let batches = try Fixture.batches.get()
    #expect(city.roomCount == 5000)
    let rooms = batches.flatMap(\.addresses).filter { $0.standard.kind == .room }
    #expect(rooms.count == 5000)
    #expect(batches.flatMap(\.persons).count == 5000)
    #expect(try Fixture.make(scale: 1).roomCount == 1_000_000)
    #expect(try Fixture.make(scale: 3).roomCount == 3_000_000)
  }

  @Test func allSevenCountiesAndTheirTownsAreThere() throws {
    let city = try Fixture.city.get()
    let gazetteer = try Fixture.gazetteer.get()
    let dazhou = try #require(DivisionCode("5117"))
    let real = gazetteer.divisions.filter { dazhou.contains($0.code) && $0.isInForce }.map(\.code)
    let made = city.divisions.map(\.code).filter { dazhou.contains($0) && $0.level <= .town }
    #expect(Set(made) == Set(real))
    for division in city.divisions.dropFirst() {
      let parent = city.divisions.first { $0.id == division.parentID }
      #expect(parent?.code.contains(division.code) == true, "\(division.code)")
    }
  }

  @Test func theSameSeedMakesTheSameCityAndAnotherAnother() throws {
    let city = try Fixture.make(scale: 0.002)
    let again = try Fixture.make(scale: 0.002)
    let other = try Fixture.make(seed: 1, scale: 0.002)
    var differs = false
    for index in stride(from: 0, to: min(again.batchCount, other.batchCount), by: 7) {
      let first = try city.batch(index)
      let second = try again.batch(index)
      #expect(first.addresses.map(\.standard) == second.addresses.map(\.standard))
      #expect(first.addresses.map(\.code) == second.addresses.map(\.code))
      #expect(first.persons.map(\.residentID) == second.persons.map(\.residentID))
      #expect(first.buildings.map(\.footprint) == second.buildings.map(\.footprint))
      let third = try other.batch(index)
      differs = differs || third.persons.map(\.name) != first.persons.map(\.name)
    }
    #expect(differs)
    #expect(again.grids.map(\.boundary) == city.grids.map(\.boundary))
  }

  @Test func idsAreUniqueAndReferencesHold() throws {
    let city = try Fixture.city.get()
    let batches = try Fixture.batches.get()
    func unique(_ ids: [Int64], _ what: Comment) { #expect(Set(ids).count == ids.count, what) }
    unique(city.divisions.map(\.id), "divisions")
    unique(city.policeStations.map(\.id), "stations")
    unique(city.roads.map(\.id), "roads")
    unique(batches.flatMap { $0.addresses.map(\.id) }, "addresses")
    unique(batches.flatMap { $0.rooms.map(\.id) }, "rooms")
    unique(batches.flatMap { $0.persons.map(\.id) }, "persons")
    let roads = Set(city.roads.map(\.id))
    let grids = Set(city.grids.map(\.id))
    let stations = Set(city.policeStations.map(\.id))
    for batch in batches {
      let addresses = Set(batch.addresses.map(\.id))
      let rooms = Set(batch.rooms.map(\.id))
      let compounds = Set(batch.compounds.map(\.id))
      let buildings = Set(batch.buildings.map(\.id))
      for address in batch.addresses {
        #expect(address.roadID.map(roads.contains) ?? true)
        #expect(grids.contains(address.gridID) && stations.contains(address.policeStationID))
        #expect(address.parentID.map { addresses.contains($0) && $0 < address.id } ?? true)
        #expect(address.compoundID.map(compounds.contains) ?? true)
      }
      #expect(
        batch.rooms.allSatisfy { addresses.contains($0.addressID) && $0.buildingID.map(buildings.contains) ?? true })
      #expect(batch.persons.allSatisfy { addresses.contains($0.addressID) && rooms.contains($0.roomID) })
      #expect(batch.organisations.allSatisfy { addresses.contains($0.addressID) })
    }
  }

  @Test func noAddressIsThereTwiceAndCodesAreValid() throws {
    let addresses = try Fixture.batches.get().flatMap(\.addresses)
    #expect(Set(addresses.map(\.standard.canonicalKey)).count == addresses.count)
    #expect(Set(addresses.map(\.standard.fullName)).count == addresses.count)
    #expect(Set(addresses.map(\.code)).count == addresses.count)
    #expect(addresses.allSatisfy { AddressCodeRule.standard.read($0.code.text) == $0.code })
  }

  /// A list typed from the demo city's own plates is matched, not made anew.
  @Test func addressesAreUnderstoodWhenTheyComeBackAsText() throws {
    let gazetteer = try Fixture.gazetteer.get()
    let classifier = AddressClassifier(gazetteer: gazetteer, home: DivisionCode("5117"))
    let addresses = try Fixture.batches.get().flatMap(\.addresses)
    for address in addresses.enumerated().filter({ $0.offset % 13 == 0 }).map(\.element) {
      let known = KnownAddress(id: address.id, canonicalKey: address.standard.canonicalKey)
      let reading = classifier.read(address.standard.fullName)
      #expect(reading.matchKey == address.standard.matchKey, "\(address.standard.fullName)")
      guard case .matched(address.id, _) = classifier.classify(reading, known: [known]) else {
        Issue.record("\(address.standard.fullName): \(reading.doubts)")
        continue
      }
    }
  }

  @Test func nobodyCanBeTakenForARealPerson() throws {
    let gazetteer = try Fixture.gazetteer.get()
    let batches = try Fixture.batches.get()
    let ids = batches.flatMap { $0.persons.compactMap(\.residentID) }
    #expect(Set(ids).count == ids.count)
    for region in Set(ids.map(\.region)) {
      #expect(DivisionCode(String(region)).flatMap { gazetteer[$0] } == nil, "\(region) is a real division")
    }
    for person in batches.flatMap(\.persons) {
      #expect(person.residentID?.birthDate ?? person.birthDate == person.birthDate)
      #expect(person.residentID?.sex ?? person.sex == person.sex)
      #expect(person.residentID != nil || person.document != nil)
      #expect(person.phone?.text.hasPrefix("154") ?? true)
    }
    let organisations = batches.flatMap(\.organisations)
    #expect(Set(organisations.map(\.creditCode)).count == organisations.count)
    #expect(
      organisations.allSatisfy { UnifiedCreditCode($0.creditCode.text) != nil && $0.creditCode.organisationCodeHolds })
  }
}

@Suite struct DemoGroundTests {
  private func near(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-7 * max(a, b) }

  /// Parts cover their whole exactly: their areas add up, and every edge of one is an edge of the other side's part or of
  /// the whole.
  @Test func divisionsTileTheirParents() throws {
    let city = try Fixture.city.get()
    for parent in city.divisions {
      guard let whole = parent.boundary else { continue }
      let parts = city.divisions.filter { $0.parentID == parent.id }.compactMap(\.boundary)
      if parts.isEmpty { continue }
      #expect(near(parts.reduce(0) { $0 + $1.area }, whole.area), "\(parent.name)")
      #expect(Self.edgesAgree(parts, whole), "\(parent.name)")
    }
  }

  @Test func gridsTileTheirCommunities() throws {
    let city = try Fixture.city.get()
    let byCommunity = Dictionary(grouping: city.grids, by: \.community)
    for division in city.divisions where division.code.level == .community {
      guard let whole = division.boundary else { continue }
      let parts = try #require(byCommunity[division.code]).map(\.boundary)
      #expect(near(parts.reduce(0) { $0 + $1.area }, whole.area), "\(division.name)")
      #expect(Self.edgesAgree(parts, whole), "\(division.name)")
    }
  }

  /// Directed edges of all parts, less those that meet their reverse, are the edges of the whole.
  private static func edgesAgree(_ parts: [Polygon], _ whole: Polygon) -> Bool {
    struct Edge: Hashable {
      let from: Coordinate
      let to: Coordinate
    }
    func edges(_ polygon: Polygon) -> [Edge] {
      ([polygon.exterior] + polygon.holes).flatMap { ring in
        zip(ring.coordinates, ring.coordinates.dropFirst()).map { Edge(from: $0, to: $1) }
      }
    }
    var left: Set<Edge> = []
    for edge in parts.flatMap(edges) {
      if left.remove(Edge(from: edge.to, to: edge.from)) == nil {
        guard left.insert(edge).inserted else { return false }
      }
    }
    return left == Set(edges(whole))
  }

  @Test func placesLieWhereTheyBelong() throws {
    let city = try Fixture.city.get()
    let grids = Dictionary(uniqueKeysWithValues: city.grids.map { ($0.id, $0) })
    for batch in try Fixture.batches.get() {
      for building in batch.buildings {
        let grid = try #require(grids[building.gridID])
        #expect(building.footprint.coordinates.allSatisfy(grid.boundary.contains), "\(building.name)")
      }
      for address in batch.addresses where address.standard.kind == .room {
        #expect(grids[address.gridID]?.boundary.contains(address.location) == true)
      }
    }
    let core = try Coordinate(longitude: 107.5, latitude: 31.216)
    let tongchuan = city.divisions.first { $0.code.text == "511702" }
    #expect(tongchuan?.boundary?.contains(core) == true)
  }

  @Test func theCityHasTheSizeOfTheRealOne() throws {
    let city = try #require(try Fixture.city.get().divisions.first { $0.code.text == "5117" }?.boundary)
    #expect((14_000e6...19_000e6).contains(city.area))
  }

  @Test func contactsAndFacilitiesAreEverywhere() throws {
    let city = try Fixture.city.get()
    #expect(city.grids.allSatisfy { !$0.workerName.isEmpty })
    #expect(Set(city.staff.map(\.role)) == ["grid_worker", "station_officer", "beat_officer", "community_clerk"])
    let kinds = Set(try Fixture.batches.get().flatMap { $0.facilities.map(\.kind) })
    #expect(kinds.isSuperset(of: ["bus_stop", "parking", "toilet", "hospital", "police"]))
    #expect(throws: Refusal.self) { try Fixture.make(scale: 0) }
  }
}
