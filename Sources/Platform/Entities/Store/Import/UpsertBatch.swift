import Access
import Core
import Crypto
import SQL

/// Makes and changes the records of a batch with a few statements, however many rows it has.
///
/// The rows are copied into a temporary table, checked there as a set (references, scope, shapes), and moved from there.
/// What set statements cannot pin on one row, such as a change that violates a unique index, makes the batch run again
/// in halves until the row is alone.
struct UpsertBatch {
  let spec: ImportSpec
  let entity: EntityDeclaration
  let records: Records
  let transaction: Transaction
  let codec: FieldCodec
  let rules: WriteRules

  init(_ spec: ImportSpec, _ entity: EntityDeclaration, _ records: Records, _ transaction: Transaction) {
    self.spec = spec
    self.entity = entity
    self.records = records
    self.transaction = transaction
    codec = records.codec(entity)
    rules = WriteRules(entity, records)
  }

  /// What became of an item, and every value that its record holds now; `nil` when it was not written.
  struct Written: Sendable {
    let outcome: ImportOutcome
    var values: [String: Value]?
  }

  /// The outcome of every item, in order.
  static func run(
    _ items: [ImportReader.Item], _ spec: ImportSpec, _ entity: EntityDeclaration, _ records: Records,
    in transaction: Transaction
  ) async throws -> [Written] {
    var outcomes: [Written] = []
    for wave in waves(items, key: spec.key) {
      outcomes += try await halving(wave, spec, entity, records, in: transaction)
    }
    return outcomes
  }

  /// Cuts a batch where a key comes again, so that a later row of a file meets the record that an earlier one made.
  private static func waves(_ items: [ImportReader.Item], key: [String]) -> [ArraySlice<ImportReader.Item>] {
    guard !key.isEmpty else { return items.isEmpty ? [] : [items[...]] }
    var waves: [ArraySlice<ImportReader.Item>] = []
    var start = 0
    var seen: Set<[Value]> = []
    for (index, item) in items.enumerated() where item.refusal == nil {
      let values = key.map { item.values[$0] ?? .null }
      if values.contains(.null) || seen.insert(values).inserted { continue }
      waves.append(items[start..<index])
      start = index
      seen = [values]
    }
    if start < items.count { waves.append(items[start...]) }
    return waves
  }

  private static func halving(
    _ items: ArraySlice<ImportReader.Item>, _ spec: ImportSpec, _ entity: EntityDeclaration, _ records: Records,
    in transaction: Transaction
  ) async throws -> [Written] {
    do {
      return try await transaction.savepoint { inner in
        try await UpsertBatch(spec, entity, records.within(inner), inner).write(items)
      }
    } catch {
      // Faults of the data (classes 22, 23 and refused policies) concern single rows; all others the whole import.
      guard let failure = SQLFailure.within(error),
        failure.sqlState.hasPrefix("22") || failure.sqlState.hasPrefix("23") || failure.sqlState == "42501"
      else { throw error }
      if items.count == 1, let item = items.first {
        let explained = WriteFailure(entity: entity, catalog: records.store.catalog).explain(error)
        guard let refusal = explained as? Refusal else { throw error }
        return [Written(outcome: ImportOutcome(item, refusal))]
      }
    }
    let middle = items.startIndex + items.count / 2
    let first = try await halving(items[..<middle], spec, entity, records, in: transaction)
    return first + (try await halving(items[middle...], spec, entity, records, in: transaction))
  }

  // MARK: One wave

  /// A row that is to be written.
  private struct Work {
    let place: Int
    let id: Int64
    /// `nil` for a new record.
    let before: [String: Value]?
    let after: [String: Value]
    let madeBy: Int64

    var operation: String { before == nil ? "i" : "u" }
  }

