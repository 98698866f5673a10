import Access
package import Core
package import Entities
package import SQL

/// Every call to another system (对接日志), in the register `connector_call`: who, why, what for, how long, with personal
/// data masked.
package enum ConnectorLog {
  package static let entity = "connector_call"

  struct Entry: Sendable {
    let settings: Int64
    let operation: ConnectorOperation
    let number: String
    let principal: Principal
    let purpose: String
    let about: ConnectorSubject?
    let outcome: ConnectorOutcome
    /// Whether the other side could be asked.
    let succeeded: Bool
    let status: Int
    let attempts: Int
    let milliseconds: Int64
    let request: String
    let response: String
    let reason: String?
  }

  static func write(_ entry: Entry, _ store: RecordStore) async throws -> Int64 {
    var values: [String: Value] = [
      "connector_id": .integer(entry.settings), "operation_name": .text(entry.operation.label),
      "number": .text(entry.number), "called_at": .instant(store.clock.now()),
      "actor_name": .text(String(entry.principal.name.prefix(60))),
      "unit_name": entry.principal.unit.map { .text($0.name) } ?? .null,
      "purpose": .text(String(entry.purpose.prefix(200))), "outcome": .text(entry.outcome.rawValue),
      "succeeded": .boolean(entry.succeeded), "status": .integer(Int64(entry.status)),
      "attempts": .integer(Int64(entry.attempts)), "milliseconds": .integer(entry.milliseconds),
      "request": .text(String(entry.request.prefix(2000))), "response": .text(String(entry.response.prefix(2000))),
      "reason": entry.reason.map { .text(String($0.prefix(300))) } ?? .null,
    ]
    if let about = entry.about { values.merge(columns(about)) { _, new in new } }
    let records = store.records(as: .system, purpose: "登记对接调用")
    return try await records.insert(entity, values.filter { !$0.value.isBlank }, input: .code).id
  }

  private static func columns(_ about: ConnectorSubject) -> [String: Value] {
    ["subject": .text(about.label), "subject_entity": .text(about.entity), "subject_id": .integer(about.id)]
  }

  /// Deletes calls before `time`, their history too; returns how many.
  ///
  /// - Parameter database: with the rights of the owner.
  package static func purge(before time: Instant, on database: Database) async throws -> Int {
    try await database.transaction { transaction in
      let count = try await transaction.execute("delete from connector_call where called_at < \(time)")
      try await transaction.execute("delete from connector_call_history where called_at < \(time)")
      return count
    }
  }

  /// Says what calls concerned that went out before it had a number.
  package static func attribute(
    _ calls: [Int64], to about: ConnectorSubject, _ store: RecordStore, in transaction: Transaction
  )
    async throws
  {
    let records = store.records(as: .system, purpose: "登记对接调用").within(transaction)
    for call in calls { try await records.update(entity, call, version: nil, columns(about), input: .code) }
  }

  /// How a connector fared lately.
  package struct Summary: Sendable, Hashable {
    package let calls: Int64
    package let failures: Int64
    /// Milliseconds, of those that were answered.
    package let mean: Int64?
    package let last: Instant?
  }

  /// By the name of the connector, since `start`.
  package static func summaries(since start: Instant, in session: some SQLSession) async throws -> [String: Summary] {
    var summaries: [String: Summary] = [:]
    for row in try await session.query(
      """
      select c.name, count(*) as calls, count(*) filter (where not l.succeeded) as failures,
        (avg(l.milliseconds) filter (where l.succeeded))::bigint as mean, max(l.called_at) as last
      from connector_call l join connector c on c.id = l.connector_id where l.called_at >= \(start) group by c.name
      """)
    {
      summaries[try row.get("name")] = Summary(
        calls: try row.get("calls"), failures: try row.get("failures"), mean: try row.get("mean"),
        last: try row.get("last"))
    }
    return summaries
  }
}
