import Access
import Core
import Entities
import SQL
import TestSupport
import Testing

@Suite struct StoreSchemaTests {
  @Test func aPlanThatWasAppliedLeavesNothingToDo() async throws {
    let city = try await StoreFixture.make()
    let plan = try await SchemaPlan.read(city.catalogs.current, from: city.database)
    #expect(plan.isEmpty, "\(plan.text)")
    #expect(plan.text.contains("无需变更"))
  }

  @Test func theTextOfAPlanIsSQLThatMakesTheSameTables() async throws {
    let database = try await TestDatabase.make()
    let catalog = try Catalog.load(texts: StoreFixture.declarations)
    _ = try await Migrator(log: .silent).run(StoreMigrations.all, on: database)
    let plan = try await SchemaPlan.read(catalog, from: database)
    try await database.transaction { try await $0.execute(unsafe: plan.text) }
    #expect(try await SchemaPlan.read(catalog, from: database).isEmpty)
  }

  @Test func aFieldThatIsDeclaredLaterIsAddedToRecordsAndHistory() async throws {
    let city = try await StoreFixture.make()
    let building = try await city.system.insert(
      "building", ["name": .text("甲栋"), "division_code": .text("511702")])
    let catalog = try city.catalogs.current.adding(
      yaml: "extend_entity: building\nfields:\n  - {name: colour, label: 颜色, type: text, max: 10}\n", origin: "colour")
    let plan = try await SchemaPlan.apply(catalog, to: city.database)
    #expect(plan.steps.map(\.kind) == [.column, .column, .trigger, .trigger, .trigger])
    #expect(try await SchemaPlan.read(catalog, from: city.database).isEmpty)
    let later = RecordStore(
      database: city.database, catalogs: LiveCatalog(catalog), keys: city.keys, audit: city.audit,
      clock: city.clock.clock)
    let records = later.records(as: .system)
    try await records.update("building", building.id, version: 1, ["colour": .text("红")])
    try await records.update("building", building.id, version: 2, ["colour": .text("蓝")])
    let versions = try await records.versions("building", building.id)
    #expect(versions.map { $0.record["colour"] } == [.text("蓝"), .text("红"), .null])
  }

  @Test func anotherTypeIsRefusedAndNamed() async throws {
    let city = try await StoreFixture.make()
    let changed = StoreFixture.declarations.map { name, text in
      (
        name,
        text.replacing("label: 层数, type: integer, min: 1, max: 200", with: "label: 层数, type: date")
          .replacing("storeys < 100 or kind == 'office'", with: "kind != null").replacing("and storeys > 3", with: "")
          .replacing(", \"sum(storeys)\"", with: "").replacing("storeys.from=8", with: "kind=office")
          .replacing("of: sum(storeys)", with: "of: count")
      )
    }
    let catalog = try Catalog.load(texts: changed)
    let plan = try await SchemaPlan.read(catalog, from: city.database)
    #expect(plan.obstacles.map(\.column) == ["storeys"])
    #expect(plan.obstacles.first?.explanation.contains("bigint") == true)
    await #expect(throws: Refusal.self) { try await SchemaPlan.apply(catalog, to: city.database) }
  }

  @Test func aTableOfTheSystemIsNotTakenForARegister() async throws {
    let city = try await StoreFixture.make()
    let catalog = try Catalog.load(
      texts: [
        (
          "a.yaml",
          "entity: number_series\nlabel: 序列\narea: x\ntitle: name\nfields:\n  - {name: name, label: 名称, type: text, max: 9}\n"
        )
      ])
    let plan = try await SchemaPlan.read(catalog, from: city.database)
    #expect(plan.obstacles.map(\.entity) == ["number_series"])
    await #expect(throws: Refusal.self) { try await SchemaPlan.apply(catalog, to: city.database) }
  }

  @Test func aUniqueRuleThatDoesNotHoldYetChangesNothing() async throws {
    let city = try await StoreFixture.make()
    for _ in 0..<2 {
      try await city.system.insert("building", ["name": .text("同名"), "division_code": .text("511702")])
    }
    let catalog = try city.catalogs.current.adding(
      yaml: "extend_entity: building\nunique: [[name]]\n", origin: "unique-name")
    let refusal = await #expect(throws: Refusal.self) { try await SchemaPlan.apply(catalog, to: city.database) }
    #expect(refusal?.code == "schema-duplicates")
    #expect(try await SchemaPlan.read(city.catalogs.current, from: city.database).isEmpty)
  }

  @Test func aColumnThatIsNoLongerDeclaredIsKeptAndDoesNotBlock() async throws {
    let city = try await StoreFixture.make()
    let fewer = StoreFixture.declarations.map { name, text in
      (
        name,
        text.replacing("  - {name: name, label: 名称, type: text, max: 60, required: true}\n", with: "")
          .replacing(
            "title: name\nscope:\n  division: division_code\n  unit: unit_id\n  owner: keeper",
            with: "title: code\nscope:\n  division: division_code\n  unit: unit_id\n  owner: keeper"
          )
          .replacing("[code, name, kind, division_code, storeys, age]", with: "[code, kind]")
          .replacing("search: [name, code], page: 20", with: "search: [code], page: 20")
          .replacing("fields: [name, kind, division_code, storeys]", with: "fields: [kind]")
      )
    }
    let catalog = try Catalog.load(texts: fewer)
    let plan = try await SchemaPlan.apply(catalog, to: city.database)
    #expect(plan.remarks.contains { $0.contains("building.name") })
    #expect(plan.steps.map(\.kind) == [.relaxation])
    let store = RecordStore(
      database: city.database, catalogs: LiveCatalog(catalog), keys: city.keys, audit: city.audit)
    let made = try await store.records(as: .system).insert("building", ["division_code": .text("511702")])
    #expect(made.id > 0)
  }

  @Test func theApplicationRoleCannotWriteHistoryOrChangeTables() async throws {
    let administrator = try await TestDatabase.make { $0.role = nil }
    let outcome = try await DatabaseRoles.prepare(on: administrator, owner: "lifang_test")
    #expect(outcome.hasRole && outcome.hasLeakproof)
    let owner = await TestDatabase.pool(on: administrator) { $0.role = "lifang_test" }
    _ = try await Migrator(log: .silent).run(StoreMigrations.all, on: owner)
    try await SchemaPlan.apply(try Catalog.load(texts: StoreFixture.declarations), to: owner)
    let application = await TestDatabase.pool(on: administrator) { $0.role = DatabaseRoles.application }
    _ = try await application.query("select count(*) from building_history")
    for forbidden in ["delete from building_history", "drop table building", "alter table building add column x text"] {
      let failure = await #expect(throws: SQLFailure.self) { try await application.execute(SQL(unsafe: forbidden)) }
      #expect(failure?.sqlState == "42501", "\(forbidden)")
    }
    await owner.close()
    await application.close()
  }
}
