import Access
import Core
import Crypto
import HTTP
import Site
import Synchronization
import TestSupport
import Testing

/// Requests of one user that are under way at a time (B5-282).
@Suite struct UserLoadTests {
  private static func person(_ id: Int64, kind: Principal.Kind = .user) -> Principal {
    Principal(kind: kind, id: id, name: "用户\(id)", unit: nil, grants: Grants([]), clearance: .inner)
  }

  @Test func oneUserCannotTakeWhatIsForTheOthers() throws {
    let load = UserLoad()
    let first = try #require(load.enter(Self.person(1), limit: 2))
    let second = try #require(load.enter(Self.person(1), limit: 2))
    #expect(load.enter(Self.person(1), limit: 2) == nil)
    #expect(load.enter(Self.person(2), limit: 1) != nil, "another user goes on")
    #expect(load.enter(Self.person(1, kind: .key), limit: 1) != nil, "a key of the same number is somebody else")
    first.leave()
    first.leave()
    let third = try #require(load.enter(Self.person(1), limit: 2), "one was answered")
    #expect(load.enter(Self.person(1), limit: 2) == nil, "one, and not two")
    #expect(load.enter(Self.person(1), limit: 0) != nil, "no limit")
    let strangers = (1...3).map { _ in load.enter(.stranger, limit: 1) }
    #expect(strangers.allSatisfy { $0 != nil })
    for place in [second, third] { place.leave() }
    #expect(load.enter(Self.person(1), limit: 1) != nil)
  }

  @Test func aRequestTooManyIsToldSoAndAnsweredRequestsFreeTheirPlace() async throws {
    let held = Gate()
    let city = try City(name: "达州市", longitude: 107.468, latitude: 31.209)
    var site = Site(
      city: { city }, assets: "/assets", clock: .system, secureCookies: false, key: SecretBytes([1, 2, 3]),
      authenticate: { _ in (Self.person(1), nil) }, menu: { _ in [] }, unreadMessages: { _ in 0 })
    site.requestsPerUser = { 1 }
    var router = Router()
    router.on(.get, "/slow", at: site) { _ in
      await held.wait()
      return .json(["done": true])
    }
    router.on(.get, "/fails", at: site) { _ in throw Refusal(.invalid, "x", "不行。") }
    router.on(.get, "/quick", at: site) { _ in .json(["done": true]) }
    let application = Application(router)
    @Sendable func status(_ path: String) async throws -> Int {
      await application.respond(
        to: try Request(.get, path, headers: ["Host": "lifang.test", "Accept": "application/json"], body: .empty)
      ).status
    }
    async let slow = status("/slow")
    #expect(try await eventually { held.hasVisitor })
    #expect(try await status("/quick") == 429)
    held.open()
    #expect(try await slow == 200)
    #expect(try await status("/quick") == 200)
    #expect(try await status("/fails") == 400)
    #expect(try await status("/quick") == 200, "a refused request leaves too")
  }

  @Test func anExportIsUnderWayUntilItIsSent() async throws {
    let city = try City(name: "达州市", longitude: 107.468, latitude: 31.209)
    var site = Site(
      city: { city }, assets: "/assets", clock: .system, secureCookies: false, key: SecretBytes([1, 2, 3]),
      authenticate: { _ in (Self.person(1), nil) }, menu: { _ in [] }, unreadMessages: { _ in 0 })
    site.requestsPerUser = { 1 }
    var router = Router()
    router.on(.get, "/export", at: site) { _ in .stream(type: "text/csv") { try await $0.write("一") } }
    router.on(.get, "/quick", at: site) { _ in .json(["done": true]) }
    let application = Application(router)
    @Sendable func answer(_ path: String) async throws -> Response {
      await application.respond(
        to: try Request(.get, path, headers: ["Host": "lifang.test", "Accept": "application/json"], body: .empty))
    }
    var export: Response? = try await answer("/export")
    #expect(export?.status == 200)
    #expect(try await answer("/quick").status == 429, "what is being read counts")
    #expect(try await answer("/export").status == 429)
    export = nil
    #expect(try await answer("/quick").status == 200, "a stream that nobody waits for leaves too")
  }

  // MARK: A full server

