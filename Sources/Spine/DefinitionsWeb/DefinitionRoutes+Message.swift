import Cases
import Core
import Definitions
import Entities
import Foundation
import HTML
import HTTP
import Messaging
import Shell
import Site
import YAML

/// The words of messages (消息模板设计).
extension DefinitionRoutes {
  func messageEditor(_ visit: Visit, _ work: Work, _ sent: FormData?, errors: [FieldError]) async throws -> Response {
    guard let node = DefinitionText.node(work.text, work.key) else {
      return try visit.redirect(to: path(work.key, "text"), saying: "模板现在读不懂，请在文本里改正。", tone: .warning)
    }
    let label = node["label"]?.text ?? work.key.name
    func value(_ name: String) -> String { sent?.first(name) ?? node[name]?.text ?? "" }
    func error(_ field: String) -> String? { errors.first { $0.field == field }?.message }
    let channels = Set(sent?.all("channels") ?? node["channels"]?.texts ?? [])
    let variables = (node["variables"]?.sequence ?? []).compactMap { variable -> String? in
      variable["name"]?.text.map { "{\($0)} \(variable["label"]?.text ?? "")" }
    }
    let edited = sent == nil ? work.text : MessageEdit.node(node, sent).write()
    let isOwn = store.deliveredText(of: work.key) == nil
    let own = isOwn ? [triggerSection(MessageEdit.TriggerFields(node, sent), error("trigger"))] : []
    let sections =
      own + [
        Shell.FormSection(
          id: "words", "文字", help: variables.isEmpty ? "这个模板没有变量。" : "可用的变量：\(variables.joined(separator: "，"))",
          fields: [
            Shell.Field(
              "label", "名称", .text(value("label"), .init(maximum: 60)), isRequired: true, error: error("label")),
            Shell.Field(
              "title", "标题", .text(value("title"), .init(maximum: 60)), isRequired: true, error: error("title")),
            Shell.Field(
              "text", "站内消息与邮件", .longText(value("text"), rows: 6, maximum: 2000), isRequired: true,
              error: error("text")),
            Shell.Field(
              "sms", "短信", .longText(value("sms"), rows: 3, maximum: 300), help: "70 字以内按一条计。", error: error("sms")),
          ]),
        Shell.FormSection(
          id: "sending", "发送",
          fields: [
            Shell.Field(
              "channels", "渠道",
              .checkboxes(channels, MessageChannelKind.allCases.map { Choice($0.rawValue, $0.label) }),
              error: error("channels")),
            Shell.Field(
              "priority", "优先级",
              .select(
                value("priority").isEmpty ? "normal" : value("priority"),
                [Choice("urgent", "紧急"), Choice("normal", "普通"), Choice("low", "低")], blank: nil)),
            Shell.Field(
              "expires", "有效期", .number(value("expires"), unit: "小时", minimum: "1", maximum: "8760"),
              help: "过了就不再发；不填为不限。", error: error("expires")),
            Shell.Field(
              "quiet", "夜间", .select(value("quiet"), [Choice("hold", "等到早上"), Choice("send", "照常发送")], blank: "随优先级")),
          ]),
      ]
    return try await visit.page(
      "\(label)：编辑", status: errors.isEmpty ? 200 : 422, crumbs: crumbs(work.key, label),
      badge: badge(work.key, work.draft), tabs: tabs(work.key, "edit")
    ) {
      if work.draft != nil { findings(store.findings(of: work.key, edited), of: work.key) }
      if mayDraft(visit) {
        FormView(
          path: path(work.key, "edit"), sections: sections, errors: errors,
          submit: Action("保存到草稿", .submit(name: "step", value: "save"), style: .primary),
          others: [Action("预览", .submit(name: "step", value: "preview"), takesIncomplete: true)],
          cancelPath: path(work.key), hidden: [work.seen])
      }
      if let template = template(edited, work.key) { MessagePreview(template: template).html }
    }
  }

  /// When it is sent by itself, to whom, and what it says of the record.
  private func triggerSection(_ fields: MessageEdit.TriggerFields, _ error: String?) -> Shell.FormSection {
    let registers = catalog.entities.sorted { $0.label < $1.label }.map { Choice($0.name, $0.label, detail: $0.name) }
    return Shell.FormSection(
      id: "trigger", "触发条件", help: "登记表里有记录开始符合条件时自动发送一次；同一条记录以后再次符合的，再发一次。",
      fields: [
        Shell.Field(
          "trigger_register", "登记表", .select(fields.register, registers), isRequired: true, error: error),
        Shell.Field(
          "trigger_when", "条件", .text(fields.when, .init(maximum: 300, isCode: true)),
          help: "如 state == 'damaged'；不填则每新增一条发一次。"),
        Shell.Field(
          "trigger_to", "发给",
          .radio(fields.to, [Choice("user", "某个用户"), Choice("unit", "某个机构的人"), Choice("phone", "某个电话")]),
          isRequired: true),
        Shell.Field(
          "trigger_field", "按哪个字段", .text(fields.field, .init(maximum: 60, width: 20, isCode: true)), isRequired: true,
          help: "登记表里存着这个用户、机构或电话的字段，如 officer_id。"),
        Shell.Field(
          "trigger_role", "只发给有这个角色的",
          .select(fields.role, catalog.roles.map { Choice($0.name, $0.label) }, blank: "不论角色")),
        Shell.Field(
          "variables", "变量", .longText(fields.variables, rows: 4, maximum: 4000),
          help: "一行一个：名称 | 含义 | 公式 | 示例，如 number | 编号 | number | MP202600000012。标题和内容里写 {number}。"),
      ])
  }

