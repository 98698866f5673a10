import Core
package import Entities

/// What administrators have set about messages: the parameters `messaging.*`, with the secrets of this installation.
package struct MessagingSettings: Sendable {
  /// When nobody wants to be woken up.
  package var quiet = QuietHours.standard
  /// Tries before a delivery is given up.
  package var attempts = 6
  /// Seconds before the second try; each further one waits twice as long, up to an hour.
  package var firstDelay: Int64 = 30
  package var timeout: Duration = .seconds(15)
  /// Days after which messages are deleted.
  package var keepDays: Int64 = 730
  /// Which of what waits goes first (消息优先级与排序, B4-270).
  package var order = Order.priority
  /// How many a minute each channel may send; without an entry any number (频率限制, B4-265).
  package var rates: [MessageChannelKind: Int] = [:]
  package var mail: Mail?
  /// The gateways that are switched on, the one to be used first at the head.
  package var sms: [SMSGateway] = []
  package var wechat: WeChat?
  package var secrets = MessagingSecrets()

  package enum Order: String, Sendable {
    /// The most pressing; among equals what was made first.
    case priority
    /// What was made first.
    case time
  }

  /// Ways to a mail server.
  package struct Mail: Sendable {
    package var url: String
    package var requiresTLS = true
    package var user: String?
    package var from: String
    package var fromName: String?

    package init(url: String, from: String) {
      self.url = url
      self.from = from
    }
  }

  /// The official account.
  package struct WeChat: Sendable {
    package var url: String
    package var appID: String
    /// Numbers of the account's templates by the name of ours.
    package var templates: [String: String] = [:]

    package init(url: String, appID: String) {
      self.url = url
      self.appID = appID
    }
  }

  package init() {}

  /// - Throws: ``Fault`` when a parameter is not declared.
  package init(_ parameters: Parameters, secrets: MessagingSecrets, sms: [SMSGateway] = []) throws {
    self.secrets = secrets
    self.sms = sms
    func text(_ name: String) throws -> String? {
      let text = try parameters.text("messaging.\(name)")
      return text == MessagingSettings.unset || text.isEmpty ? nil : text
    }
    quiet = QuietHours(from: try text("quiet_from") ?? "", to: try text("quiet_to") ?? "") ?? .standard
    attempts = Int(try parameters.integer("messaging.attempts"))
    firstDelay = try parameters.integer("messaging.first_delay")
    timeout = .seconds(try parameters.integer("messaging.timeout"))
    keepDays = try parameters.integer("messaging.keep_days")
    order = try text("order").flatMap(Order.init(rawValue:)) ?? .priority
    for (kind, name) in [(MessageChannelKind.sms, "sms"), (.email, "mail"), (.wechat, "wechat")] {
      let rate = Int(try parameters.integer("messaging.\(name)_rate"))
      if rate > 0 { rates[kind] = rate }
    }
    if let url = try text("smtp_url"), let from = try text("smtp_from") {
      var mail = Mail(url: url, from: from)
      mail.requiresTLS = try parameters.boolean("messaging.smtp_tls")
      mail.user = try text("smtp_user")
      mail.fromName = try text("smtp_from_name")
      self.mail = mail
    }
    if let url = try text("wechat_url"), let appID = try text("wechat_app_id") {
      var wechat = WeChat(url: url, appID: appID)
      for pair in (try text("wechat_templates") ?? "").split(whereSeparator: { ";；\n, ".contains($0) }) {
        let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
        if parts.count == 2 { wechat.templates[parts[0]] = parts[1] }
      }
      self.wechat = wechat
    }
  }

  /// What stands for “not used” in a parameter, which cannot be empty.
  package static let unset = "-"
}
