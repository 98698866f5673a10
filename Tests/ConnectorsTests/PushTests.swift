import Access
import Audit
import Connectors
import Core
import Crypto
import Entities
import Peers
import SQL
import Synchronization
import TestSupport
import Testing

@Suite("Pushing changes to subscribers")
struct PushTests {
  /// A store with subscriptions, a subscriber on the loopback, and the runner between them.
  private struct City: Sendable {
    let store: RecordStore
    let time: ManualClock
    let subscriber: PeerSubscriber
    let runner: PushRunner
    let settings: Shared<PushSettings>
    let reader: Shared<Principal>
    let alarms: Shared<[String]>
    let port: Int
    let key: Int64

    var system: Records { store.records(as: .system) }

    func road(_ name: String, _ division: String = "511702001") async throws -> Int64 {
      try await system.insert("road", ["name": .text(name), "division_code": .text(division)]).id
    }

    /// Subscribes, with a secret, and starts.
    func subscribe(_ more: [String: Value] = [:]) async throws -> Int64 {
      let values: [String: Value] = [
        "label": .text("数据局"), "key_id": .integer(key), "register": .text("road"), "initial": .boolean(false),
        "address": .text("http://127.0.0.1:\(port)\(PeerSubscriber.path)"),
      ]
      let id = try await system.insert(Subscription.entity, values.merging(more) { $1 }).id
      subscriber.secret = try await Subscription.replaceSecret(
        of: id, by: .system, origin: .inside, random: .seeded(5), in: store)
      try await system.update(Subscription.entity, id, version: nil, ["state": .text("active")], input: .code)
      return id
    }

    /// Works until nothing is due.
    func work() async throws { while try await runner.runNext() {} }
  }

  private final class Shared<Content: Sendable>: Sendable {
    private let content: Mutex<Content>
    init(_ content: Content) { self.content = Mutex(content) }
    var value: Content {
      get { content.withLock { $0 } }
      set { content.withLock { $0 = newValue } }
    }
  }

  private static let schema = TestDatabase.Preparation("push") { database in
    let before = (StoreMigrations.all + AuditSchema.migrations + PushSchema.migrations).sorted { $0.id < $1.id }
    _ = try await Migrator(log: .silent).run(before, on: database)
    try await SchemaPlan.apply(try ConnectorFixture.catalog.get(), to: database)
  }

  private static func integrator(_ division: String = "511702") -> Principal {
    Principal(
      kind: .key, id: 1, name: "数据局", unit: nil,
      grants: Grants([.init(Permission("road", "view"), .division([division]))]), clearance: .open)
  }

  private func run(_ body: (City) async throws -> Void) async throws {
    let database = try await TestDatabase.make(PushTests.schema)
    let time = ManualClock(ConnectorFixture.start)
    let keys = KeyRing(random: .seeded(7))
    for purpose in [KeyPurpose.data, .index] { try keys.rotate(purpose, at: ConnectorFixture.start) }
    var given = PushSettings()
    given.timeout = 2
    let settings = Shared(given)
    let reader = Shared(PushTests.integrator())
    let alarms = Shared<[String]>([])
    var hooks = RecordHooks()
    SubscriptionRules(settings: { settings.value }) { _ in reader.value }.addHooks(to: &hooks)
    let store = RecordStore(
      database: database, catalogs: LiveCatalog(try ConnectorFixture.catalog.get()), keys: keys,
      audit: Audit(clock: time.clock), clock: time.clock, hooks: hooks)
    let role = try await store.records(as: .system).insert(
      "role", ["code": .text("data_office"), "name": .text("数据局"), "clearance": .text("open")], input: .code)
    let key = try await store.records(as: .system).insert(
      "api_key", ["name": .text("数据局"), "role_id": .integer(role.id), "status": .text("active")], input: .code)
    let subscriber = PeerSubscriber(clock: time.clock)
    let port = try subscriber.start()
    settings.value.hosts = ["127.0.0.1:\(port)"]
    let runner = PushRunner(
      store, configuration: .init(worker: "test"), settings: { settings.value }, principal: { _ in reader.value },
      alarm: { _, reason, _, _ in alarms.value.append(reason) })
    let city = City(
      store: store, time: time, subscriber: subscriber, runner: runner, settings: settings, reader: reader,
      alarms: alarms, port: port, key: key.id)
    do {
      try await body(city)
    } catch {
      await subscriber.stop()
      throw error
    }
    await subscriber.stop()
  }

  @Test("changes arrive signed, each once, in order, with no more than the key may see")
  func delivery() async throws {
    try await run { city in
      let id = try await city.subscribe()
      let road = try await city.road("荷叶街")
      city.time.advance(seconds: 5)
      try await city.system.update("road", road, version: nil, ["note": .text("内部备注"), "name": .text("荷花街")])
      _ = try await city.road("外地路", "511703001")
      try await city.work()
      #expect(city.subscriber.taken.map(\.operation) == ["insert", "update"])
      #expect(city.subscriber.taken.map(\.version) == [1, 2])
      let record = try #require(city.subscriber.records[road])
      #expect(record["name"]?.string == "荷花街" && record["note"] == nil)
      #expect(city.subscriber.unsigned == 0)
      city.time.advance(seconds: 5)
      try await city.system.update("road", road, version: nil, ["division_code": .text("511703002")])
      try await city.work()
      #expect(city.subscriber.taken.last?.operation == "remove" && city.subscriber.records.isEmpty)
      let status = try #require(try await city.runner.status(of: id))
      #expect(status.lag.changes == 0 && status.delivered == 3)
      let log = try await city.system.list(ListQuery(PushLog.entity)).records
      #expect(log.count == 2 && log.allSatisfy { $0["outcome"].text == "answered" })
    }
  }

