/// Answers a request.
package typealias Handler = @Sendable (Request) async throws -> Response

/// Answers a request at once from what is in memory, on the thread of the connection; `nil` leaves it to the
/// ``Handler`` of the same route. It must not wait, lock for long or compute for more than some microseconds.
package typealias ImmediateHandler = @Sendable (Request) -> Response?

/// Wraps handlers: may look at or change the request before, and the response after, the rest of the chain.
package typealias Middleware = @Sendable (Request, @escaping Handler) async throws -> Response

/// Which handler answers which method and path.
///
/// Literal segments win over `{parameter}`, which wins over `{rest...}`. `HEAD` is answered by the `GET` handler and
/// `OPTIONS` by the table itself; a path without the method is 405 with `Allow`. Middleware given to ``use(_:)`` wraps
/// every answer including 404, in the order given; that of a group wraps the routes of the group.
package struct Router: Sendable {
  /// One row of the table.
  package struct Route: Sendable {
    package let method: Method
    package let pattern: String
    /// Bytes that a request's body may have; `nil` takes the server's limits.
    package let maximumBody: Int?
    let parsed: RoutePattern
    var handler: Handler?
    var immediate: ImmediateHandler?
    var gatherer: Gatherer?
  }

  package private(set) var routes: [Route] = []
  private(set) var middleware: [Middleware] = []
  private let prefix: String

  package init() { prefix = "" }

  private init(prefix: String) { self.prefix = prefix }

  /// Registers a handler; two for the same method and pattern stop the program.
  ///
  /// - Parameter maximumBody: bytes, for uploads that are larger (or should be smaller) than the server allows by default.
  package mutating func on(
    _ method: Method, _ pattern: String, maximumBody: Int? = nil, _ handler: @escaping Handler
  ) {
    add(
      Route(
        method: method, pattern: prefix + pattern, maximumBody: maximumBody, parsed: RoutePattern(prefix + pattern),
        handler: handler))
  }

  /// Registers an immediate handler beside or instead of the handler of the same method and pattern.
  ///
  /// Middleware does not see what it answers; the headers every response gets, the log and the metrics do.
  package mutating func onImmediate(_ method: Method, _ pattern: String, _ handler: @escaping ImmediateHandler) {
    add(
      Route(
        method: method, pattern: prefix + pattern, maximumBody: nil, parsed: RoutePattern(prefix + pattern),
        immediate: handler))
  }

  /// Registers a handler that answers many requests at once, for look-ups that many clients make at the same time.
  ///
  /// Such a request costs no task of its own. Middleware does not see it; the headers every response gets, the log, the
  /// metrics and the limits are the same.
  ///
  /// - Parameter maximum: the most requests handed over together.
  package mutating func onGathered(
    _ method: Method, _ pattern: String, atMost maximum: Int = 200, _ handler: @escaping GatheredHandler
  ) {
    add(
      Route(
        method: method, pattern: prefix + pattern, maximumBody: nil, parsed: RoutePattern(prefix + pattern),
        gatherer: Gatherer(handler, atMost: maximum)))
  }

  /// Wraps everything this router answers, inside what was given before.
  package mutating func use(_ middleware: @escaping Middleware) { self.middleware.append(middleware) }

  /// Registers routes below a common prefix, wrapped by middleware of their own.
  package mutating func group(
    _ prefix: String = "", _ middleware: [Middleware] = [], _ build: (inout Router) -> Void
  ) {
    var inner = Router(prefix: self.prefix + prefix)
    build(&inner)
    let chain = middleware + inner.middleware
    for var route in inner.routes {
      route.handler = route.handler.map { Router.wrap($0, in: chain) }
      add(route)
    }
  }

  private mutating func add(_ route: Route) {
    precondition(
      !routes.contains {
        $0.method == route.method && $0.parsed == route.parsed
          && ($0.immediate != nil) == (route.immediate != nil)
      }, "\(route.method.rawValue) \(route.pattern) is registered twice")
    routes.append(route)
  }

  static func wrap(_ handler: @escaping Handler, in middleware: [Middleware]) -> Handler {
    middleware.reversed().reduce(handler) { next, outer in { request in try await outer(request, next) } }
  }
}
