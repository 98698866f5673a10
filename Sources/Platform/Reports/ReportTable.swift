import Access
import Core
package import Entities

/// A report worked out: what stands on the page, on paper and in the workbook alike.
package struct ReportTable: Sendable {
  /// One line of the report, such as a station, with a cell for each column.
  package struct Row: Sendable {
    package let label: String
    package let cells: [Cell]
  }

  /// A list of a register, by the items of its address.
  package struct List: Sendable {
    package let register: String
    package let items: [(name: String, value: String)]
  }

  /// A number, and the records behind it.
  package struct Cell: Sendable {
    package let value: Value
    /// The list that it counts; `nil` for nothing and for what stood at an earlier time.
    package let list: List?

    package var text: String { value.isNull ? "" : value.plainText }
  }

  package let heading: String
  package let columns: [String]
  package let rows: [Row]
  /// A number for each column that adds up; empty texts elsewhere.
  package let totals: [Value]
}

/// Counts a report within the data scope of whoever asks.
struct ReportCount: Sendable {
  let report: ReportDefinition
  let span: ReportSpan
  let records: Records

  /// - Throws: ``Refusal`` of whoever may not see one of its registers.
  func table() async throws -> ReportTable {
    var labels: [Value: String] = [:]
    var keys: [Value] = []
    for row in try await fixedRows() where labels[row.key] == nil {
      keys.append(row.key)
      labels[row.key] = row.label
    }
    var numbers: [[Value: Value]] = []
    for column in report.columns {
      var found: [Value: Value] = [:]
      for row in try await rows(column) {
        found[row.keys[0]] = row.measures[0]
        if labels.updateValue(labels[row.keys[0]] ?? row.labels[0], forKey: row.keys[0]) == nil {
          keys.append(row.keys[0])
        }
      }
      numbers.append(found)
    }
    return ReportTable(
      heading: report.heading, columns: report.columns.map(\.label),
      rows: keys.map { key in
        ReportTable.Row(
          label: labels[key] ?? "",
          cells: zip(report.columns, numbers).map { column, found in
            let value = found[key] ?? ([.count, .sum].contains(column.measure.function) ? .integer(0) : .null)
            return ReportTable.Cell(value: value, list: value == .integer(0) ? nil : list(column, key))
          })
      }, totals: zip(report.columns, numbers).map { ReportCount.total($0.measure, $1.values) })
  }

  private func rows(_ column: ReportDefinition.Column) async throws -> [AggregateRow] {
    let entity = try records.store.entity(column.register)
    var filters = try ListQuery(entity, items: column.filters.map { ($0.name, $0.value) }).filters
    var asOf: Instant?
    if let time = column.time.flatMap({ entity.field($0) }) {
      let isDate = time.valueKind == .date
      filters.append(
        ListFilter(
          time.name,
          .range(
            from: isDate ? .date(span.since) : .instant(span.since.start),
            to: isDate ? .date(span.until) : .instant(span.until.end))))
    } else if span.until < records.store.clock.today() {
      asOf = span.until.end
    }
    var query = AggregateQuery(
      entity.name, filters: filters, groups: [.init(report.dimension, report.digits.map { .digits($0) } ?? .value)],
      measures: [column.measure], limit: 10_000, asOf: asOf)
    query.ordersByKey = true
    return try await records.aggregate(query)
  }

  /// The rows that are always there, as far as they lie where whoever asks works.
  private func fixedRows() async throws -> [(key: Value, label: String)] {
    guard let rows = report.rows, records.principal.may(Permission(rows.register, "view")) else { return [] }
    let entity = try records.store.entity(rows.register)
    var filters = try ListQuery(entity, items: rows.filters.map { ($0.name, $0.value) }).filters
    if let division = records.principal.unit?.division, !division.isEmpty, let scope = entity.scope.division {
      filters.append(ListFilter(scope, .prefix(division)))
    }
    let names = try await records.divisionNames()
    let page = try await records.list(
      ListQuery(
        entity.name, filters: filters, sort: [.init(field: rows.field, descending: false)], columns: [rows.field],
        limit: 500))
    return page.records.compactMap { record in
      switch record[rows.field] {
      case .text(let code):
        let key = report.digits.map { String(code.prefix($0)) } ?? code
        return (.text(key), names.path(of: key) ?? key)
      case .integer(let id): return (.integer(id), record.titles[rows.field] ?? "#\(id)")
      default: return nil
      }
    }
  }

  private func list(_ column: ReportDefinition.Column, _ key: Value) -> ReportTable.List? {
    guard let entity = records.store.catalog.entity(column.register), !key.isNull else { return nil }
    var items = column.filters.map { (name: $0.name, value: $0.value) }
    items.append((report.digits == nil ? report.dimension : "\(report.dimension).prefix", key.plainText))
    if let time = column.time {
      items += [("\(time).from", "\(span.since)"), ("\(time).to", "\(span.until)")]
    } else if span.until < records.store.clock.today() {
      return nil
    }
    return ReportTable.List(register: entity.name, items: items)
  }

  private static func total(_ measure: StatisticsRole.Measure, _ values: some Collection<Value>) -> Value {
    guard [.count, .sum].contains(measure.function) else { return .null }
    if values.allSatisfy({ $0.integer != nil || $0.isNull }) {
      return .integer(values.reduce(0) { $0 + ($1.integer ?? 0) })
    }
    return .null
  }
}
