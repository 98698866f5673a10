package import Access
package import Audit
package import Core
package import SQL

/// Keeps who looked at whose personal data, when, at which fields and why; and shows it to the person (谁看过我的信息).
///
/// Personal data in clear is only read after ``record(_:persons:fields:purpose:origin:in:)`` succeeded.
package struct PersonalAccess: Sendable {
  /// One look at one person's data.
  package struct Look: Sendable {
    package let time: Instant
    package let principalName: String
    package let unitName: String?
    /// What was done: `person.reveal`, `person.export`.
    package let action: String
    package let fields: [String]
    package let purpose: String
  }

  private let audit: Audit

  package init(audit: Audit) { self.audit = audit }

  /// Writes one entry a person, in the transaction or session that reads the data.
  ///
  /// - Throws: ``Refusal`` when the purpose says nothing: fewer than two characters that are no white space.
  package func record(
    _ principal: Principal, entity: String = "person", persons: [Int64], fields: [String], purpose: String,
    action: String = "reveal", origin: Origin, in session: some SQLSession
  ) async throws {
    let purpose = purpose.trimmed
    guard purpose.count >= 2, purpose.count <= 200 else {
      throw Refusal(.unprocessable, "purpose-missing", "请写明查看事由（2 至 200 字），它会告知本人并计入审计。", field: "purpose")
    }
    let entries = persons.map { person in
      AuditEntry(
        principal, "\(entity).\(action)", entity: entity, record: person, purpose: purpose, origin: origin,
        details: ["fields": .array(fields.map { .string($0) })])
    }
    for start in stride(from: 0, to: entries.count, by: 500) {
      try await audit.append(Array(entries[start..<min(start + 500, entries.count)]), in: session)
    }
  }

  /// The looks at one person's data, the newest first.
  package func looks(
    at person: Int64, entity: String = "person", limit: Int = 100, in session: some SQLSession
  ) async throws -> [Look] {
    try await session.query(
      """
      select occurred_at, principal_name, unit_name, action, details::text as details, purpose from audit_entry
      where entity = \(entity) and record_id = \(person) and purpose is not null and outcome = 'done'
      order by id desc limit \(limit)
      """
    ).map { row in
      let details = try JSON(parsing: row.get("details", as: String.self))
      return Look(
        time: try row.get("occurred_at"), principalName: try row.get("principal_name"),
        unitName: try row.get("unit_name"), action: try row.get("action"),
        fields: details["fields"]?.array?.compactMap(\.string) ?? [], purpose: try row.get("purpose"))
    }
  }
}
