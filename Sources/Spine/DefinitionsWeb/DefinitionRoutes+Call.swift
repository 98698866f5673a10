import Cases
import Core
import Definitions
import HTML
import HTTP
import Processes
import Shell
import Site

/// Adding and changing call activities in the approval chain (调用流程).
extension DefinitionRoutes {
  func registerCalls(in router: inout Router) {
    let base = "/designs/{kind}/{name}/chain/call"
    router.on(.get, base, at: site) { visit in try await call(visit) }
    router.on(.post, base, at: site) { visit in try await saveCall(visit) }
  }

  /// What may be called: every process in force but this one, and not those that would come back to it.
  private func library(_ work: Work) -> [String: ProcessDefinition] {
    let processes = cases.services.processes.filter { $0.key != work.key.name && !$0.value.calls(work.key.name) }
    return processes.mapValues(\.source)
  }

  private func callPage(
    _ visit: Visit, _ work: Work, _ form: CallForm, title: String, hidden: [HiddenField]
  ) async throws -> Response {
    try await visit.page(
      title, status: form.errors.isEmpty ? 200 : 422,
      crumbs: crumbs(work.key, form.definition.name) + [Crumb("审批链", path(work.key, "chain"))]
    ) {
      FormView(
        path: path(work.key, "chain/call"), sections: [form.section], errors: form.errors,
        submit: Action("保存到草稿", .submit(name: nil, value: nil), style: .primary), cancelPath: path(work.key, "chain"),
        hidden: [work.seen] + hidden, note: "草稿发布之前不影响任何人。")
    }
  }

  /// The call activity that is asked for, or the element that a new one comes behind.
  private func place(_ id: String?, _ behind: String?, _ definition: ProcessDefinition) throws -> (
    call: (node: ProcessNode, rule: CallRule)?, title: String, hidden: [HiddenField]
  ) {
    if let node = id.flatMap({ definition.node($0) }), case .call(let rule) = node.kind {
      return ((node, rule), "修改“\(node.label)”", [HiddenField("id", node.id)])
    }
    guard let node = behind.flatMap({ definition.node($0) }) else { throw DefinitionStore.missing }
    return (nil, "在“\(ChainPage.name(node))”后面调用流程", [HiddenField("behind", node.id)])
  }

  private func call(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let query = visit.request.query
    let place = try place(query.first("id"), query.first("behind"), definition)
    var form = CallForm(definition, library: library(work))
    if let (node, rule) = place.call { form.show(node.name, rule) }
    return try await callPage(visit, work, form, title: place.title, hidden: place.hidden)
  }

  private func saveCall(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let sent = try await visit.request.body.form()
    let place = try place(sent.first("id"), sent.first("behind"), definition)
    var form = CallForm(definition, library: library(work))
    if let rule = form.read(sent) {
      do {
        let (changed, id) =
          if let (node, _) = place.call {
            (try definition.updatingCall(node.id, name: form.name, rule: rule), node.id)
          } else {
            try definition.insertingCall(rule, named: form.name, behind: sent.first("behind") ?? "")
          }
        if let found = problems(changed, at: id, work.key) {
          form.errors = found
        } else {
          try await save(changed.bpmn, work.key, sent, visit)
          return try visit.redirect(to: path(work.key, "chain") + "#step-\(id)", saying: "“\(form.name)”已保存到草稿。")
        }
      } catch let refusal as Refusal where refusal.code == "process-edit" {
        form.errors = [FieldError(nil, refusal.message)]
      }
    }
    return try await callPage(visit, work, form, title: place.title, hidden: place.hidden)
  }
}
