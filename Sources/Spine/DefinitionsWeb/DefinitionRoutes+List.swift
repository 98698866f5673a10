import Cases
import Core
import Definitions
import Entities
import HTML
import HTTP
import Messaging
import Processes
import Shell
import Site
import YAML

/// The list of definitions, and a new one.
extension DefinitionRoutes {
  func list(_ visit: Visit) async throws -> Response {
    try store.requireView(visit.principal)
    guard let kind = DefinitionKind(rawValue: try visit.request.parameter("kind")) else {
      throw DefinitionStore.missing
    }
    let query = visit.request.query.first("q") ?? ""
    let all = try await store.entries(kind)
    let words = query.lowercased().split(whereSeparator: \.isWhitespace)
    let channel = (visit.request.query.first("channel")).flatMap(MessageChannelKind.init(rawValue:))
    let templates = messages(kind)
    let found = all.filter { entry in
      words.allSatisfy { "\(entry.label) \(entry.key.name)".lowercased().contains($0) }
        && (channel == nil || channel.map { templates[entry.key.name]?.channels.contains($0) == true } == true)
    }
    let rows = found.map { entry in
      let template = templates[entry.key.name]
      let sending: [HTML] =
        kind != .message
        ? []
        : [
          .text(template?.channels.map(\.label).joined(separator: "、") ?? "—"), .text(template?.priority.label ?? "—"),
          .text(template.map { $0.expires.map { "\($0) 小时" } ?? "不限" } ?? "—"),
        ]
      return TableRow(
        id: entry.key.name, name: entry.label, path: path(entry.key),
        cells: [.text(entry.label), .text(entry.key.name)] + sending + [
          entry.version.map { Badge(DefinitionRelease.label($0), $0 == 0 ? .neutral : .success).html }
            ?? Badge("未发布", .neutral).html,
          entry.hasDraft
            ? Badge(entry.isTried ? "已试运行，待发布" : "起草中", entry.isTried ? .info : .warning).html : .text("—"),
          .text(
            entry.created.map { "\($0.by) \($0.at.display.prefix(10))" } ?? (entry.version == nil ? "—" : "随系统提供")),
          .text(entry.since?.display ?? "—"),
        ])
    }
    let sending = kind == .message ? [Column("渠道"), Column("优先级"), Column("有效期")] : []
    let basic =
      kind == .message
      ? [
        Shell.Field(
          "channel", "渠道",
          .select(
            channel?.rawValue ?? "", MessageChannelKind.allCases.map { Choice($0.rawValue, $0.label) }, blank: "全部"))
      ] : []
    let actions =
      mayDraft(visit)
      ? [Action("新建\(kind.label)", .link("/designs/\(kind.rawValue)/new"), style: .primary, icon: .plus)] : []
    let tabs = Tabs(
      DefinitionKind.allCases.map { Tabs.Tab($0.label, path: "/designs/\($0.rawValue)", isCurrent: $0 == kind) })
    return try await visit.page(
      kind.label, layout: .wide, subtitle: "先起草，再用办过的件试运行，由另一人发布；在办的件一直按原来的版本办完。", actions: actions,
      tabs: tabs
    ) {
      FilterBar(path: "/designs/\(kind.rawValue)", search: .init(value: query, hint: "名称、代号"), basic: basic)
      Card(isFlush: true) {
        DataTable(
          caption: kind.label,
          columns: [Column("名称", .wide), Column("代号", .code)] + sending + [
            Column("生效版本", .state), Column("草稿", .state), Column("创建"), Column("最近发布或回退", .date),
          ], rows: rows, opensPanel: false,
          empty: .nothingFound("没有找到", "换一个词试试，或清除搜索。", clear: "/designs/\(kind.rawValue)"))
      }
    }
  }

