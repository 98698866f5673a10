import Core
import Synchronization
import Testing

@testable import HTTP

@Suite struct RouterTests {
  private func application(_ build: (inout Router) -> Void) -> Application {
    var router = Router()
    build(&router)
    return Application(router)
  }

  private func text(_ application: Application, _ method: HTTP.Method, _ target: String) async throws -> String {
    let response = await application.respond(to: try Request(method, target))
    guard case .bytes(let bytes) = response.body else { return "\(response.status)" }
    return response.status == 200 ? String(decoding: bytes, as: UTF8.self) : "\(response.status)"
  }

  @Test func literalsWinOverParametersAndThoseOverTheRest() async throws {
    let application = application { router in
      router.on(.get, "/") { _ in .text("root") }
      router.on(.get, "/a/{rest...}") { .text("rest \(try $0.parameter("rest"))") }
      router.on(.get, "/a/{id}") { .text("id \(try $0.parameter("id"))") }
      router.on(.get, "/a/new") { _ in .text("new") }
      router.on(.get, "/a/{id}/b") { .text("b \(try $0.parameter("id"))") }
    }
    for (target, answer) in [
      ("/", "root"), ("/a/new", "new"), ("/a/7", "id 7"), ("/a/7/b", "b 7"), ("/a/new/b", "b new"),
      ("/a/7/c", "rest 7/c"),
      ("/a/", "rest "), ("/a/new/", "rest new/"), ("/a", "404"), ("/b", "404"), ("//a", "404"), ("/a%2Fnew", "404"),
      ("/a/x%2Fy", "id x/y"), ("/a/%E6%96%B0", "id 新"), ("/%61/new", "new"), ("/a/7/b/", "rest 7/b/"),
    ] {
      #expect(try await text(application, .get, target) == answer, "\(target)")
    }
  }

  @Test func otherMethodsAreAnsweredByTheTable() async throws {
    let application = application { router in
      router.on(.get, "/a/{id}") { _ in .text("get") }
      router.on(.put, "/a/{id}") { _ in .text("put") }
      router.on(.delete, "/a/{other}") { _ in .text("delete") }
    }
    let refused = await application.respond(to: try Request(.post, "/a/1"))
    #expect(refused.status == 405)
    #expect(refused.headers["allow"] == "GET, PUT, DELETE, HEAD, OPTIONS")
    let options = await application.respond(to: try Request(.options, "/a/1"))
    #expect(options.status == 204)
    #expect(options.headers["allow"] == "GET, PUT, DELETE, HEAD, OPTIONS")
    #expect(try await text(application, .head, "/a/1") == "get")
    #expect(try await text(application, .delete, "/a/1") == "delete")
    #expect(await application.respond(to: try Request(.options, "/b")).status == 404)
  }

