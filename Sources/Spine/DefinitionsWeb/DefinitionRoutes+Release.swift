import Access
import Cases
import Core
import Definitions
import HTML
import HTTP
import Shell
import Site

/// Trial, publishing, rolling back, throwing away, and the difference between two texts.
extension DefinitionRoutes {
  func tryOut(_ visit: Visit) async throws -> Response {
    try store.requireView(visit.principal)
    let key = try key(visit)
    let trial = try await store.tryOut(key, by: visit.principal, origin: visit.request.origin)
    if visit.wantsJSON {
      return .json([
        "cases": .int(Int64(trial.cases)), "goldenCases": .int(Int64(trial.goldenCases)),
        "faults": .array(trial.faults.map { .string($0) }),
        "differences": .array(
          trial.differences.map {
            [
              "subject": .string($0.subject), "what": .string($0.what), "before": .string($0.before),
              "after": .string($0.after),
            ]
          }),
      ])
    }
    let text =
      trial.faults.isEmpty
      ? trial.differences.isEmpty ? "试运行完成，结果与现在没有不同。" : "试运行完成，有 \(trial.differences.count) 处不同，请逐条核对。"
      : "试运行发现 \(trial.faults.count) 个问题，请先改正。"
    return try visit.redirect(to: path(key), saying: text, tone: trial.faults.isEmpty ? .success : .danger)
  }

  // MARK: Publishing

  private static func reason(_ typed: String, _ error: String?) -> Shell.Field {
    Shell.Field("note", "为什么改", .longText(typed, rows: 2, maximum: 500), isRequired: true, error: error)
  }

  func askPublish(_ visit: Visit) async throws -> Response { try await askPublish(visit, typed: "", error: nil) }

  private func askPublish(_ visit: Visit, typed: String, error: String?) async throws -> Response {
    let work = try await work(visit)
    guard let draft = work.draft, let trial = draft.trial else {
      throw Refusal(.conflict, "definition-untried", "这份草稿还没有试运行，不能发布。请起草人先试运行。")
    }
    let label = store.label(of: work.key, work.text)
    var consequences = ["新的办件从现在起按新版本办；在办的件仍按原来的版本办完。"]
    if work.key.kind == .calendar { consequences = ["此后计算的期限按新日历；已经算出的期限不变。"] }
    if work.key.kind == .message { consequences = ["此后发出的消息用新的文字；已经发出的不变。"] }
    consequences.append(
      trial.differences.isEmpty ? "试运行没有发现不同。" : "试运行有 \(trial.differences.count) 处不同，请确认已逐条核对。")
    consequences.append("发布会记入审计；可以随时回退。")
    return try await visit.confirmation(
      Confirmation(
        title: "发布“\(label)”的新版本？", consequences: consequences, fields: [DefinitionRoutes.reason(typed, error)],
        path: path(work.key, "publish"), submit: "发布新版本", cancelPath: path(work.key)),
      crumbs: crumbs(work.key, label), status: error == nil ? 200 : 422)
  }

  func publish(_ visit: Visit) async throws -> Response {
    try store.requireView(visit.principal)
    let key = try key(visit)
    let note = try await visit.request.body.form().first("note") ?? ""
    do {
      let version = try await store.publish(key, note: note, by: visit.principal, origin: visit.request.origin)
      return try visit.redirect(to: path(key), saying: "\(DefinitionRelease.label(version))已生效；在办的件仍按原来的版本办完。")
    } catch let refusal as Refusal where refusal.code == "definition-note" {
      return try await askPublish(visit, typed: note, error: refusal.message)
    }
  }

  // MARK: Rolling back

  func askRollBack(_ visit: Visit) async throws -> Response {
    try await askRollBack(visit, try version(visit.request.query.first("version")), typed: "", error: nil)
  }

  private func version(_ text: String?) throws -> Int {
    guard let version = text.flatMap({ Int($0) }), version >= 0 else {
      throw Refusal(.notFound, "definition-version", "没有这个版本。请从版本记录里选择。")
    }
    return version
  }

