import Access
import Core
package import Entities
import HTML
package import HTTP
package import Identity
import Shell
package import Site

/// Sensitive labels of fields (敏感标记, D2-570): which are sensitive, and raising the level of one.
package struct LabelRoutes: Sendable {
  let site: Site
  let identity: IdentityService
  let settings: RuntimeSettings
  let store: RecordStore

  package init(site: Site, identity: IdentityService, settings: RuntimeSettings, store: RecordStore) {
    self.site = site
    self.identity = identity
    self.settings = settings
    self.store = store
  }

  private static let base = "/settings/labels"
  private static let crumb = Crumb("敏感标记", base)

  package func register(in router: inout Router) {
    router.on(.get, "/settings/labels", at: site) { visit in try await list(visit) }
    router.on(.get, "/settings/labels/{entity}/{field}", at: site) { visit in try await field(visit) }
    router.on(.post, "/settings/labels/{entity}/{field}", at: site) { visit in try await save(visit) }
  }

  private var catalog: Catalog { settings.catalogs.current }

  // MARK: The list

  private typealias Entry = (entity: EntityDeclaration, field: FieldDeclaration)

  /// What is shown: all fields of a register that was chosen, else what is sensitive or labelled.
  private func entries(_ items: QueryItems) -> [Entry] {
    let register = items.first("register") ?? ""
    let words = (items.first("q") ?? "").lowercased().split(whereSeparator: \.isWhitespace)
    let onlyRaised = items.first("raised") == "true"
    return catalog.entities.filter { register.isEmpty || $0.name == register }.flatMap { entity in
      entity.fields.filter { field in
        if field.hidden || onlyRaised && field.raisedFrom == nil { return false }
        if register.isEmpty, words.isEmpty, field.classification < .sensitive, field.raisedFrom == nil { return false }
        let text = [entity.label, entity.name, field.label, field.name].joined(separator: "\n").lowercased()
        return words.allSatisfy { text.contains($0) }
      }.map { (entity, $0) }
    }
  }

  private static let limit = 400

  private func list(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("policy", "view"), toDo: "查看敏感标记")
    let items = visit.request.query
    let found = entries(items)
    let changes = try await settings.labelChanges()
    var who: [String: String] = [:]
    for (register, change) in changes {
      who[register] = "\(try await store.actorName(change.by, store.database) ?? "系统")，\(change.at.display)"
    }
    let rows = found.prefix(LabelRoutes.limit).enumerated().map { place, entry in
      row(entry, place, who[entry.entity.name] ?? "")
    }
    let registers = catalog.entities.map { Choice($0.name, $0.label) }
    let asked = items.items.contains { ["q", "register", "raised"].contains($0.name) && !$0.value.isEmpty }
    return try await visit.page(
      "敏感标记", layout: .wide, subtitle: "提高字段的数据级别，脱敏、筛选、导出、接口和审计即刻跟着变；只能高于声明的级别，不能低于它。"
    ) {
      FilterBar(
        path: LabelRoutes.base, search: .init(value: items.first("q") ?? "", hint: "登记表、字段"),
        basic: [
          Shell.Field("register", "登记表", .select(items.first("register") ?? "", registers, blank: "全部")),
          Shell.Field(
            "raised", "范围", .select(items.first("raised") ?? "", [Choice("true", "只看已提高的")], blank: "全部")),
        ])
      let conflicts = settings.catalogs.labelFindings
      if !conflicts.isEmpty {
        Notice(.warning, title: "有标记与现在的声明冲突，一律按标记保密") {
          ul { for conflict in conflicts { li { conflict.message } } }
        }
      }
      if found.count > LabelRoutes.limit {
        Notice(.info, "共 \(grouped(found.count)) 个字段，只列出前 \(LabelRoutes.limit) 个。请选一个登记表，或换一个词搜索。")
      }
      Card(asked ? "字段" : "敏感、机密和已提高的字段", count: .exact(found.count), isFlush: true) {
        DataTable(
          caption: "敏感标记", columns: LabelRoutes.columns, rows: rows, opensPanel: false,
          empty: .nothingFound("没有符合条件的字段", "按登记表或字段的名称搜索，换一个词试试。", clear: LabelRoutes.base))
      }
    }
  }

  private static let columns = [
    Column("字段"), Column("登记表"), Column("现行级别", .state), Column("声明级别", .state, isOnPhone: false),
    Column("脱敏", .text, isOnPhone: false), Column("最近调整", .text, isOnPhone: false),
  ]

  private func row(_ entry: Entry, _ place: Int, _ who: String) -> TableRow {
    let (entity, field) = entry
    return TableRow(
      id: "label-\(place)", name: "\(entity.label)的\(field.label)", path: path(entry),
      cells: [
        .text(field.label), .text(entity.label), LabelRoutes.badge(field.classification).html,
        LabelRoutes.badge(field.declaredClassification).html, .text(field.mask.map(LabelRoutes.label) ?? "—"),
        .text(field.raisedFrom == nil ? "" : who),
      ])
  }

  private func path(_ entry: Entry) -> String { "\(LabelRoutes.base)/\(entry.entity.name)/\(entry.field.name)" }

  private static func badge(_ level: Classification) -> Badge {
    switch level {
    case .open: Badge(level.label, .success)
    case .inner: Badge(level.label, .neutral)
    case .sensitive: Badge(level.label, .warning)
    case .secret: Badge(level.label, .danger)
    }
  }

  private static func label(_ mask: FieldDeclaration.Mask) -> String {
    switch mask {
    case .name: "姓名：张*"
    case .phone: "电话：138****5678"
    case .id: "证件：511702********1234"
    case .address: "地址：隐去门牌以下"
    case .all: "全部隐去"
    }
  }

  // MARK: One field

  private func require(_ visit: Visit) throws -> Entry {
    try visit.principal.require(Permission("policy", "view"), toDo: "查看敏感标记")
    let entity = try store.entity(try visit.request.parameter("entity"))
    let name = try visit.request.parameter("field")
    guard let field = entity.fields.first(where: { $0.name == name && !$0.hidden }) else {
      throw Refusal(.notFound, "field-unknown", "\(entity.label)没有这个字段，可能已被撤回。请返回敏感标记重新选择。")
    }
    return (entity, field)
  }

  private func field(_ visit: Visit) async throws -> Response {
    let entry = try require(visit)
    return try await form(
      visit, entry, level: entry.field.classification.name, mask: entry.field.mask?.rawValue ?? "", reason: "", [])
  }

  private func save(_ visit: Visit) async throws -> Response {
    let entry = try require(visit)
    let form = try await visit.request.body.form()
    let isReset = form.first("step") == "reset"
    let typed = isReset ? entry.field.declaredClassification.name : form.first("level") ?? ""
    let mask = form.first("mask") ?? ""
    let reason = form.first("reason") ?? ""
    do {
      guard let level = Classification(name: typed) else {
        throw Refusal(.invalid, "level-unknown", "请选择一个级别。", field: "level")
      }
      try await settings.label(
        entry.field.name, of: entry.entity.name, level, mask: FieldDeclaration.Mask(rawValue: mask), reason: reason,
        by: visit.principal, origin: visit.request.origin)
      return try visit.redirect(
        to: "\(LabelRoutes.base)?register=\(entry.entity.name)",
        saying: level == entry.field.declaredClassification
          ? "“\(entry.field.label)”已回到声明的级别：\(level.label)，即刻生效。" : "“\(entry.field.label)”已标为\(level.label)，即刻生效。")
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) {
      return try await self.form(
        visit, entry, level: typed, mask: mask, reason: reason, [FieldError](refusal), refusal.kind.status)
    }
  }

  private func form(
    _ visit: Visit, _ entry: Entry, level: String, mask: String, reason: String, _ errors: [FieldError],
    _ status: Int = 200
  ) async throws -> Response {
    let (entity, field) = entry
    let masked = try await identity.roles(viewing: entity.name, clearedBelow: field.classification)
    let items = [
      DetailItem("登记表", text: entity.label), DetailItem("声明级别", LabelRoutes.badge(field.declaredClassification).html),
      DetailItem("现行级别", LabelRoutes.badge(field.classification).html),
      DetailItem("脱敏", text: field.mask.map(LabelRoutes.label) ?? "不脱敏"),
      DetailItem("加密存储", text: field.encrypted ? "是" : "否"),
      DetailItem(
        "现在不能看到原文的角色", text: masked.isEmpty ? "没有：能打开这个登记表的角色都看得到" : masked.joined(separator: "、"), isWide: true),
    ]
    let mayChange = visit.principal.may(Permission("policy", "update"))
    return try await visit.page(
      "\(entity.label)：\(field.label)", status: status, crumbs: [LabelRoutes.crumb],
      subtitle: "级别高于本人可见级别的人看到掩码，不能按它的片段查找、统计和导出原文；经授权写明事由才能查看完整信息。"
    ) {
      Card("现状") { DetailList(items) }
      if mayChange {
        FormView(
          path: path(entry),
          sections: [Shell.FormSection(id: "label", "标记为", fields: fields(field, level, mask, reason, errors))],
          errors: errors, submit: Action("保存标记", .submit(name: "step", value: "save"), style: .primary),
          others: field.raisedFrom == nil
            ? [] : [Action("回到声明的级别", .submit(name: "step", value: "reset"), icon: .history, takesIncomplete: true)],
          cancelPath: LabelRoutes.base, note: "保存后即刻生效，并记入审计。")
      } else {
        Notice(.info, "您可以查看敏感标记；需要调整时请联系安全保密管理员。")
      }
    }
  }

  private func fields(
    _ field: FieldDeclaration, _ level: String, _ mask: String, _ reason: String, _ errors: [FieldError]
  ) -> [Shell.Field] {
    let levels = Classification.allCases.filter { $0 >= field.declaredClassification }.map {
      Choice($0.name, $0 == field.declaredClassification ? "\($0.label)（声明的级别）" : $0.label)
    }
    let isText = field.type.valueKind == .text && !field.multiple
    let masks = FieldDeclaration.Mask.allCases.filter { isText || $0 == .all }.map {
      Choice($0.rawValue, LabelRoutes.label($0))
    }
    return [
      Shell.Field("level", "级别", .radio(level, levels), isRequired: true, error: errors["level"]),
      Shell.Field(
        "mask", "怎样脱敏", .select(mask, masks, blank: isText ? "请选择" : "全部隐去"), help: "敏感和机密的字段才脱敏。",
        error: errors["mask"]),
      Shell.Field(
        "reason", "原因", .text(reason, .init(maximum: 200)), isRequired: true, help: "依据的规定或事项，会记入审计。",
        error: errors["reason"]),
    ]
  }
}
