import Core
import Glibc
import Synchronization
import Testing

@testable import HTTP

@Suite struct EventStreamTests {
  @Test func eventsArriveAsTheyAreSentAndTheLastIDIsTold() async throws {
    let feed = AsyncStream<String>.makeStream()
    try await withServer(routes: { router in
      router.on(.get, "/events") { _ in
        .events { writer in
          try await writer.retry(after: 1000)
          try await writer.send(Event("从 \(writer.lastEventID ?? "-") 继续", name: "hello", id: "8"))
          for await text in feed.stream { try await writer.send(Event(text)) }
        }
      }
    }) { port, _ in
      let client = try await onThread {
        let client = try RawClient(port)
        try client.send("GET /events HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 7\r\n\r\n")
        let head = try client.head()
        #expect(head.status == 200 && head["content-type"] == "text/event-stream; charset=utf-8")
        #expect(head["cache-control"] == "no-store" && head["x-request-id"] != nil)
        for expected in ["retry: 1000", "", "id: 8", "event: hello", "data: 从 7 继续", ""] {
          #expect(try client.line() == expected)
        }
        return client
      }
      feed.continuation.yield("一\n二")
      try await onThread { () throws in
        for expected in ["data: 一", "data: 二", ""] { #expect(try client.line() == expected) }
      }
      feed.continuation.finish()
      try await onThread { try client.waitForClose() }
    }
  }

  @Test func aQuietStreamIsKeptAliveWithComments() async throws {
    try await withServer(
      { $0.timeouts = .init(heartbeat: 0.05) },
      routes: { router in
        router.on(.get, "/events") { _ in .events { _ in try await Task.sleep(for: .seconds(100)) } }
      }
    ) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        try client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = try client.head()
        for _ in 0..<3 {
          #expect(try client.line() == ":")
          #expect(try client.line() == "")
        }
      }
    }
  }

  @Test func aClientThatLeavesIsNoticedAtOnce() async throws {
    let ended = Record<Int>()
    let metrics = Metrics()
    try await withServer(
      { $0.metrics = metrics },
      routes: { router in
        router.on(.get, "/events") { _ in
          .events { _ in
            defer { ended.add(1) }
            try await Task.sleep(for: .seconds(100))
          }
        }
      }
    ) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        try client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        _ = try client.head()
      }
      await ended.wait()
    }
  }

  @Test func streamsAreLimitedAndHeadOpensNone() async throws {
    try await withServer(
      { $0.limits = .init(eventStreams: 1) },
      routes: { router in
        router.on(.get, "/events") { _ in .events { _ in try await Task.sleep(for: .seconds(100)) } }
      }
    ) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        #expect(try client.request("HEAD /events HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        try client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try client.head().status == 200)
        let second = try RawClient(port).get("/events")
        #expect(second.status == 503 && second["retry-after"] != nil)
      }
    }
  }

  @Test func aClientThatDoesNotReadMakesTheSenderWait() async throws {
    let sent = Counter()
    let ended = Record<Int>()
    try await withServer(
      { $0.timeouts = .init(send: 0.2) },
      routes: { router in
        router.on(.get, "/events") { _ in
          .events { writer in
            defer { ended.add(1) }
            let event = Event(String(repeating: "x", count: 100_000))
            while true {
              try await writer.send(event)
              sent.add()
            }
          }
        }
      }
    ) { port, _ in
      let client = try RawClient(port)
      try client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
      // Given up when it has taken nothing for as long as a response may take.
      await ended.wait()
      #expect(sent.value < 500)
      withExtendedLifetime(client) {}
    }
  }

  @Test func manyStreamsAreServedTogether() async throws {
    let count = 300
    let opened = Record<EventWriter>()
    try await withServer(
      { $0.limits = .init(connectionsPerAddress: 0) },
      routes: { router in
        router.on(.get, "/events") { _ in
          .events { writer in
            opened.add(writer)
            try await Task.sleep(for: .seconds(100))
          }
        }
      }
    ) { port, _ in
      let clients = try await onThread {
        try (0..<count).map { _ in
          let client = try RawClient(port)
          try client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
          return client
        }
      }
      await opened.wait(for: count)
      let event = Event("大家好").bytes
      for writer in opened.values { try await writer.send(encoded: event) }
      try await onThread { () throws in
        for client in clients {
          #expect(try client.head().status == 200)
          #expect(try client.line() == "data: 大家好")
        }
      }
    }
  }
}

@Suite struct StoppingTests {
  @Test func requestsUnderWayAreFinishedAndNewOnesAreNotTaken() async throws {
    let entered = Record<Int>()
    let gate = Record<Int>()
    var router = Router()
    router.on(.get, "/wait") { _ in
      entered.add(1)
      await gate.wait()
      return .text("done")
    }
    router.on(.get, "/events") { _ in
      .events { writer in
        entered.add(1)
        try await Task.sleep(for: .seconds(100))
      }
    }
    let server = try Server(.init(logsRequests: false), application: Application(router))
    let port = try server.start()
    async let answer = onThread { try RawClient(port).get("/wait") }
    async let stream: Void = onThread {
      let client = try RawClient(port)
      try client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
      try client.waitForClose()
    }
    await entered.wait(for: 2)
    async let stopped: Void = server.stop(within: 10)
    // Event streams end first, so their end shows that stopping has begun.
    try await stream
    #expect(throws: ClientError.self) { try RawClient(port) }
    gate.add(1)
    let whole = try await answer
    #expect(whole.text == "done" && whole["connection"] == "close")
    await stopped
  }

