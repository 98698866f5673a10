import Access
import Core
import Entities
import Geo
import SQL
import TestSupport
import Testing

/// How PostgreSQL reads lists of a table that is large enough to matter: always by an index, and where the order is
/// declared, never by sorting a whole district.
@Suite struct StorePlanTests {
  /// 60,000 buildings or people, county after county, so that the latest are all in the last county.
  static func makeCity(_ table: String) async throws -> StoreFixture {
    let city = TestDatabase.Preparation("city \(table)") { administrator in
      _ = try await DatabaseRoles.prepare(on: administrator, owner: "lifang_test")
      let owner = await TestDatabase.pool(on: administrator) { $0.role = "lifang_test" }
      try await fill(table, try await StoreFixture.make(on: owner))
      await owner.close()
    }
    let administrator = try await TestDatabase.make(city) { $0.role = nil }
    return try await StoreFixture.make(on: TestDatabase.pool(on: administrator) { $0.role = "lifang_test" })
  }

  private static func fill(_ table: String, _ city: StoreFixture) async throws {
    let division: SQL = """
      '5117' || lpad((g / 10000 + 1)::text, 2, '0') || lpad((g / 1000 % 10 + 1)::text, 3, '0') \
      || lpad((g / 100 % 10 + 1)::text, 3, '0')
      """
    let terms: SQL = "array_to_tsvector(array['朝阳', '第' || (g % 300), '号' || g])"
    let point: SQL = "st_setsrid(st_makepoint(107 + g % 1000 * 0.001, 31 + g / 1000 * 0.01), 4490)"
    if table == "building" {
      try await city.database.execute(
        """
        insert into building (code, name, kind, division_code, storeys, created_by, updated_at, location, search_vector)
        select 'C' || g, '朝阳' || g, (array['residential', 'office', 'school'])[g % 3 + 1], \(division), g % 30 + 1, g % 50,
          timestamptz '2026-01-01' + g * interval '1 minute', \(point), \(terms)
        from generate_series(0, 59999) g
        """)
    } else {
      try await city.database.transaction { transaction in
        try await transaction.execute("select set_config('lifang.scope_citizen', '{\"all\":true}', true)")
        try await transaction.execute(
          """
          insert into citizen (name, phone_index, division_code, worker, created_by, updated_at, home, search_vector)
          select '朝阳' || g, sha256(g::text::bytea), \(division), g % 50, g % 70,
            timestamptz '2026-01-01' + g * interval '1 minute', \(point), \(terms)
          from generate_series(0, 59999) g
          """)
      }
    }
    try await city.database.execute("analyze \(identifier: table)")
  }

  static func principal(_ table: String, _ scopes: DataScope...) -> Principal {
    StoreFixture.user(
      7, scopes.map { ("\(table).view", $0) }, division: "511701", clearance: .secret)
  }

  @Test(arguments: ["building", "citizen"]) func listsAreReadByIndexesAndInOrder(_ table: String) async throws {
    let city = try await Self.makeCity(table)
    let records = city.store.records(as: Self.principal(table, .all))
    func plan(_ records: Records, _ filters: [ListFilter] = [], search: String? = nil) async throws -> String {
      try await records.plan(of: ListQuery(table, filters: filters, search: search, limit: 50))
    }
    // The declared order, and the same below each level of the division code: read from the end of an index.
    let wide = try await plan(records)
    #expect(wide.contains("\(table)_updated_at_order_idx") && !wide.contains("Sort"), "\(wide)")
    for (prefix, index) in [
      ("511701", "division_code_6_order"), ("511701003", "division_code_9_order"),
      ("511701003005", "division_code_order"),
    ] {
      let scoped = city.store.records(as: Self.principal(table, .division([prefix])))
      let filtered = [ListFilter("division_code", .prefix(prefix))]
      for text in [try await plan(scoped), try await plan(records, filtered)] {
        #expect(text.contains(index) && !text.contains("Sort") && !text.contains("Seq Scan"), "\(prefix): \(text)")
      }
    }
    // Several ways to see a record are each read by an index of its own.
    let either = city.store.records(as: Self.principal(table, .division([]), .own))
    let union = try await plan(either)
    #expect(!union.contains("Seq Scan on \(table)"), "\(union)")
    #expect(union.contains("division_code_6_order"), "\(union)")
    // Free text: rare words by the search index, common ones by the order.
    let rare = try await plan(records, search: "号31415")
    #expect(rare.contains("search_vector_idx"), "\(rare)")
    let common = try await plan(records, search: "朝阳")
    #expect(!common.contains("Seq Scan"), "\(common)")
    let inDistrict = try await plan(
      city.store.records(as: Self.principal(table, .division(["511702"]))), search: "第77")
    #expect(!inDistrict.contains("Seq Scan"), "\(inDistrict)")
    // The map.
    let box = try BoundingBox(west: 107.1, south: 31.1, east: 107.102, north: 31.11)
    let point = table == "building" ? "location" : "home"
    let map = try await plan(records, [ListFilter(point, .box(box))])
    #expect(map.contains("\(table)_\(point)_idx"), "\(map)")
  }

  @Test func anEncryptedNumberIsFoundByItsBlindIndex() async throws {
    let city = try await Self.makeCity("citizen")
    let records = city.store.records(as: Self.principal("citizen", .division([])))
    let plan = try await records.plan(
      of: ListQuery("citizen", filters: [ListFilter("phone", .equals(.text("13812345678")))]))
    #expect(plan.contains("citizen_phone_index_idx"), "\(plan)")
  }

  @Test func aFilterOfItsOwnUsesItsIndex() async throws {
    let city = try await Self.makeCity("building")
    try await city.database.execute("update building set storeys = 150 where id % 10000 = 1")
    try await city.database.execute("analyze building")
    let plan = try await city.system.plan(
      of: ListQuery("building", filters: [ListFilter("storeys", .equals(.integer(150)))]))
    #expect(plan.contains("building_storeys_idx"), "\(plan)")
  }

  @Test func everyIndexIsThereOnce() throws {
    let catalog = try Catalog.load(texts: StoreFixture.declarations)
    let building = try #require(catalog.entity("building"))
    #expect(
      building.sortableFields == [
        "id", "code", "division_code", "storeys", "unit_id", "keeper", "updated_at", "created_by", "kind",
      ])
    for entity in catalog.entities {
      let indexes = entity.plannedIndexes
      #expect(Set(indexes.map(\.name)).count == indexes.count)
      for index in indexes where !index.unique && index.body == "(\"\(index.keys.first ?? "")\")" {
        // A longer index that begins with the same column would do.
        let longer = indexes.filter { $0 != index && $0.keys.first == index.keys.first && !$0.body.contains(" where ") }
        #expect(longer.isEmpty, "\(index.name) beside \(longer.map(\.name))")
      }
    }
  }
}
