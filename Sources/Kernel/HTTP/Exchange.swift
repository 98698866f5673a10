import CMicroHTTPD
import Core
import Glibc
import Synchronization

/// One request on its way through: from the first line to the last byte of the answer.
///
/// libmicrohttpd calls ``handle(method:version:upload:size:)`` on the thread of the connection, again and again. While
/// the handler's task runs, the connection is suspended ("parked"); whoever has news wakes it, and the next call acts on
/// what it finds.
final class Exchange: @unchecked Sendable {
  // Unchecked: what is not behind `parking` is used on the connection's thread only, or is set before the task starts.

  private enum Step {
    /// The header has been read, nothing has been decided.
    case start
    /// The body comes in.
    case receiving
    /// The handler runs; the body, if any, is complete.
    case waiting
    /// libmicrohttpd has the answer.
    case answered
    /// libmicrohttpd has lost the socket and is to forget the connection.
    case detached
  }

  private struct Parking {
    var isParked = false
    /// A wake-up came while nothing was parked; the next attempt to park only looks again.
    var isWoken = false
    /// The connection may no longer be touched.
    var isOver = false
    var isAborted = false
    var outcome: PreparedResponse?
    var task: Task<Void, Never>?
  }

  let server: ServerCore
  let link: Link
  private let connection: OpaquePointer
  private let targetText: String?
  private let startedAt = Monotonic.nanoseconds()

  private var step = Step.start
  private var request: Request?
  private var endpoint: RouteTable.Endpoint?
  private var collected: [UInt8]?
  private var pipe: BodyPipe?
  private var isRunning = false
  /// Bytes of the body that have not come yet; `nil` when the client did not say how many there are.
  private var missing: Int?
  private var answered: PreparedResponse?
  private var mediaType: MediaType?

  private let parking = Mutex(Parking())

  /// Bodies up to this many bytes are complete before the handler starts.
  private static let collectedLimit = 64 << 10
  /// Bytes of an unread body that are waited for so that the connection can go on; with more the connection ends.
  private static let drainLimit = 1 << 20
  static let streamFailed = -2

  init(server: ServerCore, link: Link, connection: OpaquePointer, target: String?) {
    self.server = server
    self.link = link
    self.connection = connection
    self.targetText = target
  }

  // MARK: Called by libmicrohttpd on the connection's thread

  func handle(
    method: UnsafePointer<CChar>?, upload: UnsafePointer<CChar>?, size: UnsafeMutablePointer<Int>
  ) -> MHD_Result {
    switch step {
    case .start: return begin(method)
    case .receiving:
      if size.pointee > 0, let upload {
        let count = size.pointee
        size.pointee = 0
        return upload.withMemoryRebound(to: UInt8.self, capacity: count) {
          receive(UnsafeBufferPointer(start: $0, count: count))
        }
      }
      return bodyIsComplete()
    case .waiting: return proceed()
    case .answered:
      size.pointee = 0
      return .YES
    case .detached: return .NO
    }
  }

  private func begin(_ method: UnsafePointer<CChar>?) -> MHD_Result {
    var (request, framing) = server.readHead(of: connection, method: method, target: targetText, link: link)
    mediaType = framing.mediaType
    if let (refusal, status) = framing.refusal {
      self.request = request
      let response = server.application.refuse(refusal, status: status, for: request)
      return framing.hasBody ? dismiss(response) : later(response)
    }
    let endpoint = server.application.route(&request)
    self.request = request
    self.endpoint = endpoint
    guard framing.hasBody else {
      link.expectNothing()
      step = .waiting
      return .YES
    }
    let isForm = mediaType?.essence == "multipart/form-data"
    let limit = endpoint.maximumBody ?? (isForm ? server.limits.upload : server.limits.body)
    missing = framing.contentLength
    if let length = framing.contentLength, length > limit {
      return dismiss(server.application.refuse(Refusals.bodyTooLarge(limit: limit), for: request))
    }
    link.expect(within: server.timeouts.body)
    step = .receiving
    if let length = framing.contentLength, length <= Exchange.collectedLimit {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(length)
      collected = bytes
    } else {
      let pipe = BodyPipe(capacity: 256 << 10, limit: limit) { [weak self] in
        self?.link.goOn()
        self?.wake()
      }
      self.pipe = pipe
      self.request?.body = Body(pipe: pipe, type: mediaType, spool: server.spool.folder(for: request.id))
    }
    return .YES
  }

