package import Access
import Identity
package import SQL

extension CaseStore {
  /// Whether a case waits for an answer of somebody other than its applicant, and may be answered by this principal: for
  /// decisions on parts of an application beside the answer itself.
  package func asks(_ principal: Principal, in id: Int64, _ session: some SQLSession) async throws -> Bool {
    guard principal.kind == .user else { return false }
    let pools = try await responsibility.pools(of: principal.id, in: session)
    let tasks = try await session.query(
      """
      select t.user_id, t.pool_kind, t.pool_code, t.pool_unit_id from case_task t join case_process p on p.case_id = t.case_id
      where t.case_id = \(id) and t.state = 'open' and p.starter_id <> \(principal.id)
      """)
    return try tasks.contains { row in
      if let user = try row.get("user_id", as: Int64?.self) { return user == principal.id }
      guard let kind = try row.get("pool_kind", as: String?.self).flatMap(Responsibility.Pool.Kind.init),
        let unit = try row.get("pool_unit_id", as: Int64?.self)
      else { return false }
      return pools.contains(.init(kind, try row.get("pool_code", as: String?.self) ?? "", unit: unit))
    }
  }
}