  private func write(_ items: ArraySlice<ImportReader.Item>) async throws -> [Written] {
    let items = Array(items)
    let known = try await known(items)
    var refusals: [Int: Refusal] = [:]
    var unchanged: [Int: Int64] = [:]
    var drafts: [(place: Int, draft: RecordDraft)] = []
    var changes: [(place: Int, change: RecordChange, madeBy: Int64)] = []
    for (place, item) in items.enumerated() {
      if let refusal = item.refusal {
        refusals[place] = refusal
      } else if let record = known[place] {
        let differing = item.values.filter { name, value in
          (spec.blankClears || !value.isNull) && value != record.values[name] ?? .null
        }
        if spec.mode == .insert {
          refusals[place] = Refusal(.conflict, "already-there", "已有\(keyLabels)相同的\(entity.label)，本次只导入新记录。")
        } else if !record.inScope {
          refusals[place] = Refusal(.forbidden, "out-of-scope", "已有的\(entity.label)不在您的数据范围内，不能更新。")
        } else if differing.isEmpty {
          unchanged[place] = record.id
        } else {
          let change = RecordChange(
            entity: entity.name, id: record.id, before: record.values, changes: differing, row: item.row.number)
          changes.append((place, change, record.madeBy))
        }
      } else if spec.mode == .update {
        refusals[place] = Refusal(.notFound, "not-there", "没有\(keyLabels)相同的\(entity.label)，本次只更新已有记录。")
      } else {
        // An empty cell leaves room for the default.
        let values = item.values.filter { !$0.value.isNull }
        drafts.append((place, RecordDraft(entity: entity.name, values: values, row: item.row.number)))
      }
    }
    var work = try await prepareNew(drafts, &refusals)
    work += try await prepareChanged(changes, &refusals, &unchanged)
    work.sort { $0.place < $1.place }
    let written = try await store(work, &refusals)
    return items.enumerated().map { place, item in
      if let refusal = refusals[place] { return Written(outcome: ImportOutcome(item, refusal)) }
      if let id = unchanged[place] {
        return Written(outcome: ImportOutcome(item, .unchanged, id), values: known[place]?.values)
      }
      guard let done = written[place] else {
        return Written(outcome: ImportOutcome(item, Refusal(.conflict, "not-written", "这一行没有写入，请重试。")))
      }
      return Written(
        outcome: ImportOutcome(item, done.before == nil ? .created : .updated, done.id), values: done.after)
    }
  }

  private var keyLabels: String { spec.key.compactMap { entity.field($0)?.label }.joined(separator: "、") }

  private func prepareNew(
    _ drafts: [(place: Int, draft: RecordDraft)], _ refusals: inout [Int: Refusal]
  ) async throws -> [Work] {
    guard !drafts.isEmpty else { return [] }
    var batch = drafts.map(\.draft)
    try await records.prepare(&batch, entity)
    for (index, draft) in batch.enumerated() {
      if let refusal = draft.refusal { refusals[drafts[index].place] = refusal }
    }
    let accepted = batch.indices.filter { batch[$0].refusal == nil }
    guard !accepted.isEmpty else { return [] }
    let ids = try await transaction.query(
      """
      select nextval(pg_get_serial_sequence(\(quoted(entity.name)), 'id')) from generate_series(1, \(accepted.count))
      """
    ).values(as: Int64.self)
    return zip(accepted, ids).map { index, id in
      Work(place: drafts[index].place, id: id, before: nil, after: batch[index].values, madeBy: records.principal.actor)
    }
  }

  private func prepareChanged(
    _ changes: [(place: Int, change: RecordChange, madeBy: Int64)], _ refusals: inout [Int: Refusal],
    _ unchanged: inout [Int: Int64]
  ) async throws -> [Work] {
    guard !changes.isEmpty else { return [] }
    var batch = changes.map(\.change)
    try await records.refuseHiddenReferences(&batch, entity)
    try await records.store.hooks.runUpdates(entity.name, &batch, records)
    var work: [Work] = []
    for (index, change) in batch.enumerated() {
      let place = changes[index].place
      if let refusal = change.refusal ?? Refusal(all: rules.faults(of: change.after, previous: change.before)) {
        refusals[place] = refusal
      } else if !entity.storedFields.contains(where: { change.alters($0.name) }) {
        unchanged[place] = change.id
      } else {
        work.append(
          Work(
            place: place, id: change.id, before: change.before, after: change.after, madeBy: changes[index].madeBy))
      }
    }
    return work
  }

  // MARK: Records that are there already

