import CMicroHTTPD
import Core
import Glibc
import Synchronization

/// What all requests of one server share.
final class ServerCore: Sendable {
  /// Of the tasks that handlers run in.
  static let priority = TaskPriority.high

  let application: Application
  let limits: Server.Limits
  let timeouts: Server.Timeouts
  let hub: Hub
  let links = LinkTable()
  let spool: SpoolRoot
  let encoder = ResponseEncoder()
  let trust: ProxyTrust
  private let configuration: Server.Configuration

  private let inFlight = Atomic<Int>(0)
  private let eventStreams = Atomic<Int>(0)
  private let draining = Atomic<Bool>(false)
  private let stopping = Atomic<Bool>(false)
  private let requestCounter = Atomic<UInt64>(0)
  private let requestPrefix: UInt64

  init(_ configuration: Server.Configuration, _ application: Application) throws(Fault) {
    self.configuration = configuration
    self.application = application
    limits = configuration.limits
    timeouts = configuration.timeouts
    trust = ProxyTrust(ranges: configuration.trustedProxies)
    spool = try SpoolRoot(below: configuration.temporaryFolder)
    let shortest = min(
      timeouts.header, timeouts.idle, timeouts.body, timeouts.send, timeouts.heartbeat)
    hub = try Hub(
      interval: Int32(min(500, max(10, shortest * 250))), heartbeat: UInt64(timeouts.heartbeat * 1000),
      patience: UInt64(timeouts.send * 1000))
    requestPrefix = UInt64.random(in: 0..<1 << 20)
    configuration.metrics.describe("http_requests_total", "Requests answered, by method, route and status.")
    configuration.metrics.describe("http_request_seconds", "Time from the header to the last byte of the answer.")
    configuration.metrics.describe("http_requests_in_flight", "Requests whose handlers run.")
    configuration.metrics.describe("http_event_streams", "Open event streams.")
    configuration.metrics.describe("http_connections", "Open connections.")
    configuration.metrics.describe("http_connections_cut_total", "Connections closed because the client was too slow.")
    configuration.metrics.describe("http_requests_failed_total", "Requests that broke off, or were no HTTP.")
  }

  // MARK: Life

  var isDraining: Bool { draining.load(ordering: .relaxed) }

  var isStopping: Bool { stopping.load(ordering: .sequentiallyConsistent) }

  func drain() { draining.store(true, ordering: .relaxed) }

  /// No connection may be suspended from now on; those that are go on and end.
  func abortAll() {
    stopping.store(true, ordering: .sequentiallyConsistent)
    for exchange in links.exchanges { exchange.abort() }
    for socket in hub.sockets(.stream) { socket.close(asFailure: true) }
  }

  /// Whether requests are being answered.
  var isBusy: Bool { inFlight.load(ordering: .relaxed) > 0 || !links.exchanges.isEmpty }

  // MARK: Connections

  /// Called by the hub for each accepted connection; false to accept no more for now.
  func accepted(
    _ socket: Int32, _ peer: UnsafePointer<sockaddr>, _ length: socklen_t, _ worker: Worker
  ) -> Bool {
    let address = Address(peer)
    let isTrusted = address.map(trust.trusts) ?? false
    switch links.admit(
      address, limit: limits.connections,
      perAddress: isTrusted || limits.connectionsPerAddress == 0 ? nil : limits.connectionsPerAddress)
    {
    case .admitted:
      var timeout = UInt32(clamping: Int(timeouts.send * 1000))
      setsockopt(socket, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &timeout, socklen_t(MemoryLayout<UInt32>.size))
      worker.add(socket, peer, length)
      return true
    case .full:
      // One too many was accepted: it gets the honest answer, and the rest wait in the kernel.
      turnAway(socket)
      return false
    case .tooMany:
      turnAway(socket)
      return true
    }
  }

  private func turnAway(_ socket: Int32) {
    let answer = PreparedResponse(
      status: 503, headers: ["Retry-After": "5"], length: 0, handle: nil, content: [])
    let farewell = DetachedSocket(descriptor: socket, purpose: .farewell, content: answer.serialized(withBody: true))
    hub.adopt(farewell)
    farewell.end()
  }

