import Access
import Core
import Entities
import SQL
import TestSupport
import Testing

@Suite struct StoreAggregateTests {
  static func makeCity() async throws -> (StoreFixture, Int64) {
    let city = try await StoreFixture.make()
    let unit = try await city.makeUnits().child
    let rows: [(String, String?, Int64?, Int64, String)] = [
      ("511702001", "residential", 6, 100, "2020-01-15"), ("511702001", "residential", 8, 250, "2020-01-31"),
      ("511702002", "office", nil, 1000, "2020-02-01"), ("511703001", nil, 30, 7, "2021-12-31"),
    ]
    for (division, kind, storeys, value, built) in rows {
      var values: [String: Value] = [
        "name": .text("甲"), "division_code": .text(division), "value": .money(Money(fen: value)),
        "built": .date(try #require(CivilDate(built))), "area": .decimal(try #require(FixedDecimal("10.5"))),
        "kind": kind.map { .text($0) } ?? .null,
      ]
      if let storeys { values["storeys"] = .integer(storeys) }
      if division.hasPrefix("511702") { values["unit_id"] = .integer(unit) }
      try await city.system.insert("building", values)
    }
    return (city, unit)
  }

  @Test func groupsAddUp() async throws {
    let (city, unit) = try await Self.makeCity()
    let measures = ["count", "sum(storeys)", "sum(value)", "avg(area)"].map { name in
      city.catalogs.current.entity("building")?.statistics?.measures.first { $0.name == name }
    }.compactMap(\.self)
    #expect(measures.count == 4)
    let byKind = try await city.system.aggregate(
      AggregateQuery("building", groups: [.init("kind")], measures: measures))
    #expect(byKind.map(\.labels) == [["住宅"], ["写字楼"], ["未填写"]])
    #expect(
      byKind[0].measures == [.integer(2), .integer(14), .money(Money(fen: 350)), .decimal(FixedDecimal("10.5")!)])
    #expect(byKind[1].measures[1] == .null)
    let byMonth = try await city.system.aggregate(AggregateQuery("building", groups: [.init("built")]))
    #expect(byMonth.map(\.labels) == [["2020-01"], ["2020-02"], ["2021-12"]])
    let byCounty = try await city.system.aggregate(
      AggregateQuery("building", groups: [.init("division_code", .digits(6)), .init("built", .year)]))
    #expect(
      byCounty.map { $0.labels + [$0.measures[0].plainText] } == [["511702", "2020", "3"], ["511703", "2021", "1"]])
    let byUnit = try await city.system.aggregate(AggregateQuery("building", groups: [.init("unit_id")]))
    #expect(byUnit.map(\.labels) == [["东城街道"], ["未填写"]] && byUnit[0].keys == [.integer(unit)])
    let total = try await city.system.aggregate(AggregateQuery("building", groups: []))
    #expect(total.map(\.measures) == [[.integer(4)]] && total[0].keys.isEmpty)
  }

  @Test func measuresCountWhatTheirListHolds() async throws {
    let (city, _) = try await Self.makeCity()
    let role = try #require(city.catalogs.current.entity("building")?.statistics)
    let tall = try #require(role.measures.first { $0.label == "高层" })
    let offices = try #require(role.measures.first { $0.label == "办公面积" })
    #expect(tall.filters == [.init(name: "storeys.from", value: "8")])
    let rows = try await city.system.aggregate(
      AggregateQuery(
        "building", groups: [.init("kind")], measures: [.init(function: .count, field: nil), tall, offices]))
    #expect(rows.map(\.labels) == [["住宅"], ["写字楼"], ["未填写"]])
    #expect(rows.map { $0.measures[1] } == [.integer(1), .integer(0), .integer(1)])
    #expect(rows[0].measures[2] == .null)
    for row in rows where row.keys[0] != .null {
      let list = try await city.system.list(
        ListQuery(
          "building",
          filters: [.init("kind", .equals(row.keys[0])), .init("storeys", .range(from: .integer(8), to: nil))]))
      #expect(.integer(Int64(list.count.value)) == row.measures[1])
    }
  }

  @Test func timeIsCutByWeekAndQuarterInItsOwnOrder() async throws {
    let (city, _) = try await Self.makeCity()
    func labels(_ cut: AggregateQuery.Group.Cut) async throws -> [String] {
      var query = AggregateQuery("building", groups: [.init("built", cut)])
      query.ordersByKey = true
      return try await city.system.aggregate(query).map { $0.labels[0] }
    }
    // 2020-01-15 is in the third week by ISO 8601, 2021-12-31 in the 52nd.
    #expect(try await labels(.week) == ["2020-W03", "2020-W05", "2021-W52"])
    #expect(try await labels(.quarter) == ["2020-Q1", "2021-Q4"])
    #expect(try await labels(.day) == ["2020-01-15", "2020-01-31", "2020-02-01", "2021-12-31"])
    // The greatest first without it.
    let greatest = try await city.system.aggregate(AggregateQuery("building", groups: [.init("built", .year)]))
    #expect(greatest.map { $0.labels[0] } == ["2020", "2021"])
  }

  @Test func totalsStayInScope() async throws {
    let (city, _) = try await Self.makeCity()
    let clerk = city.store.records(as: StoreFixture.user(7, [("building.view", .division([]))], division: "511702"))
    let total = try await clerk.aggregate(AggregateQuery("building", groups: []))
    #expect(total.first?.measures == [.integer(3)])
    let filtered = try await clerk.aggregate(
      AggregateQuery("building", filters: [.init("kind", .equals(.text("office")))], groups: []))
    #expect(filtered.first?.measures == [.integer(1)])
  }

  @Test func onlyWhatIsDeclaredIsCounted() async throws {
    let (city, _) = try await Self.makeCity()
    await #expect(throws: Refusal.self) {
      try await city.system.aggregate(AggregateQuery("building", groups: [.init("name")]))
    }
    await #expect(throws: Refusal.self) {
      try await city.system.aggregate(
        AggregateQuery("building", groups: [], measures: [.init(function: .max, field: "storeys")]))
    }
    await #expect(throws: Refusal.self) {
      try await city.system.aggregate(AggregateQuery("building", groups: [.init("kind", .month)]))
    }
  }
}
