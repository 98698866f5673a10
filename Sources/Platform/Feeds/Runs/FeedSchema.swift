package import Core
package import SQL

/// Tables behind feeds (同步源): where each stands, which record of ours each of theirs is, and rows that wait for another
/// try.
package enum FeedSchema {
  package static let migrations = [
    Migration(
      id: "0330-feeds",
      sql: """
        create table feed_state (
          feed text collate "C" primary key,
          cursor text,
          run_id bigint,
          synced_at timestamptz
        );
        comment on table feed_state is '同步源的进度';

        create table feed_link (
          feed text collate "C" not null,
          external_key text collate "C" not null,
          record_id bigint not null,
          digest bytea not null,
          theirs jsonb not null,
          stored jsonb not null,
          kept text[] not null default '{}',
          gone boolean not null default false,
          seen_run bigint not null,
          primary key (feed, external_key),
          unique (feed, record_id)
        );
        comment on table feed_link is '对方编号与本系统记录';

        create table feed_pending (
          feed text collate "C" not null,
          external_key text collate "C" not null,
          row_sealed bytea not null,
          reason text not null,
          run_id bigint not null,
          primary key (feed, external_key)
        );
        comment on table feed_pending is '未接收、等待再试的数据';
        """)
  ]

  /// Deletes the rows of runs that ended before `time`, and their history; returns how many.
  ///
  /// - Parameter database: with the rights of the owner.
  package static func purge(before time: Instant, on database: Database) async throws -> Int {
    try await database.execute(
      """
      delete from feed_row r using feed_run n
      where n.id = r.run_id and n.finished_at < \(time) and n.state <> 'asking'
      """)
  }
}
