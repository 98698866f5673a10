import Access
import Core
import SQL

extension Records {
  /// `records` with their gathered fields (汇集字段): ids in the order they were entered, titles joined by 、.
  ///
  /// What is gathered stays within the scope of the register it comes from.
  func gathered(
    _ records: [Record], _ shape: RecordShape, asOf: Instant?, in session: any SQLSession
  ) async throws -> [Record] {
    var records = records
    for field in shape.columns where !records.isEmpty && Masking.shows(field, principal) {
      guard let gathering = field.gathering, field.isOpen(to: principal),
        let found = try await gather(gathering, of: records.map(\.id), for: shape.entity, asOf: asOf, in: session)
      else { continue }
      var titles: [Int64: String] = [:]
      if !isPlain, let target = field.target.flatMap(shape.catalog.entity) {
        titles = try await self.titles(of: target, Array(Set(found.values.joined())), in: session)
      }
      for index in records.indices {
        let ids = found[records[index].id] ?? []
        let value: Value = ids.isEmpty ? .null : .list(ids.map { String($0) })
        records[index].values[field.name] = value
        if !isPlain, !ids.isEmpty {
          records[index].titles[field.name] = ids.map { titles[$0] ?? "#\($0)" }.joined(separator: "、")
        }
      }
    }
    return records
  }

  /// What belongs to each of `ids`, each once; `nil` when the register is gone.
  private func gather(
    _ gathering: Gathering, of ids: [Int64], for entity: EntityDeclaration, asOf: Instant?, in session: any SQLSession
  ) async throws -> [Int64: [Int64]]? {
    guard let belonging = compiler(entity, asOf: asOf).belonging(gathering) else { return nil }
    let owner: SQL = "t.\(identifier: gathering.field)"
    let conditions = belonging.conditions + ["\(owner) = any(\(ids))", "t.\(identifier: gathering.shown) is not null"]
    let rows = try await session.query(
      """
      select \(owner), t.\(identifier: gathering.shown)
      from \(belonging.source)\(ListPlan.whereClause(conditions)) order by t.id
      """)
    var found: [Int64: [Int64]] = [:]
    for row in rows {
      let shown: Int64 = try row.get(1)
      let owner: Int64 = try row.get(0)
      if found[owner]?.contains(shown) != true { found[owner, default: []].append(shown) }
    }
    return found
  }
}
