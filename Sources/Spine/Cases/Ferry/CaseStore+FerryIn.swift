import Access
import Core
import Entities
import Ferry
import Processes
import SQL

/// What the inside does with what citizens sent, and what it tells them.
extension CaseStore {
  /// Begins the case of an application from outside, as if its applicant stood here: form, conditions and materials are
  /// judged again.
  func takeApplication(_ payload: JSON, in transaction: Transaction) async throws {
    guard let ferry, let number = payload["number"]?.string, let item = payload["item"]?.string,
      let submitted = payload["submitted"]?.string.flatMap({ Instant($0) })
    else { return }
    let known = try await transaction.query("select 1 from case_ferry where number = \(number)")
    guard known.isEmpty else {
      throw Refusal(.conflict, "ferry-known", "受理编号 \(number) 已经收到过，没有重复受理。请核对后拒绝这一条。")
    }
    var content = CaseContent()
    content.values = try Dictionary(ferried: payload["values"])
    content.form = try Dictionary(ferried: payload["form"])
    let (materials, digests) = try await ferry.materials(payload["materials"], in: transaction)
    content.materials = materials
    _ = try await start(
      CaseApplication(item: item, channel: .online, content: content), by: CaseFerry.applicant,
      arrival: CaseArrival(number: number, submittedAt: submitted), in: transaction)
    try await ferry.parts.drop(digests, in: transaction)
  }

  /// Keeps what an application is called outside.
  func note(_ arrival: CaseArrival, of id: Int64, in transaction: Transaction) async throws {
    try await transaction.execute(
      """
      insert into case_ferry (case_id, number, sent_at, arrived_at)
      values (\(id), \(arrival.number), \(arrival.submittedAt), \(store.clock.now()))
      """)
  }

  /// Makes the move of an applicant outside. One that is too late changes nothing: the outside is told again how the case
  /// stands.
  func takeMove(_ payload: JSON, in transaction: Transaction) async throws {
    guard let ferry else { return }
    let (id, _) = try await ferried(payload, in: transaction)
    var content = CaseContent()
    content.form = try Dictionary(ferried: payload["form"])
    content.values = try Dictionary(ferried: payload["case"])
    let (materials, digests) = try await ferry.materials(payload["materials"], in: transaction)
    content.materials = materials
    let opinion = payload["opinion"]?.string
    let values = try [String: Value](ferried: payload["values"])
    let move: CaseMove
    if payload["move"]?.string == "void" {
      move = .void
    } else {
      move = .complete(task: Int(payload["task"]?.int ?? 0), values: values)
    }
    let given = content
    do {
      try await transaction.savepoint { inner in
        try await self.move(id, move, opinion: opinion, content: given, by: CaseFerry.applicant, in: inner)
      }
    } catch let refusal as Refusal where [.conflict, .notFound].contains(refusal.kind) {
      let state = try await hold(id, in: transaction)
      try await report(state, nil, by: .system, in: transaction)
    }
    try await ferry.parts.drop(digests, in: transaction)
  }

  func takeUrge(_ payload: JSON, in transaction: Transaction) async throws {
    let (id, _) = try await ferried(payload, in: transaction)
    do {
      try await transaction.savepoint { inner in
        try await urge(id, note: payload["note"]?.string, by: CaseFerry.applicant, in: inner)
      }
    } catch let refusal as Refusal where refusal.kind == .conflict {
      // Urged a moment ago, or over already: nothing is lost.
    }
  }

  /// Tells the outside how a case stands, as far as its applicant may know.
  func report(_ state: CaseState, _ action: CaseAction?, by principal: Principal, in transaction: Transaction)
    async throws
  {
    guard let ferry, ferry.side == .inside, state.starter == CaseFerry.applicantID,
      let number = try await ferryNumber(of: state.id, in: transaction)
    else { return }
    let row = try await transaction.query(
      """
      select c.state, c.step, c.due_at, c.finished_at, c.courier_number, u.name as office
      from service_case c left join unit u on u.id = c.unit_id where c.id = \(state.id)
      """
    ).first
    guard let row else { return }
    let office = try row.get("office", as: String?.self) ?? "公安机关"
    let applicant = CaseParticipant.user(CaseFerry.applicantID).participant.name
    let instance = CaseFerry.holders(in: state.instance.json) {
      $0 == applicant ? CaseFerry.applicantHolder : "office"
    }
    func text(_ name: String) throws -> JSON { try row.get(name, as: String?.self).map { .string($0) } ?? .null }
    func time(_ name: String) throws -> JSON {
      try row.get(name, as: Instant?.self).map { .string($0.iso8601) } ?? .null
    }
    let signed = try await signatureHolds(of: state, in: transaction)
    let event = action.flatMap { publicEvent($0, of: state, office: office, by: principal) }
    let payload: JSON = [
      "number": .string(number), "process": .string(state.process.definition.id), "state": try text("state"),
      "step": try text("step"), "due": try time("due_at"), "finished": try time("finished_at"),
      "courier": try text("courier_number"), "instance": instance, "event": event ?? .null,
      "signed": signed.map { .bool($0) } ?? .null,
    ]
    try await ferry.post.send(
      FerryMessage(kind: CaseFerryKind.progress, subject: number, payload: payload), in: transaction)
    if state.instance.state == .finished || state.instance.state == .void {
      try await transaction.execute(
        "update case_ferry set result_at = \(store.clock.now()) where case_id = \(state.id)")
    }
  }

  /// The entry of the history that an applicant may read: decisions, with the reasons that are meant for them, by the
  /// office and not by a person.
  private func publicEvent(_ action: CaseAction, of state: CaseState, office: String, by principal: Principal) -> JSON?
  {
    guard !state.isApplicant(principal) else { return nil }
    var (opinion, result) = (action.opinion, action.result)
    switch action.name {
    case "void", "shelve", "resume", "reopen", "timeout", CaseAction.lateSignature: break
    case "sign": result = action.target
    case "complete":
      guard let result else { return nil }
      let reasons = state.process.definition.variables.flatMap(\.choices).filter(\.needsOpinion).map(\.label)
      if !reasons.contains(result) { opinion = nil }
    default: return nil
    }
    let step = action.step ?? action.task.flatMap { state.instance.task($0)?.visit.node }
    func text(_ value: String?, _ limit: Int) -> JSON { value.map { .string(String($0.prefix(limit))) } ?? .null }
    return [
      "action": .string(action.name), "at": .string(store.clock.now().iso8601), "office": text(office, 100),
      "step": text(step, 100), "step_label": text(step.flatMap { state.process.node($0)?.label }, 200),
      "result": text(result, 200), "opinion": text(opinion, 1000),
    ]
  }
}
