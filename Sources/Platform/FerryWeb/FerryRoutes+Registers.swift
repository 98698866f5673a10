import Access
import Audit
import Core
import Ferry
import HTML
import HTTP
import SQL
import Shell
import Site

/// The published registers on the ferry's page (登记摆渡).
extension FerryRoutes {
  func publishActions(_ settings: FerrySettings, _ mayDecide: Bool) -> [Action] {
    guard settings.side == .inside, mayDecide else { return [] }
    return [Action("全部重送", .dialog("/ferry/registers/publish"), style: .quiet, icon: .refresh)]
  }

  func registerTable(_ rows: [PublishedRegister], _ settings: FerrySettings) -> DataTable {
    let isInside = settings.side == .inside
    return DataTable(
      caption: "发布的登记",
      columns: [
        Column("登记"), Column("状态", .state), Column(isInside ? "已送出" : "本侧有", .number),
        Column(isInside ? "等待送出" : "没有采用", .number), Column(isInside ? "最近送出" : "最近收到", .date),
      ],
      rows: rows.map { row in
        TableRow(
          id: row.register, name: row.label, path: "/r/\(row.register)",
          cells: [
            .text(row.label), FerryRoutes.badge(row).html, .text(grouped(Int(row.count))),
            .text(grouped(Int(isInside ? row.waiting : row.faults))), .text(row.lastAt?.display ?? "—"),
          ])
      }, opensPanel: false, empty: .empty("没有发布登记", "在系统参数“网间摆渡”里写上登记名称后开始发布。"))
  }

  private static func badge(_ row: PublishedRegister) -> Badge {
    if row.isScanning { return Badge("正在送全部", .info) }
    if row.lastAt == nil { return Badge("还没有数据", .neutral) }
    if row.faults > 0 { return Badge("有未采用", .warning) }
    return row.waiting > 0 ? Badge("正在送变更", .info) : Badge("已同步", .success)
  }

  func faultTable(_ faults: [PublishedFault]) -> DataTable {
    DataTable(
      caption: "没有采用的记录",
      columns: [Column("登记"), Column("编码", .code), Column("原因", .wide), Column("时间", .date)],
      rows: faults.enumerated().map { index, fault in
        TableRow(
          id: "f\(index)", name: fault.name, path: nil,
          cells: [.text(fault.register), .text(fault.name), .text(fault.reason), .text(fault.at.display)])
      }, opensPanel: false, empty: .empty("全部采用", "收到的记录都已采用。", icon: .success))
  }

  static func json(_ row: PublishedRegister) -> JSON {
    [
      "register": .string(row.register), "waiting": .int(row.waiting), "scanning": .bool(row.isScanning),
      "count": .int(row.count), "faults": .int(row.faults),
      "lastAt": row.lastAt.map { .string($0.iso8601) } ?? .null,
    ]
  }

  func askPublish(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FerryRoutes.decide, toDo: "重送登记")
    return try await visit.confirmation(
      Confirmation(
        title: "全部重送", consequences: ["把发布的每张登记从头送一遍，用于互联网侧重新安装或数据不一致。", "记录多时要送几个小时，办件数据排在它中间，不受影响。"],
        path: "/ferry/registers/publish", submit: "全部重送", cancelPath: "/ferry"), crumbs: [Crumb("摆渡监控", "/ferry")])
  }

  func publishRegisters(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FerryRoutes.decide, toDo: "重送登记")
    guard try await publish() > 0 else {
      throw Refusal(.conflict, "ferry-idle", "只有公安网侧发布登记。请先在系统参数“网间摆渡”里设置。")
    }
    let (principal, origin) = (visit.principal, visit.request.origin)
    try await dock.database.transaction { transaction in
      try await audit.append(AuditEntry(principal, "ferry.publish", origin: origin), in: transaction)
    }
    return try visit.redirect(to: "/ferry", saying: "已开始重送，进度见“发布的登记”。")
  }
}
