import Access
import Connectors
import Core
import Entities
import Identity
import Messaging
import SQL
import Synchronization

/// What subscriptions need and is made after the store whose register they stand in (变更推送).
final class PushWiring: RecordRules {
  private let parts = Mutex<(identity: IdentityService, parameters: Parameters)?>(nil)

  func begin(_ identity: IdentityService, _ parameters: Parameters) { parts.withLock { $0 = (identity, parameters) } }

  var settings: PushSettings { parts.withLock { $0?.parameters }.map { PushSettings($0) } ?? PushSettings() }

  func principal(of key: Int64) async throws -> Principal {
    guard let identity = parts.withLock({ $0?.identity }) else { throw Fault("push-early", "\(key)") }
    return try await identity.principal(actor: -key)
  }

  func addHooks(to hooks: inout RecordHooks) {
    SubscriptionRules(settings: { [self] in settings }) { [self] in try await principal(of: $0) }.addHooks(to: &hooks)
  }

  /// The runner of this node; whoever manages subscriptions is told of a pause.
  func runner(
    _ deployment: Deployment, _ store: RecordStore, _ messages: MessageCenter, attaching: PushBatch.Attachment?
  ) -> PushRunner {
    let clock = deployment.clock
    return PushRunner(
      store, configuration: .init(worker: "node", log: deployment.log, metrics: deployment.metrics),
      settings: { [self] in settings }, principal: { [self] in try await principal(of: $0) }, attachment: attaching
    ) { subscriber, reason, id, transaction in
      let people = try await Responsibility(clock: clock).everyone(
        with: Permission(Subscription.entity, "update"), in: transaction)
      try await messages.send(
        "subscription_paused", to: people.map { .user($0) }, ["subscriber": subscriber, "reason": reason],
        link: String(id), key: "subscription \(id) \(clock.now().seconds)", in: transaction)
    }
  }
}
