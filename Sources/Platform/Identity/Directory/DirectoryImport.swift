package import Access
package import Audit
import Core
import SQL

/// Takes units and users over from a third party, by file or API (同步第三方机构、用户, A-076, A-077).
///
/// Rows are matched by source and external code. Each is judged by itself: a bad one is rejected with its reason and the
/// others go on. A dry run does everything and undoes it, so its report is what the import would do. Repeating an
/// import changes nothing.
package struct DirectoryImport: Sendable {
  let identity: IdentityService

  package init(_ identity: IdentityService) { self.identity = identity }

  /// - Parameter source: the third party's name, such as `公安组织机构库`.
  package func units(
    _ rows: [DirectoryRow], source: String, dryRun: Bool, by principal: Principal, origin: Origin
  ) async throws -> DirectoryReport {
    try principal.require(Permission("unit", "import"), toDo: "导入机构")
    return try await run("unit.import", source, dryRun, principal, origin) { transaction in
      var job = try await UnitImport(identity, source: source, principal: principal, in: transaction)
      return try await job.run(rows, dryRun: dryRun)
    }
  }

  /// Users get no password: a first one is set by an officer, or they sign in through the third party.
  package func users(
    _ rows: [DirectoryRow], source: String, dryRun: Bool, by principal: Principal, origin: Origin
  ) async throws -> DirectoryReport {
    try principal.require(Permission("app_user", "import"), toDo: "导入用户")
    if rows.contains(where: { $0.filled("roles") != nil }) {
      try principal.require(Permission("user_role", "create"), toDo: "分配角色")
    }
    return try await run("app_user.import", source, dryRun, principal, origin) { transaction in
      var job = try await UserImport(identity, source: source, principal: principal, in: transaction)
      return try await job.run(rows, dryRun: dryRun)
    }
  }

  private struct Undo: Error {
    let report: DirectoryReport
  }

  private func run(
    _ action: String, _ source: String, _ dryRun: Bool, _ principal: Principal, _ origin: Origin,
    _ body: @Sendable (Transaction) async throws -> DirectoryReport
  ) async throws -> DirectoryReport {
    let source = source.trimmed
    guard !source.isEmpty else { throw Refusal(.unprocessable, "source-missing", "请填写数据来源。", field: "source") }
    do {
      return try await identity.configuration.database.transaction { transaction in
        // Imports of one kind go one after the other.
        try await transaction.execute("select pg_advisory_xact_lock(hashtext(\(action)))")
        let report = try await body(transaction)
        if dryRun { throw Undo(report: report) }
        var details = report.details.object ?? []
        details.append(("source", .string(source)))
        try await identity.audit.append(
          AuditEntry(principal, action, origin: origin, details: .object(details)), in: transaction)
        return report
      }
    } catch let undo as Undo {
      return undo.report
    }
  }
}

/// Why one row is not taken.
struct RowRejection: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}

/// Writes one row in a savepoint and says what came of it.
struct RowWriter: Sendable {
  let identity: IdentityService
  let register: String
  let principal: Principal
  let transaction: Transaction

  func insert(
    _ values: [String: SQLValue], then: @Sendable (Int64, Transaction) async throws -> Void = { _, _ in }
  ) async throws -> Int64 {
    try await guarded { inner in
      let id = try await identity.configuration.registers.insert(register, values, by: principal, in: inner)
      try await then(id, inner)
      return id
    }
  }

  func update(
    _ id: Int64, _ values: [String: SQLValue], then: @Sendable (Transaction) async throws -> Void = { _ in }
  ) async throws {
    try await guarded { inner in
      if !values.isEmpty {
        try await identity.configuration.registers.update(register, id, values, by: principal, in: inner)
      }
      try await then(inner)
    }
  }

  private func guarded<Value: Sendable>(_ body: @Sendable (Transaction) async throws -> Value) async throws -> Value {
    do {
      return try await transaction.savepoint(body)
    } catch let refusal as Refusal {
      throw RowRejection(refusal.message)
    } catch {
      guard let failure = SQLFailure.within(error), !failure.isConnectionLost, !failure.isConflict else { throw error }
      if let refusal = IdentityService.refusal(of: failure) { throw RowRejection(refusal.message) }
      guard failure.sqlState.hasPrefix("23") || failure.sqlState.hasPrefix("22") else { throw error }
      throw RowRejection("与已有数据冲突（\(failure.constraint ?? failure.column ?? failure.sqlState)）。")
    }
  }
}
