import Core
package import HTTP
package import Messaging

/// `POST /api/messages/receipts/{gateway}`: what the SMS gateway of this code reports about messages it took over (短信回执).
///
/// `X-Timestamp` has the seconds since 1970, `X-Signature` the HMAC-SHA256 of `<timestamp>.<body>` under the gateway's
/// receipt secret, in hexadecimal digits.
package struct ReceiptRoutes: Sendable {
  let center: MessageCenter
  let gateways: SMSGateways

  package init(center: MessageCenter, gateways: SMSGateways) {
    self.center = center
    self.gateways = gateways
  }

  package func register(in router: inout Router) {
    // Not at the site: the signature stands in for a session and its form token.
    router.on(.post, "/api/messages/receipts/{gateway}", maximumBody: 1 << 18) { request in
      let body = try await request.body.bytes(upTo: 1 << 18)
      let code = try request.parameter("gateway")
      try center.checkReceipt(
        body: body, timestamp: request.headers["X-Timestamp"], signature: request.headers["X-Signature"],
        of: try await gateways.gateway(code))
      let receipts = try MessageReceipt.read(try JSON(parsing: body))
      let unknown = try await center.accept(receipts, from: code)
      // A gateway that was quicker than our own note of its answer sends again what nobody knows yet.
      let isStrange = !receipts.isEmpty && unknown.count == receipts.count
      return .json(["unknown": .array(unknown.map { .string($0) })], status: isStrange ? 404 : 200)
    }
  }
}
