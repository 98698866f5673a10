import Core
package import SQL

/// The message center for rules of registers (消息出口): they are part of the store, which the center is made after. What
/// is told before it is connected, as by commands of an operator, is not sent.
package final class MessageLine: Sendable {
  private let later = Later<MessageCenter>("messages")

  var center: MessageCenter? { later.value }

  package init() {}

  package func connect(_ messages: MessageCenter) { later.begin(messages) }

  /// See ``MessageCenter/send(_:to:_:link:key:in:)``.
  package func send(
    _ name: String, to recipients: [MessageRecipient], _ values: [String: String], link: String? = nil, key: String,
    in transaction: Transaction
  ) async throws {
    try await center?.send(name, to: recipients, values, link: link, key: key, in: transaction)
  }
}
