import Core
import Dispatch
import Glibc
import Synchronization
import Testing

@testable import HTTP

private final class Work: Sendable {
  let run: @Sendable () -> Void

  init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}

/// Runs blocking code on a thread of its own, so that it never takes one of the pool that the handlers need.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    let work = Work { continuation.resume(with: Result { try body() }) }
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(work).toOpaque())
    pthread_detach(thread)
  }
}

/// Runs the tests that share time with a server, which would give up a client that stands still because hundreds of
/// other tests have the pool's threads.
final class PromptExecutor: TaskExecutor {
  static let shared = PromptExecutor()

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    DispatchQueue.global(qos: .userInteractive).async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Starts a server on a free port, runs `body` with its port, and stops it.
func withServer(
  _ configure: (inout Server.Configuration) -> Void = { _ in }, securityHeaders: SecurityHeaders? = nil,
  renderRefusal: RefusalRenderer? = nil, routes: (inout Router) -> Void,
  _ body: (_ port: Int, _ server: Server) async throws -> Void
) async throws {
  var router = Router()
  routes(&router)
  var configuration = Server.Configuration(logsRequests: false)
  configure(&configuration)
  let application = Application(
    router, securityHeaders: securityHeaders, renderRefusal: renderRefusal, log: configuration.log)
  let server = try Server(configuration, application: application)
  let port = try server.start()
  do {
    try await withTaskExecutorPreference(PromptExecutor.shared) { try await body(port, server) }
  } catch {
    await server.stop(within: 0)
    throw error
  }
  await server.stop(within: 1)
}

struct ClientError: Error, CustomStringConvertible {
  let description: String
}

/// A response as a client sees it.
struct Answer: Sendable {
  let status: Int
  let fields: [(name: String, value: String)]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }

  subscript(name: String) -> String? { fields.first { $0.name.lowercased() == name.lowercased() }?.value }
}

/// A client that writes what it is told, byte by byte, and reads what comes; blocking, so for ``onThread(_:)``.
final class RawClient: @unchecked Sendable {
  // Unchecked: each client is used by one thread at a time.
  let socket: Int32
  private var buffer: [UInt8] = []

  init(_ port: Int, timeout: Double = 30) throws {
    socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var time = timeval(tv_sec: Int(timeout), tv_usec: Int((timeout - timeout.rounded(.down)) * 1e6))
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw ClientError(description: "connect: errno \(errno)") }
  }

  deinit { close(socket) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress.map { $0 + sent }, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw ClientError(description: "send: errno \(errno)") }
      sent += count
    }
  }

  /// Closes at once with a reset.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    close(dup2(open("/dev/null", O_RDONLY), socket) == socket ? -1 : -1)
  }

  /// Reads more; returns false at the end of the connection.
  @discardableResult func fill() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    let count = recv(socket, &chunk, chunk.count, 0)
    if count < 0 && errno == ECONNRESET { throw ClientError(description: "reset") }
    guard count >= 0 else {
      throw ClientError(description: "recv: errno \(errno), had \(String(decoding: buffer.prefix(300), as: UTF8.self))")
    }
    buffer.append(contentsOf: chunk[..<count])
    return count > 0
  }

  func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count { guard try fill() else { throw ClientError(description: "closed early") } }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        defer { buffer.removeFirst(end + 1) }
        var line = buffer[..<end]
        if line.last == 0x0D { line = line.dropLast() }
        return String(decoding: line, as: UTF8.self)
      }
      guard try fill() else { throw ClientError(description: "closed in a line") }
    }
  }

  /// Status and header fields only.
  func head() throws -> Answer {
    let first = try line().split(separator: " ", maxSplits: 2)
    guard first.count >= 2, let status = Int(first[1]) else {
      throw ClientError(description: "no status line: \(first)")
    }
    var fields: [(name: String, value: String)] = []
    while true {
      let line = try line()
      if line.isEmpty { return Answer(status: status, fields: fields, body: []) }
      guard let colon = line.firstIndex(of: ":") else { throw ClientError(description: "no field: \(line)") }
      fields.append((String(line[..<colon]), String(line[line.index(after: colon)...].drop { $0 == " " })))
    }
  }

  /// A whole response; for the answer to a HEAD request say so.
  func answer(toHead: Bool = false) throws -> Answer {
    var answer = try head()
    if answer.status == 100 { answer = try head() }
    if toHead || answer.status == 204 || answer.status == 304 { return answer }
    if let length = answer["content-length"].flatMap({ Int($0) }) {
      answer.body = try take(length)
    } else if answer["transfer-encoding"] == "chunked" {
      while let chunk = try chunk() { answer.body += chunk }
    } else {
      while try fill() {}
      answer.body = buffer
      buffer = []
    }
    return answer
  }

  /// The next chunk of a chunked body, `nil` for the last.
  func chunk() throws -> [UInt8]? {
    let line = try line()
    guard let size = Int(line, radix: 16) else { throw ClientError(description: "no chunk size: \(line)") }
    let bytes = try take(size)
    _ = try self.line()
    return size == 0 ? nil : bytes
  }

  func request(_ text: String) throws -> Answer {
    try send(text)
    return try answer(toHead: text.hasPrefix("HEAD "))
  }

  func get(_ target: String, _ fields: String...) throws -> Answer {
    try request("GET \(target) HTTP/1.1\r\nHost: x\r\n\(fields.map { $0 + "\r\n" }.joined())\r\n")
  }

  /// Waits for the server to close; what comes before is read and dropped.
  func waitForClose() throws {
    do {
      while try fill() {}
    } catch let error as ClientError where error.description == "reset" {}
  }
}

/// What happened, gathered from several threads.
final class Record<Value: Sendable>: Sendable {
  private let state = Mutex<(values: [Value], waiters: [(count: Int, CheckedContinuation<Void, Never>)])>(([], []))

  func add(_ value: Value) {
    let ready = state.withLock { state in
      state.values.append(value)
      let ready = state.waiters.filter { $0.count <= state.values.count }
      state.waiters.removeAll { $0.count <= state.values.count }
      return ready
    }
    for (_, waiter) in ready { waiter.resume() }
  }

  var values: [Value] { state.withLock { $0.values } }

  /// Returns once so many values are there.
  func wait(for count: Int = 1) async {
    await withCheckedContinuation { continuation in
      let isReady = state.withLock { state in
        if state.values.count < count { state.waiters.append((count, continuation)) }
        return state.values.count >= count
      }
      if isReady { continuation.resume() }
    }
  }
}

/// A number that several threads raise.
final class Counter: Sendable {
  private let atomic = Atomic<Int>(0)

  func add() { atomic.wrappingAdd(1, ordering: .relaxed) }

  var value: Int { atomic.load(ordering: .relaxed) }
}
