import Access
import Core
import HTML
package import HTTP
package import Messaging
import Shell
package import Site

/// Tries a gateway of short messages out (测试渠道的连通性, B4-253, B4-254).
package struct SMSGatewayRoutes: Sendable {
  let site: Site
  let gateways: SMSGateways
  let limiter: RateLimiter
  let settings: @Sendable () throws -> MessagingSettings

  /// - Parameter limiter: of tests by one administrator.
  package init(
    site: Site, gateways: SMSGateways, limiter: RateLimiter,
    settings: @escaping @Sendable () throws -> MessagingSettings
  ) {
    self.site = site
    self.gateways = gateways
    self.limiter = limiter
    self.settings = settings
  }

  package func register(in router: inout Router) {
    router.on(.get, "/messages/gateways/{id}/test", at: site) { visit in try await ask(visit) }
    router.on(.post, "/messages/gateways/{id}/test", at: site) { visit in try await test(visit) }
  }

  private static let change = Permission(SMSGateway.entity, "update")

  private func question(_ gateway: SMSGateway, _ phone: String, error: String? = nil) -> Confirmation {
    let path = "/r/\(SMSGateway.entity)/\(gateway.id)"
    return Confirmation(
      title: "发测试短信：\(gateway.name)",
      consequences: ["由这个渠道发一条短信，不论是否启用。平台接收后记为通过；请再看一看手机，确认确实收到。"],
      fields: [
        Field(
          "phone", "手机号码", .text(phone, .phone), isRequired: true, help: "只用于这一次测试，不保存。", error: error)
      ], errors: error.map { [FieldError("phone", $0)] } ?? [], path: "/messages/gateways/\(gateway.id)/test",
      submit: "发送", cancelPath: path)
  }

  private func ask(_ visit: Visit) async throws -> Response {
    try visit.principal.require(SMSGatewayRoutes.change, toDo: "测试短信发送渠道")
    return try await visit.confirmation(question(try await gateways.gateway(try visit.request.integer("id")), ""))
  }

  private func test(_ visit: Visit) async throws -> Response {
    try visit.principal.require(SMSGatewayRoutes.change, toDo: "测试短信发送渠道")
    let id = try visit.request.integer("id")
    let text = try await visit.request.body.form().first("phone") ?? ""
    guard let phone = PhoneNumber(text), phone.kind == .mobile else {
      let gateway = try await gateways.gateway(id)
      return try await visit.confirmation(question(gateway, text, error: "请填写 11 位手机号码。"), status: 422)
    }
    try limiter.require("sms-test \(visit.principal.id)", toDo: "发测试短信")
    let outcome = try await gateways.test(
      id, to: phone, try settings(), by: visit.principal, origin: visit.request.origin)
    let path = "/r/\(SMSGateway.entity)/\(id)"
    switch outcome {
    case .accepted: return try visit.redirect(to: path, saying: "平台已接收测试短信。手机收到后即可启用。")
    case .refused(let reason), .failed(let reason):
      return try visit.redirect(to: path, saying: "没有发出：\(reason)。请核对接口地址、请求内容和密钥后再试。", tone: .danger)
    }
  }
}
