import Access
import Core
import Entities
import Geo
import SQL
import TestSupport
import Testing

/// The scope predicate against a model in memory, and row-level security against the predicate.
@Suite struct StoreScopeTests {
  struct Row {
    let id: Int64
    let maker: Int64
    let worker: Int64?
    let unit: Int64?
    let division: String?
    let home: (Double, Double)?
    let watched: Bool?
  }

  static let divisions = ["51", "5117", "511702", "511702001", "511702001003", "511702002", "511703", "511710"]

  /// A city of random people, and two areas drawn on the map.
  static func makeCity(seed: UInt64) async throws -> (city: StoreFixture, rows: [Row], paths: [Int64: String]) {
    let city = try await StoreFixture.make()
    var random = SeededRandom(seed: seed)
    var paths: [Int64: String] = [:]
    for path in ["1.", "1.2.", "1.2.5.", "1.20.", "3."] {
      let unit = try await city.system.insert("unit", ["name": .text(path), "path": .text(path)])
      paths[unit.id] = path
    }
    for (id, west) in [(1, 107.0), (2, 107.5)] {
      let box = "POLYGON((\(west) 31, \(west + 0.4) 31, \(west + 0.4) 31.5, \(west) 31.5, \(west) 31))"
      try await city.database.execute(
        """
        insert into scope_area (id, name, area)
        values (\(id), \("区域\(id)"), st_multi(st_geomfromtext(\(box), 4490)))
        """)
    }
    let units = paths.keys.sorted()
    var rows: [Row] = []
    for index in 0..<60 {
      let maker = Int64(random.below(4))
      var values: [String: Value] = ["name": .text("人\(index)")]
      let worker = random.below(3) == 0 ? nil : Int64(1 + random.below(3))
      let unit = random.below(5) == 0 ? nil : random.pick(units)
      let division =
        random.below(6) == 0 ? nil : random.pick(divisions)
      let home = random.below(4) == 0 ? nil : (107 + Double(random.below(90)) / 100, 31.25)
      let watched = random.pick([nil, true, false] as [Bool?])
      if let worker { values["worker"] = .integer(worker) }
      if let unit { values["unit_id"] = .integer(unit) }
      if let division { values["division_code"] = .text(division) }
      if let home { values["home"] = .geometry(["type": "Point", "coordinates": [.double(home.0), .double(home.1)]]) }
      if let watched { values["watched"] = .boolean(watched) }
      let principal =
        maker == 0 ? Principal.system : StoreFixture.user(maker, [("citizen.*", .all)], clearance: .secret)
      let made = try await city.store.records(as: principal).insert("citizen", values)
      rows.append(
        Row(
          id: made.id, maker: maker, worker: worker, unit: unit, division: division, home: home, watched: watched))
    }
    return (city, rows, paths)
  }

  static func randomScope(_ random: inout SeededRandom, depth: Int = 0) -> DataScope {
    switch random.below(depth < 2 ? 9 : 7) {
    case 0: .own
    case 1: .unit
    case 2: .unitAndBelow
    case 3: .division([])
    case 4: .division([random.pick(divisions), "51171"])
    case 5: .area(Int64(1 + random.below(3)))
    case 6: .rule(random.below(4) == 0 ? "nothing" : "watched")
    case 7: .all
    default: .anyOf([randomScope(&random, depth: depth + 1), randomScope(&random, depth: depth + 1)])
    }
  }

  /// What the scopes mean, written down a second time.
  static func isVisible(_ row: Row, _ scope: DataScope, _ principal: Principal, _ paths: [Int64: String]) -> Bool {
    guard let own = principal.unit else { return false }
    switch scope {
    case .all: return true
    case .own: return row.maker == principal.id || row.worker == principal.id
    case .unit: return row.unit == own.id
    case .unitAndBelow: return row.unit.flatMap { paths[$0] }?.hasPrefix(own.path) ?? false
    case .division(let codes):
      let prefixes = (codes.isEmpty ? [own.division] : codes).map { $0 == "51171" ? "511710" : $0 }
      return prefixes.contains { !$0.isEmpty && row.division?.hasPrefix($0) ?? false }
    case .area(let id):
      guard let home = row.home, id <= 2 else { return false }
      let west = id == 1 ? 107.0 : 107.5
      return home.0 >= west && home.0 <= west + 0.4
    case .rule(let name): return name == "watched" && row.watched == true && row.division == own.division
    case .anyOf(let scopes): return scopes.contains { isVisible(row, $0, principal, paths) }
    }
  }

