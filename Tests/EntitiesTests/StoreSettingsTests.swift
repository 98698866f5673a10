import Access
import Core
import Entities
import SQL
import TestSupport
import Testing

@Suite struct StoreSettingsTests {
  static func make() async throws -> (city: StoreFixture, settings: RuntimeSettings) {
    let city = try await StoreFixture.make()
    let settings = RuntimeSettings(
      database: city.database, catalogs: city.catalogs, audit: city.audit, clock: city.clock.clock)
    return (city, settings)
  }

  @Test func aCodeAddedAtRunTimeCanBeUsedAndARetiredOneNoLonger() async throws {
    let (city, settings) = try await Self.make()
    try await settings.put("temple", label: "寺庙", in: "building_kind", by: .system)
    let made = try await city.system.insert(
      "building", ["name": .text("甲"), "division_code": .text("511702"), "kind": .text("temple")])
    #expect(made.titles["kind"] == "寺庙")
    try await settings.put("temple", label: "宗教场所", in: "building_kind", retired: true, by: .system)
    #expect(try await city.system.get("building", made.id).titles["kind"] == "宗教场所")
    await #expect(throws: Refusal.self) {
      try await city.system.insert(
        "building", ["name": .text("乙"), "division_code": .text("511702"), "kind": .text("temple")])
    }
    // What stands may stay when something else changes.
    try await city.system.update("building", made.id, version: 1, ["name": .text("丙")])
    #expect(city.catalogs.current.dictionary("building_kind")?.codes.map(\.label) == ["住宅", "写字楼", "学校", "宗教场所"])
  }

  @Test func codesThatDoNotFitAreRefused() async throws {
    let (_, settings) = try await Self.make()
    let calls: [(String, @Sendable () async throws -> Void)] = [
      ("dictionary-unknown", { try await settings.put("a", label: "甲", in: "nothing", by: .system) }),
      ("code-invalid", { try await settings.put("a b", label: "甲", in: "building_kind", by: .system) }),
      ("label-taken", { try await settings.put("a", label: "住宅", in: "building_kind", by: .system) }),
      ("label-invalid", { try await settings.put("a", label: " ", in: "building_kind", by: .system) }),
      ("parent-unknown", { try await settings.put("a", label: "甲", in: "building_kind", parent: "b", by: .system) }),
      (
        "permission-missing",
        { try await settings.put("a", label: "甲", in: "building_kind", by: StoreFixture.user(7, [])) }
      ),
    ]
    for (code, call) in calls {
      let refusal = await #expect(throws: Refusal.self) { try await call() }
      #expect(refusal?.code == code)
    }
  }

  @Test func anotherProcessHearsOfAChange() async throws {
    let (city, settings) = try await Self.make()
    let other = LiveCatalog(try Catalog.load(texts: StoreFixture.declarations))
    let following = Task { await other.run(on: city.database, log: .silent) }
    defer { following.cancel() }
    try await settings.put("temple", label: "寺庙", in: "building_kind", by: .system)
    #expect(try await eventually { other.current.dictionary("building_kind")?.code("temple") != nil })
  }

  @Test func aRegisterMadeInTheBrowserWorksAtOnceAndAfterARestart() async throws {
    let (city, settings) = try await Self.make()
    let yaml = """
      entity: stall
      label: 摊位
      area: runtime
      title: name
      fields:
        - {name: name, label: 名称, type: text, max: 20, required: true}
        - {name: building_id, label: 楼栋, type: ref, entity: building}
      list: {columns: [name, building_id], sort: name, search: [name]}
      form: {sections: [{label: 基本信息, fields: [name, building_id]}]}
      """
    let plan = try await settings.declare(yaml, as: "stall", by: .system, owner: city.database)
    #expect(plan.steps.contains { $0.kind == .table && $0.entity == "stall" })
    try await city.system.insert("stall", ["name": .text("早点")])
    try await settings.declare(
      "extend_entity: stall\nfields:\n  - {name: rent, label: 租金, type: money}\n", as: "stall-rent", by: .system,
      owner: city.database)
    let made = try await city.system.insert("stall", ["name": .text("水果"), "rent": .money(Money(fen: 100))])
    let restarted = LiveCatalog(try Catalog.load(texts: StoreFixture.declarations))
    try await restarted.refresh(from: city.database)
    #expect(restarted.current.entity("stall")?.field("rent") != nil)
    #expect(try await settings.declarations().map(\.name) == ["stall", "stall-rent"])
    await #expect(throws: (any Error).self) { try await settings.withdraw("stall", by: .system) }
    try await settings.withdraw("stall-rent", by: .system)
    #expect(try await city.system.get("stall", made.id)["name"] == .text("水果"))
    await #expect(throws: (any Error).self) {
      try await settings.declare("entity: x\nlabel: y\nfields: []\n", as: "bad", by: .system, owner: city.database)
    }
    #expect(city.catalogs.current.entity("x") == nil)
  }

  @Test func parametersKeepTheirLimitsAndComeBackAfterARestart() async throws {
    let city = try await StoreFixture.make()
    let parameters = Parameters(city.catalogs)
    #expect(try parameters.integer("test.page_rows") == 20)
    func set(_ text: String?) async throws {
      try await parameters.set("test.page_rows", text, by: .system, audit: city.audit, database: city.database)
    }
    try await set("５０")
    #expect(try parameters.integer("test.page_rows") == 50)
    for wrong in ["0", "101", "many", ""] { await #expect(throws: Refusal.self) { try await set(wrong) } }
    let restarted = Parameters(city.catalogs)
    try await restarted.refresh(from: city.database)
    #expect(try restarted.integer("test.page_rows") == 50)
    try await set(nil)
    #expect(try parameters.integer("test.page_rows") == 20)
    #expect(throws: Fault.self) { try parameters.integer("test.unknown") }
    #expect(throws: Fault.self) { try parameters.text("test.page_rows") }
  }
}
