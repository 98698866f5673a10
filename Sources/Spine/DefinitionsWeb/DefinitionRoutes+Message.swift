import Cases
import Core
import Definitions
import Entities
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
    let sections = [
      Shell.FormSection(
        id: "words", "文字", help: variables.isEmpty ? "这个模板没有变量。" : "可用的变量：\(variables.joined(separator: "，"))",
        fields: [
          Shell.Field(
            "label", "名称", .text(value("label"), .init(maximum: 60)), isRequired: true, error: error("label")),
          Shell.Field(
            "title", "标题", .text(value("title"), .init(maximum: 60)), isRequired: true, error: error("title")),
          Shell.Field(
            "text", "站内消息与邮件", .longText(value("text"), rows: 6, maximum: 2000), isRequired: true, error: error("text")),
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
    return node
  }

  /// Which field a finding is about.
  static func field(of message: String) -> String? {
    for name in ["channels", "title", "sms", "expires", "quiet", "priority", "text", "label"]
    where message.contains(" \(name) ") || message.contains("的 \(name)") || message.contains("缺少 \(name)")
      || message.contains("没有写 \(name)")
    {
      return name
    }
    return nil
  }
}