  /// What was let in, in its order, by name.
  private actor Order {
    private(set) var names: [String] = []
    private var places: [String: UserLoad.Place] = [:]

    func enter(_ name: String, _ place: UserLoad.Place?) {
      names.append(place == nil ? "\(name) refused" : name)
      places[name] = place
    }

    func leave(_ name: String) { places.removeValue(forKey: name)?.leave() }
  }

  @Test func whenTheServerIsFullBulkGivesWayToInterfacesAndTheseToPeople() async throws {
    let (server, order) = (ServerLoad(), Order())
    let room = ServerLoad.Room(atOnce: 4, least: 0)
    func ask(_ name: String, _ id: Int64, _ priority: ServerLoad.Priority) async throws {
      let waiting = server.figures.waiting
      Task { await order.enter(name, try await server.enter(Self.person(id), priority, room)) }
      #expect(try await eventually { server.figures.waiting > waiting }, "\(name) waits")
    }
    func take(_ name: String, _ id: Int64, _ priority: ServerLoad.Priority) async throws {
      await order.enter(name, try await server.enter(Self.person(id), priority, room))
    }
    // Two exports fill their half, a key its quarter more, and people the rest.
    try await take("export 1", 1, .bulk)
    try await take("export 2", 2, .bulk)
    try await ask("export 3", 3, .bulk)
    try await take("key 1", 4, .interfaces)
    try await ask("key 2", 5, .interfaces)
    try await take("page 1", 6, .people)
    try await ask("page 2", 7, .people)
    #expect(await order.names == ["export 1", "export 2", "key 1", "page 1"])
    // A place that is free again goes to people, though the others came before; theirs comes when there is room.
    await order.leave("export 1")
    #expect(try await eventually { await order.names.last == "page 2" })
    #expect(server.figures.waiting == 2)
    await order.leave("page 1")
    await order.leave("page 2")
    #expect(try await eventually { await order.names.last == "key 2" })
    #expect(server.figures.waiting == 1)
    await order.leave("key 1")
    await order.leave("key 2")
    #expect(try await eventually { await order.names.last == "export 3" })
  }

  @Test func aLeastShareIsEverybodysHoweverFullTheServerIs() async throws {
    let (server, room) = (ServerLoad(), ServerLoad.Room(atOnce: 2, least: 1))
    let greedy = [
      try await server.enter(Self.person(1), .people, room), try await server.enter(Self.person(1), .people, room),
    ]
    #expect(greedy.allSatisfy { $0 != nil })
    let third = Task { try await server.enter(Self.person(1), .people, room) }
    #expect(try await eventually { server.figures.waiting == 1 }, "the one who takes all waits")
    let other = try await server.enter(Self.person(2), .people, room)
    #expect(other != nil && server.figures.waiting == 1, "another is let in at once")
    let key = try await server.enter(Self.person(1, kind: .key), .interfaces, room)
    #expect(key != nil, "a key has a share as well")
    for place in greedy + [other, key] { place?.leave() }
    #expect(try await third.value != nil)
  }

  @Test func ofThoseThatWaitWhoHasLeastUnderWayGoesFirst() async throws {
    let (server, order, room) = (ServerLoad(), Order(), ServerLoad.Room(atOnce: 3, least: 0))
    for name in ["a", "b"] { await order.enter(name, try await server.enter(Self.person(1), .people, room)) }
    await order.enter("c", try await server.enter(Self.person(3), .people, room))
    for (index, (name, id)) in [("many", Int64(1)), ("few", 2)].enumerated() {
      Task { await order.enter(name, try await server.enter(Self.person(id), .people, room)) }
      #expect(try await eventually { server.figures.waiting == index + 1 })
    }
    await order.leave("c")
    #expect(try await eventually { await order.names.last == "few" })
    await order.leave("a")
    #expect(try await eventually { await order.names.last == "many" })
  }

