package import Access
package import Core
package import Crypto
package import SQL

/// How Identity writes the registers it does not keep itself: units, users, roles.
///
/// The application gives it a writer that goes through Entities, so that validation, history, search and audit of the
/// registers are one. ``TableWriter`` writes the tables alone.
package protocol RegisterWriter: Sendable {
  /// Makes a record and returns its id. Values are in clear, by field name; those of encrypted fields are sealed here.
  func insert(
    _ register: String, _ values: [String: SQLValue], by principal: Principal, in transaction: Transaction
  ) async throws -> Int64

  /// Changes the named fields of a record.
  func update(
    _ register: String, _ id: Int64, _ values: [String: SQLValue], by principal: Principal,
    in transaction: Transaction
  ) async throws

  /// Removes a record.
  func delete(_ register: String, _ id: Int64, by principal: Principal, in transaction: Transaction) async throws

  /// What the blind index `<field>_index` of an encrypted field holds for `value`.
  func fingerprint(_ register: String, _ field: String, _ value: String) throws -> [UInt8]?
}

/// Writes the tables of registers directly: bootstrap, tests, and tools without declarations. No history is kept.
package struct TableWriter: RegisterWriter {
  private let ring: KeyRing
  private let clock: WallClock
  /// Encrypted fields by register, each with what counts as the same value in its blind index.
  private let encrypted: [String: [String: BlindIndex.Normalisation]]

  package init(
    ring: KeyRing, clock: WallClock = .system,
    encrypted: [String: [String: BlindIndex.Normalisation]] = ["app_user": ["phone": .phone]]
  ) {
    self.ring = ring
    self.clock = clock
    self.encrypted = encrypted
  }

  package func insert(
    _ register: String, _ values: [String: SQLValue], by principal: Principal, in transaction: Transaction
  ) async throws -> Int64 {
    let now = clock.now()
    var columns = try stored(register, values)
    columns["version"] = .int(1)
    for name in ["created_at", "updated_at"] { columns[name] = .instant(now) }
    for name in ["created_by", "updated_by"] { columns[name] = .int(principal.writer) }
    let sorted = columns.sorted { $0.key < $1.key }
    let names = SQL.join(sorted.map { "\(identifier: $0.key)" })
    return try await transaction.value(
      "insert into \(identifier: register) (\(names)) values \(SQL.tuple(sorted.map(\.value))) returning id")
  }

  package func update(
    _ register: String, _ id: Int64, _ values: [String: SQLValue], by principal: Principal,
    in transaction: Transaction
  ) async throws {
    let assignments = try stored(register, values).sorted { $0.key < $1.key }.map { name, value -> SQL in
      "\(identifier: name) = \(value)"
    }
    try await transaction.execute(
      """
      update \(identifier: register) set \(SQL.join(assignments)), version = version + 1, updated_at = \(clock.now()),
        updated_by = \(principal.writer) where id = \(id)
      """)
  }

  package func delete(
    _ register: String, _ id: Int64, by principal: Principal, in transaction: Transaction
  ) async throws {
    try await transaction.execute("delete from \(identifier: register) where id = \(id)")
  }

  private func stored(_ register: String, _ values: [String: SQLValue]) throws -> [String: SQLValue] {
    var columns = values
    for field in (encrypted[register] ?? [:]).keys {
      guard let value = values[field] else { continue }
      guard case .text(let text) = value else {
        columns[field] = .null
        columns[field + "_index"] = .null
        continue
      }
      columns[field] = .bytes(try ring.seal(Array(text.utf8), associated: "\(register).\(field)"))
      columns[field + "_index"] = try fingerprint(register, field, text).map { .bytes($0) } ?? .null
    }
    return columns
  }

  package func fingerprint(_ register: String, _ field: String, _ value: String) throws -> [UInt8]? {
    guard let normalisation = encrypted[register]?[field] else { return nil }
    return try ring.blindIndex("\(register).\(field)", normalisation).fingerprint(value)
  }
}