  /// The templates in force, by name; none for other kinds.
  private func messages(_ kind: DefinitionKind) -> [String: MessageTemplate] {
    kind != .message
      ? [:] : Dictionary(cases.messages.templates.all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  // MARK: A new one

  func new(_ visit: Visit) async throws -> Response {
    guard let kind = DefinitionKind(rawValue: try visit.request.parameter("kind")) else {
      throw DefinitionStore.missing
    }
    return try await newForm(
      visit, kind, name: "", label: "", copy: visit.request.query.first("copy") ?? "", errors: [])
  }

  private func newForm(
    _ visit: Visit, _ kind: DefinitionKind, name: String, label: String, copy: String, errors: [FieldError],
    status: Int = 200
  ) async throws -> Response {
    try store.requireView(visit.principal)
    let templates = messages(kind)
    let entries = try await store.entries(kind).filter { kind != .message || templates[$0.key.name]?.trigger != nil }
    func error(_ field: String) -> String? { errors.first { $0.field == field }?.message }
    let blank =
      switch kind {
      case .process: "一个审核环节的空白流程"
      case .message: "空白的站内消息"
      case .item, .materials, .calendar: "请选择"
      }
    let fields = [
      Shell.Field("label", "名称", .text(label, .init(maximum: 60)), isRequired: true, error: error("label")),
      Shell.Field(
        "name", "代号", .text(name, .init(maximum: 50, width: 20, isCode: true)), isRequired: true,
        help: "小写字母、数字和下划线，以字母开头，如 shop_licence；以后不能改。", error: error("name")),
      Shell.Field(
        "copy", "从哪一个开始",
        .select(
          copy, entries.map { Choice($0.key.name, $0.label, detail: $0.key.name) },
          blank: blank),
        isRequired: kind != .process && kind != .message, help: "复制它的内容作为草稿，原来的不变。", error: error("copy")),
    ]
    return try await visit.page(
      "新建\(kind.label)", status: status, crumbs: [Crumb(kind.label, "/designs/\(kind.rawValue)")]
    ) {
      FormView(
        path: "/designs/\(kind.rawValue)/new",
        sections: [Shell.FormSection(id: "new", "新的\(kind.label)", fields: fields)],
        errors: errors, submit: Action("建立草稿", .submit(name: nil, value: nil), style: .primary),
        cancelPath: "/designs/\(kind.rawValue)", note: "草稿发布之前不影响任何人。")
    }
  }

  func create(_ visit: Visit) async throws -> Response {
    guard let kind = DefinitionKind(rawValue: try visit.request.parameter("kind")) else {
      throw DefinitionStore.missing
    }
    let form = try await visit.request.body.form()
    let (name, label, copy) = (form.first("name") ?? "", form.first("label") ?? "", form.first("copy") ?? "")
    var errors: [FieldError] = []
    if label.allSatisfy(\.isWhitespace) || label.count > 60 { errors.append(FieldError("label", "请填写名称，最多 60 字。")) }
    if !DeclarationName.isValid(name) { errors.append(FieldError("name", "代号只用小写字母、数字和下划线，以字母开头，最多 50 个字符。")) }
    let key = DefinitionKey(kind, name)
    if errors.isEmpty, try await store.draft(of: key) != nil || store.text(of: key) != nil {
      errors.append(FieldError("name", "已有代号为“\(name)”的\(kind.label)。请换一个代号。"))
    }
    let source = store.text(of: DefinitionKey(kind, copy))
    if source == nil, kind != .process && kind != .message || !copy.isEmpty {
      errors.append(FieldError("copy", "请选择从哪一个开始。"))
    }
    guard errors.isEmpty else {
      return try await newForm(visit, kind, name: name, label: label, copy: copy, errors: errors, status: 422)
    }
    try await store.save(
      NewDefinition.text(key, label: label, from: source), as: key, seen: nil, by: visit.principal,
      origin: visit.request.origin)
    return try visit.redirect(
      to: path(key, kind == .process ? "chain" : "edit"), saying: "已建立草稿“\(label)”。请接着填写，试运行后由另一人发布。")
  }
}
