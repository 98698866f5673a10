package import Core
import Synchronization
import Transport

extension MessageChannel {
  /// 短信 by the gateways that are switched on, in their order: where one does not answer the next takes over.
  package static func sms(clock: WallClock = .system) -> MessageChannel {
    let line = SMSLine(clock: clock)
    return MessageChannel(.sms, missing: { $0.sms.isEmpty ? "没有启用的短信发送渠道" : nil }) { message, settings in
      await line.send(message, settings)
    }
  }
}

/// Speaks HTTP with the gateways of short messages, and spares those that do not answer.
final class SMSLine: Sendable {
  private let transports = TransportPool(name: "sms", size: 2)
  private let breakers = Mutex<[Int64: CircuitBreaker]>([:])
  private let clock: WallClock

  init(clock: WallClock) { self.clock = clock }

  /// Tries one gateway after the other. One that was silent may have sent it all the same: a message may come twice.
  func send(_ message: OutgoingMessage, _ settings: MessagingSettings) async -> ChannelOutcome {
    var failures: [String] = []
    for gateway in settings.sms {
      let now = clock.now()
      guard breakers.withLock({ $0[gateway.id, default: CircuitBreaker()].admits(at: now) }) else { continue }
      let outcome = await ask(gateway, message, settings.timeout)
      breakers.withLock { breakers in
        if case .failed = outcome {
          breakers[gateway.id, default: CircuitBreaker()].failed(at: clock.now())
        } else {
          // It answered, so it is there.
          breakers[gateway.id, default: CircuitBreaker()].succeeded()
        }
      }
      guard case .failed(let reason) = outcome else { return outcome }
      failures.append("\(gateway.name)：\(reason)")
    }
    return .failed(failures.isEmpty ? "短信渠道都没有应答，稍后再试" : failures.joined(separator: "；"))
  }

  /// Asks one gateway, once.
  func ask(_ gateway: SMSGateway, _ message: OutgoingMessage, _ timeout: Duration) async -> ChannelOutcome {
    guard let text = message.content.sms else { return .refused("模板没有短信内容") }
    do throws(TransportFailure) {
      let answer = try await transports.next.ask(gateway.request(message, text: text, timeout: timeout))
      return SMSAnswer(answer).outcome(gateway)
    } catch {
      return .failed(error.message)
    }
  }
}

/// What an SMS gateway answered, understood by the settings.
struct SMSAnswer {
  let status: Int
  let json: JSON?

  init(_ answer: TransportAnswer) {
    status = answer.status
    json = try? JSON(parsing: answer.body)
  }

  init(status: Int, json: JSON?) {
    self.status = status
    self.json = json
  }

  func outcome(_ gateway: SMSGateway) -> ChannelOutcome {
    guard (200..<300).contains(status) else {
      // 400 and 422 speak of this message; everything else of the gateway or of our being let in.
      return status == 400 || status == 422 ? .refused("短信平台拒绝：\(status)") : .failed("短信平台答复 \(status)")
    }
    if let success = gateway.success {
      let parts = success.split(separator: "=", maxSplits: 1).map(String.init)
      let said = text(parts.first ?? "")
      guard parts.count == 2, said == parts[1] else {
        return .failed("短信平台答复 \(parts.first ?? "")=\((said ?? "无").prefix(40))")
      }
    }
    return .accepted(reference: text(gateway.reference), via: gateway.code)
  }

  /// A member by its path: `data.id`.
  private func text(_ path: String) -> String? {
    var value = json
    for name in path.split(separator: ".") { value = value?[String(name)] }
    return value?.string ?? value?.int.map(String.init)
  }
}
