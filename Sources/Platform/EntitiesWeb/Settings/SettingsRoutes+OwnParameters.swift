import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Adding, describing and deleting the installation's own parameters (系统参数维护, C-479).
extension SettingsRoutes {
  private static let base = "/settings/parameters"

  private static func key(_ parameter: ParameterDeclaration) -> String {
    String(parameter.name.dropFirst(ParameterDeclaration.ownGroup.count + 1))
  }

  private func requireOwn(_ visit: Visit) throws -> ParameterDeclaration {
    try visit.principal.require(Permission("parameter", "view"), toDo: "查看系统参数")
    let name = try visit.request.parameter("name")
    guard let parameter = catalog.parameter(name), parameter.isOwn else {
      throw Refusal(.notFound, "parameter-unknown", "没有名为“\(name.prefix(80))”的自建参数，可能刚被删除。请返回参数列表。")
    }
    return parameter
  }

  func newParameter(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("parameter", "create"), toDo: "新增系统参数")
    return try await form(visit, OwnParameter(), nil, [])
  }

  func addParameter(_ visit: Visit) async throws -> Response {
    let typed = SettingsRoutes.typed(try await visit.request.body.form())
    do {
      try await settings.put(typed, isNew: true, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where [.invalid, .conflict].contains(refusal.kind) {
      return try await form(visit, typed, nil, [FieldError](refusal), refusal.kind.status)
    }
    return try visit.redirect(
      to: "\(SettingsRoutes.base)/\(ParameterDeclaration.ownGroup).\(typed.name.trimmingSpaces)",
      saying: "已新增参数“\(typed.label)”，即刻可用。")
  }

  func parameterDefinition(_ visit: Visit) async throws -> Response {
    let parameter = try requireOwn(visit)
    try visit.principal.require(Permission("parameter", "update"), toDo: "修改系统参数")
    guard let held = try await settings.ownParameter(SettingsRoutes.key(parameter)) else {
      throw Refusal(.notFound, "parameter-unknown", "没有这个自建参数，可能刚被删除。请返回参数列表。")
    }
    return try await form(visit, held, parameter, [])
  }

  func saveParameterDefinition(_ visit: Visit) async throws -> Response {
    let parameter = try requireOwn(visit)
    var typed = SettingsRoutes.typed(try await visit.request.body.form())
    typed.name = SettingsRoutes.key(parameter)
    typed.type = parameter.type.name
    typed.dictionary = parameter.field.dictionary ?? ""
    do {
      try await settings.put(typed, isNew: false, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .invalid {
      return try await form(visit, typed, parameter, [FieldError](refusal), refusal.kind.status)
    }
    return try visit.redirect(to: "\(SettingsRoutes.base)/\(parameter.name)", saying: "已保存“\(typed.label)”的说明，即刻生效。")
  }

  private static func typed(_ form: FormData) -> OwnParameter {
    var typed = OwnParameter()
    typed.name = form.first("name") ?? ""
    typed.label = form.first("label") ?? ""
    typed.type = form.first("type") ?? ""
    typed.dictionary = form.first("dictionary") ?? ""
    typed.initial = form.first("initial") ?? ""
    typed.minimum = form.first("minimum") ?? ""
    typed.maximum = form.first("maximum") ?? ""
    typed.unit = form.first("unit") ?? ""
    typed.help = form.first("help") ?? ""
    return typed
  }

  private func form(
    _ visit: Visit, _ typed: OwnParameter, _ parameter: ParameterDeclaration?, _ errors: [FieldError],
    _ status: Int = 200
  ) async throws -> Response {
    var crumbs = [Crumb("系统参数", SettingsRoutes.base)]
    if let parameter { crumbs.append(Crumb(parameter.label, "\(SettingsRoutes.base)/\(parameter.name)")) }
    return try await visit.page(
      parameter == nil ? "新增参数" : "修改参数的说明", status: status, crumbs: crumbs,
      subtitle: "自建参数可以写进消息模板，写作 {\(ParameterDeclaration.ownGroup).代号}；改了值，之后发出的消息就用新值。"
    ) {
      FormView(
        path: parameter.map { "\(SettingsRoutes.base)/\($0.name)/definition" } ?? "\(SettingsRoutes.base)/new",
        sections: [Shell.FormSection(id: "parameter", "参数", fields: fields(typed, parameter, errors))],
        errors: errors,
        submit: Action(parameter == nil ? "新增参数" : "保存说明", .submit(name: nil, value: nil), style: .primary),
        cancelPath: parameter.map { "\(SettingsRoutes.base)/\($0.name)" } ?? SettingsRoutes.base,
        note: "保存后即刻生效，并记入审计。")
    }
  }

  private static let typeLabels = [
    "text": "文字", "integer": "整数", "decimal": "小数", "money": "金额（元）", "boolean": "是或否", "date": "日期", "code": "字典中的一项",
    "phone": "电话号码",
  ]

  private func fields(
    _ typed: OwnParameter, _ parameter: ParameterDeclaration?, _ errors: [FieldError]
  ) -> [Shell.Field] {
    let types = OwnParameter.types.map { Choice($0, SettingsRoutes.typeLabels[$0] ?? $0) }
    let dictionaries = catalog.dictionaries.map { Choice($0.name, $0.label) }
    let isNew = parameter == nil
    var fields = [
      Shell.Field(
        "name", "代号", isNew ? .text(typed.name, .init(maximum: 50, width: 24, isCode: true)) : .fixed(typed.name),
        isRequired: isNew, help: isNew ? "小写字母、数字和下划线，如 hotline；保存后不能再改。" : nil, error: errors["name"]),
      Shell.Field(
        "label", "名称", .text(typed.label, .init(maximum: 60)), isRequired: true, error: errors["label"]),
      Shell.Field(
        "type", "类型",
        isNew ? .select(typed.type, types, blank: nil) : .fixed(SettingsRoutes.typeLabels[typed.type] ?? typed.type),
        isRequired: isNew, help: isNew ? "保存后不能再改。" : nil, error: errors["type"]),
    ]
    if isNew || typed.type == "code" {
      fields.append(
        Shell.Field(
          "dictionary", "字典",
          isNew
            ? .select(typed.dictionary, dictionaries, blank: "不适用")
            : .fixed(catalog.dictionary(typed.dictionary)?.label ?? typed.dictionary),
          help: isNew ? "类型是“字典中的一项”时选择。" : nil, error: errors["dictionary"]))
    }
    return fields + [
      Shell.Field(
        "initial", "初始值", .text(typed.initial, .init(maximum: 500)), isRequired: true,
        help: "没有人改过时用它，也是“恢复默认值”的值。是或否写“是”“否”，日期写 2026-01-01，字典项写编码。", error: errors["initial"]),
      Shell.Field(
        "minimum", "最小", .text(typed.minimum, .init(maximum: 20, width: 12)), help: "数的下限，可以不填。",
        error: errors["minimum"]),
      Shell.Field(
        "maximum", "最大", .text(typed.maximum, .init(maximum: 20, width: 12)), help: "数的上限，或文字最多几个字，可以不填。",
        error: errors["maximum"]),
      Shell.Field("unit", "单位", .text(typed.unit, .init(maximum: 20, width: 12)), error: errors["unit"]),
      Shell.Field(
        "help", "说明", .text(typed.help, .init(maximum: 300)), help: "管什么用、怎么填，改的人会看到。", error: errors["help"]),
    ]
  }

  // MARK: Removal

  func askRemoveParameter(_ visit: Visit) async throws -> Response {
    let parameter = try requireOwn(visit)
    try visit.principal.require(Permission("parameter", "delete"), toDo: "删除系统参数")
    let path = "\(SettingsRoutes.base)/\(parameter.name)"
    let uses = parameterUses(parameter.name)
    var consequences = ["参数和它的值一起删除，记入审计；之后可以用同一代号重新新增。"]
    if !uses.isEmpty { consequences.insert("现在还有地方在用，不能删除：\(uses.joined(separator: "、"))。", at: 0) }
    return try await visit.confirmation(
      Confirmation(
        title: "删除参数“\(parameter.label)”？", consequences: consequences, path: "\(path)/remove", submit: "删除参数",
        isDangerous: true, cancelPath: path), crumbs: [Crumb("系统参数", SettingsRoutes.base)])
  }

  func removeParameter(_ visit: Visit) async throws -> Response {
    let parameter = try requireOwn(visit)
    do {
      try await settings.removeParameter(
        parameter.name, usedBy: parameterUses(parameter.name), by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .conflict {
      return try visit.redirect(to: "\(SettingsRoutes.base)/\(parameter.name)", saying: refusal.message, tone: .danger)
    }
    return try visit.redirect(to: SettingsRoutes.base, saying: "已删除参数“\(parameter.label)”。")
  }
}

extension String {
  fileprivate var trimmingSpaces: String { TextForms.trimmed(self) }
}
