import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site
import YAML

/// Designing a register or a field: form, preview, and putting it in force (运行期登记表).
extension SettingsRoutes {
  func newRegister(_ visit: Visit) async throws -> Response {
    try requireDeclaring(visit)
    return try await form(visit, RegisterSketch(), errors: [])
  }

  func newField(_ visit: Visit) async throws -> Response {
    let entity = try requireEntity(visit)
    try requireDeclaring(visit)
    return try await form(visit, RegisterSketch(extending: entity.name), errors: [])
  }

  func declareRegister(_ visit: Visit) async throws -> Response {
    try requireDeclaring(visit)
    return try await step(visit, RegisterSketch(try await visit.request.body.form(), extending: nil))
  }

  func declareField(_ visit: Visit) async throws -> Response {
    let entity = try requireEntity(visit)
    try requireDeclaring(visit)
    return try await step(visit, RegisterSketch(try await visit.request.body.form(), extending: entity.name))
  }

  private func requireDeclaring(_ visit: Visit) throws {
    try visit.principal.require(Permission("entity", "update"), toDo: "新建登记表和字段")
  }

  private func path(_ sketch: RegisterSketch) -> String {
    sketch.extended.map { "/settings/registers/\($0)/fields/new" } ?? "/settings/registers/new"
  }

  private func back(_ sketch: RegisterSketch) -> String {
    sketch.extended.map { "/settings/registers/\($0)" } ?? "/settings/registers"
  }

  private func title(_ sketch: RegisterSketch) -> String {
    sketch.extended.map { "给\(catalog.entity($0)?.label ?? $0)添加字段" } ?? "新建登记表"
  }

  // MARK: Steps

  /// The form goes round: more or fewer fields, the preview and back again, at last into force.
  private func step(_ visit: Visit, _ sketch: RegisterSketch) async throws -> Response {
    var sketch = sketch
    let step = try await visit.request.body.form().first("step") ?? "check"
    if step == "field", sketch.extended == nil, sketch.fields.count < RegisterSketch.maximumFields {
      sketch.fields.append(FieldSketch())
      return try await form(visit, sketch, errors: [])
    }
    if step.hasPrefix("drop."), let index = Int(step.dropFirst(5)), sketch.fields.indices.contains(index),
      sketch.fields.count > 1
    {
      sketch.fields.remove(at: index)
      return try await form(visit, sketch, errors: [])
    }
    if step == "edit" { return try await form(visit, sketch, errors: []) }
    let gaps = sketch.gaps(in: catalog)
    guard gaps.isEmpty else { return try await form(visit, sketch, errors: gaps, status: 422) }
    let preview = try await settings.preview(sketch.yaml, as: sketch.origin, by: visit.principal)
    guard preview.isUsable else { return try await wrong(visit, sketch, preview) }
    if step == "apply" { return try await apply(visit, sketch) }
    return try await show(visit, sketch, preview)
  }

  private func apply(_ visit: Visit, _ sketch: RegisterSketch) async throws -> Response {
    do {
      try await settings.declare(
        sketch.yaml, as: sketch.origin, by: visit.principal, owner: owner, origin: visit.request.origin)
    } catch let failure as DeclarationFailure {
      return try await wrong(visit, sketch, DeclarationPreview(findings: failure.findings, plan: nil))
    } catch let refusal as Refusal where refusal.kind == .conflict {
      return try await form(
        visit, sketch, errors: ([refusal] + refusal.others).map { FieldError(nil, $0.message) }, status: 409)
    }
    if let extended = sketch.extended {
      let entity = catalog.entity(extended)?.label ?? extended
      return try visit.redirect(
        to: back(sketch), saying: "已给\(entity)添加字段“\(sketch.fields[0].label)”，表单、列表和接口即刻可用。")
    }
    let may = visit.principal.may(Permission(sketch.name, "view"))
    let next = may ? "可以开始登记了。" : "下一步：请安全保密管理员把 \(sketch.name).view 等权限授予角色。"
    return try visit.redirect(
      to: may ? "/r/\(sketch.name)" : "/settings/registers/\(sketch.name)",
      saying: "登记表“\(sketch.label)”已建立。\(next)")
  }

  // MARK: Pages

  private func form(
    _ visit: Visit, _ sketch: RegisterSketch, errors: [FieldError], status: Int = 200,
    preview: DeclarationPreview? = nil
  ) async throws -> Response {
    let form = RegisterForm(
      sketch: sketch, catalog: catalog, errors: errors, path: path(sketch), cancelPath: back(sketch))
    return try await visit.page(title(sketch), status: status, crumbs: crumbs(sketch)) {
      form.html
      if let preview { DeclarationPreviewView(origin: sketch.origin, yaml: sketch.yaml, preview: preview) }
    }
  }