  @Test func tooManyThatWaitAreToldSoAndOneWhoseClientLeftWaitsNoMore() async throws {
    let (server, room) = (ServerLoad(), ServerLoad.Room(atOnce: 1, least: 0))
    let first = try await server.enter(Self.person(1), .people, room)
    let gone = Task { try await server.enter(Self.person(2), .interfaces, room) }
    #expect(try await eventually { server.figures.waiting == 1 })
    #expect(try await server.enter(Self.person(3), .interfaces, room) == nil, "one waits for the one place")
    let people = (3...6).map { id in Task { try await server.enter(Self.person(id), .people, room) } }
    #expect(try await eventually { server.figures.waiting == 5 }, "more people may wait")
    #expect(try await server.enter(Self.person(7), .people, room) == nil)
    #expect(server.figures == ServerLoad.Figures(working: 1, waiting: 5, refused: 2), "operators see how full it is")
    #expect(try await server.enter(.stranger, .people, room) != nil, "a crowd of strangers is not turned away")
    for one in people { one.cancel() }
    for one in people { await #expect(throws: CancellationError.self) { _ = try await one.value } }
    gone.cancel()
    await #expect(throws: CancellationError.self) { _ = try await gone.value }
    #expect(server.figures.waiting == 0)
    first?.leave()
    #expect(try await server.enter(Self.person(3), .people, room) != nil)
    // One export goes on though people have taken the half that is for bulk.
    let wide = ServerLoad.Room(atOnce: 4, least: 0)
    let busy = ServerLoad()
    let pages = try await [
      busy.enter(Self.person(1), .people, wide), busy.enter(Self.person(2), .people, wide),
      busy.enter(Self.person(3), .people, wide),
    ]
    #expect(try await busy.enter(Self.person(4), .bulk, wide) != nil)
    for page in pages { page?.leave() }
  }

  @Test func aRequestThatGivesWayIsAnsweredWhenThereIsRoom() async throws {
    let held = Gate()
    let city = try City(name: "达州市", longitude: 107.468, latitude: 31.209)
    var site = Site(
      city: { city }, assets: "/assets", clock: .system, secureCookies: false, key: SecretBytes([1, 2, 3]),
      authenticate: { _ in (Self.person(1, kind: .key), nil) }, menu: { _ in [] }, unreadMessages: { _ in 0 })
    site.room = { ServerLoad.Room(atOnce: 1, least: 0) }
    var router = Router()
    router.on(.get, "/slow", at: site) { _ in
      await held.wait()
      return .json(["done": true])
    }
    router.on(.get, "/quick", at: site) { _ in .json(["done": true]) }
    let application = Application(router)
    @Sendable func status(_ path: String) async throws -> Int {
      await application.respond(
        to: try Request(.get, path, headers: ["Host": "lifang.test", "Accept": "application/json"], body: .empty)
      ).status
    }
    let server = site.server
    async let slow = status("/slow")
    #expect(try await eventually { held.hasVisitor })
    async let quick = status("/quick")
    #expect(try await eventually { server.figures.waiting == 1 })
    #expect(try await status("/quick") == 429, "as many requests of interfaces wait as are worked on")
    held.open()
    #expect(try await slow == 200)
    #expect(try await quick == 200)
    #expect(server.figures.waiting == 0)
  }

  @Test func pathsSayWhatGivesWay() throws {
    func priority(_ path: String, _ kind: Principal.Kind = .user) throws -> ServerLoad.Priority {
      Site.priority(of: try Request(.get, path, headers: [:], body: .empty), by: Self.person(1, kind: kind))
    }
    #expect(try priority("/services/hukou_001/apply") == .people)
    #expect(try priority("/r/person/export") == .bulk)
    #expect(try priority("/r/person/statistics/export") == .bulk)
    #expect(try priority("/reports/3") == .bulk)
    #expect(try priority("/api/r/address", .key) == .interfaces)
    #expect(try priority("/api/r/address") == .people)
  }

  /// Holds one request back until it is opened.
  private final class Gate: Sendable {
    private struct State {
      var visitor: CheckedContinuation<Void, Never>?
      var isOpen = false
    }

    private let state = Mutex(State())

    var hasVisitor: Bool { state.withLock { $0.visitor != nil } }

    func wait() async {
      await withCheckedContinuation { continuation in
        let goesOn = state.withLock { state -> Bool in
          if !state.isOpen { state.visitor = continuation }
          return state.isOpen
        }
        if goesOn { continuation.resume() }
      }
    }

    func open() {
      let visitor = state.withLock { state in
        defer { (state.visitor, state.isOpen) = (nil, true) }
        return state.visitor
      }
      visitor?.resume()
    }
  }
}
