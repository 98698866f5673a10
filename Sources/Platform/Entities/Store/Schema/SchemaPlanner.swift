/// Collects the steps of a ``SchemaPlan``.
struct SchemaPlanner {
  let catalog: Catalog
  let live: LiveSchema
  private(set) var steps: [SchemaPlan.Step] = []
  private(set) var obstacles: [SchemaPlan.Obstacle] = []
  private(set) var remarks: [String] = []

  init(catalog: Catalog, live: LiveSchema) {
    self.catalog = catalog
    self.live = live
  }

  mutating func add(_ kind: SchemaPlan.Step.Kind, _ entity: EntityDeclaration, _ reason: String, _ statement: String) {
    steps.append(SchemaPlan.Step(kind: kind, entity: entity.name, reason: reason, statement: statement))
  }

  // MARK: Tables and columns

  mutating func tables(of entity: EntityDeclaration) {
    let columns = entity.columns
    if let existing = live.tables[entity.name],
      let lacking = StoredColumn.standard.first(where: { existing.column($0.name) == nil })
    {
      obstacles.append(
        SchemaPlan.Obstacle(
          entity: entity.name, column: lacking.name,
          explanation: "数据库中的同名表不是登记表（没有 \(lacking.name) 列），不能用来存放\(entity.label)。请给登记表换一个名称。"))
      return
    }
    if live.tables[entity.name] == nil {
      let lines = columns.map { column in
        "  \(quoted(column.name)) \(column.definition)" + SchemaPlanner.standardDefault(column.name)
          + (column.required ? " not null" : "")
      }
      let key = "  constraint \(quoted(SchemaName.identity(entity.name))) primary key (\"id\")"
      add(
        .table, entity, "新表：\(entity.label)",
        "create table \(quoted(entity.name)) (\n\((lines + [key]).joined(separator: ",\n"))\n)")
      add(
        .table, entity, "表说明",
        "comment on table \(quoted(entity.name)) is \(literal(entity.label))")
      for column in columns where !column.comment.isEmpty {
        add(
          .table, entity, "字段说明",
          "comment on column \(quoted(entity.name)).\(quoted(column.name)) is \(literal(column.comment))")
      }
      for field in entity.storedFields where !field.encrypted { check(field, of: entity) }
    }
    if live.tables[entity.historyTable] == nil {
      let lines = (StoredColumn.version + columns).map { column in
        "  \(quoted(column.name)) \(column.definition)"
          + (column.name == "id" || StoredColumn.version.contains(column) ? " not null" : "")
      }
      add(
        .table, entity, "历史表：被替换和删除的版本",
        "create table \(quoted(entity.historyTable)) (\n\(lines.joined(separator: ",\n"))\n)")
      add(
        .index, entity, "按编号和时间查历史",
        "create index \(quoted(SchemaName.index(entity.historyTable, ["id", "valid_to"]))) on "
          + "\(quoted(entity.historyTable)) (\"id\", \"valid_to\")")
      add(
        .index, entity, "按时点查历史",
        "create index \(quoted(SchemaName.index(entity.historyTable, ["valid_to"]))) on "
          + "\(quoted(entity.historyTable)) (\"valid_to\", \"valid_from\")")
      if live.roles.contains(DatabaseRoles.application) {
        add(
          .privilege, entity, "历史只由触发器写入",
          "revoke insert, update, delete, truncate on \(quoted(entity.historyTable)) from "
            + DatabaseRoles.application)
      }
    }
  }

  /// Columns that a table of an earlier declaration lacks, in both tables.
  mutating func columns(of entity: EntityDeclaration) {
    let wanted = entity.columns
    for table in [entity.name, entity.historyTable] {
      guard let existing = live.tables[table] else { continue }
      for column in wanted {
        guard let found = existing.column(column.name) else {
          add(
            .column, entity, "新字段：\(column.comment.isEmpty ? column.name : column.comment)",
            "alter table \(quoted(table)) add column \(quoted(column.name)) \(column.definition)")
          if table == entity.name, let field = entity.field(column.name), !field.encrypted { check(field, of: entity) }
          continue
        }
        if found.type != column.type, table == entity.name { obstruct(entity, column, found) }
        if table == entity.name, found.required, !column.required {
          add(
            .relaxation, entity, "\(column.comment)不再必填",
            "alter table \(quoted(table)) alter column \(quoted(column.name)) drop not null")
        }
      }
      guard table == entity.name else { continue }
      let names = Set(wanted.map(\.name))
      for column in existing.columns where !names.contains(column.name) {
        remarks.append("\(table).\(column.name)（\(column.type)）已不在声明中，列和数据保留不动。")
        if column.required {
          add(
            .relaxation, entity, "未声明的列不得阻止新增记录",
            "alter table \(quoted(table)) alter column \(quoted(column.name)) drop not null")
        }
      }
    }
  }

  private mutating func obstruct(
    _ entity: EntityDeclaration, _ column: StoredColumn, _ found: LiveSchema.LiveColumn
  ) {
    let field = entity.field(column.name)
    let way: String
    if field?.encrypted == true {
      way = "改为加密存储须先新增一个加密字段，用任务逐条写入后再停用原字段。"
    } else if found.type == "bytea" {
      way = "取消加密须先新增一个明文字段，用任务逐条写入后再停用原字段。"
    } else {
      way = "请恢复原类型，或新增一个字段并编写迁移脚本转换数据。"
    }
    obstacles.append(
      SchemaPlan.Obstacle(
        entity: entity.name, column: column.name,
        explanation: "数据库中的类型是 \(found.type)，声明要求 \(column.type)，直接转换可能丢失数据。\(way)"))
  }

