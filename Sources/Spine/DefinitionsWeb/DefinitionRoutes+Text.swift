import Cases
import Core
import Definitions
import Entities
import EntitiesWeb
import HTML
import HTTP
import Processes
import Shell
import Site
import YAML

/// A definition as text: BPMN to and from any modeler, YAML as it stands in files.
extension DefinitionRoutes {
  func text(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    return try await textPage(
      visit, work, typed: work.text, findings: store.findings(of: work.key, work.text), errors: [])
  }

  private func textPage(
    _ visit: Visit, _ work: Work, typed: String, findings found: [Finding], errors: [FieldError], status: Int = 200
  ) async throws -> Response {
    let key = work.key
    let label = store.label(of: key, work.text)
    let lines = Set(found.filter { $0.position.file == key.file }.map(\.position.line))
    let isProcess = key.kind == .process
    return try await visit.page(
      isProcess ? "\(label)：BPMN 文件" : "\(label)：文本", status: status, layout: .wide, crumbs: crumbs(key, label),
      badge: badge(key, work.draft), actions: [Action("下载文件", .download(path(key, "file")), icon: .download)],
      tabs: tabs(key, "text")
    ) {
      findings(found, of: key, lines: true)
      if mayDraft(visit) {
        FormView(
          path: path(key, "text"),
          sections: [
            Shell.FormSection(
              id: "upload", isProcess ? "上传 BPMN 文件" : "上传文件",
              help: isProcess ? "用 bpmn.io、Camunda Modeler 等画好后上传；lifang: 开头的属性会保留。" : "上传改好的 YAML 文件，或直接在下面修改。",
              fields: [
                Shell.Field(
                  "file", "文件", .file(.init(accept: isProcess ? ".bpmn,.xml" : ".yaml,.yml", limit: "最大 1 MB")),
                  error: errors.first { $0.field == "file" }?.message)
              ]),
            Shell.FormSection(
              id: "source", isProcess ? "BPMN 2.0 XML" : "YAML",
              fields: [
                Shell.Field(
                  "text", "内容", .longText(typed, rows: 24), help: "没有选择文件时，保存这里的内容。",
                  error: errors.first { $0.field == "text" }?.message)
              ]),
          ], errors: errors, submit: Action("检查并保存草稿", .submit(name: nil, value: nil), style: .primary),
          cancelPath: path(key), hidden: [work.seen], isMultipart: true,
          note: isProcess ? "不能读懂的元素会逐个指出，不会悄悄略过。" : "草稿发布之前不影响任何人。")
      }
      Card("带行号") { DeclarationText(typed, marked: lines) }
    }
  }

  func saveText(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    let form = try await visit.request.body.form()
    var typed = (form.first("text") ?? "").unixLines
    if let file = form.file("file"), file.size > 0 {
      let bytes = try file.bytes(upTo: 1 << 20)
      guard let text = String(validating: bytes, as: UTF8.self) else {
        return try await textPage(
          visit, work, typed: work.text, findings: [], errors: [FieldError("file", "文件不是 UTF-8 文字。请另存为 UTF-8 后再上传。")],
          status: 422)
      }
      typed = text.unixLines
    }
    let found = store.findings(of: work.key, typed)
    if let fault = unreadable(work.key, typed) {
      return try await textPage(
        visit, work, typed: typed, findings: found,
        errors: [FieldError("text", "内容读不懂，没有保存，原来的草稿还在：\(fault)")], status: 422)
    }
    try await save(typed, work.key, form, visit)
    let errors = found.filter { $0.severity == .error }.count
    return try visit.redirect(
      to: path(work.key, errors > 0 ? "text" : ""),
      saying: errors > 0 ? "草稿已保存，但还有 \(errors) 处错误，改正后才能试运行。" : "草稿已保存，检查通过。请试运行。",
      tone: errors > 0 ? .warning : .success)
  }

  /// Why a text cannot even be kept as a draft: nothing could be shown of it.
  private func unreadable(_ key: DefinitionKey, _ text: String) -> String? {
    if key.kind != .process {
      return DefinitionText.node(text, key) == nil ? "不是能读懂的 YAML" : nil
    }
    do {
      _ = try ProcessDefinition(bpmn: Array(text.utf8), file: key.file)
      return nil
    } catch {
      return error.problems.first.map { "第 \($0.position.line) 行：\($0.message)" } ?? "不是能读懂的 BPMN"
    }
  }

  /// The text for modelers and version control.
  func file(_ visit: Visit) async throws -> Response {
    let work = try await work(visit)
    var text = work.text
    if let wanted = visit.request.query.first("version") {
      guard let version = Int(wanted), let content = try await store.content(of: work.key, version: version) else {
        throw Refusal(.notFound, "definition-version", "没有这个版本。请从版本记录里选择。")
      }
      text = content
    }
    var response = Response.bytes(
      Array(text.utf8), type: work.key.kind == .process ? "application/xml" : "application/yaml")
    response.attach(as: work.key.file)
    return response
  }
}
