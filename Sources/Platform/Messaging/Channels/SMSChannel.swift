import Core
import Transport

extension MessageChannel {
  /// 短信 by the HTTP interface of a gateway: one `POST` of JSON a message, in the shape that the gateway wants.
  package static func sms() -> MessageChannel {
    let transports = TransportPool(name: "sms", size: 2)
    return MessageChannel(.sms, missing: { $0.sms == nil ? "短信平台没有配置" : nil }) { message, settings in
      guard let sms = settings.sms else { return .failed("短信平台没有配置") }
      guard let text = message.content.sms else { return .refused("模板没有短信内容") }
      let signed = (sms.signature.map { "【\($0)】" } ?? "") + text
      let body = GatewayText.json(
        sms.body,
        ["id": String(message.id), "phone": message.address, "text": signed, "template": message.template])
      var headers = ["Content-Type: application/json; charset=utf-8", "Accept: application/json"]
      if let token = settings.secrets.sms { headers.append("Authorization: Bearer \(token.text)") }
      let request = GatewayRequest(url: sms.url, headers: headers, body: body, timeout: settings.timeout)
      do throws(TransportFailure) {
        return SMSAnswer(try await transports.next.ask(request)).outcome(sms)
      } catch {
        return .failed(error.message)
      }
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

  func outcome(_ sms: MessagingSettings.SMS) -> ChannelOutcome {
    guard (200..<300).contains(status) else {
      // 400 and 422 speak of this message; everything else of the gateway or of our being let in.
      return status == 400 || status == 422 ? .refused("短信平台拒绝：\(status)") : .failed("短信平台答复 \(status)")
    }
    if let success = sms.success {
      let parts = success.split(separator: "=", maxSplits: 1).map(String.init)
      let said = text(parts.first ?? "")
      guard parts.count == 2, said == parts[1] else {
        return .failed("短信平台答复 \(parts.first ?? "")=\((said ?? "无").prefix(40))")
      }
    }
    return .accepted(reference: text(sms.reference))
  }

  /// A member by its path: `data.id`.
  private func text(_ path: String) -> String? {
    var value = json
    for name in path.split(separator: ".") { value = value?[String(name)] }
    return value?.string ?? value?.int.map(String.init)
  }
}
