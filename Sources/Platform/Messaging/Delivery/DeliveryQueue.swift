import Core
import Jobs
import SQL

/// A delivery that a worker has taken.
struct ClaimedDelivery: Sendable {
  let id: Int64
  let message: Int64
  let channel: MessageChannelKind
  let attempt: Int
  /// Tries since it was last put into the queue, with this one.
  let tries: Int
  let worker: String
  let startedAt: Instant
  let template: String
  let recipient: String
  let user: Int64?
  let isUrgent: Bool
  let holdsAtNight: Bool
  let content: [UInt8]
  /// Whether no other was ready when it was taken.
  let isLast: Bool
}

/// What a runner does with the outbox: take, give back, write down how it went.
struct DeliveryQueue: Sendable {
  let center: MessageCenter
  let worker: String

  /// How a delivery that was taken goes on.
  enum Ending: Sendable, Hashable {
    /// The channel took it over.
    case sent(reference: String?, via: String?, masked: String)
    /// There is no way to send it: not configured, not wanted, no address.
    case skipped(String)
    /// Not now; the try does not count.
    case held(until: Instant, String?)
    case failed(String, masked: String, mayRepeat: Bool)
  }

  /// Gives up what nobody needs any more. Rows that a worker holds are left to it.
  func expire() async throws {
    let now = center.clock.now()
    try await center.database.execute(
      """
      update message_delivery set state = 'expired', finished_at = \(now), worker = null, lease_until = null,
        reason = case when reason is null then '过了有效期还没有发出' else '过了有效期还没有发出；上次：' || reason end
      where id in (
        select id from message_delivery
        where state = 'queued' and expires_at <= \(now) and (lease_until is null or lease_until < \(now))
        order by id limit 1000 for update skip locked)
      """)
  }

  /// Those of `channels` that have sent all they may in this minute.
  func exhausted(_ rates: [MessageChannelKind: Int]) async throws -> Set<MessageChannelKind> {
    if rates.isEmpty { return [] }
    let since = center.clock.now() + -60
    // Each looks no further than it has to.
    let counts = try await center.database.pipeline(
      rates.map { channel, rate in
        """
        select \(channel.rawValue) as channel, count(*) >= \(rate) as is_full from (
          select 1 from message_delivery where channel = \(channel.rawValue) and sent_at > \(since) limit \(rate)) s
        """
      })
    return Set(
      try counts.compactMap { rows in
        guard let row = rows.first, try row.get("is_full") else { return nil }
        return MessageChannelKind(rawValue: try row.get("channel"))
      })
  }

  /// Takes the delivery that is due for one of `channels` and goes first by `order`, for `lease` seconds. Workers never
  /// wait for one another, and what one holds no other gets before the lease has ended.
  func claim(
    _ channels: [MessageChannelKind], order: MessagingSettings.Order = .priority, lease: Int64
  ) async throws -> ClaimedDelivery? {
    let now = center.clock.now()
    let first: SQL = order == .priority ? "rank desc, run_at, id" : "run_at, id"
    let ready: SQL = """
      state = 'queued' and run_at <= \(now) and channel = any(\(channels.map(\.rawValue)))
        and (expires_at is null or expires_at > \(now)) and (lease_until is null or lease_until < \(now))
      """
    let rows = try await center.database.query(
      """
      with candidate as (
        select id, attempt, worker from message_delivery where \(ready)
        order by \(first) for update skip locked limit 1
      ), lost as (
        insert into message_attempt (delivery_id, attempt, worker, finished_at, outcome, reason)
        select id, attempt, worker, \(now), 'lost', '发送的进程中断' from candidate where worker is not null
        on conflict do nothing
      ), claimed as (
        update message_delivery d set worker = \(worker), lease_until = \(now + lease), attempt = d.attempt + 1
        from candidate c where d.id = c.id returning d.id, d.message_id, d.channel, d.attempt, d.attempt - d.earlier as tries
      )
      select c.id, c.message_id, c.channel, c.attempt, c.tries, m.template, m.recipient, m.user_id, m.priority,
        m.holds_at_night, m.content,
        not exists (select from message_delivery o where o.id <> c.id and \(ready)) as is_last
      from claimed c join message m on m.id = c.message_id
      """)
    guard let row = rows.first else { return nil }
    let channel: String = try row.get("channel")
    guard let kind = MessageChannelKind(rawValue: channel) else { throw Fault("message-channel", channel) }
    return ClaimedDelivery(
      id: try row.get("id"), message: try row.get("message_id"), channel: kind, attempt: try row.get("attempt"),
      tries: try row.get("tries"), worker: worker, startedAt: now, template: try row.get("template"),
      recipient: try row.get("recipient"),
      user: try row.get("user_id"), isUrgent: try row.get("priority", as: String.self) == "urgent",
      holdsAtNight: try row.get("holds_at_night"), content: try row.get("content"), isLast: try row.get("is_last"))
  }

  /// Writes down how it went; nothing happens when the delivery is no longer this worker's.
  func end(_ delivery: ClaimedDelivery, _ ending: Ending, _ settings: MessagingSettings) async throws {
    let now = center.clock.now()
    var outcome: String?
    var reason: String?
    let change: SQL
    switch ending {
    case .sent(let reference, let via, let masked):
      outcome = "sent"
      change = """
        state = 'sent', sent_at = \(now), finished_at = \(now), reason = null, reference = \(reference), via = \(via),
        masked_address = \(masked)
        """
    case .skipped(let why):
      change = "state = 'skipped', finished_at = \(now), attempt = d.attempt - 1, reason = \(why)"
    case .held(let until, let why):
      change = "run_at = \(until), attempt = d.attempt - 1, reason = coalesce(\(why)::text, reason)"
    case .failed(let why, let masked, let mayRepeat):
      outcome = "failed"
      reason = why
      if mayRepeat, delivery.tries < settings.attempts {
        let policy = RetryPolicy(maximumAttempts: settings.attempts, firstDelay: settings.firstDelay)
        let delay = policy.delay(after: delivery.tries, job: delivery.id)
        change = "run_at = \(now + delay), reason = \(why), masked_address = \(masked)"
      } else {
        change = "state = 'failed', finished_at = \(now), reason = \(why), masked_address = \(masked)"
      }
    }
    try await center.database.execute(
      """
      with ended as (
        update message_delivery d set \(change), worker = null, lease_until = null
        where id = \(delivery.id) and state = 'queued' and worker = \(worker) and attempt = \(delivery.attempt)
        returning id
      )
      insert into message_attempt (delivery_id, attempt, worker, started_at, finished_at, outcome, reason)
      select id, \(delivery.attempt), \(worker), \(delivery.startedAt), \(now), \(outcome ?? ""), \(reason)
      from ended where \(outcome != nil)
      """)
  }

  /// Deletes messages older than `days`; returns how many.
  @discardableResult
  func purge(olderThan days: Int64) async throws -> Int {
    let limit = center.clock.now() + -days * 86_400
    return try await center.database.execute(
      "delete from message where id in (select id from message where created_at < \(limit) order by created_at limit 5000)"
    )
  }
}
