package import Access
package import Core
package import Crypto
package import Entities
import SQL
import Synchronization
import Transport

/// Asks other systems as their declarations say, and writes every call down.
///
/// A system that has no address or is switched off is never called; one that fails several times in a row is left alone
/// for a while; more than its quota a minute does not go out. Nothing of this is an error to the caller: the answer says
/// that nothing is known, and why.
package final class ConnectorClient: Sendable {
  package let connectors: Connectors
  package let store: RecordStore
  private let random: RandomSource
  private let log: Log
  private let metrics: Metrics?
  private let pause: @Sendable (Duration) async -> Void
  private let transports = TransportPool(name: "connector", size: 4)
  private let breakers = Mutex<[String: CircuitBreaker]>([:])
  private let minutes = WindowCounter()
  /// Of forms that were filled in, an hour.
  let readings = WindowCounter(seconds: 3600)

  /// - Parameter pause: waits between two tries.
  package init(
    _ connectors: Connectors, store: RecordStore, random: RandomSource = .system, log: Log = .silent,
    metrics: Metrics? = nil,
    pause: @escaping @Sendable (Duration) async -> Void = { try? await Task.sleep(for: $0) }
  ) {
    self.connectors = connectors
    self.store = store
    self.random = random
    self.log = log
    self.metrics = metrics
    self.pause = pause
  }

  private var now: Instant { store.clock.now() }

  // MARK: Calling

  /// Asks one operation.
  ///
  /// - Parameters:
  ///   - values: of the request, by name; what it does not declare is left out.
  ///   - purpose: why, for the log (调用事由).
  ///   - about: what it concerns, when that is known already.
  /// - Throws: ``Fault`` `connector-unknown` when nobody declared it; what the database says.
  package func call(
    _ name: String, _ operation: String, _ values: [String: Value], purpose: String, about: ConnectorSubject? = nil,
    by principal: Principal
  ) async throws -> ConnectorAnswer {
    guard let connector = connectors.connector(name), let operation = connector.operation(operation) else {
      throw Fault("connector-unknown", "\(name).\(operation)")
    }
    let missing = operation.request.missing(in: values)
    if !missing.isEmpty {
      return ConnectorAnswer(.incomplete, reason: "没有填写\(missing.joined(separator: "、"))，无法向\(connector.system)核对")
    }
    guard let settings = try await ConnectorSettings.read(name, store) else {
      return ConnectorAnswer(.off, reason: "与\(connector.system)的接口没有开通")
    }
    let number = Hex.encode(random.bytes(16))
    let body = operation.request.body(values)
    let clock = ContinuousClock()
    let start = clock.now
    let exchange = await exchange(connector, operation, settings, body, number)
    let taken = start.duration(to: clock.now)
    let (answer, outcome) = ConnectorClient.understood(exchange, operation, store)
    let milliseconds = taken.components.seconds * 1000 + taken.components.attoseconds / 1_000_000_000_000_000
    metrics?.count(
      "lifang_connector_calls_total", "connector=\"\(name)\",outcome=\"\(operation.logged(outcome).rawValue)\"")
    if outcome.isFailure {
      log(
        .warning, "connector-failed",
        [
          "connector": .string(name), "operation": .string(operation.name), "outcome": .string(outcome.rawValue),
          "status": .int(Int64(exchange.status)),
        ])
    }
    let entry = ConnectorLog.Entry(
      settings: settings.id, operation: operation, number: number, principal: principal, purpose: purpose,
      about: about, outcome: operation.logged(outcome), succeeded: !outcome.isFailure, status: exchange.status,
      attempts: exchange.attempts,
      milliseconds: milliseconds, request: operation.request.logged(values),
      response: operation.use == .screen ? "" : operation.response.logged(answer.values),
      reason: operation.use == .screen && !outcome.isFailure ? nil : answer.reason)
    var logged = answer
    logged.call = try await ConnectorLog.write(entry, store)
    return logged
  }

  private struct Exchange {
    var outcome: ConnectorOutcome
    var body: [UInt8] = []
    var status = 0
    var attempts = 0
    var reason: String?
  }

  private func exchange(
    _ connector: Connector, _ operation: ConnectorOperation, _ settings: ConnectorSettings, _ body: JSON,
    _ number: String
  ) async -> Exchange {
    let limits = connector.limits
    if let wait = minutes.count(connector.name, limit: limits.quota, at: now) {
      return Exchange(outcome: .quota, reason: "本分钟对\(connector.system)的调用已到上限，\(wait) 秒后再试")
    }
    let bytes = Array(body.text.utf8)
    var last = Exchange(outcome: .failed)
    for attempt in 1...max(limits.attempts, 1) {
      guard admits(connector) else {
        if attempt > 1 { return last }
        return Exchange(outcome: .open, reason: "\(connector.system)连续没有应答，暂停调用，稍后自动再试")
      }
      if attempt > 1 { await pause(.milliseconds(limits.delay << min(attempt - 2, 6))) }
      last = await once(connector, operation, settings, bytes, number)
      last.attempts = attempt
      switch last.outcome {
      case .timeout, .failed: note(connector) { $0.failed(at: self.now) }
      // The other side answered, so it is there.
      default:
        note(connector) { $0.succeeded() }
        return last
      }
    }
    return last
  }

  private func once(
    _ connector: Connector, _ operation: ConnectorOperation, _ settings: ConnectorSettings, _ body: [UInt8],
    _ number: String
  ) async -> Exchange {
    var headers = [
      "Content-Type: application/json; charset=utf-8", "Accept: application/json", "X-Lifang-Request: \(number)",
    ]
    switch connector.authentication {
    case .key: headers.append("Authorization: Bearer \(settings.secretText)")
    case .signature:
      let time = now.iso8601
      let signature = ConnectorSignature.sign(
        path: operation.path, time: time, number: number, body: body, secret: settings.secret)
      headers += ["X-Lifang-Key: \(settings.key)", "X-Lifang-Time: \(time)", "X-Lifang-Signature: \(signature)"]
    }
    do throws(TransportFailure) {
      let answer = try await transports.next.ask(
        GatewayRequest(
          url: settings.address + operation.path, headers: headers, body: body,
          timeout: .seconds(connector.limits.timeout),
          maximumAnswer: operation.maximumAnswer))
      switch answer.status {
      case 200..<300: return Exchange(outcome: .unknown, body: answer.body, status: answer.status)
      case 401, 403:
        return Exchange(
          outcome: .denied, status: answer.status, reason: "\(connector.system)不认本系统的密钥或签名（\(answer.status)），请联系管理员")
      case 429, 500...:
        return Exchange(outcome: .failed, status: answer.status, reason: "\(connector.system)出错（\(answer.status)）")
      default:
        return Exchange(
          outcome: .refused, status: answer.status, reason: "\(connector.system)不受理这个请求（\(answer.status)）")
      }
    } catch {
      return Exchange(
        outcome: error.isTimeout ? .timeout : .failed, status: error.status,
        reason: "\(connector.system)\(error.message)")
    }
  }

  private static func understood(_ exchange: Exchange, _ operation: ConnectorOperation, _ store: RecordStore)
    -> (ConnectorAnswer, ConnectorOutcome)
  {
    guard exchange.outcome == .unknown else {
      return (ConnectorAnswer(exchange.outcome, reason: exchange.reason), exchange.outcome)
    }
    do throws(Refusal) {
      let json = try JSON(parsing: exchange.body)
      let values = try operation.response.read(json)
      let rows = try operation.rows?.read(json) ?? []
      let context = EvaluationContext(now: store.clock.now())
      let lookup = { (name: String) in values[name] ?? .null }
      var outcome = ConnectorOutcome.answered
      if let yes = operation.yes {
        outcome = .unknown
        if try yes.holds(in: context, lookup) {
          outcome = .yes
        } else if let no = operation.no, try no.holds(in: context, lookup) {
          outcome = .no
        }
      }
      let said = operation.reason.flatMap { values[$0]?.text }
      return (ConnectorAnswer(outcome, values: values, rows: rows, reason: said), outcome)
    } catch {
      return (ConnectorAnswer(.malformed, reason: "\(error.message)，不能采用"), .malformed)
    }
  }

  // MARK: Circuit breakers

  private func fresh(_ connector: Connector) -> CircuitBreaker {
    CircuitBreaker(limit: connector.limits.failures, firstPause: Int64(connector.limits.pause))
  }

  private func admits(_ connector: Connector) -> Bool {
    let fresh = fresh(connector)
    let now = now
    return breakers.withLock { $0[connector.name, default: fresh].admits(at: now) }
  }

  private func note(_ connector: Connector, _ change: (inout CircuitBreaker) -> Void) {
    let fresh = fresh(connector)
    breakers.withLock { change(&$0[connector.name, default: fresh]) }
  }

  /// Until when a connector is left alone; `nil` when it may be called.
  package func restsUntil(_ name: String) -> Instant? {
    let now = now
    guard case .open(let until)? = breakers.withLock({ $0[name]?.state }), until > now else { return nil }
    return until
  }
}

