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
    var site = Site(
      city: "达州市", assets: "/assets", clock: .system, secureCookies: false, key: SecretBytes([1, 2, 3]),
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
    var site = Site(
      city: "达州市", assets: "/assets", clock: .system, secureCookies: false, key: SecretBytes([1, 2, 3]),
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
