package import Access
import Core
import Crypto
package import Entities
package import SQL

/// Writes registers through Entities: defaults, validation, history, search and audit as for any record.
package struct StoreWriter: RegisterWriter {
  private let store: RecordStore

  package init(_ store: RecordStore) { self.store = store }

  package func insert(
    _ register: String, _ values: [String: SQLValue], by principal: Principal, in transaction: Transaction
  ) async throws -> Int64 {
    let filled = values.filter { $0.value != .null }
    return try await records(principal, transaction).insert(register, converted(filled), input: .code).id
  }

  package func update(
    _ register: String, _ id: Int64, _ values: [String: SQLValue], by principal: Principal,
    in transaction: Transaction
  ) async throws {
    try await records(principal, transaction).update(register, id, version: nil, converted(values), input: .code)
  }

  package func delete(
    _ register: String, _ id: Int64, by principal: Principal, in transaction: Transaction
  ) async throws {
    try await records(principal, transaction).delete(register, id, version: nil)
  }

  package func fingerprint(_ register: String, _ field: String, _ value: String) throws -> [UInt8]? {
    guard let declared = try store.entity(register).field(field), declared.encrypted else { return nil }
    let normalisation: BlindIndex.Normalisation =
      switch declared.type {
      case .phone: .phone
      case .residentID, .creditCode: .code
      default: .text
      }
    return try store.keys.blindIndex("\(register).\(field)", normalisation).fingerprint(value)
  }

  /// The principal stays who acts, in the record and in the audit; what it may do was checked by the service that calls.
  private func records(_ principal: Principal, _ transaction: Transaction) -> Records {
    let acting = Principal(
      kind: principal.kind, id: principal.id, name: principal.name, unit: principal.unit,
      grants: Grants([.init(.anything, .all)]), clearance: .secret)
    return store.records(as: acting).within(transaction)
  }

  private func converted(_ values: [String: SQLValue]) throws -> [String: Value] {
    try values.mapValues { value in
      switch value {
      case .null: .null
      case .text(let text): .text(text)
      case .int(let number): .integer(number)
      case .bool(let flag): .boolean(flag)
      case .date(let date): .date(date)
      case .instant(let instant): .instant(instant)
      case .double, .bytes, .json, .textArray, .intArray: throw Fault("register-value", "\(value)")
      }
    }
  }
}
