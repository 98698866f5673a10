import Access
import Audit
import Core
import Crypto
import Entities
import Messaging
import SQL
import Synchronization
import TestSupport

/// What a channel of a test was given, and how it answers.
final class Peer: Sendable {
  private struct State {
    var taken: [OutgoingMessage] = []
    var answers: [ChannelOutcome] = []
    var usual = ChannelOutcome.accepted(reference: nil)
  }

  private let state = Mutex(State())

  var taken: [OutgoingMessage] { state.withLock { $0.taken } }

  /// The next answers, before the usual one.
  func answer(_ outcomes: ChannelOutcome...) { state.withLock { $0.answers += outcomes } }

  func always(_ outcome: ChannelOutcome) { state.withLock { $0.usual = outcome } }

  func take(_ message: OutgoingMessage) -> ChannelOutcome {
    state.withLock { state in
      state.taken.append(message)
      return state.answers.isEmpty ? state.usual : state.answers.removeFirst()
    }
  }
}

/// A message center in a fresh database, with a clock that is moved by hand and channels that are closures.
struct MessageFixture: Sendable {
  let database: Database
  let time: ManualClock
  let center: MessageCenter
  let sms = Peer()
  let mail = Peer()
  let wechat = Peer()

  /// Wednesday 2026-11-18 10:00 in China.
  static let start = Instant("2026-11-18 10:00") ?? Instant(seconds: 0)

  static let notice = """
    message: notice
    label: 通知
    channels: [site, sms, email, wechat]
    title: 通知：{what}
    text: |
      {name}，{what}。
    sms: "{name}，{what}。"
    wechat: {template: T1, data: {thing1: "{what}"}}
    link: /cases/{id}
    expires: 48
    variables:
      - {name: name, label: 姓名, example: 刘芳}
      - {name: what, label: 什么, example: 请来领证}
    """

  static let alarm = """
    message: alarm
    label: 告急
    channels: sms
    priority: urgent
    title: 告急
    text: 告急
    sms: 告急
    expires: 1
    """

  static let slow = """
    message: slow
    label: 简报
    channels: sms
    priority: low
    title: 简报
    text: 简报
    sms: 简报
    """

  private static let code = """
    message: email_code
    label: 验证码
    channels: email
    priority: urgent
    title: 验证码 {code}
    text: "{code} {minutes}"
    variables: [{name: code, label: 验证码}, {name: minutes, label: 分钟}]
    """

  private static let schema = TestDatabase.Preparation("messages") { database in
    let migrations = (MessagingSchema.migrations + AuditSchema.migrations).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(migrations, on: database)
  }

  init() async throws {
    database = try await TestDatabase.make(MessageFixture.schema)
    time = ManualClock(MessageFixture.start)
    let keys = KeyRing(random: .seeded(3))
    for purpose in [KeyPurpose.data, .index] { try keys.rotate(purpose, at: MessageFixture.start) }
    let catalog = try Catalog.load(
      texts: [MessageFixture.notice, MessageFixture.alarm, MessageFixture.slow, MessageFixture.code].enumerated()
        .map { ("\($0).yaml", $1) })
    center = MessageCenter(
      database: database, templates: MessageTemplates(catalog), keys: keys, clock: time.clock,
      // Users below 100 have a telephone.
      mobile: { user, _ in user < 100 ? PhoneNumber("1380000\(1000 + user)") : nil })
  }

  /// A runner whose channels are the peers.
  func runner(_ name: String = "一号", _ change: @escaping @Sendable (inout MessagingSettings) -> Void = { _ in })
    -> MessageRunner
  {
    let peers: [(MessageChannelKind, Peer)] = [(.sms, sms), (.email, mail), (.wechat, wechat)]
    return runner(
      name, channels: peers.map { kind, peer in MessageChannel(kind) { message, _ in peer.take(message) } }, change)
  }

  func runner(
    _ name: String, channels: [MessageChannel],
    _ change: @escaping @Sendable (inout MessagingSettings) -> Void = { _ in }
  ) -> MessageRunner {
    var configuration = MessageRunner.Configuration(worker: name, publicOrigin: "https://city.example", log: .silent)
    configuration.concurrency = 1
    return MessageRunner(
      center: center, channels: channels,
      settings: {
        var settings = MessagingSettings()
        change(&settings)
        return settings
      }, configuration: configuration)
  }

  /// Sends what is due; returns how many deliveries were seen to.
  @discardableResult
  func drain(_ runner: MessageRunner? = nil) async throws -> Int {
    let runner = runner ?? self.runner()
    try await runner.expire()
    var count = 0
    while try await runner.runNext() { count += 1 }
    return count
  }

  @discardableResult
  func notify(_ recipients: MessageRecipient..., what: String = "请来领证", key: String = "1") async throws -> Int {
    try await database.transaction { transaction in
      try await center.send(
        "notice", to: recipients, ["name": "刘芳", "what": what], link: "7", key: key, in: transaction)
    }
  }

  func send(_ template: String, to user: Int64, key: String = "1") async throws {
    try await database.transaction { transaction in
      _ = try await center.send(template, to: [.user(user)], [:], key: key, in: transaction)
    }
  }

  /// How a channel's latest delivery stands.
  func entry(_ channel: MessageChannelKind) async throws -> LoggedDelivery {
    var query = MessageCenter.LogQuery()
    query.channel = channel
    guard let entry = try await center.log(query).entries.first else { throw Fault("no-delivery", channel.rawValue) }
    return entry
  }

  func state(_ channel: MessageChannelKind) async throws -> LoggedDelivery.State { try await entry(channel).state }
}
