package import SQL

/// The person of the register behind an account (实名账号), for what people may know of themselves.
package struct RealName: Sendable, Hashable {
  package let person: Int64
  /// Where the person is registered to live.
  package let address: Int64?

  /// Finds the person whose account `user` is; `nil` for an account that is linked to nobody.
  ///
  /// Reads past the data scope for this one row and the rest of the transaction: nobody needs a role to know themselves.
  package static func of(user: Int64, in transaction: Transaction) async throws -> RealName? {
    try await transaction.execute("select set_config('lifang.scope_person', '{\"all\":true}', true)")
    return try await transaction.first("select id, address_id from person where user_id = \(user)").map {
      RealName(person: try $0.get("id"), address: try $0.get("address_id"))
    }
  }
}
