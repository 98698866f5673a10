import Access
import Audit
package import Connectors
import Core
import Entities
import HTML
package import HTTP
import SQL
import Shell
package import Site

/// The systems of others (对接系统): whether each can be asked, how it fared lately, its contract, and a way to try it out.
package struct ConnectorRoutes: Sendable {
  let site: Site
  let client: ConnectorClient

  package init(site: Site, client: ConnectorClient) {
    self.site = site
    self.client = client
  }

  package func register(in router: inout Router) {
    router.on(.get, "/connectors", at: site) { visit in try await list(visit) }
    router.on(.get, "/connectors/{name}", at: site) { visit in try await detail(visit) }
    router.on(.get, "/connectors/{name}/contract", at: site) { visit in try contract(visit) }
    router.on(.get, "/connectors/{name}/settings", at: site) { visit in try await askSettings(visit) }
    router.on(.post, "/connectors/{name}/settings", at: site) { visit in try await settings(visit) }
    router.on(.post, "/connectors/{name}/probe", at: site) { visit in try await probe(visit) }
  }

  private static let view = Permission("connector", "view")
  private static let change = Permission("connector", "update")

  func connector(_ visit: Visit) throws -> Connector {
    try visit.principal.require(ConnectorRoutes.view, toDo: "查看对接系统")
    guard let connector = client.connectors.connector(try visit.request.parameter("name")) else {
      throw Refusal(.notFound, "connector-unknown", "没有这个对接系统。请从列表重新进入。")
    }
    return connector
  }

  // MARK: List

  /// How a connector stands, in a word.
  private func badge(_ connector: Connector, _ record: Record?) -> Badge {
    guard let record, record["enabled"].boolean == true, record["address"].text != nil else {
      return Badge("没有开通", .neutral)
    }
    if let until = client.restsUntil(connector.name) { return Badge("暂停到 \(until.display.suffix(5))", .warning) }
    return Badge("已开通", .success)
  }

  func record(_ connector: Connector, _ visit: Visit) async throws -> Record? {
    try await client.store.records(as: visit.principal, origin: visit.request.origin)
      .find(ConnectorSettings.entity, where: "name", equals: .text(connector.name))
  }

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(ConnectorRoutes.view, toDo: "查看对接系统")
    let now = client.store.clock.now()
    let summaries = try await ConnectorLog.summaries(since: now + -86_400, in: client.store.database)
    var rows: [TableRow] = []
    for connector in client.connectors.all {
      let summary = summaries[connector.name]
      rows.append(
        TableRow(
          id: connector.name, name: connector.label, path: "/connectors/\(connector.name)",
          cells: [
            .text(connector.label), badge(connector, try await record(connector, visit)).html, .text(connector.system),
            .text(summary.map { String($0.calls) } ?? "0"), .text(ConnectorRoutes.rate(summary)),
            .text(summary?.mean.map { "\($0) 毫秒" } ?? "—"), .text(summary?.last?.display ?? "没有调用"),
          ]))
    }
    return try await visit.page(
      "对接系统", layout: .wide, subtitle: "没有开通的不影响办件：由受理人员人工核验",
      actions: [Action("调用记录", .link("/r/connector_call"), icon: .list)]
    ) {
      DataTable(
        caption: "对接系统",
        columns: [
          Column("对接系统"), Column("状态", .state), Column("提供单位", .wide), Column("近 24 小时", .number),
          Column("成功率", .number), Column("平均用时", .number), Column("最近调用", .date),
        ], rows: rows, opensPanel: false,
        empty: .empty("没有对接系统", "在 Resources 的 connectors 目录里声明后会显示在这里。"))
    }
  }

  private static func rate(_ summary: ConnectorLog.Summary?) -> String {
    guard let summary, summary.calls > 0 else { return "—" }
    let tenths = (summary.calls - summary.failures) * 1000 / summary.calls
    return "\(tenths / 10).\(tenths % 10)%"
  }

  // MARK: One

  private func detail(_ visit: Visit) async throws -> Response {
    let connector = try connector(visit)
    let record = try await record(connector, visit)
    let now = client.store.clock.now()
    let summary = try await ConnectorLog.summaries(since: now + -86_400, in: client.store.database)[connector.name]
    var actions: [Action] = []
    if visit.principal.may(ConnectorRoutes.change) {
      actions.append(
        Action("设置地址和密钥", .dialog("/connectors/\(connector.name)/settings"), style: .primary, icon: .settings))
      if connector.operations.contains(where: { $0.use != .call }) {
        actions.append(Action("试连", .post("/connectors/\(connector.name)/probe", []), icon: .send))
      }
    }
    let limits = connector.limits
    let facts = [
      DetailItem("提供单位", text: connector.system), DetailItem("地址", text: record?["address"].text, isCode: true),
      DetailItem("认证", text: connector.authentication.label),
      DetailItem("时限", text: "每次最多等 \(limits.timeout) 秒，共试 \(limits.attempts) 次"),
      DetailItem("配额", text: "每分钟 \(limits.quota) 次"),
      DetailItem("熔断", text: "连续失败 \(limits.failures) 次，暂停 \(limits.pause) 秒起"),
      DetailItem("用途", text: connector.help, isWide: true),
    ]
    return try await visit.page(
      connector.label, crumbs: [Crumb("对接系统", "/connectors")], badge: badge(connector, record), actions: actions,
      moreActions: [
        Action("下载接口约定", .download("/connectors/\(connector.name)/contract"), icon: .download)
      ]
    ) {
      TileRow([
        Tile(
          "近 24 小时调用", value: String(summary?.calls ?? 0), unit: "次",
          path: record.map { "/r/connector_call?connector_id=\($0.id)" }),
        Tile(
          "没有成功", value: String(summary?.failures ?? 0), unit: "次",
          path: record.map { "/r/connector_call?connector_id=\($0.id)&succeeded=false" }),
        Tile("成功率", value: ConnectorRoutes.rate(summary)),
        Tile("平均用时", value: summary?.mean.map(String.init) ?? "—", unit: summary?.mean == nil ? nil : "毫秒"),
      ])
      Card("连接") { DetailList(facts) }
      for operation in connector.operations {
        Card("\(operation.label)（\(operation.use.label)）：请求", isFlush: true) {
          fields(operation, "请求", operation.request)
        }
        Card("\(operation.label)：答复", isFlush: true) { fields(operation, "答复", operation.response) }
        if let rows = operation.rows {
          Card("\(operation.label)：每条数据", isFlush: true) { fields(operation, "数据", rows.fields) }
        }
      }
    }
  }

  private func fields(_ operation: ConnectorOperation, _ title: String, _ fields: [ConnectorField]) -> DataTable {
    DataTable(
      caption: "\(title)：POST \(operation.path)",
      columns: [Column("\(title)字段"), Column("名称", .code), Column("类型"), Column("必填"), Column("记录时")],
      rows: fields.map { field in
        TableRow(
          id: "\(title)-\(field.name)", name: field.label, path: nil,
          cells: [
            .text(field.label), .text(field.name), .text(field.type.label), .text(field.isRequired ? "必填" : ""),
            .text(field.mask == nil ? "原样" : "脱敏"),
          ])
      }, opensPanel: false, empty: .empty("没有字段", "这个接口不需要内容。"))
  }

  private func contract(_ visit: Visit) throws -> Response {
    let connector = try connector(visit)
    var response = Response.text(ConnectorContract.text([connector]))
    response.attach(as: "\(connector.label)接口约定.md")
    return response
  }

  /// Asks with the invented examples of the contract.
  private func probe(_ visit: Visit) async throws -> Response {
    let connector = try connector(visit)
    try visit.principal.require(ConnectorRoutes.change, toDo: "试连对接系统")
    guard let operation = connector.operations.first(where: { $0.use != .call }) else {
      throw Refusal(.unprocessable, "probe-none", "这个系统的接口都会真的办事，不能试连。请在业务里使用后看调用记录。")
    }
    var values: [String: Value] = [:]
    for field in operation.request {
      if let example = field.example, let value = try? field.value(.string(example)) { values[field.name] = value }
    }
    let answer = try await client.call(
      connector.name, operation.name, values, purpose: "试连", by: visit.principal)
    let path = "/connectors/\(connector.name)"
    if answer.outcome == .off {
      return try visit.redirect(to: path, saying: "还没有开通：请先填写地址和密钥并启用。", tone: .warning)
    }
    if answer.outcome.isFailure {
      return try visit.redirect(to: path, saying: "没有连通：\(answer.reason ?? "没有答复")", tone: .danger)
    }
    return try visit.redirect(to: path, saying: "已连通，对方有答复。")
  }
}