  @Test(arguments: [UInt64(1), 2]) func listsShowExactlyWhatIsInScope(_ seed: UInt64) async throws {
    let (city, rows, paths) = try await Self.makeCity(seed: seed)
    let entity = try city.entity("citizen")
    var random = SeededRandom(seed: seed &* 77)
    var sizes: Set<Int> = []
    for _ in 0..<40 {
      let unit = random.pick(paths.keys.sorted())
      let scopes = (0..<(1 + random.below(2))).map { _ in Self.randomScope(&random) }
      let principal = StoreFixture.user(
        Int64(1 + random.below(3)), scopes.map { ("citizen.view", $0) }, unit: unit, path: paths[unit] ?? "",
        division: random.pick(Self.divisions))
      let expected = Set(rows.filter { row in scopes.contains { Self.isVisible(row, $0, principal, paths) } }.map(\.id))
      let records = city.store.records(as: principal)
      let page = try await records.list(ListQuery("citizen", limit: 100))
      #expect(Set(page.records.map(\.id)) == expected, "\(scopes)")
      #expect(page.records.count == expected.count, "a record is shown twice: \(scopes)")
      #expect(page.count == Count(expected.count))
      sizes.insert(expected.count)

      // Row-level security alone, without the predicate.
      let secured = try await city.database.transaction { transaction in
        try await TransactionSettings.apply(principal, [(entity, Permission("citizen", "view"))], in: transaction)
        return try await transaction.query("select id from citizen").values(as: Int64.self)
      }
      #expect(Set(secured) == expected, "row-level security disagrees: \(scopes)")

      // One record at a time, and why.
      for row in rows.prefix(8) {
        let reasons = try? await records.explain("citizen", row.id)
        #expect((reasons != nil) == expected.contains(row.id))
        #expect(reasons?.isEmpty != true)
        let found = try? await records.get("citizen", row.id)
        #expect((found != nil) == expected.contains(row.id))
      }
    }
    #expect(sizes.count > 5)
  }

  @Test func withoutAStatedScopeNothingIsSeen() async throws {
    let (city, rows, _) = try await Self.makeCity(seed: 3)
    #expect(rows.count == 60)
    #expect(try await city.database.query("select id from citizen").isEmpty)
    let changed = try await city.database.execute("update citizen set name = 'x'")
    #expect(changed == 0)
  }

  @Test func whatAnActionMayTouchIsItsOwnScope() async throws {
    let city = try await StoreFixture.make()
    let units = try await city.makeUnits()
    func make(_ division: String) async throws -> Int64 {
      try await city.system.insert(
        "citizen", ["name": .text("甲"), "division_code": .text(division), "unit_id": .integer(units.child)]
      ).id
    }
    let near = try await make("511702001")
    let far = try await make("511703001")
    let worker = city.store.records(
      as: StoreFixture.user(
        7,
        [
          ("citizen.view", .all), ("citizen.update", .division([])), ("citizen.create", .division([])),
          ("citizen.delete", .own),
        ], clearance: .secret))
    try await worker.update("citizen", near, version: 1, ["name": .text("乙")])
    let outside = await #expect(throws: Refusal.self) {
      try await worker.update("citizen", far, version: 1, ["name": .text("乙")])
    }
    #expect(outside?.code == "out-of-scope")
    let moving = await #expect(throws: Refusal.self) {
      try await worker.update("citizen", near, version: 2, ["division_code": .text("511703001")])
    }
    #expect(moving?.code == "out-of-scope")
    let making = await #expect(throws: Refusal.self) {
      try await worker.insert("citizen", ["name": .text("丙"), "division_code": .text("5118")])
    }
    #expect(making?.code == "out-of-scope")
    let deleting = await #expect(throws: Refusal.self) { try await worker.delete("citizen", near, version: nil) }
    #expect(deleting?.code == "out-of-scope")
    let own = try await worker.insert("citizen", ["name": .text("丁"), "division_code": .text("511702")])
    try await worker.delete("citizen", own.id, version: 1)
    let blind = city.store.records(as: StoreFixture.user(8, [("citizen.view", .own), ("citizen.update", .own)]))
    let hidden = await #expect(throws: Refusal.self) {
      try await blind.update("citizen", near, version: nil, ["name": .text("戊")])
    }
    #expect(hidden?.code == "record-missing")
  }

  @Test func withoutThePermissionNothingWorks() async throws {
    let city = try await StoreFixture.make()
    let made = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    let nobody = city.store.records(as: StoreFixture.user(9, [("unit.view", .all)]))
    let calls: [@Sendable () async throws -> Void] = [
      { _ = try await nobody.get("building", made.id) }, { _ = try await nobody.list(ListQuery("building")) },
      { _ = try await nobody.count(ListQuery("building")) }, { _ = try await nobody.versions("building", made.id) },
      { _ = try await nobody.suggest("building", "甲") }, { _ = try await nobody.insert("building", [:]) },
      { _ = try await nobody.update("building", made.id, version: 1, [:]) },
      { try await nobody.delete("building", made.id, version: 1) },
      { _ = try await nobody.perform("demolish", on: "building", made.id, version: 1) },
      { _ = try await nobody.aggregate(AggregateQuery("building", groups: [])) },
      { _ = try await nobody.export(ListQuery("building")) { _ in } },
      { _ = try await nobody.explain("building", made.id) },
      { _ = try RecordImporter(nobody, ImportSpec(entity: "building", columns: ["name"], label: "x")) },
    ]
    for call in calls {
      let refusal = await #expect(throws: Refusal.self) { try await call() }
      #expect(refusal?.code == "permission-missing")
    }
  }
}
