package import SQL

/// Which codes were ever given (地址编码台账): a line for each, kept when its address is deleted, so that a code is never
/// given a second time.
///
/// The database keeps it by itself: every address that is written, whichever way, adds its line; lines are neither
/// changed nor taken away, and a code stays with its address for good, whatever becomes of name and division.
package enum AddressCodeLedger {
  package static let migration = Migration(
    id: "0330-address-code-ledger",
    sql: """
      create table address_code_ledger (
        code text primary key,
        address_id bigint not null,
        given_at timestamptz not null default now()
      );
      comment on table address_code_ledger is '地址编码台账：编过的码，一码一行，只增不改';
      create function lifang_keep_code_ledger() returns trigger language plpgsql as $$
      begin
        raise exception 'address-code-kept: lines of the ledger are never changed'
          using errcode = 'integrity_constraint_violation';
      end $$;
      create trigger address_code_ledger_kept before update or delete or truncate on address_code_ledger
        for each statement execute function lifang_keep_code_ledger();
      """)

  /// Takes in the codes of before and listens to the register of addresses.
  package static let triggers = Migration(
    id: "0331-address-code-triggers",
    sql: """
      insert into address_code_ledger (code, address_id, given_at)
        select code, min(id), min(created_at) from (
          select code, id, created_at from address where code is not null
          union all select code, id, created_at from address_history where code is not null) given
        group by code;
      create function lifang_note_address_codes() returns trigger language plpgsql
        security definer set search_path = public, pg_temp as $$
      begin
        insert into address_code_ledger (code, address_id) select code, id from fresh where code is not null;
        return null;
      end $$;
      create trigger address_codes_noted after insert on address referencing new table as fresh
        for each statement execute function lifang_note_address_codes();
      create function lifang_keep_address_code() returns trigger language plpgsql as $$
      begin
        raise exception 'address-code-kept: address % keeps its code %', old.id, old.code
          using errcode = 'integrity_constraint_violation';
      end $$;
      create trigger address_code_kept before update of code on address
        for each row when (old.code is distinct from new.code) execute function lifang_keep_address_code();
      """)

  /// Those of `codes` that an address has or had.
  static func taken(_ codes: [AddressCode], in transaction: Transaction) async throws -> Set<String> {
    let rows = try await transaction.query(
      "select code from address_code_ledger where code = any(\(codes.map(\.text)))")
    return Set(try rows.map { try $0.get("code", as: String.self) })
  }

  /// Whether `code` was given to an address that is no longer there.
  package static func isOrphan(_ code: String, in session: any SQLSession) async throws -> Bool {
    try await session.query(
      """
      select 1 from address_code_ledger l
      where l.code = \(code) and not exists (select from address a where a.code = l.code)
      """
    ).first != nil
  }
}
