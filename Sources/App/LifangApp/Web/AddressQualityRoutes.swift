import Access
import Addresses
import Core
import Entities
import HTML
import HTTP
import Jobs
import Shell
import Site

/// 地址质量: how many addresses wait to be looked at, of what kind and where, and the way to inspect the base now
/// (A-069, A-070, A-071).
struct AddressQualityRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let jobs: JobQueue

  func register(in router: inout Router) {
    router.on(.get, "/addresses/quality", at: site) { visit in try await page(visit) }
    router.on(.post, "/addresses/quality/inspect", at: site) { visit in try await inspect(visit) }
  }

  private func inspect(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("address_quality", "inspect"), toDo: "检查地址质量")
    let job = try await jobs.add(
      AddressQualityJob(actor: visit.principal.actor), label: AddressQualityJob.label, by: visit.principal,
      uniqueKey: AddressQualityJob.uniqueKey)
    // One that somebody else began is not this person's to follow.
    let isMine = try await jobs.get(job).createdBy == visit.principal.actor
    return isMine
      ? .redirect(to: "/jobs/\(job)")
      : try visit.redirect(to: "/addresses/quality", saying: "别人开始的检查正在进行，完成后这里会更新。", tone: .info)
  }

  private func page(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("address_quality", "view"), toDo: "查看地址质量")
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let open = [ListFilter("state", .equals(.text("open")))]
    func count(by field: String) async throws -> [AggregateRow] {
      try await records.aggregate(
        AggregateQuery(AddressDefect.entity, filters: open, groups: [.init(field)], limit: 200))
    }
    let kinds = try await count(by: "kind")
    let stations = try await count(by: "police_station_id")
    let total = kinds.reduce(0) { $0 + ($1.measures.first?.integer ?? 0) }
    let last = try await jobs.list(states: [.done], kind: AddressQualityJob.kind, limit: 1).first
    let mayInspect = visit.principal.may(Permission("address_quality", "inspect"))
    var actions = [Action("问题地址", .link("/r/address_defect?state=open"), style: .primary, icon: .list)]
    if mayInspect { actions.append(Action("现在检查", .post("/addresses/quality/inspect", []), icon: .refresh)) }
    actions.append(Action("统计和导出", .link("/r/address_defect/statistics")))
    return try await visit.page(
      "地址质量", layout: .wide, crumbs: [Crumb("标准地址", "/r/address")],
      badge: total == 0 ? Badge("没有待核实的问题", .success) : Badge("\(grouped(Int(total))) 条待核实", .warning),
      subtitle: last.map { subtitle($0) } ?? "还没有检查过；每天凌晨自动检查一次", actions: actions
    ) {
      Notice(.info, "涉及的地址在订正或核实为“属实不改”之前，不能申领门牌；只是门牌号缺漏的不受影响。")
      if total == 0 {
        StateView.empty("没有待核实的问题地址", last == nil ? "请先检查一次，或等夜间的检查。" : "您的数据范围内没有发现问题。", icon: .address)
      } else {
        Card("各类问题", isFlush: true) {
          table("各类问题", "问题", kinds) { "/r/address_defect?state=open&kind=\($0)" }
        }
        Card("各派出所", isFlush: true) {
          table("各派出所", "派出所", stations) {
            $0.isEmpty
              ? "/r/address_defect?state=open&police_station_id.empty=true"
              : "/r/address_defect?state=open&police_station_id=\($0)"
          }
        }
      }
    }
  }

  private func subtitle(_ job: Job) -> String {
    let when = job.finishedAt?.display ?? ""
    guard let result = job.result, let addresses = result["addresses"]?.int else { return "上次检查：\(when)" }
    return
      "上次检查：\(when)，检查 \(grouped(Int(addresses))) 条地址，新增 \(result["new"]?.int ?? 0) 条，已消除 \(result["gone"]?.int ?? 0) 条；每天凌晨自动检查"
  }

  private func table(
    _ caption: String, _ column: String, _ rows: [AggregateRow], path: (String) -> String
  ) -> DataTable {
    let largest = rows.compactMap { $0.measures.first?.integer }.max() ?? 1
    return DataTable(
      caption: caption,
      columns: [Column(column, .text), Column("待核实", .number), Column("对比", .wide, isOnPhone: false)],
      rows: rows.map { row in
        let count = row.measures.first?.integer ?? 0
        let key = row.keys.first?.plainText ?? ""
        return TableRow(
          id: "\(column)-\(key)", name: row.labels.first ?? key, path: path(key),
          cells: [
            .text(row.labels.first ?? key), .text(grouped(Int(count))),
            element("meter", .min("0"), .max(String(largest)), .value(String(count)), .class("share")) { "\(count)" },
          ])
      }, opensPanel: false, empty: .empty("没有", ""))
  }
}
