import Access
import Core
import Documents
package import Entities
import HTML
package import HTTP
import Shell
package import Site

/// The page of scans and users, and its table.
package struct ScanStatisticsRoutes: Sendable {
  let site: Site
  let store: RecordStore

  package init(site: Site, store: RecordStore) {
    self.site = site
    self.store = store
  }

  package func register(in router: inout Router) {
    router.on(.get, "/statistics/scans", at: site) { visit in try await page(visit) }
    router.on(.get, "/statistics/scans/export", at: site) { visit in try await export(visit) }
  }

  /// What was asked for.
  private struct Asked {
    let days: AskedDays
    let division: String

    var since: CivilDate { days.since }
    var until: CivilDate { days.until }
    var query: String { "\(days.query)&division=\(division)" }
  }

  private func asked(_ visit: Visit) throws -> Asked {
    let days = try AskedDays(visit)
    let division = visit.request.query.first("division") ?? ""
    guard division.count <= 12, division.allSatisfy({ $0.isASCII && $0.isNumber }) else {
      throw Refusal(.invalid, "query-value", "区划代码应为 2 到 12 位数字，没有统计。", field: "division")
    }
    return Asked(days: days, division: division)
  }

  private func figures(_ visit: Visit) async throws -> (Asked, ScanFigures) {
    try visit.principal.require(ScanFigures.permission, toDo: "查看扫码统计")
    let asked = try asked(visit)
    return (
      asked,
      try await ScanFigures.read(
        store, for: visit.principal, from: asked.since, to: asked.until, division: asked.division)
    )
  }

  private func page(_ visit: Visit) async throws -> Response {
    let (asked, figures) = try await figures(visit)
    if visit.wantsJSON { return .json(ScanStatisticsRoutes.json(figures)) }
    let mayExport = visit.principal.may(Permission("scan_statistics", "export"))
    return try await visit.page(
      "扫码统计", layout: .wide, subtitle: "\(asked.since) 至 \(asked.until)，您数据范围内的门牌；只记次数，不记谁扫的",
      actions: asked.days.actions(export: mayExport ? "/statistics/scans/export?\(asked.query)" : nil),
      scripts: [.chart]
    ) {
      asked.days.search(
        "/statistics/scans",
        kept: {
          if !asked.division.isEmpty {
            HiddenField("division", asked.division)
            a(.class("button button-quiet"), .href("/statistics/scans?\(asked.days.query)")) { "看全部区划" }
          }
        })
      TileRow([
        Tile("扫码次数", value: grouped(Int(figures.scans)), icon: .scan),
        Tile("注册群众用户", value: grouped(figures.users.all), note: "全市", icon: .people),
        Tile("期间新注册", value: grouped(figures.users.new), note: "全市", icon: .plus),
      ])
      if figures.days.count > 1 {
        Card("每天扫码次数") {
          ChartView(
            .line, title: "每天扫码次数", unit: "次", categories: figures.days.map(\.label),
            series: [.init("扫码次数", figures.days.map { Double($0.scans) })])
        }
      }
      Card("各地扫码", isFlush: true) {
        table("各地扫码", "区划", figures.places) { line in
          line.key.count < 12
            ? "/statistics/scans?since=\(asked.since)&until=\(asked.until)&division=\(line.key)" : nil
        }
      }
      Card("每天扫码", isFlush: true) { table("每天扫码", "日期", figures.days.reversed()) { _ in nil } }
    }
  }

  private func table(
    _ caption: String, _ column: String, _ lines: [ScanFigures.Line], path: (ScanFigures.Line) -> String?
  ) -> DataTable {
    DataTable(
      caption: caption, columns: [Column(column, .text), Column("扫码次数", .number), Column("扫过的门牌", .number)],
      rows: lines.map { line in
        TableRow(
          id: line.key, name: line.label, path: path(line),
          cells: [.text(line.label), .text(grouped(Int(line.scans))), .text(grouped(Int(line.plates)))])
      }, opensPanel: false, empty: .empty("这段时间没有人扫码", "换一段日期再看；刚扫的几秒后计入。"))
  }

  private func export(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("scan_statistics", "export"), toDo: "导出扫码统计")
    let (asked, figures) = try await figures(visit)
    let encoder = CSVEncoder()
    var bytes: [UInt8] = []
    encoder.begin(into: &bytes)
    encoder.encode(["分组", "代码或日期", "名称", "扫码次数", "扫过的门牌"], into: &bytes)
    for (group, lines) in [("各地", figures.places), ("每天", figures.days)] {
      for line in lines {
        encoder.encode([group, line.key, line.label, "\(line.scans)", "\(line.plates)"], into: &bytes)
      }
    }
    encoder.encode(["用户", "", "注册群众用户", "\(figures.users.all)", ""], into: &bytes)
    encoder.encode(["用户", "", "期间新注册", "\(figures.users.new)", ""], into: &bytes)
    var response = Response.bytes(bytes, type: "text/csv; charset=utf-8")
    response.attach(as: "扫码统计-\(asked.since)-\(asked.until).csv")
    return response
  }

  private static func json(_ figures: ScanFigures) -> JSON {
    func lines(_ lines: [ScanFigures.Line]) -> JSON {
      .array(
        lines.map {
          ["key": .string($0.key), "label": .string($0.label), "scans": .int($0.scans), "plates": .int($0.plates)]
        })
    }
    return [
      "scans": .int(figures.scans), "days": lines(figures.days), "places": lines(figures.places),
      "users": ["all": .int(Int64(figures.users.all)), "new": .int(Int64(figures.users.new))],
    ]
  }
}
