import Access
import Core
import Entities
import SQL
import TestSupport
import Testing

/// The installation's own parameters (自建参数, C-479).
@Suite struct StoreOwnParameterTests {
  private static let administrator = StoreFixture.user(
    6, ["view", "create", "update", "delete"].map { ("parameter.\($0)", .all) } + [("entity.update", .all)])

  private static func own(_ name: String, _ change: (inout OwnParameter) -> Void = { _ in }) -> OwnParameter {
    var parameter = OwnParameter()
    (parameter.name, parameter.label, parameter.initial) = (name, "参数\(name)", "甲")
    change(&parameter)
    return parameter
  }

  @Test func anOwnParameterIsTypedChangedAndDeleted() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    let parameters = Parameters(city.catalogs)
    let by = Self.administrator
    try await settings.put(
      Self.own("days") {
        ($0.type, $0.initial, $0.minimum, $0.maximum) = ("integer", "30", "1", "90")
        ($0.unit, $0.help) = ("天", "含“引号”、冒号: 和 # 号")
      }, isNew: true, by: by)
    try await settings.put(
      Self.own("kind") { ($0.type, $0.dictionary, $0.initial) = ("code", "building_kind", "office") }, isNew: true,
      by: by
    )
    let days = try #require(city.catalogs.current.parameter("own.days"))
    #expect(days.isOwn && days.help == "含“引号”、冒号: 和 # 号" && days.group == "自建参数")
    #expect(try parameters.integer("own.days") == 30)
    #expect(parameters.shown("own.days") == "30 天" && parameters.shown("own.kind") == "写字楼")
    try await parameters.set("own.days", "45", by: by, audit: city.audit, database: city.database)
    #expect(try parameters.integer("own.days") == 45)
    await #expect(throws: Refusal.self) {
      try await parameters.set("own.days", "91", by: by, audit: city.audit, database: city.database)
    }
    // What is said of it changes, its type does not, its value stays.
    try await settings.put(
      Self.own("days") { ($0.type, $0.initial, $0.label) = ("text", "60", "办理天数") }, isNew: false, by: by)
    #expect(city.catalogs.current.parameter("own.days")?.type == .integer)
    #expect(city.catalogs.current.parameter("own.days")?.label == "办理天数")
    #expect(try parameters.integer("own.days") == 45)

    let used = await #expect(throws: Refusal.self) {
      try await settings.removeParameter("own.days", usedBy: ["消息模板“催办”"], by: by)
    }
    #expect(used?.code == "parameter-used" && used?.message.contains("催办") == true)
    try await settings.removeParameter("own.days", usedBy: [], by: by)
    #expect(city.catalogs.current.parameter("own.days") == nil)
    #expect(city.catalogs.current.parameter("own.kind") != nil)
    #expect(try await city.database.value("select count(*) from parameter_value", as: Int64.self) == 0)
    try await settings.removeParameter("own.kind", usedBy: [], by: by)
    #expect(try await settings.declarations().isEmpty)
    let actions: [String] = try await city.database.query(
      "select action from audit_entry where entity = 'parameter' order by id"
    ).values()
    #expect(
      actions == [
        "parameter.create", "parameter.create", "parameter.update", "parameter.update", "parameter.delete",
        "parameter.delete",
      ])
  }

  @Test func whatDoesNotFitIsRefusedAtItsField() async throws {
    let (city, settings) = try await StoreSettingsTests.make()
    let by = Self.administrator
    try await settings.put(Self.own("hotline"), isNew: true, by: by)
    let drafts: [(String, OwnParameter)] = [
      ("name", Self.own("Hot Line")), ("name", Self.own("hotline") { $0.label = "又一个" }),
      ("label", Self.own("other") { $0.label = "参数hotline" }), ("label", Self.own("other") { $0.label = " " }),
      ("type", Self.own("other") { $0.type = "file" }), ("dictionary", Self.own("other") { $0.type = "code" }),
      ("initial", Self.own("other") { $0.initial = "" }), ("initial", Self.own("other") { $0.type = "integer" }),
      ("initial", Self.own("other") { ($0.type, $0.initial, $0.maximum) = ("integer", "9", "3") }),
      ("maximum", Self.own("other") { ($0.type, $0.initial, $0.maximum) = ("integer", "9", "很大") }),
    ]
    for (field, draft) in drafts {
      let refusal = await #expect(throws: Refusal.self) { try await settings.put(draft, isNew: true, by: by) }
      #expect(refusal?.field == field, "\(draft.name) \(refusal?.message ?? "")")
    }
    #expect(city.catalogs.current.parameters.filter(\.isOwn).map(\.name) == ["own.hotline"])
  }

  @Test func onlyOwnOnesAreDeletedAndOnlyByWhoMay() async throws {
    let (_, settings) = try await StoreSettingsTests.make()
    let shipped = try #require(settings.catalogs.current.parameters.first)
    let refused = await #expect(throws: Refusal.self) {
      try await settings.removeParameter(shipped.name, usedBy: [], by: Self.administrator)
    }
    #expect(refused?.code == "parameter-shipped")
    let reader = StoreFixture.user(7, [("parameter.view", .all), ("parameter.update", .all)])
    for call in [
      { try await settings.put(Self.own("a"), isNew: true, by: reader) },
      { try await settings.removeParameter("own.a", usedBy: [], by: reader) },
    ] as [@Sendable () async throws -> Void] {
      let refusal = await #expect(throws: Refusal.self) { try await call() }
      #expect(refusal?.code == "permission-missing")
    }
    try await settings.put(Self.own("a"), isNew: true, by: Self.administrator)
    let apart = await #expect(throws: Refusal.self) {
      try await settings.withdraw("parameters.own", by: Self.administrator)
    }
    #expect(apart?.code == "parameters-apart")
  }
}
