package import Core
import Synchronization

/// A statement that writes all the rows gathered for it in one transaction at once.
package struct GatheringStatement: Sendable {
  /// Tells statements apart: rows of one name are written together.
  let name: String
  let make: @Sendable (String) -> SQL

  /// - Parameter make: the statement for a JSON array of rows, in the order they were given.
  package init(_ name: String, _ make: @escaping @Sendable (String) -> SQL) {
    self.name = name
    self.make = make
  }

  package func callAsFunction(_ rows: [JSON]) -> SQL { make(JSON.array(rows).text) }

  static let notification = GatheringStatement("notify") { rows in
    "select pg_notify(r ->> 0, r ->> 1) from json_array_elements(\(rows)::json) r"
  }
}

/// What a transaction has put off to its commit: rows that nothing in it reads again, such as audit entries, and
/// notifications. A change of ten records is then told of by one statement.
final class Gathering: Sendable {
  struct Group: Sendable {
    let statement: GatheringStatement
    var rows: [JSON]
  }

  private let groups = Mutex<[Group]>([])

  func add(_ row: JSON, for statement: GatheringStatement, once: Bool) {
    groups.withLock { groups in
      guard let index = groups.firstIndex(where: { $0.statement.name == statement.name }) else {
        return groups.append(Group(statement: statement, rows: [row]))
      }
      if once, groups[index].rows.contains(row) { return }
      groups[index].rows.append(row)
    }
  }

  /// What has been gathered so far, to go back to when a savepoint is undone.
  var mark: [Group] { groups.withLock { $0 } }

  func restore(_ mark: [Group]) { groups.withLock { $0 = mark } }

  var statements: [SQL] {
    groups.withLock { groups in groups.map { $0.statement($0.rows) } }
  }
}
