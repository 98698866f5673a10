import Core
package import Crypto
import Entities
import Transport

/// One way of short messages out of the house (短信发送渠道): a record of the register `sms_gateway` (B4-251…254).
package struct SMSGateway: Sendable {
  /// The register of gateways (短信发送渠道).
  package static let entity = "sms_gateway"

  /// What a gateway wants to be asked in (类型).
  package enum Kind: String, Sendable, CaseIterable {
    case json, form

    var contentType: String {
      switch self {
      case .json: "application/json; charset=utf-8"
      case .form: "application/x-www-form-urlencoded; charset=utf-8"
      }
    }
  }

  /// Of the record; 0 while there is none.
  package let id: Int64
  /// Names it in deliveries and receipts (渠道代码).
  package let code: String
  /// What it is called (渠道名称).
  package let name: String
  /// How its requests are written.
  package var kind: Kind
  /// Where its requests go.
  package var url: String
  /// With `{id}`, `{phone}`, `{text}`, `{template}` and `{token}` where they belong.
  package var body: String
  /// `code=0`: a member of the answer and what it says when all is well; `nil` trusts the status.
  package var success: String?
  /// The member of the answer that names the message in receipts.
  package var reference: String
  /// 【里坊】 before the text, where the gateway does not put it there.
  package var signature: String?
  /// Sent as `Authorization: Bearer` unless the body has a place for it.
  package var token: SecretBytes?
  /// With which the gateway signs its receipts; `nil` takes none.
  package var receiptSecret: SecretBytes?

  package init(
    id: Int64 = 0, code: String, name: String, kind: Kind = .json, url: String, body: String = SMSGateway.jsonBody,
    reference: String = "id"
  ) {
    (self.id, self.code, self.name, self.kind, self.url) = (id, code, name, kind, url)
    (self.body, self.reference) = (body, reference)
  }

  /// What most gateways with JSON want.
  package static let jsonBody = #"{"id":"{id}","phone":"{phone}","text":"{text}"}"#

  /// - Parameter values: of a record, its secrets in clear.
  init(id: Int64 = 0, _ values: [String: Value]) {
    func text(_ field: String) -> String? { values[field]?.text.flatMap { $0.isEmpty ? nil : $0 } }
    self.init(
      id: id, code: text("code") ?? "", name: text("name") ?? "",
      kind: text("kind").flatMap(Kind.init(rawValue:)) ?? .json, url: text("url") ?? "",
      body: text("body") ?? SMSGateway.jsonBody, reference: text("reference") ?? "id")
    success = text("success")
    signature = text("signature")
    token = text("token").map { SecretBytes(Array($0.utf8)) }
    receiptSecret = text("receipt_secret").map { SecretBytes(Array($0.utf8)) }
  }

  /// What is asked for one message.
  func request(_ message: OutgoingMessage, text: String, timeout: Duration) -> GatewayRequest {
    let signed = (signature.map { "【\($0)】" } ?? "") + text
    let takesToken = body.contains("{token}")
    var headers = ["Content-Type: \(kind.contentType)", "Accept: application/json"]
    if let token, !takesToken { headers.append("Authorization: Bearer \(token.text)") }
    return GatewayRequest(
      url: url, headers: headers,
      body: filled([
        "id": String(message.id), "phone": message.address, "text": signed, "template": message.template,
        "token": takesToken ? token?.text ?? "" : "",
      ]), timeout: timeout)
  }

  private func filled(_ values: [String: String]) -> [UInt8] {
    switch kind {
    case .json: GatewayText.json(body, values)
    case .form: GatewayText.form(body, values)
    }
  }

  /// What is wrong with the settings, by field.
  var faults: [Refusal] {
    func wrong(_ field: String, _ message: String) -> Refusal {
      Refusal(.unprocessable, "sms-gateway", message, field: field)
    }
    var faults: [Refusal] = []
    let mayStand = code.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-") }
    if !mayStand || code.hasPrefix("-") {
      faults.append(wrong("code", "代码只用小写字母、数字和短横线，不以短横线开头，如 mobile-mas。"))
    }
    for place in ["phone", "text"] where !body.contains("{\(place)}") {
      faults.append(wrong("body", "请求内容里没有 {\(place)}，\(place == "phone" ? "号码" : "内容")发不出去。请把它写在该在的位置。"))
    }
    let trial = filled(["id": "号", "phone": "号", "text": "文", "template": "名", "token": "钥"])
    if kind == .json, (try? JSON(parsing: trial)) == nil {
      faults.append(wrong("body", "换上号码和内容以后不是正确的 JSON。请核对引号和括号；表单接口请把类型改为“表单接口”。"))
    }
    if let success, !success.dropFirst().contains("=") {
      faults.append(wrong("success", "成功的标志写成“字段=值”，如 code=0。"))
    }
    return faults
  }
}