  /// The records that the items' keys name, locked, by the item's place.
  private func known(_ items: [ImportReader.Item]) async throws -> [Int: HeldRecord] {
    guard !spec.key.isEmpty else {
      return Dictionary(
        items.enumerated().compactMap { place, item in item.held.map { (place, $0) } }, uniquingKeysWith: { $1 })
    }
    let fields = spec.key.compactMap { entity.field($0) }
    var places: [Int64] = []
    var keys = [[String]](repeating: [], count: fields.count)
    for (place, item) in items.enumerated() where item.refusal == nil {
      let values = fields.map { item.values[$0.name] ?? .null }
      if values.contains(where: \.isNull) { continue }
      places.append(Int64(place))
      for (index, field) in fields.enumerated() { keys[index].append(try keyText(values[index], field)) }
    }
    guard !places.isEmpty else { return [:] }
    let matches = fields.enumerated().map { index, field -> SQL in
      let key: SQL = "k.\(identifier: "k\(index)")"
      if let column = field.indexColumn { return "t.\(identifier: column) = decode(\(key), 'hex')" }
      return "t.\(identifier: field.name) = \(key)::\(unsafe: field.columnType)"
    }
    let shape = records.shape(of: entity, columns: entity.storedFields)
    let scope = ScopePredicate.compile(
      records.principal, Permission(entity.name, "import"), entity, alias: QueryCompiler.alias)
    let names = SQL.join(fields.indices.map { SQL(identifier: "k\($0)") })
    let query: SQL = """
      select \(shape.selection()), k.place, coalesce(\(scope), false) as in_scope
      from unnest(\(places), \(SQL.join(keys.map { "\($0)" }))) k (place, \(names))
      join \(identifier: entity.name) t on \(SQL.join(matches, separator: " and "))
      order by t.id for update of t
      """
    let rows = try await records.scoped(transaction, [(entity, "import")], query)
    var known: [Int: HeldRecord] = [:]
    for row in rows { known[try row.get("place")] = try HeldRecord(row, shape) }
    return known
  }

  private func keyText(_ value: Value, _ field: FieldDeclaration) throws -> String {
    if field.encrypted { return Hex.encode(try codec.fingerprint(value.plainText, of: field) ?? []) }
    switch value {
    case .boolean(let flag): return flag ? "true" : "false"
    case .money(let money): return String(money.fen)
    default: return value.plainText
    }
  }

  // MARK: The temporary table

  private var stage: String {
    "lifang_stage_" + SchemaName.fingerprint(entity.name + entity.columns.map { $0.name + $0.definition }.joined())
  }

  private static let ownColumns = ["place", "operation", "id", "created_by"]
  private static let searchText = "search_text"

  /// Writes what is left after the checks; returns it by place, and notes what the checks refuse.
  private func store(_ work: [Work], _ refusals: inout [Int: Refusal]) async throws -> [Int: Work] {
    guard !work.isEmpty else { return [:] }
    let altered = Set(
      entity.storedFields.filter { field in
        work.contains { $0.before != nil && $0.before?[field.name] ?? .null != $0.after[field.name] ?? .null }
      }.map(\.name))
    var rows: [[SQLValue]] = []
    var staged: [Work] = []
    for item in work {
      do {
        rows.append(try stagedRow(item, altered))
        staged.append(item)
      } catch let refusal as Refusal {
        refusals[item.place] = refusal
      }
    }
    guard !staged.isEmpty else { return [:] }
    try await fill(rows)
    for (place, refusal) in try await StageChecks(batch: self, stage: stage).run() { refusals[place] = refusal }
    let left = staged.filter { refusals[$0.place] == nil }
    if left.count < staged.count {
      let refused = staged.map { Int64($0.place) }.filter { refusals[Int($0)] != nil }
      try await transaction.execute("delete from \(identifier: stage) where place = any(\(refused))")
    }
    let made = try await insert(left)
    try await update(left, altered)
    var written: [Int: Work] = [:]
    var events: [RecordEvent] = []
    for item in left {
      guard item.before != nil || made.contains(item.id) else {
        refusals[item.place] = try await StageChecks(batch: self, stage: stage).duplicate(of: item.place)
        continue
      }
      written[item.place] = item
      events.append(
        RecordEvent(
          kind: item.before == nil ? .created : .updated, entity: entity.name, id: item.id, before: item.before ?? [:],
          after: item.after))
    }
    try await transaction.execute("delete from \(identifier: stage)")
    if !events.isEmpty { try await records.store.hooks.runAfters(entity.name, events, records) }
    return written
  }

