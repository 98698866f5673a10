import Core
import Entities
import Foundation
import Messaging
import Testing

@Suite struct TemplateTests {
  static let resources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Resources").path

  private func findings(_ yaml: String...) -> [String] {
    let texts = yaml.enumerated().map { ("m\($0).yaml", $1) }
    return MessageTemplates(CatalogReading(texts: texts).catalog).findings.map(\.description)
  }

  private func template(_ yaml: String...) throws -> MessageTemplate {
    let catalog = try Catalog.load(texts: yaml.enumerated().map { ("m\($0).yaml", $1) })
    let templates = MessageTemplates(catalog)
    #expect(templates.findings.isEmpty)
    return try #require(templates.all.first)
  }

  @Test func whatIsShippedHasNoFinding() throws {
    let templates = MessageTemplates(CatalogReading(resources: TemplateTests.resources).catalog)
    #expect(templates.findings.isEmpty, "\(templates.findings)")
    let names = Set(templates.all.map(\.name))
    let wanted = [
      "case_submitted", "case_supplement", "case_result", "case_courier", "task_assigned", "task_urged", "task_due",
      MessageCenter.codeTemplate, "channel_test",
    ]
    #expect(names.isSuperset(of: wanted))
    #expect(templates.template("task_assigned")?.channels == [.site])
  }

  @Test func aTemplateIsFilledInForEachChannel() throws {
    let template = try template(MessageFixture.notice)
    let content = MessageContent(template, ["name": "刘芳", "what": "请来领证"], link: "12-a")
    #expect(content.title == "通知：请来领证")
    #expect(content.text == "刘芳，请来领证。\n")
    #expect(content.sms == "刘芳，请来领证。")
    #expect(content.wechat == .init(template: "T1", data: ["thing1": "请来领证"]))
    #expect(content.link == "/cases/12-a")
    #expect(MessageContent(template, template.examples, link: nil).link == nil)
  }

  private static let own = """
    parameters: own
    label: 自建参数
    items: [{name: hotline, label: 咨询电话, type: text, default: 0818-2380100}]
    """

  private static func notice(_ text: String, link: String = "") -> String {
    "message: told\nlabel: 通知\nchannels: [site, sms]\ntitle: 通知\ntext: \(text)\nsms: \(text)\n\(link)"
  }

  @Test func aTemplateSaysAnOwnParameter() throws {
    let told = try template(Self.notice("有事请拨 {own.hotline}。"), Self.own)
    #expect(told.settings == ["own.hotline"])
    let content = MessageContent(told, ["own.hotline": "0818-2380100"], link: nil)
    #expect(content.sms == "有事请拨 0818-2380100。" && content.text == content.sms)
    #expect(findings(Self.notice("请拨 {own.hotlin}。"), Self.own).contains { $0.contains("没有声明的变量") })
    #expect(findings(Self.notice("请拨 {own.hotline}。")).contains { $0.contains("没有声明的变量") })
    #expect(findings(Self.notice("甲", link: "link: /x/{own.hotline}"), Self.own).contains { $0.contains("link") })
    // What ships stays out of messages: some of it names gateways.
    let shipped = "parameters: gateway\nlabel: 网关\nitems: [{name: url, label: 地址, type: text, default: x}]\n"
    #expect(findings(Self.notice("请看 {gateway.url}"), shipped).contains { $0.contains("没有声明的变量") })
  }

  /// Whoever typed a value must not be able to speak in the name of others, break a header or leave the site.
  @Test func valuesCannotForgeAnything() throws {
    let template = try template(MessageFixture.notice)
    let values = ["name": "【银行】刘芳", "what": "一\r\nBcc: x\n" + String(repeating: "长", count: 80)]
    let content = MessageContent(template, values, link: "../../x?y=http://evil")
    #expect(!content.title.unicodeScalars.contains { $0.value < 0x20 })
    #expect(content.sms?.contains("【") == false && content.sms?.hasPrefix("银行刘芳") == true)
    #expect(content.sms?.contains("…") == true)
    #expect(content.wechat?.data["thing1"]?.count == 20)
    #expect(content.link == "/cases/xyhttpevil")
  }

  @Test(
    arguments: [
      (
        "message: a\nlabel: 甲\nchannels: site\ntitle: 你好{nmae}\ntext: 好{name}\nvariables: [{name: name, label: 姓名}]",
        "nmae"
      ),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 你好{\ntext: 好", "花括号"),
      ("message: a\nlabel: 甲\nchannels: [site, sms]\ntitle: 好\ntext: 好", "没有写 sms"),
      ("message: a\nlabel: 甲\nchannels: [wechat]\ntitle: 好\ntext: 好", "没有写 wechat"),
      ("message: a\nlabel: 甲\nchannels: [fax]\ntitle: 好\ntext: 好", "没有渠道“fax”"),
      ("message: a\nlabel: 甲\ntitle: 好\ntext: 好", "缺少 channels"),
      ("message: a\nlabel: 甲\nchannels: site\ntext: 好", "缺少 title"),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 好\ntext: 好\nlink: http://evil/", "本站的路径"),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 好\ntext: 好\nlink: /cases/{number}", "number"),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 好\ntext: 好\npriority: urgent\nquiet: hold", "紧急消息"),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 好\ntext: 好\nsms: 好", "用不到"),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 好\ntext: 好\nvariables: [{name: x, label: 某}]", "没有用到"),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 好\ntext: 好\nexpires: 0", "expires"),
      ("message: a\nlabel: 甲\nchannels: site\ntitle: 好\ntext: 好\nprio: low", "prio"),
    ])
  func mistakesAreFoundWithTheirPlace(_ yaml: String, _ word: String) {
    let found = findings(yaml)
    #expect(found.count == 1, "\(found)")
    #expect(found.first?.contains(word) == true && found.first?.hasPrefix("m0.yaml:") == true, "\(found)")
  }

  @Test func aCityWordsAMessageAnew() throws {
    let template = try template(
      MessageFixture.notice, "extend_message: notice\nsms: '达州：{what}'\nchannels: [site, sms]\nwechat: null")
    #expect(template.channels == [.site, .sms])
    #expect(MessageContent(template, ["name": "", "what": "好"], link: nil).sms == "达州：好")
    // What values there are is the sender's to say.
    let reading = CatalogReading(
      texts: [
        ("a.yaml", MessageFixture.notice), ("b.yaml", "extend_message: notice\nvariables: [{name: x, label: 某}]"),
      ])
    #expect(reading.findings.contains { $0.description.contains("variables") })
  }

  @Test(
    arguments: [
      ("a@b.cn", "a@b.cn"), ("Liu.Fang+x@Example.GOV.cn", "Liu.Fang+x@example.gov.cn"), ("a@b", nil), ("a b@c.cn", nil),
      ("a@b.cn>\r\nRCPT TO:<x@y.cn", nil), ("<a@b.cn>", nil), ("a@@b.cn", nil), ("@b.cn", nil), ("a@-b.cn", nil),
      ("a..b@c.cn", nil), ("刘@b.cn", nil), ("a@b..cn", nil),
    ] as [(String, String?)])
  func emailAddresses(_ text: String, _ expected: String?) { #expect(EmailAddress(text)?.text == expected) }
}
