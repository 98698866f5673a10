import Access
package import Core
package import Entities
import Processes
import SQL

/// What was handed in and answered in a case, for trials of drafts (试运行).
package struct RecordedCase: Sendable {
  package let id: Int64
  package let number: String
  package let item: String
  package let channel: CaseChannel
  package let submittedAt: Instant
  /// As they stand now.
  package let variables: [String: Value]
  /// What was answered at each step, by the label of the choice, in order.
  package let answers: [String: [String?]]
  /// Of the form; empty unless asked for.
  package let form: [String: Value]
}

extension CaseStore {
  /// How many cases are still on an item that names a material, in whichever version.
  package func runningCases(naming material: String) async throws -> Int {
    let quoted = "%\"\(material)\"%"
    return try await store.database.query(
      """
      select count(*)::int as count from case_process p join item_version v on v.id = p.item_version_id
      where v.content like \(quoted) and p.instance->>'state' in ('running', 'shelved')
      """
    ).first?.get("count") ?? 0
  }

  /// The latest cases of a process or an item, as far as trials need them; only the system reads them, and nothing of
  /// what they hold is shown.
  package func recorded(process: String? = nil, item: String? = nil, withForm: Bool = false, limit: Int) async throws
    -> [RecordedCase]
  {
    try await store.database.transaction { transaction in
      let rows = try await transaction.pipeline([
        Inbox.openScope,
        """
        select c.id, c.number, c.item_code, c.channel, c.submitted_at, p.instance
        from case_process p join service_case c on c.id = p.case_id
          join process_version v on v.id = p.process_version_id
        where (\(process)::text is null or v.process = \(process)) and (\(item)::text is null or c.item_code = \(item))
          and c.submitted_at is not null
        order by c.id desc limit \(limit)
        """,
      ])[1]
      var cases: [RecordedCase] = []
      let records = store.records(as: .system, purpose: "试运行草稿").within(transaction)
      for row in rows {
        let id: Int64 = try row.get("id")
        let code: String = try row.get("item_code")
        var answers: [String: [String?]] = [:]
        for event in try await transaction.query(
          "select step, result from case_event where case_id = \(id) and action = 'complete' order by id")
        {
          guard let step = try event.get("step", as: String?.self) else { continue }
          answers[step, default: []].append(try event.get("result", as: String?.self))
        }
        var form: [String: Value] = [:]
        if withForm, let name = services.item(code)?.form {
          form = try await records.attached(name, to: id, reveal: true).first?.values ?? [:]
        }
        cases.append(
          RecordedCase(
            id: id, number: try row.get("number", as: String?.self) ?? String(id), item: code,
            channel: try row.get("channel", as: String?.self).flatMap { CaseChannel(rawValue: $0) } ?? .online,
            submittedAt: try row.get("submitted_at"),
            variables: try ProcessInstance(json: try row.get("instance")).variables, answers: answers, form: form))
      }
      return cases
    }
  }
}
