import Access
import Addresses
import Core
import Entities
import Geo
import SQL
import Testing

/// Gaps and overlaps between grids of one kind are found, listed once, and gone when mended (D3-005 to D3-009).
@Suite struct GridInspectionTests {
  /// Grids of the fixture's community, whose ground is the rectangle from 107.49, 31.19 to 107.52, 31.21.
  private struct Ground {
    let city: QualityFixture
    let inspection: GridInspection

    init() async throws {
      city = try await QualityFixture()
      inspection = GridInspection(store: city.store, owner: city.database)
    }

    /// A grid over a rectangle, in thousandths of a degree from the corner in the south-west.
    @discardableResult
    func add(
      _ number: Int, _ west: Double, _ south: Double, _ east: Double, _ north: Double, _ kind: String = "work",
      in division: String = QualityFixture.division
    ) async throws -> Int64 {
      try await city.store.records(as: .system).insert(
        "grid",
        [
          "code": .text(division + (number < 10 ? "00" : "0") + "\(number)"),
          "name": .text("第\(number)网格"), "kind": .text(kind), "division_code": .text(division),
          "boundary": Ground.rectangle(west, south, east, north),
        ], input: .code
      ).id
    }

    /// The community next to it in the east, a third as wide.
    func addNeighbour() async throws -> String {
      let code = "511702001002"
      try await city.store.records(as: .system).insert(
        "division",
        [
          "code": .text(code), "name": .text("百花社区"), "level": .text("community"),
          "boundary": Ground.rectangle(30, 0, 40, 20),
        ], input: .code)
      return code
    }

    static func rectangle(_ west: Double, _ south: Double, _ east: Double, _ north: Double) -> Value {
      let corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
      return .geometry([
        "type": "Polygon",
        "coordinates": [
          .array(corners.map { .array([.double(107.49 + $0.0 / 1000), .double(31.19 + $0.1 / 1000)]) })
        ],
      ])
    }

    /// Kind, subject and evidence of what is in `state`.
    func defects(_ state: String = "open") async throws -> [String] {
      try await city.database.query(
        "select kind || ' ' || grid_kind || ' ' || subject as line from grid_defect where state = \(state) order by 1"
      ).map { try $0.get("line") }
    }

    func id(_ kind: String) async throws -> Int64 {
      let row = try await city.database.query("select id from grid_defect where kind = \(kind) order by id limit 1")
        .first
      return try #require(row).get("id")
    }
  }

  @Test func gridsThatTileTheirDivisionHaveNoDefect() async throws {
    let ground = try await Ground()
    for (number, west) in [0.0, 10, 20].enumerated() { try await ground.add(number + 1, west, 0, west + 10, 20) }
    let outcome = try await ground.inspection.run()
    #expect((outcome.grids, outcome.new) == (3, 0))
    #expect(outcome.found.isEmpty)
  }