  @Test("a receiver that fails gets the same again, and an answer that is lost doubles nothing")
  func retries() async throws {
    try await run { city in
      _ = try await city.subscribe(["initial": .boolean(true)])
      let road = try await city.road("荷叶街")
      city.subscriber.answer([500, 0, 429])
      for _ in 0..<4 {
        try await city.work()
        city.time.advance(seconds: 3600)
      }
      #expect(city.subscriber.requests >= 4)
      #expect(city.subscriber.records[road]?["name"]?.string == "荷叶街")
      #expect(Set(city.subscriber.taken.map(\.id)).count == city.subscriber.taken.count)
    }
  }

  @Test("whoever fails for long is paused and told of, and goes on from the same place")
  func pausing() async throws {
    try await run { city in
      let id = try await city.subscribe()
      let road = try await city.road("荷叶街")
      city.subscriber.answer(Array(repeating: 503, count: 60))
      for _ in 0..<60 where city.alarms.value.isEmpty {
        try await city.work()
        city.time.advance(seconds: 3600)
      }
      #expect(city.alarms.value.count == 1)
      let paused = try await city.system.get(Subscription.entity, id)
      #expect(paused["state"].text == "paused" && paused["reason"].text?.contains("503") == true)
      try await city.work()
      #expect(city.subscriber.taken.isEmpty)
      while city.subscriber.records[road] == nil {
        try await city.system.update(Subscription.entity, id, version: nil, ["state": .text("active")], input: .code)
        try await city.work()
        city.time.advance(seconds: 3600)
      }
      #expect(try await city.system.get(Subscription.entity, id)["reason"].isBlank)
    }
  }

  @Test("a key that lost its right or a host that is not allowed any more ends the pushing at once")
  func withdrawn() async throws {
    try await run { city in
      let id = try await city.subscribe()
      _ = try await city.road("荷叶街")
      city.reader.value = Principal(
        kind: .key, id: 1, name: "数据局", unit: nil, grants: Grants([]), clearance: .open)
      try await city.work()
      #expect(try await city.system.get(Subscription.entity, id)["state"].text == "paused")
      #expect(city.subscriber.requests == 0)
      city.reader.value = PushTests.integrator()
      try await city.system.update(Subscription.entity, id, version: nil, ["state": .text("active")], input: .code)
      city.settings.value.hosts = []
      try await city.work()
      #expect(try await city.system.get(Subscription.entity, id)["state"].text == "paused")
      #expect(city.subscriber.requests == 0)
    }
  }

  @Test("a subscription cannot ask for what its key may not see, nor go where nobody allowed")
  func refusals() async throws {
    try await run { city in
      _ = try await city.road("荷叶街")
      let wrong: [([String: Value], String)] = [
        (["register": .text("address")], "subscription-key"),
        (["fields": .text("name salary")], "subscription-field"),
        (["fields": .text("name note")], "subscription-clearance"),
        (["address": .text("http://10.0.0.1/x")], "push-host"),
        (["address": .text("http://127.0.0.1:\(city.port)@evil.example/x")], "push-address"),
        (["address": .text("file:///etc/passwd")], "push-address"),
        (["address": .text("http://127.0.0.1:\(city.port)\\@evil.example/x")], "push-address"),
      ]
      for (values, code) in wrong {
        do {
          _ = try await city.subscribe(values)
          Issue.record("accepted: \(values)")
        } catch let refusal as Refusal {
          #expect(([refusal] + refusal.others).map(\.code).contains(code), "\(refusal)")
        }
      }
    }
  }

  @Test("only a host that stands in the list is a target")
  func targets() throws {
    var settings = PushSettings()
    settings.hosts = ["data.example.gov.cn", "10.0.0.8:8443"]
    try PushTarget("https://data.example.gov.cn/a?b=c").require(in: settings)
    try PushTarget("http://10.0.0.8:8443/").require(in: settings)
    for other in ["https://data.example.gov.cn:8443/a", "http://10.0.0.8/", "https://example.gov.cn/a"] {
      let target = try PushTarget(other)
      #expect(throws: Refusal.self) { try target.require(in: settings) }
    }
    for wrong in [
      "https://data.example.gov.cn", "ftp://data.example.gov.cn/", "https://a b/", "https://[::1]/", "https://x:0/", "",
    ] {
      #expect(throws: Refusal.self) { try PushTarget(wrong) }
    }
    #expect(try PushTarget("https://data.example.gov.cn/a?b=c").path == "/a?b=c")
  }
}
