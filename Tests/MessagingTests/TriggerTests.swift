import Access
import Audit
import Core
import Crypto
import Entities
import Messaging
import SQL
import TestSupport
import Testing

/// Messages that records send when a condition begins to hold (触发条件, B4-247, B4-258), and what they may not tell.
@Suite struct TriggerTests {
  private static let declarations: [(name: String, text: String)] = [
    (
      "app_user.yaml",
      "entity: app_user\nlabel: 用户\narea: platform\ntitle: name\nfields: [{name: name, label: 姓名, type: text, max: 20}]\n"
    ),
    (
      "lamp.yaml",
      """
      entity: lamp
      label: 路灯
      area: runtime
      title: number
      fields:
        - {name: number, label: 编号, type: text, max: 20}
        - {name: place, label: 位置, type: text, max: 40}
        - {name: fault, label: 故障, type: text, max: 40}
        - {name: keeper_id, label: 维护人, type: ref, entity: app_user}
      """
    ),
    (
      "told.yaml",
      """
      message: lamp_broken
      label: 路灯坏了
      channels: [site]
      title: 路灯{number}坏了
      text: 在{place}，由{keeper}维护。
      trigger: {register: lamp, when: "fault != null", to: {user: keeper_id}}
      variables:
        - {name: number, label: 编号, value: "number"}
        - {name: place, label: 位置, value: "place"}
        - {name: keeper, label: 维护人, value: "keeper_id"}
      """
    ),
  ]

  private struct City {
    let store: RecordStore
    let settings: RuntimeSettings
    let center: MessageCenter
    let keeper: Int64

    init() async throws {
      let catalog = try Catalog.load(texts: TriggerTests.declarations)
      let templates = MessageTemplates(catalog)
      #expect(templates.findings.isEmpty, "\(templates.findings)")
      let database = try await TestDatabase.make(
        TestDatabase.Preparation("triggers") { database in
          let migrations = StoreMigrations.all + AuditSchema.migrations + MessagingSchema.migrations
          _ = try await Migrator(log: .silent).run(migrations.sorted { $0.id < $1.id }, on: database)
          try await SchemaPlan.apply(catalog, to: database)
        })
      let time = ManualClock(MessageFixture.start)
      let keys = KeyRing(random: .seeded(3))
      for purpose in [KeyPurpose.data, .index] { try keys.rotate(purpose, at: MessageFixture.start) }
      let line = MessageLine()
      var hooks = RecordHooks()
      MessageTriggers(line: line).addHooks(to: &hooks)
      let audit = Audit(clock: time.clock)
      store = RecordStore(
        database: database, catalogs: LiveCatalog(catalog), keys: keys, audit: audit, clock: time.clock, hooks: hooks)
      center = MessageCenter(
        database: database, templates: templates, keys: keys, clock: time.clock, mobile: { _, _ in nil })
      line.connect(center)
      settings = RuntimeSettings(database: database, catalogs: store.catalogs, audit: audit, clock: time.clock)
      keeper = try await store.records(as: .system).insert("app_user", ["name": .text("王五")]).id
    }

    /// A lamp breaks; what its keeper has in the box then, newest first.
    func breaks(_ number: String) async throws -> [String] {
      let system = store.records(as: .system)
      let lamp = try await system.insert(
        "lamp", ["number": .text(number), "place": .text("朝阳中路"), "keeper_id": .integer(keeper)])
      try await system.update("lamp", lamp.id, version: nil, ["fault": .text("不亮")])
      return try await told()
    }

    func told() async throws -> [String] {
      try await center.box(MessageCenter.BoxQuery(), of: keeper).messages.sorted { $0.id > $1.id }.map {
        "\($0.title)：\($0.text)"
      }
    }

    func label(_ field: String) async throws {
      let officer = Principal(
        kind: .user, id: 5, name: "安全员", unit: nil,
        grants: Grants([.init(Permission("policy", "update"), .all)]), clearance: .secret)
      try await settings.label(field, of: "lamp", .sensitive, mask: .all, reason: "要害部位", by: officer)
    }
  }

  @Test func aMessageTellsNothingThatHasBeenLabelledSince() async throws {
    let city = try await City()
    #expect(try await city.breaks("一号") == ["路灯一号坏了：在朝阳中路，由王五维护。"])
    try await city.label("place")
    #expect(try await city.breaks("二号").first == "路灯二号坏了：在（见记录），由王五维护。")
    // When it is sent would tell as well.
    try await city.label("fault")
    #expect(try await city.breaks("三号").count == 2)
  }
}
