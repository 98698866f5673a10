import SQL

/// The tables of the run monitor (运行监控).
enum RunSchema {
  static let migrations = [
    Migration(
      id: "0075-run-monitor",
      sql: """
        -- What the log said of warnings and faults, for operators who have no shell; kept for 90 days.
        create table run_event (
          id bigint generated always as identity primary key,
          at timestamptz not null,
          node text collate "C" not null,
          level text collate "C" not null check (level in ('warning', 'error')),
          event text collate "C" not null,
          request text collate "C",
          detail text not null
        );
        create index run_event_time on run_event (at desc, id desc);
        create index run_event_kind on run_event (event, at desc);
        comment on table run_event is '异常日志';
        -- How the node was, once a minute; kept for 30 days.
        create table run_sample (
          at timestamptz not null,
          node text collate "C" not null,
          requests bigint not null,
          failed bigint not null,
          slow bigint not null,
          connections bigint not null,
          disk_free bigint not null,
          primary key (at, node)
        );
        comment on table run_sample is '运行情况';
        """),
    Migration(
      id: "0076-run-log",
      sql: """
        -- Everything from the level of information on, not only what went wrong (C-257).
        alter table run_event drop constraint run_event_level_check;
        alter table run_event add constraint run_event_level_check check (level in ('info', 'warning', 'error'));
        comment on table run_event is '系统日志';
        """),
  ]
}
