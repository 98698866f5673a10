import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Forms and what they change.
extension RecordRoutes {
  func form(_ visit: Visit, id: Int64?) async throws -> Response {
    let register = try register(visit, to: id == nil ? "create" : "update")
    var record: Record?
    if let id {
      record = try await store.records(as: visit.principal, origin: visit.request.origin).get(register.entity.name, id)
    }
    var typed: FormInput?
    if id == nil {
      let asked = Dictionary(visit.request.query.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 })
      typed = FormInput(defaults(register).merging(asked) { _, asked in asked })
    }
    return try await formPage(register, record, typed: typed, errors: [], visit)
  }

  /// What a new record's form starts with: the declared defaults, which the store would fill in anyway.
  private func defaults(_ register: Register) -> [String: [String]] {
    var texts: [String: [String]] = [:]
    for field in register.entity.fields where field.editable && !field.multiple {
      guard let value = try? field.defaultValue?.evaluate(in: register.context, { _ in .null }) else { continue }
      texts[field.name] = [FieldControl.editText(value)]
    }
    return texts
  }

  private func formPage(
    _ register: Register, _ record: Record?, typed: FormInput?, errors: [FieldError], _ visit: Visit, status: Int = 200,
    isSent: Bool = false, version: Int? = nil
  ) async throws -> Response {
    let entity = register.entity
    let byField = Dictionary(
      errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    let controls = FieldControl(catalog: register.catalog, errors: byField)
    let questions = questions(register, record, typed: typed, isSent: isSent)
    let deciding = FormQuestions.deciding(of: entity)
    let sections = register.sections.enumerated().compactMap { index, section -> Shell.FormSection? in
      let fields = section.fields.filter {
        $0.isStored && !$0.hidden && ($0.editable || record != nil) && questions.asks($0, of: entity)
      }
      guard fields.contains(where: \.editable) || record != nil && !fields.isEmpty else { return nil }
      return Shell.FormSection(
        id: "section-\(index)", section.label,
        fields: fields.map { field in
          var shown = controls.field(field, typed: typed, record: record)
          let isKept = record?.masked.contains(field.name) ?? false
          shown.isRequired = questions.requires(field) && !isKept
          shown.refreshesForm = deciding.contains(field.name)
          return shown
        })
    }
    let base = "/r/\(entity.name)"
    let path = record.map { "\(base)/\($0.id)/edit" } ?? "\(base)/new"
    let title = record.map { "修改：\(register.title(of: $0))" } ?? "新建\(entity.label)"
    var crumbs = [Crumb(entity.label, base)]
    if let record { crumbs.append(Crumb(register.title(of: record), "\(base)/\(record.id)")) }
    return try await visit.page(title, status: status, crumbs: crumbs) {
      FormView(
        path: path, sections: sections, errors: errors,
        submit: Action(record == nil ? "保存\(entity.label)" : "保存修改", .submit(name: nil, value: nil), style: .primary),
        cancelPath: record.map { "\(base)/\($0.id)" } ?? base,
        hidden: record.map { [HiddenField("version", String(version ?? $0.version))] } ?? [],
        draftKey: entity.personal ? nil : path,
        isMultipart: entity.fields.contains { $0.type == .file || $0.type == .image }, refreshes: !deciding.isEmpty)
    }
  }

  /// What the form asks for by what is typed, else by what is stored or would be filled in.
  private func questions(_ register: Register, _ record: Record?, typed: FormInput?, isSent: Bool) -> FormQuestions {
    var answers: [String: Value] = [:]
    for field in register.entity.fields {
      answers[field.name] =
        record?[field.name] ?? (try? field.defaultValue?.evaluate(in: register.context, { _ in .null }))
    }
    if let typed {
      let form = FormData(fields: QueryItems(typed), files: [])
      let names = register.entity.fields.filter { $0.editable && typed.texts[$0.name] != nil }.map(\.name)
      let reader = FormReader(register, form, record: record, only: isSent ? nil : names)
      answers.merge(reader.values) { $1 }
    }
    return FormQuestions(context: register.context) { answers[$0] ?? .null }
  }

  func save(_ visit: Visit, id: Int64?) async throws -> Response {
    let register = try register(visit, to: id == nil ? "create" : "update")
    let entity = register.entity
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let form = try await visit.request.body.form()
    var record: Record?
    if let id { record = try await records.get(entity.name, id) }
    let typed = FormInput(form)
    let read = form.first("version").flatMap { Int($0) }
    // Who has been told of another's change goes on from it; until then the version is the one that was read.
    func again(_ errors: [FieldError], status: Int = 422) async throws -> Response {
      try await formPage(
        register, record, typed: typed, errors: errors, visit, status: status, isSent: true,
        version: status == 409 ? nil : read)
    }
    if form.first("_refresh") != nil { return try await again([], status: 200) }
    let questions = questions(register, record, typed: typed, isSent: true)
    let editable = entity.fields.filter { $0.isStored && $0.editable && !$0.hidden }
    let asked = editable.filter { questions.asks($0, of: entity) }
    var reader = FormReader(register, form, record: record, only: asked.map(\.name))
    // An answer that this change makes pointless goes with it.
    if let record {
      let before = self.questions(register, record, typed: nil, isSent: false)
      for field in editable where !record[field.name].isBlank {
        if before.asks(field, of: entity), !questions.asks(field, of: entity) { reader.set(field.name, .null) }
      }
    }
    guard reader.errors.isEmpty else { return try await again(reader.errors) }
    do {
      for field in asked where field.type == .file || field.type == .image {
        if let value = try await files.value(field, form, record: record, by: visit.principal) {
          reader.set(field.name, value)
        }
      }
      let saved: Record
      if let id {
        saved = try await records.update(entity.name, id, version: read, reader.values)
      } else {
        saved = try await records.insert(entity.name, reader.values.filter { !$0.value.isNull })
      }
      let title = register.title(of: saved)
      return try visit.redirect(
        to: "/r/\(entity.name)/\(saved.id)", saying: id == nil ? "已新建\(entity.label)“\(title)”。" : "已保存对“\(title)”的修改。")
    } catch let refusal as Refusal where [.invalid, .unprocessable, .conflict, .tooLarge].contains(refusal.kind) {
      return try await again([FieldError](refusal), status: refusal.kind.status)
    }
  }

  // MARK: Delete

  func askDelete(_ visit: Visit) async throws -> Response {
    let register = try register(visit, to: "delete")
    let id = try visit.recordID()
    let record = try await store.records(as: visit.principal, origin: visit.request.origin).get(
      register.entity.name, id)
    let path = "/r/\(register.entity.name)/\(id)"
    let changed = try await changedSince(visit, register, record)
    return try await visit.confirmation(
      Confirmation(
        title: "删除“\(register.title(of: record))”", consequences: ["它不再出现在列表和统计中。", "历史版本仍然保留，可在审计中查到。"],
        path: "\(path)/delete", hidden: [HiddenField("version", String(record.version))], submit: "删除",
        isDangerous: true, cancelPath: path
      ) { if let changed { RecordRoutes.notice(changed, path) } })
  }

  func delete(_ visit: Visit) async throws -> Response {
    let register = try register(visit, to: "delete")
    let id = try visit.recordID()
    let form = try await visit.request.body.form()
    try await store.records(as: visit.principal, origin: visit.request.origin).delete(
      register.entity.name, id, version: form.first("version").flatMap { Int($0) })
    return try visit.redirect(to: "/r/\(register.entity.name)", saying: "已删除，历史版本仍然保留。")
  }

  // MARK: Reveal

  func askReveal(_ visit: Visit) async throws -> Response {
    let register = try register(visit, to: "reveal")
    return try await visit.confirmation(revealForm(register, try visit.recordID(), error: nil))
  }

  private func revealForm(_ register: Register, _ id: Int64, error: String?) -> Confirmation {
    let path = "/r/\(register.entity.name)/\(id)"
    return LookPurpose.question(
      "查看完整信息", consequence: "这次查看会记入审计日志，本人可以看到是谁、因为什么查看。", path: "\(path)/reveal",
      submit: "查看完整信息", cancel: path, error: error)
  }

  func reveal(_ visit: Visit) async throws -> Response {
    let register = try register(visit, to: "reveal")
    let id = try visit.recordID()
    let form = try await visit.request.body.form()
    guard let stated = LookPurpose.stated(form) else {
      return try await visit.confirmation(revealForm(register, id, error: "请选择查看的用途。"), status: 422)
    }
    let record = try await store.records(as: visit.principal, purpose: stated, origin: visit.request.origin)
      .get(register.entity.name, id, reveal: true)
    let display = FieldDisplay(catalog: register.catalog)
    let fields = register.entity.fields.filter { $0.classification >= .sensitive && !$0.hidden }
    let path = "/r/\(register.entity.name)/\(id)"
    return try await visit.page(
      register.title(of: record), crumbs: [Crumb(register.entity.label, "/r/\(register.entity.name)")],
      actions: [Action("回到记录", .link(path), style: .primary)]
    ) {
      Notice(.info, "您正在查看完整信息，用途：\(stated)。已记入审计日志。")
      Card("完整信息") {
        DetailList(fields.map { display.detail($0, of: record, mayReveal: false) })
      }
    }
  }

  // MARK: Declared actions

  private func declared(_ visit: Visit) throws -> (Register, ActionDeclaration, Int64) {
    let name = try visit.request.parameter("action")
    let entity = try store.entity(try visit.request.parameter("entity"))
    guard let action = entity.action(name) else {
      throw Refusal(.notFound, "action-unknown", "\(entity.label)没有名为“\(name.prefix(40))”的操作。请刷新页面。")
    }
    try visit.principal.require(Permission(entity.name, name), toDo: action.label)
    return (register(entity, visit), action, try visit.recordID())
  }

  func askAction(_ visit: Visit) async throws -> Response {
    let (register, action, id) = try declared(visit)
    if let page = action.page(of: id) { return try visit.redirect(to: page) }
    let record = try await store.records(as: visit.principal, origin: visit.request.origin).get(
      register.entity.name, id)
    return try await visit.confirmation(
      confirmation(action, register, record, changed: try await changedSince(visit, register, record)))
  }

  /// What somebody who acts from a page is told when the record is not any more as that page showed it (`?version=`).
  private func changedSince(_ visit: Visit, _ register: Register, _ record: Record) async throws -> String? {
    guard let read = visit.request.query.first("version").flatMap({ Int($0) }), read != record.version else {
      return nil
    }
    let who = try await store.actorName(record.updatedBy, store.database) ?? "系统"
    return "这条\(register.entity.label)已在 \(record.updatedAt.display) 被\(who)修改，您打开的页面不是最新内容。请先核对最新内容再办理。"
  }

  private static func notice(_ changed: String, _ path: String) -> HTML {
    Notice(.danger, title: "内容已被改动", actions: [Action("查看最新内容", .link(path))]) { p { changed } }.html
  }

  /// - Parameters:
  ///   - typed: what was answered before, when the question is asked again.
  ///   - changed: what to say of a change by somebody else.
  ///   - version: the one that was read; the record's without it.
  private func confirmation(
    _ action: ActionDeclaration, _ register: Register, _ record: Record, typed: FormInput? = nil,
    errors: [FieldError] = [], changed: String? = nil, version: Int? = nil
  ) -> Confirmation {
    let byField = Dictionary(
      errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    let controls = FieldControl(catalog: register.catalog, errors: byField)
    let path = "/r/\(register.entity.name)/\(record.id)"
    // What has to be filled in once the action has set its values.
    var after: [String: Value] = [:]
    for assignment in action.set {
      after[assignment.field] = try? assignment.value.evaluate(in: register.context) { record[$0] }
    }
    let questions = FormQuestions(context: register.context) { [after] in after[$0] ?? record[$0] }
    return Confirmation(
      title: "\(action.label)：\(register.title(of: record))", consequences: action.confirm.map { [$0] } ?? [],
      fields: action.ask.compactMap { register.entity.field($0) }.map { field in
        var shown = controls.field(field, typed: typed, record: record)
        shown.isReadOnly = false
        shown.isRequired =
          (questions.requires(field) || field.name == action.onlyAnswer && field.type != .boolean)
          && !record.masked.contains(field.name)
        return shown
      },
      errors: errors, path: "\(path)/do/\(action.name)",
      hidden: [HiddenField("version", String(version ?? record.version))],
      submit: action.label, cancelPath: path, isMultipart: !fileFields(of: action, register).isEmpty
    ) { if let changed { RecordRoutes.notice(changed, path) } }
  }

  /// The fields among those that are asked which hold files.
  private func fileFields(of action: ActionDeclaration, _ register: Register) -> [FieldDeclaration] {
    action.ask.compactMap { register.entity.field($0) }.filter { $0.type == .file || $0.type == .image }
  }

  func perform(_ visit: Visit) async throws -> Response {
    let (register, action, id) = try declared(visit)
    let form = try await visit.request.body.form()
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let record = try await records.get(register.entity.name, id)
    let read = form.first("version").flatMap { Int($0) }
    let typed = FormInput(form)
    var reader = FormReader(register, form, record: record, only: action.ask)
    func again(_ errors: [FieldError], status: Int = 422) async throws -> Response {
      try await visit.confirmation(
        confirmation(action, register, record, typed: typed, errors: errors, version: read), status: status)
    }
    guard reader.errors.isEmpty else { return try await again(reader.errors) }
    do {
      for field in fileFields(of: action, register) {
        if let value = try await files.value(field, form, record: record, by: visit.principal) {
          reader.set(field.name, value)
        }
      }
      let changed = try await records.perform(
        action.name, on: register.entity.name, id, version: read, asked: reader.values)
      return try visit.redirect(
        to: "/r/\(register.entity.name)/\(id)", saying: "已\(action.label)“\(register.title(of: changed))”。")
    } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .unprocessable {
      return try await again([FieldError](refusal), status: refusal.kind.status)
    } catch let refusal as Refusal where refusal.code == "version-conflict" && register.isOpen(action, for: record) {
      // Nothing that was answered is lost; whoever has been told may go on from what stands now.
      return try await visit.confirmation(
        confirmation(action, register, record, typed: typed, changed: refusal.message), status: refusal.kind.status)
    }
  }
}
