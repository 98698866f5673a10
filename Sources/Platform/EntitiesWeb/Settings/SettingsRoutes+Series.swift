import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// The series of numbers (编号序列): what is next, and letting one go on with a greater number.
extension SettingsRoutes {
  private static let seriesPath = "/settings/series"

  func registerSeries(in router: inout Router) {
    let base = "/settings/series"
    router.on(.get, base, at: site) { visit in try await seriesList(visit) }
    router.on(.get, "\(base)/edit", at: site) { visit in try await editSeries(visit) }
    router.on(.post, "\(base)/edit", at: site) { visit in try await saveSeries(visit) }
  }

  private func seriesList(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("parameter", "view"), toDo: "查看编号序列")
    let query = visit.request.query.first("q") ?? ""
    let chosen = visit.request.query.first("entity") ?? ""
    let all = try await store.numberSeries()
    let shown = all.filter { series in
      let label = catalog.entity(series.entity)?.label ?? series.entity
      return (chosen.isEmpty || series.entity == chosen) && SettingsRoutes.matches(query, [series.text, label])
    }.sorted { ($0.entity, $1.text) < ($1.entity, $0.text) }
    let page = shown.prefix(500)
    let rows = page.map { series in
      let entity = catalog.entity(series.entity)
      let sample = series.sample(digits: entity?.numbering?.digits ?? 0)
      return TableRow(
        id: "\(series.entity):\(series.text)", name: sample, path: edit(series),
        cells: [
          .text(entity?.label ?? series.entity), .text(series.pattern("…")),
          .text(String(series.next)), .text(sample),
        ])
    }
    let base = SettingsRoutes.seriesPath
    var chips: [ActiveFilters.Chip] = []
    if !query.isEmpty {
      chips.append(.init("搜索", query, removePath: chosen.isEmpty ? base : "\(base)?entity=\(chosen)"))
    }
    if !chosen.isEmpty {
      chips.append(.init("登记表", catalog.entity(chosen)?.label ?? chosen, removePath: base))
    }
    let choices = Set(all.map(\.entity)).sorted().map { Choice($0, catalog.entity($0)?.label ?? $0) }
    return try await visit.page(
      "编号序列", layout: .wide, subtitle: "户号、受理号等按序列编号，编过的号不再使用。",
      actions: visit.principal.may(Permission("parameter", "update"))
        ? [Action("设置序列", .link("\(base)/edit"), style: .primary, icon: .plus)] : []
    ) {
      FilterBar(
        path: base, search: .init(value: query, hint: "前缀、登记表"),
        basic: [Shell.Field("entity", "登记表", .select(chosen, choices, blank: "全部"))])
      ActiveFilters(chips, clearPath: base)
      if shown.count > page.count { Notice(.info, "共 \(shown.count) 个序列，显示前 \(page.count) 个；请按前缀搜索。") }
      Card(isFlush: true) {
        DataTable(
          caption: "编号序列",
          columns: [Column("登记表"), Column("序列", .code), Column("下一个号", .number), Column("下一个编号", .code)],
          rows: Array(rows),
          opensPanel: false,
          empty: all.isEmpty
            ? .empty("还没有编过号", "登记表第一次编号后，序列会显示在这里；也可以先设置起始号。")
            : .nothingFound("没有符合条件的序列", "换一个词试试。", clear: base))
      }
    }
  }

  private func edit(_ series: NumberSeries) -> String {
    "\(SettingsRoutes.seriesPath)/edit?entity=\(series.entity)&text=\(PercentEncoding.encode(series.text))"
  }

  private func editSeries(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("parameter", "view"), toDo: "查看编号序列")
    let entity = visit.request.query.first("entity") ?? ""
    let text = visit.request.query.first("text") ?? ""
    let known = try await store.numberSeries().first { $0.entity == entity && $0.text == text }
    return try await seriesForm(
      visit, entity: entity, text: text, next: known.map { String($0.next) } ?? "1", known: known, error: nil)
  }

  private func saveSeries(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    let entity = form.first("entity") ?? ""
    var text = (form.first("text") ?? "").filter { !$0.isWhitespace }
    if !text.contains("#") { text += "#" }
    let typed = form.first("next") ?? ""
    let known = try await store.numberSeries().first { $0.entity == entity && $0.text == text }
    do {
      guard let next = Int64(typed) else { throw Refusal(.invalid, "series-digits", "下一个号应是整数。", field: "next") }
      let series = NumberSeries(entity: entity, text: text, next: next)
      try await store.setSeries(series, by: visit.principal, origin: visit.request.origin)
      let sample = series.sample(digits: catalog.entity(entity)?.numbering?.digits ?? 0)
      return try visit.redirect(to: SettingsRoutes.seriesPath, saying: "序列已设置，下一个编号是 \(sample)。")
    } catch let refusal as Refusal where refusal.field != nil {
      return try await seriesForm(
        visit, entity: entity, text: text, next: typed, known: known, error: refusal, status: refusal.kind.status)
    }
  }

  private func seriesForm(
    _ visit: Visit, entity: String, text: String, next: String, known: NumberSeries?, error: Refusal?,
    status: Int = 200
  ) async throws -> Response {
    func message(_ field: String) -> String? { error?.field == field ? error?.message : nil }
    let registers = catalog.entities.filter { $0.numbering?.prefixLength != nil }
      .map { Choice($0.name, $0.label) }
    let label = catalog.entity(entity)?.label ?? entity
    var fields: [Shell.Field] = []
    if known == nil {
      fields = [
        Shell.Field(
          "entity", "登记表", .select(entity, registers, blank: "请选择"), isRequired: true, error: message("entity")),
        Shell.Field(
          "text", "序列前缀", .text(text.filter { $0 != "#" }), isRequired: true,
          help: "编号里流水号前面的部分，例如户号的前缀是六位区划代码 511702", error: message("text")),
      ]
    }
    fields.append(
      Shell.Field("next", "下一个号", .text(next), isRequired: true, help: "只能调大；编过的号不再使用。", error: message("next")))
    return try await visit.page(
      known == nil ? "设置编号序列" : "\(label) \(known?.pattern("…") ?? text)", status: status,
      crumbs: [Crumb("编号序列", SettingsRoutes.seriesPath)]
    ) {
      if visit.principal.may(Permission("parameter", "update")) {
        FormView(
          path: "\(SettingsRoutes.seriesPath)/edit", sections: [Shell.FormSection(id: "series", "序列", fields: fields)],
          errors: error.flatMap { refusal in refusal.field.map { [FieldError($0, refusal.message)] } } ?? [],
          submit: Action("保存序列", .submit(name: "step", value: "save"), style: .primary),
          cancelPath: SettingsRoutes.seriesPath,
          hidden: known == nil ? [] : [HiddenField("entity", entity), HiddenField("text", text)], note: "保存后即刻生效，并记入审计。"
        )
      } else {
        Notice(.info, "您可以查看编号序列；需要调整时请联系系统管理员。")
      }
    }
  }
}
