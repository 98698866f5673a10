import CMicroHTTPD
import Core
import Glibc

/// Makes what a handler answered ready for the wire: conditional requests, ranges, compression.
struct ResponseEncoder: Sendable {
  /// Bodies below this many bytes are sent as they are: a packet is a packet.
  static let smallestCompressed = 1024

  /// - Throws: ``Refusal`` `not-found` for a file that is not there.
  func encode(_ response: Response, for request: Request) throws(Refusal) -> PreparedResponse {
    var headers = response.headers
    switch response.body {
    case .empty:
      return inMemory([], response.status, headers)
    case .bytes(let bytes):
      if isUnchanged(request, response.status, headers) { return notModified(headers) }
      guard bytes.count >= ResponseEncoder.smallestCompressed, isCompressible(headers) else {
        return inMemory(bytes, response.status, headers)
      }
      headers.vary(by: "Accept-Encoding")
      guard request.method != .head, AcceptEncoding.allowsGzip(request.headers["accept-encoding"]) else {
        return inMemory(bytes, response.status, headers)
      }
      return compressed(bytes, response.status, headers) ?? inMemory(bytes, response.status, headers)
    case .shared(let shared):
      if isUnchanged(request, response.status, headers) { return notModified(headers) }
      return self.shared(shared, response.status, headers)
    case .file(let path):
      return try file(path, response.status, headers, request)
    case .stream(let produce):
      if request.method == .head {
        return PreparedResponse(
          status: response.status, headers: headers, length: 0, handle: nil, rest: .headOnly, content: [])
      }
      let isCompressed = isCompressible(headers) && AcceptEncoding.allowsGzip(request.headers["accept-encoding"])
      if isCompressed { markCompressed(&headers) }
      return PreparedResponse(
        status: response.status, headers: headers, length: 0, handle: nil,
        rest: .stream(isCompressed: isCompressed, produce))
    case .events(let produce):
      if request.method == .head { return inMemory([], response.status, headers) }
      return PreparedResponse(
        status: response.status, headers: headers, length: 0, handle: nil, rest: .events(produce))
    }
  }

  // MARK: Conditional requests (RFC 9110 §13)

  private func isUnchanged(_ request: Request, _ status: Int, _ headers: Headers) -> Bool {
    guard status == 200, request.method == .get || request.method == .head else { return false }
    if let field = request.headers["if-none-match"] {
      return headers["ETag"].map { ETag.matches(field, $0) } ?? false
    }
    if let field = request.headers["if-modified-since"], let since = HTTPDate.parse(field),
      let modified = headers["Last-Modified"].flatMap(HTTPDate.parse)
    {
      return modified <= since
    }
    return false
  }

  private func notModified(_ headers: Headers) -> PreparedResponse {
    var headers = headers
    for name in ["Content-Type", "Content-Encoding", "Content-Disposition", "Last-Modified"] { headers[name] = nil }
    return inMemory([], 304, headers)
  }

  // MARK: Memory

  private func inMemory(_ bytes: [UInt8], _ status: Int, _ headers: Headers) -> PreparedResponse {
    .plain(Response(status: status, headers: headers, body: .bytes(bytes)))
  }

  private func shared(_ shared: SharedBytes, _ status: Int, _ headers: Headers) -> PreparedResponse {
    let handle = MHD_create_response_from_buffer_with_free_callback_cls(
      shared.count, shared.pointer,
      { context in
        if let context { Unmanaged<SharedBytes>.fromOpaque(context).release() }
      }, Unmanaged.passRetained(shared).toOpaque())
    return PreparedResponse(status: status, headers: headers, length: Int64(shared.count), handle: handle)
  }

  // MARK: Compression

  private func isCompressible(_ headers: Headers) -> Bool {
    guard let type = headers["Content-Type"] else { return false }
    return MediaType.isText(type) && !headers.contains("Content-Encoding")
  }

  private func markCompressed(_ headers: inout Headers) {
    headers.add("Content-Encoding", "gzip")
    headers.vary(by: "Accept-Encoding")
    if let tag = headers["ETag"], !ETag.isWeak(tag) { headers["ETag"] = "W/" + tag }
  }

  private func compressed(_ bytes: [UInt8], _ status: Int, _ headers: Headers) -> PreparedResponse? {
    guard let memory = bytes.withUnsafeBytes({ Gzip.compress($0) }) else { return nil }
    var headers = headers
    markCompressed(&headers)
    let handle = MHD_create_response_from_buffer(memory.count, memory.baseAddress, .RESPMEM_MUST_FREE)
    return PreparedResponse(status: status, headers: headers, length: Int64(memory.count), handle: handle)
  }

  // MARK: Files

  private func file(
    _ path: String, _ status: Int, _ headers: Headers, _ request: Request
  ) throws(Refusal) -> PreparedResponse {
    var headers = headers
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    var information = stat()
    guard descriptor >= 0, fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
      if descriptor >= 0 { close(descriptor) }
      throw Refusals.notFound
    }
    let size = Int64(information.st_size)
    let modified = Int64(information.st_mtim.tv_sec)
    headers.setDefault(
      "ETag",
      "\"\(String(size, radix: 36))-\(String(modified, radix: 36))-\(String(information.st_mtim.tv_nsec, radix: 36))\"")
    headers.setDefault("Last-Modified", HTTPDate.text(modified))
    headers.setDefault("Accept-Ranges", "bytes")
    if isUnchanged(request, status, headers) {
      close(descriptor)
      return notModified(headers)
    }
    switch range(request, status, size, headers) {
    case .whole:
      return file(descriptor, 0..<size, status, headers)
    case .part(let range):
      headers["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
      return file(descriptor, range, 206, headers)
    case .unsatisfiable:
      close(descriptor)
      headers["Content-Range"] = "bytes */\(size)"
      return inMemory([], 416, headers)
    }
  }

  private func range(_ request: Request, _ status: Int, _ size: Int64, _ headers: Headers) -> ByteRange {
    guard status == 200, request.method == .get, let field = request.headers["range"] else { return .whole }
    if let condition = request.headers["if-range"] {
      // Both validators must match strongly and exactly (RFC 9110 §13.1.5).
      guard condition == headers["ETag"] && !ETag.isWeak(condition) || condition == headers["Last-Modified"] else {
        return .whole
      }
    }
    return ByteRange(field, size: size)
  }

  private func file(_ descriptor: Int32, _ range: Range<Int64>, _ status: Int, _ headers: Headers) -> PreparedResponse {
    guard !range.isEmpty else {
      close(descriptor)
      return inMemory([], status, headers)
    }
    let handle = MHD_create_response_from_fd_at_offset64(
      UInt64(range.count), descriptor, UInt64(range.lowerBound))
    return PreparedResponse(status: status, headers: headers, length: Int64(range.count), handle: handle)
  }
}

extension Headers {
  /// Adds a name to `Vary` unless it stands there.
  mutating func vary(by name: String) {
    guard !lists("Vary", name) else { return }
    self["Vary"] = self["Vary"].map { "\($0), \(name)" } ?? name
  }
}
