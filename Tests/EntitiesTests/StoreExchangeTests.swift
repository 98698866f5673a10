import Access
import Core
import Entities
import TestSupport
import Testing

/// What the pages of export and import ask of declarations and of the store.
@Suite struct StoreExchangeTests {
  static func catalog(import rule: String) throws -> Catalog {
    try Catalog.load(texts: [
      (
        "shop.yaml",
        """
        entity: shop
        label: 店铺
        area: spine
        \(rule)
        fields: [{name: name, label: 名称, type: text, max: 20}]
        form: {sections: [{label: 基本信息, fields: [name]}]}
        """
      )
    ])
  }

  @Test(arguments: [
    ("", ImportRule.standard), ("import: true", .standard), ("import: false", .closed),
    ("import: /import/shops", .page("/import/shops")),
  ])
  func aDeclarationSaysHowTablesComeIn(rule: String, expected: ImportRule) throws {
    #expect(try Self.catalog(import: rule).entity("shop")?.imports == expected)
  }

  @Test(arguments: ["import: shops", "import: //example.com", "import: [a]", "import: /a b"])
  func anImportPageIsAPathOfThisSite(rule: String) throws {
    #expect(throws: (any Error).self) { try Self.catalog(import: rule) }
  }

  @Test func peopleFillWhatFormsAskForAndKeysButNoSystemFieldsOrFormulas() async throws {
    let city = try await StoreFixture.make()
    let names = ImportSpec.fields(of: try city.entity("building")).map(\.name)
    #expect(names.contains("code") && names.contains("name") && names.contains("extra"))
    #expect(!names.contains("status") && !names.contains("age"))
  }

  @Test func anExportIsCountedInTheScopeOfExportingUpToALimit() async throws {
    let city = try await StoreFixture.make()
    for index in 1...12 {
      try await city.system.insert(
        "building",
        ["name": .text("楼\(index)"), "division_code": .text(index <= 8 ? "511702" : "511703")])
    }
    let clerk = city.store.records(
      as: StoreFixture.user(7, [("building.export", .division([])), ("building.view", .all)]))
    #expect(try await clerk.exportCount(ListQuery("building"), upTo: 100) == 8)
    #expect(try await clerk.exportCount(ListQuery("building"), upTo: 5) == 5)
    let some = ListQuery("building", filters: [ListFilter("name", .contains("楼1"))])
    #expect(try await clerk.exportCount(some, upTo: 100) == 1)
    let viewer = city.store.records(as: StoreFixture.user(8, [("building.view", .all)]))
    let refusal = await #expect(throws: Refusal.self) {
      _ = try await viewer.exportCount(ListQuery("building"), upTo: 1)
    }
    #expect(refusal?.code == "permission-missing")
    let past = await #expect(throws: Refusal.self) {
      _ = try await clerk.exportCount(ListQuery("building", asOf: StoreFixture.noon), upTo: 1)
    }
    #expect(past?.code == "permission-missing")
  }

  /// Rejected rows keep what was sent, of whatever district.
  @Test func anImportIsReadByWhoStartedItAndWhoImportsEverywhere() async throws {
    let city = try await StoreFixture.make()
    let spec = ImportSpec(entity: "citizen", columns: ["name", "phone"], label: "居民.csv")
    func records(_ id: Int64, _ scope: DataScope) -> Records {
      city.store.records(as: StoreFixture.user(id, [("citizen.import", scope)]))
    }
    let mine = records(7, .division([]))
    let run = try await RecordImporter(mine, spec).begin()
    #expect(try await mine.importRuns(of: "citizen").map(\.id) == [run.id])
    #expect(try await records(9, .all).importRun(run.id).id == run.id)
    #expect(try await records(9, .all).importRuns(of: "citizen").map(\.id) == [run.id])
    #expect(try await mine.importRuns(of: "building").isEmpty)
    let other = records(8, .division([]))
    #expect(try await other.importRuns(of: "citizen").isEmpty)
    let refusal = await #expect(throws: Refusal.self) { _ = try await other.importOutcomes(run.id) }
    #expect(refusal?.code == "import-missing")
  }

  @Test func divisionsAreImportedByCodeOrName() async throws {
    let register = (
      name: "ward.yaml",
      text: """
      entity: ward
      label: 区划
      area: spine
      divisions: code
      fields:
        - {name: code, label: 代码, type: division, unique: true, required: true}
        - {name: name, label: 名称, type: text, max: 20, required: true}
      form: {sections: [{label: 基本信息, fields: [code, name]}]}
      """
    )
    let city = try await StoreFixture.make(StoreFixture.declarations + [register])
    for (code, name) in [("511702", "通川区"), ("511703", "达川区"), ("511702001", "东城街道")] {
      try await city.system.insert("ward", ["code": .text(code), "name": .text(name)])
    }
    // The names are held for a minute, and were first asked for when only some were there.
    city.clock.advance(seconds: 90)
    let spec = ImportSpec(entity: "building", columns: ["name", "division_code"], label: "x")
    let rows = StoreImportTests.rows([
      ["甲", "通川区东城街道"], ["乙", "达川区"], ["丙", "511702001000"], ["丁", "宣汉县"], ["戊", "东城街道"],
    ])
    let run = try await StoreImportTests.run(city, rows, spec)
    #expect(run.tally.created == 4 && run.tally.rejected == 1)
    let query = ListQuery("building", sort: [.init(field: "id", descending: false)], columns: ["division_code"])
    let codes = try await city.system.list(query).records.map { $0["division_code"].plainText }
    #expect(codes == ["511702001", "511703", "511702001", "511702001"])
    #expect(try await city.system.importOutcomes(run.id, results: [.rejected]).map(\.field) == ["division_code"])
  }
}
