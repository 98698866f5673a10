import Access
import Core
import Entities
import Foundation
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

  @Test func aFieldThatWasAddedLaterIsLabelledBesideTheFirst() async throws {
    let (city, settings, id) = try await Self.make()
    try await settings.label("remark", of: "building", .secret, mask: .all, reason: "争议", by: Self.officer)
    try await settings.declare(
      "extend_entity: building\nfields:\n  - {name: key_holder, label: 钥匙保管人, type: text, max: 20}\n", as: "keys",
      by: .system, owner: city.database)
    try await city.system.update("building", id, version: nil, ["key_holder": .text("王某某")])
    try await settings.label("key_holder", of: "building", .sensitive, mask: .name, reason: "保护本人", by: Self.officer)
    let shown = try await city.store.records(as: Self.clerk).get("building", id)
    #expect(shown["key_holder"].text == "王**" && shown["remark"].text == "******")
    // So it is after a restart, where the texts are laid on one by one.
    let restarted = LiveCatalog(try Catalog.load(texts: StoreFixture.declarations))
    try await restarted.refresh(from: city.database)
    #expect(restarted.current.entity("building")?.field("key_holder")?.classification == .sensitive)
    #expect(restarted.current.entity("building")?.field("remark")?.classification == .secret)
  }

  private static let stall = """
    entity: stall
    label: 摊位
    area: spine
    title: name
    fields:
      - {name: name, label: 名称, type: text, max: 20}
      - {name: owner, label: 业主, type: text, max: 20}
    """

  /// What the next version of the product makes of `building`: the remark is searched and the title, and two figures are
  /// worked out from it.
  private static let upgraded = StoreFixture.building
    .replacingOccurrences(of: "title: name", with: "title: remark")
    .replacingOccurrences(of: "search: [name, code]", with: "search: [name, code, remark]")
    .replacingOccurrences(
      of: "rules:\n",
      with: """
          - {name: brief, label: 简称, type: text, computed: "lower(remark)"}
          - {name: long, label: 备注长, type: boolean, computed: "length(brief) > 3"}
        rules:

        """)

  @Test func labelsHoldWhateverAnUpgradeMakesOfTheirFieldsAndNeverStopTheStart() async throws {
    let texts = StoreFixture.declarations
    let city = try await StoreFixture.make(texts + [("stall.yaml", Self.stall)])
    let before = RuntimeSettings(
      database: city.database, catalogs: city.catalogs, audit: city.audit, clock: city.clock.clock)
    let made = try await city.system.insert(
      "building", ["name": .text("朝阳花园三栋"), "division_code": .text("511702001"), "remark": .text("Secret words")])
    try await before.label("remark", of: "building", .secret, mask: .all, reason: "争议", by: Self.officer)
    try await before.label("owner", of: "stall", .sensitive, mask: .name, reason: "保护本人", by: Self.officer)

    let next = texts.map { $0.name == "building.yaml" ? (name: $0.name, text: Self.upgraded) : $0 }
    let catalogs = LiveCatalog(try Catalog.load(texts: next))
    try await catalogs.refresh(from: city.database)
    let building = try #require(catalogs.current.entity("building"))
    #expect(building.field("remark")?.classification == .secret && building.list.search == ["name", "code"])
    #expect(building.title == "id")
    let told = catalogs.labelFindings.map(\.message).joined(separator: "\n")
    #expect(told.contains("stall") && told.contains("全文检索") && told.contains("名称"), "\(told)")
    let store = RecordStore(
      database: city.database, catalogs: catalogs, keys: city.keys, audit: city.audit, clock: city.clock.clock)
    // What is worked out from it tells no more than it does.
    let shown = try await store.records(as: Self.clerk).get("building", made.id)
    #expect(["remark", "brief"].map { shown[$0].text } == ["******", "******"])
    #expect(shown["long"].isNull && shown.masked.isSuperset(of: ["remark", "brief", "long"]))
    try await store.records(as: .system).update("building", made.id, version: nil, ["remark": .text("Other words")])
    let found = try await store.records(as: Self.clerk).list(ListQuery("building", search: "words")).records
    #expect(found.isEmpty)
    // Work goes on: fields are added, labels given and taken back.
    let settings = RuntimeSettings(
      database: city.database, catalogs: catalogs, audit: city.audit, clock: city.clock.clock)
    try await settings.declare(
      "extend_entity: building\nfields:\n  - {name: key_holder, label: 钥匙保管人, type: text, max: 20}\n", as: "keys",
      by: .system, owner: city.database)
    try await settings.label("kind", of: "building", .sensitive, mask: .all, reason: "保密", by: Self.officer)
    #expect(catalogs.current.entity("building")?.field("remark")?.classification == .secret)
    try await settings.withdraw("keys", by: .system)
    try await settings.label("remark", of: "building", .inner, reason: "事情已了", by: Self.officer)
    #expect(catalogs.current.entity("building")?.title == "remark")
  }

  @Test func whatOthersGatherOfALabelledFieldIsHiddenToo() async throws {
    let member = """
      entity: member
      label: 会员
      area: spine
      title: name
      fields:
        - {name: name, label: 姓名, type: text, max: 20}
        - {name: teams, label: 队伍, type: ref, entity: team, gathered: {register: joining, field: member_id, show: team_id}}
      """
    let joining = """
      entity: joining
      label: 入队
      area: spine
      title: id
      fields:
        - {name: member_id, label: 会员, type: ref, entity: member}
        - {name: team_id, label: 队伍, type: ref, entity: team}
      """
    let labels = "extend_entity: joining\nlabels:\n  - {field: team_id, level: sensitive, mask: all}\n"
    let team = "entity: team\nlabel: 队\narea: spine\ntitle: name\nfields: [{name: name, label: 名称, type: text}]\n"
    let texts = [("member.yaml", member), ("joining.yaml", joining), ("team.yaml", team)]
    let city = try await StoreFixture.make(texts.map { (name: $0.0, text: $0.1) })
    try await city.database.execute(
      """
      insert into runtime_declaration (origin, yaml, updated_at, updated_by)
      values ('labels.joining', \(labels), now(), 0)
      """)
    try await city.catalogs.refresh(from: city.database)
    let teams = try #require(city.catalogs.current.entity("member")?.field("teams"))
    #expect(teams.classification == .sensitive && teams.raisedFrom == .inner)
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