  private func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> MHD_Result {
    missing = missing.map { $0 - bytes.count }
    link.extend(by: Double(bytes.count) / Double(max(1, server.timeouts.bodyRate)))
    if collected != nil {
      collected?.append(contentsOf: bytes)
      return .YES
    }
    guard let pipe else { return .NO }
    pipe.push(bytes)
    if !isRunning, let refusal = run(inline: false) { return dismiss(refusal) }
    if let outcome = peekOutcome() {
      // The handler has answered without reading everything: little is waited for, much ends the connection.
      if missing ?? .max > Exchange.drainLimit, outcome.content != nil { return detach(outcome) }
      pipe.discard()
      return .YES
    }
    while pipe.isFull {
      link.hold()
      if park() { return .YES }
      link.goOn()
      if isAborted { return .NO }
    }
    return .YES
  }

  private func bodyIsComplete() -> MHD_Result {
    link.expectNothing()
    step = .waiting
    if let bytes = collected {
      collected = nil
      guard let id = request?.id else { return .NO }
      request?.body = Body(bytes, type: mediaType, spool: server.spool.folder(for: id))
    } else {
      pipe?.finish()
    }
    return proceed()
  }

  /// Answers when there is an answer, otherwise starts the handler or waits for it.
  private func proceed() -> MHD_Result {
    guard let request else { return .NO }
    if !isRunning, answered == nil {
      if pipe == nil, let immediate = endpoint?.immediate, let response = immediate(request) {
        return answer(encode(server.application.finished(response, for: request), for: request))
      }
      if let refusal = run(inline: true) { return answer(encode(refusal, for: request)) }
    }
    if let answered { return answer(answered) }
    while true {
      if let outcome = takeOutcome() { return answer(outcome) }
      if isAborted { return .NO }
      if park() { return .YES }
    }
  }

  private func answer(_ prepared: PreparedResponse) -> MHD_Result {
    guard let request else { return .NO }
    if case .events(let produce) = prepared.rest { return becomeEvents(prepared, request, produce) }
    guard let handle = prepared.handle else { return .NO }
    if server.isDraining { MHD_add_response_header(handle, "Connection", "close") }
    link.expect(
      within: server.timeouts.send + Double(prepared.length) / Double(max(1, server.timeouts.sendRate)))
    answered = prepared
    step = .answered
    return MHD_queue_response(connection, UInt32(prepared.status), handle)
  }

  /// Keeps an answer until libmicrohttpd asks for it: queued in the first call it would close the connection.
  private func later(_ response: Response) -> MHD_Result {
    guard let request else { return .NO }
    answered = encode(response, for: request)
    step = .waiting
    return .YES
  }

  /// Called when libmicrohttpd is done with the request, however it ended.
  func complete(_ reason: MHD_RequestTerminationCode) {
    let (task, outcome) = parking.withLock { parking in
      parking.isOver = true
      defer {
        parking.outcome = nil
        parking.task = nil
      }
      return (parking.task, parking.outcome)
    }
    link.current.withLock { $0 = nil }
    pipe?.fail(Refusals.bodyInterrupted)
    if step == .detached { return }
    let last = answered ?? outcome
    if let last, case .stream(let writer, _) = last.rest { writer.close() }
    if reason != .REQUEST_TERMINATED_COMPLETED_OK { task?.cancel() }
    link.expect(within: server.timeouts.idle)
    request?.body.end()
    answered = nil
    report(status: last?.status, length: last?.length ?? 0, isWhole: reason == .REQUEST_TERMINATED_COMPLETED_OK)
  }

