import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Adding, changing, ordering and removing one code of a dictionary (字典项).
extension SettingsRoutes {
  /// What the form of a code holds, as it was typed.
  private struct Typed {
    var code = ""
    var label = ""
    var parent = ""
    var help = ""
    var retired = false

    init() {}

    init(_ form: FormData) {
      code = (form.first("code") ?? "").filter { !$0.isWhitespace }
      label = form.first("label") ?? ""
      parent = form.first("parent") ?? ""
      help = form.first("help") ?? ""
      retired = form.first("retired") != nil
    }

    init(_ code: DictionaryDeclaration.Code) {
      self.code = code.code
      label = code.label
      parent = code.parent ?? ""
      help = code.help ?? ""
      retired = code.retired
    }
  }

  private func requireCode(_ visit: Visit, in dictionary: DictionaryDeclaration) throws -> DictionaryDeclaration.Code {
    let name = try visit.request.parameter("code")
    guard let code = dictionary.code(name) else {
      throw Refusal(
        .notFound, "code-unknown", "字典“\(dictionary.label)”里没有编码“\(name.prefix(64))”，可能刚被删除。请返回字典刷新后再试。")
    }
    return code
  }

  func newCode(_ visit: Visit) async throws -> Response {
    let dictionary = try requireDictionary(visit)
    try visit.principal.require(Permission("dictionary", "create"), toDo: "新增字典项")
    var typed = Typed()
    typed.parent = visit.request.query.first("parent") ?? ""
    return try await form(visit, dictionary, typed, of: nil, errors: [])
  }

  func code(_ visit: Visit) async throws -> Response {
    let dictionary = try requireDictionary(visit)
    try visit.principal.require(Permission("dictionary", "update"), toDo: "修改字典项")
    let code = try requireCode(visit, in: dictionary)
    return try await form(visit, dictionary, Typed(code), of: code, errors: [])
  }

