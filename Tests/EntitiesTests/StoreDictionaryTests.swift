import Access
import Core
import Entities
import SQL
import TestSupport
import Testing
import YAML

/// What administrators may do with codes, and what stays as it was delivered.
@Suite struct StoreDictionaryTests {
  private func codes(_ city: StoreFixture) -> [String] {
    city.catalogs.current.dictionary("building_kind")?.codes.map(\.code) ?? []
  }

  private func refusal(_ body: () async throws -> Void) async -> String? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? Refusal)?.code
    }
  }

  @Test func aDeliveredCodeKeepsItsMeaningAndMayOnlyBeRetiredOrExplained() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    let renamed = await refusal { try await settings.put("school", label: "校园", in: "building_kind", by: .system) }
    #expect(renamed == "code-fixed")
    let moved = await refusal {
      try await settings.put("school", label: "学校", in: "building_kind", parent: "office", by: .system)
    }
    #expect(moved == "code-fixed")
    try await settings.put("school", label: "学校", in: "building_kind", retired: true, help: "含幼儿园", by: .system)
    let code = try #require(city.catalogs.current.dictionary("building_kind")?.code("school"))
    #expect(code.retired && code.help == "含幼儿园" && code.label == "学校")
    #expect(try await settings.codeChanges(in: "building_kind")["school"]?.by == 0)
  }

  @Test func aCodeThatDeclarationsWriteCannotBeRetired() async throws {
    let (_, settings) = try await StoreSettingsTests.make()
    let refused = await refusal {
      try await settings.put("residential", label: "住宅", in: "building_kind", retired: true, by: .system)
    }
    #expect(refused == "code-needed")
  }

  @Test func anOrderIsKeptAcrossRestartsAndNewCodesFollow() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    try await settings.put("temple", label: "寺庙", in: "building_kind", by: .system)
    try await settings.move("temple", up: true, in: "building_kind", by: .system)
    try await settings.move("residential", up: true, in: "building_kind", by: .system)
    try await settings.move("residential", up: false, in: "building_kind", by: .system)
    #expect(codes(city) == ["office", "residential", "temple", "school"])
    try await settings.put("mill", label: "作坊", in: "building_kind", by: .system)
    let restarted = LiveCatalog(try Catalog.load(texts: StoreFixture.declarations))
    try await restarted.refresh(from: city.database)
    #expect(
      restarted.current.dictionary("building_kind")?.codes.map(\.code) == [
        "office", "residential", "temple", "school", "mill",
      ])
  }

  @Test func childrenAreOrderedAmongThemselvesAndNeverAboveThemselves() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    for (code, label, parent) in [("a", "甲", "school"), ("b", "乙", "school"), ("c", "丙", "a")] {
      try await settings.put(code, label: label, in: "building_kind", parent: parent, isNew: true, by: .system)
    }
    try await settings.move("b", up: true, in: "building_kind", by: .system)
    #expect(city.catalogs.current.dictionary("building_kind")?.children(of: "school").map(\.code) == ["b", "a"])
    let circle = await refusal {
      try await settings.put("a", label: "甲", in: "building_kind", parent: "c", by: .system)
    }
    #expect(circle == "parent-circle")
    let taken = await refusal {
      try await settings.put("a", label: "另一个", in: "building_kind", isNew: true, by: .system)
    }
    #expect(taken == "code-taken")
  }

  @Test func onlyARetiredCodeThatNoRecordEverHeldGoes() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    func remove(_ code: String) async -> String? {
      await refusal { try await settings.remove(code, from: "building_kind", by: .system) }
    }
    #expect(await remove("school") == "code-fixed")
    try await settings.put("temple", label: "寺庙", in: "building_kind", by: .system)
    #expect(await remove("temple") == "code-offered")
    let made = try await city.system.insert(
      "building", ["name": .text("甲"), "division_code": .text("511702"), "kind": .text("temple")])
    try await city.system.update("building", made.id, version: 1, ["kind": .text("school")])
    try await settings.put("temple", label: "寺庙", in: "building_kind", retired: true, by: .system)
    // The past version still says so.
    #expect(await remove("temple") == "code-used")
    #expect(try await settings.uses(of: "temple", in: "building_kind").map(\.field.name) == ["kind"])
    try await settings.put("mill", label: "作坊", in: "building_kind", retired: true, by: .system)
    #expect(await remove("mill") == nil)
    #expect(codes(city) == ["residential", "office", "school", "temple"])
  }

  @Test func eachStepNeedsItsOwnRight() async throws {
    let (_, settings) = try await StoreSettingsTests.make()
    let clerk = StoreFixture.user(7, [("dictionary.update", .all)])
    let created = await refusal { try await settings.put("mill", label: "作坊", in: "building_kind", by: clerk) }
    #expect(created == "permission-missing")
    try await settings.put("mill", label: "作坊", in: "building_kind", by: .system)
    try await settings.put("mill", label: "工坊", in: "building_kind", retired: true, by: clerk)
    let removed = await refusal { try await settings.remove("mill", from: "building_kind", by: clerk) }
    #expect(removed == "permission-missing")
  }

  // MARK: Declarations

  @Test func aPreviewShowsFindingsOrThePlanAndChangesNothing() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    let wrong = "extend_entity: room\nfields:\n  - name: owner_phone\n    label: 电话\n    type: phon\n"
    let refused = try await settings.preview(wrong, as: "room-owner_phone", by: .system)
    #expect(!refused.isUsable && refused.findings.contains { $0.position.line == 5 })
    let right = "extend_entity: room\nfields:\n  - {name: area, label: 面积, type: decimal, into: [columns, search]}\n"
    let preview = try await settings.preview(right, as: "room-area", by: .system)
    #expect(!preview.isUsable, "a number cannot be searched by words")
    let plan = try await settings.preview(
      right.replacing(", search", with: ""), as: "room-area", by: .system)
    #expect(plan.isUsable)
    #expect(plan.plan?.steps.contains { $0.kind == .column && $0.entity == "room" } == true)
    #expect(city.catalogs.current.entity("room")?.field("area") == nil)
    #expect(try await settings.declarations().isEmpty)
  }

  @Test func aFieldAddedIntoTheListStandsThereUntilItIsTakenBack() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    for name in ["area", "height"] {
      let yaml = "extend_entity: room\nfields:\n  - {name: \(name), label: \(name), type: decimal, into: [columns]}\n"
      try await settings.declare(yaml, as: "room-\(name)", by: .system, owner: city.database)
    }
    #expect(
      city.catalogs.current.entity("room")?.list.columns == ["number", "building_id", "owner_id", "area", "height"])
    let building = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    try await city.system.insert(
      "room",
      [
        "building_id": .integer(building.id), "number": .text("101"),
        "area": .decimal(FixedDecimal(millionths: 90_000_000)),
      ])
    let withdrawal = try await settings.withdrawal(of: "room-area", by: .system)
    #expect(withdrawal.losses.map(\.field?.name) == ["area"] && withdrawal.losses.map(\.records) == [1])
    try await settings.withdraw("room-area", by: .system)
    #expect(city.catalogs.current.entity("room")?.list.columns == ["number", "building_id", "owner_id", "height"])
  }

  @Test func whatAnotherDeclarationNeedsCannotBeTakenBack() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    let stall = "entity: stall\nlabel: 摊位\nfields:\n  - {name: name, label: 名称, type: text, max: 20}\n"
    try await settings.declare(stall, as: "stall", by: .system, owner: city.database)
    try await settings.declare(
      "extend_entity: stall\nfields:\n  - {name: rent, label: 租金, type: money}\n", as: "stall-rent", by: .system,
      owner: city.database)
    let withdrawal = try await settings.withdrawal(of: "stall", by: .system)
    #expect(withdrawal.blockers.contains { $0.position.file == "stall-rent" })
  }
}