  /// Gives libmicrohttpd the next bytes of a streamed body.
  func readStream(_ writer: ResponseWriter, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      switch writer.read(into: buffer) {
      case .bytes(let count):
        link.expect(within: server.timeouts.send)
        return count
      case .end: return -1
      case .failed: return Exchange.streamFailed
      case .later:
        link.expectNothing()
        if park() { return 0 }
        if isAborted { return Exchange.streamFailed }
      }
    }
  }

  // MARK: Parking

  /// Suspends the connection; false when something happened meanwhile and the caller must look again.
  private func park() -> Bool {
    parking.withLock { parking in
      if parking.isWoken {
        parking.isWoken = false
        return false
      }
      if parking.isAborted || server.isStopping {
        parking.isAborted = true
        return false
      }
      parking.isParked = true
      MHD_suspend_connection(connection)
      return true
    }
  }

  /// Lets the connection look again; from any thread.
  func wake() {
    parking.withLock { parking in
      if parking.isOver { return }
      if parking.isParked {
        parking.isParked = false
        MHD_resume_connection(connection)
      } else {
        parking.isWoken = true
      }
    }
  }

  /// Gives up: the server stops.
  func abort() {
    let task = parking.withLock { parking in
      parking.isAborted = true
      return parking.task
    }
    task?.cancel()
    wake()
  }

  private var isAborted: Bool { parking.withLock { $0.isAborted } }

  private func takeOutcome() -> PreparedResponse? {
    parking.withLock { parking in
      defer { parking.outcome = nil }
      return parking.outcome
    }
  }

  private func peekOutcome() -> PreparedResponse? { parking.withLock { $0.outcome } }

  // MARK: The handler

  /// Starts the handler; returns the answer when there are too many already.
  ///
  /// - Parameter inline: start on this thread, so that a handler that never waits needs no other; it goes on in the
  ///   pool after it has waited once.
  private func run(inline: Bool) -> Response? {
    guard let request, let endpoint else { return nil }
    isRunning = true
    guard server.enter() else { return server.busy(request) }
    let work: @Sendable () async -> Void = { [self] in
      let response = await server.application.run(endpoint, request)
      await deliver(encode(response, for: request), request)
      server.leave()
    }
    let task = inline ? Task.immediate(operation: work) : Task(operation: work)
    parking.withLock { if !$0.isOver { $0.task = task } }
    return nil
  }

  private func deliver(_ prepared: PreparedResponse, _ request: Request) async {
    let isOver = parking.withLock { parking in
      if !parking.isOver { parking.outcome = prepared }
      return parking.isOver
    }
    if isOver { return }
    wake()
    guard case .stream(let writer, let produce) = prepared.rest else { return }
    do {
      try await produce(writer)
      writer.finish()
    } catch {
      writer.finish(error)
      server.reportStreamFailure(error, request)
    }
  }

  private func encode(_ response: Response, for request: Request) -> PreparedResponse {
    do {
      return try server.encoder.encode(response, for: request, on: self)
    } catch {
      let refusal = server.application.failed(error, for: request)
      return PreparedResponse.plain(refusal)
    }
  }

  // MARK: Without libmicrohttpd

  /// Answers while the client still sends: the answer goes out by hand, and the connection ends with it.
  private func dismiss(_ response: Response) -> MHD_Result {
    guard let request else { return .NO }
    return detach(encode(response, for: request))
  }

  /// Takes the socket away from libmicrohttpd: the copy of the descriptor lives on when libmicrohttpd, told that
  /// the request failed, closes its own — without `shutdown(2)`, as it runs with `MHD_USE_TURBO`.
  private func detach(_ prepared: PreparedResponse) -> MHD_Result {
    let descriptor = fcntl(link.socket, F_DUPFD_CLOEXEC, 3)
    step = .detached
    pipe?.discard()
    guard descriptor >= 0 else { return .NO }
    let socket = DetachedSocket(
      descriptor: descriptor, purpose: .farewell,
      content: prepared.serialized(withBody: request?.method != .head))
    server.hub.adopt(socket)
    socket.end()
    request?.body.end()
    report(status: prepared.status, length: prepared.length, isWhole: true)
    return .NO
  }

  private func becomeEvents(
    _ prepared: PreparedResponse, _ request: Request, _ produce: @escaping @Sendable (EventWriter) async throws -> Void
  ) -> MHD_Result {
    guard server.openEventStream() else { return answer(encode(server.busy(request), for: request)) }
    let descriptor = fcntl(link.socket, F_DUPFD_CLOEXEC, 3)
    step = .detached
    guard descriptor >= 0 else {
      server.closeEventStream()
      return .NO
    }
    let socket = DetachedSocket(
      descriptor: descriptor, purpose: .events, content: prepared.serialized(withBody: false))
    let writer = EventWriter(socket: socket, lastEventID: request.headers["last-event-id"])
    let task = Task { [server] in
      do { try await produce(writer) } catch { server.reportStreamFailure(error, request) }
      socket.end()
    }
    server.hub.adopt(socket) { [self] in
      task.cancel()
      server.closeEventStream()
      request.body.end()
      report(status: prepared.status, length: 0, isWhole: true)
    }
    return .NO
  }

  private func report(status: Int?, length: Int64, isWhole: Bool) {
    server.report(
      request: request, status: status, length: length, nanoseconds: Monotonic.nanoseconds() - startedAt,
      isWhole: isWhole)
  }
}
