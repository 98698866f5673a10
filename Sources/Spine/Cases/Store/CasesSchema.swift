package import SQL

/// The tables of Cases that are no registers: the way of each case through its process, and what follows from it.
package enum CasesSchema {
  /// Tables that stand alone.
  package static let before = [
    Migration(
      id: "0060-cases",
      sql: """
        -- Every definition a case was ever started with; running cases stay on theirs.
        create table process_version (
          id bigint generated always as identity primary key,
          process text not null,
          version integer not null,
          digest bytea not null,
          xml text not null,
          published_at timestamptz not null,
          unique (process, version),
          unique (process, digest)
        );
        create table item_version (
          id bigint generated always as identity primary key,
          item text not null,
          version integer not null,
          digest bytea not null,
          content text not null,
          published_at timestamptz not null,
          unique (item, version),
          unique (item, digest)
        );
        -- What somebody began to fill in; sealed, since it holds what the form will.
        create table case_draft (
          id bigint generated always as identity primary key,
          user_id bigint not null,
          item text not null,
          content bytea not null,
          updated_at timestamptz not null,
          unique (user_id, item)
        );
        """),
    Migration(
      id: "0061-process-calls",
      sql: """
        -- The versions of the processes that a version calls, directly or by way of others: a case stays on these too.
        create table process_version_call (
          version_id bigint not null references process_version (id),
          process text not null,
          called_id bigint not null references process_version (id),
          primary key (version_id, process)
        );
        """),
  ]

  /// Tables that refer to the register of cases.
  package static let after = [
    ArchiveRules.migration, ArchiveRules.versions, SignatureRules.migration, ErasedSignature.migration,
    Migration(
      id: "0160-case-process",
      sql: """
        create table case_process (
          case_id bigint primary key references service_case (id),
          process_version_id bigint not null references process_version (id),
          item_version_id bigint not null references item_version (id),
          instance jsonb not null,
          -- who handed the application in: the applicant, or the clerk at the window
          starter_id bigint not null,
          -- null while the time of the case runs
          paused_at timestamptz,
          shelved_at timestamptz,
          changed_at timestamptz not null
        );
        create index case_process_starter on case_process (starter_id, case_id);
        -- What somebody is asked to do. A pool (role, post or unit) holds it until somebody takes it.
        create table case_task (
          case_id bigint not null references service_case (id),
          number integer not null,
          visit integer not null,
          step text not null,
          step_label text not null,
          -- of the case, so that an inbox is filtered without reading cases
          item_code text not null,
          item_label text not null,
          kind text not null,
          state text not null check (state in ('open', 'waiting', 'done', 'dropped', 'removed')),
          user_id bigint,
          pool_kind text,
          pool_code text,
          pool_unit_id bigint,
          asked_at timestamptz not null,
          due_at timestamptz,
          claimed_at timestamptz,
          done_at timestamptz,
          done_by bigint,
          result text,
          urged_at timestamptz,
          primary key (case_id, number)
        );
        create index case_task_mine on case_task (user_id, asked_at) where state = 'open';
        create index case_task_pool on case_task (pool_kind, pool_code, pool_unit_id, asked_at)
          where state = 'open' and user_id is null;
        create index case_task_done on case_task (done_by, done_at) where done_by is not null;
        create index case_task_due on case_task (due_at) where state = 'open' and due_at is not null;
        -- Who did what when: never changed, never deleted.
        create table case_event (
          id bigint generated always as identity primary key,
          case_id bigint not null references service_case (id),
          at timestamptz not null,
          actor bigint not null,
          actor_name text not null,
          unit_name text,
          action text not null,
          step text,
          step_label text,
          task integer,
          result text,
          opinion text,
          target text
        );
        create index case_event_case on case_event (case_id, id);
        create table case_timer (
          case_id bigint not null references service_case (id),
          -- v12.late: the timer of visit 12; t7: token 7
          key text not null,
          due_at timestamptz not null,
          primary key (case_id, key)
        );
        create index case_timer_due on case_timer (due_at);
        create table case_copy (
          case_id bigint not null references service_case (id),
          user_id bigint not null,
          sent_at timestamptz not null,
          sent_by bigint not null,
          note text,
          read_at timestamptz,
          primary key (case_id, user_id)
        );
        create index case_copy_user on case_copy (user_id, sent_at);
        -- What is asked beside the process: 督办 wants a reply, 延期 a decision.
        create table case_request (
          id bigint generated always as identity primary key,
          case_id bigint not null references service_case (id),
          kind text not null check (kind in ('supervision', 'extension')),
          asked_by bigint not null,
          asked_at timestamptz not null,
          note text not null,
          -- of an extension, in working days
          days integer check (days between 1 and 60),
          user_id bigint,
          pool_kind text,
          pool_code text,
          pool_unit_id bigint,
          due_at timestamptz,
          state text not null check (state in ('open', 'answered', 'approved', 'refused', 'dropped')),
          answered_by bigint,
          answered_at timestamptz,
          answer text
        );
        create index case_request_case on case_request (case_id);
        create index case_request_user on case_request (user_id) where state = 'open';
        create index case_request_pool on case_request (pool_kind, pool_code, pool_unit_id)
          where state = 'open' and user_id is null;
        """),
    // What waits is read in the order of its limit, and counted, from the index alone.
    Migration(
      id: "0165-case-task-order",
      sql: """
        create index case_task_mine_due on case_task (user_id, due_at, asked_at, case_id)
          include (item_code, item_label, step_label) where state = 'open';
        create index case_task_pool_due on case_task (pool_kind, pool_code, pool_unit_id, due_at, asked_at, case_id)
          include (item_code, item_label, step_label) where state = 'open' and user_id is null;
        """),
    Migration(
      id: "0166-case-ferry",
      sql: """
        -- Cases that are applied for outside and handled inside: what the ferry knows them by.
        create table case_ferry (
          case_id bigint primary key references service_case (id),
          number text collate "C" not null unique,
          sent_at timestamptz not null,
          -- when the inside had it
          arrived_at timestamptz,
          -- when it was over; outside: when the result was there
          result_at timestamptz,
          erased_at timestamptz
        );
        create index case_ferry_result on case_ferry (result_at) where erased_at is null;
        comment on table case_ferry is '网间摆渡的办件';
        """),
    Migration(
      id: "0168-case-relay",
      sql: """
        -- Applications that other platforms hand in for somebody; a platform sees these only.
        create table case_relay (
          case_id bigint primary key references service_case (id),
          number text collate "C" not null unique,
          key_id bigint not null,
          request text collate "C" not null,
          digest bytea not null,
          user_id bigint not null,
          -- how sure the platform was of whom it acts for
          level text not null,
          handed_in_at timestamptz not null,
          unique (key_id, request)
        );
        comment on table case_relay is '对接平台代递的办件';
        """),
    Migration(
      id: "0167-case-turn",
      sql: """
        -- Whose turn it was last where a step asks its people in turn (轮流派单).
        create table case_turn (
          process text not null,
          step text not null,
          pool text not null,
          user_id bigint not null,
          changed_at timestamptz not null,
          primary key (process, step, pool)
        );
        """),
    Migration(
      id: "0169-case-stage",
      sql: """
        -- How far cases from before the stage was kept have come. Those under way are read by their step until their next
        -- move says it itself; no version is made of it, since nothing happened to them.
        select set_config('lifang.scope_service_case', '{"all":true}', true);
        alter table service_case disable trigger user;
        update service_case set stage = case when state = 'completed' then 'completed'
            when state in ('refused', 'withdrawn', 'void') then 'ended'
            when step ~ '审|补正|调查|核验' then 'review' else 'reviewed' end
          where stage is null;
        alter table service_case enable trigger user;
        """),
    Migration(
      id: "0176-case-ferry-signed",
      sql: """
        alter table case_ferry
          -- outside: whether the inside has a signature of what stands there; null while it said nothing of what stands here
          add column signed_inside boolean;
        """),
  ]
}
