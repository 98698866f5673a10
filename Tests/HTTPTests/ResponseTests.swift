import CZlib
import Core
import Glibc
import Synchronization
import Testing

@testable import HTTP

@Suite struct ResponseBodyTests {
  private static let page = String(repeating: "<tr><td>达州市通川区朝阳东路</td></tr>\n", count: 200)

  private static func routes(_ router: inout Router) {
    router.on(.get, "/page") { _ in .html(Array(page.utf8)) }
    router.on(.get, "/tagged") { _ in
      var response = Response.html(Array(page.utf8))
      response.tag()
      return response
    }
    router.on(.get, "/small") { _ in .text("small") }
    router.on(.get, "/picture") { _ in .bytes(Array(repeating: 7, count: 5000), type: "image/png") }
    router.on(.get, "/export") { _ in
      .stream(type: "text/csv; charset=utf-8") { writer in
        for index in 0..<20_000 { try await writer.write("\(index),达州\n") }
      }
    }
    router.on(.get, "/broken") { _ in
      .stream(type: "application/octet-stream") { writer in
        try await writer.write([1, 2, 3])
        try await writer.flush()
        throw Fault("broken")
      }
    }
  }

  private static let export = (0..<20_000).map { "\($0),达州\n" }.joined()

  @Test func textsAreCompressedForThoseWhoTakeIt() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        let gzip = try client.get("/page", "Accept-Encoding: br, gzip;q=0.5")
        #expect(gzip["content-encoding"] == "gzip" && gzip["vary"] == "Accept-Encoding")
        #expect(try gunzip(gzip.body) == Array(Self.page.utf8))
        #expect(gzip.body.count < 500)
        for (target, field) in [
          ("/page", "Accept-Encoding: gzip;q=0"), ("/page", "X: y"), ("/small", "Accept-Encoding: gzip"),
          ("/picture", "Accept-Encoding: gzip"),
        ] { #expect(try client.get(target, field)["content-encoding"] == nil) }
        let plain = try client.get("/page")
        #expect(plain.text == Self.page && plain["vary"] == "Accept-Encoding")
        let stream = try client.get("/export", "Accept-Encoding: gzip")
        #expect(stream["content-encoding"] == "gzip")
        #expect(try gunzip(stream.body) == Array(Self.export.utf8))
      }
    }
  }

  @Test func anUnchangedPageIsNotSentAgain() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        let first = try client.get("/tagged")
        let tag = try #require(first["etag"])
        let weak = try #require(try client.get("/tagged", "Accept-Encoding: gzip")["etag"])
        #expect(weak == "W/" + tag)
        for field in [tag, weak, "\"x\", \(tag)", "*"] {
          let again = try client.get("/tagged", "If-None-Match: \(field)")
          #expect(again.status == 304 && again["etag"] == tag && again["content-type"] == nil)
        }
        #expect(try client.get("/tagged", "If-None-Match: \"x\"").status == 200)
        #expect(try client.get("/page", "If-None-Match: \"x\"").status == 200)
      }
    }
  }

  @Test func streamsAreSentWholeAtTheClientsPaceAndToOldClientsToo() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      try await onThread {
        let client = try RawClient(port)
        #expect(try client.get("/small").text == "small")
        let whole = try client.get("/export")
        #expect(whole.text == Self.export && whole["connection"] == "close")
        try client.waitForClose()
        let second = try RawClient(port)
        let head = try second.request("HEAD /export HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(head.status == 200 && head["content-length"] == nil)
        try second.waitForClose()
        let old = try RawClient(port).request("GET /export HTTP/1.0\r\n\r\n")
        #expect(old.text == Self.export)
      }
    }
  }

  @Test func aStreamThatFailsIsSeenToBeIncomplete() async throws {
    try await withServer(routes: Self.routes) { port, _ in
      try await onThread { () throws in
        #expect(throws: (any Error).self) { try RawClient(port).get("/broken") }
        #expect(throws: (any Error).self) { try RawClient(port).request("GET /broken HTTP/1.0\r\n\r\n") }
        #expect(try RawClient(port).get("/small").text == "small")
      }
    }
  }

  @Test func aClientThatLeavesEndsTheProducer() async throws {
    let ended = Record<String>()
    let produced = Counter()
    try await withServer(
      routes: { router in
        router.on(.get, "/endless") { _ in
          .stream(type: "application/octet-stream") { writer in
            let block = [UInt8](repeating: 1, count: 100_000)
            do {
              while true {
                try await writer.write(block)
                produced.add()
              }
            } catch {
              ended.add("\(type(of: error))")
              throw error
            }
          }
        }
      }
    ) { port, _ in
      try await onThread {
        for leave in [{ $0.reset() }, { _ in }] as [(RawClient) -> Void] {
          let client = try RawClient(port)
          try client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
          #expect(try client.head().status == 200)
          for _ in 0..<3 { _ = try client.chunk() }
          leave(client)
        }
      }
      await ended.wait(for: 2)
      #expect(produced.value < 2000, "the producer waits for the client")
    }
  }

  @Test func aSlowReaderIsCutOff() async throws {
    let ended = Record<Int>()
    try await withServer(
      { $0.timeouts = .init(send: 0.2) },
      routes: { router in
        router.on(.get, "/endless") { _ in
          .stream(type: "application/octet-stream") { writer in
            defer { ended.add(1) }
            while true { try await writer.write([UInt8](repeating: 1, count: 100_000)) }
          }
        }
      }
    ) { port, _ in
      let client = try RawClient(port)
      try client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
      await ended.wait()
      withExtendedLifetime(client) {}
    }
  }
}

