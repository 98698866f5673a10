import Access
import Core
import SQL

extension Records {
  /// An import by its id; everybody sees their own, who may import everywhere sees those of others too.
  package func importRun(_ id: Int64) async throws -> ImportRun {
    let rows = try await session.query(
      """
      select id, options, last_row, created, updated, unchanged, rejected, finished, started_at, started_by
      from import_run where id = \(id)
      """)
    guard let row = rows.first, let run = try? ImportRun(row), mayRead(run) else {
      throw Refusal(.notFound, "import-missing", "没有找到这次导入，可能已过保留期。")
    }
    return run
  }

  /// The latest imports of an entity that the principal may read, the newest first.
  package func importRuns(of entity: String, limit: Int = 20) async throws -> [ImportRun] {
    let own: SQL = mayReadAll(of: entity) ? "true" : "started_by = \(principal.actor)"
    return try await session.query(
      """
      select id, options, last_row, created, updated, unchanged, rejected, finished, started_at, started_by
      from import_run where entity = \(entity) and \(own) order by id desc limit \(limit)
      """
    ).map { try ImportRun($0) }
  }

  /// The outcomes of an import behind row number `row`, in the order of the file.
  package func importOutcomes(
    _ id: Int64, results: Set<ImportOutcome.Result> = Set(ImportOutcome.Result.allCases), after row: Int = 0,
    limit: Int = 1000
  ) async throws -> [ImportOutcome] {
    _ = try await importRun(id)
    return try await session.query(
      """
      select row, outcome, record_id, field, reason, cells from import_outcome
      where run_id = \(id) and row > \(row) and outcome = any(\(results.map(\.rawValue))) order by row limit \(limit)
      """
    ).map { row in
      ImportOutcome(
        row: try row.get("row"), result: ImportOutcome.Result(rawValue: try row.get("outcome")) ?? .rejected,
        record: try row.get("record_id"), field: try row.get("field"), reason: try row.get("reason"),
        cells: try row.get("cells"))
    }
  }

  private func mayRead(_ run: ImportRun) -> Bool {
    run.startedBy == principal.actor || mayReadAll(of: run.spec.entity)
  }

  /// Rejected rows are kept as they were sent, of whatever district, so a narrower scope does not reach them.
  private func mayReadAll(of entity: String) -> Bool {
    principal.grants.scope(for: Permission(entity, "import")) == .all
  }
}

extension ImportRun {
  fileprivate init(_ row: Row) throws {
    id = try row.get("id")
    spec = try ImportSpec(json: try row.get("options"))
    lastRow = try row.get("last_row")
    tally = ImportTally()
    tally.created = try row.get("created")
    tally.updated = try row.get("updated")
    tally.unchanged = try row.get("unchanged")
    tally.rejected = try row.get("rejected")
    isFinished = try row.get("finished")
    startedAt = try row.get("started_at")
    startedBy = try row.get("started_by")
  }
}
