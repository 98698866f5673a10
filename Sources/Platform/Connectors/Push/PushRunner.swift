package import Access
package import Core
import Crypto
package import Entities
import Jobs
package import SQL
import Transport

/// Pushes the changes of registers to whoever subscribed (变更推送): at least once, each record's in order, with what the
/// key of the subscriber may see.
///
/// Any number of runners, in any number of processes, share the subscriptions: one is held by one runner at a time, for
/// as long as a request may take. A reader moves on with the receiver's `2xx` only, so that whatever dies in between,
/// the same comes again under the same number.
package final class PushRunner: Sendable {
  package struct Configuration: Sendable {
    /// Names this process.
    package var worker: String
    package var concurrency = 2
    /// How long a change waits at most before somebody looks.
    package var poll: Duration = .seconds(1)
    package var log: Log
    package var metrics: Metrics?

    package init(worker: String, log: Log = .silent, metrics: Metrics? = nil) {
      self.worker = worker
      self.log = log
      self.metrics = metrics
    }
  }

  package let store: RecordStore
  package let changes: RecordChanges
  private let settings: @Sendable () -> PushSettings
  private let principal: @Sendable (_ key: Int64) async throws -> Principal
  private let attachment: PushBatch.Attachment?
  private let configuration: Configuration
  private let transports: TransportPool
  /// Told when a subscription was paused, and why.
  private let alarm: @Sendable (_ subscription: String, _ reason: String, _ id: Int64, Transaction) async throws -> Void

  /// - Parameters:
  ///   - principal: what a key may do now; refuses one that is no longer in use.
  ///   - attachment: what stands beside addresses whose subscription asks for their codes.
  package init(
    _ store: RecordStore, configuration: Configuration, settings: @escaping @Sendable () -> PushSettings,
    principal: @escaping @Sendable (_ key: Int64) async throws -> Principal, attachment: PushBatch.Attachment? = nil,
    alarm: @escaping @Sendable (String, String, Int64, Transaction) async throws -> Void = { _, _, _, _ in }
  ) {
    self.store = store
    self.configuration = configuration
    self.settings = settings
    self.principal = principal
    self.attachment = attachment
    self.alarm = alarm
    changes = RecordChanges(database: store.database, clock: store.clock)
    transports = TransportPool(name: "push", size: configuration.concurrency)
    configuration.metrics?.describe("lifang_push_requests_total", "Requests to subscribers, by outcome")
    configuration.metrics?.describe("lifang_push_changes_total", "Changes that subscribers have taken")
  }

  /// Works until the task is cancelled.
  package func run() async {
    let loop = WorkLoop(
      "push", concurrency: configuration.concurrency, poll: configuration.poll, log: configuration.log)
    await loop.run(on: store.database, channel: PushRunner.readyChannel) { _ in
    } next: {
      try await self.runNext() ? .more : .nothing
    }
  }

  /// Tells runners not to wait for their next look.
  package static let readyChannel = "lifang_push_ready"

  private var now: Instant { store.clock.now() }

  // MARK: One subscription

  /// Takes the subscription that has waited longest and sends its next batch; false when none has anything.
  package func runNext() async throws -> Bool {
    try await changes.number()
    let settings = settings()
    guard let id = try await claim(settings) else { return false }
    do {
      try await push(id, settings)
    } catch let refusal as Refusal {
      // What the rules do not allow any more cannot be mended by trying again.
      try await pause(id, refusal.message)
    } catch {
      configuration.log.fault(error, "push-failed", ["subscription": .int(id)])
      try await fail(id, "系统内部错误，已记录", settings)
    }
    return true
  }

  private func claim(_ settings: PushSettings) async throws -> Int64? {
    let now = now
    return try await store.database.query(
      """
      with candidate as (
        select p.subscription_id from push_state p join subscription s on s.id = p.subscription_id
          join change_reader r on r.name = 'subscription:' || s.id
          left join record_change_horizon h on h.entity = r.entity
        where s.state = 'active' and p.next_at <= \(now) and (p.leased_until is null or p.leased_until < \(now))
          and (r.scanned is not null or h.number > r.position
            or exists (select from record_change c where c.entity = r.entity and c.number > r.position))
        order by p.next_at, p.subscription_id for update of p skip locked limit 1
      )
      update push_state p set worker = \(configuration.worker), leased_until = \(now + settings.timeout * 2 + 30)
      from candidate c where p.subscription_id = c.subscription_id returning p.subscription_id as id
      """
    ).first?.get("id")
  }

  private func push(_ id: Int64, _ settings: PushSettings) async throws {
    let subscription = try await Subscription.read(id, store)
    let target = try PushTarget(subscription.address)
    try target.require(in: settings)
    guard let secret = subscription.secret else { throw SubscriptionRules.noSecret }
    let reader = try await principal(subscription.key)
    let entity = try store.entity(subscription.register)
    guard let batch = try await changes.next(Subscription.reader(id), limit: settings.batch) else {
      return try await release(id)
    }
    let seen = try await store.records(as: reader).changed(
      subscription.register, batch.changes, columns: PushRunner.columns(entity, subscription, reader),
      division: subscription.division)
    let message = try PushBatch(
      batch, seen, subscription, entity, store.catalog, attaching: subscription.withCodes ? attachment : nil)
    guard let message else {
      try await changes.acknowledge(batch, in: store.database)
      return try await release(id)
    }
    let outcome = await send(message, subscription, secret, target, settings)
    // Written down whatever becomes of this task: the receiver has it.
    try await Task { [self] in
      try await PushLog.write(outcome, message, subscription, store)
      guard outcome.outcome == .answered else { return try await fail(id, outcome.reason ?? "没有收下", settings) }
      let isMoved = try await store.database.transaction { transaction in
        guard try await changes.acknowledge(batch, in: transaction) else { return false }
        try await transaction.execute(
          """
          update push_state set leased_until = null, worker = null, next_at = \(now), failures = 0,
            failing_since = null, delivered = delivered + \(message.count), delivered_at = \(now)
          where subscription_id = \(id)
          """)
        return true
      }
      if isMoved {
        configuration.metrics?.count("lifang_push_changes_total", by: UInt64(message.count))
      } else {
        try await release(id)
      }
    }.value
  }

  /// What was asked for, else all; what is masked to the reader is left out. A code needs the field it is made of.
  private static func columns(_ entity: EntityDeclaration, _ subscription: Subscription, _ reader: Principal)
    -> [String]
  {
    let wanted = subscription.fields.map { Set($0 + (subscription.withCodes ? ["code", "status"] : [])) }
    return entity.fields.filter { field in
      !field.hidden && field.classification <= reader.clearance && wanted?.contains(field.name) ?? true
    }.map(\.name)
  }

  /// Sends a request that carries nothing, to see whether the receiver answers and accepts the signature (试送).
  ///
  /// - Throws: ``Refusal`` `push-host`, `subscription-secret`, `record-missing`.
  package func probe(_ id: Int64) async throws -> PushOutcome {
    let settings = settings()
    let subscription = try await Subscription.read(id, store)
    let target = try PushTarget(subscription.address)
    try target.require(in: settings)
    guard let secret = subscription.secret else { throw SubscriptionRules.noSecret }
    let message = PushBatch(probe: "\(id)-probe-\(now.seconds)", subscription)
    let outcome = await send(message, subscription, secret, target, settings)
    try await PushLog.write(outcome, message, subscription, store)
    return outcome
  }

  // MARK: Sending

  private func send(
    _ message: PushBatch, _ subscription: Subscription, _ secret: SecretBytes, _ target: PushTarget,
    _ settings: PushSettings
  ) async -> PushOutcome {
    let time = now.iso8601
    let signature = ConnectorSignature.sign(
      path: target.path, time: time, number: message.number, body: message.body, secret: secret)
    let request = GatewayRequest(
      url: target.url,
      headers: [
        "Content-Type: application/json; charset=utf-8", "X-Lifang-Key: subscription-\(subscription.id)",
        "X-Lifang-Request: \(message.number)", "X-Lifang-Time: \(time)", "X-Lifang-Signature: \(signature)",
      ], body: message.body, timeout: .seconds(settings.timeout))
    let clock = ContinuousClock()
    let start = clock.now
    var outcome: PushOutcome
    do throws(TransportFailure) {
      let answer = try await transports.next.ask(request)
      switch answer.status {
      case 200..<300: outcome = PushOutcome(.answered, status: answer.status)
      case 300..<400: outcome = PushOutcome(.refused, status: answer.status, reason: "对方要求转到别的地址（\(answer.status)），不跟随")
      case 401, 403: outcome = PushOutcome(.denied, status: answer.status, reason: "对方不认签名（\(answer.status)）")
      case 429, 500...: outcome = PushOutcome(.failed, status: answer.status, reason: "对方出错（\(answer.status)）")
      default: outcome = PushOutcome(.refused, status: answer.status, reason: "对方没有收下（\(answer.status)）")
      }
    } catch {
      outcome = PushOutcome(error.isTimeout ? .timeout : .failed, status: error.status, reason: "对方\(error.message)")
    }
    let taken = start.duration(to: clock.now).components
    outcome.milliseconds = taken.seconds * 1000 + taken.attoseconds / 1_000_000_000_000_000
    configuration.metrics?.count("lifang_push_requests_total", "outcome=\"\(outcome.outcome.rawValue)\"")
    return outcome
  }

  // MARK: Endings

  private func release(_ id: Int64) async throws {
    try await store.database.execute(
      "update push_state set leased_until = null, worker = null, next_at = \(now) where subscription_id = \(id)")
  }

  private func fail(_ id: Int64, _ reason: String, _ settings: PushSettings) async throws {
    let now = now
    let row = try await store.database.query(
      """
      update push_state set failures = failures + 1, failing_since = coalesce(failing_since, \(now)),
        leased_until = null, worker = null
      where subscription_id = \(id) returning failures, failing_since
      """
    ).first
    guard let row else { return }
    let since: Instant = try row.get("failing_since")
    configuration.log(.warning, "push-refused", ["subscription": .int(id), "reason": .string(reason)])
    if now - since >= Double(settings.pauseHours * 3600) {
      return try await pause(id, "自 \(since.display) 起一直没有送达：\(reason)")
    }
    let policy = RetryPolicy(firstDelay: settings.firstDelay, longestDelay: settings.longestDelay)
    let delay = policy.delay(after: Int(try row.get("failures", as: Int64.self)), job: id)
    try await store.database.execute(
      "update push_state set next_at = \(now + delay) where subscription_id = \(id)")
  }

  /// Stops pushing until somebody lets it go on; the reader keeps its place.
  private func pause(_ id: Int64, _ reason: String) async throws {
    try await store.transaction(as: .system, purpose: "变更推送") { records in
      let record = try await records.update(
        Subscription.entity, id, version: nil, ["state": .text("paused"), "reason": .text(String(reason.prefix(300)))],
        input: .code)
      guard let transaction = records.transaction else { return }
      try await transaction.execute(
        "update push_state set leased_until = null, worker = null where subscription_id = \(id)")
      try await alarm(record["label"].text ?? "", reason, id, transaction)
    }
    configuration.log(.warning, "push-paused", ["subscription": .int(id), "reason": .string(reason)])
    configuration.metrics?.count("lifang_push_paused_total")
  }

  /// How a subscription stands (推送情况).
  package func status(of id: Int64) async throws -> PushStatus? {
    let row = try await store.database.query(
      "select next_at, failures, failing_since, delivered, delivered_at from push_state where subscription_id = \(id)"
    ).first
    guard let row, let lag = try await changes.lag(of: Subscription.reader(id)) else { return nil }
    return PushStatus(
      lag: lag, delivered: try row.get("delivered"), deliveredAt: try row.get("delivered_at"),
      failures: try row.get("failures"), failingSince: try row.get("failing_since"), nextAt: try row.get("next_at"))
  }
}

