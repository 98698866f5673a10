import Access
import Core
import HTML
package import HTTP
package import Messaging
import Shell
package import Site

/// The templates as they read with example values (消息模板).
package struct TemplateRoutes: Sendable {
  let site: Site
  let center: MessageCenter

  package init(site: Site, center: MessageCenter) {
    self.site = site
    self.center = center
  }

  package func register(in router: inout Router) {
    router.on(.get, "/messages/templates", at: site) { visit in try await list(visit) }
    router.on(.get, "/messages/templates/{name}", at: site) { visit in try await preview(visit) }
  }

  private static let view = Permission("message", "view")

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(TemplateRoutes.view, toDo: "查看消息模板")
    let rows = center.templates.all.map { template in
      TableRow(
        id: template.name, name: template.label, path: "/messages/templates/\(template.name)",
        cells: [
          .text(template.label), .text(template.channels.map(\.label).joined(separator: "、")),
          .text(template.priority.label), .text(template.expires.map { "\($0) 小时" } ?? "不限"),
          .text(template.name),
        ])
    }
    return try await visit.page(
      "消息模板", layout: .wide, subtitle: "随系统提供，城市可以在自己的目录里改写（extend_message）",
      actions: [Action("消息记录", .link("/messages/log"), icon: .list)]
    ) {
      DataTable(
        caption: "消息模板",
        columns: [Column("模板"), Column("渠道", .wide), Column("优先级"), Column("有效期"), Column("名称", .code)],
        rows: rows, opensPanel: false, empty: .empty("没有消息模板", "在 Resources 的 messages 目录里声明后会显示在这里。"))
    }
  }

  private func preview(_ visit: Visit) async throws -> Response {
    try visit.principal.require(TemplateRoutes.view, toDo: "查看消息模板")
    guard let template = visit.request.parameters["name"].flatMap({ center.templates.template($0) }) else {
      throw Refusal(.notFound, "template-missing", "没有这个消息模板。请从消息模板列表重新进入。")
    }
    let content = MessageContent(template, template.examples, link: "1024")
    let facts = [
      DetailItem("渠道", text: template.channels.map(\.label).joined(separator: "、")),
      DetailItem("优先级", text: template.priority.label),
      DetailItem("有效期", text: template.expires.map { "\($0) 小时" } ?? "不限"),
      DetailItem("夜间", text: template.holdsAtNight ? "等到免打扰时段结束" : "照常发送"),
      DetailItem("打开的页面", text: content.link ?? "无", isCode: true),
    ]
    return try await visit.page(
      template.label, crumbs: [Crumb("消息模板", "/messages/templates")], subtitle: "用示例内容预览"
    ) {
      Card("规则") { DetailList(facts) }
      Card("站内消息与邮件") {
        h3 { content.title }
        MessageText(content.text)
      }
      if let sms = content.sms { Card("短信（示例 \(sms.count) 字，70 字以内按一条计）") { p { sms } } }
      if let wechat = content.wechat {
        Card("微信模板消息") {
          DetailList(wechat.data.sorted { $0.key < $1.key }.map { DetailItem($0.key, text: $0.value) })
        }
      }
      Card("变量", isFlush: true) { variables(template) }
    }
  }

  private func variables(_ template: MessageTemplate) -> DataTable {
    DataTable(
      caption: "变量", columns: [Column("名称", .code), Column("含义"), Column("示例", .wide)],
      rows: template.variables.map { variable in
        TableRow(
          id: variable.name, name: variable.label, path: nil,
          cells: [.text("{\(variable.name)}"), .text(variable.label), .text(variable.example)])
      }, opensPanel: false, empty: .empty("没有变量", "这个模板的内容是固定的。"))
  }
}