extension ConnectorOperation {
  /// The outcome as the log has it: a verification says what was found; whether somebody is on a list is not for those who
  /// read logs; and what was ordered was answered or refused.
  func logged(_ outcome: ConnectorOutcome) -> ConnectorOutcome {
    switch (use, outcome) {
    case (.verify, _): outcome
    case (.screen, .yes), (.screen, .no), (.screen, .unknown): .answered
    case (.fill, .yes), (.fill, .no), (.call, .yes): .answered
    case (.call, .no): .refused
    default: outcome
    }
  }
}

/// What a call concerns: a record, and how it is called in the log.
package struct ConnectorSubject: Sendable, Hashable {
  package let entity: String
  package let id: Int64
  package let label: String

  package init(entity: String, id: Int64, label: String) {
    self.entity = entity
    self.id = id
    self.label = label
  }
}

/// How a call ended (调用结果).
package enum ConnectorOutcome: String, Sendable, Hashable, CaseIterable {
  case yes, no
  /// Answered, and neither.
  case unknown
  /// Answered; the operation knows no yes and no.
  case answered
  /// Not called: switched off, something to ask with is missing, over the quota, resting.
  case off, incomplete, quota, open
  case timeout, failed
  /// Our key or signature was not accepted.
  case denied
  /// The request was not.
  case refused
  /// The answer was not what was agreed.
  case malformed

  /// Whether the other side could not be asked.
  package var isFailure: Bool {
    switch self {
    case .yes, .no, .unknown, .answered, .off, .incomplete: false
    case .quota, .open, .timeout, .failed, .denied, .refused, .malformed: true
    }
  }
}

/// What came of a call.
package struct ConnectorAnswer: Sendable {
  package let outcome: ConnectorOutcome
  /// By the names of the response.
  package let values: [String: Value]
  /// The list of the answer; one that is not as agreed refuses itself and no other.
  package let rows: [Result<[String: Value], Refusal>]
  /// In words for people: what the other side said, or why nothing is known.
  package let reason: String?
  /// The entry of the log; `nil` when nothing went out.
  package internal(set) var call: Int64?

  init(
    _ outcome: ConnectorOutcome, values: [String: Value] = [:], rows: [Result<[String: Value], Refusal>] = [],
    reason: String? = nil
  ) {
    self.outcome = outcome
    self.values = values
    self.rows = rows
    self.reason = reason
  }
}
