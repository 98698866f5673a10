import Connectors
package import Core
import Crypto
import HTTP
import Synchronization

/// Another system that subscribed to changes (对端订阅方): checks signatures, drops what came before, and keeps the latest
/// version of each record, as a real subscriber has to. It can fail on purpose.
package final class PeerSubscriber: Sendable {
  /// A change that was taken.
  package struct Taken: Sendable, Hashable {
    package let id: String
    package let operation: String
    package let record: Int64
    package let version: Int64?
  }

  private struct State {
    var secret = SecretBytes([])
    /// Answers of the next requests; 200 when there are none left.
    var answers: [Int] = []
    var ids: Set<String> = []
    var taken: [Taken] = []
    var records: [Int64: JSON] = [:]
    var requests = 0
    var unsigned = 0
  }

  private let clock: WallClock
  private let state = Mutex(State())
  private let server = Mutex<Server?>(nil)
  package static let path = "/lifang/changes"

  package init(clock: WallClock = .system) { self.clock = clock }

  package var secret: String {
    get { state.withLock { String(decoding: $0.secret.bytes, as: UTF8.self) } }
    set { state.withLock { $0.secret = SecretBytes(Array(newValue.utf8)) } }
  }

  /// Lets the next requests fail with these answers; 0 for one that is taken and answered with 500 nevertheless.
  package func answer(_ statuses: [Int]) { state.withLock { $0.answers += statuses } }

  /// Each change once, in the order in which they came.
  package var taken: [Taken] { state.withLock { $0.taken } }
  /// The latest state of each record that is in sight.
  package var records: [Int64: JSON] { state.withLock { $0.records } }
  package var requests: Int { state.withLock { $0.requests } }
  package var unsigned: Int { state.withLock { $0.unsigned } }

  /// Listens on the loopback and returns the port.
  package func start() throws -> Int {
    var router = Router()
    router.on(.post, PeerSubscriber.path) { [self] request in try await take(request) }
    let server = try Server(
      Server.Configuration(address: "127.0.0.1", port: 0, threads: 1, logsRequests: false, log: .silent),
      application: Application(router))
    let port = try server.start()
    self.server.withLock { $0 = server }
    return port
  }

  package func stop() async {
    let running = server.withLock { server in
      defer { server = nil }
      return server
    }
    await running?.stop(within: 1)
  }

  private func take(_ request: Request) async throws -> Response {
    let body = try await request.body.bytes()
    let (answer, secret) = state.withLock { state in
      state.requests += 1
      return (state.answers.isEmpty ? 200 : state.answers.removeFirst(), state.secret)
    }
    let isSigned = ConnectorSignature.isValid(
      request.headers["X-Lifang-Signature"] ?? "", path: PeerSubscriber.path,
      time: request.headers["X-Lifang-Time"] ?? "", number: request.headers["X-Lifang-Request"] ?? "", body: body,
      secret: secret, now: clock.now())
    guard isSigned else {
      state.withLock { $0.unsigned += 1 }
      return .text("signature", status: 401)
    }
    if answer != 200 && answer != 0 { return .text("on purpose", status: answer) }
    keep(try JSON(parsing: body))
    return .text("", status: answer == 0 ? 500 : 204)
  }

  private func keep(_ body: JSON) {
    state.withLock { state in
      for change in body["changes"]?.array ?? [] {
        guard let id = change["id"]?.string, let record = change["recordId"]?.int,
          state.ids.insert(id).inserted
        else { continue }
        let operation = change["operation"]?.string ?? ""
        state.taken.append(
          Taken(id: id, operation: operation, record: record, version: change["version"]?.int))
        let known = state.records[record]?["version"]?.int ?? 0
        if operation == "remove" {
          state.records[record] = nil
        } else if let content = change["record"], content["version"]?.int ?? 0 >= known {
          state.records[record] = content
        }
      }
    }
  }
}
