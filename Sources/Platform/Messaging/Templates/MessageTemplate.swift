package import YAML

/// By which way a message reaches somebody (渠道).
package enum MessageChannelKind: String, Sendable, Hashable, CaseIterable {
  /// 站内消息: the message box of a user.
  case site
  /// 短信.
  case sms
  /// 电子邮件.
  case email
  /// 微信模板消息.
  case wechat

  package var label: String {
    switch self {
    case .site: "站内消息"
    case .sms: "短信"
    case .email: "邮件"
    case .wechat: "微信"
    }
  }
}

/// How pressing a message is (优先级): urgent ones go first, whatever the hour and whatever was switched off.
package enum MessagePriority: String, Sendable, Hashable, CaseIterable {
  case urgent, normal, low

  package var label: String {
    switch self {
    case .urgent: "紧急"
    case .normal: "普通"
    case .low: "低"
    }
  }

  /// Higher goes first.
  var rank: Int {
    switch self {
    case .urgent: 2
    case .normal: 1
    case .low: 0
    }
  }
}

/// What is said on an occasion, in the words of each channel (消息模板); declared as `message: case_supplement`.
package struct MessageTemplate: Sendable {
  /// A value that the sender gives.
  package struct Variable: Sendable, Hashable {
    package let name: String
    package let label: String
    /// What the preview shows.
    package let example: String
  }

  /// A template message of the official account: the template's own number and its fields.
  package struct WeChat: Sendable {
    /// `nil` when the parameter `messaging.wechat_templates` has to name it.
    package let template: String?
    package let data: [(name: String, text: PlaceholderText)]
  }

  package let name: String
  package let label: String
  package let channels: [MessageChannelKind]
  package let priority: MessagePriority
  /// In-site and the subject of an e-mail.
  package let title: PlaceholderText
  /// In-site and e-mail.
  package let text: PlaceholderText
  /// `nil` without the channel.
  package let sms: PlaceholderText?
  package let wechat: WeChat?
  /// The page it leads to, with `{id}` where the sender's id stands.
  package let link: PlaceholderText?
  package let variables: [Variable]
  /// Hours after which it is no longer worth sending.
  package let expires: Int?
  /// Whether it waits for the morning when it would come at night.
  package let holdsAtNight: Bool
  package let position: SourcePosition

  /// The parameters of the installation's own that it says (`{own.hotline}`, C-479).
  package var settings: Set<String> {
    let texts = [title, text, sms].compactMap(\.self) + (wechat?.data.map(\.text) ?? [])
    return Set(texts.flatMap(\.variables).filter { $0.contains(".") })
  }

  package func variable(_ name: String) -> Variable? { variables.first { $0.name == name } }

  /// The examples of all variables, for a preview.
  package var examples: [String: String] {
    Dictionary(variables.map { ($0.name, $0.example) }, uniquingKeysWith: { first, _ in first })
  }
}
