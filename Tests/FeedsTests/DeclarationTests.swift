import Addresses
import Connectors
import Entities
import Feeds
import HouseholdRegistration
import Testing

/// What `lifang check` says of feeds.
@Suite struct FeedDeclarationTests {
  private static let interpreters = [AddressFeedInterpreter.shape, CardFeedInterpreter.shape]

  private func findings(_ yaml: String) throws -> [String] {
    let catalog = try FeedFixture.catalog.get().adding(yaml: yaml, origin: "test")
    return Feeds(catalog, connectors: Connectors(catalog), interpreters: Self.interpreters).findings.map(
      \.description)
  }

  private func feed(_ changes: [String: String]) -> String {
    var lines = [
      "register": "register: unit", "from": "from: police_platform", "operation": "operation: unit_changes",
      "key": "key: org_code", "title": "title: org_name", "set": "set: {name: org_name}",
    ]
    lines.merge(changes) { $1 }
    return (["feed: test_feed", "label: 试验"] + lines.sorted { $0.key < $1.key }.map(\.value)).joined(separator: "\n")
  }

  @Test func theShippedOnesAreInOrder() throws {
    let catalog = try FeedFixture.catalog.get()
    let feeds = Feeds(catalog, connectors: Connectors(catalog), interpreters: Self.interpreters)
    #expect(feeds.findings.isEmpty, "\(feeds.findings)")
    #expect(
      feeds.all.map(\.name)
        == ["identity_cards", "police_officers", "police_stations", "police_units", "standard_addresses"])
    #expect(try findings(feed([:])).isEmpty)
  }

  @Test(arguments: [
    ("register: units", "没有登记表“units”，是不是“unit”？"), ("key: org_cod", "没有字段“org_cod”，是不是“org_code”？"),
    ("operation: unit_change", "没有同步接口“unit_change”"), ("from: police", "没有对接系统“police”"),
    ("set: {nam: org_name}", "没有可填的字段“nam”，是不是“name”？"), ("set: {name: org_nam}", "org_nam"),
    ("clean: [{trim: nothing}]", "没有字段“nothing”"), ("clean: [{polish: org_name}]", "清洗规则应有下列键之一"),
    ("clean: [{map: org_kind}]", "map 应写 codes"), ("deleted: \"state == '0'\"", "就应写 cancel"),
    ("references: {parent_id: {feed: nobody, key: parent_code}}", "同步源“nobody”不存在"),
    ("match: [name]", "不是不重复的文字字段"), ("together: [phone]", "不随对方变化"),
    ("interpret: {by: address, from: {text: org_name}}", "解释器“address”填的是“address”"),
    ("hold: {register: post, field: name, when: \"name == 'x'\"}", "不是指向“unit”的关联字段"),
    ("vanish: 200", "0 到 100"), ("set: {parent_id: parent_code}", "关联请写在 references 里"), ("what: 1", "不认识键“what”"),
  ])
  func whatIsWrongIsNamed(_ line: String, _ said: String) throws {
    let key = String(line.prefix { $0 != ":" })
    let found = try findings(feed([key: line]))
    #expect(found.contains { $0.contains(said) }, "\(found)")
  }
}
