import Access
import Connectors
import Core
import Entities
import Identity
import Messaging
import SQL

/// What subscriptions need and is made after the store whose register they stand in (变更推送).
final class PushWiring: RecordRules {
  private let parts = Later<(identity: IdentityService, parameters: Parameters)>("push")

  func begin(_ identity: IdentityService, _ parameters: Parameters) { parts.begin((identity, parameters)) }

  var settings: PushSettings { parts.value.map { PushSettings($0.parameters) } ?? PushSettings() }

  func principal(of key: Int64) async throws -> Principal {
    try await parts.known().identity.principal(actor: -key)
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
