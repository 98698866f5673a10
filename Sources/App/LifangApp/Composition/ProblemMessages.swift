import Core
import Entities
import Messaging

/// Tells whoever reported a problem that it was answered, seen to or declined (C-554: 反馈、落实).
struct ProblemMessages: RecordRules {
  let messages: MessageLine

  func addHooks(to hooks: inout RecordHooks) {
    hooks.after("problem_report") { events, records in
      guard let transaction = records.transaction else { return }
      for event in events where event.kind == .updated {
        let state = event.after["state"]?.text ?? ""
        guard state != "open", state != event.before["state"]?.text,
          let reporter = event.after["reporter_user_id"]?.integer
        else { continue }
        let said = event.after[state == "resolved" ? "resolution" : "answer"]?.text ?? ""
        let label = records.store.catalog.dictionary("problem_state")?.code(state)?.label ?? state
        try await messages.send(
          "problem_answered", to: [.user(reporter)],
          ["summary": event.after["summary"]?.text ?? "", "state": label, "said": said], link: String(event.id),
          key: "problem \(event.id) \(records.store.clock.now().iso8601)", in: transaction)
      }
    }
  }
}