/// How a subscription stands (推送情况).
package struct PushStatus: Sendable, Hashable {
  package let lag: RecordChanges.Lag
  /// Changes that the receiver took, repetitions counted.
  package let delivered: Int64
  package let deliveredAt: Instant?
  /// In a row.
  package let failures: Int64
  package let failingSince: Instant?
  package let nextAt: Instant
}

/// How a request to a subscriber ended.
package struct PushOutcome: Sendable, Hashable {
  package let outcome: ConnectorOutcome
  package let status: Int
  package let reason: String?
  package var milliseconds: Int64 = 0

  init(_ outcome: ConnectorOutcome, status: Int = 0, reason: String? = nil) {
    self.outcome = outcome
    self.status = status
    self.reason = reason
  }
}

/// Every request to subscribers (推送记录), in the register `subscription_delivery`; the content is not kept.
package enum PushLog {
  package static let entity = "subscription_delivery"

  static func write(_ outcome: PushOutcome, _ message: PushBatch, _ subscription: Subscription, _ store: RecordStore)
    async throws
  {
    let values: [String: Value] = [
      "sent_at": .instant(store.clock.now()), "subscription_id": .integer(subscription.id),
      "number": .text(message.number), "count": .integer(Int64(message.count)),
      "outcome": .text(outcome.outcome.rawValue),
      "status": .integer(Int64(outcome.status)), "milliseconds": .integer(outcome.milliseconds),
      "reason": outcome.reason.map { .text(String($0.prefix(300))) } ?? .null,
    ]
    let records = store.records(as: .system, purpose: "登记变更推送")
    try await records.insert(entity, values.filter { !$0.value.isBlank }, input: .code)
  }

  /// Deletes requests before `time`, their history too; returns how many.
  ///
  /// - Parameter database: with the rights of the owner.
  package static func purge(before time: Instant, on database: Database) async throws -> Int {
    try await database.transaction { transaction in
      let count = try await transaction.execute("delete from subscription_delivery where sent_at < \(time)")
      try await transaction.execute("delete from subscription_delivery_history where sent_at < \(time)")
      return count
    }
  }
}
