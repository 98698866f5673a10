import Cases
import Core
import Entities
import EntitiesWeb
import Processes

/// Cases for programs.
enum CaseJSON {
  static func full(_ view: CaseView, catalog: Catalog) -> JSON {
    .object([
      ("id", .int(view.id)), ("number", .string(view.record["number"].text ?? "")),
      ("item", .string(view.item.code)), ("state", .string(view.record["state"].text ?? "")),
      ("step", view.record["step"].text.map { .string($0) } ?? .null),
      ("dueAt", view.record["due_at"].instant.map { .string($0.iso8601) } ?? .null),
      (
        "tasks",
        .array(
          view.tasks.filter { $0.state == .open }.map { task in
            [
              "task": .int(Int64(task.number)), "step": .string(task.step), "label": .string(task.label),
              "holder": .string(task.holder), "mine": .bool(view.mine.contains(task)),
              "dueAt": task.dueAt.map { .string($0.iso8601) } ?? .null,
            ]
          })
      ),
      (
        "signatures",
        .array(
          view.signatures.map { signature in
            [
              "code": .string(signature.code), "method": .string(signature.method.rawValue),
              "signedAt": .string(signature.signedAt.iso8601), "holds": .bool(signature.verdict.holds),
              "changed": .array(signature.verdict.labels.map { .string($0) }),
            ]
          })
      ),
      (
        "history",
        .array(
          view.shownEvents.map { event in
            [
              "at": .string(event.at.iso8601), "action": .string(event.action),
              "actor": .string(view.access == .applicant ? event.unit ?? event.actor : event.actor),
              "step": event.step.map { .string($0) } ?? .null, "result": event.result.map { .string($0) } ?? .null,
              "opinion": event.opinion.map { .string($0) } ?? .null,
            ]
          })
      ),
    ])
  }
}
