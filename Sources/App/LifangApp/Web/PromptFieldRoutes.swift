import Access
import Core
import Entities
import HTML
import HTTP
import Operations
import Shell
import Site

/// What authors of rules of analysis may name (字段名一览, A-004): the fields of each register they may write rules over, with labels,
/// values and where they can be used.
struct PromptFieldRoutes: Sendable {
  let site: Site
  let store: RecordStore

  private static let path = "/prompt-fields"

  func register(in router: inout Router) {
    router.on(.get, "/prompt-fields", at: site) { visit in try await page(visit) }
  }

  private func page(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission(PromptRule.register, "create"), toDo: "编写研判规则")
    let registers = PromptRule.registers(for: visit.principal, store.catalog)
    let asked = visit.request.query.first("register")
    let chosen = registers.first { $0.name == asked } ?? registers.first
    let choices = registers.map { Choice($0.name, $0.label) }
    return try await visit.page(
      "字段名一览", layout: .list, crumbs: [Crumb("研判规则", "/r/\(PromptRule.register)")],
      subtitle: "写研判规则时可以用的字段。条件里写字段名和取值，其余各项写名称或字段名都可以。",
      actions: [Action("新建研判规则", .link("/r/\(PromptRule.register)/new"), style: .primary, icon: .plus)]
    ) {
      Shell.ListView(
        filters: FilterBar(
          path: PromptFieldRoutes.path, search: nil,
          basic: [Field("register", "登记表", .select(chosen?.name ?? "", choices))]),
        table: table(chosen, visit.principal), pager: nil)
    }
  }

  private func table(_ entity: EntityDeclaration?, _ principal: Principal) -> DataTable {
    // What somebody may not read they may use in no rule either.
    let fields =
      entity.map { PromptRule.fields(of: $0, at: .condition).filter { Masking.mayRead($0, principal) } } ?? []
    return DataTable(
      caption: "字段名一览",
      columns: [Column("字段名", .code), Column("名称"), Column("类型"), Column("取值", .wide), Column("可以用在", .wide)],
      rows: fields.map { field in
        TableRow(
          id: field.name, name: field.label, path: nil,
          cells: [
            .text(field.name), .text(field.label), .text(kind(of: field)), .text(values(of: field)),
            .text(uses(of: field)),
          ])
      }, opensPanel: false,
      empty: .empty("没有可用的登记表", "研判规则只能用自己能查看全部记录的登记表。需要时向系统管理员申请权限。"))
  }

  private func kind(of field: FieldDeclaration) -> String {
    guard let target = field.target else { return field.type.label }
    return "指向\(store.catalog.entity(target)?.label ?? target)"
  }

  private func values(of field: FieldDeclaration) -> String {
    if field.type == .boolean { return "true 是、false 否" }
    guard let codes = field.dictionary.flatMap({ store.catalog.dictionary($0) })?.codes else { return "—" }
    let shown = codes.prefix(12).map { "'\($0.code)' \($0.label)" }.joined(separator: "、")
    return codes.count > 12 ? "\(shown)等" : shown
  }

  private func uses(of field: FieldDeclaration) -> String {
    let uses: [(PromptRule.Place, String)] = [
      (.condition, "条件"), (.group, "归并"), (.distinct, "数不同的"), (.occasion, "变了再提示"), (.officer, "由谁处置"),
    ]
    let words = uses.filter { $0.0.takes(field) }.map(\.1).joined(separator: "、")
    return PromptRule.restricts(field) ? "\(words)；须勾选“只给主管人员”" : words
  }
}
