import Access
import Addresses
import Core
import Entities
import HTML
import HTTP
import Jobs
import Shell
import Site

/// What the page of one base says about it: of addresses (A-069, A-070, A-071) and of grids (D3-005 to D3-009).
struct QualitySubject: Sendable {
  /// 地址质量.
  let title: String
  let parent: Crumb
  /// Where the page is; the inspection is asked for below it.
  let path: String
  /// The register of defects, which has `state` and `kind`.
  let register: String
  /// What whoever opens the page must be allowed to.
  let view: Permission
  /// What waits: 问题地址.
  let label: String
  /// What the job's result counts under this name, in words.
  let counted: (key: String, words: String)
  let notice: String
  let nothing: (title: String, text: String)
  /// What it is counted by besides the kind: field and heading.
  let places: (field: String, heading: String)

  static let addresses = QualitySubject(
    title: "地址质量", parent: Crumb("标准地址", "/r/address"), path: "/addresses/quality", register: AddressDefect.entity,
    view: Permission("address_quality", "view"), label: "问题地址", counted: ("addresses", "条地址"),
    notice: "涉及的地址在订正或核实为“属实不改”之前，不能申领门牌；只是门牌号缺漏的不受影响。",
    nothing: ("没有待核实的问题地址", "请先检查一次，或等夜间的检查。"), places: ("police_station_id", "派出所"))

  static let grids = QualitySubject(
    title: "网格质量", parent: Crumb("网格", "/r/grid"), path: "/grids/quality", register: GridDefect.entity,
    view: Permission("grid_quality", "view"), label: "问题网格", counted: ("grids", "个网格"),
    notice: "同一类网格在所属区划里应铺满、不重叠、不越界。面积不足 1 ㎡ 或处处窄于 0.5 米的出入不计；区划没有界线的，只查网格之间的空洞。",
    nothing: ("没有待核实的问题网格", "请先检查一次，或等夜间的检查。"), places: ("grid_kind", "网格类型"))
}

/// How many defects of a base wait to be looked at, of what kind and where, and the way to inspect the base now.
struct QualityPage<Check: QualityJob>: Sendable {
  let site: Site
  let store: RecordStore
  let jobs: JobQueue
  let subject: QualitySubject

  init(_ check: Check.Type, of subject: QualitySubject, site: Site, store: RecordStore, jobs: JobQueue) {
    self.site = site
    self.store = store
    self.jobs = jobs
    self.subject = subject
  }

  func register(in router: inout Router) {
    router.on(.get, subject.path, at: site) { visit in try await show(visit) }
    router.on(.post, "\(subject.path)/inspect", at: site) { visit in try await inspect(visit) }
  }

  private func inspect(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Check.permission, toDo: Check.label)
    let job = try await jobs.add(
      Check(actor: visit.principal.actor), label: Check.label, by: visit.principal, uniqueKey: Check.uniqueKey)
    // One that somebody else began is not this person's to follow.
    let isMine = try await jobs.get(job).createdBy == visit.principal.actor
    return isMine
      ? .redirect(to: "/jobs/\(job)")
      : try visit.redirect(to: subject.path, saying: "别人开始的检查正在进行，完成后这里会更新。", tone: .info)
  }

  private func show(_ visit: Visit) async throws -> Response {
    try visit.principal.require(subject.view, toDo: "查看\(subject.title)")
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let open = [ListFilter("state", .equals(.text("open")))]
    func count(by field: String) async throws -> [AggregateRow] {
      try await records.aggregate(
        AggregateQuery(subject.register, filters: open, groups: [.init(field)], limit: 200))
    }
    let kinds = try await count(by: "kind")
    let places = try await count(by: subject.places.field)
    let total = kinds.reduce(0) { $0 + ($1.measures.first?.integer ?? 0) }
    let last = try await jobs.list(states: [.done], kind: Check.kind, limit: 1).first
    let mayInspect = visit.principal.may(Check.permission)
    var actions = [Action(subject.label, .link("/r/\(subject.register)?state=open"), style: .primary, icon: .list)]
    if mayInspect { actions.append(Action("现在检查", .post("\(subject.path)/inspect", []), icon: .refresh)) }
    actions.append(Action("统计和导出", .link("/r/\(subject.register)/statistics")))
    return try await visit.page(
      subject.title, layout: .wide, crumbs: [subject.parent],
      badge: total == 0 ? Badge("没有待核实的问题", .success) : Badge("\(grouped(Int(total))) 条待核实", .warning),
      subtitle: last.map { subtitle($0) } ?? "还没有检查过；每天凌晨自动检查一次", actions: actions
    ) {
      Notice(.info, subject.notice)
      if total == 0 {
        StateView.empty(
          subject.nothing.title, last == nil ? subject.nothing.text : "您的数据范围内没有发现问题。", icon: .address)
      } else {
        Card("各类问题", isFlush: true) {
          table("各类问题", "问题", kinds) { "/r/\(subject.register)?state=open&kind=\($0)" }
        }
        Card("各\(subject.places.heading)", isFlush: true) {
          table("各\(subject.places.heading)", subject.places.heading, places) {
            $0.isEmpty
              ? "/r/\(subject.register)?state=open&\(subject.places.field).empty=true"
              : "/r/\(subject.register)?state=open&\(subject.places.field)=\($0)"
          }
        }
      }
    }
  }

  private func subtitle(_ job: Job) -> String {
    let when = job.finishedAt?.display ?? ""
    guard let result = job.result, let count = result[subject.counted.key]?.int else { return "上次检查：\(when)" }
    return
      "上次检查：\(when)，检查 \(grouped(Int(count))) \(subject.counted.words)，新增 \(result["new"]?.int ?? 0) 条，已消除 \(result["gone"]?.int ?? 0) 条；每天凌晨自动检查"
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