@Suite struct FileTests {
  private func withFile(_ bytes: [UInt8], _ body: (String) async throws -> Void) async throws {
    let path = "/tmp/lifang-file-\(UInt64.random(in: 0...UInt64.max)).txt"
    let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
    _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    defer { unlink(path) }
    try await body(path)
  }

  @Test func rangesConditionsAndAbsenceAreAnswered() async throws {
    let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
    try await withFile(content) { path in
      try await withServer(routes: { router in
        router.on(.get, "/file") { _ in .file(path) }
        router.on(.get, "/gone") { _ in .file(path + ".gone") }
        router.on(.get, "/folder") { _ in .file("/tmp") }
      }) { port, _ in
        try await onThread {
          let client = try RawClient(port)
          let whole = try client.get("/file")
          #expect(whole.status == 200 && whole.body == content && whole["accept-ranges"] == "bytes")
          let tag = try #require(whole["etag"])
          let date = try #require(whole["last-modified"])

          let part = try client.get("/file", "Range: bytes=1000-1999")
          #expect(part.status == 206 && part.body == Array(content[1000..<2000]))
          #expect(part["content-range"] == "bytes 1000-1999/100000")
          #expect(try client.get("/file", "Range: bytes=-5").body == Array(content.suffix(5)))
          let beyond = try client.get("/file", "Range: bytes=100000-")
          #expect(beyond.status == 416 && beyond["content-range"] == "bytes */100000")

          for (condition, status) in [
            (tag, 206), (date, 206), ("\"x\"", 200), ("W/" + tag, 200), ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
          ] {
            #expect(try client.get("/file", "Range: bytes=0-9", "If-Range: \(condition)").status == status)
          }
          #expect(try client.get("/file", "If-None-Match: \(tag)").status == 304)
          #expect(try client.get("/file", "If-Modified-Since: \(date)").status == 304)
          #expect(try client.get("/file", "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT").status == 200)
          let head = try client.request("HEAD /file HTTP/1.1\r\nHost: x\r\n\r\n")
          #expect(head["content-length"] == "100000")
          #expect(try client.get("/gone").status == 404)
          #expect(try client.get("/folder").status == 404)
        }
      }
    }
  }

  @Test func emptyFilesAreFilesToo() async throws {
    try await withFile([]) { path in
      try await withServer(routes: { $0.on(.get, "/file") { _ in .file(path) } }) { port, _ in
        let answer = try await onThread { try RawClient(port).get("/file") }
        #expect(answer.status == 200 && answer["content-length"] == "0")
      }
    }
  }

  @Test func theChineseNameOfADownloadArrives() {
    var response = Response.text("x")
    response.attach(as: "台账 \"一\".csv")
    #expect(
      response.headers["content-disposition"]?.hasSuffix("filename*=UTF-8''%E5%8F%B0%E8%B4%A6%20%22%E4%B8%80%22.csv")
        == true)
  }
}

/// Unpacks gzip with zlib itself.
func gunzip(_ bytes: [UInt8]) throws -> [UInt8] {
  var stream = z_stream()
  guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    throw ClientError(description: "inflate")
  }
  defer { inflateEnd(&stream) }
  var input = bytes
  var output = [UInt8](repeating: 0, count: 4 << 20)
  let status = input.withUnsafeMutableBufferPointer { input in
    output.withUnsafeMutableBufferPointer { output in
      stream.next_in = input.baseAddress
      stream.avail_in = UInt32(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(output.count)
      return inflate(&stream, Z_FINISH)
    }
  }
  guard status == Z_STREAM_END else { throw ClientError(description: "inflate \(status)") }
  return Array(output[..<Int(stream.total_out)])
}
