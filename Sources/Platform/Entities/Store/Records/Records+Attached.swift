import Access
package import Core
import SQL

extension Records {
  /// Whether a record is within the principal's scope for an action; tells nothing else of it and writes no audit.
  package func reaches(_ name: String, _ id: Int64, action: String = "view") async throws -> Bool {
    let entity = try store.entity(name)
    guard principal.may(Permission(name, action)) else { return false }
    let scope = ScopePredicate.compile(principal, Permission(name, action), entity, alias: "t")
    let query: SQL = "select 1 from \(identifier: name) t where t.id = \(id) and \(scope)"
    return try await inTransaction { records, transaction in
      !(try await records.scoped(transaction, [(entity, action)], query)).isEmpty
    }
  }

  /// The unit of a record whose dependants somebody enters who may change it, such as the recipients of a plan.
  ///
  /// - Parameter refusal: for whoever may not.
  package func unit(governing name: String, _ id: Int64, otherwise refusal: Refusal) async throws -> Value {
    guard let unit = try store.entity(name).scope.unit else { throw Fault("entity-without-unit", name) }
    guard try await reaches(name, id, action: "update") else { throw refusal }
    return try await asSystem.get(name, id)[unit]
  }

  /// The records of a register that are attached to one record of another (``EntityDeclaration/attachedTo``), all fields,
  /// oldest first.
  ///
  /// - Parameter reveal: shows what is masked otherwise, as ``get(_:_:columns:asOf:reveal:)`` does; one audit entry
  ///   tells of the whole.
  package func attached(_ name: String, to parent: Int64, reveal: Bool = false) async throws -> [Record] {
    let entity = try store.entity(name)
    guard let owner = entity.attachedTo else { throw Fault("entity-not-attached", name) }
    try require(entity, asOf: nil)
    if reveal { try requireReveal(entity) }
    let shape = shape(of: entity, columns: try fields(nil, of: entity), reveal: reveal)
    let compiler = compiler(entity, asOf: nil)
    let query: SQL = """
      select \(shape.selection()) from \(compiler.source)
      where t.\(identifier: "\(owner)_id") = \(parent) and \(ScopePredicate.any(of: compiler.scope)) order by t.id
      """
    return try await inTransaction { records, transaction in
      let rows = try await records.scoped(transaction, [(entity, "view")], query)
      let found = try rows.map(shape.record)
      if entity.personal || reveal, !found.isEmpty {
        try await records.audit(
          reveal ? "reveal" : "list", entity, found.count == 1 ? found[0].id : nil,
          details: ["count": .int(Int64(found.count)), "\(owner)": .int(parent)], in: transaction)
      }
      return try await records.named(found, shape, in: transaction)
    }
  }
}
