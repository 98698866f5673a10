import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// One record: as a page of its own, or in the panel beside the list.
struct DetailPage {
  let register: Register
  let record: Record
  let visit: Visit
  /// What other registers hold about this record, already read.
  let related: [RelatedTable]
  /// The time the record is shown as of; `nil` is now.
  let asOf: Instant?

  private var entity: EntityDeclaration { register.entity }
  private var path: String { "/r/\(entity.name)/\(record.id)" }
  private var display: FieldDisplay { FieldDisplay(catalog: register.catalog) }

  private func may(_ action: String) -> Bool {
    visit.principal.may(Permission(entity.name, action))
  }

  func response() async throws -> Response {
    if visit.wantsFragment {
      let frame = try await visit.frame()
      let panel = PanelView(title: title, status: status, path: path, actions: mainActions) {
        sections(isCompact: true)
      }
      return .html(Fragment(visit: frame) { panel }.render())
    }
    return try await visit.page(
      title, crumbs: [Crumb(entity.label, "/r/\(entity.name)")], badge: status, subtitle: subtitle,
      actions: mainActions, moreActions: moreActions
    ) {
      if let asOf {
        Notice(.info, "这是 \(asOf.display) 时的内容。", actions: [Action("看现在的内容", .link(path))])
      }
      sections(isCompact: false)
      for related in related where !related.page.records.isEmpty { related.card(for: visit.principal) }
    }
  }

  private var title: String { register.title(of: record) }

  private var subtitle: String { "第 \(record.version) 版，\(record.updatedAt.display) 更新" }

  private var status: Badge? {
    entity.field("status").flatMap { display.badge($0, of: record) }
  }

  private var mainActions: [Action] {
    guard asOf == nil else { return [] }
    var actions: [Action] = []
    for action in entity.actions where may(action.name) && register.isOpen(action, for: record) {
      let kind: Action.Kind =
        action.page(of: record.id).map { .link($0) } ?? .dialog(register.path(of: action.name, on: record))
      actions.append(Action(action.label, kind, style: actions.isEmpty ? .primary : .normal))
    }
    if may("update") { actions.append(Action("修改", .link("\(path)/edit"), icon: .edit)) }
    return actions
  }

  private var moreActions: [Action] {
    var actions: [Action] = []
    if asOf == nil { actions += register.links(of: record) { visit.principal.may($0) }.map(\.action) }
    if may("history") { actions.append(Action("历史版本", .link("\(path)/history"), icon: .clock)) }
    if asOf == nil, may("delete") {
      actions.append(Action("删除", .dialog("\(path)/delete?version=\(record.version)"), style: .danger, icon: .trash))
    }
    actions.append(Action("为什么我能看到", .dialog("\(path)/why"), icon: .lock))
    actions.append(Action("打印", .print, icon: .print))
    return actions
  }

  @HTMLBuilder private func sections(isCompact: Bool) -> HTML {
    for section in register.sections {
      let fields = section.fields.filter { !$0.hidden && register.isVisible($0, in: record) }
      let blank = fields.filter { isBlank($0) }
      let items = fields.filter { !isBlank($0) }.map { display.detail($0, of: record, mayReveal: may("reveal")) }
      if !items.isEmpty || (!isCompact && !blank.isEmpty) {
        Card(section.label) {
          if !items.isEmpty { DetailList(items, isCompact: isCompact) }
          if !isCompact, !blank.isEmpty { blankNote(blank) }
        }
      }
    }
  }

  private func isBlank(_ field: FieldDeclaration) -> Bool {
    display.text(field, of: record).isEmpty && !record.masked.contains(field.name)
  }

  /// What is missing in one line, so that what is there can be seen.
  private func blankNote(_ fields: [FieldDeclaration]) -> HTML {
    p(.class("details-blank")) { "未填写：\(fields.map(\.label).joined(separator: "、"))" }
  }
}
