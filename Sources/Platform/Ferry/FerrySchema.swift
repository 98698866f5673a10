package import SQL

/// The tables of the ferry (摆渡).
package enum FerrySchema {
  package static let migrations = [
    Migration(
      id: "0070-ferry",
      sql: """
        -- Where both streams stand; one row.
        create table ferry_state (
          one boolean primary key default true check (one),
          sent_number bigint not null default 0,
          applied_number bigint not null default 0,
          peer_applied bigint not null default 0,
          receipt_number bigint not null default 0,
          peer_receipt bigint not null default 0,
          receipt_due boolean not null default false,
          receipt_at timestamptz,
          heard_at timestamptz,
          alarmed_at timestamptz,
          duplicates bigint not null default 0,
          repeats bigint not null default 0,
          rejected bigint not null default 0
        );
        insert into ferry_state default values;
        comment on table ferry_state is '摆渡状态';

        -- What is to be sent: written with the change, numbered afterwards in the order in which it became visible, so
        -- that writers never wait for one another. The content is emptied once the other side has it.
        create table ferry_outbox (
          id bigint generated always as identity primary key,
          number bigint unique,
          kind text collate "C" not null,
          subject text collate "C" not null,
          content bytea,
          created_at timestamptz not null,
          sent_at timestamptz,
          sends bigint not null default 0,
          acknowledged_at timestamptz
        );
        create index ferry_outbox_new on ferry_outbox (id) where number is null;
        create index ferry_outbox_open on ferry_outbox (number) where acknowledged_at is null;
        create index ferry_outbox_subject on ferry_outbox (subject);
        comment on table ferry_outbox is '摆渡发件箱';

        create table ferry_inbox (
          number bigint primary key,
          kind text collate "C" not null,
          subject text collate "C" not null,
          digest bytea not null,
          content bytea,
          created_at timestamptz not null,
          received_at timestamptz not null,
          state text collate "C" not null check (state in ('waiting', 'applied', 'held', 'rejected')),
          attempts bigint not null default 0,
          applied_at timestamptz,
          reason text,
          decided_by bigint,
          decided_at timestamptz
        );
        create index ferry_inbox_held on ferry_inbox (subject, number) where state = 'held';
        create index ferry_inbox_waiting on ferry_inbox (number) where state = 'waiting';
        create index ferry_inbox_applied on ferry_inbox (applied_at);
        comment on table ferry_inbox is '摆渡收件箱';

        -- Files that are none of the other side's, or not as it wrote them.
        create table ferry_stray (
          id bigint generated always as identity primary key,
          at timestamptz not null,
          file text not null,
          size bigint not null,
          digest bytea not null unique,
          reason text collate "C" not null,
          detail text not null,
          times bigint not null default 1,
          state text collate "C" not null default 'open' check (state in ('open', 'rejected')),
          decided_by bigint,
          decided_at timestamptz
        );
        create index ferry_stray_open on ferry_stray (id) where state = 'open';
        comment on table ferry_stray is '摆渡拒收文件';

        -- Parts of files until the message that names them is applied.
        create table ferry_part (
          digest text collate "C" not null,
          part bigint not null,
          content bytea not null,
          received_at timestamptz not null,
          primary key (digest, part)
        );
        comment on table ferry_part is '摆渡文件分片';
        """)
  ]
}