  /// The form again with every finding beside its control, and the whole text with the lines they stand on.
  private func wrong(_ visit: Visit, _ sketch: RegisterSketch, _ preview: DeclarationPreview) async throws -> Response {
    var errors = preview.findings.filter { $0.severity == .error }.map { finding in
      FieldError(sketch.input(of: finding), "第 \(finding.position.line) 行：\(finding.message)")
    }
    errors += preview.plan?.obstacles.map { FieldError(nil, "\($0.entity).\($0.column)：\($0.explanation)") } ?? []
    return try await form(visit, sketch, errors: errors, status: 422, preview: preview)
  }

  private func show(_ visit: Visit, _ sketch: RegisterSketch, _ preview: DeclarationPreview) async throws -> Response {
    let verb = sketch.extended == nil ? "建立登记表" : "添加字段"
    return try await visit.page("预览：\(title(sketch))", crumbs: crumbs(sketch)) {
      DeclarationPreviewView(origin: sketch.origin, yaml: sketch.yaml, preview: preview)
      FormView(
        path: path(sketch), sections: [],
        submit: Action(verb, .submit(name: "step", value: "apply"), style: .primary),
        others: [Action("返回修改", .submit(name: "step", value: "edit"))], cancelPath: nil, hidden: sketch.inputs,
        note: "生效后立即可用，并记入审计；以后可以撤回，数据保留。")
    }
  }

  private func crumbs(_ sketch: RegisterSketch) -> [Crumb] {
    var crumbs = [Crumb("登记表", "/settings/registers")]
    if let name = sketch.extended { crumbs.append(Crumb(catalog.entity(name)?.label ?? name, back(sketch))) }
    return crumbs
  }

  // MARK: Taking back

  func askWithdraw(_ visit: Visit) async throws -> Response {
    let name = try visit.request.parameter("name")
    let withdrawal = try await settings.withdrawal(of: name, by: visit.principal)
    let declaration = try await settings.declarations().first { $0.name == name }
    let register = declaration.flatMap { SettingsRoutes.subject(of: $0.yaml) }
    let back = register.map { "/settings/registers/\($0)" } ?? "/settings/registers"
    guard withdrawal.blockers.isEmpty else {
      return try await visit.page(
        "现在不能撤回 \(name)", crumbs: [Crumb("登记表", "/settings/registers"), Crumb(register ?? name, back)]
      ) {
        Notice(.warning, title: "还有别的声明要用它，没有改动。请先撤回或修改它们：") {
          ul { for finding in withdrawal.blockers { li { finding.description } } }
        }
        ActionBar([Action("返回登记表", .link(back))])
      }
    }
    return try await visit.confirmation(
      Confirmation(
        title: "撤回运行期声明 \(name)？", consequences: consequences(withdrawal),
        path: "/settings/declarations/\(name)/withdraw", submit: "撤回声明", isDangerous: true, cancelPath: back),
      crumbs: [Crumb("登记表", "/settings/registers"), Crumb(register ?? name, back)])
  }

  private func consequences(_ withdrawal: Withdrawal) -> [String] {
    var lines = withdrawal.losses.map { loss -> String in
      let count =
        loss.records >= RuntimeSettings.countLimit
        ? "\(grouped(loss.records)) 条以上" : "\(grouped(loss.records)) 条"
      guard let field = loss.field else {
        return "登记表“\(loss.entity.label)”不再能打开：它的 \(count)记录、表单、列表、接口和授权都不再可用。"
      }
      return "“\(loss.entity.label)”的字段“\(field.label)”从所有页面和接口消失，\(count)记录填了它。"
    }
    lines += withdrawal.dictionaries.map { "字典“\($0.label)”不再可用。" }
    if lines.isEmpty { lines.append("恢复为声明之前的名称、要求和显示，没有登记表或字段消失。") }
    lines.append("数据库里的表、列和数据都保留；用同样的代号和类型重新声明就能恢复。撤回会记入审计。")
    return lines
  }

  func withdraw(_ visit: Visit) async throws -> Response {
    let name = try visit.request.parameter("name")
    let declaration = try await settings.declarations().first { $0.name == name }
    let register = declaration.flatMap { SettingsRoutes.subject(of: $0.yaml) }
    do {
      try await settings.withdraw(name, by: visit.principal, origin: visit.request.origin)
    } catch let failure as DeclarationFailure {
      let why = failure.errors.first?.message ?? ""
      return try visit.redirect(
        to: "/settings/declarations/\(name)/withdraw", saying: "没有撤回：\(why)", tone: .danger)
    }
    let left = register.flatMap { catalog.entity($0) }
    return try visit.redirect(
      to: left.map { "/settings/registers/\($0.name)" } ?? "/settings/registers",
      saying: "已撤回运行期声明 \(name)；数据仍保留在数据库中。")
  }
}
