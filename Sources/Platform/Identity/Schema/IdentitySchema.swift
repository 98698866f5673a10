package import SQL

/// The tables of Identity that are no registers: what nobody edits as a record and no list shows.
///
/// Registers (unit, app_user, role, …) are declared in `Resources/platform/entities` and made by Entities;
/// ``IdentityGuards`` ties rules to them.
package enum IdentitySchema {
  package static let migrations = [
    Migration(
      id: "0020-identity",
      sql: """
        create table credential (
          user_id bigint primary key,
          password_hash text not null,
          changed_at timestamptz not null,
          -- null, or why the password must be changed at the next sign-in: initial, reset, ordered
          change_reason text check (change_reason in ('initial', 'reset', 'ordered'))
        );
        create table password_history (
          user_id bigint not null,
          changed_at timestamptz not null,
          password_hash text not null,
          primary key (user_id, changed_at)
        );
        create table second_factor (
          user_id bigint primary key,
          -- sealed by the key ring
          secret bytea not null,
          -- null while the first code has not been typed in
          enrolled_at timestamptz,
          last_step bigint
        );
        create table recovery_code (
          user_id bigint not null,
          code_hash bytea not null,
          primary key (user_id, code_hash)
        );
        create table sign_in_failure (
          -- a keyed fingerprint of what was typed as account, whether it exists or not
          account_hash bytea primary key,
          failures bigint not null,
          last_at timestamptz not null,
          locked_until timestamptz
        );
        create table sign_in_challenge (
          token_hash bytea primary key,
          user_id bigint not null,
          account_hash bytea not null,
          device text,
          failures bigint not null default 0,
          expires_at timestamptz not null
        );
        create table session (
          id bigint generated always as identity primary key,
          token_hash bytea not null unique,
          user_id bigint not null,
          unit_id bigint,
          created_at timestamptz not null,
          last_seen_at timestamptz not null,
          expires_at timestamptz not null,
          remote_address text,
          user_agent text,
          second_factor boolean not null,
          ended_at timestamptz,
          ended_by bigint,
          -- sign-out, kicked, replaced, idle, expired, password, account, too-many
          end_reason text
        );
        create index session_by_user on session (user_id) where ended_at is null;
        create index session_by_activity on session (last_seen_at) where ended_at is null;
        create table api_key_credential (
          key_id bigint primary key,
          secret_hash bytea not null
        );
        create table api_key_usage (
          key_id bigint not null,
          day date not null,
          calls bigint not null,
          primary key (key_id, day)
        );
        create table reserved_permission (
          subject text not null,
          action text not null,
          separation text not null check (separation in ('system_admin', 'security_officer', 'auditor')),
          primary key (subject, action)
        );
        insert into reserved_permission (subject, action, separation)
        select subject, action, 'system_admin' from unnest(array['unit', 'post', 'app_user', 'menu_entry', 'parameter',
          'dictionary', 'entity', 'job', 'backup']) subject, unnest(array['create', 'update', 'delete', 'import', 'run']) action
        union all select 'app_user', action, 'system_admin' from unnest(array['disable', 'enable', 'clear']) action
        union all select subject, action, 'security_officer' from unnest(array['role', 'role_grant', 'user_role',
          'api_key', 'policy', 'credential', 'session', 'key_ring']) subject,
          unnest(array['create', 'update', 'delete', 'import', 'reset', 'unlock', 'kick', 'rotate']) action
        union all select subject, action, 'auditor' from unnest(array['audit', 'login_log', 'api_call']) subject,
          unnest(array['view', 'export', 'verify', 'delete']) action;
        """),
    federation, origins,
  ]

  /// How a session was opened, and which one of the same browser it goes on with (单点登录).
  private static let origins = Migration(
    id: "0022-session-origin",
    sql: """
      alter table session add column method text not null default 'password', add column replaces bigint;
      """)

  /// Sign-in by providers of identities (统一身份认证): what was begun and has not come back, and how sure a session is.
  private static let federation = Migration(
    id: "0021-federation",
    sql: """
      alter table session add column assurance text not null default 'password';
      create table sign_in_request (
        -- of the state that travels through the browser; it is used once
        state_hash bytea primary key,
        -- of the cookie of the browser that began it
        browser_hash bytea not null,
        provider_id bigint not null,
        -- sealed: nonce and code verifier
        secrets bytea not null,
        return_path text not null,
        -- whose account the identity is bound to; null for a sign-in
        user_id bigint,
        expires_at timestamptz not null
      );
      create index sign_in_request_expiry on sign_in_request (expires_at);
      """)
}
