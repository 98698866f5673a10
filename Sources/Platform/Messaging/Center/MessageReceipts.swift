package import Core
import Crypto
import SQL

/// What an SMS gateway reports about a message later (回执).
package struct MessageReceipt: Sendable, Hashable {
  /// What the gateway calls the message.
  package let reference: String
  package let isDelivered: Bool
  /// Why not, in the words of the gateway.
  package let reason: String?

  package init(reference: String, isDelivered: Bool, reason: String? = nil) {
    self.reference = reference
    self.isDelivered = isDelivered
    self.reason = reason
  }

  /// Reads `{"receipts": [{"id": "…", "state": "delivered"|"failed", "reason": "…"}]}`.
  ///
  /// - Throws: ``Refusal`` `receipt-format`.
  package static func read(_ json: JSON) throws(Refusal) -> [MessageReceipt] {
    let wrong = Refusal(
      .invalid, "receipt-format", "回执应为 {\"receipts\": [{\"id\": …, \"state\": \"delivered\" 或 \"failed\"}]}。请核对格式。")
    guard let list = json["receipts"]?.array, list.count <= 1000 else { throw wrong }
    var receipts: [MessageReceipt] = []
    for item in list {
      guard let reference = item["id"]?.string ?? item["id"]?.int.map(String.init),
        let state = item["state"]?.string, ["delivered", "failed"].contains(state)
      else { throw wrong }
      receipts.append(
        MessageReceipt(
          reference: reference, isDelivered: state == "delivered",
          reason: item["reason"]?.string.map { String($0.prefix(200)) }))
    }
    return receipts
  }
}

extension MessageCenter {
  /// Seconds by which the time in a signature may differ from ours.
  static let receiptTolerance: Int64 = 300

  /// Proves that a receipt comes from the gateway: `signature` is the HMAC-SHA256 of `<timestamp>.<body>` in
  /// hexadecimal digits, `timestamp` the seconds since 1970.
  ///
  /// - Parameter gateway: whose secret signed it.
  /// - Throws: ``Refusal`` `receipt-signature`, `receipt-unconfigured`.
  package func checkReceipt(
    body: [UInt8], timestamp: String?, signature: String?, of gateway: SMSGateway?
  ) throws(Refusal) {
    guard let secret = gateway?.receiptSecret else {
      throw Refusal(.unavailable, "receipt-unconfigured", "这个短信发送渠道没有设置回执密钥，不能接收回执。请联系系统管理员。")
    }
    let wrong = Refusal(.forbidden, "receipt-signature", "回执的签名不对或时间相差太多，没有采用。请核对密钥和时钟。")
    guard let timestamp, let seconds = Int64(timestamp),
      abs(seconds - clock.now().seconds) <= MessageCenter.receiptTolerance,
      let tag = signature.flatMap(Hex.decode),
      HMAC(key: secret, .sha256).isValid(tag, for: Array("\(timestamp).".utf8) + body)
    else { throw wrong }
  }

  /// Notes what the gateway reports; returns the references that no message has.
  ///
  /// Of several receipts for a message the first counts.
  ///
  /// - Parameter gateway: its code; what another took over is unknown to it.
  package func accept(_ receipts: [MessageReceipt], from gateway: String) async throws -> [String] {
    let now = clock.now()
    var unknown: [String] = []
    for receipt in receipts {
      let rows = try await database.query(
        """
        with known as (
          select id, state from message_delivery
          where channel = 'sms' and reference = \(receipt.reference) and via = \(gateway)
        ), changed as (
          update message_delivery d set state = \(receipt.isDelivered ? "delivered" : "failed"), finished_at = \(now),
            reason = \(receipt.isDelivered ? nil : receipt.reason ?? "短信平台报告没有送达")
          from known k where d.id = k.id and d.state = 'sent'
        )
        select 1 from known limit 1
        """)
      if rows.isEmpty { unknown.append(receipt.reference) }
    }
    return unknown
  }
}
