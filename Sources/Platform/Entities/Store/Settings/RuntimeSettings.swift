package import Access
package import Audit
package import Core
package import SQL

/// What administrators change while the product runs: codes of dictionaries, declarations of registers and fields.
/// Everything is audited, and every process hears of it.
package struct RuntimeSettings: Sendable {
  package let database: Database
  package let catalogs: LiveCatalog
  package let audit: Audit
  package let clock: WallClock

  package init(database: Database, catalogs: LiveCatalog, audit: Audit, clock: WallClock = .system) {
    self.database = database
    self.catalogs = catalogs
    self.audit = audit
    self.clock = clock
  }

  // MARK: Dictionaries

  /// Adds a code to a dictionary, or changes one: its label, its place in the tree, whether it is still offered.
  ///
  /// A code itself never changes and never goes, since records hold it; what is no longer wanted is retired.
  /// - Throws: ``Refusal`` `dictionary-unknown`, `code-invalid`, `label-taken`, `parent-unknown`.
  package func put(
    _ code: String, label: String, in name: String, parent: String? = nil, retired: Bool = false, help: String? = nil,
    by principal: Principal, origin: Origin = .inside
  ) async throws {
    try principal.require(Permission("dictionary", "update"), toDo: "维护字典")
    guard let dictionary = catalogs.current.dictionary(name) else {
      throw Refusal(.notFound, "dictionary-unknown", "没有名为“\(name)”的字典。")
    }
    let isPlain = code.utf8.allSatisfy { byte in
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "._-".utf8.contains(byte)
    }
    guard isPlain, (1...64).contains(code.utf8.count) else {
      throw Refusal(.unprocessable, "code-invalid", "代码由 1 到 64 个字母、数字、点、横线或下划线组成。", field: "code")
    }
    let label = TextForms.trimmed(label)
    guard !label.isEmpty, label.count <= 100 else {
      throw Refusal(.unprocessable, "label-invalid", "请填写名称，最多 100 个字。", field: "label")
    }
    if let other = dictionary.code(labelled: label), other.code != code {
      throw Refusal(.conflict, "label-taken", "名称“\(label)”已用于代码 \(other.code)。请换一个名称。", field: "label")
    }
    if let parent, dictionary.code(parent) == nil || parent == code {
      throw Refusal(.unprocessable, "parent-unknown", "上级代码“\(parent)”不在字典中。请重新选择。", field: "parent")
    }
    let now = clock.now()
    try await database.transaction { transaction in
      try await transaction.execute(
        """
        insert into dictionary_code (dictionary, code, label, parent, retired, help, updated_at, updated_by)
        values (\(name), \(code), \(label), \(parent), \(retired), \(help), \(now), \(principal.actor))
        on conflict (dictionary, code) do update set label = excluded.label, parent = excluded.parent,
          retired = excluded.retired, help = excluded.help, updated_at = excluded.updated_at,
          updated_by = excluded.updated_by
        """)
      try await audit.append(
        AuditEntry(
          principal, "dictionary.update", entity: name, origin: origin,
          details: ["code": .string(code), "label": .string(label), "retired": .bool(retired)]), in: transaction)
      try await transaction.notify(RecordChangeFeed.channel, "dictionary:\(name)")
    }
    try await catalogs.refresh(from: database)
  }

  // MARK: Declarations

  /// Declares a register, or adds fields to one, at run time: the declaration is checked, the tables are made, and only
  /// then it is in force.
  ///
  /// - Parameters:
  ///   - yaml: as in `Resources`: `entity: …`, `extend_entity: …`.
  ///   - origin: the name the text is kept under; an older text of this name is replaced.
  ///   - owner: a pool that may change tables.
  /// - Throws: ``DeclarationFailure`` with every fault of the text; ``Refusal`` `schema-…`. Nothing has changed then.
  /// - Returns: what was done to the tables.
  @discardableResult
  package func declare(
    _ yaml: String, as name: String, by principal: Principal, owner: Database, origin: Origin = .inside
  ) async throws -> SchemaPlan {
    try principal.require(Permission("entity", "update"), toDo: "维护登记表")
    try await catalogs.refresh(from: database)
    let catalog = try catalogs.current.adding(yaml: yaml, origin: name)
    let plan = try await SchemaPlan.apply(catalog, to: owner)
    let now = clock.now()
    try await database.transaction { transaction in
      try await transaction.execute(
        """
        insert into runtime_declaration (origin, yaml, updated_at, updated_by)
        values (\(name), \(yaml), \(now), \(principal.actor))
        on conflict (origin) do update set yaml = excluded.yaml, updated_at = excluded.updated_at,
          updated_by = excluded.updated_by
        """)
      try await audit.append(
        AuditEntry(
          principal, "entity.update", origin: origin,
          details: ["declaration": .string(name), "steps": .int(Int64(plan.steps.count))]), in: transaction)
      try await transaction.notify(RecordChangeFeed.channel, "declaration:\(name)")
    }
    try await catalogs.refresh(from: database)
    return plan
  }

  /// Takes a declaration back; its tables and columns stay with their data.
  ///
  /// - Throws: ``DeclarationFailure`` when another declaration still needs it.
  package func withdraw(_ name: String, by principal: Principal, origin: Origin = .inside) async throws {
    try principal.require(Permission("entity", "update"), toDo: "维护登记表")
    _ = try catalogs.current.removing(origin: name)
    try await database.transaction { transaction in
      let gone = try await transaction.execute("delete from runtime_declaration where origin = \(name)")
      guard gone == 1 else { throw Refusal(.notFound, "declaration-missing", "没有名为“\(name)”的运行期声明。") }
      try await audit.append(
        AuditEntry(principal, "entity.update", origin: origin, details: ["withdrawn": .string(name)]), in: transaction)
      try await transaction.notify(RecordChangeFeed.channel, "declaration:\(name)")
    }
    try await catalogs.refresh(from: database)
  }

  /// The text of every declaration made at run time, by name.
  package func declarations() async throws -> [(name: String, yaml: String)] {
    try await database.query("select origin, yaml from runtime_declaration order by position").map { row in
      (try row.get("origin"), try row.get("yaml"))
    }
  }
}