  /// Rules of single columns that cost little and hold whatever program writes.
  private mutating func check(_ field: FieldDeclaration, of entity: EntityDeclaration) {
    let column = quoted(field.name)
    let condition: String
    switch field.type {
    case .polygon: condition = "st_isvalid(\(column))"
    case .division where !field.multiple: condition = "\(column) ~ '^[0-9]{2,15}$'"
    default: return
    }
    add(
      .check, entity, "\(field.label)的格式",
      "alter table \(quoted(entity.name)) add constraint \(quoted(SchemaName.check(entity.name, field.name))) "
        + "check (\(condition))")
  }

  private static func standardDefault(_ column: String) -> String {
    switch column {
    case "id": " generated by default as identity"
    case "version": " default 1"
    case "created_at", "updated_at": " default now()"
    case "created_by", "updated_by": " default 0"
    default: ""
    }
  }

  // MARK: Indexes and references

  mutating func indexes(of entity: EntityDeclaration) {
    let existing = live.tables[entity.name]?.indexes ?? []
    for index in entity.plannedIndexes where !existing.contains(index.name) {
      add(.index, entity, "索引：\(index.reason)", index.statement)
    }
  }

  mutating func references(of entity: EntityDeclaration) {
    let existing = live.tables[entity.name]?.constraints ?? []
    for field in entity.storedFields {
      guard let target = field.target, catalog.entity(target) != nil else { continue }
      let name = SchemaName.reference(entity.name, field.name)
      if existing.contains(name) { continue }
      add(
        .reference, entity, "\(field.label)必须存在",
        "alter table \(quoted(entity.name)) add constraint \(quoted(name)) "
          + "foreign key (\(quoted(field.name))) references \(quoted(target)) (\"id\")")
    }
  }

  // MARK: Triggers and row-level security

  mutating func triggers(of entity: EntityDeclaration) {
    let existing = live.tables[entity.name]?.triggers ?? [:]
    let declared = entity.columns.map(\.name)
    // Columns that were declared once are kept, and so is their history.
    let former = live.tables[entity.name]?.columns.map(\.name).filter { name in
      !declared.contains(name) && live.tables[entity.historyTable]?.column(name) != nil
    }
    let history = HistoryTrigger(entity, columns: declared + (former ?? []))
    let known = existing[HistoryTrigger.update]
    if known != history.function {
      for statement in history.statements(replacing: known) { add(.trigger, entity, "修改前的版本存入历史", statement) }
    }
    if existing["lifang_history_delete"] == nil {
      add(
        .trigger, entity, "删除前的版本存入历史",
        "create trigger lifang_history_delete after delete on \(quoted(entity.name)) referencing old table as "
          + "old_rows for each statement execute function lifang_keep_history()")
    }
    if entity.notesChanges { noting(entity, existing) }
  }

  /// What tells subscribers and the ferry of changes (变更流).
  private mutating func noting(_ entity: EntityDeclaration, _ existing: [String: String]) {
    let ways = [
      ("insert", "new table as new_rows"), ("update", "new table as new_rows"), ("delete", "old table as old_rows"),
    ]
    for (event, rows) in ways where existing["lifang_changes_\(event)"] == nil {
      add(
        .trigger, entity, "变更流",
        "create trigger lifang_changes_\(event) after \(event) on \(quoted(entity.name)) referencing \(rows) "
          + "for each statement execute function lifang_note_changes()")
      guard event == "insert" else { continue }
      add(
        .trigger, entity, "变更流的起点",
        "insert into record_change_horizon (entity, at) values (\(literal(entity.name)), clock_timestamp()) "
          + "on conflict (entity) do nothing")
    }
  }

  mutating func security(of entity: EntityDeclaration) {
    guard entity.personal else { return }
    let condition = ScopePolicy.condition(for: entity)
    let policy = "lifang_scope_" + SchemaName.fingerprint(condition)
    for table in [entity.name, entity.historyTable] {
      let existing = live.tables[table]
      if existing?.isSecured != true {
        add(.security, entity, "个人信息：行级安全", "alter table \(quoted(table)) enable row level security")
        add(.security, entity, "行级安全对所有者同样生效", "alter table \(quoted(table)) force row level security")
      }
      if existing?.policies.contains(policy) == true { continue }
      for old in existing?.policies.sorted() ?? [] where old.hasPrefix("lifang_scope_") {
        add(.security, entity, "替换旧的数据范围策略", "drop policy \(quoted(old)) on \(quoted(table))")
      }
      add(
        .security, entity, "只见数据范围内的行",
        "create policy \(quoted(policy)) on \(quoted(table)) using (\(condition))")
      if table == entity.historyTable, existing?.policies.contains("lifang_history_write") != true {
        add(
          .security, entity, "触发器写入历史",
          "create policy \"lifang_history_write\" on \(quoted(table)) for insert with check (true)")
      }
    }
  }
}

/// `text` as an SQL string constant, for statements that take no parameters.
func literal(_ text: String) -> String {
  "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''") + "'"
}
