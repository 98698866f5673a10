import Access
import Core
import Entities
import Messaging
import Operations
import SQL
import Testing

/// Assets, the warnings that concern them, and what is delivered (C-612, C-617).
@Suite struct AssetTests {
  @Test func versionsFollowOneAnotherAsVendorsMeanThem() throws {
    func release(_ text: String) throws -> SoftwareRelease { try #require(SoftwareRelease(text)) }
    for (a, b) in [
      ("9.6", "15.0"), ("15.3", "15.14"), ("3.6-rc1", "3.6.0"), ("v1.2", "1.2.1"), ("1.0.2k", "1.0.2.1"),
      ("3.6.2", "3.6.2-1"),
    ] {
      #expect(try release(a) < (try release(b)), "\(a) < \(b)")
      #expect(!(try release(b) < (try release(a))), "\(b) < \(a)")
    }
    #expect(try release("15") == (try release("15.0.0")))
    #expect(SoftwareRelease("最新") == nil)
  }

  private func asset(_ city: OperationsFixture, _ name: String, _ product: String, _ release: String?) async throws
    -> Record
  {
    try await city.records().insert(
      "asset",
      [
        "name": .text(name), "kind": .text("database"), "product": .text(product),
        "release": release.map { .text($0) } ?? .null,
      ])
  }

  @Test func aWarningFindsItsAssetsAndFollowsThem() async throws {
    let city = try await OperationsFixture()
    let old = try await asset(city, "一号库", "PostgreSQL", "15.3")
    let new = try await asset(city, "二号库", "postgresql", "15.14")
    let unknown = try await asset(city, "三号库", " Postgre SQL", nil)
    _ = try await asset(city, "缓存", "Redis", "7.0")
    let warning = try await city.system.insert(
      "safety_warning",
      [
        "name": .text("数据库漏洞"), "origin": .text("vendor"), "level": .text("orange"), "content": .text("提权"),
        "measure": .text("升级"), "product": .text("PostgreSQL"), "release_until": .text("15.13"), "unit_id": .integer(1),
      ])
    func found() async throws -> [Int64?] {
      try await city.all("affected_asset").filter { $0["safety_warning_id"].integer == warning.id }
        .map { $0["asset_id"].integer }
    }
    #expect(try await found() == [old.id, unknown.id])
    #expect(try await city.all("affected_asset").first?["keeper_id"].integer == (try city.person("admin").id))
    // Nobody has looked at it yet, and it is mended: it is not affected any more. What somebody has settled stays.
    let second = try #require(try await city.all("affected_asset").last)
    try await city.records().perform(
      "spare", on: "affected_asset", second.id, version: nil, asked: ["finding": .text("已是新版本")])
    for one in [old, unknown] {
      try await city.records().update("asset", one.id, version: nil, ["release": .text("15.14")])
    }
    #expect(try await found() == [unknown.id])
    // A warning that reaches further finds more, and a new asset is found when it is entered.
    try await city.system.update("safety_warning", warning.id, version: nil, ["release_until": .null], input: .exact)
    let late = try await asset(city, "四号库", "PostgreSQL", "16.1")
    #expect(Set(try await found()) == [old.id, new.id, unknown.id, late.id])
    try await city.system.update("asset", late.id, version: nil, ["state": .text("retired")])
    #expect(Set(try await found()) == [old.id, new.id, unknown.id])
  }

  @Test func whatIsDeliveredIsEnteredOnceAndWhatWasChangedHereStays() async throws {
    let city = try await OperationsFixture()
    let folder = OperationsFixture.root + "/Resources/platform/delivered"
    func publish() async throws {
      for register in DeliveredRecords.registers {
        try await DeliveredRecords.read(register, folder: folder, catalog: city.catalog).publish(in: city.store)
      }
    }
    try await publish()
    let rules = try await city.all(AlarmRule.register)
    let library = try await city.all("security_knowledge")
    #expect(rules.count >= 8 && library.count >= 15)
    #expect(
      Set(try await city.all(PromptRule.register).compactMap { $0["code"].text }) == [
        "room_crowded", "several_homes", "moves_often", "let_ended", "tenancy_waiting", "key_visit_overdue",
        "key_moved_in", "key_homeless", "key_expired", "key_at_risk",
      ])
    #expect(rules.allSatisfy { AlarmRule($0) != nil && $0["advice_id"].integer != nil })
    let disk = try #require(rules.first { $0["code"].text == "disk_low" })
    try await city.records().update(
      AlarmRule.register, disk.id, version: nil, ["threshold": .decimal(FixedDecimal(millionths: 20_000_000))])
    let versions = library.map(\.version)
    try await publish()
    let again = try await city.all(AlarmRule.register)
    #expect(again.count == rules.count)
    #expect(again.first { $0.id == disk.id }?["threshold"] == .decimal(FixedDecimal(millionths: 20_000_000)))
    #expect(try await city.all("security_knowledge").map(\.version) == versions)
    // The library is found by the codes that the log names.
    for (word, code) in [
      ("ferry-alarm", "ferry_gap"), ("cluster-not-running", "database_down"), ("审计链", "audit_broken"),
    ] {
      let found = try await city.system.list(
        ListQuery("security_knowledge", search: word, columns: ["code"], limit: 50))
      #expect(found.records.contains { $0["code"].text == code }, "\(word)")
    }
  }

  @Test func aDeliveredRuleFollowsTheProductUntilItsContentIsChangedHere() async throws {
    let city = try await OperationsFixture()
    let delivered = try DeliveredRecords.read(
      PromptRule.register, folder: OperationsFixture.root + "/Resources/platform/delivered", catalog: city.catalog)
    try await delivered.publish(in: city.store)
    func rule(_ code: String) async throws -> Record {
      try #require(try await city.all(PromptRule.register).first { $0["code"].text == code })
    }
    // An earlier version of the product had other conditions; here one was worked out at once and switched off, one changed.
    let (asked, changed) = (try await rule("key_at_risk"), try await rule("key_moved_in"))
    let earlier = Value.text("situation == 'risk'")
    try await city.system.update(
      PromptRule.register, asked.id, version: nil, ["condition": earlier], input: .code)
    let registers: Set = [PromptRule.register, "key_object", "key_object_visit"]
    let admin = city.store.records(as: try city.person("admin").entrusted(with: registers))
    try await admin.perform("sweep", on: PromptRule.register, asked.id, version: nil)
    try await admin.perform("disable", on: PromptRule.register, asked.id, version: nil)
    try await admin.update(PromptRule.register, changed.id, version: nil, ["advice": .text("先打电话")])
    try await delivered.publish(in: city.store)
    let now = try await rule("key_at_risk")
    #expect(now["condition"] == asked["condition"] && now["condition"] != earlier && now["active"].boolean == false)
    #expect(try await rule("key_moved_in")["advice"].text == "先打电话")
  }
}