  func opened(_ connection: OpaquePointer) -> Link {
    let address = lifang_mhd_address(connection).flatMap { Address($0) }
    let link = Link(
      socket: lifang_mhd_socket(connection), address: address, isTrusted: address.map(trust.trusts) ?? false,
      deadline: Monotonic.coarseMilliseconds() + UInt64(timeouts.header * 1000) + 1)
    links.insert(link)
    return link
  }

  func tick(_ now: UInt64) {
    let cut = links.cutOverdue(now: now)
    if cut > 0 { configuration.metrics.count("http_connections_cut_total", by: UInt64(cut)) }
    configuration.metrics.set("http_requests_in_flight", to: Double(inFlight.load(ordering: .relaxed)))
    configuration.metrics.set("http_event_streams", to: Double(eventStreams.load(ordering: .relaxed)))
    configuration.metrics.set("http_connections", to: Double(links.count))
  }

  // MARK: Requests

  /// Counts a handler in; false when there are too many.
  func enter() -> Bool {
    if inFlight.wrappingAdd(1, ordering: .relaxed).newValue <= limits.inFlight && !isStopping { return true }
    leave()
    return false
  }

  /// Counts in what goes on after its handler has returned.
  func enterAgain() { inFlight.wrappingAdd(1, ordering: .relaxed) }

  func leave() { inFlight.wrappingSubtract(1, ordering: .relaxed) }

  func openEventStream() -> Bool {
    if eventStreams.wrappingAdd(1, ordering: .relaxed).newValue <= limits.eventStreams && !isDraining { return true }
    closeEventStream()
    return false
  }

  func closeEventStream() { eventStreams.wrappingSubtract(1, ordering: .relaxed) }

  func busy(_ request: Request) -> Response {
    application.failed(RetryLater(Refusals.busy, seconds: 2), for: request)
  }

  /// A request number that fits on a phone call: letters and digits that cannot be mistaken for each other.
  func nextRequestID() -> String {
    let number = requestCounter.wrappingAdd(1, ordering: .relaxed).newValue
    let alphabet: StaticString = "0123456789abcdefghjkmnpqrstvwxyz"
    return String(unsafeUninitializedCapacity: 15) { buffer in
      for index in 0..<4 { buffer[index] = alphabet.utf8Start[Int(requestPrefix >> UInt64(15 - 5 * index) & 31)] }
      buffer[4] = UInt8(ascii: "-")
      var digits = 1
      while digits < 10, number >> UInt64(5 * digits) > 0 { digits += 1 }
      for index in 0..<digits {
        buffer[5 + index] = alphabet.utf8Start[Int(number >> UInt64(5 * (digits - 1 - index)) & 31)]
      }
      return 5 + digits
    }
  }

  // MARK: Log and metrics

  func report(request: Request?, status: Int?, length: Int64, nanoseconds: UInt64, isWhole: Bool) {
    let metrics = configuration.metrics
    let seconds = Double(nanoseconds) / 1e9
    guard let request, let status else {
      metrics.count("http_requests_failed_total")
      return
    }
    if !isWhole { metrics.count("http_requests_failed_total") }
    metrics.count("http_requests_total", request.endpoint?.label(request.method, status) ?? "")
    metrics.observe("http_request_seconds", seconds: seconds)
    guard configuration.logsRequests else { return }
    configuration.log(
      .info, "request",
      [
        "request": .string(request.id), "method": .string(request.method.rawValue), "path": .string(request.path),
        "route": .string(request.route ?? "-"), "status": .int(Int64(status)), "bytes": .int(length),
        "ms": .double((seconds * 1_000_000).rounded() / 1000), "complete": .bool(isWhole),
      ])
  }

  func reportStreamFailure(_ error: any Error, _ request: Request) {
    if error is CancellationError || error is ConnectionLost { return }
    configuration.log.fault(
      error, "stream-failed", ["request": .string(request.id), "path": .string(request.path)])
  }
}
