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
        """),
    Migration(
      id: "0176-prompt-keys",
      sql: """
        -- Prompts of what was gathered are told apart by division, and two delivered rules no longer end after 30 days: what
        -- stands or was answered goes on and is not prompted anew (A-004). In a new database there is nothing yet.
        do $$ begin
          if to_regclass('analysis_prompt') is not null then
            perform set_config('lifang.scope_analysis_prompt', '{"all":true}', true);
            update analysis_prompt p set key = p.key || coalesce(p.division_code, '')
            from prompt_rule r where r.id = p.rule_id and r.group_field is not null and p.standing;
            update analysis_prompt p set standing = true
            from prompt_rule r
            where r.id = p.rule_id and r.code in ('key_moved_in', 'key_at_risk') and not r.adapted and p.state = 'handled';
          end if;
        end $$;
        """),
  ]
}
