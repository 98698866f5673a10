package import SQL

/// The tables of single sign-on (单点登录) that are no registers.
package enum SignOnSchema {
  /// Before the declared tables.
  package static let before = [
    Migration(
      id: "0074-sign-on",
      sql: """
        create table client_secret (
          application_id bigint primary key,
          secret_hash bytea not null,
          changed_at timestamptz not null
        );
        -- how other systems know somebody: random, the same for all, never given to anybody else
        create table sign_on_subject (
          user_id bigint primary key,
          subject text not null unique
        );
        create table authorization_code (
          code_hash bytea primary key,
          application_id bigint not null,
          session_id bigint not null,
          user_id bigint not null,
          redirect text not null,
          scopes text not null,
          nonce text,
          challenge text not null,
          expires_at timestamptz not null,
          used_at timestamptz
        );
        create index authorization_code_expiry on authorization_code (expires_at);
        -- a session of somebody in another system, begun from a session here
        create table client_session (
          sid text primary key,
          application_id bigint not null,
          session_id bigint not null,
          user_id bigint not null,
          subject text not null,
          begun_at timestamptz not null,
          ended_at timestamptz,
          end_reason text
        );
        create unique index client_session_open on client_session (session_id, application_id) where ended_at is null;
        create index client_session_user on client_session (user_id) where ended_at is null;
        create index client_session_application on client_session (application_id, begun_at);
        create table access_token (
          token_hash bytea primary key,
          code_hash bytea not null,
          sid text not null references client_session on delete cascade,
          scopes text not null,
          expires_at timestamptz not null
        );
        create index access_token_code on access_token (code_hash);
        create index access_token_expiry on access_token (expires_at);
        create index access_token_session on access_token (sid);
        -- that a session is over, on its way to the other system (退出通知)
        create table logout_notice (
          id bigint generated always as identity primary key,
          application_id bigint not null,
          user_id bigint not null,
          subject text not null,
          sid text not null,
          reason text not null,
          created_at timestamptz not null default now(),
          next_at timestamptz not null default '-infinity',
          worker text,
          leased_until timestamptz,
          attempts bigint not null default 0,
          ended_at timestamptz,
          outcome text check (outcome in ('sent', 'failed')),
          problem text
        );
        create index logout_notice_next on logout_notice (next_at) where ended_at is null;
        create index logout_notice_application on logout_notice (application_id, id);
        create table token_key (
          kid text primary key,
          -- sealed by the key ring
          secret bytea not null,
          signs_from timestamptz not null
        );
        insert into reserved_permission (subject, action, separation)
        select subject, action, 'security_officer' from unnest(array['client_application', 'application_access',
          'application_permission', 'application_grant']) subject,
          unnest(array['create', 'update', 'delete', 'import']) action;
        """)
  ]

  /// Whatever ends a session here, by page, rule or hand, ends those that were begun from it in other systems; a changed
  /// password and an account that is out of use end all of somebody's. A session that merely was idle ends none, and one
  /// that the same browser goes on with hands its own on.
  package static let after = [
    Migration(
      id: "0910-sign-on-guards",
      sql: """
        create function sign_on_over(of_session bigint, of_user bigint, why text) returns void language plpgsql as $$
        begin
          with over as (
            update client_session set ended_at = now(), end_reason = why
            where ended_at is null and (session_id = of_session or user_id = of_user)
            returning sid, application_id, user_id, subject)
          insert into logout_notice (application_id, user_id, subject, sid, reason)
          select o.application_id, o.user_id, o.subject, o.sid, why from over o
            join client_application a on a.id = o.application_id
          where a.state = 'on' and a.logout_address <> '';
          if found then perform pg_notify('lifang_logout_ready', ''); end if;
        end $$;

        create function sign_on_session_over() returns trigger language plpgsql as $$
        begin
          perform sign_on_over(new.id, null, coalesce(new.end_reason, 'sign-out'));
          return null;
        end $$;
        create trigger sign_on_over after update of ended_at on session for each row
          when (old.ended_at is null and new.ended_at is not null
            and coalesce(new.end_reason, '') not in ('idle', 'replaced'))
          execute function sign_on_session_over();

        create function sign_on_session_goes_on() returns trigger language plpgsql as $$
        begin
          update client_session set session_id = new.id where session_id = new.replaces and ended_at is null;
          return null;
        end $$;
        create trigger sign_on_goes_on after insert on session for each row
          when (new.replaces is not null) execute function sign_on_session_goes_on();

        create function sign_on_user_over() returns trigger language plpgsql as $$
        begin
          perform sign_on_over(null, old.id, 'account');
          return null;
        end $$;
        create trigger sign_on_over after update of status on app_user for each row
          when (old.status is distinct from new.status and new.status <> 'active')
          execute function sign_on_user_over();
        create trigger sign_on_left after delete on app_user for each row execute function sign_on_user_over();

        create function sign_on_password_changed() returns trigger language plpgsql as $$
        begin
          perform sign_on_over(null, new.user_id, 'password');
          return null;
        end $$;
        create trigger sign_on_over after update of changed_at on credential for each row
          when (old.changed_at is distinct from new.changed_at) execute function sign_on_password_changed();

        create function sign_on_application_left() returns trigger language plpgsql as $$
        begin
          delete from client_secret where application_id = old.id;
          delete from authorization_code where application_id = old.id;
          delete from client_session where application_id = old.id;
          delete from logout_notice where application_id = old.id and ended_at is null;
          return null;
        end $$;
        create trigger sign_on_left after delete on client_application for each row
          execute function sign_on_application_left();
        """)
  ]
}
