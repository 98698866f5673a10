package import Core

/// Turns a refusal into a response, such as an HTML page for browsers; `nil` leaves it to the JSON answer.
///
/// The server sets the status afterwards.
package typealias RefusalRenderer = @Sendable (Request, Refusal, _ requestID: String) -> Response?

/// Everything that answers requests, without the network: routes, middleware, the mapping of errors, common fields.
package final class Application: Sendable {
  let table: RouteTable
  private let unmatched: RouteTable.Endpoint
  private let middleware: [Middleware]
  private let renderRefusal: RefusalRenderer?
  private let securityHeaders: SecurityHeaders?
  private let log: Log
  private let observe: (@Sendable (Request, Response) -> Void)?

  /// - Parameters:
  ///   - securityHeaders: `nil` sends none.
  ///   - renderRefusal: the one place that shows refusals and faults; without it they are JSON.
  ///   - log: receives faults in full.
  ///   - observe: sees every answer, whoever gave it, on the thread that gave it.
  package init(
    _ router: Router, securityHeaders: SecurityHeaders? = SecurityHeaders(), renderRefusal: RefusalRenderer? = nil,
    log: Log = .silent, observe: (@Sendable (Request, Response) -> Void)? = nil
  ) {
    table = RouteTable(router)
    middleware = router.middleware
    unmatched = RouteTable.Endpoint(
      unmatched: Router.wrap({ _ in throw Refusals.notFound }, in: router.middleware))
    self.securityHeaders = securityHeaders
    self.renderRefusal = renderRefusal
    self.log = log
    self.observe = observe
  }

  /// Answers a request as the server would, but for what only concerns the transfer (compression, ranges, 304).
  package func respond(to request: Request) async -> Response {
    var request = request
    let endpoint = route(&request)
    if let response = endpoint.immediate?(request) { return finished(response, for: request) }
    if let gatherer = endpoint.gatherer {
      let given = request
      let result = await withCheckedContinuation { waiter in
        gatherer.add(GatheredRequest(request: given) { waiter.resume(returning: $0) })
      }
      return settled(result, for: request)
    }
    return await run(endpoint, request)
  }

  /// Finds what will answer a request.
  func route(_ request: inout Request) -> RouteTable.Endpoint {
    let endpoint: RouteTable.Endpoint
    switch table.match(request.method, request.url) {
    case .found(let found, let parameters):
      endpoint = found
      if !parameters.isEmpty { request.parameters = parameters }
    case .nothing:
      endpoint = unmatched
    case .otherMethods(let methods):
      let allow = Application.allow(methods)
      let isQuestion = request.method == .options
      endpoint = RouteTable.Endpoint(
        unmatched: Router.wrap(
          { _ in
            if isQuestion { return Response(status: 204, headers: ["Allow": allow]) }
            throw MethodNotAllowed(allow: allow)
          }, in: middleware))
    }
    request.endpoint = endpoint
    return endpoint
  }

  func run(_ endpoint: RouteTable.Endpoint, _ request: Request) async -> Response {
    do {
      guard let handler = endpoint.handler ?? unmatched.handler else { throw Refusals.notFound }
      return finished(try await handler(request), for: request)
    } catch {
      return failed(error, for: request)
    }
  }

  /// The response a gathered handler has come to.
  func settled(_ result: Result<Response, any Error>, for request: Request) -> Response {
    switch result {
    case .success(let response): finished(response, for: request)
    case .failure(let error): failed(error, for: request)
    }
  }

  /// The response to a refusal that arose before any handler.
  func refuse(_ refusal: Refusal, status: Int? = nil, for request: Request) -> Response {
    finished(render(refusal, status: status ?? refusal.kind.status, request), for: request)
  }

  /// The one place where errors become responses.
  func failed(_ error: any Error, for request: Request) -> Response {
    switch error {
    case let refusal as Refusal:
      return refuse(refusal, for: request)
    case let later as RetryLater:
      var response = render(later.refusal, status: later.refusal.kind.status, request)
      response.headers["Retry-After"] = String(later.seconds)
      return finished(response, for: request)
    case let wrong as MethodNotAllowed:
      var response = render(Refusals.methodNotAllowed, status: 405, request)
      response.headers["Allow"] = wrong.allow
      return finished(response, for: request)
    case is CancellationError:
      return refuse(Refusals.busy, for: request)
    default:
      log.fault(
        error, "request-failed",
        ["request": .string(request.id), "method": .string(request.method.rawValue), "path": .string(request.path)])
      return refuse(Refusals.internalError, status: 500, for: request)
    }
  }

  private func render(_ refusal: Refusal, status: Int, _ request: Request) -> Response {
    var response = renderRefusal?(request, refusal, request.id) ?? Application.json(refusal, request.id)
    response.status = status
    response.headers.setDefault("Cache-Control", "no-store")
    return response
  }

  private static func json(_ refusal: Refusal, _ requestID: String) -> Response {
    func members(_ refusal: Refusal) -> [(key: String, value: JSON)] {
      [
        ("code", .string(refusal.code)), ("message", .string(refusal.message)),
        ("field", refusal.field.map { .string($0) } ?? .null),
      ]
    }
    var object = members(refusal)
    if !refusal.others.isEmpty { object.append(("others", .array(refusal.others.map { .object(members($0)) }))) }
    object.append(("request", .string(requestID)))
    return .json(.object(object))
  }

  func finished(_ response: Response, for request: Request) -> Response {
    var response = response
    response.headers.append(Headers.Field(name: "X-Request-Id", value: request.id))
    securityHeaders?.apply(to: &response, isSecure: request.isSecure)
    observe?(request, response)
    return response
  }

  private static func allow(_ methods: [Method]) -> String {
    var all = methods
    if all.contains(.get), !all.contains(.head) { all.append(.head) }
    if !all.contains(.options) { all.append(.options) }
    return all.map(\.rawValue).joined(separator: ", ")
  }
}

/// The path exists for other methods only.
struct MethodNotAllowed: Error {
  let allow: String
}
