import Access
import Core
import Entities
import SQL
import TestSupport
import Testing

/// Sensitive labels (敏感标记, D2-570): the level of a field is raised while the product runs.
@Suite struct StoreLabelTests {
  private static let officer = StoreFixture.user(5, [("policy.update", .all), ("policy.view", .all)])
  private static let clerk = StoreFixture.user(7, [("building.view", .all), ("building.export", .all)])

  private static func make() async throws -> (city: StoreFixture, settings: RuntimeSettings, id: Int64) {
    let (city, settings) = try await StoreSettingsTests.make()
    let made = try await city.system.insert(
      "building", ["name": .text("朝阳花园三栋"), "division_code": .text("511702001"), "remark": .text("产权有争议")])
    return (city, settings, made.id)
  }

  @Test func aRaisedFieldIsMaskedEverywhereAtOnce() async throws {
    let (city, settings, id) = try await Self.make()
    let records = city.store.records(as: Self.clerk)
    #expect(try await records.get("building", id)["name"].text == "朝阳花园三栋")
    try await settings.label(
      "name", of: "building", .sensitive, mask: .name, reason: "涉及在侦案件", by: Self.officer)
    try await settings.label("remark", of: "building", .secret, mask: .all, reason: "涉及在侦案件", by: Self.officer)
    let shown = try await records.get("building", id)
    #expect(shown["name"].text == "朝*****" && shown["remark"].text == "******")
    #expect(shown.masked == ["name", "remark"])
    let refusal = await #expect(throws: Refusal.self) {
      try await records.list(ListQuery("building", filters: [ListFilter("name", .prefix("朝阳"))]))
    }
    #expect(refusal?.code == "filter-masked")
    let exported = Rows()
    _ = try await records.export(ListQuery("building", columns: ["name", "remark"])) { exported.add($0) }
    #expect(exported.texts == ["朝*****", "******"])
    // A program that is cleared for one of them reads that one.
    let key = StoreFixture.user(9, [("building.view", .all)], clearance: .sensitive, kind: .key)
    let read = try await city.store.records(as: key).get("building", id)
    #expect(read["name"].text == "朝阳花园三栋" && read["remark"].text == "******")
    // What is shown in full for a purpose is audited as with any masked field.
    let trusted = StoreFixture.user(8, [("building.view", .all), ("building.reveal", .all)], clearance: .secret)
    let revealed = try await city.store.records(as: trusted, purpose: "核对产权").get("building", id, reveal: true)
    #expect(revealed["remark"].text == "产权有争议")
    let audited: [String] = try await city.database.query(
      "select action || ' ' || coalesce(purpose, '') from audit_entry where action in ('policy.label', 'building.reveal') order by id"
    ).values()
    #expect(audited == ["policy.label 涉及在侦案件", "policy.label 涉及在侦案件", "building.reveal 核对产权"])
  }

  @Test func theDeclaredLevelIsTheLowestAndTakesTheLabelAway() async throws {
    let (city, settings, id) = try await Self.make()
    let below = await #expect(throws: Refusal.self) {
      try await settings.label("phone", of: "citizen", .inner, reason: "公开", by: Self.officer)
    }
    #expect(below?.code == "label-below-declared")
    try await settings.label("remark", of: "building", .secret, mask: .all, reason: "暂时", by: Self.officer)
    #expect(try city.entity("building").field("remark")?.raisedFrom == .inner)
    #expect(try await settings.labelChanges().keys.sorted() == ["building"])
    try await settings.label("remark", of: "building", .inner, reason: "事情已了", by: Self.officer)
    let field = try #require(try city.entity("building").field("remark"))
    #expect(field.classification == .inner && field.raisedFrom == nil && field.mask == nil)
    #expect(try await city.store.records(as: Self.clerk).get("building", id)["remark"].text == "产权有争议")
    #expect(try await settings.declarations().isEmpty)
    #expect(try city.entity("building").origin == .shipped)
  }

  @Test func whatCannotBeOrMayNotBeIsRefusedAndChangesNothing() async throws {
    let (city, settings, _) = try await Self.make()
    let administrator = StoreFixture.user(6, [("entity.update", .all), ("entity.view", .all)])
    try await settings.label("remark", of: "building", .secret, mask: .all, reason: "争议", by: Self.officer)
    let calls: [(String, @Sendable () async throws -> Void)] = [
      (
        "field-unknown", { try await settings.label("nothing", of: "building", .secret, reason: "甲", by: Self.officer) }
      ),
      ("label-mask", { try await settings.label("name", of: "building", .sensitive, reason: "甲", by: Self.officer) }),
      (
        "label-reason",
        { try await settings.label("kind", of: "building", .sensitive, mask: .all, reason: " ", by: Self.officer) }
      ),
      // It stands in the search box of the list, which a secret may not.
      (
        "label-unfit",
        { try await settings.label("name", of: "building", .secret, mask: .all, reason: "甲", by: Self.officer) }
      ),
      (
        "permission-missing",
        { try await settings.label("kind", of: "building", .sensitive, reason: "甲", by: administrator) }
      ),
      ("label-not-yours", { try await settings.withdraw("labels.building", by: administrator) }),
      ("label-not-yours", { _ = try await settings.withdrawal(of: "labels.building", by: administrator) }),
      (
        "label-not-yours",
        {
          try await settings.declare(
            "extend_entity: building\nhelp: x\n", as: "labels.building", by: administrator, owner: city.database)
        }
      ),
    ]
    for (code, call) in calls {
      let refusal = await #expect(throws: Refusal.self) { try await call() }
      #expect(refusal?.code == code)
    }
    #expect(try city.entity("building").field("name")?.classification == .inner)
    #expect(try city.entity("building").field("remark")?.classification == .secret)
  }

  @Test func aLabelOutlivesAnUpgradeAndNeverLowers() throws {
    let labels = """
      extend_entity: citizen
      labels:
        - {field: phone, level: inner}
        - {field: gone, level: secret, mask: all}
      """
    let reading = CatalogReading(texts: StoreFixture.declarations + [("labels.yaml", labels)])
    let findings = reading.allFindings()
    #expect(!findings.hasErrors, "\(findings.map(\.description))")
    let phone = try #require(reading.catalog.entity("citizen")?.field("phone"))
    #expect(phone.classification >= .sensitive && phone.raisedFrom == nil)
    let wrong = CatalogReading(
      texts: StoreFixture.declarations + [("l.yaml", "extend_entity: citizen\nlabels: [{field: phone, level: top}]\n")])
    #expect(wrong.allFindings().hasErrors)
  }

  @Test func anotherProcessHearsOfALabel() async throws {
    let (city, settings, _) = try await Self.make()
    let other = LiveCatalog(try Catalog.load(texts: StoreFixture.declarations))
    let following = Task { await other.run(on: city.database, log: .silent) }
    defer { following.cancel() }
    try await settings.label("remark", of: "building", .secret, mask: .all, reason: "争议", by: Self.officer)
    #expect(try await eventually { other.current.entity("building")?.field("remark")?.classification == .secret })
  }

  /// The texts of exported rows.
  private final class Rows: @unchecked Sendable {
    // Unchecked: one export adds to it, batch after batch.
    private(set) var texts: [String] = []
    func add(_ records: [Record]) {
      for record in records { texts += ["name", "remark"].map { record[$0].plainText } }
    }
  }
}
