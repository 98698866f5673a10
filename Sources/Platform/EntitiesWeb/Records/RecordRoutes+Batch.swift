import Access
import Core
import Entities
import HTTP
import Shell
import Site

extension EntityDeclaration {
  /// Whether an action can be done to several records at once: what it asks is one answer for all of them, so neither
  /// files nor places.
  func allowsBatch(_ action: ActionDeclaration) -> Bool {
    action.page?.contains("{ids}") != false
      && action.ask.allSatisfy { name in
        guard let type = field(name)?.type else { return false }
        return type != .file && type != .image && !type.isGeometry
      }
  }
}

/// One action on the ticked records, or on all that the list's filters leave.
extension RecordRoutes {
  func batch(_ visit: Visit) async throws -> Response {
    let form = try await visit.request.body.form()
    let name = form.first("action") ?? ""
    let entity = try store.entity(try visit.request.parameter("entity"))
    let register = register(entity, visit)
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let answered = form.first("_asked") == "1"
    let address = try ListAddress(entity, answered ? QueryItems([]) : form.fields)
    let back = answered ? RecordRoutes.listPath(form.first("_back"), entity) : address.path
    if name == "export" { return try exportChosen(form, address, visit) }
    let ids = try await chosen(form, address, records)
    guard !ids.isEmpty else {
      return try visit.redirect(to: back, saying: "没有勾选任何\(entity.label)，没有改动。", tone: .warning)
    }
    if let action = entity.action(name), let page = action.page(of: ids) {
      try visit.principal.require(Permission(entity.name, name), toDo: action.label)
      return .redirect(to: page)
    }
    let outcome: BulkOutcome
    let verb: String
    if name == "delete" {
      try visit.principal.require(Permission(entity.name, "delete"), toDo: "删除\(entity.label)")
      outcome = try await records.deleteAll(entity.name, ids)
      verb = "删除"
    } else {
      var asked: [String: Value] = [:]
      if let action = entity.action(name), !action.ask.isEmpty {
        try visit.principal.require(Permission(entity.name, name), toDo: action.label)
        guard entity.allowsBatch(action) else { throw RecordRoutes.notInBatches }
        guard answered else {
          return try await visit.confirmation(question(action, register, ids, nil, [], back: back))
        }
        let reader = FormReader(register, form, record: nil, only: action.ask)
        guard reader.errors.isEmpty else {
          return try await visit.confirmation(
            question(action, register, ids, form, reader.errors, back: back), status: 422)
        }
        asked = reader.values
        outcome = try await records.performAll(name, on: entity.name, ids, asked: asked)
        // What everybody is refused for is wrong with the answer, not with the records.
        if outcome.done.isEmpty, let first = outcome.refused.first?.refusal, let field = first.field,
          action.ask.contains(field)
        {
          return try await visit.confirmation(
            question(action, register, ids, form, [FieldError](first), back: back), status: 422)
        }
      } else {
        outcome = try await records.performAll(name, on: entity.name, ids)
      }
      verb = entity.action(name)?.label ?? name
    }
    guard let first = outcome.refused.first else {
      return try visit.redirect(to: back, saying: "已\(verb) \(outcome.done.count) 条\(register.entity.label)。")
    }
    return try visit.redirect(
      to: back,
      saying: "\(verb)完成 \(outcome.done.count) 条，\(outcome.refused.count) 条未处理，例如：\(first.refusal.message)",
      tone: .warning)
  }

  /// The page of exports, of the ticked records or of all that the filters leave.
  private func exportChosen(_ form: FormData, _ address: ListAddress, _ visit: Visit) throws -> Response {
    try visit.principal.require(Permission(address.entity.name, "export"), toDo: "导出\(address.entity.label)")
    var items = address.items.setting("page", to: nil)
    if form.first("all") != "1" {
      let ids = form.all("id").filter { Int64($0) != nil }
      guard !ids.isEmpty else {
        return try visit.redirect(to: address.path, saying: "没有勾选任何\(address.entity.label)，没有导出。", tone: .warning)
      }
      // The ticked ones are all that is meant: other filters would only take away.
      items = QueryItems(
        items.items.filter { ["sort", "columns"].contains($0.name) }
          + ids.map { QueryItems.Item(name: "id.is", value: $0) })
    }
    return .redirect(to: "\(address.bare)/export\(items.isEmpty ? "" : "?\(items.encoded)")")
  }

  private static let notInBatches = Refusal(.invalid, "action-not-in-batches", "这项操作要逐条办理，没有改动。请打开记录后再办理。")

  private func chosen(_ form: FormData, _ address: ListAddress, _ records: Records) async throws -> [Int64] {
    guard form.first("all") == "1" else { return form.all("id").compactMap { Int64($0) } }
    var query = address.query
    query.limit = ListQuery.maximumLimit
    query.columns = [address.entity.title]
    let page = try await records.list(query)
    guard page.count.value <= Records.bulkLimit else {
      throw Refusal(
        .tooLarge, "bulk-too-large",
        "筛选出 \(page.count.display) 条，一次最多处理 \(Records.bulkLimit) 条，没有改动。请增加筛选条件。")
    }
    return page.records.map(\.id)
  }

  /// The list that a batch was started from; nothing but a list of this register.
  private static func listPath(_ text: String?, _ entity: EntityDeclaration) -> String {
    let bare = "/r/\(entity.name)"
    guard let text, text == bare || text.hasPrefix(bare + "?") else { return bare }
    return text
  }

  /// What an action asks, once for all the records.
  private func question(
    _ action: ActionDeclaration, _ register: Register, _ ids: [Int64], _ form: FormData?, _ errors: [FieldError],
    back: String
  ) -> Confirmation {
    let byField = Dictionary(
      errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    let controls = FieldControl(catalog: register.catalog, errors: byField)
    let typed = form.map { FormInput($0) }
    let hidden =
      [HiddenField("action", action.name), HiddenField("_asked", "1"), HiddenField("_back", back)]
      + ids.map { HiddenField("id", String($0)) }
    return Confirmation(
      title: "\(action.label)：\(ids.count) 条\(register.entity.label)",
      consequences: (action.confirm.map { [$0] } ?? []) + ["逐条办理；不能办理的列出原因，不影响其他各条。"],
      fields: action.ask.compactMap { register.entity.field($0) }.map { field in
        var shown = controls.field(field, typed: typed ?? FormInput(), record: nil)
        if field.name == action.onlyAnswer, field.type != .boolean { shown.isRequired = true }
        return shown
      },
      errors: errors, path: "/r/\(register.entity.name)/batch", hidden: hidden, submit: action.label,
      cancelPath: back)
  }
}