  @Test func whatDoesNotFinishInTimeIsAborted() async throws {
    let entered = Record<Int>()
    let cancelled = Record<Int>()
    var router = Router()
    router.on(.get, "/wait") { _ in
      entered.add(1)
      do { try await Task.sleep(for: .seconds(100)) } catch { cancelled.add(1) }
      return .text("late")
    }
    router.on(.get, "/stream") { _ in
      .stream(type: "text/plain") { writer in
        try await writer.write("x")
        try await writer.flush()
        entered.add(1)
        do { try await Task.sleep(for: .seconds(100)) } catch { cancelled.add(1) }
      }
    }
    router.on(.post, "/body") { request in
      entered.add(1)
      do { _ = try await request.body.bytes() } catch { cancelled.add(1) }
      return .text("late")
    }
    let server = try Server(.init(logsRequests: false), application: Application(router))
    let port = try server.start()
    let clients = try await onThread {
      let targets = [
        "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n", "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + String(repeating: "x", count: 100_000),
      ]
      return try targets.map { text in
        let client = try RawClient(port)
        try client.send(text)
        return client
      }
    }
    await entered.wait(for: 3)
    await server.stop(within: 0.05)
    await cancelled.wait(for: 3)
    try await onThread { for client in clients { try client.waitForClose() } }
  }

  @Test func runReturnsWhenTheServerHasStopped() async throws {
    var router = Router()
    router.on(.get, "/") { _ in .text("x") }
    let server = try Server(.init(logsRequests: false), application: Application(router))
    async let run: Void = server.run()
    await server.stop(within: 0)
    // Stopping may have come before starting: then this one ends it.
    var isDone = false
    while !isDone {
      await server.stop(within: 0)
      isDone = server.isStopped
      await Task.yield()
    }
    try await run
  }

  @Test func anAddressInUseIsAFault() async throws {
    try await withServer(routes: { $0.on(.get, "/") { _ in .noContent } }) { port, _ in
      let second = try Server(.init(port: port), application: Application(Router()))
      #expect(throws: Fault.self) { try second.start() }
      let nowhere = try Server(.init(address: "not an address"), application: Application(Router()))
      #expect(throws: Fault.self) { try nowhere.start() }
    }
  }

  /// Many clients that behave and misbehave at once, and a stop in the middle: nothing hangs, nothing crashes.
  @Test func aStormOfClientsIsSurvived() async throws {
    try await withServer(
      { $0.limits = .init(connectionsPerAddress: 0) },
      routes: { router in
        router.on(.get, "/now") { _ in .text("now") }
        router.on(.get, "/yield") { _ in
          await Task.yield()
          return .text("yield")
        }
        router.onGathered(.get, "/gathered/{n}") { requests in
          await Task.yield()
          return requests.map { .success(.text($0.parameters["n"] ?? "")) }
        }
        router.on(.get, "/stream") { _ in
          .stream(type: "text/plain") { writer in
            for _ in 0..<50 { try await writer.write(String(repeating: "s", count: 5000)) }
          }
        }
        router.on(.get, "/events") { _ in .events { for index in 0..<20 { try await $0.send(Event("\(index)")) } } }
        router.on(.post, "/echo") { .bytes(try await $0.body.bytes(), type: "text/plain") }
      }
    ) { port, server in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for seed in 0..<12 {
          group.addTask {
            try await onThread {
              var dice = SeededRandom(seed: UInt64(seed) + 99)
              var good = 0
              for _ in 0..<40 {
                guard let client = try? RawClient(port) else { continue }
                switch Int.random(in: 0..<9, using: &dice) {
                case 0: if (try? client.get("/now").text) == "now" { good += 1 }
                case 1: for _ in 0..<5 where (try? client.get("/yield").text) == "yield" { good += 1 }
                case 2:
                  try? client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
                  if Bool.random(using: &dice) {
                    client.reset()
                  } else if (try? client.answer().body.count) == 250_000 {
                    good += 1
                  }
                case 3:
                  try? client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
                  if Bool.random(using: &dice) { client.reset() } else { try? client.waitForClose() }
                case 4:
                  try? client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n")
                  try? client.send([UInt8](repeating: 1, count: Bool.random(using: &dice) ? 300_000 : 100_000))
                  if Bool.random(using: &dice) { client.reset() }
                case 5:
                  try? client.send("GET /no" + String(repeating: "x", count: Int.random(in: 0...20_000, using: &dice)))
                case 6:
                  for n in 0..<5 where (try? client.get("/gathered/\(seed)-\(n)").text) == "\(seed)-\(n)" { good += 1 }
                case 7:
                  try? client.send(
                    "GET /gathered/x HTTP/1.1\r\nHost: x\r\n\r\nGET /gathered/y HTTP/1.1\r\nHost: x\r\n\r\n")
                  client.reset()
                default:
                  try? client.send("GET /yield HTTP/1.1\r\nHost: x\r\n\r\nGET /yield HTTP/1.1\r\nHost: x\r\n\r\n")
                  client.reset()
                }
              }
              return good
            }
          }
        }
        var good = 0
        for try await count in group { good += count }
        #expect(good > 100)
      }
      await server.stop(within: 0)
    }
  }
}
