import Entities
import YAML

/// Understands one template (`message: case_supplement`) and finds what is wrong with it.
struct MessageTemplateReader {
  private let document: DeclarationDocument
  private let collector: FindingCollector
  private let reader: MappingReader
  /// Parameters of the installation's own, which need no variable.
  private let settings: Set<String>

  private static let keys = [
    "message", "label", "source", "channels", "priority", "title", "text", "sms", "wechat", "link", "expires", "quiet",
    "variables",
  ]

  private enum Quiet: String, CaseIterable { case hold, send }

  init(_ document: DeclarationDocument, _ collector: FindingCollector, settings: Set<String> = []) {
    self.document = document
    self.settings = settings
    self.collector = collector
    reader = MappingReader(document.node, "消息模板“\(document.name)”", keys: MessageTemplateReader.keys, collector)
  }

  func template() -> MessageTemplate? {
    let variables = variables()
    let channels = channels()
    var used: Set<String> = []
    let title = text("title", limit: 60, variables, &used)
    let body = text("text", limit: 2000, variables, &used)
    for (key, found) in [("title", title), ("text", body)] where found == nil && !reader.has(key) {
      collector.error(reader.position, "\(reader.what)缺少 \(key)")
    }
    if reader.text("title")?.contains("\n") == true {
      collector.error(reader.place("title"), "\(reader.what)的 title 只能有一行")
    }
    let sms = text("sms", limit: 300, variables, &used)
    let wechat = wechat(variables, &used)
    check(channels, .sms, key: "sms", isGiven: reader.has("sms"))
    check(channels, .wechat, key: "wechat", isGiven: reader.has("wechat"))
    for variable in variables where !used.contains(variable.name) {
      collector.add(Finding(.warning, reader.place("variables"), "变量“\(variable.name)”没有用到，可以删去"))
    }
    let priority = reader.choice("priority", MessagePriority.self) ?? .normal
    let quiet = reader.choice("quiet", Quiet.self)
    if priority == .urgent, quiet == .hold {
      collector.error(reader.place("quiet"), "紧急消息不等免打扰时段结束，请去掉 quiet: hold 或改 priority")
    }
    let link = link()
    guard let title, let body else { return nil }
    return MessageTemplate(
      name: document.name, label: reader.label(fallback: document.name), channels: channels, priority: priority,
      title: title, text: body, sms: sms, wechat: wechat, link: link, variables: variables,
      expires: reader.integer("expires", in: 1...8760), holdsAtNight: priority != .urgent && quiet != .send,
      position: reader.position)
  }

  private func channels() -> [MessageChannelKind] {
    var channels: [MessageChannelKind] = []
    for (text, position) in reader.texts("channels") {
      guard let channel = MessageChannelKind(rawValue: text) else {
        let names = MessageChannelKind.allCases.map(\.rawValue)
        collector.error(
          position, "没有渠道“\(text)”（可用：\(names.joined(separator: "、"))）\(Suggestion.text(for: text, among: names))")
        continue
      }
      if channels.contains(channel) { collector.error(position, "渠道“\(text)”写了两次") } else { channels.append(channel) }
    }
    if channels.isEmpty, !reader.has("channels") { collector.error(reader.position, "\(reader.what)缺少 channels") }
    return channels
  }

  private func check(_ channels: [MessageChannelKind], _ channel: MessageChannelKind, key: String, isGiven: Bool) {
    if channels.contains(channel), !isGiven {
      collector.error(reader.place("channels"), "\(reader.what)有\(channel.label)渠道，却没有写 \(key)")
    } else if !channels.contains(channel), isGiven {
      collector.add(Finding(.warning, reader.place(key), "\(reader.what)没有\(channel.label)渠道，\(key) 用不到"))
    }
  }

  private func variables() -> [MessageTemplate.Variable] {
    var names: Set<String> = []
    return reader.nodes("variables").compactMap { node in
      let item = MappingReader(node, "变量", keys: ["name", "label", "example"], collector)
      guard let name = item.name("name") else { return nil }
      if !names.insert(name).inserted { collector.error(item.place("name"), "变量“\(name)”重复") }
      let label = item.label(fallback: name)
      return MessageTemplate.Variable(name: name, label: label, example: item.text("example", limit: 300) ?? label)
    }
  }

  // MARK: Texts

  private func text(
    _ key: String, limit: Int, _ variables: [MessageTemplate.Variable], _ used: inout Set<String>
  ) -> PlaceholderText? {
    guard let text = reader.text(key, limit: limit), let node = reader.node(key) else { return nil }
    return placeholders(text, "\(reader.what)的 \(key)", node.textPosition, among: variables.map(\.name), &used)
  }

  private func placeholders(
    _ text: String, _ what: String, _ position: SourcePosition, among names: [String], _ used: inout Set<String>
  ) -> PlaceholderText? {
    guard let parsed = PlaceholderText(text) else {
      collector.error(position, "\(what)里的花括号不成对；变量写成 {名称}")
      return nil
    }
    for name in parsed.variables {
      if names.contains(name) {
        used.insert(name)
      } else if !settings.contains(name) || names == ["id"] {
        collector.error(position, "\(what)用了没有声明的变量“{\(name)}”\(Suggestion.text(for: name, among: names))")
      }
    }
    return parsed
  }

  private func wechat(_ variables: [MessageTemplate.Variable], _ used: inout Set<String>) -> MessageTemplate.WeChat? {
    guard let reader = reader.mapping("wechat", "微信模板消息", keys: ["template", "data"]) else { return nil }
    let names = variables.map(\.name)
    var data: [(name: String, text: PlaceholderText)] = []
    for entry in reader.node("data")?.mapping ?? [] {
      guard let text = entry.value.text else {
        collector.error(entry.value.position, "微信模板消息的字段“\(entry.key)”应是文字")
        continue
      }
      let what = "微信模板消息的字段“\(entry.key)”"
      if let parsed = placeholders(text, what, entry.value.textPosition, among: names, &used) {
        data.append((entry.key, parsed))
      }
    }
    if data.isEmpty { collector.error(reader.place("data"), "微信模板消息没有字段（data）") }
    return MessageTemplate.WeChat(template: reader.text("template", limit: 100), data: data)
  }

  private func link() -> PlaceholderText? {
    guard let text = reader.text("link", limit: 300) else { return nil }
    var used: Set<String> = []
    guard text.hasPrefix("/"), !text.hasPrefix("//"), !text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
      collector.error(reader.place("link"), "\(reader.what)的 link 应是本站的路径，以 / 开头，没有空白和汉字")
      return nil
    }
    return placeholders(text, "\(reader.what)的 link", reader.place("link"), among: ["id"], &used)
  }
}
