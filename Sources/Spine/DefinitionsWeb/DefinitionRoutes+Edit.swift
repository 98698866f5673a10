import Cases
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

/// The editor of each kind that is no process: a form that changes single parts of the text.
extension DefinitionRoutes {
  func edit(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    switch work.key.kind {
    case .process: return try await rename(visit, work)
    case .item: return try await itemEditor(visit, work, nil, errors: [])
    case .materials: return try await materialsEditor(visit, work, nil, errors: [])
    case .calendar: return try await calendarEditor(visit, work, errors: [])
    case .message: return try await messageEditor(visit, work, nil, errors: [])
    }
  }

  func saveEdit(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    let form = try await visit.request.body.form()
    switch work.key.kind {
    case .process: return try await saveName(visit, work, form)
    case .item: return try await saveItem(visit, work, form)
    case .materials: return try await saveMaterials(visit, work, form)
    case .calendar: return try await saveCalendar(visit, work, form)
    case .message: return try await saveMessage(visit, work, form)
    }
  }

  // MARK: The name of a process

  private func rename(_ visit: Visit, _ work: Work) async throws -> Response {
    guard let definition = DefinitionText.process(work.text, work.key) else {
      return .redirect(to: path(work.key, "text"))
    }
    return try await visit.page("改流程名称", crumbs: crumbs(work.key, definition.name)) {
      FormView(
        path: path(work.key, "edit"),
        sections: [
          Shell.FormSection(
            id: "name", "流程",
            fields: [Shell.Field("name", "流程名称", .text(definition.name, .init(maximum: 60)), isRequired: true)])
        ], submit: Action("保存到草稿", .submit(name: nil, value: nil), style: .primary),
        cancelPath: path(work.key, "chain"),
        hidden: [work.seen])
    }
  }

  private func saveName(_ visit: Visit, _ work: Work, _ form: FormData) async throws -> Response {
    let name = String((form.first("name") ?? "").prefix(60))
    guard let definition = DefinitionText.process(work.text, work.key), !name.allSatisfy(\.isWhitespace) else {
      throw Refusal(.invalid, "process-name", "请填写流程名称。", field: "name")
    }
    try await save(definition.renamed(name).bpmn, work.key, form, visit)
    return try visit.redirect(to: path(work.key, "chain"), saying: "流程名称已保存到草稿。")
  }

  /// Keeps an edited text and says what the checks find.
  func keep(_ node: YAMLNode, _ work: Work, _ form: FormData, _ visit: Visit, next: String = "") async throws
    -> Response
  {
    let text = node.write()
    try await save(text, work.key, form, visit)
    let errors = store.findings(of: work.key, text).filter { $0.severity == .error }.count
    return try visit.redirect(
      to: path(work.key, next),
      saying: errors > 0 ? "草稿已保存，但还有 \(errors) 处错误，改正后才能试运行。" : "草稿已保存，检查通过。",
      tone: errors > 0 ? .warning : .success)
  }
}
