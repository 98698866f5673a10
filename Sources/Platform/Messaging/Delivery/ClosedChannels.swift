import Synchronization

/// Channels that cannot be used as they are set up, and why. What would go by one is noted as not sent when it is made:
/// no runner has to take it up to find that out.
final class ClosedChannels: Sendable {
  private let reasons = Mutex<[MessageChannelKind: String]>([:])

  /// `nil` for a channel that may be used; in site is always open.
  func reason(_ kind: MessageChannelKind) -> String? { reasons.withLock { $0[kind] } }

  func set(_ new: [MessageChannelKind: String]) { reasons.withLock { $0 = new } }
}

extension MessageCenter {
  /// The settings have changed, or may have: every channel counts as open until a runner has looked at them.
  package func reconsiderChannels() { closed.set([:]) }
}
