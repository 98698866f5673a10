import CMicroHTTPD
import Core
import Glibc
import Synchronization

/// One request on its way through: from the first line to the last byte of the answer.
///
/// libmicrohttpd calls ``handle(method:version:upload:size:)`` on the thread of the connection, again and again. While
/// the handler's task runs, the connection is parked (``Parking``); whoever has news wakes it, and the next call acts
/// on what it finds.
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
  private var hasBody = false
  /// Whether the client speaks HTTP/1.1, so that it knows chunks.
  private var isModern = false
  /// Bytes of the body that have not come yet; `nil` when the client did not say how many there are.
  private var missing: Int?
  private var answered: PreparedResponse?
  private var mediaType: MediaType?

  private let parking: Parking

  /// Bodies up to this many bytes are complete before the handler starts.
  private static let collectedLimit = 64 << 10
  /// Bytes of an unread body that are waited for so that the connection can go on; with more the connection ends.
  private static let drainLimit = 1 << 20

  init(worker: Worker, link: Link, connection: OpaquePointer, target: String?) {
    server = worker.server
    self.link = link
    self.connection = connection
    parking = Parking(connection, of: worker)
    self.targetText = target
  }

  // MARK: Called by libmicrohttpd on the connection's thread

  func handle(
    method: UnsafePointer<CChar>?, version: UnsafePointer<CChar>?, upload: UnsafePointer<CChar>?,
    size: UnsafeMutablePointer<Int>
  ) -> MHD_Result {
    switch step {
    case .start:
      isModern = version.map { strcmp($0, "HTTP/1.0") != 0 } ?? false
      return begin(method)
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
      // Where a malformed request ends is anybody's guess: what follows it must not be taken for the next one.
      return status == 501 && !framing.hasBody ? later(response) : dismiss(response)
    }
    let endpoint = server.application.route(&request)
    self.request = request
    self.endpoint = endpoint
    hasBody = framing.hasBody
    guard hasBody else {
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
    // libmicrohttpd goes on with the chunks it has read already although it holds the connection: those are only kept.
    if lifang_mhd_is_suspended(connection) != 0 { return .YES }
    if !isRunning, let refusal = run(inline: false) { return dismiss(refusal) }
    if let outcome = parking.outcome {
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
      if let outcome = parking.take() { return answer(outcome) }
      if isAborted { return .NO }
      if park() { return .YES }
    }
  }

  private func answer(_ prepared: PreparedResponse) -> MHD_Result {
    guard let request else { return .NO }
    switch prepared.rest {
    case .nothing: break
    case .headOnly: return detach(prepared)
    case .stream(let isCompressed, let produce): return becomeStream(prepared, request, isCompressed, produce)
    case .events(let produce): return becomeEvents(prepared, request, produce)
    }
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
    let (task, outcome) = parking.end()
    link.current.withLock { $0 = nil }
    pipe?.fail(Refusals.bodyInterrupted)
    if step == .detached { return }
    let last = answered ?? outcome
    if reason != .REQUEST_TERMINATED_COMPLETED_OK { task?.cancel() }
    link.expect(within: server.timeouts.idle)
    if hasBody { request?.body.end() }
    answered = nil
    report(status: last?.status, length: last?.length ?? 0, isWhole: reason == .REQUEST_TERMINATED_COMPLETED_OK)
  }

  // MARK: Parking

  private func park() -> Bool { parking.park { server.isStopping } }

  private var isAborted: Bool { parking.isAborted }

  /// Lets the connection look again; from any thread.
  func wake() { parking.wake() }

  /// Gives up: the server stops.
  func abort() { parking.abort() }

  // MARK: The handler

  /// Starts the handler; returns the answer when there are too many already.
  ///
  /// - Parameter inline: start on this thread, so that a handler that never waits needs no other; it goes on in the
  ///   pool after it has waited once.
  private func run(inline: Bool) -> Response? {
    guard let request, let endpoint else { return nil }
    isRunning = true
    guard server.enter() else { return server.busy(request) }
    if let gatherer = endpoint.gatherer {
      gatherer.add(
        GatheredRequest(request: request) { [self] result in
          parking.deliver(encode(server.application.settled(result, for: request), for: request))
          server.leave()
        })
      return nil
    }
    let work: @Sendable () async -> Void = { [self] in
      let response = await server.application.run(endpoint, request)
      parking.deliver(encode(response, for: request))
      server.leave()
    }
    let task =
      inline
      ? Task.immediate(priority: ServerCore.priority, operation: work)
      : Task(priority: ServerCore.priority, operation: work)
    parking.remember(task)
    return nil
  }

  private func encode(_ response: Response, for request: Request) -> PreparedResponse {
    do {
      return try server.encoder.encode(response, for: request)
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

  private func detach(_ prepared: PreparedResponse) -> MHD_Result {
    if let socket = takeSocket(.farewell, prepared.serialized(withBody: request?.method != .head)) {
      server.hub.adopt(socket)
      socket.end()
    }
    request?.body.end()
    report(status: prepared.status, length: prepared.length, isWhole: true)
    return .NO
  }

  private func becomeStream(
    _ prepared: PreparedResponse, _ request: Request, _ isCompressed: Bool,
    _ produce: @escaping @Sendable (ResponseWriter) async throws -> Void
  ) -> MHD_Result {
    guard let socket = takeSocket(.stream, prepared.serialized(withBody: false, isChunked: isModern)) else {
      return .NO
    }
    let writer = ResponseWriter(socket: socket, isChunked: isModern, isCompressed: isCompressed)
    server.enterAgain()
    let task = Task(priority: ServerCore.priority) { [server] in
      do {
        try await produce(writer)
        try await writer.finish()
      } catch {
        server.reportStreamFailure(error, request)
        socket.close(asFailure: true)
      }
      server.leave()
    }
    adopt(socket, prepared, request) { task.cancel() }
    return .NO
  }

  private func becomeEvents(
    _ prepared: PreparedResponse, _ request: Request, _ produce: @escaping @Sendable (EventWriter) async throws -> Void
  ) -> MHD_Result {
    guard server.openEventStream() else { return answer(encode(server.busy(request), for: request)) }
    guard let socket = takeSocket(.events, prepared.serialized(withBody: false)) else {
      server.closeEventStream()
      return .NO
    }
    let writer = EventWriter(socket: socket, lastEventID: request.headers["last-event-id"])
    let task = Task(priority: ServerCore.priority) { [server] in
      do { try await produce(writer) } catch { server.reportStreamFailure(error, request) }
      socket.end()
    }
    adopt(socket, prepared, request) { [server] in
      task.cancel()
      server.closeEventStream()
    }
    return .NO
  }

  /// Takes the socket away from libmicrohttpd: the copy of the descriptor lives on when libmicrohttpd, told that
  /// the request failed, closes its own — without `shutdown(2)`, as it runs with `MHD_USE_TURBO`.
  private func takeSocket(_ purpose: DetachedSocket.Purpose, _ content: [UInt8]) -> DetachedSocket? {
    step = .detached
    pipe?.discard()
    let descriptor = fcntl(link.socket, F_DUPFD_CLOEXEC, 3)
    guard descriptor >= 0 else { return nil }
    return DetachedSocket(descriptor: descriptor, purpose: purpose, content: content)
  }

  private func adopt(
    _ socket: DetachedSocket, _ prepared: PreparedResponse, _ request: Request,
    whenClosed: @escaping @Sendable () -> Void
  ) {
    server.hub.adopt(socket) { [server, startedAt] in
      whenClosed()
      request.body.end()
      server.report(
        request: request, status: prepared.status, length: socket.sent,
        nanoseconds: Monotonic.nanoseconds() - startedAt, isWhole: socket.isWhole)
    }
  }

  private func report(status: Int?, length: Int64, isWhole: Bool) {
    server.report(
      request: request, status: status, length: length, nanoseconds: Monotonic.nanoseconds() - startedAt,
      isWhole: isWhole)
  }
}
