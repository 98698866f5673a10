package import Core
package import SQL

/// One entry as the log pages show it (B1-244, B1-245).
package struct AuditRecord: Sendable {
  package let id: Int64
  package let time: Instant
  package let principalKind: String
  package let principalID: Int64
  package let principalName: String
  package let unitName: String?
  package let action: String
  package let entity: String
  package let record: Int64?
  package let purpose: String?
  package let outcome: AuditEntry.Outcome
  package let remoteAddress: String?
  package let requestID: String?
  package let details: JSON

  init(_ row: Row) throws {
    id = try row.get("id")
    time = try row.get("occurred_at")
    principalKind = try row.get("principal_kind")
    principalID = try row.get("principal_id")
    principalName = try row.get("principal_name")
    unitName = try row.get("unit_name")
    action = try row.get("action")
    entity = try row.get("entity")
    record = try row.get("record_id")
    purpose = try row.get("purpose")
    outcome = AuditEntry.Outcome(rawValue: try row.get("outcome")) ?? .failed
    remoteAddress = try row.get("remote_address")
    requestID = try row.get("request_id")
    details = (try? JSON(parsing: try row.get("details", as: String.self))) ?? .null
  }
}

/// Which entries to list; what is `nil` does not narrow.
package struct AuditFilter: Sendable, Hashable {
  package var from: Instant?
  package var to: Instant?
  package var principalKind: String?
  package var principalID: Int64?
  /// The beginning of the action when it ends in a dot, `session.` for everything about sessions; otherwise the verb at
  /// its end, `update` for changes of whatever register.
  package var action: String?
  package var entity: String?
  package var record: Int64?
  /// Entries about one record only, which are found by their register.
  package var namesRecord = false
  package var outcome: AuditEntry.Outcome?
  package var remoteAddress: String?

  package init() {}

  var condition: SQL {
    var parts: [SQL] = ["true"]
    if let from { parts.append("occurred_at >= \(from)") }
    if let to { parts.append("occurred_at < \(to)") }
    if let principalKind { parts.append("principal_kind = \(principalKind)") }
    if let principalID { parts.append("principal_id = \(principalID)") }
    if let action {
      parts.append(
        action.hasSuffix(".")
          ? "starts_with(action, \(action)::text)"
          : "(action = \(action) or right(action, length(\(action)::text) + 1) = '.' || \(action)::text)")
    }
    if let entity { parts.append("entity = \(entity)") }
    if let record { parts.append("record_id = \(record)") }
    if namesRecord { parts.append("record_id is not null") }
    if let outcome { parts.append("outcome = \(outcome.rawValue)") }
    if let remoteAddress { parts.append("remote_address = \(remoteAddress)") }
    return SQL.join(parts, separator: " and ")
  }
}

/// Reads the audit for its pages. The caller checks that the principal is an auditor.
package struct AuditQuery: Sendable {
  private let session: any SQLSession

  package init(_ session: any SQLSession) { self.session = session }

  /// The newest entries first.
  ///
  /// - Parameter before: the id of the last entry of the page before.
  package func list(_ filter: AuditFilter, before: Int64? = nil, limit: Int = 50) async throws -> [AuditRecord] {
    let page: SQL = before.map { "and id < \($0)" } ?? ""
    return try await session.query(
      """
      select \(AuditLine.columns) from audit_entry e where \(filter.condition) \(page) order by id desc limit \(limit)
      """
    ).map { try AuditRecord($0) }
  }

  package func entry(_ id: Int64) async throws -> AuditRecord? {
    try await session.first("select \(AuditLine.columns) from audit_entry e where id = \(id)").map {
      try AuditRecord($0)
    }
  }

  /// How many entries each day and action has, by day (China Standard Time) and then by action.
  package func daily(
    _ filter: AuditFilter
  ) async throws -> [(day: CivilDate, action: String, outcome: String, count: Int64)] {
    try await session.query(
      """
      select (occurred_at at time zone 'Asia/Shanghai')::date as day, action, outcome, count(*) as count
      from audit_entry where \(filter.condition) group by 1, 2, 3 order by 1, 2, 3
      """
    ).map { (try $0.get("day"), try $0.get("action"), try $0.get("outcome"), try $0.get("count")) }
  }
}
