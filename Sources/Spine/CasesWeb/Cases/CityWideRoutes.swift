import Access
package import Cases
import Core
import Entities
import HTML
package import HTTP
import Shell
package import Site

/// 全市通办情况分析 (C-541, C-543): how many completed cases each station handled for itself, for others, and had handled.
package struct CityWideRoutes: Sendable {
  let site: Site
  let cases: CaseStore

  package init(site: Site, cases: CaseStore) {
    self.site = site
    self.cases = cases
  }

  package func register(in router: inout Router) {
    router.on(.get, "/city-wide", at: site) { visit in try await show(visit) }
  }

  private func show(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission(ServiceCase.cityWide, "view"), toDo: "查看通办情况")
    let today = cases.store.clock.now().chinaTime.date
    let first = CivilDate(year: today.year, month: 1, day: 1) ?? today
    let from = visit.request.query.first("from").flatMap { CivilDate($0) } ?? first
    let to = visit.request.query.first("to").flatMap { CivilDate($0) } ?? today
    guard from <= to else {
      throw Refusal(.invalid, "period", "开始日期晚于结束日期，没有统计。请改正后再查询。", field: "from")
    }
    let rows = try await CityWideSummary(cases.store.records(as: visit.principal, origin: visit.request.origin))
      .rows(from: from, to: to)
    if visit.wantsJSON { return .json(json(rows, from, to)) }
    let period = "state=completed&finished_at.from=\(from)&finished_at.to=\(to)"
    func link(_ path: String, _ count: Int) -> HTML {
      count == 0 ? .text("0") : a(.href("\(path)&\(period)")) { grouped(count) }
    }
    let table = DataTable(
      caption: "各派出所通办情况",
      columns: [
        Column("派出所"), Column("本所办结", .number, help: "本所受理并办结的本所业务"),
        Column("办结他所", .number, help: "本所受理并办结的其他派出所业务"),
        Column("他所办结", .number, help: "户籍在本所、由其他派出所受理并办结的业务"), Column("通办占比", .number, help: "办结他所占本所全部办结的比例"),
      ],
      rows: rows.map { row in
        let id = String(row.unit)
        return TableRow(
          id: id, name: row.name, path: nil,
          cells: [
            .text(row.name), link("/r/service_case?unit_id=\(id)&home_unit_id=\(id)", row.own),
            link("/r/city_wide_case?accepting_unit_id=\(id)", row.forOthers),
            link("/r/city_wide_case?unit_id=\(id)", row.byOthers), .text(row.share),
          ])
      }, opensPanel: false,
      empty: .empty("这段时间没有办结的业务", "换一段时间再查询；您只看到自己数据范围内的派出所。"))
    return try await visit.page(
      "通办情况", layout: .wide, crumbs: [Crumb("通办业务", "/r/city_wide_case")],
      subtitle: "按办结时间统计 \(from) 至 \(to)；数字打开对应的办件。", actions: [Action("打印", .print, icon: .print)]
    ) {
      FilterBar(
        path: "/city-wide", search: nil,
        basic: [
          Shell.Field("from", "办结日期自", .date(from.description)), Shell.Field("to", "至", .date(to.description)),
        ])
      Card(isFlush: true) { table }
    }
  }

  private func json(_ rows: [CityWideSummary.Row], _ from: CivilDate, _ to: CivilDate) -> JSON {
    [
      "from": .string(from.description), "to": .string(to.description),
      "stations": .array(
        rows.map { row in
          [
            "unit": .int(row.unit), "name": .string(row.name), "own": .int(Int64(row.own)),
            "for_others": .int(Int64(row.forOthers)), "by_others": .int(Int64(row.byOthers)),
          ]
        }),
    ]
  }
}
