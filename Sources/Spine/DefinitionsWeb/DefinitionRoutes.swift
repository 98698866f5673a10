import Cases
import Core
package import Definitions
import Entities
import HTML
package import HTTP
import Messaging
import Processes
import Shell
package import Site
import YAML

/// Designing in the browser (设计): processes, items, calendars and message templates from draft over trial to what is in
/// force, and back (C-340, C-489, C-500, C-501, C-520).
///
/// Everything works by keyboard and without scripts; each change carries a form token, is proved by the checks of the
/// files and is audited by the store.
package struct DefinitionRoutes: Sendable {
  let site: Site
  let store: DefinitionStore
  let cases: CaseStore

  package init(site: Site, store: DefinitionStore) {
    self.site = site
    self.store = store
    cases = store.cases
  }

  package func register(in router: inout Router) {
    router.on(.get, "/designs", at: site) { visit in .redirect(to: "/designs/process") }
    router.on(.get, "/designs/{kind}", at: site) { visit in try await list(visit) }
    router.on(.get, "/designs/{kind}/new", at: site) { visit in try await new(visit) }
    router.on(.post, "/designs/{kind}/new", at: site) { visit in try await create(visit) }
    router.on(.get, "/designs/{kind}/{name}", at: site) { visit in try await overview(visit) }
    router.on(.get, "/designs/{kind}/{name}/text", at: site) { visit in try await text(visit) }
    router.on(.post, "/designs/{kind}/{name}/text", maximumBody: 2 << 20, at: site) { visit in
      try await saveText(visit)
    }
    router.on(.get, "/designs/{kind}/{name}/file", at: site) { visit in try await file(visit) }
    router.on(.get, "/designs/{kind}/{name}/compare", at: site) { visit in try await compare(visit) }
    router.on(.post, "/designs/{kind}/{name}/try", at: site) { visit in try await tryOut(visit) }
    router.on(.get, "/designs/{kind}/{name}/publish", at: site) { visit in try await askPublish(visit) }
    router.on(.post, "/designs/{kind}/{name}/publish", at: site) { visit in try await publish(visit) }
    router.on(.get, "/designs/{kind}/{name}/rollback", at: site) { visit in try await askRollBack(visit) }
    router.on(.post, "/designs/{kind}/{name}/rollback", at: site) { visit in try await rollBack(visit) }
    router.on(.get, "/designs/{kind}/{name}/discard", at: site) { visit in try await askDiscard(visit) }
    router.on(.post, "/designs/{kind}/{name}/discard", at: site) { visit in try await discard(visit) }
    router.on(.get, "/designs/{kind}/{name}/edit", at: site) { visit in try await edit(visit) }
    router.on(.post, "/designs/{kind}/{name}/edit", at: site) { visit in try await saveEdit(visit) }
    registerChain(in: &router)
  }

  // MARK: What all of them need

  /// A definition with the text that an editor works on.
  struct Work {
    let key: DefinitionKey
    let text: String
    let draft: DefinitionDraft?

    /// Sent along by every form, so that nobody writes over somebody else's change.
    var seen: HiddenField { HiddenField("seen", draft.map { String($0.updatedAt.microseconds) } ?? "") }
  }

  func key(_ visit: Visit) throws -> DefinitionKey {
    guard let kind = DefinitionKind(rawValue: try visit.request.parameter("kind")) else {
      throw DefinitionStore.missing
    }
    return DefinitionKey(kind, try visit.request.parameter("name"))
  }

  func work(_ visit: Visit) async throws -> Work {
    try store.requireView(visit.principal)
    let key = try key(visit)
    let (text, draft) = try await store.workingText(of: key)
    return Work(key: key, text: text, draft: draft)
  }

  func save(_ text: String, _ key: DefinitionKey, _ form: FormData, _ visit: Visit) async throws {
    let seen = form.first("seen").flatMap { Int64($0) }
    try await store.save(text, as: key, seen: seen, by: visit.principal, origin: visit.request.origin)
  }

  func path(_ key: DefinitionKey, _ page: String = "") -> String {
    "/designs/\(key.kind.rawValue)/\(key.name)" + (page.isEmpty ? "" : "/\(page)")
  }

  func crumbs(_ key: DefinitionKey, _ label: String? = nil) -> [Crumb] {
    [Crumb(key.kind.label, "/designs/\(key.kind.rawValue)")] + (label.map { [Crumb($0, path(key))] } ?? [])
  }

  /// The pages about one definition.
  func tabs(_ key: DefinitionKey, _ current: String) -> Tabs {
    let editor = key.kind == .process ? ("审批链", "chain") : ("编辑", "edit")
    var pages = [("概览", ""), editor]
    if key.kind == .process { pages.append(("流程变量", "variables")) }
    if key.kind == .item { pages.append(("试填", "trial")) }
    pages.append((key.kind == .process ? "BPMN 文件" : "文本", "text"))
    return Tabs(pages.map { Tabs.Tab($0.0, path: path(key, $0.1), isCurrent: $0.1 == current) }, label: "设计")
  }

  func badge(_ key: DefinitionKey, _ draft: DefinitionDraft?) -> Badge {
    if let draft { return draft.trial == nil ? Badge("草稿", .warning) : Badge("已试运行", .info) }
    return Badge(DefinitionRelease.label(store.version(of: key) ?? 0) + "生效", .success)
  }

  func mayDraft(_ visit: Visit) -> Bool { store.mayDraft(visit.principal) }

  /// The findings of a text.
  ///
  /// - Parameter lines: beside the text itself, where its lines can be seen.
  func findings(_ findings: [Finding], of key: DefinitionKey, lines: Bool = false) -> HTML {
    if findings.isEmpty { return Notice(.success, "检查通过，没有发现问题。").html }
    return Notice(
      findings.hasErrors ? .danger : .warning, title: findings.hasErrors ? "检查发现错误，改正后才能试运行和发布：" : "可以使用，但请留意："
    ) {
      ul {
        for finding in findings {
          li {
            Badge(finding.severity == .error ? "错误" : "提醒", finding.severity == .error ? .danger : .warning)
            let place = finding.position.file == key.file ? "第 \(finding.position.line) 行" : finding.position.file
            finding.position.file == key.file && !lines ? " \(finding.message)" : " \(place)：\(finding.message)"
          }
        }
      }
    }.html
  }
}
