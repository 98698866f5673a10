import Access
import Core
import SQL

/// Where a code of a dictionary stands in records.
package struct CodeHolding: Sendable {
  package let entity: EntityDeclaration
  package let field: FieldDeclaration
  /// Records and past versions, counted up to ``RuntimeSettings/countLimit``.
  package let count: Int
}

/// How much depends on a code, a field or a register. Only numbers are read, so no data scope applies.
extension RuntimeSettings {
  /// More than this is not counted.
  package static let countLimit = 10_000

  /// The fields whose records, past versions included, hold `code`.
  package func uses(of code: String, in name: String) async throws -> [CodeHolding] {
    var uses: [CodeHolding] = []
    for entity in catalogs.current.entities {
      for field in entity.fields where field.dictionary == name && field.isStored {
        let column: SQL = "\(identifier: field.name)"
        // Which code is sealed in an encrypted field is not known here; every value counts.
        let test: SQL =
          field.encrypted
          ? "\(column) is not null" : field.multiple ? "\(column) @> \([code])" : "\(column) = \(code)"
        let count = try await count(entity, where: test, withHistory: true)
        if count > 0 { uses.append(CodeHolding(entity: entity, field: field, count: count)) }
      }
    }
    return uses
  }

  /// How many records of `entity` there are, or how many have something in `field`, up to ``countLimit``.
  package func records(of entity: EntityDeclaration, with field: FieldDeclaration? = nil) async throws -> Int {
    guard let field else { return try await count(entity, where: "true", withHistory: false) }
    guard field.isStored else { return 0 }
    return try await count(entity, where: "\(identifier: field.name) is not null", withHistory: false)
  }

  private func count(_ entity: EntityDeclaration, where test: SQL, withHistory: Bool) async throws -> Int {
    let limit = RuntimeSettings.countLimit
    let history: SQL =
      withHistory ? " union all (select 1 from \(identifier: entity.historyTable) where \(test) limit \(limit))" : ""
    return try await database.transaction { transaction in
      try await TransactionSettings.apply(.system, [(entity, Permission(entity.name, "view"))], in: transaction)
      let rows = try await transaction.query(
        """
        select count(*) from ((select 1 from \(identifier: entity.name) where \(test) limit \(limit))\(history)) as found
        """)
      return min(limit, try rows.first?.get(0) ?? 0)
    }
  }
}
