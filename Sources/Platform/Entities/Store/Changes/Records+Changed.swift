import Core
import SQL

/// What a reader of changes may see of the records that changed.
package struct ChangedRecords: Sendable {
  /// Those in scope now, by id.
  package let present: [Int64: Record]
  /// Changes by which a record that was in scope left it or was deleted.
  package let left: Set<NotedChange>
}

extension Records {
  /// The records of `changes` as the principal may see them now, and those that went out of its sight by one of them.
  ///
  /// Registers with personal data are refused: they are read for a purpose each time.
  /// - Parameters:
  ///   - columns: `nil` for all that are not hidden.
  ///   - division: only records whose division starts with it.
  /// - Throws: ``Refusal`` `changes-personal`, `permission-missing`.
  package func changed(
    _ name: String, _ changes: [NotedChange], columns: [String]? = nil, division: String? = nil
  ) async throws -> ChangedRecords {
    let entity = try store.entity(name)
    guard !entity.personal else {
      throw Refusal(.forbidden, "changes-personal", "\(entity.label)含个人信息，不能订阅。请通过数据共享申请逐次查询。")
    }
    try require(entity, asOf: nil)
    let shape = shape(of: entity, columns: try fields(columns, of: entity))
    var conditions = [ScopePredicate.any(of: compiler(entity, asOf: nil).scope)]
    if let division, let field = entity.scope.division {
      conditions.append(TextRange.division("t.\(identifier: field)", startsWith: division))
    }
    let condition = SQL.join(conditions, separator: " and ")
    let ids = Array(Set(changes.map(\.record)))
    let rows = try await session.query(
      "select \(shape.selection()) from \(identifier: name) as t where t.id = any(\(ids)) and \(condition)")
    var present: [Int64: Record] = [:]
    for row in rows {
      let record = try shape.record(row)
      present[record.id] = record
    }
    let gone = changes.filter { present[$0.record] == nil && $0.operation != .insert }
    guard !gone.isEmpty else { return ChangedRecords(present: present, left: []) }
    // The versions that these changes ended, as far as they were in scope.
    let ended = try await session.query(
      """
      select t.id, t.operation, t.valid_to, t.version from \(identifier: entity.historyTable) as t
      where t.id = any(\(Array(Set(gone.map(\.record))))) and \(condition)
      """)
    var versions: Set<EndedVersion> = []
    for row in ended {
      let id: Int64 = try row.get("id")
      if try row.get("operation", as: String.self) == "delete" {
        versions.insert(EndedVersion(id: id, at: nil))
      } else {
        versions.insert(EndedVersion(id: id, at: try row.get("valid_to")))
      }
    }
    let left = gone.filter { change in
      change.operation == .update
        ? versions.contains(EndedVersion(id: change.record, at: change.at))
        : versions.contains(EndedVersion(id: change.record, at: nil))
    }
    return ChangedRecords(present: present, left: Set(left))
  }

  private struct EndedVersion: Hashable {
    let id: Int64
    /// `nil` for one that was deleted.
    let at: Instant?
  }
}
