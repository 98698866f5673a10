package import Access
import Core
package import Entities
package import Shell

/// What the pages of one register need to know of its declaration.
package struct Register: Sendable {
  package let entity: EntityDeclaration
  package let catalog: Catalog
  /// What the records that filters refer to are called, by field.
  var titles: [String: String] = [:]
  /// What conditions of fields and actions are judged by.
  let context: EvaluationContext

  let divisions: DivisionNames

  package init(
    _ entity: EntityDeclaration, catalog: Catalog, context: EvaluationContext,
    divisions: DivisionNames = DivisionNames()
  ) {
    self.divisions = divisions
    self.entity = entity
    self.catalog = catalog
    self.context = context
  }

  /// A group of fields as forms and details show it.
  package struct Section: Sendable {
    package let label: String
    package let fields: [FieldDeclaration]
  }

  /// The declared form sections; what no section names stands last under 其他.
  package var sections: [Section] {
    var sections = entity.form.map { section in
      Section(label: section.label, fields: section.fields.compactMap { entity.field($0) })
    }
    let named = Set(entity.form.flatMap(\.fields))
    // What is gathered has a list of its own on the page.
    let rest = entity.fields.filter {
      !named.contains($0.name) && !$0.hidden && $0.gathering == nil && ($0.listed || sections.isEmpty)
    }
    if !rest.isEmpty { sections.append(Section(label: sections.isEmpty ? "基本信息" : "其他", fields: rest)) }
    return sections
  }

  /// Fields a list may be ordered by: those that have an index behind them.
  package var sortable: Set<String> { entity.sortableFields }

  /// What a record is called.
  package func title(of record: Record) -> String {
    guard let field = entity.field(entity.title) else { return "\(entity.label) \(record.id)" }
    let text = FieldDisplay(catalog: catalog).text(field, of: record)
    return text.isEmpty ? "\(entity.label) \(record.id)" : text
  }

  /// Whether the condition of an action holds for a record; one that cannot be told counts as holding, and the store
  /// decides again.
  package func isOpen(_ action: ActionDeclaration, for record: Record) -> Bool {
    guard let when = action.when else { return true }
    return holds(when, in: record)
  }

  /// The declared ways from a record to pages that are no register's, as far as the reader may go there.
  package func links(of record: Record, may: (Permission) -> Bool) -> [(path: String, action: Action)] {
    entity.links.compactMap { link in
      guard link.permission.map(may) ?? true, link.when.map({ holds($0, in: record) }) ?? true,
        let path = link.path({ $0 == "id" ? String(record.id) : record.masked.contains($0) ? "" : record[$0].plainText }
        )
      else { return nil }
      return (path, Action(link.label, link.isDialog ? .dialog(path) : .link(path)))
    }
  }

  /// Where an action on a record is asked about, from a page that shows it: with the version that was read there, so that
  /// whoever acts on what somebody else has changed meanwhile is told.
  package func path(of action: String, on record: Record) -> String {
    "/r/\(entity.name)/\(record.id)/do/\(action)?version=\(record.version)"
  }

  package func isVisible(_ field: FieldDeclaration, in record: Record) -> Bool {
    guard let visible = field.visible else { return true }
    return holds(visible, in: record)
  }

  func holds(_ condition: Expression, in record: Record) -> Bool {
    (try? condition.holds(in: context) { record[$0] }) ?? true
  }
}
