package import Access
package import SQL

/// What a transaction says about itself to triggers and to row-level security.
package enum TransactionSettings {
  /// States the scope of `principal` for the personal ones among `entities`; statements on other personal tables see
  /// nothing. Code that reads such tables with SQL of its own calls this first in its transaction.
  package static func apply(
    _ principal: Principal, _ permissions: [(entity: EntityDeclaration, permission: Permission)],
    in transaction: Transaction
  ) async throws {
    let settings = permissions.filter(\.entity.personal).map { entity, permission -> SQL in
      setting(SchemaName.scopeSetting(entity.name), ScopeTerms(principal, permission).setting)
    }
    guard !settings.isEmpty else { return }
    _ = try await transaction.query("select \(SQL.join(settings))")
  }

  static func setting(_ name: String, _ value: String) -> SQL { "set_config(\(name), \(value), true)" }
}
