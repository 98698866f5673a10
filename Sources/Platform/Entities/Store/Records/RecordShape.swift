import Access
import Core
import SQL

/// What one read selects of an entity, and how its rows become records for one principal.
struct RecordShape {
  let entity: EntityDeclaration
  let codec: FieldCodec
  let principal: Principal
  /// Values above the principal's clearance are shown; the permission has been checked.
  let reveal: Bool
  let catalog: Catalog
  let context: EvaluationContext
  /// The fields of the record, in order.
  let columns: [FieldDeclaration]
  /// The stored fields that are selected: those of ``columns`` and what computed ones are made from.
  let selected: [FieldDeclaration]

  init(
    _ entity: EntityDeclaration, columns: [FieldDeclaration], codec: FieldCodec, principal: Principal,
    reveal: Bool = false, catalog: Catalog, context: EvaluationContext
  ) {
    self.entity = entity
    self.codec = codec
    self.principal = principal
    self.reveal = reveal
    self.catalog = catalog
    self.context = context
    self.columns = columns
    var selected = columns.filter { $0.isStored && !FieldDeclaration.systemNames.contains($0.name) }
    var names = Set(selected.map(\.name)).union(FieldDeclaration.systemNames)
    for name in columns.compactMap(\.computed).flatMap(\.fields) {
      if let field = entity.field(name), names.insert(name).inserted { selected.append(field) }
    }
    self.selected = selected
  }

  /// The columns a query selects; the system columns come first, in the order of ``FieldDeclaration/system``.
  func selection(alias: String = QueryCompiler.alias) -> SQL {
    SQL.join(
      StoredColumn.standard.map { "\(identifier: alias).\(identifier: $0.name)" }
        + selected.map { codec.selection(of: $0, alias: alias) })
  }

  /// Every stored value of a row in clear, by name.
  func clearValues(_ row: Row) throws -> [String: Value] {
    var values: [String: Value] = [:]
    values.reserveCapacity(selected.count)
    for (index, field) in selected.enumerated() {
      values[field.name] = try codec.value(of: field, in: row.cell(at: StoredColumn.standard.count + index))
    }
    return values
  }

  /// A row of ``selection(alias:)`` as the principal may see it; titles of references are added afterwards.
  func record(_ row: Row) throws -> Record {
    let clear = try clearValues(row)
    var record = Record(
      entity: entity.name, id: try row.get(0), version: try row.get(1), createdAt: try row.get(2),
      createdBy: try row.get(3), updatedAt: try row.get(4), updatedBy: try row.get(5), values: [:])
    record.values.reserveCapacity(columns.count)
    for field in columns {
      let value: Value
      if let computed = field.computed {
        // A formula over values that leave the range has no result; the record is shown all the same.
        value = (try? computed.stored(as: field, in: context) { clear[$0] ?? record[$0] }) ?? .null
      } else if FieldDeclaration.systemNames.contains(field.name) {
        value = record[field.name]
      } else {
        value = clear[field.name] ?? .null
      }
      if reveal || Masking.shows(field, principal) {
        record.values[field.name] = value
        if let label = codeLabel(field, value) { record.titles[field.name] = label }
      } else {
        record.values[field.name] = Masking.masked(value, by: field.mask)
        if !value.isNull { record.masked.insert(field.name) }
      }
    }
    return record
  }

  /// The label of a code, or of several joined by 、; `nil` for fields without a dictionary.
  private func codeLabel(_ field: FieldDeclaration, _ value: Value) -> String? {
    guard let name = field.dictionary, let dictionary = catalog.dictionary(name) else { return nil }
    switch value {
    case .text(let code): return dictionary.label(of: code) ?? code
    case .list(let codes): return codes.map { dictionary.label(of: $0) ?? $0 }.joined(separator: "、")
    default: return nil
    }
  }
}
