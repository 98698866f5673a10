import Access
import Core
package import Entities
import HTML
package import HTTP
import Portal
import Shell
package import Site

/// 门户管理 (C-236, C-304): from one page, whoever keeps the portal sees what it shows, what waits for somebody, how
/// often it is read and who keeps it, and goes on to the register or the public page.
package struct PortalManageRoutes: Sendable {
  let site: Site
  let store: RecordStore

  /// Days of visits that the page counts.
  private static let days = 30

  package init(site: Site, store: RecordStore) {
    self.site = site
    self.store = store
  }

  package func register(in router: inout Router) {
    router.on(.get, "/portal/manage", at: site) { visit in try await page(visit) }
  }

  /// A number that opens its list.
  private struct Figure {
    let label: String
    let count: Count
    let path: String

    var html: HTML {
      a(.href(path)) { "\(label) \(count.display)" }
    }
  }

  private struct Row {
    let part: PortalPart
    let entity: EntityDeclaration
    let shown: Figure
    let due: Figure?
    let visits: Int64?
    let keepers: [String]
    let mayCreate: Bool
  }

  private func page(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("portal_admin", "view"), toDo: "管理户政门户")
    let visits = try await PortalFigures.visits(store, days: PortalManageRoutes.days)
    let keepers = try await keepers()
    var sections: [(label: String, rows: [Row])] = []
    for section in PortalPart.sections(today: store.clock.today()) {
      var rows: [Row] = []
      for part in section.parts {
        if let row = try await row(part, visit, visits, keepers) { rows.append(row) }
      }
      if !rows.isEmpty { sections.append((section.label, rows)) }
    }
    let due = sections.flatMap(\.rows).compactMap(\.due).filter { $0.count.value > 0 }
    var actions: [Action] = []
    if visit.principal.may(Permission("portal_admin", "statistics")) {
      actions.append(Action("访问统计", .link("/statistics/portal"), icon: .chart))
    }
    return try await visit.page(
      "门户管理", layout: .wide, subtitle: "门户上的内容、待办和访问，您数据范围内的", actions: actions
    ) {
      if due.isEmpty {
        Notice(.success, "没有等着处理的内容。")
      } else {
        TileRow(
          due.prefix(6).map { Tile($0.label, value: $0.count.display, path: $0.path, icon: .warning) })
      }
      for section in sections { Card(section.label, isFlush: true) { table(section.label, section.rows) } }
      if sections.isEmpty {
        StateView.empty("没有您能维护的内容", "需要维护门户内容的，请向本单位的系统管理员申请相应权限。", icon: .lock)
      }
    }
  }

  /// `nil` when the person may not see the register.
  private func row(
    _ part: PortalPart, _ visit: Visit, _ visits: [String: Int64], _ keepers: [String: [String]]
  ) async throws -> Row? {
    guard visit.principal.may(Permission(part.register, "view")), let entity = store.catalog.entity(part.register)
    else {
      return nil
    }
    let records = store.records(as: visit.principal, purpose: "门户管理", origin: visit.request.origin)
    func figure(_ mark: PortalPart.Mark) async throws -> Figure {
      let query = try ListQuery(entity, items: mark.items.map { ($0.name, $0.value) })
      let items = QueryItems(mark.items.map { QueryItems.Item(name: $0.name, value: $0.value) })
      return Figure(
        label: mark.label, count: try await records.count(ListQuery(entity.name, filters: query.filters)),
        path: "/r/\(entity.name)?\(items.encoded)")
    }
    let due: Figure? = if let mark = part.due { try await figure(mark) } else { nil }
    return Row(
      part: part, entity: entity, shown: try await figure(part.shown), due: due,
      visits: part.page.map { visits[$0] ?? 0 },
      keepers: keepers[entity.name] ?? [], mayCreate: visit.principal.may(Permission(entity.name, "create")))
  }

  /// The roles that may write each register, as they stand today.
  private func keepers() async throws -> [String: [String]] {
    let registers = PortalPart.sections(today: store.clock.today()).flatMap(\.parts).map(\.register)
    let grants = try await store.records(as: .system, purpose: "门户管理").list(
      ListQuery(
        "role_grant",
        filters: [
          ListFilter("subject", .oneOf(registers.map { .text($0) })),
          ListFilter("action", .oneOf([.text("*"), .text("update")])),
        ], columns: ["role_id", "subject"], limit: ListQuery.maximumLimit)
    ).records
    var keepers: [String: [String]] = [:]
    for grant in grants {
      guard let subject = grant["subject"].text, let role = grant.titles["role_id"] else { continue }
      if keepers[subject]?.contains(role) != true { keepers[subject, default: []].append(role) }
    }
    return keepers
  }

  private func table(_ caption: String, _ rows: [Row]) -> DataTable {
    DataTable(
      caption: caption,
      columns: [
        Column("内容", .text), Column("现有", .text), Column("待办", .text),
        Column("\(PortalManageRoutes.days) 天访问", .number), Column("谁维护", .wide, isOnPhone: false), Column("操作", .text),
      ],
      rows: rows.map { row in
        TableRow(
          id: row.entity.name, name: row.entity.label, path: nil,
          cells: [
            .text(row.entity.label), row.shown.html, PortalManageRoutes.due(row.due),
            .text(row.visits.map { grouped(Int($0)) } ?? "—"),
            .text(row.keepers.isEmpty ? "—" : row.keepers.joined(separator: "、")), links(row),
          ])
      }, opensPanel: false, empty: .empty("没有内容", "没有您能查看的内容。"))
  }

  private static func due(_ figure: Figure?) -> HTML {
    guard let figure, figure.count.value > 0 else { return .text("—") }
    return figure.html
  }

  private func links(_ row: Row) -> HTML {
    HTML {
      a(.href("/r/\(row.entity.name)")) { "维护" }
      if row.mayCreate {
        " "
        a(.href("/r/\(row.entity.name)/new")) { "新增" }
      }
      if let page = row.part.page {
        " "
        a(.href(page)) { "看页面" }
      }
    }
  }
}
