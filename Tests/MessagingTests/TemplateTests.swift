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

  private static let lamp = """
    entity: lamp
    label: 路灯
    fields:
      - {name: number, label: 编号, type: text, max: 20}
      - {name: broken, label: 坏了, type: boolean}
      - {name: phone, label: 电话, type: phone, classification: sensitive, mask: phone}
      - {name: unit_id, label: 单位, type: text, max: 20}
    """

  private static func trigger(_ trigger: String, value: String = "number") -> String {
    """
    message: lamp_broken
    label: 路灯坏了
    channels: [site, sms]
    title: 路灯 {number}
    text: 路灯 {number} 坏了。
    sms: 路灯 {number} 坏了。
    trigger: \(trigger)
    variables: [{name: number, label: 编号, value: "\(value)"}]
    """
  }

  @Test func aTriggerIsProvedAgainstItsRegister() throws {
    let right = TemplateTests.trigger(#"{register: lamp, when: "broken == true", to: {phone: phone}}"#)
    let template = try template(TemplateTests.lamp, right)
    #expect(template.trigger?.register == "lamp" && template.trigger?.audience == .phone(field: "phone"))
    #expect(template.trigger?.values.keys.sorted() == ["number"])
    let wrong = [
      (#"{register: lamps, to: {phone: phone}}"#, "number", "没有登记表“lamps”"),
      (#"{register: lamp, when: "number", to: {phone: phone}}"#, "number", "应能判断是否成立"),
      (#"{register: lamp, when: "gone == 1", to: {phone: phone}}"#, "number", "gone"),
      (#"{register: lamp, to: {phone: phones}}"#, "number", "没有字段“phones”"),
      (#"{register: lamp, to: {unit: unit_id}}"#, "number", "应是对机构的引用"),
      (#"{register: lamp}"#, "number", "缺少 to"), (#"{register: lamp, to: {role: x}}"#, "number", "role 只和 unit 一起用"),
      (#"{register: lamp, to: {phone: phone}}"#, "phone", "敏感内容"),
    ]
    for (text, value, message) in wrong {
      let found = findings(TemplateTests.lamp, TemplateTests.trigger(text, value: value))
      #expect(found.contains { $0.contains(message) }, "\(text): \(found)")
    }
    // What the program sends has no formulas, and what a record triggers none without.
    let plain = TemplateTests.trigger(#"{register: lamp, to: {phone: phone}}"#)
      .replacingOccurrences(of: "trigger: {register: lamp, to: {phone: phone}}\n", with: "")
    #expect(findings(TemplateTests.lamp, plain).contains { $0.contains("只用于有触发条件") })
    let silent = TemplateTests.trigger(#"{register: lamp, to: {phone: phone}}"#).replacingOccurrences(
      of: #", value: "number""#, with: "")
    #expect(findings(TemplateTests.lamp, silent).contains { $0.contains("没有写 value") })
  }

  private static func owned(_ more: String) -> [String] {
    [
      """
      entity: lamp
      label: 路灯
      fields:
        - {name: number, label: 编号, type: text, max: 20}
        - {name: phone, label: 电话, type: phone, classification: sensitive, mask: phone}
        - {name: tenant_id, label: 租户, type: ref, entity: tenant}
        - {name: lease_id, label: 租约, type: ref, entity: lease}
      """,
      """
      entity: tenant
      label: 租户
      personal: true
      scope: {owner: keeper}
      title: number
      fields:
        - {name: number, label: 编号, type: text, max: 20}
        - {name: keeper, label: 经办, type: integer}
      """,
      """
      entity: lease
      label: 租约
      title: tenant_id
      fields:
        - {name: tenant_id, label: 租户, type: ref, entity: tenant}
      """, more,
    ]
  }

  @Test func noTitleOfARegisterWithPersonalDataLeavesItByAMessage() {
    for value in ["tenant_id", "lease_id"] {
      let texts = Self.owned(Self.trigger("{register: lamp, to: {phone: phone}}", value: value))
      let found = MessageTemplates(
        CatalogReading(texts: texts.enumerated().map { ("m\($0).yaml", $1) }).catalog
      ).findings.map(\.description)
      #expect(found.contains { $0.contains("敏感内容") }, "\(value): \(found)")
    }
  }

  @Test func whatIsLabelledLaterPutsNoTemplateOutOfUse() {
    let labels = "extend_entity: lamp\nlabels: [{field: number, level: secret, mask: all}]\n"
    let trigger = Self.trigger(#"{register: lamp, when: "number != null", to: {phone: phone}}"#)
    let texts = [TemplateTests.lamp, trigger, labels].enumerated().map { ("m\($0).yaml", $1) }
    let templates = MessageTemplates(CatalogReading(texts: texts).catalog)
    #expect(!templates.findings.hasErrors && templates.findings.contains { $0.message.contains("已标为敏感") })
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
