import Access
import Core
import Entities
import HTTP
import Shell

/// What somebody asks of an export: the rows of a list, as which columns and file, and what for.
struct ExportDraft {
  enum Format: String, CaseIterable {
    case xlsx, csv

    /// The most rows it is made for: a worksheet of more opens slowly or not at all on an office computer.
    var limit: Int { self == .xlsx ? 100_000 : Records.exportCap }
  }

  /// What bulk data is taken out for (用途).
  static let purposes = ["统计上报", "数据核对", "走访核实", "案件办理", "业务协同", "数据备份"]

  let entity: EntityDeclaration
  /// What can be a column for whoever asks.
  let choices: [FieldDeclaration]
  let address: ListAddress
  var columns: [String]
  var format: Format
  var purpose: String
  var note: String

  private static let names = ["export.columns", "export.format", "export.purpose", "export.note"]

  /// - Throws: ``Refusal`` for filters that cannot be understood.
  init(_ entity: EntityDeclaration, _ items: QueryItems, for principal: Principal) throws(Refusal) {
    self.entity = entity
    choices = ExportDraft.choices(of: entity).filter { $0.isOpen(to: principal) }
    let page = ExportDraft.names + ["page", "after", "size"]
    address = try ListAddress(entity, QueryItems(items.items.filter { !page.contains($0.name) }))
    let known = Set(choices.map(\.name))
    let asked = items.all("export.columns")
    columns = (asked.isEmpty ? address.query.columns ?? entity.list.columns : asked).filter(known.contains)
    format = items.first("export.format").flatMap(Format.init(rawValue:)) ?? .xlsx
    purpose = items.first("export.purpose") ?? ""
    note = String((items.first("export.note") ?? "").prefix(100))
  }

  /// What can be a column: everything shown, in declared order, then the number and times every record has.
  private static func choices(of entity: EntityDeclaration) -> [FieldDeclaration] {
    entity.fields.filter { !$0.hidden } + ["id", "created_at", "updated_at"].compactMap { entity.field($0) }
  }

  /// The chosen fields in the order of the list of choices.
  var fields: [FieldDeclaration] { choices.filter { columns.contains($0.name) } }

  /// Personal data leaves only for a stated purpose.
  var needsPurpose: Bool { entity.personal && fields.contains { $0.classification >= .sensitive } }

  var statedPurpose: String? {
    if purpose.isEmpty { return note.isEmpty ? nil : note }
    return note.isEmpty ? purpose : "\(purpose)：\(note)"
  }

  var query: ListQuery {
    var query = address.query
    query.columns = fields.map(\.name)
    query.start = .offset(0)
    query.limit = nil
    return query
  }

  /// The list's own items, for the form to carry along.
  var hidden: [HiddenField] {
    address.items.items.filter { $0.name != "columns" }.map { HiddenField($0.name, $0.value) }
  }

  var errors: [FieldError] {
    var errors: [FieldError] = []
    if fields.isEmpty { errors.append(FieldError("export.columns", "请至少选择一列。")) }
    if !purpose.isEmpty, !ExportDraft.purposes.contains(purpose) {
      errors.append(FieldError("export.purpose", "请从列表中选择用途。"))
    } else if needsPurpose, purpose.isEmpty {
      let labels = fields.filter { $0.classification >= .sensitive }.map(\.label).prefix(3).joined(separator: "、")
      errors.append(FieldError("export.purpose", "所选的列含有个人敏感信息（\(labels)），请选择用途，用途会记入审计。"))
    }
    return errors
  }
}
