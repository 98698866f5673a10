import Entities
import HTTP

/// One column of numbers that another register gives to a table of statistics (并列统计, A-069).
struct StatisticsBeside: Sendable {
  let label: String
  let entity: String
  let by: FieldDeclaration
  /// What its list is filtered by.
  let items: [StatisticsRole.Filter]
  let rows: [AggregateRow]

  func cell(of key: Value) -> StatisticsCell {
    let count = rows.first { $0.keys[0] == key }?.measures.first ?? .integer(0)
    return StatisticsCell(value: count, path: count == .integer(0) ? nil : path(key))
  }

  var total: StatisticsCell {
    StatisticsCell(value: .integer(rows.reduce(0) { $0 + ($1.measures.first?.integer ?? 0) }), path: path(nil))
  }

  private func path(_ key: Value?) -> String {
    var query = QueryItems(items.map { QueryItems.Item(name: $0.name, value: $0.value) })
    if let key {
      let name = key.isNull ? "\(by.name).empty" : by.type == .division ? "\(by.name).prefix" : by.name
      query = query.setting(name, to: key.isNull ? "true" : key.plainText)
    }
    return query.isEmpty ? "/r/\(entity)" : "/r/\(entity)?\(query.encoded)"
  }
}
