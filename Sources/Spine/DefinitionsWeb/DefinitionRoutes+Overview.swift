import Access
import Cases
import CasesWeb
import Core
import Definitions
import Entities
import HTML
import HTTP
import Messaging
import Processes
import Shell
import Site
import YAML

/// One definition: what is in force, the draft and its trial, the versions.
extension DefinitionRoutes {
  func overview(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    let key = work.key
    let label = store.label(of: key, work.text)
    let found = work.draft == nil ? [] : store.findings(of: key, work.text)
    let releases = try await store.releases(of: key)
    let changes = try await store.changes(of: key)
    return try await visit.page(
      label, layout: .wide, crumbs: crumbs(key), badge: badge(key, work.draft),
      subtitle: "\(key.kind.label) \(key.name)",
      actions: actions(work, found, visit), moreActions: more(work, visit), tabs: tabs(key, "")
    ) {
      if let draft = work.draft { draftCard(work, draft, found) }
      Preview(key: key, text: work.text, routes: self).html
      versionCard(key, releases, visit)
      if !changes.isEmpty { changeCard(changes) }
    }
  }

  private func actions(_ work: Work, _ found: [Finding], _ visit: Visit) -> [Action] {
    var actions: [Action] = []
    if mayDraft(visit) {
      actions.append(
        Action(
          work.draft == nil ? "起草修改" : "继续修改", .link(path(work.key, work.key.kind == .process ? "chain" : "edit")),
          style: work.draft == nil ? .primary : .normal))
    }
    guard let draft = work.draft else { return actions }
    if mayDraft(visit) {
      actions.append(
        Action(
          draft.trial == nil ? "试运行" : "重新试运行", .post(path(work.key, "try"), []),
          style: draft.trial == nil ? .primary : .normal, disabledReason: found.hasErrors ? "草稿还有错误，请先改正" : nil))
    }
    if store.mayPublish(visit.principal) {
      let reason =
        draft.trial == nil
        ? "还没有试运行" : draft.author == visit.principal.actor ? "起草人不能发布自己的草稿" : found.hasErrors ? "草稿还有错误" : nil
      actions.append(
        Action("发布", .dialog(path(work.key, "publish")), style: .primary, disabledReason: reason))
    }
    return actions
  }

  private func more(_ work: Work, _ visit: Visit) -> [Action] {
    var actions = [Action("下载文件", .download(path(work.key, "file")), style: .quiet)]
    if work.draft != nil {
      actions.append(Action("查看与生效版本的差异", .link(path(work.key, "compare")), style: .quiet))
      if mayDraft(visit) { actions.append(Action("放弃草稿", .dialog(path(work.key, "discard")), style: .quiet)) }
    }
    let template = template(work.text, work.key)
    // What the program sends is sent by the program alone.
    if mayDraft(visit), work.key.kind != .message || template?.trigger != nil {
      actions.append(
        Action("复制为新的", .link("/designs/\(work.key.kind.rawValue)/new?copy=\(work.key.name)"), style: .quiet))
    }
    return actions
  }

  // MARK: Draft and trial

  private func draftCard(_ work: Work, _ draft: DefinitionDraft, _ found: [Finding]) -> HTML {
    Card("草稿") {
      DetailList([
        DetailItem("起草人", text: draft.authorName),
        DetailItem("最后修改", text: draft.updatedAt.display, isCode: true),
        DetailItem("起草自", text: DefinitionRelease.label(draft.base)),
        DetailItem("试运行", text: draft.trial.map { "\($0.at.display)，\(trialSummary($0))" } ?? "还没有"),
      ])
      findings(found, of: work.key)
      if let trial = draft.trial { trialView(trial) }
    }.html
  }

  private func trialSummary(_ trial: TrialReport) -> String {
    let from = [
      trial.cases > 0 ? "\(trial.cases) 件办过的件" : nil, trial.goldenCases > 0 ? "\(trial.goldenCases) 个标准用例" : nil,
    ].compactMap { $0 }.joined(separator: "、")
    let what = trial.differences.isEmpty ? "结果没有不同" : "\(trial.differences.count) 处不同"
    return from.isEmpty ? what : "走过 \(from)，\(what)"
  }

  /// What would go otherwise.
  func trialView(_ trial: TrialReport) -> HTML {
    HTML {
      if !trial.faults.isEmpty {
        Notice(.danger, title: "按草稿办不下去，不能发布：") { ul { for fault in trial.faults.prefix(20) { li { fault } } } }
      }
      if trial.differences.isEmpty {
        Notice(.info, "试运行：\(trialSummary(trial))。")
      } else {
        h3(.class("detail-group")) { "试运行：\(trialSummary(trial))" }
        DataTable(
          caption: "试运行的不同", columns: [Column("办件或用例"), Column("什么"), Column("现在", .wide), Column("按草稿", .wide)],
          rows: trial.differences.enumerated().map { index, difference in
            TableRow(
              id: "difference-\(index)", name: difference.subject, path: nil,
              cells: [
                .text(difference.subject), .text(difference.what), .text(difference.before),
                .text(difference.after),
              ])
          }, opensPanel: false, empty: .empty("没有不同", ""))
      }
    }
  }

  // MARK: Versions

  private func versionCard(_ key: DefinitionKey, _ releases: [DefinitionRelease], _ visit: Visit) -> HTML {
    let current = store.version(of: key)
    var rows = releases.map { release in
      TableRow(
        id: "version-\(release.version)", name: DefinitionRelease.label(release.version), path: nil,
        cells: [
          .text(DefinitionRelease.label(release.version)), state(release.version, current), .text(release.note),
          .text("\(release.draftedBy) 起草，\(release.publishedBy) 发布"), .text(release.publishedAt.display),
          versionActions(key, release.version, current, visit),
        ])
    }
    if store.deliveredText(of: key) != nil {
      rows.append(
        TableRow(
          id: "version-0", name: "交付版", path: nil,
          cells: [
            .text("交付版"), state(0, current), .text("随产品或城市定制交付"), .text("—"), .text("—"),
            versionActions(key, 0, current, visit),
          ]))
    }
    return Card("版本", count: .exact(rows.count), isFlush: true) {
      DataTable(
        caption: "版本",
        columns: [
          Column("版本"), Column("状态", .state), Column("为什么改", .wide), Column("谁"), Column("发布时间", .date),
          Column("操作", .actions),
        ], rows: rows, opensPanel: false, empty: .empty("还没有发布过", "草稿试运行后由另一人发布。"))
    }.html
  }

  private func state(_ version: Int, _ current: Int?) -> HTML {
    version == current ? Badge("生效", .success).html : .text("—")
  }

  private func versionActions(_ key: DefinitionKey, _ version: Int, _ current: Int?, _ visit: Visit) -> HTML {
    var actions = [Action("下载", .download(path(key, "file?version=\(version)")), style: .quiet)]
    if version != current {
      actions.append(Action("差异", .link(path(key, "compare?from=\(version)&to=\(current ?? 0)")), style: .quiet))
      if store.mayPublish(visit.principal) {
        actions.append(Action("回退到此版", .dialog(path(key, "rollback?version=\(version)")), style: .quiet))
      }
    }
    return ActionBar(actions).html
  }

  private func changeCard(_ changes: [DefinitionChange]) -> HTML {
    Card("生效记录") {
      Timeline(
        changes.map { change in
          Timeline.Entry(
            "\(change.isRollback ? "回退到" : "发布")\(DefinitionRelease.label(change.version))", who: change.by,
            time: change.at.display, tone: change.isRollback ? .warning : .success
          ) { p(.class("moment-opinion")) { change.note } }
        })
    }.html
  }
}
