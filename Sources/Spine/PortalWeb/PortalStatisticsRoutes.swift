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

  /// The days, and the platform whose users are counted; its label is `nil` for all.
  private struct Asked {
    let days: AskedDays
    let platforms: [Choice]
    let platform: Choice?

    var scope: String { platform.map { "\($0.label)的用户，页面访问不分平台" } ?? "全市" }
    var query: String { platform.map { "\(days.query)&platform=\($0.value)" } ?? days.query }
  }

  private func figures(_ visit: Visit) async throws -> (Asked, PortalFigures) {
    try visit.principal.require(Permission("portal_admin", "statistics"), toDo: "查看门户访问统计")
    let days = try AskedDays(visit)
    let platforms = try await store.records(as: .system, purpose: "用户统计").list(
      ListQuery("identity_provider", columns: ["name"], limit: 100)
    ).records.map { Choice(String($0.id), $0["name"].text ?? "") }
    let text = visit.request.query.first("platform") ?? ""
    let platform = platforms.first { $0.value == text }
    guard text.isEmpty || platform != nil else {
      throw Refusal(.invalid, "query-value", "没有这个登录平台，没有统计。请重新选择。", field: "platform")
    }
    let figures = try await PortalFigures.read(
      store, from: days.since, to: days.until, provider: platform.flatMap { Int64($0.value) })
    return (Asked(days: days, platforms: platforms, platform: platform), figures)
  }

  private func page(_ visit: Visit) async throws -> Response {
    let (asked, figures) = try await figures(visit)
    if visit.wantsJSON { return .json(PortalStatisticsRoutes.json(figures)) }
    let mayExport = visit.principal.may(Permission("portal_admin", "export"))
    return try await visit.page(
      "门户访问统计", layout: .wide,
      subtitle: "\(asked.days.since) 至 \(asked.days.until)，\(asked.scope)；只记次数，不记谁看的",
      actions: asked.days.actions(export: mayExport ? "/statistics/portal/export?\(asked.query)" : nil),
      scripts: [.chart]
    ) {
      asked.days.search(
        "/statistics/portal",
        fields: {
          if !asked.platforms.isEmpty {
            Shell.Field(
              "platform", "用户来自", .select(asked.platform?.value ?? "", asked.platforms, blank: "全部平台"))
          }
        })
      tiles(asked, figures)
      if asked.platform == nil {
        visits(figures)
        Card("各平台的用户", isFlush: true) { platforms(figures) }
      }
      Card("每天", isFlush: true) { days(figures, withVisits: asked.platform == nil) }
    }
  }

  private func tiles(_ asked: Asked, _ figures: PortalFigures) -> TileRow {
    let users = [
      Tile(asked.platform == nil ? "群众账号" : "绑定的账号", value: grouped(figures.users), icon: .people),
      Tile("期间新注册", value: grouped(Int(figures.sum(\.registered))), icon: .plus),
      Tile(
        "实名绑定净增", value: grouped(Int(figures.sum(\.net))),
        note: "绑定 \(figures.sum(\.bound))，解绑 \(figures.sum(\.unbound))", icon: .check),
    ]
    if asked.platform != nil { return TileRow(users) }
    return TileRow([Tile("页面访问", value: grouped(Int(figures.sum(\.visits))), unit: "次", icon: .eye)] + users)
  }

  @HTMLBuilder private func visits(_ figures: PortalFigures) -> HTML {
    if figures.days.count > 1 {
      Card("每天的访问") {
        ChartView(
          .line, title: "每天的访问", unit: "次", categories: figures.days.map(\.day.description),
          series: [.init("页面访问", figures.days.map { Double($0.visits) })])
      }
    }
    if !figures.pages.isEmpty { Card("最常看的页面") { ranking(figures) } }
    Card("各页面的访问", isFlush: true) { pages(figures) }
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

  private func days(_ figures: PortalFigures, withVisits: Bool) -> DataTable {
    DataTable(
      caption: withVisits ? "每天的访问和用户" : "每天的用户",
      columns: [Column("日期", .text)] + (withVisits ? [Column("页面访问", .number)] : [])
        + ["新注册", "新绑定", "解绑", "绑定净增"].map { Column($0, .number) },
      rows: figures.days.reversed().map { day in
        let figures = (withVisits ? [day.visits] : []) + [day.registered, day.bound, day.unbound, day.net]
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
    if asked.platform == nil {
      encoder.encode(["分组", "名称", "未登录访问", "登录后访问", "访问合计"], into: &bytes)
      for line in figures.pages {
        encoder.encode(
          [
            "页面", PortalPages.labels[line.page] ?? line.page, "\(line.strangers)", "\(line.residents)", "\(line.all)",
          ], into: &bytes)
      }
    }
    // Visits are not told by platform.
    let visits = asked.platform == nil
    encoder.encode(["分组", "日期"] + (visits ? ["访问"] : []) + ["新注册", "新绑定", "解绑", "绑定净增"], into: &bytes)
    for day in figures.days {
      encoder.encode(
        ["每天", "\(day.day)"] + (visits ? ["\(day.visits)"] : [])
          + ["\(day.registered)", "\(day.bound)", "\(day.unbound)", "\(day.net)"], into: &bytes)
    }
    if asked.platform == nil {
      encoder.encode(["分组", "平台", "现有绑定", "期间新绑定"], into: &bytes)
      for line in figures.platforms {
        encoder.encode(["平台", line.label, "\(line.all)", "\(line.new)"], into: &bytes)
      }
    }
    encoder.encode(["用户", asked.platform?.label ?? "群众账号", "\(figures.users)"], into: &bytes)
    var response = Response.bytes(bytes, type: "text/csv; charset=utf-8")
    response.attach(as: "门户访问统计-\(asked.days.since)-\(asked.days.until).csv")
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
