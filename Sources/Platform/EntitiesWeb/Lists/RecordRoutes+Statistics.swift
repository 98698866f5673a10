import Access
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Totals of a register by its declared dimensions, each row opening the list behind it.
extension RecordRoutes {
  func statistics(_ visit: Visit) async throws -> Response {
    let register = try register(visit)
    let entity = register.entity
    guard let role = entity.statistics, let first = role.dimensions.first else {
      throw Refusal(.notFound, "statistics-none", "\(entity.label)没有声明统计。")
    }
    let asked = visit.request.query.first("by") ?? first
    let dimension = role.dimensions.contains(asked) ? asked : first
    guard let field = entity.field(dimension) else {
      throw Refusal(.notFound, "statistics-none", "\(entity.label)没有这个统计维度。")
    }
    let items = visit.request.query.items.filter { !["by", "q"].contains($0.name) }
    let query = try ListQuery(entity, items: items.map { ($0.name, $0.value) }, ignoring: ListAddress.ignored)
    let cut: AggregateQuery.Group.Cut? = field.type == .division ? .digits(9) : nil
    let rows = try await store.records(as: visit.principal, origin: visit.request.origin).aggregate(
      AggregateQuery(
        entity.name, filters: query.filters, groups: [.init(dimension, cut)], measures: role.measures, limit: 200))
    let path = "/r/\(entity.name)/statistics"
    let tabs = Tabs(
      role.dimensions.compactMap { name in
        entity.field(name).map { Tabs.Tab($0.label, path: "\(path)?by=\(name)", isCurrent: name == dimension) }
      }, label: "统计维度")
    let columns = [Column(field.label, .text)] + role.measures.map { Column(label($0, entity), .number) }
    let table = DataTable(
      caption: "按\(field.label)统计\(entity.label)", columns: columns,
      rows: rows.map { row in
        let key = row.keys.first ?? .null
        let label = row.labels.first ?? ""
        return TableRow(
          id: key.plainText, name: label, path: listPath(entity, field, key),
          cells: [.text(label)] + row.measures.map { .text(figure($0)) })
      }, opensPanel: false, empty: .empty("没有可统计的\(entity.label)", "您的数据范围内还没有记录。"))
    return try await visit.page(
      "\(entity.label)统计", layout: .wide, crumbs: [Crumb(entity.label, "/r/\(entity.name)")],
      actions: [Action("打印", .print, icon: .print)], tabs: tabs
    ) { Card(isFlush: true) { table } }
  }

  private func listPath(_ entity: EntityDeclaration, _ field: FieldDeclaration, _ key: Entities.Value) -> String {
    let base = "/r/\(entity.name)"
    if key.isNull { return "\(base)?\(field.name).empty=true" }
    let name = field.type == .division ? "\(field.name).prefix" : field.name
    return "\(base)?\(name)=\(PercentEncoding.encode(key.plainText))"
  }

  private func label(_ measure: StatisticsRole.Measure, _ entity: EntityDeclaration) -> String {
    let field = measure.field.flatMap { entity.field($0)?.label } ?? ""
    return switch measure.function {
    case .count: "数量"
    case .sum: "\(field)合计"
    case .avg: "平均\(field)"
    case .min: "最小\(field)"
    case .max: "最大\(field)"
    }
  }

  private func figure(_ value: Value) -> String { value.integer.map { grouped(Int($0)) } ?? value.plainText }
}
