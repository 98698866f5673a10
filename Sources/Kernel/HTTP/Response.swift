package import Core

/// What a handler answers.
package struct Response: Sendable {
  /// The content of a response.
  package enum Content: Sendable {
    case empty
    case bytes([UInt8])
    /// Bytes in shared memory that are sent without being copied.
    case shared(SharedBytes)
    /// A file on disk, sent by the kernel; ranges are answered (RFC 9110 §14).
    case file(String)
    /// Produced while it is sent, at the client's pace; the task ends with an error when the client goes away.
    case stream(@Sendable (ResponseWriter) async throws -> Void)
    /// Server-sent events; the task is cancelled when the client goes away or the server stops.
    case events(@Sendable (EventWriter) async throws -> Void)
  }

  package var status: Int
  package var headers: Headers
  package var body: Content

  package init(status: Int = 200, headers: Headers = Headers(), body: Content = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  init(status: Int, type: String, body: Content) {
    self.init(status: status, headers: Headers(contentType: type), body: body)
  }

  package static func html(_ bytes: [UInt8], status: Int = 200) -> Response {
    Response(status: status, type: "text/html; charset=utf-8", body: .bytes(bytes))
  }

  package static func text(_ text: String, status: Int = 200) -> Response {
    Response(status: status, type: "text/plain; charset=utf-8", body: .bytes(Array(text.utf8)))
  }

  package static func json(_ document: JSON, status: Int = 200) -> Response {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(1024)
    document.write(into: &bytes)
    return Response(status: status, type: "application/json", body: .bytes(bytes))
  }

  package static func bytes(_ bytes: [UInt8], type: String, status: Int = 200) -> Response {
    Response(status: status, type: type, body: .bytes(bytes))
  }

  /// 303 after a form was accepted (so that reloading does not send it again); 302, 307 and 308 have their uses too.
  package static func redirect(to location: String, status: Int = 303) -> Response {
    Response(status: status, headers: ["Location": PercentEncoding.encode(url: location)])
  }

  /// 204: done, with nothing to show.
  package static let noContent = Response(status: 204)

  /// 304 for a client whose copy is still good.
  package static func notModified(etag: String) -> Response { Response(status: 304, headers: ["ETag": etag]) }

  /// A file from disk with ranges; the type comes from the name unless it is given.
  package static func file(_ path: String, type: String? = nil) -> Response {
    Response(status: 200, type: type ?? MediaType.ofFile(path), body: .file(path))
  }

  /// Content that is produced while it is sent, such as a large export.
  package static func stream(
    type: String, _ produce: @escaping @Sendable (ResponseWriter) async throws -> Void
  ) -> Response {
    Response(status: 200, type: type, body: .stream(produce))
  }

  /// Server-sent events; `produce` runs until it returns, the client goes away or the server stops.
  package static func events(_ produce: @escaping @Sendable (EventWriter) async throws -> Void) -> Response {
    Response(
      status: 200,
      headers: [
        "Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
      ], body: .events(produce))
  }

  package mutating func setCookie(_ cookie: Cookie) { headers.add("Set-Cookie", cookie.header) }

  /// Offers the response for saving under `filename` (RFC 6266), Chinese names included.
  package mutating func attach(as filename: String) {
    let plain = filename.utf8.map { byte in
      byte >= 0x20 && byte < 0x7F && byte != 0x22 && byte != 0x5C && byte != UInt8(ascii: "%") ? byte : 0x5F
    }
    headers["Content-Disposition"] =
      "attachment; filename=\"\(String(decoding: plain, as: UTF8.self))\"; filename*=UTF-8''\(PercentEncoding.encode(filename))"
  }

  /// Gives a response in memory an `ETag` of its content, so that an unchanged page costs the client nothing.
  package mutating func tag() {
    switch body {
    case .bytes(let bytes): headers["ETag"] = ETag.of(bytes)
    case .shared(let shared): headers["ETag"] = shared.withBytes { ETag.of($0) }
    case .empty, .file, .stream, .events: break
    }
  }
}

/// Immutable bytes in memory of their own, which responses send without copying.
package final class SharedBytes: @unchecked Sendable {
  // Unchecked: the memory is written once, in the initialiser.
  private let memory: UnsafeMutableRawBufferPointer

  package init(_ bytes: [UInt8]) {
    memory = .allocate(byteCount: max(1, bytes.count), alignment: 1)
    memory.copyBytes(from: bytes)
    count = bytes.count
  }

  deinit { memory.deallocate() }

  package let count: Int

  var pointer: UnsafeMutableRawPointer? { memory.baseAddress }

  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(rebasing: memory[..<count]))
  }
}
