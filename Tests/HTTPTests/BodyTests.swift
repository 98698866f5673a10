import Core
import Glibc
import Synchronization
import Testing

@testable import HTTP

@Suite struct RequestBodyTests {
  private static func sum(_ bytes: [UInt8], _ sum: UInt64) -> UInt64 { bytes.reduce(sum) { $0 &* 31 &+ UInt64($1) } }

  private static func routes(_ router: inout Router) {
    router.on(.post, "/sum", maximumBody: 64 << 20) { request in
      var total: UInt64 = 0
      for try await chunk in request.body.chunks { total = sum(chunk, total) }
      return .text("\(total)")
    }
    router.on(.post, "/bytes") { .text("\(try await $0.body.bytes().count)") }
    router.on(.post, "/small", maximumBody: 10) { .text("\(try await $0.body.bytes().count)") }
    router.on(.post, "/refuse", maximumBody: 64 << 20) { _ in throw Refusal(.forbidden, "no", "不行") }
    router.on(.post, "/form") { request in
      let form = try await request.body.form(FormLimits(file: 3 << 20))
      return .text(form.files.map { "\($0.name) \($0.filename) \($0.size) \($0.path)" }.joined(separator: "\n"))
    }
    router.on(.get, "/hello") { _ in .text("hello") }
  }

