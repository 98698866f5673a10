import Access
package import Core
import Crypto
import SQL

extension QueryCompiler {
  /// The order of a query, ending in the id.
  ///
  /// - Throws: ``Refusal`` `sort-unsupported`, `sort-masked`.
  func order(_ asked: [ListView.Sort]) throws(Refusal) -> [ListView.Sort] {
    let sortable = entity.sortableFields
    var order: [ListView.Sort] = []
    for sort in asked.isEmpty ? entity.list.sort : asked where !order.contains(where: { $0.field == sort.field }) {
      guard let field = entity.field(sort.field), !field.hidden, sortable.contains(sort.field) else {
        throw Refusal(
          .invalid, "sort-unsupported",
          "\(entity.label)不能按“\(entity.field(sort.field)?.label ?? sort.field)”排序。请选用列表标题上可点击的列。",
          field: sort.field)
      }
      guard Masking.mayRead(field, principal) else {
        if asked.isEmpty { continue }
        throw Refusal(
          .forbidden, "sort-masked", "\(field.label)属于\(field.classification.label)信息，您不能按它排序。", field: sort.field)
      }
      order.append(sort)
    }
    if order.last?.field != "id" {
      order.append(ListView.Sort(field: "id", descending: order.last?.descending ?? false))
    }
    return order
  }

  func orderClause(_ order: [ListView.Sort], alias: String = QueryCompiler.alias) -> SQL {
    SQL.join(
      order.map { "\(identifier: alias).\(identifier: $0.field)\(unsafe: $0.descending ? " desc" : "")" })
  }

  /// The rows behind `cursor` in `order`.
  func behind(_ cursor: ListCursor, _ order: [ListView.Sort]) throws -> SQL {
    let values = cursor.values
    guard values.count == order.count else {
      throw Refusal(.invalid, "cursor-invalid", "翻页位置与当前排序不符。请回到第一页。")
    }
    let fields = order.map { entity.field($0.field) }
    let isPlain =
      Set(order.map(\.descending)).count == 1
      && zip(fields, values).allSatisfy { field, value in !value.isNull && isNeverNull(field) }
    if isPlain {
      let columns = SQL.join(order.map { "t.\(identifier: $0.field)" })
      let bounds = try zip(fields, values).map { try bound($1, $0) }
      return "(\(columns)) \(unsafe: order[0].descending ? "<" : ">") (\(SQL.join(bounds)))"
    }
    var condition: SQL = "false"
    for (index, sort) in order.enumerated().reversed() {
      let column: SQL = "t.\(identifier: sort.field)"
      let value = values[index]
      if value.isNull {
        // Nulls stand first in descending order and last in ascending.
        let later: SQL = sort.descending ? "\(column) is not null" : "false"
        condition = "(\(later) or (\(column) is null and \(condition)))"
      } else {
        let bound = try bound(value, fields[index])
        let later: SQL = sort.descending ? "\(column) < \(bound)" : "(\(column) > \(bound) or \(column) is null)"
        condition = "(\(later) or (\(column) = \(bound) and \(condition)))"
      }
    }
    return condition
  }

  private func isNeverNull(_ field: FieldDeclaration?) -> Bool {
    guard let field else { return false }
    return FieldDeclaration.systemNames.contains(field.name)
  }

  private func bound(_ value: Value, _ field: FieldDeclaration?) throws -> SQL {
    guard let field else { return "null" }
    return FieldCodec.expression(try codec.plain(value, of: field), of: field)
  }
}

extension ListCursor {
  /// The cursor as it stands in an address.
  package var text: String {
    let parts = values.map { value -> JSON in
      switch value {
      case .null: .null
      case .integer(let number): .int(number)
      case .instant(let instant): .array([.int(instant.microseconds)])
      case .boolean(let flag): .bool(flag)
      case .money(let money): .array([.int(money.fen)])
      default: .string(value.plainText)
      }
    }
    return Base64URL.encode(Array(JSON.array(parts).text.utf8))
  }

  /// Reads ``text`` for a list in `order`.
  ///
  /// - Throws: ``Refusal`` `cursor-invalid`.
  package init(_ text: String, order: [ListView.Sort], of entity: EntityDeclaration) throws(Refusal) {
    let refusal = Refusal(.invalid, "cursor-invalid", "翻页位置不正确。请回到第一页。")
    guard let bytes = Base64URL.decode(text), let parts = (try? JSON(parsing: bytes))?.array,
      parts.count == order.count
    else { throw refusal }
    var values: [Value] = []
    for (part, sort) in zip(parts, order) {
      guard let field = entity.field(sort.field), let value = ListCursor.value(part, field.valueKind) else {
        throw refusal
      }
      values.append(value)
    }
    self.values = values
  }

  private static func value(_ part: JSON, _ kind: ValueKind) -> Value? {
    if part == .null { return .null }
    switch kind {
    case .integer: return part.int.map { .integer($0) }
    case .instant: return part.array?.first?.int.map { .instant(Instant(microseconds: $0)) }
    case .money: return part.array?.first?.int.map { .money(Money(fen: $0)) }
    case .boolean: return part.bool.map { .boolean($0) }
    case .decimal: return part.string.flatMap { FixedDecimal($0) }.map { .decimal($0) }
    case .date: return part.string.flatMap { CivilDate($0) }.map { .date($0) }
    case .text: return part.string.map { .text($0) }
    case .list, .geometry, .json: return nil
    }
  }
}
