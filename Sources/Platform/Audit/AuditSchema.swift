package import SQL

/// The tables of the audit (审计), all of which only grow.
///
/// An entry is written in the transaction of the change it tells of, together with a row in `audit_pending`; nothing
/// else happens there, so writers never wait for one another. A sealer later takes the pending entries in order,
/// numbers them without gaps and adds their links (`audit_link`): each holds the hash of the one before. A crash leaves
/// pending entries that the next run seals. Triggers refuse to change, delete or truncate what was written; whoever
/// goes around them is found by ``AuditVerifier``.
package enum AuditSchema {
  package static let migrations = [
    Migration(
      id: "0010-audit",
      sql: """
        create table audit_entry (
          id bigint generated always as identity primary key,
          occurred_at timestamptz not null,
          principal_kind text not null,
          principal_id bigint not null,
          principal_name text not null,
          unit_id bigint,
          unit_name text,
          action text not null,
          entity text not null,
          record_id bigint,
          purpose text,
          outcome text not null check (outcome in ('done', 'refused', 'failed')),
          remote_address text,
          request_id text,
          details json not null
        );
        create index audit_entry_time on audit_entry (occurred_at, id);
        create index audit_entry_principal on audit_entry (principal_kind, principal_id, id);
        create index audit_entry_record on audit_entry (entity, record_id, id) where record_id is not null;

        create table audit_pending (entry_id bigint primary key);

        create table audit_link (
          sequence bigint primary key,
          entry_id bigint not null unique,
          previous_hash bytea not null,
          hash bytea not null
        );

        create table audit_head (
          sequence bigint primary key,
          hash bytea not null,
          signed_at timestamptz not null,
          key_id bigint not null,
          signature bytea not null
        );

        create function audit_is_append_only() returns trigger language plpgsql as $$
        begin
          raise exception 'audit tables are append-only' using errcode = 'insufficient_privilege';
        end $$;
        create trigger append_only before update or delete or truncate on audit_entry
          for each statement execute function audit_is_append_only();
        create trigger append_only before update or delete or truncate on audit_link
          for each statement execute function audit_is_append_only();
        create trigger append_only before update or delete or truncate on audit_head
          for each statement execute function audit_is_append_only();
        """),
    Migration(
      id: "0011-usage",
      sql: """
        create table visit_daily (
          day date not null,
          area text not null,
          visitor text not null,
          visits bigint not null,
          primary key (day, area, visitor)
        );

        create table api_call (
          id bigint generated always as identity primary key,
          occurred_at timestamptz not null,
          key_id bigint not null,
          method text not null,
          route text not null,
          status bigint not null,
          milliseconds double precision not null,
          remote_address text not null,
          request_id text not null
        );
        create index api_call_key on api_call (key_id, occurred_at);
        create index api_call_time on api_call (occurred_at);
        """),
  ]
}
