import Access
import Core
import Entities
import Geo
import SQL
import TestSupport
import Testing

@Suite struct StoreListTests {
  /// Buildings 1…`count` with varied values; every seventh has no storeys.
  static func makeCity(_ count: Int = 40) async throws -> StoreFixture {
    let city = try await StoreFixture.make()
    for index in 1...count {
      city.clock.advance(seconds: Int64(index % 3))
      var values: [String: Value] = [
        "name": .text("朝阳\(index % 2 == 0 ? "花园" : "小区")\(index)栋"),
        "kind": .text(index % 4 == 0 ? "office" : "residential"),
        "division_code": .text("51170200\(index % 3 + 1)"), "area": .decimal(try #require(FixedDecimal("\(index).5"))),
        "value": .money(Money(fen: Int64(index) * 100)), "built": .date(CivilDate(daysSinceEpoch: 10_000 + index)),
        "inspected": .instant(StoreFixture.noon + Int64(index) * 3600), "vacant": .boolean(index % 5 == 0),
        "tags": .list(index % 2 == 0 ? ["school"] : ["school", "office"]),
        "location": .geometry(["type": "Point", "coordinates": [.double(107 + Double(index) / 1000), 31]]),
      ]
      if index % 7 != 0 { values["storeys"] = .integer(Int64(index % 10 + 1)) }
      try await city.system.insert("building", values)
    }
    return city
  }

  static func numbers(_ page: Page) -> [Int64] { page.records.map(\.id) }

  @Test(arguments: [
    SearchBounds(few: 1000, head: 1, many: 1000), SearchBounds(handful: 0, few: 1000, head: 1, many: 1000),
    SearchBounds(few: 0, head: 7, many: 1000),
    SearchBounds(few: 0, head: 1000, many: 1000), SearchBounds(few: 0, head: 1, many: 0),
  ])
  func aSearchFindsTheSameInWhateverWayItIsDone(_ bounds: SearchBounds) async throws {
    let city = try await Self.makeCity()
    let district = StoreFixture.user(9, [("building.view", .division([]))], division: "511702002")
    for principal in [Principal.system, district] {
      let records = city.store.records(as: principal)
      for (text, sort, start) in [
        ("花园", "", 0), ("花园", "", 5), ("朝阳", "storeys", 0), ("朝阳", "", 30), ("2栋", "-storeys", 0), ("没有", "", 0),
      ] {
        var query = ListQuery("building", search: text, start: .offset(start), limit: 4)
        if !sort.isEmpty {
          query.sort = [
            .init(field: sort.hasPrefix("-") ? String(sort.dropFirst()) : sort, descending: sort.hasPrefix("-"))
          ]
        }
        query.searchBounds = bounds
        let page = try await records.list(query)
        query.limit = 100
        query.start = .offset(0)
        query.search = nil
        query.filters = [ListFilter("name", .contains(text))]
        let all = Self.numbers(try await records.list(query))
        #expect(Self.numbers(page) == Array(all.dropFirst(start).prefix(4)), "\(text) \(sort) \(start)")
        #expect(page.count.value == all.count || page.records.isEmpty)
        guard let next = page.next else { continue }
        query.search = text
        query.filters = []
        query.limit = 4
        query.start = .after(next)
        #expect(Self.numbers(try await records.list(query)) == Array(all.dropFirst(start + 4).prefix(4)))
      }
    }
  }

  @Test func everyOperatorFindsWhatItSays() async throws {
    let city = try await Self.makeCity()
    func find(_ field: String, _ test: ListFilter.Test) async throws -> [Int64] {
      let query = ListQuery(
        "building", filters: [ListFilter(field, test)], sort: [.init(field: "id", descending: false)], limit: 100)
      return Self.numbers(try await city.system.list(query))
    }
    func ids(_ matches: (Int64) -> Bool) -> [Int64] { (1...40).filter(matches) }
    #expect(try await find("kind", .equals(.text("office"))) == ids { $0 % 4 == 0 })
    #expect(try await find("kind", .oneOf([.text("office"), .text("school")])) == ids { $0 % 4 == 0 })
    #expect(try await find("storeys", .oneOf([.integer(1), .integer(2)])) == ids { $0 % 7 != 0 && $0 % 10 < 2 })
    #expect(try await find("tags", .equals(.text("office"))) == ids { $0 % 2 == 1 })
    #expect(try await find("tags", .oneOf([.text("school"), .text("residential")])).count == 40)
    #expect(try await find("division_code", .prefix("511702001")) == ids { $0 % 3 == 0 })
    #expect(try await find("division_code", .prefix("5117")).count == 40)
    #expect(try await find("division_code", .prefix("511703")).isEmpty)
    #expect(try await find("name", .prefix("朝阳花")) == ids { $0 % 2 == 0 })
    #expect(try await find("name", .contains("花园")) == ids { $0 % 2 == 0 })
    #expect(try await find("storeys", .empty(true)) == ids { $0 % 7 == 0 })
    #expect(try await find("storeys", .empty(false)) == ids { $0 % 7 != 0 })
    #expect(try await find("vacant", .equals(.boolean(true))) == ids { $0 % 5 == 0 })
    #expect(
      try await find("area", .range(from: .decimal(FixedDecimal("38.5")!), to: nil)) == ids { $0 >= 38 })
    #expect(
      try await find("value", .range(from: .money(Money(fen: 300)), to: .money(Money(fen: 500)))) == [3, 4, 5])
    #expect(
      try await find("built", .range(from: nil, to: .date(CivilDate(daysSinceEpoch: 10_002)))) == [1, 2])
    #expect(
      try await find("inspected", .equals(.instant(StoreFixture.noon + 3600))) == [1])
    let box = try BoundingBox(west: 107.0105, south: 30.9, east: 107.0135, north: 31.1)
    #expect(try await find("location", .box(box)) == [11, 12, 13])
    let place = try Coordinate(longitude: 107.02, latitude: 31)
    #expect(try await find("location", .near(place, metres: 100)) == [19, 20, 21])
    #expect(try await find("location", .within(.polygon(try Polygon(box)))) == [11, 12, 13])
    #expect(try await find("id", .oneOf([.integer(3), .integer(9)])) == [3, 9])
  }

  @Test func freeTextFindsByEveryWord() async throws {
    let city = try await Self.makeCity()
    func find(_ text: String) async throws -> Set<Int64> {
      Set(Self.numbers(try await city.system.list(ListQuery("building", search: text, limit: 100))))
    }
    #expect(try await find("花园").count == 20)
    #expect(try await find("朝阳 12栋") == [12])
    #expect(try await find("B511702-0007") == [7])
    #expect(try await find("不存在").isEmpty)
    #expect(try await city.system.suggest("building", "花园").count == 20)
    let titles = try await city.system.suggest("building", "12栋")
    #expect(titles == [RecordTitle(id: 12, title: "朝阳花园12栋")])
  }

  @Test func whatIsNotDeclaredIsRefused() async throws {
    let city = try await Self.makeCity(1)
    func refused(_ query: ListQuery) async -> String? {
      do {
        _ = try await city.system.list(query)
        return nil
      } catch { return (error as? Refusal)?.code }
    }
    #expect(await refused(ListQuery("castle")) == "entity-unknown")
    #expect(await refused(ListQuery("building", filters: [.init("x", .equals(.null))])) == "filter-unknown")
    #expect(await refused(ListQuery("building", filters: [.init("age", .equals(.integer(1)))])) == "filter-computed")
    #expect(await refused(ListQuery("building", filters: [.init("remark", .contains("x"))])) == "filter-unsupported")
    #expect(await refused(ListQuery("building", filters: [.init("storeys", .prefix("1"))])) == "filter-unsupported")
    #expect(
      await refused(ListQuery("building", filters: [.init("location", .equals(.text("x")))])) == "filter-unsupported")
    #expect(
      await refused(ListQuery("building", sort: [.init(field: "remark", descending: false)])) == "sort-unsupported")
    #expect(await refused(ListQuery("building", columns: ["x"])) == "column-unknown")
  }

  @Test(arguments: [
    [ListView.Sort](), [.init(field: "storeys", descending: false)], [.init(field: "storeys", descending: true)],
    [.init(field: "division_code", descending: true), .init(field: "storeys", descending: false)],
    [.init(field: "id", descending: true)],
  ])
  func pagesByCursorAndByOffsetCoverTheListOnce(_ sort: [ListView.Sort]) async throws {
    let city = try await Self.makeCity()
    let whole = Self.numbers(try await city.system.list(ListQuery("building", sort: sort, limit: 100)))
    #expect(Set(whole) == Set(1...40) && whole.count == 40)
    var byCursor: [Int64] = []
    var byOffset: [Int64] = []
    var query = ListQuery("building", sort: sort, limit: 7)
    while true {
      let page = try await city.system.list(query)
      byCursor += Self.numbers(page)
      guard let next = page.next else { break }
      // The cursor survives the way through an address.
      let entity = try city.entity("building")
      query.start = .after(try ListCursor(next.text, order: page.sort, of: entity))
    }
    for offset in stride(from: 0, to: 40, by: 7) {
      byOffset += Self.numbers(
        try await city.system.list(ListQuery("building", sort: sort, start: .offset(offset), limit: 7)))
    }
    #expect(byCursor == whole)
    #expect(byOffset == whole)
  }

  @Test func anAddressReadsBackAsTheSameQuery() async throws {
    let catalog = try Catalog.load(texts: StoreFixture.declarations)
    let building = try #require(catalog.entity("building"))
    let items: [(name: String, value: String)] = [
      ("kind", "office"), ("kind", "school"), ("storeys.from", "3"), ("storeys.to", "9"), ("name.prefix", "朝阳"),
      ("name.contains", "a&b=c"), ("built.from", "2001-02-03"), ("vacant", "true"), ("value.to", "12.50"),
      ("remark.empty", "false"), ("location.box", "107.0,31.0,108.0,32.0"), ("location.near", "107.5,31.2,500.0"),
      ("q", "花园 12"), ("sort", "-updated_at,name"), ("size", "20"), ("page", "3"), ("columns", "code,name"),
      ("at", "2026-01-01T00:00:00.000000+08:00"),
    ]
    let query = try ListQuery(building, items: items)
    #expect(query.filters.count == 10)
    #expect(query.start == .offset(40))
    let again = try ListQuery(building, items: query.items)
    #expect(again == query)
    let day = try ListQuery(building, items: [("inspected.to", "2026-11-21")])
    #expect(
      day.filters == [.init("inspected", .range(from: nil, to: .instant(Instant("2026-11-21 23:59:59.999999")!)))])
  }

  @Test func everyWrongItemOfAnAddressIsNamed() async throws {
    let catalog = try Catalog.load(texts: StoreFixture.declarations)
    let building = try #require(catalog.entity("building"))
    let items: [(name: String, value: String)] = [
      ("height", "3"), ("storeys", "many"), ("storeys.like", "3"), ("page", "0"), ("size", "100000"), ("sort", "x"),
      ("location.box", "1,2,3"), ("built", "2026-13-01"), ("vacant", "perhaps"), ("at", "yesterday"),
    ]
    let refusal = #expect(throws: Refusal.self) { try ListQuery(building, items: items) }
    #expect(1 + (refusal?.others.count ?? 0) == items.count)
    #expect(throws: Refusal.self) { try ListQuery(building, items: [("page", "900"), ("size", "100")]) }
    #expect(throws: Never.self) { try ListQuery(building, items: [("view", "map"), ("kind", "")], ignoring: ["view"]) }
  }

  @Test func hostileTextStaysText() async throws {
    let city = try await Self.makeCity(2)
    let nasty = ["'; drop table building; --", "\\", "%_", "\"", "$1", "'':* & |", "\u{200B}", "😀"]
    for text in nasty {
      let made = try await city.system.insert(
        "building", ["name": .text("x\(text)y"), "division_code": .text("511702")])
      #expect(try await city.system.get("building", made.id)["name"] == .text("x\(text)y"))
      let found = try await city.system.list(
        ListQuery("building", filters: [.init("name", .equals(.text("x\(text)y")))]))
      #expect(Self.numbers(found) == [made.id])
      _ = try await city.system.list(ListQuery("building", search: text))
      _ = try await city.system.list(ListQuery("building", filters: [.init("name", .contains(text))]))
      _ = try await city.system.list(ListQuery("building", filters: [.init("name", .prefix(text))]))
    }
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.insert("building", ["name": .text("a\u{0}b"), "division_code": .text("511702")])
    }
    #expect(refusal?.field == "name")
  }

  @Test func countsAreExactBelowTheCapAndSayWhenTheyAreNot() async throws {
    let city = try await StoreFixture.make()
    try await city.database.execute(
      """
      insert into building (code, name, division_code, kind)
      select 'C' || g, 'n' || g, '5117' || lpad((g % 4)::text, 2, '0'), case when g % 1000 = 0 then 'office' end
      from generate_series(1, 30000) g
      """)
    try await city.database.execute("analyze building")
    let all = try await city.system.count(ListQuery("building"))
    #expect(all.isEstimate && abs(all.value - 30_000) < 1500 && all.display.hasPrefix("约 "))
    let few = try await city.system.count(ListQuery("building", filters: [.init("kind", .equals(.text("office")))]))
    #expect(few == Count(30))
    let some = try await city.system.count(ListQuery("building", filters: [.init("division_code", .prefix("511701"))]))
    #expect(some == Count(7500))
    #expect(Count(1_234_567, isEstimate: true).display == "约 1,230,000")
    #expect(Count(8512).display == "8,512")
  }
}
