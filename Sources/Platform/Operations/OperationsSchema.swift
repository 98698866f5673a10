package import SQL

/// What the work of operation keeps beside its registers (运维管理).
package enum OperationsSchema {
  package static let migrations = [
    Migration(
      id: "0078-alarm-watch",
      sql: """
        -- Which nodes look at figures, and when each last did: alarms of one that is gone are another's (C-614).
        create table alarm_watch (
          node text collate "C" primary key,
          looked_at timestamptz not null
        );
        comment on table alarm_watch is '告警监测节点';
        """)
  ]
}