  @Test func largeAndChunkedBodiesArriveWhole() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      try await onThread {
        var dice = SeededRandom(seed: 7)
        let body = (0..<1_000_000).map { _ in UInt8.random(in: 0...255, using: &dice) }
        let expected = "\(Self.sum(body, 0))"
        let client = try RawClient(port)
        try client.send("POST /sum HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n")
        try client.send(body)
        #expect(try client.answer().text == expected)

        try client.send("POST /sum HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        var rest = body[...]
        while !rest.isEmpty {
          let count = min(rest.count, Int.random(in: 1...200_000, using: &dice))
          try client.send("\(String(count, radix: 16));ext=1\r\n")
          try client.send(Array(rest.prefix(count)))
          try client.send("\r\n")
          rest = rest.dropFirst(count)
        }
        try client.send("0\r\nTrailer: x\r\n\r\n")
        #expect(try client.answer().text == expected)
        #expect(try client.get("/hello").text == "hello")
      }
    }
  }

  @Test func aSlowHandlerSlowsTheClientDown() async throws {
    let gate = Record<Int>()
    let size = 48 << 20
    let sent = Counter()
    try await withServer(
      routes: { router in
        router.on(.post, "/wait", maximumBody: size) { request in
          await gate.wait()
          var count = 0
          for try await chunk in request.body.chunks { count += chunk.count }
          return .text("\(count)")
        }
      }
    ) { port, _ in
      async let answer = onThread {
        let client = try RawClient(port)
        try client.send("POST /wait HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\n\r\n")
        let block = [UInt8](repeating: 1, count: 1 << 20)
        for _ in 0..<48 {
          try client.send(block)
          sent.add()
        }
        return try client.answer().text
      }
      // The client gets stuck: what it has sent stops growing long before the end.
      var last = -1
      while true {
        try await Task.sleep(for: .milliseconds(60))
        let now = sent.value
        if now == last && now > 0 { break }
        last = now
      }
      #expect(last < 40, "only socket buffers and the pipe may have been filled")
      gate.add(1)
      #expect(try await answer == "\(size)")
    }
  }

  /// Many small chunks in one packet are all handed over, also when the connection is held after the first.
  @Test func tinyChunksOutrunASlowHandler() async throws {
    let gate = Record<Int>()
    try await withServer(
      routes: { router in
        router.on(.post, "/wait", maximumBody: 64 << 20) { request in
          await gate.wait()
          var count = 0
          for try await chunk in request.body.chunks { count += chunk.count }
          return .text("\(count)")
        }
      }
    ) { port, _ in
      let writer = try RawClient(port)
      async let sending: Void = onThread {
        try writer.send("POST /wait HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        let block = Array(String(repeating: "5\r\nabcde\r\n", count: 10_000).utf8)
        for _ in 0..<40 { try writer.send(block) }
        try writer.send("0\r\n\r\n")
      }
      try await Task.sleep(for: .milliseconds(50))
      gate.add(1)
      try await sending
      let answer = try await onThread { try writer.answer().text }
      #expect(answer == "2000000")
    }
  }

  @Test func bodiesAreLimitedWithAndWithoutADeclaredLength() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        #expect(
          try client.request("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789").text == "10")
        let refused = try client.request("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890")
        #expect(refused.status == 413 && refused["connection"] == "close")
        #expect(try JSON(parsing: refused.text)["code"] == "body-too-large")

        let chunked = try RawClient(port)
        try chunked.send(
          "POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n")
        #expect(try chunked.answer().status == 413)

        // By default the limit is a megabyte; the answer arrives although much is still being sent.
        let large = try RawClient(port)
        try large.send("POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n")
        try? large.send([UInt8](repeating: 0, count: 4 << 20))
        #expect(try large.answer().status == 413)

        // A client that asks first learns it before it sends.
        let polite = try RawClient(port)
        try polite.send("POST /bytes HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 30000000\r\n\r\n")
        #expect(try polite.head().status == 413)
        let allowed = try RawClient(port)
        try allowed.send("POST /bytes HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
        #expect(try allowed.head().status == 100)
        try allowed.send("abc")
        #expect(try allowed.answer().text == "3")
      }
    }
  }

  @Test func aHandlerMayAnswerBeforeTheBodyHasArrived() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      try await onThread {
        // Little is left: it is read away and the connection goes on.
        let client = try RawClient(port)
        try client.send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
        try client.send([UInt8](repeating: 0, count: 100_000))
        #expect(try client.answer().status == 403)
        #expect(try client.get("/hello").text == "hello")
        // Much is left: the answer comes at once and the connection ends.
        try client.send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n")
        for _ in 0..<30 where (try? client.send([UInt8](repeating: 0, count: 100_000))) != nil {}
        let answer = try client.answer()
        #expect(answer.status == 403 && answer["connection"] == "close")
        try client.waitForClose()
      }
    }
  }

  @Test func aBodyThatStopsIsCutOffAndReported() async throws {
    let failures = Record<String>()
    try await withServer(
      { $0.timeouts = .init(body: 0.1, bodyRate: 1_000_000) },
      routes: { router in
        router.on(.post, "/chunks", maximumBody: 64 << 20) { request in
          do {
            for try await _ in request.body.chunks {}
          } catch {
            failures.add("\(error)")
            throw error
          }
          return .text("whole")
        }
      }
    ) { port, _ in
      try await onThread {
        let stopped = try RawClient(port)
        try stopped.send("POST /chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
        try stopped.send([UInt8](repeating: 0, count: 100_000))
        try stopped.waitForClose()
        let small = try RawClient(port)
        try small.send("POST /chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n123")
        try small.waitForClose()
        let reset = try RawClient(port)
        try reset.send("POST /chunks HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n")
        try reset.send([UInt8](repeating: 0, count: 50_000))
        reset.reset()
      }
      await failures.wait(for: 2)
      #expect(failures.values.allSatisfy { $0.contains("upload-interrupted") || $0.contains("Cancellation") })
    }
  }

  @Test func uploadsLieOnDiskUntilTheRequestEnds() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      let answer = try await onThread {
        let client = try RawClient(port)
        let content = [UInt8](repeating: 0x2D, count: 2 << 20)
        let body =
          Array("--b\r\nContent-Disposition: form-data; name=\"照片\"; filename=\"门.png\"\r\n\r\n".utf8) + content
          + Array("\r\n--b--\r\n".utf8)
        try client.send(
          "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: \(body.count)\r\n\r\n"
        )
        try client.send(body)
        return try client.answer()
      }
      let words = answer.text.split(separator: " ").map(String.init)
      #expect(words.count == 4 && words[0] == "照片" && words[1] == "门.png" && words[2] == "\(2 << 20)")
      for _ in 0..<2000 where access(words[3], F_OK) == 0 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(access(words[3], F_OK) != 0)
    }
  }

  @Test func aFileBeyondTheLimitIsRefusedByName() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      let answer = try await onThread {
        let client = try RawClient(port)
        try client.send(
          "POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000\r\n\r\n--b\r\nContent-Disposition: form-data; name=\"照片\"; filename=\"门.png\"\r\n\r\n"
        )
        for _ in 0..<80 where (try? client.send([UInt8](repeating: 0x2D, count: 100_000))) != nil {}
        return try client.answer()
      }
      #expect(answer.status == 413)
      #expect(try JSON(parsing: answer.text)["field"] == "照片")
    }
  }

  @Test func curlUploadsSeveralFiles() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      let file = "/tmp/lifang-curl-\(UInt64.random(in: 0...UInt64.max)).bin"
      let output = try await onThread { () -> String in
        let descriptor = open(file, O_WRONLY | O_CREAT, 0o600)
        let content = [UInt8](repeating: 0x0D, count: 1_500_000)
        _ = content.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        defer { unlink(file) }
        let command =
          "curl -s -F 'a=@\(file);filename=甲.bin' -F 'b=@\(file);filename=\"乙 \\\".bin\"' -F text=1 http://127.0.0.1:\(port)/form"
        guard let pipe = popen(command, "r") else { throw ClientError(description: "no shell") }
        defer { pclose(pipe) }
        var text: [UInt8] = []
        while case let byte = fgetc(pipe), byte != EOF { text.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: text, as: UTF8.self)
      }
      let lines = output.split(separator: "\n")
      #expect(lines.count == 2)
      #expect(lines.first?.hasPrefix("a 甲.bin 1500000 ") == true)
      #expect(lines.last?.hasPrefix("b 乙 \".bin 1500000 ") == true)
    }
  }
}