  func saveCode(_ visit: Visit, isNew: Bool) async throws -> Response {
    let dictionary = try requireDictionary(visit)
    let present = isNew ? nil : try requireCode(visit, in: dictionary)
    var typed = Typed(try await visit.request.body.form())
    if let present {
      typed.code = present.code
      // What is fixed is shown and not asked.
      if let fixed = settings.catalogs.fixedCode(present.code, in: dictionary.name) {
        typed.label = fixed.label
        typed.parent = fixed.parent ?? ""
      }
    }
    do {
      try await settings.put(
        typed.code, label: typed.label, in: dictionary.name, parent: typed.parent.isEmpty ? nil : typed.parent,
        retired: typed.retired, help: typed.help, isNew: isNew, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where [.invalid, .unprocessable, .conflict].contains(refusal.kind) {
      let errors = [FieldError](refusal)
      return try await form(visit, dictionary, typed, of: present, errors: errors, status: refusal.kind.status)
    }
    let change = isNew ? "已新增编码" : typed.retired && present?.retired == false ? "已停用编码" : "已保存编码"
    return try visit.redirect(to: SettingsRoutes.path(dictionary.name), saying: "\(change)“\(typed.label)”，即刻生效。")
  }

  private func form(
    _ visit: Visit, _ dictionary: DictionaryDeclaration, _ typed: Typed, of code: DictionaryDeclaration.Code?,
    errors: [FieldError], status: Int = 200
  ) async throws -> Response {
    let path = SettingsRoutes.path(dictionary.name)
    var uses: [CodeHolding] = []
    if let code { uses = try await settings.uses(of: code.code, in: dictionary.name) }
    var more: [Action] = []
    let isDeclared = code.map { settings.catalogs.declared.dictionary(dictionary.name)?.code($0.code) != nil } ?? true
    if let code, !isDeclared, visit.principal.may(Permission("dictionary", "delete")) {
      more.append(
        Action("删除", .dialog("\(SettingsRoutes.path(dictionary.name, code.code))/remove"), style: .danger, icon: .trash)
      )
    }
    let title = code.map { "修改编码：\($0.label)" } ?? "新增编码"
    return try await visit.page(
      title, status: status, crumbs: [Crumb("数据字典", "/settings/dictionaries"), Crumb(dictionary.label, path)],
      moreActions: more
    ) {
      FormView(
        path: code.map { SettingsRoutes.path(dictionary.name, $0.code) } ?? "\(path)/new",
        sections: [
          Shell.FormSection(id: "code", dictionary.label, fields: fields(dictionary, typed, of: code, errors: errors))
        ],
        errors: errors,
        submit: Action(code == nil ? "新增编码" : "保存编码", .submit(name: nil, value: nil), style: .primary),
        cancelPath: path, note: "保存后所有表单即刻生效，并记入审计。")
      if code != nil { Card("正在使用") { usesList(uses) } }
    }
  }

  private func fields(
    _ dictionary: DictionaryDeclaration, _ typed: Typed, of code: DictionaryDeclaration.Code?, errors: [FieldError]
  ) -> [Shell.Field] {
    func error(_ name: String) -> String? { errors.first { $0.field == name }?.message }
    let isFixed = code.map { settings.catalogs.fixedCode($0.code, in: dictionary.name) != nil } ?? false
    let parents = SettingsRoutes.outline(dictionary).filter { $0.code.code != code?.code }.map {
      Choice($0.code.code, String(repeating: "　", count: $0.depth) + $0.code.label)
    }
    let fixedHelp = "随产品交付的编码意思固定，名称不能改；需要别的意思请新增编码。"
    var fields = [
      Shell.Field(
        "code", "编码",
        code == nil
          ? .text(typed.code, .init(maximum: 64, width: 20, isCode: true)) : .fixed(typed.code),
        isRequired: code == nil, help: code == nil ? "存进记录的值，保存后不能再改；字母、数字、点、横线或下划线。" : nil, error: error("code")),
      Shell.Field(
        "label", "名称", isFixed ? .fixed(typed.label) : .text(typed.label, .init(maximum: 100)), isRequired: !isFixed,
        help: isFixed ? fixedHelp : nil, error: error("label")),
    ]
    if isFixed {
      if !typed.parent.isEmpty {
        fields.append(
          Shell.Field(
            "parent", "上级", .fixed(dictionary.label(of: typed.parent) ?? typed.parent), error: error("parent")))
      }
    } else {
      fields.append(
        Shell.Field("parent", "上级", .select(typed.parent, parents, blank: "没有上级"), error: error("parent")))
    }
    fields += [
      Shell.Field("help", "说明", .text(typed.help, .init(maximum: 200)), help: "帮助人选对这一项。", error: error("help")),
      Shell.Field(
        "retired", "停用", .checkbox(typed.retired, caption: "停用：新记录不再能选，已有记录照常显示"), error: error("retired")),
    ]
    return fields
  }

  private func usesList(_ uses: [CodeHolding]) -> HTML {
    if uses.isEmpty { return p { "还没有记录使用这个编码。" } }
    return ul {
      for use in uses {
        let count = use.count >= RuntimeSettings.countLimit ? "\(grouped(use.count)) 条以上" : "\(grouped(use.count)) 条"
        li { "\(use.entity.label) · \(use.field.label)：\(count)（含历史版本）" }
      }
    }
  }

  // MARK: Order and removal

  func moveCode(_ visit: Visit) async throws -> Response {
    let dictionary = try requireDictionary(visit)
    let code = try requireCode(visit, in: dictionary)
    let form = try await visit.request.body.form()
    guard let direction = form.first("direction"), ["up", "down"].contains(direction) else {
      throw Refusal(.invalid, "direction", "没有说明上移还是下移，顺序没有改动。请返回字典重试。", field: "direction")
    }
    try await settings.move(
      code.code, up: direction == "up", in: dictionary.name, by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(
      to: SettingsRoutes.path(dictionary.name), saying: "已把“\(code.label)”\(direction == "up" ? "上移" : "下移")一位。")
  }

  func askRemoveCode(_ visit: Visit) async throws -> Response {
    let dictionary = try requireDictionary(visit)
    try visit.principal.require(Permission("dictionary", "delete"), toDo: "删除字典项")
    let code = try requireCode(visit, in: dictionary)
    let path = SettingsRoutes.path(dictionary.name, code.code)
    return try await visit.confirmation(
      Confirmation(
        title: "删除编码“\(code.label)”？",
        consequences: ["只有已停用、从未被记录使用过的本地编码才能删除。", "删除会记入审计，之后可以用同一编码重新新增。"],
        path: "\(path)/remove", submit: "删除编码", isDangerous: true, cancelPath: path),
      crumbs: [Crumb(dictionary.label, SettingsRoutes.path(dictionary.name))])
  }

  func removeCode(_ visit: Visit) async throws -> Response {
    let dictionary = try requireDictionary(visit)
    let code = try requireCode(visit, in: dictionary)
    do {
      try await settings.remove(code.code, from: dictionary.name, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .conflict {
      return try visit.redirect(
        to: SettingsRoutes.path(dictionary.name, code.code), saying: refusal.message, tone: .danger)
    }
    return try visit.redirect(to: SettingsRoutes.path(dictionary.name), saying: "已删除编码“\(code.label)”。")
  }
}
