import Synchronization

/// The templates in force, which a new version replaces while the server runs.
final class LiveTemplates: Sendable {
  private let state: Mutex<MessageTemplates>

  init(_ templates: MessageTemplates) { state = Mutex(templates) }

  var current: MessageTemplates { state.withLock { $0 } }

  func adopt(_ templates: MessageTemplates) { state.withLock { $0 = templates } }
}