  private func stagedRow(_ item: Work, _ altered: Set<String>) throws -> [SQLValue] {
    var row: [SQLValue] = [.int(Int64(item.place)), .text(item.operation), .int(item.id), .int(item.madeBy)]
    for field in entity.storedFields {
      let isIdle = field.encrypted && item.before != nil && !altered.contains(field.name)
      let value = isIdle ? .null : item.after[field.name] ?? .null
      for column in try codec.columns(of: field, value) { row.append(column.value) }
    }
    if entity.isSearchable { row.append(.text(rules.searchVector { item.after[$0] ?? .null })) }
    return row
  }

  private func fill(_ rows: [[SQLValue]]) async throws {
    let columns = entity.storedFields.flatMap(\.storedColumns)
    let definitions =
      columns.map { "\(quoted($0.name)) \($0.definition)" } + (entity.isSearchable ? ["search_text text"] : [])
    try await transaction.execute(
      SQL(
        unsafe: """
          create temp table if not exists \(quoted(stage)) (place bigint, operation text, id bigint, created_by bigint, \
          \(definitions.joined(separator: ", "))) on commit delete rows
          """))
    let names = UpsertBatch.ownColumns + columns.map(\.name) + (entity.isSearchable ? [UpsertBatch.searchText] : [])
    try await transaction.copyIn(stage, columns: names) { writer in
      for row in rows { try await writer.row(row) }
    }
  }

  private func insert(_ work: [Work]) async throws -> Set<Int64> {
    guard work.contains(where: { $0.before == nil }) else { return [] }
    let now = records.store.clock.now()
    let columns = entity.storedFields.flatMap(\.storedColumns).map(\.name)
    let names =
      columns.map { SQL(identifier: $0) } + (entity.isSearchable ? [SQL(identifier: SchemaName.searchColumn)] : [])
    let values = columns.map { SQL(identifier: $0) } + (entity.isSearchable ? ["search_text::tsvector"] : [])
    let rows = try await records.scoped(
      transaction, [(entity, "import")],
      """
      insert into \(identifier: entity.name) (id, created_at, created_by, updated_at, updated_by, \(SQL.join(names)))
      select id, \(now), created_by, \(now), \(records.principal.actor), \(SQL.join(values))
      from \(identifier: stage) where operation = 'i' order by place
      on conflict do nothing returning id
      """)
    return Set(try rows.values(as: Int64.self))
  }

  private func update(_ work: [Work], _ altered: Set<String>) async throws {
    guard work.contains(where: { $0.before != nil }) else { return }
    let now = records.store.clock.now()
    var assignments: [SQL] = [
      "version = t.version + 1", "updated_at = greatest(\(now), t.updated_at)",
      "updated_by = \(records.principal.actor)",
    ]
    for field in entity.storedFields where altered.contains(field.name) {
      assignments += field.storedColumns.map { "\(identifier: $0.name) = s.\(identifier: $0.name)" }
    }
    if entity.isSearchable, entity.list.search.contains(where: altered.contains) {
      assignments.append("\(identifier: SchemaName.searchColumn) = s.search_text::tsvector")
    }
    _ = try await records.scoped(
      transaction, [(entity, "import")],
      """
      update \(identifier: entity.name) t set \(SQL.join(assignments))
      from \(identifier: stage) s where s.operation = 'u' and t.id = s.id
      """)
  }
}

extension ImportOutcome {
  init(_ item: ImportReader.Item, _ refusal: Refusal) {
    let all = [refusal] + refusal.others
    self.init(
      row: item.row.number, result: .rejected, record: nil, field: refusal.field,
      reason: all.map(\.message).joined(), cells: item.row.cells)
  }

  init(_ item: ImportReader.Item, _ result: Result, _ record: Int64) {
    self.init(row: item.row.number, result: result, record: record, field: nil, reason: nil, cells: nil)
  }
}
