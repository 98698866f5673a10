import Access
import Core
import Ferry
import HTML
import HTTP
import SQL
import Shell
import Site

/// How the platform runs (运行情况): for operators who have no shell.
struct MonitorRoutes: Sendable {
  let site: Site
  let deployment: Deployment
  let dock: FerryDock
  let startedAt: Instant

  func register(in router: inout Router) {
    router.on(.get, "/operation", at: site) { visit in try await page(visit) }
  }

  private func require(_ visit: Visit) throws {
    try visit.principal.require(Permission("platform", "view"), toDo: "查看运行监控")
  }

  // MARK: Overview

  private func page(_ visit: Visit) async throws -> Response {
    try require(visit)
    let now = deployment.clock.now()
    let disk = RunSampler.disk(deployment.configuration.data)
    let counts = deployment.database.counts
    let hours = try await perHour(now)
    let backlogs = try await Backlog.all(in: deployment.database, at: now)
    let requests = hours.reduce(0) { $0 + $1.requests }
    let failed = hours.reduce(0) { $0 + $1.failed }
    let errors: Int64 =
      try await deployment.database.query(
        "select count(*) as n from run_event where level = 'error' and at > \(now + -86_400)"
      ).first?.get("n") ?? 0
    let load = site.server.figures
    if visit.wantsJSON {
      return .json([
        "requests": .int(requests), "failed": .int(failed), "errors": .int(errors),
        "working": .int(Int64(load.working)), "waiting": .int(Int64(load.waiting)),
        "refused": .int(Int64(load.refused)), "connections": .int(Int64(counts.open)), "diskFree": .int(disk.free),
        "backlogs": .array(
          backlogs.map { ["name": .string($0.name), "waiting": .int($0.waiting), "failed": .int($0.failed)] }),
      ])
    }
    let isFull = disk.whole > 0 && disk.free * 10 < disk.whole
    return try await visit.page(
      "运行情况", layout: .wide, badge: isFull || errors > 0 ? Badge("需要关注", .warning) : Badge("正常", .success),
      subtitle: "自 \(startedAt.display) 起运行", actions: [Action("刷新", .link("/operation"), icon: .refresh)],
      scripts: [.chart]
    ) {
      if isFull { Notice(.danger, "数据盘剩余空间不足一成。请清理或扩容，写满后系统会停止受理。") }
      TileRow([
        Tile("24 小时请求", value: grouped(Int(requests)), unit: "次"),
        Tile(
          "其中出错", value: grouped(Int(failed)), unit: "次", note: MonitorRoutes.share(failed, of: requests),
          noteTone: failed == 0 ? .success : .warning),
        Tile(
          "24 小时异常", value: grouped(Int(errors)), unit: "条", noteTone: errors == 0 ? .success : .warning,
          path: "/operation/exceptions?level=error"),
        Tile(
          "本机排队的请求", value: grouped(load.waiting), unit: "个",
          note: load.refused > 0 ? "在办 \(load.working)，启动以来没排上 \(load.refused)" : "在办 \(load.working)",
          noteTone: load.refused > 0 ? .warning : .neutral),
        Tile("数据库连接", value: "\(counts.open)", unit: "个", note: "空闲 \(counts.idle)，等待 \(counts.waiting)"),
        Tile(
          "数据盘剩余", value: "\(disk.free >> 30)", unit: "GB",
          note: disk.whole > 0 ? "共 \(disk.whole >> 30) GB" : nil, noteTone: isFull ? .danger : .neutral),
      ])
      Card("队列", isFlush: true) { backlogTable(backlogs) }
      if !hours.isEmpty {
        Card("24 小时的请求和错误") {
          ChartView(
            .line, title: "每小时请求和错误", unit: "次", categories: hours.map(\.hour),
            series: [
              .init("请求", hours.map { Double($0.requests) }), .init("出错", hours.map { Double($0.failed) }),
              .init("慢查询", hours.map { Double($0.slow) }),
            ])
        }
      }
    }
  }

  private static func share(_ part: Int64, of whole: Int64) -> String {
    guard whole > 0 else { return "还没有请求" }
    let permille = part * 1000 / whole
    return "占 \(permille / 10).\(permille % 10)%"
  }

  private func backlogTable(_ backlogs: [Backlog]) -> DataTable {
    DataTable(
      caption: "队列",
      columns: [
        Column("队列"), Column("等待", .number), Column("最早的等了", .number), Column("24 小时失败", .number), Column("状态", .state),
      ],
      rows: backlogs.map { one in
        let age = one.oldest.map { max(0, deployment.clock.now() - $0) } ?? 0
        let badge =
          age > 300 ? Badge("积压", .danger) : one.failed > 0 ? Badge("有失败", .warning) : Badge("正常", .success)
        return TableRow(
          id: one.name, name: one.name, path: one.path,
          cells: [
            .text(one.name), .text(grouped(Int(one.waiting))), .text(one.oldest == nil ? "—" : "\(Int(age)) 秒"),
            .text(grouped(Int(one.failed))), badge.html,
          ])
      }, opensPanel: false, empty: .empty("没有队列", ""))
  }

  /// Counters begin anew with each start of a node, so only rises count.
  private func perHour(_ now: Instant) async throws -> [(hour: String, requests: Int64, failed: Int64, slow: Int64)] {
    try await deployment.database.query(
      """
      with rise as (
        select at, greatest(0, requests - lag(requests, 1, requests) over w) as requests,
          greatest(0, failed - lag(failed, 1, failed) over w) as failed,
          greatest(0, slow - lag(slow, 1, slow) over w) as slow
        from run_sample where at > \(now + -86_400) window w as (partition by node order by at))
      select to_char(date_trunc('hour', at at time zone 'Asia/Shanghai'), 'DD日HH时') as hour,
        sum(requests)::bigint as requests, sum(failed)::bigint as failed, sum(slow)::bigint as slow
      from rise group by date_trunc('hour', at at time zone 'Asia/Shanghai')
      order by date_trunc('hour', at at time zone 'Asia/Shanghai')
      """
    ).map {
      (try $0.get("hour"), try $0.get("requests"), try $0.get("failed"), try $0.get("slow"))
    }
  }
}
