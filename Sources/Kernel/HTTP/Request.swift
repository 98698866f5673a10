package import Core

/// One HTTP request, with its header read and its body still to come.
package struct Request: Sendable {
  /// Everything in one object, so that handing a request on costs one reference.
  private final class Storage: @unchecked Sendable {
    // Unchecked: changed only by `Request`, while nobody else holds a reference.
    let id: String
    let method: Method
    let target: String
    let url: Target
    let headers: Headers
    let remoteAddress: String
    let isSecure: Bool
    let isProxied: Bool
    var body: Body
    var parameters: [String: String] = [:]
    var endpoint: RouteTable.Endpoint?
    var values: [ObjectIdentifier: any Sendable] = [:]

    init(
      id: String, method: Method, target: String, url: Target, headers: Headers, remoteAddress: String,
      isSecure: Bool, isProxied: Bool, body: Body
    ) {
      self.id = id
      self.method = method
      self.target = target
      self.url = url
      self.headers = headers
      self.remoteAddress = remoteAddress
      self.isSecure = isSecure
      self.isProxied = isProxied
      self.body = body
    }

    convenience init(_ other: Storage) {
      self.init(
        id: other.id, method: other.method, target: other.target, url: other.url, headers: other.headers,
        remoteAddress: other.remoteAddress, isSecure: other.isSecure, isProxied: other.isProxied,
        body: other.body)
      parameters = other.parameters
      endpoint = other.endpoint
      values = other.values
    }
  }

  private var storage: Storage

  /// A request made by hand, for calling an ``Application`` without a network.
  ///
  /// - Throws: ``Refusal`` `malformed-url` when the target cannot be decoded.
  package init(
    _ method: Method, _ target: String, headers: Headers = Headers(), body: Body = .empty, id: String = "test",
    remoteAddress: String = "127.0.0.1", isSecure: Bool = false, isProxied: Bool = false
  ) throws(Refusal) {
    self.init(
      id: id, method: method, target: target, url: try Target(target), headers: headers,
      remoteAddress: remoteAddress, isSecure: isSecure, isProxied: isProxied, body: body)
  }

  init(
    id: String, method: Method, target: String, url: Target, headers: Headers, remoteAddress: String, isSecure: Bool,
    isProxied: Bool, body: Body
  ) {
    storage = Storage(
      id: id, method: method, target: target, url: url, headers: headers, remoteAddress: remoteAddress,
      isSecure: isSecure, isProxied: isProxied, body: body)
  }

  private mutating func own() -> Storage {
    if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage) }
    return storage
  }

  /// The request number (请求编号): shown to users beside errors and written to the log.
  package var id: String { storage.id }

  package var method: Method { storage.method }

  /// The path, percent-decoded; routes match on the segments before decoding, so `%2F` never separates.
  package var path: String { storage.url.path }

  /// The target as it was received: path and query, still encoded.
  package var target: String { storage.target }

  package var query: QueryItems { storage.url.query }

  package var headers: Headers { storage.headers }

  /// The client's address; behind a trusted proxy the one it reports.
  package var remoteAddress: String { storage.remoteAddress }

  /// Whether the client's connection is encrypted, as told by a trusted proxy.
  package var isSecure: Bool { storage.isSecure }

  /// Whether a trusted proxy handed it on: only then are headers of the proxy's own believed.
  package var isProxied: Bool { storage.isProxied }

  package internal(set) var body: Body {
    get { storage.body }
    set { own().body = newValue }
  }

  /// What the `{…}` parts of the route's pattern matched, decoded.
  package internal(set) var parameters: [String: String] {
    get { storage.parameters }
    set { own().parameters = newValue }
  }

  /// The pattern of the matched route, for logs and metrics; `nil` when none matched.
  package var route: String? { storage.endpoint?.pattern }

  /// What answers the request, once a route has been looked for.
  var endpoint: RouteTable.Endpoint? {
    get { storage.endpoint }
    set { own().endpoint = newValue }
  }

  var url: Target { storage.url }

  /// A value that a middleware attached for the handlers behind it, such as the signed-in principal.
  package subscript<Key: RequestKey>(_ key: Key.Type) -> Key.Value? {
    get { storage.values[ObjectIdentifier(key)] as? Key.Value }
    set { own().values[ObjectIdentifier(key)] = newValue }
  }

  /// The cookies by name, read from the header on each call.
  package var cookies: [String: String] {
    var cookies: [String: String] = [:]
    for header in headers.all("cookie") { cookies.merge(Cookie.parse(header)) { first, _ in first } }
    return cookies
  }

  /// The value of a `{name}` part of the route.
  ///
  /// - Throws: ``Refusal`` `not-found` when the route has no such part.
  package func parameter(_ name: String) throws(Refusal) -> String {
    guard let value = parameters[name] else { throw Refusals.notFound }
    return value
  }

  /// A `{name}` part that must be a record number.
  ///
  /// - Throws: ``Refusal`` `not-found` when it is no whole number: such an address never named anything.
  package func integer(_ name: String) throws(Refusal) -> Int64 {
    guard let value = Int64(try parameter(name)) else { throw Refusals.notFound }
    return value
  }
}

