/// A message on its way to one address by one channel.
package struct OutgoingMessage: Sendable, Hashable {
  /// Number of the delivery: gateways that know it can tell a repetition from a second message.
  package let id: Int64
  /// Telephone number, e-mail address or the person's number at the official account.
  package let address: String
  package let template: String
  package let content: MessageContent
  /// The page it leads to, as a whole address; `nil` for none.
  package let url: String?

  package init(id: Int64, address: String, template: String, content: MessageContent, url: String?) {
    self.id = id
    self.address = address
    self.template = template
    self.content = content
    self.url = url
  }
}

/// How a channel fared with a message.
package enum ChannelOutcome: Sendable, Hashable {
  /// Taken over by the gateway, which calls it `reference`; `via` is the code of one among several gateways.
  case accepted(reference: String?, via: String? = nil)
  /// Never to be tried again: there is no such number, for instance.
  case refused(String)
  /// Worth another try: time-out, overload, no connection.
  case failed(String)
}

/// One way out of the house, whatever is behind it.
package struct MessageChannel: Sendable {
  package let kind: MessageChannelKind
  /// What is missing in the settings; `nil` when it can be used.
  package let missing: @Sendable (MessagingSettings) -> String?
  /// Hands a message over. It must come to an end within ``MessagingSettings/timeout``.
  package let send: @Sendable (OutgoingMessage, MessagingSettings) async -> ChannelOutcome

  package init(
    _ kind: MessageChannelKind, missing: @escaping @Sendable (MessagingSettings) -> String? = { _ in nil },
    send: @escaping @Sendable (OutgoingMessage, MessagingSettings) async -> ChannelOutcome
  ) {
    self.kind = kind
    self.missing = missing
    self.send = send
  }
}
