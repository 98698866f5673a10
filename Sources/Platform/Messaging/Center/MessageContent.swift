import Core

/// What is said, with every value filled in; kept sealed until the message is deleted.
///
/// It is made when the message is sent, so that a later change of the template changes nothing that is on its way.
package struct MessageContent: Sendable, Hashable {
  package struct WeChat: Sendable, Hashable {
    package let template: String?
    package let data: [String: String]

    package init(template: String?, data: [String: String]) {
      self.template = template
      self.data = data
    }
  }

  package let title: String
  package let text: String
  package let sms: String?
  package let wechat: WeChat?
  /// The path of the page it leads to.
  package let link: String?
  /// Keys of kept files that go along by e-mail.
  package var attachments: [String] = []

  package init(title: String, text: String, sms: String? = nil, wechat: WeChat? = nil, link: String? = nil) {
    self.title = title
    self.text = text
    self.sms = sms
    self.wechat = wechat
    self.link = link
  }

  /// A template filled in.
  ///
  /// - Parameter id: what `{id}` of the link stands for; without it the message leads nowhere.
  package init(_ template: MessageTemplate, _ values: [String: String], link id: String?) {
    title = MessageContent.line(template.title.filled { values[$0] })
    text = template.text.filled { values[$0] }
    // What a person typed must neither look like the signature of somebody else nor fill pages.
    sms = template.sms?.filled { name in values[name].map { MessageContent.short($0, 60) } }
    wechat = template.wechat.map { wechat in
      // 微信 takes 20 characters a field.
      let data = wechat.data.map { name, text in
        (name, MessageContent.short(text.filled { values[$0] }, 20))
      }
      return WeChat(template: wechat.template, data: Dictionary(data, uniquingKeysWith: { first, _ in first }))
    }
    let needsID = template.link?.variables.isEmpty == false
    link = needsID && id == nil ? nil : template.link?.filled { _ in id.map(MessageContent.pathPart) }
  }

  /// One line without control characters.
  private static func line(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
  }

  private static func short(_ text: String, _ limit: Int) -> String {
    let plain = line(text).filter { !"【】".contains($0) }
    return plain.count <= limit ? plain : plain.prefix(limit - 1) + "…"
  }

  /// Letters, digits, `-` and `_` only: ids have nothing else, and nothing else may get into an address.
  private static func pathPart(_ id: String) -> String {
    id.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
  }
}

extension MessageContent {
  /// As it is sealed, with the address of a message to no user.
  func json(address: String?) -> JSON {
    var members: [(key: String, value: JSON)] = [("title", .string(title)), ("text", .string(text))]
    if let sms { members.append(("sms", .string(sms))) }
    if let wechat {
      let data = wechat.data.sorted { $0.key < $1.key }.map { (key: $0.key, value: JSON.string($0.value)) }
      members.append(
        ("wechat", ["template": wechat.template.map { .string($0) } ?? .null, "data": .object(data)]))
    }
    if let link { members.append(("link", .string(link))) }
    if !attachments.isEmpty { members.append(("attachments", .array(attachments.map { .string($0) }))) }
    if let address { members.append(("address", .string(address))) }
    return .object(members)
  }

  init(_ json: JSON) {
    title = json["title"]?.string ?? ""
    text = json["text"]?.string ?? ""
    sms = json["sms"]?.string
    wechat = json["wechat"].map { wechat in
      let data = (wechat["data"]?.object ?? []).map { ($0.key, $0.value.string ?? "") }
      return WeChat(
        template: wechat["template"]?.string, data: Dictionary(data, uniquingKeysWith: { first, _ in first }))
    }
    link = json["link"]?.string
    attachments = json["attachments"]?.array?.compactMap(\.string) ?? []
  }
}