/// Names a value that middleware attaches to a request.
package protocol RequestKey {
  associatedtype Value: Sendable
}

/// A request target taken apart: the decoded path, its raw segments and the query.
struct Target: Sendable {
  let path: String
  /// The raw path, which routes are matched against.
  let rawPath: Substring.UTF8View
  /// Whether the path was received as it is, without escapes.
  let isPlain: Bool
  let query: QueryItems

  /// A path that is known to be plain.
  init(rootPath path: String) {
    self.path = path
    rawPath = path.utf8[...]
    isPlain = true
    query = QueryItems()
  }

  /// - Throws: ``Refusal`` `malformed-url` for control characters, broken escapes, invalid UTF-8, NUL and for `.` and
  ///   `..` segments, which every honest client has resolved.
  init(_ target: String) throws(Refusal) {
    var rest = target.utf8[...]
    if rest.first != UInt8(ascii: "/") {
      guard let path = Target.path(ofAbsolute: rest) else { throw PercentEncoding.refusal }
      rest = path
    }
    var question = rest.endIndex
    var isPlain = true
    var index = rest.startIndex
    var afterSlash = false
    while index != rest.endIndex {
      let byte = rest[index]
      if byte == UInt8(ascii: "?") {
        question = index
        break
      }
      if byte <= 0x20 || byte == 0x7F || byte == UInt8(ascii: "#") { throw PercentEncoding.refusal }
      if byte == UInt8(ascii: "%") || (afterSlash && byte == UInt8(ascii: ".")) { isPlain = false }
      afterSlash = byte == UInt8(ascii: "/")
      rest.formIndex(after: &index)
    }
    rawPath = rest[..<question]
    self.isPlain = isPlain
    if isPlain {
      path =
        rawPath.startIndex == target.startIndex && rawPath.endIndex == target.endIndex
        ? target : String(Substring(rawPath))
    } else {
      path = try PercentEncoding.decode(rawPath)
      for segment in rawPath.split(separator: UInt8(ascii: "/")) {
        let decoded = try PercentEncoding.decode(segment)
        if decoded == "." || decoded == ".." { throw PercentEncoding.refusal }
      }
    }
    if question == rest.endIndex {
      query = QueryItems()
    } else {
      let text = rest[rest.index(after: question)...]
      if text.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { throw PercentEncoding.refusal }
      query = try QueryItems(parsing: text)
    }
  }

  /// The path of `http://host/path` (RFC 9112 §3.2.2), which proxies send.
  private static func path(ofAbsolute target: Substring.UTF8View) -> Substring.UTF8View? {
    let text = Substring(target)
    for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
      let host = target.dropFirst(scheme.utf8.count)
      guard let slash = host.firstIndex(of: UInt8(ascii: "/")) else { return nil }
      return host[slash...]
    }
    return nil
  }
}
