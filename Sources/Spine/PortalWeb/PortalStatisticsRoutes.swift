import Access
import Core
import Documents
package import Entities
import HTML
package import HTTP
import Portal
import Shell
package import Site
import SpineWeb

/// 门户访问统计: visits by page and day (C-258), users by day and platform (C-260), and both as a table.
package struct PortalStatisticsRoutes: Sendable {
  let site: Site
  let store: RecordStore

  package init(site: Site, store: RecordStore) {
    self.site = site
    self.store = store
  }

  package func register(in router: inout Router) {
    router.on(.get, "/statistics/portal", at: site) { visit in try await page(visit) }
    router.on(.get, "/statistics/portal/export", at: site) { visit in try await export(visit) }
  }

  private func figures(_ visit: Visit) async throws -> (AskedDays, PortalFigures) {
    try visit.principal.require(Permission("portal_admin", "statistics"), toDo: "查看门户访问统计")
    let asked = try AskedDays(visit)
    return (asked, try await PortalFigures.read(store, from: asked.since, to: asked.until))
  }

  private func page(_ visit: Visit) async throws -> Response {
    let (asked, figures) = try await figures(visit)
    if visit.wantsJSON { return .json(PortalStatisticsRoutes.json(figures)) }
    let mayExport = visit.principal.may(Permission("portal_admin", "export"))
    return try await visit.page(
      "门户访问统计", layout: .wide, subtitle: "\(asked.since) 至 \(asked.until)，全市；只记次数，不记谁看的",
      actions: asked.actions(export: mayExport ? "/statistics/portal/export?\(asked.query)" : nil), scripts: [.chart]
    ) {
      asked.search("/statistics/portal")
      TileRow([
        Tile("页面访问", value: grouped(Int(figures.sum(\.visits))), unit: "次", icon: .eye),
        Tile("群众账号", value: grouped(figures.users), icon: .people),
        Tile("期间新注册", value: grouped(Int(figures.sum(\.registered))), icon: .plus),
        Tile(
          "实名绑定净增", value: grouped(Int(figures.sum(\.net))),
          note: "绑定 \(figures.sum(\.bound))，解绑 \(figures.sum(\.unbound))", icon: .check),
      ])
      if figures.days.count > 1 {
        Card("每天的访问") {
          ChartView(
            .line, title: "每天的访问", unit: "次", categories: figures.days.map(\.day.description),
            series: [.init("页面访问", figures.days.map { Double($0.visits) })])
        }
      }
      if !figures.pages.isEmpty { Card("最常看的页面") { ranking(figures) } }
      Card("各页面的访问", isFlush: true) { pages(figures) }
      Card("各平台的用户", isFlush: true) { platforms(figures) }
      Card("每天", isFlush: true) { days(figures) }
    }
  }

  /// The pages that are read most.
  private func ranking(_ figures: PortalFigures) -> ChartView {
    let top = figures.pages.prefix(15)
    return ChartView(
      .ranking, title: "各页面的访问\(figures.pages.count > top.count ? "（前 \(top.count) 项）" : "")", unit: "次",
      categories: top.map { PortalPages.labels[$0.page] ?? $0.page },
      series: [.init("页面访问", top.map { Double($0.all) })])
  }

  private func pages(_ figures: PortalFigures) -> DataTable {
    DataTable(
      caption: "各页面的访问",
      columns: [Column("页面", .text), Column("未登录", .number), Column("登录后", .number), Column("合计", .number)],
      rows: figures.pages.map { line in
        let label = PortalPages.labels[line.page] ?? line.page
        return TableRow(
          id: line.page, name: label, path: nil,
          cells: [
            .text(label), .text(grouped(Int(line.strangers))), .text(grouped(Int(line.residents))),
            .text(grouped(Int(line.all))),
          ])
      }, opensPanel: false, empty: .empty("这段时间没有人访问", "换一段日期再看；刚打开的几秒后计入。"))
  }

  private func platforms(_ figures: PortalFigures) -> DataTable {
    DataTable(
      caption: "各平台的用户", columns: [Column("登录平台", .text), Column("现有绑定", .number), Column("期间新绑定", .number)],
      rows: figures.platforms.map { line in
        TableRow(
          id: line.label, name: line.label, path: nil,
          cells: [.text(line.label), .text(grouped(Int(line.all))), .text(grouped(Int(line.new)))])
      }, opensPanel: false, empty: .empty("还没有人用平台身份登录", "群众用统一身份认证平台登录后，会按平台统计。"))
  }

  private func days(_ figures: PortalFigures) -> DataTable {
    DataTable(
      caption: "每天的访问和用户",
      columns: [
        Column("日期", .text), Column("页面访问", .number), Column("新注册", .number), Column("新绑定", .number),
        Column("解绑", .number), Column("绑定净增", .number),
      ],
      rows: figures.days.reversed().map { day in
        let figures = [day.visits, day.registered, day.bound, day.unbound, day.net]
        return TableRow(
          id: day.day.description, name: day.day.description, path: nil,
          cells: [HTML.text(day.day.description)] + figures.map { HTML.text(grouped(Int($0))) })
      }, opensPanel: false, empty: .empty("没有日期", "请选起止日期。"))
  }

  private func export(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("portal_admin", "export"), toDo: "导出门户访问统计")
    let (asked, figures) = try await figures(visit)
    let encoder = CSVEncoder()
    var bytes: [UInt8] = []
    encoder.begin(into: &bytes)
    encoder.encode(["分组", "名称", "未登录访问", "登录后访问", "访问合计"], into: &bytes)
    for line in figures.pages {
      encoder.encode(
        ["页面", PortalPages.labels[line.page] ?? line.page, "\(line.strangers)", "\(line.residents)", "\(line.all)"],
        into: &bytes)
    }
    encoder.encode(["分组", "日期", "访问", "新注册", "新绑定", "解绑", "绑定净增"], into: &bytes)
    for day in figures.days {
      encoder.encode(
        ["每天", "\(day.day)", "\(day.visits)", "\(day.registered)", "\(day.bound)", "\(day.unbound)", "\(day.net)"],
        into: &bytes)
    }
    encoder.encode(["分组", "平台", "现有绑定", "期间新绑定"], into: &bytes)
    for line in figures.platforms {
      encoder.encode(["平台", line.label, "\(line.all)", "\(line.new)"], into: &bytes)
    }
    encoder.encode(["用户", "群众账号", "\(figures.users)"], into: &bytes)
    var response = Response.bytes(bytes, type: "text/csv; charset=utf-8")
    response.attach(as: "门户访问统计-\(asked.since)-\(asked.until).csv")
    return response
  }

  private static func json(_ figures: PortalFigures) -> JSON {
    [
      "users": .int(Int64(figures.users)),
      "pages": .array(
        figures.pages.map {
          ["page": .string($0.page), "strangers": .int($0.strangers), "residents": .int($0.residents)]
        }),
      "days": .array(
        figures.days.map {
          [
            "day": .string($0.day.description), "visits": .int($0.visits), "registered": .int($0.registered),
            "bound": .int($0.bound), "unbound": .int($0.unbound),
          ]
        }),
      "platforms": .array(
        figures.platforms.map { ["label": .string($0.label), "all": .int($0.all), "new": .int($0.new)] }),
    ]
  }
}
