import Cases
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Where the person of an alert was last known to be (C-034); asked for with a purpose, which the audit keeps.
extension CaseRoutes {
  func registerWhereabouts(in router: inout Router) {
    router.on(.get, "/cases/{id}/alerts/{alert}/whereabouts", at: site) { visit in
      let view = try await view(visit)
      return try await visit.confirmation(whereabouts(view, try visit.request.integer("alert"), nil))
    }
    router.on(.post, "/cases/{id}/alerts/{alert}/whereabouts", at: site) { visit in try await showWhereabouts(visit) }
  }

  private func whereabouts(_ view: CaseView, _ alert: Int64, _ error: String?) -> Confirmation {
    LookPurpose.question(
      "查询最后登记的地点", consequence: "按您的权限在人口、居住登记和办件里查找，查询和用途记入日志。",
      path: "/cases/\(view.id)/alerts/\(alert)/whereabouts", submit: "查询", cancel: "/cases/\(view.id)", error: error)
  }

  private func showWhereabouts(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let alert = try visit.request.integer("alert")
    guard let purpose = LookPurpose.stated(try await visit.request.body.form()) else {
      return try await visit.confirmation(whereabouts(view, alert, "请选择查询的用途。"))
    }
    let sightings = try await cases.whereabouts(
      of: alert, in: view, purpose: purpose, by: visit.principal, origin: visit.request.origin)
    if visit.wantsJSON {
      return .json(
        .array(
          sightings.map {
            ["kind": .string($0.kind), "on": .string($0.on.description), "place": .string($0.place)]
          }))
    }
    let person = view.alerts.first { $0.id == alert }?["person"].text ?? ""
    let rows = sightings.enumerated().map { index, one in
      let path =
        one.register == ServiceCase.entity ? "/cases/\(one.record)" : "/r/\(one.register)/\(one.record)"
      return TableRow(
        id: String(index), name: one.kind, path: path,
        cells: [.text(one.on.description), .text(one.kind), .text(one.place)])
    }
    return try await visit.page(
      "最后登记的地点", crumbs: [Crumb("办件", "/cases/\(view.id)")],
      subtitle: "\(view.record["number"].text ?? "") · \(person)",
      actions: [Action("登记处置", .link("/r/case_alert/\(alert)"), style: .primary)]
    ) {
      Notice(.info, "只列出您数据范围内的登记，最近的在前。此人现在正在办理这件业务。")
      DataTable(
        caption: "最后登记的地点", columns: [Column("日期", .date), Column("来自", .text), Column("地点", .wide, isOnPhone: true)],
        rows: rows, opensPanel: false,
        empty: .empty("您的数据范围内没有其他登记", "可以请有全市数据范围的单位查询，或按处置规定上报。"))
    }
  }
}