  private func askRollBack(_ visit: Visit, _ version: Int, typed: String, error: String?) async throws -> Response {
    let work = try await work(visit)
    guard try await store.content(of: work.key, version: version) != nil else {
      throw Refusal(.notFound, "definition-version", "没有这个版本。请从版本记录里选择。")
    }
    let label = store.label(of: work.key, work.text)
    return try await visit.confirmation(
      Confirmation(
        title: "把“\(label)”回退到\(DefinitionRelease.label(version))？",
        consequences: [
          "新的办件从现在起按\(DefinitionRelease.label(version))办；在办的件仍按原来的版本办完。", "现在的版本保留在记录里，可以再换回来。",
        ], fields: [DefinitionRoutes.reason(typed, error)], path: path(work.key, "rollback"),
        hidden: [HiddenField("version", String(version))], submit: "回退到此版", isDangerous: true,
        cancelPath: path(work.key)), crumbs: crumbs(work.key, label), status: error == nil ? 200 : 422)
  }

  func rollBack(_ visit: Visit) async throws -> Response {
    try store.requireView(visit.principal)
    let key = try key(visit)
    let form = try await visit.request.body.form()
    let version = try version(form.first("version"))
    let note = form.first("note") ?? ""
    do {
      try await store.rollBack(key, to: version, note: note, by: visit.principal, origin: visit.request.origin)
      return try visit.redirect(to: path(key), saying: "已回退，\(DefinitionRelease.label(version))重新生效。")
    } catch let refusal as Refusal where refusal.code == "definition-note" {
      return try await askRollBack(visit, version, typed: note, error: refusal.message)
    }
  }

  // MARK: Throwing away

  func askDiscard(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    guard work.draft != nil else { throw DefinitionStore.missing }
    let label = store.label(of: work.key, work.text)
    return try await visit.confirmation(
      Confirmation(
        title: "放弃“\(label)”的草稿？", consequences: ["草稿的内容删去，不能恢复；需要留底请先下载文件。", "生效的版本不变。"],
        path: path(work.key, "discard"), submit: "放弃草稿", isDangerous: true, cancelPath: path(work.key)),
      crumbs: crumbs(work.key, label))
  }

  func discard(_ visit: Visit) async throws -> Response {
    try store.requireView(visit.principal)
    let key = try key(visit)
    try await store.discard(key, by: visit.principal, origin: visit.request.origin)
    let rest = store.text(of: key) == nil ? "/designs/\(key.kind.rawValue)" : path(key)
    return try visit.redirect(to: rest, saying: "草稿已放弃，生效的版本没有变。")
  }

  // MARK: Difference

  /// The difference between two versions, or from what is in force to the draft.
  func compare(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    let current = store.version(of: work.key) ?? 0
    let from = try visit.request.query.first("from").map { try version($0) } ?? current
    let to = try visit.request.query.first("to").map { try version($0) }
    let before = try await store.content(of: work.key, version: from) ?? ""
    var after = work.text
    if let to {
      guard let content = try await store.content(of: work.key, version: to) else {
        throw Refusal(.notFound, "definition-version", "没有这个版本。请从版本记录里选择。")
      }
      after = content
    }
    let label = store.label(of: work.key, work.text)
    let comparison = TextComparison(before, after)
    let names = (DefinitionRelease.label(from), to.map { DefinitionRelease.label($0) } ?? "草稿")
    return try await visit.page(
      "差异：\(names.0) → \(names.1)", layout: .wide, crumbs: crumbs(work.key, label), subtitle: label
    ) {
      Card {
        if comparison.isEmpty {
          Notice(.info, "两个版本的内容相同。")
        } else {
          p(.class("field-help")) { "－ 开头的行只在\(names.0)里，＋ 开头的行只在\(names.1)里。" }
          ComparisonView(comparison)
        }
      }
      ActionBar([Action("返回\(label)", .link(path(work.key)))])
    }
  }
}

/// Lines that went and came, told by a sign as well as by colour.
struct ComparisonView: HTMLConvertible {
  let comparison: TextComparison

  init(_ comparison: TextComparison) { self.comparison = comparison }

  var html: HTML {
    div(.class("table-frame"), .tabindex(0), .role("region"), .aria(.label, "差异")) {
      pre(.class("comparison")) { for line in comparison.lines { row(line) } }
    }
  }

  private func row(_ line: TextComparison.Line) -> HTML {
    switch line {
    case .same(let text): .text("  \(text)\n")
    case .removed(let text): element("del") { "－\(text)\n" }
    case .added(let text): element("ins") { "＋\(text)\n" }
    case .skipped(let count): small { "  … \(count) 行相同\n" }
    }
  }
}