  @Test func middlewareWrapsInTheOrderGivenAndSeesEveryAnswer() async throws {
    let trace = Mutex<[String]>([])
    func mark(_ name: String) -> Middleware {
      { request, next in
        trace.withLock { $0.append("\(name)>\(request.route ?? "-")") }
        defer { trace.withLock { $0.append("<\(name)") } }
        return try await next(request)
      }
    }
    let application = application { router in
      router.use(mark("outer"))
      router.use(mark("inner"))
      router.group("/admin", [mark("group")]) { router in
        router.on(.get, "/x") { _ in .text("x") }
      }
      router.on(.get, "/y") { _ in .text("y") }
    }
    #expect(try await text(application, .get, "/admin/x") == "x")
    #expect(
      trace.withLock { $0 } == [
        "outer>/admin/x", "inner>/admin/x", "group>/admin/x", "<group", "<inner", "<outer",
      ])
    trace.withLock { $0 = [] }
    #expect(try await text(application, .get, "/nothing") == "404")
    #expect(trace.withLock { $0 } == ["outer>-", "inner>-", "<inner", "<outer"])
    trace.withLock { $0 = [] }
    #expect(try await text(application, .post, "/y") == "405")
    #expect(trace.withLock { $0 }.count == 4)
  }

  @Test func middlewareHandsValuesToHandlers() async throws {
    enum Visitor: RequestKey { typealias Value = String }
    let application = application { router in
      router.use { request, next in
        var request = request
        request[Visitor.self] = "王芳"
        return try await next(request)
      }
      router.on(.get, "/") { .text($0[Visitor.self] ?? "nobody") }
    }
    let request = try Request(.get, "/")
    let response = await application.respond(to: request)
    guard case .bytes(let bytes) = response.body else { return #expect(Bool(false)) }
    #expect(String(decoding: bytes, as: UTF8.self) == "王芳")
    #expect(request[Visitor.self] == nil, "the caller's copy stays as it was")
  }

  @Test func theImmediateHandlerComesFirstAndMayDecline() async throws {
    let application = application { router in
      router.onImmediate(.get, "/a") { $0.query.contains("cached") ? .text("immediate") : nil }
      router.on(.get, "/a") { _ in .text("handler") }
      router.onImmediate(.get, "/b") { _ in nil }
    }
    #expect(try await text(application, .get, "/a?cached") == "immediate")
    #expect(try await text(application, .get, "/a") == "handler")
    #expect(try await text(application, .get, "/b") == "404")
  }

  @Test func gatheredRequestsAreAnsweredTogetherAndEachByItself() async throws {
    struct Broken: Error {}
    let sizes = Mutex<[Int]>([])
    let application = application { router in
      router.onGathered(.get, "/n/{n}", atMost: 50) { requests in
        sizes.withLock { $0.append(requests.count) }
        return requests.map { request in
          switch request.parameters["n"] {
          case "0": .failure(Refusal(.notFound, "zero", "没有零。"))
          case "1": .failure(Broken())
          case let n: .success(.text(n ?? ""))
          }
        }
      }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for n in 0..<600 {
        group.addTask {
          let response = await application.respond(to: try Request(.get, "/n/\(n)"))
          #expect(response.headers["X-Request-Id"] == "test")
          #expect(response.status == (n == 0 ? 404 : n == 1 ? 500 : 200))
          guard n > 1, case .bytes(let bytes) = response.body else { return }
          #expect(String(decoding: bytes, as: UTF8.self) == String(n))
        }
      }
      try await group.waitForAll()
    }
    let all = sizes.withLock { $0 }
    #expect(all.reduce(0, +) == 600 && all.allSatisfy { (1...50).contains($0) })
    #expect(await application.respond(to: try Request(.post, "/n/2")).status == 405)
  }

  @Test func everyAnswerIsObservedWhoeverGaveIt() async throws {
    let seen = Mutex<[String]>([])
    var router = Router()
    router.onImmediate(.get, "/immediate") { _ in .text("") }
    router.onGathered(.get, "/gathered") { $0.map { _ in .success(.text("")) } }
    router.on(.get, "/handler") { _ in .text("") }
    let application = Application(
      router,
      observe: { request, response in
        seen.withLock { $0.append("\(request.path) \(response.status)") }
      })
    for path in ["/immediate", "/gathered", "/handler", "/nothing"] {
      _ = await application.respond(to: try Request(.get, path))
    }
    #expect(seen.withLock { $0 } == ["/immediate 200", "/gathered 200", "/handler 200", "/nothing 404"])
  }

  /// The tree answers as the definition does: the first match when patterns are sorted segment by segment.
  @Test(arguments: 0..<60)
  func theTreeAgreesWithTheDefinition(_ seed: UInt64) {
    var dice = SeededRandom(seed: seed)
    let words = ["a", "b", "{p}", "c"]
    var patterns: Set<String> = []
    for _ in 0..<Int.random(in: 1...12, using: &dice) {
      var segments = (0..<Int.random(in: 0...4, using: &dice)).map { index in
        words[Int.random(in: 0..<words.count, using: &dice)].replacing("p", with: index)
      }
      if Bool.random(using: &dice) && Bool.random(using: &dice) { segments.append("{rest...}") }
      patterns.insert("/" + segments.joined(separator: "/"))
    }
    var router = Router()
    for pattern in patterns { router.on(.get, pattern) { _ in .noContent } }
    let table = RouteTable(router)
    for _ in 0..<60 {
      let path =
        "/"
        + (0..<Int.random(in: 0...5, using: &dice)).map { _ in
          ["a", "b", "c", "d", ""][Int.random(in: 0..<5, using: &dice)]
        }.joined(separator: "/")
      guard let target = try? Target(path) else { continue }
      let expected = patterns.filter { naivelyMatches($0, path) }.min { rank($0) < rank($1) }
      if case .found(let endpoint, _) = table.match(.get, target) {
        #expect(endpoint.pattern == expected, "\(path) in \(patterns)")
      } else {
        #expect(expected == nil, "\(path) in \(patterns)")
      }
    }
  }

  private func parts(_ path: String) -> [Substring] {
    path == "/" ? [] : path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
  }

  private func naivelyMatches(_ pattern: String, _ path: String) -> Bool {
    let pattern = parts(pattern)
    let path = parts(path)
    for (index, segment) in pattern.enumerated() {
      if segment == "{rest...}" { return path.count > index }
      guard index < path.count else { return false }
      if segment.hasPrefix("{") ? path[index].isEmpty : segment != path[index] { return false }
    }
    return pattern.count == path.count
  }

  private func rank(_ pattern: String) -> String {
    parts(pattern).map { $0 == "{rest...}" ? "2" : $0.hasPrefix("{") ? "1" : "0" }.joined()
  }
}

