import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// The parameters by group, and changing one (系统参数).
extension SettingsRoutes {
  func parameterList(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("parameter", "view"), toDo: "查看系统参数")
    let catalog = catalog
    let query = visit.request.query.first("q") ?? ""
    let onlyChanged = visit.request.query.first("changed") == "true"
    let changes = try await parameters.changes(from: settings.database)
    var groups: [(label: String, rows: [TableRow])] = []
    for parameter in catalog.parameters {
      guard SettingsRoutes.matches(query, [parameter.name, parameter.label, parameter.group, parameter.help ?? ""]),
        !onlyChanged || changes[parameter.name] != nil
      else { continue }
      let row = try await row(parameter, changes[parameter.name])
      if let index = groups.firstIndex(where: { $0.label == parameter.group }) {
        groups[index].rows.append(row)
      } else {
        groups.append((parameter.group, [row]))
      }
    }
    let base = "/settings/parameters"
    var chips: [ActiveFilters.Chip] = []
    if !query.isEmpty {
      chips.append(.init("搜索", query, removePath: onlyChanged ? "\(base)?changed=true" : base))
    }
    if onlyChanged {
      let rest = query.isEmpty ? base : "\(base)?q=\(PercentEncoding.encode(query))"
      chips.append(.init("只看", "改过的", removePath: rest))
    }
    let columns = [
      Column("参数", .wide), Column("当前值"), Column("默认值"), Column("状态", .state), Column("最近修改", .text, isOnPhone: false),
    ]
    let cards = groups.map { group in
      Card(group.label, count: .exact(group.rows.count), isFlush: true) {
        DataTable(
          caption: group.label, columns: columns, rows: group.rows, opensPanel: false, empty: .empty("没有参数", ""))
      }.html
    }
    let actions =
      visit.principal.may(Permission("parameter", "create"))
      ? [Action("新增参数", .link("\(base)/new"), style: .primary, icon: .plus)] : []
    return try await visit.page(
      "系统参数", layout: .wide, subtitle: "改动即刻生效，不用重启；每次改动都记入审计。", actions: actions
    ) {
      FilterBar(
        path: base, search: .init(value: query, hint: "参数名称、说明"),
        basic: [
          Shell.Field(
            "changed", "范围", .select(onlyChanged ? "true" : "", [Choice("true", "只看改过的")], blank: "全部"))
        ])
      ActiveFilters(chips, clearPath: base)
      if cards.isEmpty {
        StateView.nothingFound("没有符合条件的参数", "按名称或说明搜索，换一个词试试。", clear: base)
      }
      for card in cards { card }
    }
  }

  private func row(_ parameter: ParameterDeclaration, _ change: SettingChange?) async throws -> TableRow {
    let value = try parameters.value(parameter.name)
    let isChanged = value != parameter.defaultValue
    let who = try await text(of: change)
    return TableRow(
      id: parameter.name, name: parameter.label, path: "/settings/parameters/\(parameter.name)",
      cells: [
        .text(parameter.label), strong { shown(value, of: parameter) },
        .text(shown(parameter.defaultValue, of: parameter)),
        Badge(isChanged ? "已改" : "默认", isChanged ? .info : .neutral).html, .text(who),
      ])
  }

  private func requireParameter(_ visit: Visit) throws -> ParameterDeclaration {
    try visit.principal.require(Permission("parameter", "view"), toDo: "查看系统参数")
    let name = try visit.request.parameter("name")
    guard let parameter = catalog.parameter(name) else {
      throw Refusal(.notFound, "parameter-unknown", "没有名为“\(name.prefix(80))”的参数。请从参数列表重新进入。")
    }
    return parameter
  }

  /// The value as people read it: labels of codes, 是 and 否, the unit behind it.
  private func shown(_ value: Entities.Value, of parameter: ParameterDeclaration) -> String {
    var text = value.plainText
    if let name = parameter.field.dictionary { text = catalog.dictionary(name)?.label(of: text) ?? text }
    if text.isEmpty { return "空" }
    return parameter.unit.map { "\(text) \($0)" } ?? text
  }

  /// What may be typed: `1 到 64 的整数`.
  private func limits(_ parameter: ParameterDeclaration) -> String? {
    if let length = parameter.maximumLength { return "最多 \(length) 个字。" }
    switch (parameter.minimum, parameter.maximum) {
    case (let low?, let high?): return "\(low) 到 \(high) 的\(parameter.type.label)。"
    case (let low?, nil): return "不小于 \(low) 的\(parameter.type.label)。"
    case (nil, let high?): return "不大于 \(high) 的\(parameter.type.label)。"
    case (nil, nil): return nil
    }
  }

  // MARK: One parameter

  func parameter(_ visit: Visit) async throws -> Response {
    let parameter = try requireParameter(visit)
    let value = try parameters.value(parameter.name)
    return try await form(visit, parameter, typed: FieldControl.editText(value), error: nil)
  }

  func saveParameter(_ visit: Visit) async throws -> Response {
    let parameter = try requireParameter(visit)
    let form = try await visit.request.body.form()
    let isReset = form.first("step") == "reset"
    var typed = form.first("value") ?? ""
    if parameter.type == .boolean { typed = typed.isEmpty ? "否" : "是" }
    do {
      try await parameters.set(
        parameter.name, isReset ? nil : typed, by: visit.principal, audit: settings.audit,
        database: settings.database, clock: settings.clock, origin: visit.request.origin)
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) {
      return try await self.form(
        visit, parameter, typed: typed, error: refusal.message, status: refusal.kind.status)
    }
    let value = shown(try parameters.value(parameter.name), of: parameter)
    return try visit.redirect(
      to: "/settings/parameters",
      saying: isReset ? "“\(parameter.label)”已恢复默认值：\(value)。" : "“\(parameter.label)”已改为 \(value)，即刻生效。")
  }

  private func form(
    _ visit: Visit, _ parameter: ParameterDeclaration, typed: String, error: String?, status: Int = 200
  ) async throws -> Response {
    let mayChange = visit.principal.may(Permission("parameter", "update"))
    let change = try await parameters.changes(from: settings.database)[parameter.name]
    let value = try parameters.value(parameter.name)
    var items = [
      DetailItem("当前值", text: shown(value, of: parameter)),
      DetailItem("默认值", text: shown(parameter.defaultValue, of: parameter)),
      DetailItem("代号", text: parameter.name, isCode: true),
      DetailItem("最近修改", text: change == nil ? "没有改过" : try await text(of: change)),
    ]
    if parameter.isOwn {
      let uses = parameterUses(parameter.name)
      items.append(DetailItem("用在", text: uses.isEmpty ? "还没有用到" : uses.joined(separator: "、"), isWide: true))
    }
    var field = FieldControl(catalog: catalog, errors: [:])
      .field(parameter.field, typed: FormInput([parameter.name: [typed]]), record: nil)
    field = Shell.Field(
      "value", parameter.label, field.control, isRequired: parameter.type != .boolean,
      help: [parameter.help, limits(parameter)].compactMap { $0 }.joined(separator: " "), error: error)
    let others =
      change == nil
      ? [] : [Action("恢复默认值", .submit(name: "step", value: "reset"), icon: .history, takesIncomplete: true)]
    var more: [Action] = []
    if parameter.isOwn, mayChange {
      more.append(Action("修改说明", .link("/settings/parameters/\(parameter.name)/definition"), icon: .edit))
    }
    if parameter.isOwn, visit.principal.may(Permission("parameter", "delete")) {
      more.append(
        Action(
          "删除参数", .dialog("/settings/parameters/\(parameter.name)/remove"), style: .danger, icon: .trash))
    }
    return try await visit.page(
      parameter.label, status: status, crumbs: [Crumb("系统参数", "/settings/parameters")],
      badge: parameter.isOwn ? Badge("自建", .success) : nil, subtitle: parameter.group, moreActions: more
    ) {
      Card("现状") { DetailList(items) }
      if mayChange {
        FormView(
          path: "/settings/parameters/\(parameter.name)",
          sections: [Shell.FormSection(id: "value", "改为", fields: [field])],
          errors: error.map { [FieldError("value", $0)] } ?? [],
          submit: Action("保存参数", .submit(name: "step", value: "save"), style: .primary), others: others,
          cancelPath: "/settings/parameters", note: "保存后即刻生效，并记入审计。")
      } else {
        Notice(.info, "您可以查看系统参数；需要修改时请联系系统管理员。")
      }
    }
  }
}
