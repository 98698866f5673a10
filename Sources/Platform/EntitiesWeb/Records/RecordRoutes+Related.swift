import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Lists of a record that are longer than its card, and their pictures. They are named by the record and by the declaration;
/// what leads to them stands in no address.
extension RecordRoutes {
  /// What leads from a record to other registers, as far as the principal may view these.
  func relatedTables(of record: Record, _ register: Register, _ records: Records, _ visit: Visit) async throws
    -> [RelatedTable]
  {
    let lists = register.entity.related.filter { visit.principal.may(Permission($0.entity, "view")) }
    let leads = try await records.leads(of: lists, from: record)
    var tables: [RelatedTable] = []
    for list in lists {
      guard let other = store.catalog.entity(list.entity),
        let page = try await records.related(list, to: record, by: leads, limit: RelatedTable.cardSize(list))
      else { continue }
      tables.append(RelatedTable(list: list, entity: other, page: page, register: register, record: record.id))
    }
    return tables
  }

  func related(_ visit: Visit) async throws -> Response {
    let (register, list, other) = try named(visit)
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    return try await page(visit, register, list, other, records, purpose: nil)
  }

  func askRevealRelated(_ visit: Visit) async throws -> Response {
    let (register, list, other) = try named(visit)
    return try await visit.confirmation(try question(visit, register, list, other))
  }

  func revealRelated(_ visit: Visit) async throws -> Response {
    let (register, list, other) = try named(visit)
    let form = try await visit.request.body.form()
    guard let stated = LookPurpose.stated(form) else {
      return try await visit.confirmation(
        try question(visit, register, list, other, error: "请选择查看的用途。"), status: 422)
    }
    let records = store.records(as: visit.principal, purpose: stated, origin: visit.request.origin)
    return try await page(visit, register, list, other, records, purpose: stated)
  }

  /// The list that the address names, of a register that the principal may view.
  private func named(_ visit: Visit) throws -> (Register, RelatedList, EntityDeclaration) {
    let register = try register(visit)
    let name = try visit.request.parameter("name")
    guard let list = register.entity.related.first(where: { $0.name == name && $0.by != nil }),
      let other = store.catalog.entity(list.entity)
    else { throw RecordRoutes.noList }
    try visit.principal.require(Permission(other.name, "view"), toDo: "查看\(other.label)")
    return (register, list, other)
  }

  private func question(
    _ visit: Visit, _ register: Register, _ list: RelatedList, _ other: EntityDeclaration, error: String? = nil
  ) throws -> Confirmation {
    try visit.principal.require(Permission(other.name, "reveal"), toDo: "查看\(other.label)的完整信息")
    let record = try visit.recordID()
    let path = RelatedTable.path(of: list, register, record)
    let number = RecordRoutes.number(visit)
    let page = number > 1 ? "?page=\(number)" : ""
    return LookPurpose.question(
      "查看照片：\(list.label)", consequence: "显示这一页每个人的照片和完整信息，每人各记一条审计日志，本人可以看到是谁、因为什么查看。",
      path: "\(path)/reveal\(page)", submit: "查看照片", cancel: "/r/\(register.entity.name)/\(record)", error: error)
  }

  private static let noList = Refusal(.notFound, "related-missing", "没有这个列表。请从记录的页面重新打开。")

  private static func number(_ visit: Visit) -> Int {
    let last = ListQuery.maximumOffset / RelatedTable.size
    return min(max(visit.request.query.first("page").flatMap { Int($0) } ?? 1, 1), last)
  }

  private func page(
    _ visit: Visit, _ register: Register, _ list: RelatedList, _ other: EntityDeclaration, _ records: Records,
    purpose: String?
  ) async throws -> Response {
    let (id, number) = (try visit.recordID(), RecordRoutes.number(visit))
    let record = try await records.get(register.entity.name, id)
    let leads = try await records.leads(of: [list], from: record)
    let found = try await records.related(
      list, to: record, by: leads, offset: (number - 1) * RelatedTable.size, limit: RelatedTable.size,
      reveal: purpose != nil)
    guard let found else { throw RecordRoutes.noList }
    let table = RelatedTable(list: list, entity: other, page: found, register: register, record: id)
    let (base, title) = ("/r/\(register.entity.name)", register.title(of: record))
    var actions = purpose == nil ? [table.reveal(for: visit.principal, page: number)].compactMap(\.self) : []
    actions.append(Action("回到\(register.entity.label)", .link("\(base)/\(id)"), style: .primary))
    return try await visit.page(
      list.label, crumbs: [Crumb(register.entity.label, base), Crumb(title, "\(base)/\(id)")], subtitle: title,
      actions: actions
    ) {
      if let purpose { Notice(.info, "您正在查看完整信息，用途：\(purpose)。已按人记入审计日志。") }
      Card(isFlush: true) {
        table.table
        if number > 1 || found.count.value > found.records.count { table.pager(at: number) }
      }
    }
  }
}
