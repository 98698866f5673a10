package import SQL

/// What the database has now, as far as declarations care.
package struct LiveSchema: Sendable {
  struct LiveColumn: Sendable, Hashable {
    let name: String
    /// As `format_type` writes it.
    let type: String
    let required: Bool
  }

  struct Table: Sendable {
    var columns: [LiveColumn] = []
    var indexes: Set<String> = []
    var constraints: Set<String> = []
    /// The function that each calls.
    var triggers: [String: String] = [:]
    var policies: Set<String> = []
    var isSecured = false

    func column(_ name: String) -> LiveColumn? { columns.first { $0.name == name } }
  }

  let tables: [String: Table]
  let roles: Set<String>

  /// Reads the catalog of schema `public`.
  package init(reading session: any SQLSession) async throws {
    var tables: [String: Table] = [:]
    let relations = try await session.query(
      """
      select c.relname::text as name, c.relrowsecurity and c.relforcerowsecurity as secured from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      """)
    for row in relations {
      var table = Table()
      table.isSecured = try row.get("secured")
      tables[try row.get("name")] = table
    }
    let columns = try await session.query(
      """
      select c.relname::text as name, a.attname::text as part, format_type(a.atttypid, a.atttypmod) as type,
        a.attnotnull as required
      from pg_class c join pg_attribute a on a.attrelid = c.oid
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0
        and not a.attisdropped
      order by c.oid, a.attnum
      """)
    for row in columns {
      let column = LiveColumn(
        name: try row.get("part"), type: try row.get("type"), required: try row.get("required"))
      tables[try row.get("name")]?.columns.append(column)
    }
    let parts = try await session.query(
      """
      select c.relname::text as name, 'index' as kind, i.relname::text as part, '' as calls
      from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
      where c.relnamespace = 'public'::regnamespace
      union all
      select c.relname::text, 'constraint', k.conname::text, '' from pg_constraint k join pg_class c on c.oid = k.conrelid
      where c.relnamespace = 'public'::regnamespace
      union all
      select c.relname::text, 'trigger', t.tgname::text, f.proname::text
      from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc f on f.oid = t.tgfoid
      where c.relnamespace = 'public'::regnamespace and not t.tgisinternal
      union all
      select c.relname::text, 'policy', p.polname::text, '' from pg_policy p join pg_class c on c.oid = p.polrelid
      where c.relnamespace = 'public'::regnamespace
      """)
    for row in parts {
      let name: String = try row.get("name")
      let part: String = try row.get("part")
      switch try row.get("kind", as: String.self) {
      case "index": tables[name]?.indexes.insert(part)
      case "constraint": tables[name]?.constraints.insert(part)
      case "trigger": tables[name]?.triggers[part] = try row.get("calls")
      default: tables[name]?.policies.insert(part)
      }
    }
    self.tables = tables
    roles = Set(try await session.query("select rolname::text from pg_roles where rolname like 'lifang%'").values())
  }

  /// A database without tables, for planning from nothing.
  init() {
    tables = [:]
    roles = []
  }
}
