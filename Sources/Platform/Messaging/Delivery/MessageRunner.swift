package import Core
import Jobs
import SQL
import Synchronization
import Transport

/// Delivers what stands in the outbox. Any number of runners, in any number of processes, share one.
package final class MessageRunner: Sendable {
  package struct Configuration: Sendable {
    /// Names this process in the record of attempts.
    package var worker: String
    package var concurrency = 4
    /// How long a runner sleeps at most between two looks into the outbox; notifications wake it sooner.
    package var poll: Duration = .seconds(5)
    package var publicOrigin: String
    package var log: Log
    package var metrics: Metrics?

    package init(worker: String, publicOrigin: String = "", log: Log = Log(), metrics: Metrics? = nil) {
      self.worker = worker
      self.publicOrigin = publicOrigin
      self.log = log
      self.metrics = metrics
    }
  }

  package let center: MessageCenter
  private let channels: [MessageChannelKind: MessageChannel]
  private let settings: @Sendable () async throws -> MessagingSettings
  private let configuration: Configuration
  private let queue: DeliveryQueue
  private let breakers = Mutex<[MessageChannelKind: CircuitBreaker]>([:])

  package init(
    center: MessageCenter, channels: [MessageChannel],
    settings: @escaping @Sendable () async throws -> MessagingSettings, configuration: Configuration
  ) {
    self.center = center
    self.channels = Dictionary(channels.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first })
    self.settings = settings
    self.configuration = configuration
    queue = DeliveryQueue(center: center, worker: configuration.worker)
  }

  /// Works until the task is cancelled.
  package func run() async {
    let loop = WorkLoop(
      "message", concurrency: configuration.concurrency, poll: configuration.poll, log: configuration.log)
    await loop.run(on: center.database, channel: MessageCenter.readyChannel) { round in
      try await self.expire()
      if round % 720 == 0 { try await self.queue.purge(olderThan: try await self.settings().keepDays) }
    } next: {
      try await self.work()
    }
  }

  /// Gives up what nobody needs any more.
  package func expire() async throws { try await queue.expire() }

  // MARK: One delivery

  /// Takes the next delivery that is due and sees to it; false when there is none.
  package func runNext() async throws -> Bool { try await work() != .nothing }

  /// The same, telling whether more was ready.
  private func work() async throws -> WorkLook {
    let settings = try await settings()
    let open = admitted()
    defer { release(open.trying) }
    let full = try await queue.exhausted(settings.rates)
    let kinds = open.kinds.filter { $0 != .site && !full.contains($0) }
    if kinds.isEmpty { return .nothing }
    // Short messages may go through several gateways, each with its time.
    let lease = settings.timeout.components.seconds * Int64(settings.sms.count + 2) + 60
    guard let delivery = try await queue.claim(kinds, order: settings.order, lease: lease) else { return .nothing }
    let ending: DeliveryQueue.Ending
    do {
      ending = try await deliver(delivery, settings)
    } catch {
      configuration.log.fault(error, "message-deliver", ["delivery": .int(delivery.id)])
      ending = .failed("系统内部错误，已记录。", masked: "", mayRepeat: true)
    }
    note(delivery, ending)
    // A task of its own: writing the end down must not fail because the runner is being cancelled.
    await Task { [queue, log = configuration.log] in
      do {
        try await queue.end(delivery, ending, settings)
      } catch {
        log.fault(error, "message-end", ["delivery": .int(delivery.id)])
      }
    }.value
    return delivery.isLast ? .last : .more
  }

  private func deliver(
    _ delivery: ClaimedDelivery, _ settings: MessagingSettings
  ) async throws -> DeliveryQueue.Ending {
    let kind = delivery.channel
    guard delivery.tries <= settings.attempts else {
      return .failed("发送的进程多次中断，已停止重试。", masked: "", mayRepeat: false)
    }
    guard let channel = channels[kind] else { return .skipped("\(kind.label)渠道没有配置") }
    if let missing = channel.missing(settings) { return .skipped(missing) }
    let (content, given) = try center.open(delivery.content, of: delivery.recipient)
    var address = given
    if let user = delivery.user {
      if !delivery.isUrgent, try await center.refuses(user, kind) { return .skipped("本人关闭了\(kind.label)") }
      address = try await center.address(of: user, by: kind)
    }
    guard let address, !address.isEmpty else {
      return .skipped(kind == .sms ? "没有登记手机号码" : kind == .email ? "没有确认的邮箱" : "没有绑定微信")
    }
    let now = center.clock.now()
    if delivery.holdsAtNight, let morning = settings.quiet.end(at: now) {
      return .held(until: morning, "免打扰时段，等到 \(morning.display)")
    }
    let message = OutgoingMessage(
      id: delivery.id, address: address, template: delivery.template, content: content,
      url: content.link.map { configuration.publicOrigin + $0 })
    let masked = MessageRunner.masked(address, kind)
    switch await channel.send(message, settings) {
    case .accepted(let reference, let via):
      breakers.withLock { $0[kind, default: CircuitBreaker()].succeeded() }
      return .sent(reference: reference.map { String($0.prefix(200)) }, via: via, masked: masked)
    case .refused(let reason):
      // The gateway answered, so it is there.
      breakers.withLock { $0[kind, default: CircuitBreaker()].succeeded() }
      return .failed(reason, masked: masked, mayRepeat: false)
    case .failed(let reason):
      breakers.withLock { $0[kind, default: CircuitBreaker()].failed(at: center.clock.now()) }
      return .failed(reason, masked: masked, mayRepeat: true)
    }
  }

  private func note(_ delivery: ClaimedDelivery, _ ending: DeliveryQueue.Ending) {
    let outcome: String
    switch ending {
    case .sent: outcome = "sent"
    case .held: outcome = "held"
    case .skipped(let reason):
      outcome = "skipped"
      configuration.log(
        .info, "message-skipped",
        [
          "delivery": .int(delivery.id), "template": .string(delivery.template),
          "channel": .string(delivery.channel.rawValue), "reason": .string(reason),
        ])
    case .failed(let reason, _, _):
      outcome = "failed"
      configuration.log(
        .warning, "message-failed",
        [
          "delivery": .int(delivery.id), "channel": .string(delivery.channel.rawValue),
          "attempt": .int(Int64(delivery.attempt)), "reason": .string(reason),
        ])
    }
    configuration.metrics?.count(
      "lifang_messages_total", "channel=\"\(delivery.channel.rawValue)\",outcome=\"\(outcome)\"")
  }

  private static func masked(_ address: String, _ kind: MessageChannelKind) -> String {
    switch kind {
    case .sms: PhoneNumber(address)?.description ?? "****"
    case .email: EmailAddress(address)?.description ?? "****"
    case .wechat: "\(address.prefix(4))****"
    case .site: ""
    }
  }

  // MARK: Circuit breakers

  /// The channels that may be used now, and those of them for which this is the one try.
  private func admitted() -> (kinds: [MessageChannelKind], trying: [MessageChannelKind]) {
    let now = center.clock.now()
    return breakers.withLock { breakers in
      let kinds = MessageChannelKind.allCases.filter { breakers[$0, default: CircuitBreaker()].admits(at: now) }
      return (kinds, kinds.filter { breakers[$0]?.state == .trying })
    }
  }

  private func release(_ kinds: [MessageChannelKind]) {
    let now = center.clock.now()
    breakers.withLock { breakers in for kind in kinds { breakers[kind]?.release(at: now) } }
  }

  /// What is wrong with each channel now: not configured, or resting because its gateway does not answer.
  package func channelStates() async throws -> [(kind: MessageChannelKind, problem: String?)] {
    let settings = try await settings()
    let now = center.clock.now()
    let states = breakers.withLock { $0.mapValues(\.state) }
    return MessageChannelKind.allCases.filter { $0 != .site }.map { kind in
      guard let channel = channels[kind] else { return (kind, "没有配置") }
      if let missing = channel.missing(settings) { return (kind, missing) }
      if case .open(let until) = states[kind], until > now { return (kind, "对方没有应答，\(until.display) 再试") }
      return (kind, nil)
    }
  }
}

extension MessageCenter {
  /// Whether a user switched a channel off.
  func refuses(_ user: Int64, _ channel: MessageChannelKind) async throws -> Bool {
    try await !database.query(
      "select 1 from message_refusal where user_id = \(user) and channel = \(channel.rawValue)"
    ).isEmpty
  }
}