  func saveMessage(_ visit: Visit, _ work: Work, _ form: FormData) async throws -> Response {
    guard let node = DefinitionText.node(work.text, work.key) else { throw DefinitionStore.missing }
    if form.first("step") == "preview" { return try await messageEditor(visit, work, form, errors: []) }
    let edited = MessageEdit.node(node, form)
    let wrong = store.findings(of: work.key, edited.write()).filter { $0.severity == .error }
    if !wrong.isEmpty {
      return try await messageEditor(
        visit, work, form,
        errors: wrong.map { finding in
          FieldError(MessageEdit.field(of: finding.message), finding.message)
        })
    }
    return try await keep(edited, work, form, visit)
  }
}

/// What the form of a message says, as its text.
enum MessageEdit {
  /// What a trigger is, as its fields show it.
  struct TriggerFields {
    var register = ""
    var when = ""
    var to = "user"
    var field = ""
    var role = ""
    /// A line each: name, meaning, formula, example.
    var variables = ""

    init(_ node: YAMLNode, _ sent: FormData?) {
      if let sent {
        func text(_ name: String) -> String { sent.first("trigger_\(name)") ?? "" }
        (register, when, to, field, role) = (text("register"), text("when"), text("to"), text("field"), text("role"))
        variables = sent.first("variables") ?? ""
        return
      }
      let trigger = node["trigger"]
      register = trigger?["register"]?.text ?? ""
      when = trigger?["when"]?.text ?? ""
      to = ["user", "unit", "phone"].first { trigger?["to"]?[$0] != nil } ?? "user"
      field = trigger?["to"]?[to]?.text ?? ""
      role = trigger?["to"]?["role"]?.text ?? ""
      variables = (node["variables"]?.sequence ?? []).map { variable in
        ["name", "label", "value", "example"].map { variable[$0]?.text ?? "" }.joined(separator: " | ")
      }.joined(separator: "\n")
    }

    /// - Returns: `node` with what the fields say.
    func set(in node: YAMLNode) -> YAMLNode {
      var trigger = YAMLNode.mapping([]).setting("register", .string(register))
      if !when.allSatisfy(\.isWhitespace) { trigger = trigger.setting("when", .string(when)) }
      var audience = YAMLNode.mapping([]).setting(to, .string(field))
      if !role.isEmpty { audience = audience.setting("role", .string(role)) }
      let lines = variables.unixLines.split(separator: "\n").map { line in
        line.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false).map { part in
          String(part).trimmingCharacters(in: .whitespaces)
        }
      }
      var items: [YAMLNode] = []
      for parts in lines where parts.first?.isEmpty == false {
        var item = YAMLNode.mapping([])
        for (key, part) in zip(["name", "label", "value", "example"], parts) where !part.isEmpty {
          item = item.setting(key, .string(part))
        }
        items.append(item)
      }
      return node.setting("trigger", trigger.setting("to", audience)).setting(
        "variables", items.isEmpty ? nil : .sequence(items))
    }
  }

  static func node(_ node: YAMLNode, _ form: FormData?) -> YAMLNode {
    guard let form else { return node }
    var node = node
    for name in ["label", "title", "text", "sms", "quiet"] {
      let clean = (form.first(name) ?? "").unixLines
      node = node.setting(name, clean.allSatisfy(\.isWhitespace) ? nil : .string(clean))
    }
    let priority = form.first("priority") ?? "normal"
    node = node.setting("priority", priority == "normal" ? nil : .string(priority))
    let expires = (form.first("expires") ?? "").filter { !$0.isWhitespace }
    node = node.setting("expires", expires.isEmpty ? nil : Int(expires).map { .plain(String($0)) } ?? .string(expires))
    let channels = MessageChannelKind.allCases.map(\.rawValue).filter { form.all("channels").contains($0) }
    node = node.setting("channels", .sequence(channels.map { .string($0) }))
    return form.first("trigger_register") == nil ? node : TriggerFields(node, form).set(in: node)
  }

  /// Which field a finding is about.
  static func field(of message: String) -> String? {
    if ["触发条件", "变量“", "登记表“", "敏感内容"].contains(where: message.contains) { return "trigger" }
    for name in ["channels", "title", "sms", "expires", "quiet", "priority", "text", "label"]
    where message.contains(" \(name) ") || message.contains("的 \(name)") || message.contains("缺少 \(name)")
      || message.contains("没有写 \(name)")
    {
      return name
    }
    return nil
  }
}
