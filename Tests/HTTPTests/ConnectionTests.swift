import Core
import Glibc
import Testing

@testable import HTTP

@Suite struct ConnectionTests {
  private static func echo(_ router: inout Router) {
    router.on(.get, "/hello") { _ in .text("hello") }
    router.on(.get, "/slow") { _ in
      try await Task.sleep(for: .milliseconds(5))
      return .text("slow")
    }
    router.on(.post, "/echo") { .bytes(try await $0.body.bytes(), type: "text/plain") }
    router.on(.post, "/deaf") { _ in .text("deaf") }
    router.on(.get, "/id/{id}") { .text(try $0.parameter("id")) }
  }

  @Test func oneConnectionServesManyRequests() async throws {
    try await withServer(routes: Self.echo) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        for _ in 0..<20 {
          #expect(try client.get("/hello").text == "hello")
          #expect(try client.get("/slow").text == "slow")
          #expect(try client.get("/none").status == 404)
          #expect(try client.request("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").status == 405)
          #expect(try client.request("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").text == "abc")
          #expect(try client.request("POST /deaf HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc").text == "deaf")
          let head = try client.request("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n")
          #expect(head.status == 200 && head["content-length"] == "5")
        }
      }
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
    try await withServer(routes: Self.echo) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        var text = ""
        for index in 0..<30 {
          text += "GET /id/\(index) HTTP/1.1\r\nHost: x\r\n\r\nGET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
          text += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\(10 + index)"
        }
        try client.send(text)
        for index in 0..<30 {
          #expect(try client.answer().text == "\(index)")
          #expect(try client.answer().text == "slow")
          #expect(try client.answer().text == "\(10 + index)")
        }
      }
    }
  }

  @Test func aConnectionEndsWhenTheClientSaysSo() async throws {
    try await withServer(routes: Self.echo) { port, _ in
      try await onThread {
        for request in ["GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET /hello HTTP/1.0\r\n\r\n"] {
          let client = try RawClient(port)
          #expect(try client.request(request).status == 200)
          try client.waitForClose()
        }
      }
    }
  }

  @Test(arguments: [
    "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{1}\u{2}\r\n\r\n", "GET /hello HTTP/1.1\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: x\r\nbroken\r\n\r\n", "GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "GET /hello HTTP/1.1\r\nHost: x\r\nB ad: y\r\n\r\n", "GET /hello HTTP/1.1\r\nHost : x\r\nHost: x\r\n\r\n",
    "GET /% HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a%00 HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /../etc HTTP/1.1\r\nHost: x\r\n\r\n", "GET /hello?a=%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET hello HTTP/1.1\r\nHost: x\r\n\r\n", "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3x\r\n\r\nabc",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    // Requests whose end could be read in two ways.
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
  ])
  func malformedRequestsAreRefused(_ request: String) async throws {
    try await withServer(routes: Self.echo) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        try client.send(request)
        // Either an answer in the 400s or, for what is no HTTP at all, the end of the connection.
        if let answer = try? client.answer() {
          #expect((400..<500).contains(answer.status) || answer.status == 505, "\(answer.status)")
        }
      }
      // The server is none the worse for it.
      let text = try await onThread { try RawClient(port).get("/hello").text }
      #expect(text == "hello")
    }
  }

  @Test func unknownMethodsAreNotImplemented() async throws {
    try await withServer(routes: Self.echo) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        #expect(try client.request("BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n").status == 501)
        #expect(try client.request("TRACE /hello HTTP/1.1\r\nHost: x\r\n\r\n").status == 501)
        #expect(try client.get("/hello").text == "hello")
      }
    }
  }

  @Test func headersAreLimited() async throws {
    try await withServer(routes: Self.echo) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        #expect(try client.get("/hello", "X: " + String(repeating: "a", count: 8000)).text == "hello")
        #expect(try client.get("/hello?" + String(repeating: "a", count: 8000)).text == "hello")
        let many = (0..<100).map { "X-\($0): \($0)\r\n" }.joined()
        #expect(try client.request("GET /hello HTTP/1.1\r\nHost: x\r\n\(many)\r\n").text == "hello")
        #expect(try client.get("/hello", "X: " + String(repeating: "a", count: 9000)).status == 431)
        let huge = try RawClient(port)
        try? huge.send("GET /hello HTTP/1.1\r\nHost: x\r\nX: " + String(repeating: "a", count: 100_000) + "\r\n\r\n")
        if let answer = try? huge.answer() { #expect(answer.status == 431) }
        let long = try RawClient(port)
        try? long.send("GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\nHost: x\r\n\r\n")
        if let answer = try? long.answer() { #expect(answer.status == 414) }
      }
    }
  }

  @Test func theFirstRequestMustComeInTime() async throws {
    try await withServer({ $0.timeouts = .init(header: 0.1) }, routes: Self.echo) { port, _ in
      try await onThread {
        // Nothing at all, half a line, and a header that never ends.
        for text in ["", "GET /he", "GET /hello HTTP/1.1\r\nHost: x\r\n"] {
          let client = try RawClient(port)
          try client.send(text)
          try client.waitForClose()
        }
        // Dripping bytes buys no time.
        let client = try RawClient(port)
        try client.send("GET /hello HTTP/1.1\r\nHost: x\r\n")
        var drops = 0
        while drops < 500, (try? client.send("X-\(drops): 1\r\n")) != nil {
          drops += 1
          usleep(10_000)
        }
        #expect(drops < 200)
      }
    }
  }

  @Test func anIdleConnectionIsClosed() async throws {
    try await withServer({ $0.timeouts = .init(idle: 0.1) }, routes: Self.echo) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        #expect(try client.get("/hello").text == "hello")
        try client.waitForClose()
      }
    }
  }

  @Test func connectionsOfOneAddressAreLimited() async throws {
    try await withServer({ $0.limits = .init(connectionsPerAddress: 3) }, routes: Self.echo) { port, _ in
      try await onThread {
        var clients: [RawClient] = []
        for _ in 0..<3 {
          let client = try RawClient(port)
          #expect(try client.get("/hello").text == "hello")
          clients.append(client)
        }
        let refused = try RawClient(port).answer()
        #expect(refused.status == 503 && refused["retry-after"] != nil)
        clients.removeAll()
        // The place is free again once the server has seen the end of one of them.
        var status = 0
        for _ in 0..<200 where status != 200 {
          status = (try? RawClient(port).get("/hello").status) ?? 0
          if status != 200 { usleep(5000) }
        }
        #expect(status == 200)
      }
    }
  }

  @Test func theNumberOfConnectionsIsLimitedAndOthersWaitTheirTurn() async throws {
    try await withServer({ $0.limits = .init(connections: 2, connectionsPerAddress: 0) }, routes: Self.echo) {
      port, _ in
      try await onThread {
        var first: RawClient? = try RawClient(port)
        let second = try RawClient(port)
        #expect(try first?.get("/hello").text == "hello")
        #expect(try second.get("/hello").text == "hello")
        #expect(try RawClient(port).answer().status == 503)
        let waiting = try RawClient(port)
        try waiting.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        first = nil
        #expect(try waiting.answer().text == "hello")
      }
    }
  }

  @Test func tooManyRequestsAtOnceAreAskedToComeBack() async throws {
    let entered = Record<Int>()
    let gate = Record<Int>()
    try await withServer(
      { $0.limits = .init(inFlight: 2) },
      routes: { router in
        router.on(.get, "/wait") { _ in
          entered.add(1)
          await gate.wait()
          return .text("done")
        }
      }
    ) { port, _ in
      async let first = onThread { try RawClient(port).get("/wait").text }
      async let second = onThread { try RawClient(port).get("/wait").text }
      await entered.wait(for: 2)
      let refused = try await onThread { try RawClient(port).get("/wait") }
      #expect(refused.status == 503 && refused["retry-after"] == "2")
      gate.add(1)
      #expect(try await first == "done")
      #expect(try await second == "done")
      let later = try await onThread { try RawClient(port).get("/wait").text }
      #expect(later == "done")
    }
  }

  /// Many connections become ready at the same moment, again and again; each is answered each time.
  @Test(arguments: [127, 128, 129, 256, 300])
  func requestsThatArriveTogetherAreAllAnswered(_ count: Int) async throws {
    try await withServer(
      {
        $0.threads = 1
        $0.limits = .init(connectionsPerAddress: 0)
      }, routes: Self.echo
    ) { port, _ in
      try await onThread {
        let clients = try (0..<count).map { _ in try RawClient(port) }
        for target in ["/hello", "/slow", "/hello"] {
          for client in clients { try client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n") }
          for client in clients {
            let answer = try client.answer()
            #expect("/" + answer.text == target)
          }
        }
      }
    }
  }

  @Test func theClientBehindATrustedProxyIsSeen() async throws {
    let show: (inout Router) -> Void = { router in
      router.on(.get, "/") { .text("\($0.remoteAddress) \($0.isSecure) \($0.id)") }
    }
    let fields = ["X-Forwarded-For: 6.6.6.6, 1.2.3.4", "X-Forwarded-Proto: https", "X-Request-Id: abc-1"]
    let range = try #require(AddressRange("127.0.0.0/8"))
    try await withServer({ $0.trustedProxies = [range] }, routes: show) { port, _ in
      let answer = try await onThread { try RawClient(port).get("/", fields[0], fields[1], fields[2]) }
      #expect(answer.text == "1.2.3.4 true abc-1")
      #expect(answer["x-request-id"] == "abc-1")
    }
    try await withServer(routes: show) { port, _ in
      let answer = try await onThread { try RawClient(port).get("/", fields[0], fields[1], fields[2]) }
      #expect(answer.text.hasPrefix("127.0.0.1 false ") && !answer.text.contains("abc"))
    }
  }

  @Test func requestsAreLoggedWithoutTheirQueryAndCounted() async throws {
    let lines = Record<String>()
    let metrics = Metrics()
    try await withServer(
      {
        $0.logsRequests = true
        $0.metrics = metrics
        $0.log = Log(write: { lines.add(String(decoding: $0, as: UTF8.self)) })
      }, routes: Self.echo
    ) { port, _ in
      try await onThread { [port] in
        let client = try RawClient(port)
        _ = try client.get("/id/7?phone=13800000000", "Cookie: s=secret")
        _ = try client.get("/none")
      }
      await lines.wait(for: 2)
    }
    let first = try JSON(parsing: try #require(lines.values.first))
    #expect(first["event"] == "request" && first["path"] == "/id/7" && first["route"] == "/id/{id}")
    #expect(first["status"] == 200 && first["bytes"] == 1 && first["complete"] == true)
    #expect(!lines.values.joined().contains("13800000000") && !lines.values.joined().contains("secret"))
    #expect(metrics.value("http_requests_total", #"method="GET",route="/id/{id}",status="200""#) == 1)
    #expect(metrics.value("http_requests_total", #"method="GET",route="-",status="404""#) == 1)
    #expect(metrics.exposition.contains("http_request_seconds_count 2"))
  }
}