  @Test func gapsOverlapsAndStretchesOutsideAreEachOneDefectHoweverOftenLookedFor() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 11, 20)
    try await ground.add(2, 10, 0, 20, 20)
    try await ground.add(3, 20, 0, 31, 15)
    let found = try await ground.inspection.run()
    #expect(
      try await ground.defects() == ["gap work 荷叶街社区", "outside work 第3网格", "overlap work 第1网格与第2网格"])
    #expect(found.found == [.gap: 1, .outside: 1, .overlap: 1])
    #expect(found.new == 3)
    let again = try await ground.inspection.run()
    #expect((again.new, again.reopened, again.gone) == (0, 0, 0))
  }

  @Test func gridsOfDifferentKindsAreNotComparedAndThoseOutOfUseDoNotCount() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 30, 20)
    try await ground.add(2, 0, 0, 30, 20, "sanitation")
    let unused = try await ground.add(3, 0, 0, 15, 20)
    let records = ground.city.store.records(as: .system)
    try await records.update("grid", unused, version: nil, ["status": .text("disused")], input: .code)
    #expect(try await ground.inspection.run().new == 0)
    // The same ground twice in use is one overlap; the other kind has nothing to do with it.
    try await records.update("grid", unused, version: nil, ["status": .text("active")], input: .code)
    try await ground.inspection.run()
    #expect(try await ground.defects() == ["overlap work 第1网格与第3网格"])
  }

  @Test func whatIsNarrowerThanTheToleranceIsNoDefect() async throws {
    let ground = try await Ground()
    // Some 30 cm over the neighbour, along 2 km, and 30 cm short of the other side.
    try await ground.add(1, 0, 0, 15.003, 20)
    try await ground.add(2, 15, 0, 29.997, 20)
    #expect(try await ground.inspection.run().new == 0)
    // A metre is more.
    try await ground.add(3, 0, 0, 15.012, 20, "unit")
    try await ground.add(4, 15, 0, 30, 20, "unit")
    #expect(try await ground.inspection.run().found == [.overlap: 1])
  }

  @Test func withoutABoundaryOfTheDivisionOnlyWhatGridsEncloseIsAGap() async throws {
    let ground = try await Ground()
    try await ground.city.database.execute("update division set boundary = null")
    try await ground.add(1, 0, 0, 10, 3)
    try await ground.add(2, 0, 3, 3, 10)
    try await ground.add(3, 3, 7, 10, 10)
    try await ground.add(4, 7, 3, 10, 7)
    let outcome = try await ground.inspection.run()
    #expect(outcome.found == [.gap: 1])
    let row = try #require(
      try await ground.city.database.query("select metres::float8 as metres from grid_defect").first)
    let hole = try Polygon(
      exterior: Ring(
        [(3, 3), (7, 3), (7, 7), (3, 7), (3, 3)].map {
          try Coordinate(longitude: 107.49 + $0.0 / 1000, latitude: 31.19 + $0.1 / 1000)
        }))
    let metres: Double = try row.get("metres")
    #expect(abs(metres - hole.area) < 1)
  }

  @Test func groundOfAnotherDivisionWithinTheGridsIsNoGap() async throws {
    let ground = try await Ground()
    let other = try await ground.addNeighbour()
    try await ground.city.database.execute("update division set boundary = null")
    try await ground.add(1, 0, 0, 10, 3)
    try await ground.add(2, 0, 3, 3, 10)
    try await ground.add(3, 3, 7, 10, 10)
    try await ground.add(4, 7, 3, 10, 7)
    try await ground.add(5, 3, 3, 7, 7, in: other)
    #expect(try await ground.inspection.run().found.isEmpty)
  }

  @Test func aChangedGridSettlesWhatItMended() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 15, 20)
    let short = try await ground.add(2, 16, 0, 30, 20)
    try await ground.inspection.run()
    #expect(try await ground.defects() == ["gap work 荷叶街社区"])
    let records = ground.city.store.records(as: .system)
    // Half of it: still open.
    try await records.update("grid", short, version: nil, ["boundary": Ground.rectangle(15.5, 0, 30, 20)])
    #expect(try await ground.defects() == ["gap work 荷叶街社区"])
    let smaller = try await ground.inspection.run()
    #expect((smaller.new, smaller.gone) == (0, 0), "what is left of it is the same gap")
    try await records.update("grid", short, version: nil, ["boundary": Ground.rectangle(15, 0, 30, 20)])
    #expect(try await ground.defects("fixed") == ["gap work 荷叶街社区"])
    #expect(try await ground.inspection.run().found.isEmpty)
  }

  @Test func whatWasJudgedRightStaysSoUntilItGrows() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 15, 20)
    let lake = try await ground.add(2, 16, 0, 30, 20)
    try await ground.inspection.run()
    let records = ground.city.store.records(as: .system)
    try await records.perform(
      "keep", on: GridDefect.entity, try await ground.id("gap"), version: nil, asked: ["reason": .text("是河道")])
    #expect(try await ground.inspection.run().reopened == 0)
    #expect(try await ground.defects("kept") == ["gap work 荷叶街社区"])
    try await records.update("grid", lake, version: nil, ["boundary": Ground.rectangle(17, 0, 30, 20)])
    #expect(try await ground.inspection.run().reopened == 1)
    #expect(try await ground.defects() == ["gap work 荷叶街社区"])
  }

  @Test func whatWasJudgedRightMayFallApart() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 10, 20)
    let shore = try await ground.add(2, 20, 0, 30, 20)
    try await ground.inspection.run()
    let records = ground.city.store.records(as: .system)
    try await records.perform(
      "keep", on: GridDefect.entity, try await ground.id("gap"), version: nil, asked: ["reason": .text("是水库")])
    try await ground.add(3, 13, 0, 14, 20)
    for _ in 0..<3 {
      let outcome = try await ground.inspection.run()
      #expect((outcome.new, outcome.reopened, outcome.gone) == (0, 0, 0))
      #expect(try await ground.defects().isEmpty)
    }
    #expect(try await ground.defects("kept") == ["gap work 荷叶街社区"])
    // A part that grows over the edge is listed; the other stays as it was judged.
    try await records.update("grid", shore, version: nil, ["boundary": Ground.rectangle(21, 0, 30, 20)])
    #expect(try await ground.inspection.run().new == 1)
    #expect(try await ground.defects("kept").count == 1)
    #expect(try await ground.inspection.run().new == 0)
  }

  @Test func whatIsMendedWhileTheInspectionLooksStaysMended() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 11, 20)
    let second = try await ground.add(2, 10, 0, 30, 20)
    try await ground.inspection.run()
    let city = ground.city
    let outcome = try await ground.inspection.run { step, _, what in
      guard step == 3, what == "登记" else { return }
      city.time.advance(seconds: 1)
      try await city.store.records(as: .system).update(
        "grid", second, version: nil, ["boundary": Ground.rectangle(11, 0, 30, 20)])
    }
    #expect(outcome.reopened == 0)
    #expect(try await ground.defects("fixed") == ["overlap work 第1网格与第2网格"])
    // Called mended, and seen again by an inspection that began later.
    try await city.store.records(as: .system).update(
      "grid", second, version: nil, ["boundary": Ground.rectangle(10, 0, 30, 20)])
    #expect(try await ground.inspection.run().reopened == 1)
  }

  @Test func sharedGroundGoesToOneGridAGapIntoOneAndWhatIsOutsideIsCutOff() async throws {
    let ground = try await Ground()
    let first = try await ground.add(1, 0, 0, 11, 20)
    try await ground.add(2, 10, 0, 20, 20)
    try await ground.add(3, 20, 0, 31, 15)
    try await ground.inspection.run()
    let records = ground.city.store.records(as: .system)
    try await records.perform("give_second", on: GridDefect.entity, try await ground.id("overlap"), version: nil)
    try await records.perform("absorb", on: GridDefect.entity, try await ground.id("gap"), version: nil)
    try await records.perform("clip", on: GridDefect.entity, try await ground.id("outside"), version: nil)
    #expect(try await ground.defects("fixed").count == 3)
    #expect(try await ground.inspection.run().found.isEmpty)
    let row = try #require(
      try await ground.city.database.query("select st_xmax(boundary) as east from grid where id = \(first)").first)
    let east: Double = try row.get("east")
    #expect(abs(east - 107.50) < 1e-9, "the first grid gave what it shared")
  }

  @Test func aGapIsNotGivenToAGridApartOrOfAnotherKind() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 10, 20)
    try await ground.add(2, 11, 0, 20, 20)
    let far = try await ground.add(3, 20, 0, 30, 20)
    let other = try await ground.add(4, 0, 0, 30, 20, "unit")
    try await ground.inspection.run()
    let gap = try await ground.id("gap")
    let records = ground.city.store.records(as: .system)
    for (grid, code) in [(far, "grid-defect-apart"), (other, "grid-defect-other-kind")] {
      let refusal = await #expect(throws: Refusal.self) {
        try await records.perform(
          "absorb_into", on: GridDefect.entity, gap, version: nil, asked: ["kept_id": .integer(grid)])
      }
      #expect(refusal?.code == code)
    }
    #expect(try await ground.defects() == ["gap work 荷叶街社区"], "nothing has changed")
  }

  @Test func aGapGoesToAGridOfItsOwnDivision() async throws {
    let ground = try await Ground()
    let other = try await ground.addNeighbour()
    // The neighbour's grid touches the gap for longer.
    let own = try await ground.add(1, 0, 0, 10, 1)
    let next = try await ground.add(2, 30, 0, 40, 20, in: other)
    try await ground.inspection.run()
    #expect(try await ground.defects() == ["gap work 荷叶街社区"])
    let gap = try await ground.id("gap")
    let records = ground.city.store.records(as: .system)
    #expect(try await records.get(GridDefect.entity, gap)["grid_id"].integer == own)
    let refusal = await #expect(throws: Refusal.self) {
      try await records.perform(
        "absorb_into", on: GridDefect.entity, gap, version: nil, asked: ["kept_id": .integer(next)])
    }
    #expect(refusal?.code == "grid-defect-elsewhere")
    try await records.perform("absorb", on: GridDefect.entity, gap, version: nil)
    #expect(try await ground.inspection.run().found.isEmpty)
  }

  @Test func oneCornerIsNoContact() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 10, 20)
    try await ground.add(2, 10, 10, 20, 20)
    try await ground.add(3, 20, 0, 30, 10)
    let corner = try await ground.add(4, 20, 10, 30, 20)
    try await ground.inspection.run()
    let gap = try await ground.id("gap")
    let refusal = await #expect(throws: Refusal.self) {
      try await ground.city.store.records(as: .system).perform(
        "absorb_into", on: GridDefect.entity, gap, version: nil, asked: ["kept_id": .integer(corner)])
    }
    #expect(refusal?.code == "grid-defect-apart")
  }

  /// Whoever may do in 里坊 what the role says, in one community.
  private func clerk(of division: String, in ground: Ground) throws -> Records {
    let grants = try #require(ground.city.store.catalog.role("community_clerk")?.access)
    let unit = UnitMembership(id: 9, name: "社区", path: "9.", division: division)
    return ground.city.store.records(
      as: Principal(kind: .key, id: 9, name: "社区干部", unit: unit, grants: Grants(grants), clearance: .inner))
  }

  @Test func groundSharedWithAnotherDivisionIsSeenByBothAndGivenByWhoseItIs() async throws {
    let ground = try await Ground()
    let other = try await ground.addNeighbour()
    try await ground.add(1, 0, 0, 30, 20)
    let next = try await ground.add(2, 29, 0, 40, 20, in: other)
    try await ground.inspection.run()
    let overlap = try await ground.id("overlap")
    let (own, neighbour) = (try clerk(of: QualityFixture.division, in: ground), try clerk(of: other, in: ground))
    let open = ListQuery(
      GridDefect.entity, filters: [ListFilter("kind", .equals(.text("overlap")))], columns: ["other_division"])
    for side in [own, neighbour] { #expect(try await side.list(open).records.map(\.id) == [overlap]) }
    let elsewhere = try clerk(of: "511702003001", in: ground)
    #expect(try await elsewhere.count(ListQuery(GridDefect.entity)).value == 0)
    // What leaves the neighbour's division is the neighbour's alone.
    #expect(try await own.count(ListQuery(GridDefect.entity)).value == 1)
    #expect(try await neighbour.count(ListQuery(GridDefect.entity)).value == 2)
    // Nobody takes the ground of the other; each may give its own.
    let refusal = await #expect(throws: Refusal.self) {
      try await own.perform("give_first", on: GridDefect.entity, overlap, version: nil)
    }
    #expect(refusal?.code == "grid-defect-foreign")
    try await neighbour.perform("give_first", on: GridDefect.entity, overlap, version: nil)
    #expect(try await ground.inspection.run().found.isEmpty)
    // A grid that changes its division takes the finding along.
    let records = ground.city.store.records(as: .system)
    try await records.update("grid", next, version: nil, ["boundary": Ground.rectangle(29, 0, 40, 20)])
    try await ground.inspection.run()
    #expect(try await neighbour.list(open).records.map { $0["other_division"].text } == [other])
    try await ground.city.database.execute(
      "update grid set division_code = \(QualityFixture.division) where id = \(next)")
    try await ground.inspection.run()
    #expect(try await neighbour.count(open).value == 0)
    #expect(try await own.list(open).records.map { $0["other_division"].text } == [nil])
  }

  @Test func onlyTheGridThatLeavesItsDivisionIsClipped() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 15, 20)
    let inside = try await ground.add(2, 15, 0, 25, 20)
    try await ground.add(3, 25, 0, 31, 20)
    try await ground.inspection.run()
    let refusal = await #expect(throws: Refusal.self) {
      try await ground.city.store.records(as: .system).update(
        GridDefect.entity, try await ground.id("outside"), version: nil, ["kept_id": .integer(inside)])
    }
    #expect(refusal?.code == "grid-defect-gone")
  }

  @Test func whoMayNotChangeGridsMendsNothing() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 11, 20)
    try await ground.add(2, 10, 0, 30, 20)
    try await ground.inspection.run()
    let viewer = Principal(
      kind: .key, id: 7, name: "王审批", unit: nil,
      grants: Grants([.init(Permission(GridDefect.entity, "*"), .all), .init(Permission("grid", "view"), .all)]),
      clearance: .inner)
    let refusal = await #expect(throws: Refusal.self) {
      try await ground.city.store.records(as: viewer).perform(
        "give_first", on: GridDefect.entity, try await ground.id("overlap"), version: nil)
    }
    #expect(refusal?.code == "permission-missing")
    #expect(try await ground.defects().count == 1)
  }

  @Test func aGridThatIsNamedInADefectCanBeDeleted() async throws {
    let ground = try await Ground()
    try await ground.add(1, 0, 0, 30, 20)
    let double = try await ground.add(2, 0, 0, 15, 20)
    try await ground.inspection.run()
    try await ground.city.store.records(as: .system).delete("grid", double, version: nil)
    #expect(try await ground.defects("gone") == ["overlap work 第1网格与第2网格"])
    #expect(try await ground.inspection.run().found.isEmpty)
  }
}
