import Access
import Cases
import Connectors
import Core
import Entities
import EntitiesWeb
import HTTP
import Shell
import Site

/// Filling a form in from what another system holds (信息复用, C-033): the number of a birth certificate brings the newborn.
extension ServiceRoutes {
  /// The buttons that fill the form of an item in, as far as it asks for what they go by.
  func fillActions(_ item: ServiceItem) -> [Action] {
    (cases.connectors?.connectors.fills(of: item.form) ?? []).filter { !item.hidden.contains($0.fill.by) }
      .map { connector, operation, _ in
        Action(
          operation.label, .submit(name: "_fill", value: "\(connector.name).\(operation.name)"), icon: .download,
          takesIncomplete: true)
      }
  }

  /// What was filled in.
  struct Filled {
    var texts: [String: [String]]
    /// Where it comes from, by field.
    var sources: [String: String] = [:]
    var errors: [FieldError] = []
  }

  /// Fills empty fields in; where something else was typed, that stays and the difference is told.
  ///
  /// - Parameter owner: the resident id of an applicant on line, who sees only what is theirs; `nil` at the window.
  func fill(
    _ asked: String, _ item: ServiceItem, _ texts: [String: [String]], owner: String?, _ visit: Visit
  ) async throws -> Filled {
    var filled = Filled(texts: texts)
    guard let connectors = cases.connectors, let form = store.catalog.entity(item.form),
      let (connector, operation, fill) = connectors.connectors.fills(of: item.form).first(where: {
        "\($0.connector.name).\($0.operation.name)" == asked
      })
    else { throw Refusal(.notFound, "fill-unknown", "这个表单不能带入。请刷新页面。") }
    let number = texts[fill.by]?.first ?? ""
    guard !number.isEmpty else {
      filled.errors = [FieldError(fill.by, "请先填写“\(form.field(fill.by)?.label ?? "")”，再带入。")]
      return filled
    }
    let values = operation.request.gathered { name in
      texts[name]?.first.flatMap { $0.isEmpty ? nil : .text($0) } ?? .null
    }
    let answer = try await connectors.read(
      connector.name, operation, values, owner: owner, purpose: "填写“\(item.label)”时带入", by: visit.principal)
    guard answer.outcome == .yes else {
      let reason = answer.reason ?? "\(connector.system)没有给出结果"
      filled.errors = [FieldError(fill.by, "没有带入：\(reason)。已填写的内容都在，可以手工填写。")]
      return filled
    }
    for (name, from) in fill.fields {
      guard let field = form.field(name), let value = answer.values[from], !value.isBlank else { continue }
      let text = FieldControl.editText(value)
      let typed = filled.texts[name]?.first ?? ""
      if typed.isEmpty {
        filled.texts[name] = [text]
        filled.sources[name] = "来自\(connector.label)"
      } else if typed != text {
        filled.errors.append(FieldError(name, "“\(field.label)”与\(connector.label)不同：证件上是“\(value.plainText)”，请核对。"))
      }
    }
    return filled
  }
}
