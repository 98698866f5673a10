/// The function behind the trigger that keeps what an update replaces.
///
/// It names the columns of its table, so that PostgreSQL plans it once a connection and not at every update, which takes
/// longer than the update itself. A table that gains a column gets another function. It works once a statement, however many
/// rows that changes; without nested loops, since the plan that was made for one row serves thousands as well.
struct HistoryTrigger {
  static let update = "lifang_history_update"
  private static let prefix = "lifang_history"

  let table: String
  let function: String
  private let body: String

  /// - Parameter columns: of the table and of its history alike, in any order.
  init(_ entity: EntityDeclaration, columns: [String]) {
    table = entity.name
    let names = columns.sorted().map(quoted)
    body = """
      begin
        insert into public.\(quoted(entity.historyTable)) (valid_from, valid_to, operation, changed_by, \(names.joined(separator: ", ")))
        select o.updated_at, greatest(n.updated_at, o.updated_at), 'update', n.updated_by, \(names.map { "o." + $0 }.joined(separator: ", "))
        from old_rows o join new_rows n on n.id = o.id;
        return null;
      end
      """
    function = SchemaName.fitted([HistoryTrigger.prefix, entity.name, SchemaName.fingerprint(body)])
  }

  /// The statements that put it in the place of `old`, a function's name.
  func statements(replacing old: String?) -> [String] {
    var statements = [
      """
      create or replace function public.\(quoted(function))() returns trigger language plpgsql security definer
      set search_path = public, pg_temp set enable_nestloop = off as $lifang$
      \(body)
      $lifang$
      """,
      "create or replace trigger \(HistoryTrigger.update) after update on \(quoted(table)) referencing old table as "
        + "old_rows new table as new_rows for each statement execute function \(quoted(function))()",
    ]
    // The one that all tables shared stays.
    if let old, old.hasPrefix(HistoryTrigger.prefix + "_") {
      statements.append("drop function public.\(quoted(old))()")
    }
    return statements
  }
}
