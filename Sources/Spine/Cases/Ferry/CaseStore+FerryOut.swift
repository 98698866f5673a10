import Access
import Core
import Entities
import Ferry
import Processes
import SQL

/// What the outside tells the inside: applications, and what their applicants do afterwards.
extension CaseStore {
  var isOutside: Bool { ferry?.side == .outside }

  /// Numbers of applications from the internet are marked, so that none can be one of the inside's own.
  static let outsideMark = "W"

  /// Notes that a case of the outside goes to the inside, and sends it.
  func sendApplication(
    _ application: CaseApplication, id: Int64, number: String, in transaction: Transaction
  ) async throws {
    guard let ferry else { return }
    let now = store.clock.now()
    try await transaction.execute(
      "insert into case_ferry (case_id, number, sent_at) values (\(id), \(number), \(now))")
    let materials = try await ferry.describe(application.content.materials, subject: number, in: transaction)
    try await ferry.post.send(
      FerryMessage(
        kind: CaseFerryKind.application, subject: number,
        payload: [
          "number": .string(number), "item": .string(application.item), "submitted": .string(now.iso8601),
          "values": application.content.values.ferried, "form": application.content.form.ferried,
          "materials": materials,
        ]), in: transaction)
  }

  /// Sends what an applicant did: answered a request for supplements, or gave the application up.
  func sendMove(
    _ move: CaseMove, _ state: CaseState, opinion: String?, content: CaseContent, in transaction: Transaction
  ) async throws {
    guard let ferry, let number = try await ferryNumber(of: state.id, in: transaction) else { return }
    let kind: String
    var values: [String: Value] = [:]
    switch move {
    case .complete(_, let given):
      kind = "complete"
      values = given
    case .void: kind = "void"
    default: return
    }
    if !content.isEmpty { try await forgetSignedInside(state.id, in: transaction) }
    let materials = try await ferry.describe(content.materials, subject: number, in: transaction)
    try await ferry.post.send(
      FerryMessage(
        kind: CaseFerryKind.move, subject: number,
        payload: [
          "number": .string(number), "move": .string(kind), "task": move.task.map { .int(Int64($0)) } ?? .null,
          "opinion": opinion.map { .string($0) } ?? .null, "values": values.ferried, "form": content.form.ferried,
          "case": content.values.ferried, "materials": materials,
        ]), in: transaction)
  }

  func sendUrge(_ state: CaseState, note: String?, in transaction: Transaction) async throws {
    guard let ferry, isOutside, let number = try await ferryNumber(of: state.id, in: transaction) else { return }
    try await ferry.post.send(
      FerryMessage(
        kind: CaseFerryKind.urge, subject: number,
        payload: ["number": .string(number), "note": note.map { .string(String($0.prefix(1000))) } ?? .null]),
      in: transaction)
  }

  func ferryNumber(of id: Int64, in session: some SQLSession) async throws -> String? {
    try await session.query("select number from case_ferry where case_id = \(id)").first?.get("number")
  }

  /// What the inside said of signatures is of what stood here before; it says so again of what is sent now.
  func forgetSignedInside(_ id: Int64, in transaction: Transaction) async throws {
    try await transaction.execute("update case_ferry set signed_inside = null where case_id = \(id)")
  }

  // MARK: What comes back

