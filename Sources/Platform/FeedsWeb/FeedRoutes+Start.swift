import Access
import Connectors
import Core
import Feeds
import Foundation
import HTML
import HTTP
import Shell
import Site

/// Starting a run: the changes, everything, or a file.
extension FeedRoutes {
  func run(_ visit: Visit, _ mode: FeedRun.Mode) async throws -> Response {
    let feed = try feed(visit)
    let run = try await service.queue(
      feed.name, mode, from: .connector, by: visit.principal, origin: visit.request.origin, on: jobs)
    return try visit.redirect(to: "/feeds/runs/\(run.id)", saying: "已开始\(mode.label)同步。")
  }

  func askFull(_ visit: Visit) async throws -> Response {
    let feed = try feed(visit)
    try visit.principal.require(FeedRoutes.start, toDo: "同步数据")
    return try await visit.confirmation(
      Confirmation(
        title: "全量核对\(feed.label)",
        consequences: [
          "把对方的数据从头读一遍，逐条核对；数据多时要较长时间，可以离开。",
          feed.cancel.isEmpty ? "对方没有的只列出，不注销。" : "对方没有的注销，不删除；超过 \(feed.vanish)% 时停下来等人确认。",
        ], fields: [], errors: [], path: "/feeds/\(feed.name)/full", submit: "开始全量核对",
        cancelPath: "/feeds/\(feed.name)"),
      crumbs: [Crumb("数据同步", "/feeds"), Crumb(feed.label, "/feeds/\(feed.name)")])
  }

  func askFile(_ visit: Visit, _ error: String?) async throws -> Response {
    let feed = try feed(visit)
    try visit.principal.require(FeedRoutes.start, toDo: "上传同步文件")
    let labels = feed.rows.map(\.label).joined(separator: "、")
    return try await visit.page(
      "上传\(feed.label)文件", status: error == nil ? 200 : 422,
      crumbs: [Crumb("数据同步", "/feeds"), Crumb(feed.label, "/feeds/\(feed.name)")],
      subtitle: "与接口同样的字段、同样的清洗和对账"
    ) {
      FormView(
        path: "/feeds/\(feed.name)/file",
        sections: [
          FormSection(
            id: "file", "选择文件",
            fields: [
              Shell.Field(
                "file", "数据文件",
                .file(
                  Control.FileField(
                    accept: ".jsonl,.ndjson,.json,.csv,.xlsx,.txt", limit: "每行一条 JSON，或 CSV、XLSX，不超过 500 MB")),
                isRequired: true, help: "表头写字段名或名称：\(labels)。", error: error),
              Shell.Field(
                "mode", "文件内容",
                .radio(
                  "incremental",
                  [
                    Choice("incremental", "只有变动的", detail: "文件里没有的不受影响"),
                    Choice("full", "全部数据", detail: "文件里没有的视为对方已没有"),
                  ])),
            ])
        ], errors: error.map { [FieldError("file", $0)] } ?? [],
        submit: Action("上传并同步", .submit(name: nil, value: nil), style: .primary), cancelPath: "/feeds/\(feed.name)",
        isMultipart: true, note: nil)
    }
  }

  func receive(_ visit: Visit) async throws -> Response {
    let feed = try feed(visit)
    try visit.principal.require(FeedRoutes.start, toDo: "上传同步文件")
    let form = try await visit.request.body.form()
    guard let file = form.file("file"), file.size > 0 else { return try await askFile(visit, "请选择一个文件。") }
    let mode = form.first("mode").flatMap { FeedRun.Mode(rawValue: $0) } ?? .incremental
    let imports = folder + "/imports"
    try FileManager.default.createDirectory(
      atPath: imports, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    let path = "\(imports)/feed-\(visit.principal.id)-\(site.newVisitor())"
    try file.move(to: path)
    do {
      try service.prove(feed, path: path)
      let run = try await service.queue(
        feed.name, mode, from: .file(path: path, name: file.filename), by: visit.principal,
        origin: visit.request.origin, on: jobs)
      return try visit.redirect(to: "/feeds/runs/\(run.id)", saying: "文件已收到，正在同步。")
    } catch let refusal as Refusal {
      try? FileManager.default.removeItem(atPath: path)
      return try await askFile(visit, refusal.message)
    }
  }
}
