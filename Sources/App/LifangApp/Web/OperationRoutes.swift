import Access
import Core
import HTML
import HTTP
import Jobs
import SQL
import Shell
import Site

/// Health, metrics, event streams and the progress of jobs.
struct OperationRoutes: Sendable {
  let deployment: Deployment
  let jobs: JobQueue

  func register(in router: inout Router, site: Site) {
    router.on(.get, "/healthz") { _ in
      _ = try await deployment.database.query("select 1")
      return .text("ok\n")
    }
    router.on(.get, "/metrics") { request in
      guard request.remoteAddress == "127.0.0.1" || request.remoteAddress == "::1" else {
        throw Refusal(.forbidden, "metrics-local", "运行指标只对本机开放。")
      }
      RunGauges.report(site.server, in: deployment.metrics)
      // The figures that are counted here are told while the database is away, too.
      do { try await RunGauges(deployment: deployment).refresh() } catch {
        deployment.log.fault(error, "gauges-failed")
      }
      return .bytes(Array(deployment.metrics.exposition.utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    }
    // What is open to everybody about the running service: a heartbeat, and a notice when pages should be read again.
    router.on(.get, "/events") { _ in
      .events { writer in
        try await writer.send(Event("ready", name: "state"))
        for await payload in deployment.database.listen("lifang_notice") {
          try await writer.send(Event(payload, name: "notice"))
        }
      }
    }
    router.on(.get, "/jobs/{id}", at: site) { visit in try await page(visit) }
    router.on(.get, "/jobs/{id}/events", at: site) { visit in try await events(visit) }
    router.on(.post, "/jobs/{id}/cancel", at: site) { visit in try await cancel(visit) }
  }

  /// A job that the visitor started, or any for who may see all.
  private func job(_ visit: Visit) async throws -> Job {
    let job = try await jobs.get(try visit.request.integer("id"))
    guard
      job.createdBy == visit.principal.actor && visit.principal.kind == .user
        || visit.principal.may(Permission("job", "view"))
    else { throw Refusal(.notFound, "job-missing", "没有找到这个任务。") }
    return job
  }

  private func page(_ visit: Visit) async throws -> Response {
    let job = try await job(visit)
    let state: ProgressView.State =
      switch job.state {
      case .waiting: .waiting
      case .running: .running
      case .done: .done
      case .failed: .failed
      default: .cancelled
      }
    var actions: [Action] = []
    if !job.state.isFinal { actions.append(Action("取消", .post("/jobs/\(job.id)/cancel", []), style: .danger)) }
    if let path = resultPath(of: job) { actions.append(Action("查看逐行结果", .link(path))) }
    return try await visit.page(job.label, crumbs: [Crumb("工作台", "/")], scripts: [.progress]) {
      ProgressView(
        title: job.label, state: state, done: Int(job.progress.done), total: job.progress.total.map { Int($0) },
        message: job.error ?? job.progress.message ?? job.state.label,
        events: job.state.isFinal ? nil : "/jobs/\(job.id)/events", refreshPath: "/jobs/\(job.id)", actions: actions)
    }
  }

  /// Where an import's rows can be seen.
  private func resultPath(of job: Job) -> String? {
    guard let run = job.payload["run"]?.int else { return nil }
    return job.payload["entity"]?.string.map { "/r/\($0)/import/\(run)" } ?? "/import/addresses/\(run)"
  }

  private func events(_ visit: Visit) async throws -> Response {
    let job = try await job(visit)
    return .events { writer in
      for await current in jobs.follow(job.id) {
        let data: JSON = [
          "state": .string(current.state.rawValue), "done": .int(current.progress.done),
          "total": current.progress.total.map { .int($0) } ?? .null,
          "message": .string(current.error ?? current.progress.message ?? current.state.label),
        ]
        try await writer.send(Event(data.text))
        if current.state.isFinal { return }
      }
    }
  }

  private func cancel(_ visit: Visit) async throws -> Response {
    let job = try await job(visit)
    _ = try await jobs.cancel(job.id)
    return try visit.redirect(to: "/jobs/\(job.id)", saying: "已请求取消，已完成的部分保留。", tone: .warning)
  }
}
