package import Access
package import Audit
package import Core
package import SQL
import Synchronization

/// The declared parameters (参数) with the values administrators gave them, held in memory.
package final class Parameters: Sendable {
  private let catalogs: LiveCatalog
  private let values = Mutex<[String: Value]>([:])

  package init(_ catalogs: LiveCatalog) { self.catalogs = catalogs }

  /// The value in force: the administrator's, else the declared default.
  ///
  /// - Throws: ``Fault`` `parameter-unknown`: code asks for what nobody declared.
  package func value(_ name: String) throws(Fault) -> Value {
    guard let parameter = catalogs.current.parameter(name) else { throw Fault("parameter-unknown", name) }
    return values.withLock { $0[name] } ?? parameter.defaultValue
  }

  /// The value of an own parameter as people read it: labels of codes, the unit behind it; `nil` for any other name.
  package func shown(_ name: String) -> String? {
    let catalog = catalogs.current
    guard let parameter = catalog.parameter(name), parameter.isOwn, let value = try? value(name) else { return nil }
    let text =
      parameter.field.dictionary.flatMap { catalog.dictionary($0)?.label(of: value.plainText) } ?? value.plainText
    return parameter.unit.map { "\(text) \($0)" } ?? text
  }

  /// - Throws: ``Fault`` `parameter-unknown`, `parameter-type`.
  package func integer(_ name: String) throws(Fault) -> Int64 { try typed(name, \.integer) }
  package func boolean(_ name: String) throws(Fault) -> Bool { try typed(name, \.boolean) }
  package func text(_ name: String) throws(Fault) -> String { try typed(name, \.text) }
  package func decimal(_ name: String) throws(Fault) -> FixedDecimal { try typed(name, \.decimal) }

  private func typed<T>(_ name: String, _ path: (Value) -> T?) throws(Fault) -> T {
    guard let value = path(try value(name)) else { throw Fault("parameter-type", name) }
    return value
  }

  /// Reads all values; a value that no longer fits its declaration is passed over, so that the default counts.
  package func refresh(from session: any SQLSession) async throws {
    let catalog = catalogs.current
    var read: [String: Value] = [:]
    for row in try await session.query("select name, value from parameter_value") {
      let name: String = try row.get("name")
      guard let parameter = catalog.parameter(name), let text = try row.get("value", as: JSON.self).string,
        let value = try? parameter.read(text, in: catalog)
      else { continue }
      read[name] = value
    }
    values.withLock { $0 = read }
  }

  /// Keeps the values up to date with what any process changes, until the task is cancelled.
  package func run(on database: Database, log: Log) async {
    for await payload in database.listen(RecordChangeFeed.channel)
    where payload.isEmpty || payload.hasPrefix("parameter:") {
      // An empty payload says that notifications may have been missed.
      do {
        try await refresh(from: database)
      } catch {
        log.fault(error, "parameter-refresh")
      }
    }
  }

  /// Who gave which parameter its value, by name; parameters that stand at their default are left out.
  package func changes(from session: any SQLSession) async throws -> [String: SettingChange] {
    var changes: [String: SettingChange] = [:]
    for row in try await session.query("select name, updated_at, updated_by from parameter_value") {
      changes[try row.get("name")] = SettingChange(at: try row.get("updated_at"), by: try row.get("updated_by"))
    }
    return changes
  }

  /// Sets a parameter from what was typed; `nil` goes back to the declared default.
  ///
  /// - Throws: ``Refusal`` naming what is expected.
  package func set(
    _ name: String, _ text: String?, by principal: Principal, audit: Audit, database: Database,
    clock: WallClock = .system, origin: Origin = .inside
  ) async throws {
    try principal.require(Permission("parameter", "update"), toDo: "修改参数")
    guard let parameter = catalogs.current.parameter(name) else {
      throw Refusal(.notFound, "parameter-unknown", "没有名为“\(name)”的参数。")
    }
    let now = clock.now()
    let before = try value(name).plainText
    let canonical = try text.map { try parameter.read($0, in: catalogs.current, offeredOnly: true).plainText }
    try await database.transaction { transaction in
      if let canonical {
        try await transaction.execute(
          """
          insert into parameter_value (name, value, updated_at, updated_by)
          values (\(name), \(JSON.string(canonical)), \(now), \(principal.actor))
          on conflict (name) do update set value = excluded.value, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by
          """)
      } else {
        try await transaction.execute("delete from parameter_value where name = \(name)")
      }
      try await audit.append(
        AuditEntry(
          principal, "parameter.update", entity: "parameter", origin: origin,
          details: [
            "name": .string(name), "before": .string(before), "value": canonical.map { .string($0) } ?? .null,
          ]), in: transaction)
      transaction.notify(RecordChangeFeed.channel, "parameter:\(name)")
    }
    try await refresh(from: database)
  }
}

extension ParameterDeclaration {
  /// Reads a value of the parameter as people type it, within its limits and, for a code, of its dictionary.
  ///
  /// - Parameter offeredOnly: a code must still be offered, not retired.
  func read(_ text: String, in catalog: Catalog, offeredOnly: Bool = false) throws(Refusal) -> Value {
    let value = try catalog.parse(text, for: field)
    if value.isNull { throw ValueRules.refusal("required", "还没有填写，请填写后再提交", field) }
    if let refusal = ValueRules.refusal(value, field) { throw refusal }
    if offeredOnly, let name = field.dictionary, let code = value.text,
      catalog.dictionary(name)?.code(code)?.retired == true
    {
      throw ValueRules.refusal("code-retired", "选的是已停用的字典项，请另选一项", field)
    }
    return value
  }
}

/// When a setting was last changed, and by whom (see ``Access/Principal/actor``).
package struct SettingChange: Sendable, Hashable {
  package let at: Instant
  package let by: Int64

  package init(at: Instant, by: Int64) {
    self.at = at
    self.by = by
  }
}
