import Access
import Audit
import Connectors
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Setting the address and the key of a connector; the key is never shown again.
extension ConnectorRoutes {
  private struct Typed {
    var address: String
    var key: String
    var isEnabled: Bool
  }

  private func question(_ connector: Connector, _ typed: Typed, hasSecret: Bool, _ refusal: Refusal?) -> Confirmation {
    func error(_ field: String) -> String? { refusal?.field == field ? refusal?.message : nil }
    return Confirmation(
      title: "设置\(connector.label)", consequences: ["马上生效，不用重新启动。密钥加密保存，不再显示。"],
      fields: [
        Shell.Field(
          "address", "接口地址", .text(typed.address, .init(maximum: 300, placeholder: "https://share.example.gov.cn/api")),
          help: "只写到接口路径之前", error: error("address")),
        Shell.Field(
          "key_name", "本系统的标识", .text(typed.key, .init(maximum: 60)), help: "对方分配的应用标识（AppKey）",
          error: error("key_name")),
        Shell.Field(
          "secret", "密钥", .password(autocomplete: "off"), help: hasSecret ? "已经设置；留空不变" : "对方分配的密钥（AppSecret）或令牌",
          error: error("secret")),
        Shell.Field("enabled", "启用", .checkbox(typed.isEnabled, caption: "办件时调用这个系统"), error: error("enabled")),
      ], errors: refusal.map { [FieldError($0.field, $0.message)] } ?? [],
      path: "/connectors/\(connector.name)/settings", submit: "保存设置", cancelPath: "/connectors/\(connector.name)")
  }

  func askSettings(_ visit: Visit) async throws -> Response {
    let connector = try connector(visit)
    try visit.principal.require(Permission(ConnectorSettings.entity, "update"), toDo: "设置对接系统")
    let record = try await record(connector, visit)
    let typed = Typed(
      address: record?["address"].text ?? "", key: record?["key_name"].text ?? "",
      isEnabled: record?["enabled"].boolean ?? false)
    return try await visit.confirmation(
      question(
        connector, typed, hasSecret: try await ConnectorSettings.hasSecret(connector.name, in: client.store), nil),
      crumbs: [Crumb("对接系统", "/connectors")])
  }

  func settings(_ visit: Visit) async throws -> Response {
    let connector = try connector(visit)
    let form = try await visit.request.body.form()
    let typed = Typed(
      address: form.first("address") ?? "", key: form.first("key_name") ?? "",
      isEnabled: form.first("enabled").map { !$0.isEmpty && $0 != "false" } ?? false)
    let secret = form.first("secret").flatMap { $0.isEmpty ? nil : $0 }
    do {
      try await ConnectorSettings.change(
        connector.name, address: typed.address, key: typed.key, secret: secret, enabled: typed.isEnabled,
        by: visit.principal, origin: visit.request.origin, in: client.store)
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) {
      let hasSecret = try await ConnectorSettings.hasSecret(connector.name, in: client.store)
      return try await visit.confirmation(
        question(connector, typed, hasSecret: hasSecret, refusal), status: refusal.kind.status)
    }
    return try visit.redirect(to: "/connectors/\(connector.name)", saying: "设置已保存，可以试连。")
  }
}
