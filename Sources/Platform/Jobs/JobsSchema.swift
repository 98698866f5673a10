package import SQL

/// The tables of the job queue (任务).
package enum JobsSchema {
  package static let migrations = [
    Migration(
      id: "0030-jobs",
      sql: """
        create table job (
          id bigint generated always as identity primary key,
          kind text collate "C" not null,
          label text not null,
          payload jsonb not null,
          state text collate "C" not null
            check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
          priority bigint not null default 0,
          run_at timestamptz not null,
          attempt bigint not null default 0,
          maximum_attempts bigint not null check (maximum_attempts > 0),
          unique_key text collate "C",
          worker text,
          lease_until timestamptz,
          cancel_requested boolean not null default false,
          done bigint not null default 0,
          total bigint,
          message text,
          checkpoint jsonb,
          result jsonb,
          error text,
          schedule text,
          created_at timestamptz not null,
          created_by bigint not null,
          started_at timestamptz,
          finished_at timestamptz
        );
        create index job_waiting on job (priority desc, run_at, id) where state = 'waiting';
        create index job_running on job (lease_until) where state = 'running';
        create unique index job_unique on job (unique_key) where state in ('waiting', 'running');
        create index job_recent on job (created_at desc, id desc);
        create index job_owner on job (created_by, id desc);
        comment on table job is '任务';

        create table job_attempt (
          job_id bigint not null references job on delete cascade,
          attempt bigint not null,
          worker text not null,
          started_at timestamptz not null,
          finished_at timestamptz,
          outcome text check (outcome in ('done', 'failed', 'cancelled', 'lost', 'released')),
          error text,
          primary key (job_id, attempt)
        );
        comment on table job_attempt is '任务执行记录';

        create table job_schedule (
          name text collate "C" primary key,
          kind text collate "C" not null,
          label text not null,
          payload jsonb not null,
          trigger jsonb not null,
          enabled boolean not null default true,
          next_run timestamptz not null,
          last_run timestamptz
        );
        comment on table job_schedule is '定时任务';
        """)
  ]
}
