import CMicroHTTPD
import Core
import Glibc

extension ServerCore {
  /// What a header says about the body, and what is wrong with the request.
  struct Framing {
    let mediaType: MediaType?
    let hasBody: Bool
    /// `nil` for a chunked body.
    let contentLength: Int?
    /// Why the request is refused before any route is looked for, with its status.
    let refusal: (Refusal, Int)?
  }

  /// Reads a header out of libmicrohttpd's memory.
  func readHead(
    of connection: OpaquePointer, method: UnsafePointer<CChar>?, target: String?, link: Link
  ) -> (Request, Framing) {
    var collector = HeaderCollector()
    withUnsafeMutablePointer(to: &collector) { pointer in
      _ = MHD_get_connection_values_n(
        connection, .HEADER_KIND,
        { context, _, name, nameSize, value, valueSize in
          guard let context, let name else { return .NO }
          context.assumingMemoryBound(to: HeaderCollector.self).pointee.add(name, nameSize, value, valueSize)
          return .YES
        }, pointer)
    }
    let headers = Headers(collector.block)
    var refusal: (Refusal, Int)?
    if collector.isMalformed { refusal = (Refusals.malformedRequest, 400) }
    if lifang_mhd_header_size(connection) > limits.header { refusal = (Refusals.headerTooLarge, 431) }
    let known = method.flatMap { Method(rawValue: String(cString: $0)) }
    if known == nil { refusal = refusal ?? (Refusals.methodNotAllowed, 501) }

    var path = target ?? "/"
    var url: Target
    do throws(Refusal) {
      guard target != nil else { throw PercentEncoding.refusal }
      url = try Target(path)
    } catch {
      refusal = refusal ?? (error, 400)
      path = "/"
      url = Target.root
    }
    var remote = link.addressText
    var isSecure = false
    var id: String?
    if link.isTrusted {
      let forwarded = headers.all("x-forwarded-for")
      remote = trust.client(
        forwardedFor: forwarded.isEmpty ? nil : forwarded.joined(separator: ","), peer: link.addressText)
      isSecure = headers["x-forwarded-proto"] == "https"
      if let given = headers["x-request-id"], (1...64).contains(given.utf8.count), Token.isToken(given) { id = given }
    }
    let request = Request(
      id: id ?? nextRequestID(), method: known ?? .get, target: path, url: url, headers: headers,
      remoteAddress: remote, isSecure: isSecure, isProxied: link.isTrusted, body: .empty)
    let length = collector.isChunked ? nil : collector.contentLength
    return (
      request,
      Framing(
        mediaType: collector.hasType ? headers["content-type"].flatMap { MediaType($0) } : nil,
        hasBody: collector.isChunked || (length ?? 0) > 0, contentLength: length, refusal: refusal)
    )
  }
}

extension Target {
  /// The target of requests whose own cannot be read.
  static let root = Target(rootPath: "/")
}

/// Gathers a header and what of it concerns where the request ends, where disagreement is an attack
/// (request smuggling, RFC 9112 §11.2).
private struct HeaderCollector {
  var block = HeaderBlock(capacity: 512)
  var isMalformed = false
  var isChunked = false
  var hasType = false
  var contentLength: Int?
  private var hasHost = false

  mutating func add(
    _ name: UnsafePointer<CChar>, _ nameSize: Int, _ value: UnsafePointer<CChar>?, _ valueSize: Int
  ) {
    name.withMemoryRebound(to: UInt8.self, capacity: nameSize) { name in
      let name = UnsafeBufferPointer(start: name, count: nameSize)
      guard let value else {
        isMalformed = true
        return
      }
      value.withMemoryRebound(to: UInt8.self, capacity: valueSize) { value in
        let value = UnsafeBufferPointer(start: value, count: valueSize)
        if !block.append(name: name, value: value) { isMalformed = true }
        inspect(name, value)
      }
    }
  }

  private mutating func inspect(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) {
    // The names that matter here, told apart by length first: most fields are none of them.
    switch name.count {
    case 4 where spells(name, "host"):
      if hasHost { isMalformed = true }
      hasHost = true
    case 12 where spells(name, "content-type"): hasType = true
    case 14 where spells(name, "content-length"):
      let text = String(decoding: value, as: UTF8.self).trimmed
      guard contentLength == nil, !isChunked, text.utf8.allSatisfy({ (48...57).contains($0) }),
        let length = Int(text)
      else {
        isMalformed = true
        return
      }
      contentLength = length
    case 17 where spells(name, "transfer-encoding"):
      if isChunked || contentLength != nil || !spells(value, "chunked") { isMalformed = true }
      isChunked = true
    default: break
    }
  }

  private func spells(_ bytes: UnsafeBufferPointer<UInt8>, _ text: StaticString) -> Bool {
    guard bytes.count == text.utf8CodeUnitCount else { return false }
    for index in 0..<bytes.count where Token.lowercased(bytes[index]) != text.utf8Start[index] { return false }
    return true
  }
}
