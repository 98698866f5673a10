import Access
import Core
package import Entities

/// What may no longer be changed about a message to many once somebody reviews or has reviewed it (群发消息).
package enum BroadcastRules {
  package static func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeUpdate(Broadcasts.entity) { changes, records in
      for index in changes.indices where records.principal.kind != .system {
        guard words.contains(where: { changes[index].alters($0) }) else { continue }
        if isOpen(changes[index].before["state"]) {
          // Nobody reviews what they wrote, whoever began it.
          changes[index]["editor_id"] = .integer(records.principal.id)
        } else {
          changes[index].refuse(
            Refusal(.conflict, "broadcast-reviewed", "已经送审或发出的消息不能改。还没有发出的，请先“撤回修改”。"))
        }
      }
    }
    hooks.beforeDelete(Broadcasts.entity) { leaving, _ in
      if leaving.contains(where: { !isOpen($0["state"]) }) {
        throw Refusal(.conflict, "broadcast-reviewed", "已经送审或发出的消息不能删除：发送记录要对得上。还没有发出的，请先“撤回修改”。")
      }
    }
  }

  private static let words = [
    "title", "text", "sms", "by_email", "priority", "audience", "to_unit_id", "role_id", "send_at", "expires_at",
    "on_expiry",
  ]

  private static func isOpen(_ state: Value?) -> Bool { ["draft", "refused"].contains(state?.text) }
}