extension String {
  fileprivate func replacing(_ character: Character, with index: Int) -> String {
    String(flatMap { $0 == character ? "p\(index)" : "\($0)" })
  }
}

@Suite struct RefusalMappingTests {
  private func respond(
    _ error: any Error, render: RefusalRenderer? = nil, log: Log = .silent
  ) async throws -> (Response, String) {
    var router = Router()
    router.on(.get, "/") { _ in throw error }
    let response = await Application(router, renderRefusal: render, log: log).respond(
      to: try Request(.get, "/", id: "n-1"))
    guard case .bytes(let bytes) = response.body else { return (response, "") }
    return (response, String(decoding: bytes, as: UTF8.self))
  }

  @Test func aRefusalIsShownWithItsStatusCodeAndField() async throws {
    let refusal = Refusal(all: [
      Refusal(.unprocessable, "too-long", "太长", field: "name"), Refusal(.invalid, "bad", "不对", field: "age"),
    ])
    let (response, text) = try await respond(try #require(refusal))
    #expect(response.status == 422)
    let json = try JSON(parsing: text)
    #expect(json["code"] == "too-long")
    #expect(json["field"] == "name")
    #expect(json["others"]?.array?.first?["field"] == "age")
    #expect(json["request"] == "n-1")
    #expect(response.headers["cache-control"] == "no-store")
  }

  @Test func aFaultIsLoggedInFullAndShownWithoutDetail() async throws {
    let lines = Record<String>()
    let log = Log(write: { lines.add(String(decoding: $0, as: UTF8.self)) })
    let (response, text) = try await respond(Fault("database", "password is hunter2"), log: log)
    #expect(response.status == 500)
    #expect(!text.contains("hunter2") && !text.contains("database") && text.contains("n-1"))
    #expect(lines.values.contains { $0.contains("hunter2") && $0.contains("n-1") })
  }

  @Test func theHookMakesThePage() async throws {
    let (response, text) = try await respond(
      Refusal(.gone, "gone", "没有了"), render: { _, refusal, id in .html(Array("<p>\(refusal.message) \(id)".utf8)) })
    #expect(response.status == 410)
    #expect(text == "<p>没有了 n-1")
  }

  @Test func retryingLaterIsSaid() async throws {
    let (response, _) = try await respond(RetryLater(Refusal(.tooMany, "slow", "慢"), seconds: 7))
    #expect(response.status == 429)
    #expect(response.headers["retry-after"] == "7")
  }

  @Test func everyAnswerCarriesTheSecurityFieldsUnlessTheHandlerSetThem() async throws {
    var router = Router()
    router.on(.get, "/") { _ in
      var response = Response.text("x")
      response.headers["Content-Security-Policy"] = "default-src 'none'"
      return response
    }
    let application = Application(router)
    for (target, policy) in [("/", "default-src 'none'"), ("/none", SecurityHeaders.policy)] {
      let response = await application.respond(to: try Request(.get, target))
      #expect(response.headers.all("content-security-policy") == [policy])
      #expect(response.headers["x-content-type-options"] == "nosniff")
      #expect(response.headers.contains("referrer-policy") && response.headers.contains("permissions-policy"))
      #expect(!response.headers.contains("strict-transport-security"))
    }
    let secure = await application.respond(to: try Request(.get, "/", isSecure: true))
    #expect(secure.headers.contains("strict-transport-security"))
  }
}
