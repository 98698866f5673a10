package import Access
import SQL

extension IdentityService {
  /// The roles whose holders may view a register and are cleared for less than `level`: who meets masks there (D2-570).
  package func roles(viewing register: String, clearedBelow level: Classification) async throws -> [String] {
    let below = Classification.allCases.filter { $0 < level }.map(\.name)
    return try await database.query(
      """
      select r.name from role r where r.active and r.clearance = any(\(below)) and exists (
        select from role_grant g where g.role_id = r.id and g.subject in (\(register), '*') and g.action in ('view', '*'))
      order by r.code
      """
    ).values()
  }
}
