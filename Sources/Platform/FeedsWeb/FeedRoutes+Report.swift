import Access
import Core
import Entities
import Feeds
import HTML
import HTTP
import Shell
import Site

/// The report of a run (对账报告): what became of the rows, the counts of both sides, and what a full run asks.
extension FeedRoutes {
  private func run(_ visit: Visit) async throws -> (FeedRun, Feed) {
    try visit.principal.require(FeedRoutes.view, toDo: "查看数据同步")
    let run = try await service.find(run: try visit.request.integer("run"))
    return (run, try service.feed(run.feed))
  }

  private static func tone(_ outcome: FeedOutcome) -> Tone {
    switch outcome {
    case .created, .updated: .success
    case .unchanged, .dropped: .neutral
    case .cancelled: .info
    case .held, .vanished: .warning
    case .refused: .danger
    }
  }

  func report(_ visit: Visit) async throws -> Response {
    let (run, feed) = try await run(visit)
    let tally = run.tally
    let rows = "/r/feed_row?run_id=\(run.id)"
    let isListed = { (outcome: FeedOutcome) in outcome != .unchanged || run.mode == .incremental }
    let classes = FeedOutcome.allCases.filter { tally[$0] > 0 }.map { outcome in
      TableRow(
        id: outcome.rawValue, name: outcome.label,
        path: isListed(outcome) ? "\(rows)&outcome=\(outcome.rawValue)" : nil,
        cells: [
          Badge(outcome.label, FeedRoutes.tone(outcome)).html, .text(grouped(tally[outcome])),
          .text(FeedRoutes.meaning(outcome, isListed(outcome))),
        ])
    }
    let names = try await service.store.records(as: .system).divisionNames()
    let counts = run.byDivision.map { count in
      let gap = count.theirs.map { $0 - count.ours }
      return TableRow(
        id: count.division, name: count.division, path: nil,
        cells: [
          .text(count.division.isEmpty ? "没有区划" : names.path(of: count.division) ?? count.division),
          .text(count.theirs.map { grouped(Int($0)) } ?? "没有提供"), .text(grouped(Int(count.ours))),
          .text(gap.map { $0 == 0 ? "一致" : $0 > 0 ? "少 \($0)" : "多 \(-$0)" } ?? "—"),
        ])
    }
    var actions: [Action] = []
    if run.state == .asking, visit.principal.may(Permission("feed", "decide")) {
      if !feed.cancel.isEmpty {
        actions.append(Action("注销这 \(tally[.vanished]) 条", .dialog("/feeds/runs/\(run.id)/decide"), style: .danger))
      }
      actions.append(
        Action("保留不动", .post("/feeds/runs/\(run.id)/decide", [HiddenField("answer", "keep")]), style: .normal))
    }
    if run.state == .running, let job = run.job { actions.append(Action("看进度", .link("/jobs/\(job)"), icon: .list)) }
    actions.append(Action("全部明细", .link(rows), icon: .list))
    return try await visit.page(
      "\(feed.label)对账报告", crumbs: [Crumb("数据同步", "/feeds"), Crumb(feed.label, "/feeds/\(feed.name)")],
      badge: FeedRoutes.badge(run),
      subtitle:
        "\(run.startedAt.display) 开始，\(run.mode.label)，\(run.origin == .file ? "经文件" : "经接口")，\(run.startedBy)发起",
      actions: actions
    ) {
      if let message = run.message {
        Notice(run.state == .failed ? .danger : run.state == .asking ? .warning : .info, message)
      }
      TileRow([
        Tile("收到", value: grouped(tally.total), unit: "条"),
        Tile("新增和更新", value: grouped(tally[.created] + tally[.updated]), unit: "条"),
        Tile(
          "有差异待定", value: grouped(tally[.held]), unit: "条",
          path: "/r/feed_difference?run_id=\(run.id)"),
        Tile("未接收", value: grouped(tally[.refused]), unit: "条", path: "\(rows)&outcome=refused"),
      ])
      Card("各类结果", isFlush: true) {
        DataTable(
          caption: "各类结果", columns: [Column("结果", .state), Column("条数", .number), Column("说明", .wide)], rows: classes,
          opensPanel: false,
          empty: .empty(
            run.state == .running ? "还没有结果" : "没有变动", run.state == .running ? "同步正在进行，稍后刷新。" : "对方这次没有新的变动。"))
      }
      if run.state != .running {
        Card("两边计数", isFlush: true) {
          DataTable(
            caption: "两边计数",
            columns: [Column("区划", .wide), Column("对方", .number), Column("本系统", .number), Column("差额")],
            rows: counts, opensPanel: false, empty: .empty("没有计数", "同步完成后按区县核对两边的条数。"))
        }
      }
    }
  }

  private static func meaning(_ outcome: FeedOutcome, _ isListed: Bool) -> String {
    switch outcome {
    case .created: "本系统原来没有"
    case .updated: "对方有变动，已更新"
    case .unchanged: isListed ? "内容与上次一样" : "内容与上次一样，全量核对只计数"
    case .cancelled: "对方已删除，本系统注销，不删除"
    case .held: "本系统订正过或正在核实，没有覆盖，请在“同步差异”里决定"
    case .refused: "不合要求，原因见明细；改好后下次同步自动再试"
    case .dropped: "按约定不进入本系统"
    case .vanished: "全量核对时对方没有"
    }
  }

  func askDecision(_ visit: Visit) async throws -> Response {
    let (run, feed) = try await run(visit)
    try visit.principal.require(Permission("feed", "decide"), toDo: "确认全量核对的注销")
    return try await visit.confirmation(
      Confirmation(
        title: "注销对方没有的 \(run.tally[.vanished]) 条",
        consequences: ["逐条注销，不删除，历史保留；正在核实的不动，列为差异。", "请先在明细里核对，确认不是对方漏传。"], fields: [], errors: [],
        path: "/feeds/runs/\(run.id)/decide", submit: "注销", cancelPath: "/feeds/runs/\(run.id)"),
      crumbs: [Crumb("数据同步", "/feeds"), Crumb(feed.label, "/feeds/\(feed.name)")])
  }

  func decide(_ visit: Visit) async throws -> Response {
    let (run, _) = try await run(visit)
    let cancels = try await visit.request.body.form().first("answer") != "keep"
    let decided = try await service.decide(
      run.id, cancels: cancels, by: visit.principal, origin: visit.request.origin)
    if cancels { try await service.resume(decided, by: visit.principal, on: jobs) }
    return try visit.redirect(to: "/feeds/runs/\(run.id)", saying: cancels ? "已开始注销。" : "已保留，没有注销。")
  }
}