  /// Shows a case as the inside says it stands, and tells its applicant what is new.
  func takeProgress(_ payload: JSON, in transaction: Transaction) async throws {
    let (id, _) = try await ferried(payload, in: transaction)
    let old = try await hold(id, in: transaction)
    let erased = try await transaction.query(
      "select 1 from case_ferry where case_id = \(id) and erased_at is not null")
    guard erased.isEmpty else {
      throw Refusal(.conflict, "ferry-erased", "这件办件在互联网侧已经清除，不再更新。")
    }
    let name = payload["process"]?.string ?? ""
    let current = versions.current
    guard let process = current.services.processes[name], let version = current.processes[name],
      let document = payload["instance"], let word = payload["state"]?.string
    else { throw Refusal(.unprocessable, "ferry-process", "本侧没有流程“\(name)”。请把两侧的流程定义更新到同一版本。") }
    let starter = old.starter
    let local = CaseFerry.holders(in: document) { $0 == CaseFerry.applicantHolder ? "user:\(starter)" : "unit:@0" }
    let state = CaseState(
      id: id, record: old.record, process: process, item: old.item, starter: starter,
      instance: try ProcessInstance(json: local), pausedAt: old.pausedAt, shelvedAt: old.shelvedAt)
    let now = store.clock.now()
    var action = CaseAction(name: payload["event"]?["action"]?.string ?? "progress")
    action.opinion = payload["event"]?["opinion"]?.string
    action.result = payload["event"]?["result"]?.string
    let isFinal = state.instance.state == .finished || state.instance.state == .void
    var statements: [SQL] = [
      "delete from case_task where case_id = \(id)", "delete from case_timer where case_id = \(id)",
    ]
    statements += try taskStatements(state, before: nil, by: .system, action, at: now)
    statements.append(
      """
      update case_process set instance = \(state.instance.json.text)::jsonb, process_version_id = \(version.id),
        paused_at = null, shelved_at = null, changed_at = \(now)
      where case_id = \(id)
      """)
    statements.append(
      """
      update case_ferry set arrived_at = coalesce(arrived_at, \(now)),
        signed_inside = \(payload["signed"]?.bool),
        result_at = case when \(isFinal) then coalesce(result_at, \(now)) end
      where case_id = \(id)
      """)
    if let event = payload["event"], event != .null { statements.append(ferriedEvent(id, event, at: now)) }
    _ = try await transaction.pipeline(statements)
    let records = store.records(as: acting(for: .system, form: state.form), purpose: "网间摆渡").within(transaction).plain
    try await tell(
      state, before: old.instance, action, was: old.record["state"]?.text, now: word,
      CaseContents(of: id, form: state.form, records), by: .system, in: transaction)
    var changes: [String: Value] = ["state": .text(word)]
    changes["step"] = payload["step"]?.string.map { .text($0) } ?? .null
    changes["courier_number"] = payload["courier"]?.string.map { .text($0) } ?? .null
    for (field, key) in [("due_at", "due"), ("finished_at", "finished")] {
      changes[field] = payload[key]?.string.flatMap { Instant($0) }.map { .instant($0) } ?? .null
    }
    changes = changes.filter { $0.value != old.record[$0.key] ?? .null }
    guard !changes.isEmpty else { return }
    try await records.update(ServiceCase.entity, id, version: nil, changes, input: .code)
  }

  private func ferriedEvent(_ id: Int64, _ event: JSON, at now: Instant) -> SQL {
    func text(_ key: String) -> String? { event[key]?.string }
    return """
      insert into case_event (case_id, at, actor, actor_name, unit_name, action, step, step_label, result, opinion)
      values (\(id), \(text("at").flatMap { Instant($0) } ?? now), 0, \(text("office") ?? "公安机关"),
        \(text("office")), \(text("action") ?? "progress"), \(text("step")), \(text("step_label")), \(text("result")),
        \(text("opinion")))
      """
  }
}

extension CaseFerry {
  /// What stands in place of the applicant while an instance is under way; of everybody else it says `office`.
  static let applicantHolder = "applicant"

  /// The instance with each holder of a task under another name.
  static func holders(in json: JSON, _ name: (String) -> String) -> JSON {
    switch json {
    case .array(let items): .array(items.map { holders(in: $0, name) })
    case .object(let members):
      .object(
        members.map { key, value in
          if key == "holder", let holder = value.string { return (key, .string(name(holder))) }
          return (key, holders(in: value, name))
        })
    default: json
    }
  }
}
