import Access
import Connectors
import Core
import Entities
package import Feeds
import HTML
package import HTTP
package import Jobs
import Shell
package import Site

/// The feeds (数据同步): how each stands, starting one, sending a file, and the report of a run.
package struct FeedRoutes: Sendable {
  let site: Site
  let service: FeedService
  let jobs: JobQueue
  /// The data folder; files wait in `imports` below it.
  let folder: String

  package init(site: Site, service: FeedService, jobs: JobQueue, folder: String) {
    self.site = site
    self.service = service
    self.jobs = jobs
    self.folder = folder
  }

  package func register(in router: inout Router) {
    router.on(.get, "/feeds", at: site) { visit in try await list(visit) }
    router.on(.get, "/feeds/{name}", at: site) { visit in try await detail(visit) }
    router.on(.post, "/feeds/{name}/run", at: site) { visit in try await run(visit, .incremental) }
    router.on(.get, "/feeds/{name}/full", at: site) { visit in try await askFull(visit) }
    router.on(.post, "/feeds/{name}/full", at: site) { visit in try await run(visit, .full) }
    router.on(.get, "/feeds/{name}/file", at: site) { visit in try await askFile(visit, nil) }
    router.on(.post, "/feeds/{name}/file", maximumBody: 500 << 20, at: site) { visit in try await receive(visit) }
    router.on(.get, "/feeds/runs/{run}", at: site) { visit in try await report(visit) }
    router.on(.get, "/feeds/runs/{run}/decide", at: site) { visit in try await askDecision(visit) }
    router.on(.post, "/feeds/runs/{run}/decide", at: site) { visit in try await decide(visit) }
  }

  static let view = Permission("feed", "view")
  static let start = Permission("feed", "run")

  func feed(_ visit: Visit) throws -> Feed {
    try visit.principal.require(FeedRoutes.view, toDo: "查看数据同步")
    return try service.feed(try visit.request.parameter("name"))
  }

  static func badge(_ run: FeedRun?) -> Badge {
    switch run?.state {
    case nil: Badge("没有同步过", .neutral)
    case .running: Badge("进行中", .info)
    case .done: Badge("已同步", .success)
    case .asking: Badge("等待确认", .warning)
    case .failed: Badge("没有完成", .danger)
    case .cancelled: Badge("已停止", .neutral)
    }
  }

  /// 5 分钟, 3 小时, 2 天.
  private func lag(_ synced: Instant?) -> String {
    guard let synced else { return "—" }
    let minutes = Int((service.store.clock.now() - synced) / 60)
    return minutes < 1
      ? "刚刚" : minutes < 120 ? "\(minutes) 分钟前" : minutes < 2880 ? "\(minutes / 60) 小时前" : "\(minutes / 1440) 天前"
  }

  // MARK: List

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(FeedRoutes.view, toDo: "查看数据同步")
    let rows = try await service.standings().map { standing in
      TableRow(
        id: standing.feed.name, name: standing.feed.label, path: "/feeds/\(standing.feed.name)",
        cells: [
          .text(standing.feed.label), FeedRoutes.badge(standing.last).html,
          .text(service.store.catalog.entity(standing.feed.register)?.label ?? standing.feed.register),
          .text(lag(standing.syncedAt)), .text(grouped(Int(standing.records))),
          .text(standing.differences == 0 ? "" : grouped(Int(standing.differences))),
          .text(standing.pending == 0 ? "" : grouped(Int(standing.pending))),
          .text(standing.isConnected ? standing.last?.tally.words ?? "" : "接口没有开通，可以上传文件"),
        ])
    }
    return try await visit.page(
      "数据同步", layout: .wide, subtitle: "对方的编号记在旁边，本系统的编码不变；本系统订正过的不会被覆盖",
      actions: [
        Action("待定差异", .link("/r/feed_difference?state=open"), icon: .list),
        Action("同步记录", .link("/r/feed_run"), icon: .list),
      ]
    ) {
      DataTable(
        caption: "同步源",
        columns: [
          Column("同步源"), Column("状态", .state), Column("登记表"), Column("最近一致"), Column("记录", .number),
          Column("待定差异", .number), Column("待重试", .number), Column("最近一次", .wide),
        ], rows: rows, opensPanel: false, empty: .empty("没有同步源", "在 Resources 的 feeds 目录里声明后会显示在这里。"))
    }
  }

  // MARK: One

  private func detail(_ visit: Visit) async throws -> Response {
    let feed = try feed(visit)
    let standing = try await service.standing(feed)
    let path = "/feeds/\(feed.name)"
    let isRunning = standing.last?.state == .running
    let blocked: String? =
      isRunning ? "正在同步" : standing.last?.state == .asking ? "上一次全量核对还在等待确认" : nil
    let unconnected = standing.isConnected ? nil : "接口没有开通，请在“对接系统”里设置"
    var actions: [Action] = []
    var more: [Action] = []
    if visit.principal.may(FeedRoutes.start) {
      actions = [
        Action(
          "增量同步", .post("\(path)/run", []), style: .primary, icon: .refresh, disabledReason: blocked ?? unconnected),
        Action("上传文件", .link("\(path)/file"), icon: .upload, disabledReason: blocked),
      ]
      more = [Action("全量核对", .dialog("\(path)/full"), icon: .check, disabledReason: blocked ?? unconnected)]
    }
    let reasons = try await service.pendingReasons(feed)
    let runs = try await service.runs(of: feed.name, limit: 20)
    let register = service.store.catalog.entity(feed.register)?.label ?? feed.register
    return try await visit.page(
      feed.label, crumbs: [Crumb("数据同步", "/feeds")], badge: FeedRoutes.badge(standing.last), actions: actions,
      moreActions: more
    ) {
      if let run = standing.last, run.state == .asking {
        Notice(
          .warning, run.message ?? "等待确认。",
          actions: [Action("看报告并确认", .link("/feeds/runs/\(run.id)"))])
      }
      if let run = standing.last, run.state == .running, let job = run.job {
        Notice(
          .info, "正在同步：\(run.tally.words.isEmpty ? "刚开始" : run.tally.words)。",
          actions: [Action("看进度", .link("/jobs/\(job)"))])
      }
      TileRow([
        Tile("对应的\(register)", value: grouped(Int(standing.records)), unit: "条"),
        Tile(
          "待定差异", value: grouped(Int(standing.differences)), unit: "条",
          path: "/r/feed_difference?state=open&feed_label=\(PercentEncoding.encode(feed.label))"),
        Tile("待重试", value: grouped(Int(standing.pending)), unit: "条"),
        Tile("最近一致", value: lag(standing.syncedAt)),
      ])
      if !reasons.isEmpty {
        Card("没有接收的原因", isFlush: true) {
          DataTable(
            caption: "没有接收的原因", columns: [Column("原因", .wide), Column("条数", .number)],
            rows: reasons.map { item in
              TableRow(
                id: item.reason, name: item.reason, path: nil,
                cells: [.text(item.reason), .text(grouped(Int(item.count)))])
            }, opensPanel: false, empty: .empty("没有", "都接收了。"))
        }
      }
      Card("最近的同步", isFlush: true) { FeedRoutes.table(runs) }
      Card("约定") {
        DetailList([
          DetailItem("登记表", text: register), DetailItem("对接系统", text: feed.connector, isCode: true),
          DetailItem("对方编号", text: feed.rows.first { $0.name == feed.key }?.label),
          DetailItem("清洗规则", text: "\(feed.clean.count) 条"),
          DetailItem(
            "随对方变化",
            text: feed.followed.compactMap { service.store.catalog.entity(feed.register)?.field($0)?.label }.joined(
              separator: "、"), isWide: true),
          DetailItem("对方删除的", text: feed.cancel.isEmpty ? "不动" : "注销，不删除"),
          DetailItem("全量核对", text: feed.cancel.isEmpty ? "只列出" : "对方没有的超过 \(feed.vanish)% 时停下来问"),
          DetailItem("说明", text: feed.help, isWide: true),
        ])
      }
    }
  }

  static func table(_ runs: [FeedRun]) -> DataTable {
    DataTable(
      caption: "最近的同步",
      columns: [
        Column("开始", .date), Column("方式"), Column("状态", .state), Column("新增", .number), Column("更新", .number),
        Column("注销", .number), Column("差异", .number), Column("未接收", .number), Column("发起人"),
      ],
      rows: runs.map { run in
        TableRow(
          id: String(run.id), name: run.startedAt.display, path: "/feeds/runs/\(run.id)",
          cells: [
            .text(run.startedAt.display), .text("\(run.mode.label)·\(run.origin == .file ? "文件" : "接口")"),
            badge(run).html, .text(grouped(run.tally[.created])), .text(grouped(run.tally[.updated])),
            .text(grouped(run.tally[.cancelled])), .text(grouped(run.tally[.held])),
            .text(grouped(run.tally[.refused])),
            .text(run.startedBy),
          ])
      }, opensPanel: false, empty: .empty("还没有同步过", "先做一次全量核对，以后自动增量同步。"))
  }
}
