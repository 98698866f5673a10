import CMicroHTTPD
import Glibc

/// A response as libmicrohttpd wants it, together with what is left to do once it is being sent.
final class PreparedResponse: @unchecked Sendable {
  // Unchecked: libmicrohttpd counts the references to a response under a lock; nothing here changes after delivery.

  enum Rest: Sendable {
    case nothing
    /// The header of a stream whose body was not asked for.
    case headOnly
    case stream(isCompressed: Bool, @Sendable (ResponseWriter) async throws -> Void)
    case events(@Sendable (EventWriter) async throws -> Void)
  }

  let status: Int
  /// Bytes of the body, 0 when it is not known beforehand.
  let length: Int64
  let rest: Rest
  /// The fields, for answers that are written without libmicrohttpd.
  let headers: Headers
  /// The body when it is in memory, for the same.
  let content: [UInt8]?
  /// `nil` for what libmicrohttpd does not send.
  private(set) var handle: OpaquePointer?

  init(
    status: Int, headers: Headers, length: Int64, handle: OpaquePointer?, rest: Rest = .nothing,
    content: [UInt8]? = nil
  ) {
    self.status = status
    self.headers = headers
    self.length = length
    self.handle = handle
    self.rest = rest
    self.content = content
    guard let handle else { return }
    for field in headers.fields {
      // Spelled out: passing the strings would put each into an array first.
      field.name.withCString { name in
        _ = field.value.withCString { value in MHD_add_response_header(handle, name, value) }
      }
    }
  }

  /// A response in memory as it is.
  static func plain(_ response: Response) -> PreparedResponse {
    var bytes: [UInt8] = []
    if case .bytes(let content) = response.body { bytes = content }
    let handle = bytes.withUnsafeBytes { raw in
      // libmicrohttpd's interface lacks `const`: it copies and never writes.
      MHD_create_response_from_buffer(
        raw.count, UnsafeMutableRawPointer(mutating: raw.baseAddress), .RESPMEM_MUST_COPY)
    }
    return PreparedResponse(
      status: response.status, headers: response.headers, length: Int64(bytes.count), handle: handle, content: bytes)
  }

  deinit {
    if let handle { MHD_destroy_response(handle) }
  }

  /// The response as bytes, for a socket that libmicrohttpd no longer has; the connection ends with it.
  ///
  /// - Parameter isChunked: whether the body will follow in chunks.
  func serialized(withBody: Bool, isChunked: Bool = false) -> [UInt8] {
    var text = "HTTP/1.1 \(status) \(Reason.phrase(status))\r\nDate: \(HTTPDate.text(Int64(time(nil))))\r\n"
    for field in headers.fields where !field.value.isEmpty { text += "\(field.name): \(field.value)\r\n" }
    if case .nothing = rest { text += "Content-Length: \(content?.count ?? 0)\r\n" }
    if isChunked { text += "Transfer-Encoding: chunked\r\n" }
    text += "Connection: close\r\n\r\n"
    var bytes = Array(text.utf8)
    if withBody, let content { bytes.append(contentsOf: content) }
    return bytes
  }
}

/// Reason phrases (RFC 9110 §15), of which only people take notice.
enum Reason {
  static func phrase(_ status: Int) -> String {
    MHD_get_reason_phrase_for(UInt32(clamping: status)).map { String(cString: $0) } ?? "Status"
  }
}
