import Access
import Core
import Entities
import Identity
import Messaging
import Processes
import SQL

/// What people are told of a move, in the transaction of the move (C-056, C-246, C-521, C-539).
extension CaseStore {
  /// Tells the applicant what concerns them and people that a task has come to them.
  func tell(
    _ state: CaseState, before: ProcessInstance?, _ action: CaseAction, was: String?, now caseState: String,
    _ contents: CaseContents, by principal: Principal, in transaction: Transaction
  ) async throws {
    var news: [(template: String, values: [String: String])] = []
    if before == nil, state.instance.state == .running {
      // Officers know what they have just asked for.
      if !state.item.isInternal { news.append(("case_submitted", [:])) }
    } else if caseState == "supplement", was != "supplement" {
      news.append(("case_supplement", ["asked": action.opinion ?? "见办件页面的说明"]))
    } else if state.awaitsOriginals, before?.awaitsOriginals(in: state.process) != true,
      state.record["applicant_user_id"]?.isBlank == false
    {
      news.append(("case_originals", ["asked": try await originals(of: state, in: transaction)]))
    } else if before?.state != .finished, state.instance.state == .finished {
      if let waybill = state.instance.variables["courier_number"]?.text, caseState == "completed" {
        news.append(("case_courier", ["waybill": waybill]))
      } else {
        news.append(("case_result", [:]))
      }
    }
    // Whoever applied outside is told outside.
    for (template, values) in news where state.starter != CaseFerry.applicantID {
      try await tellApplicant(state, template, values, caseState, action, contents, in: transaction)
    }
    try await tellHandlers(state, before: before, by: principal, in: transaction)
  }

  private func tellApplicant(
    _ state: CaseState, _ template: String, _ given: [String: String], _ caseState: String, _ action: CaseAction,
    _ contents: CaseContents, in transaction: Transaction
  ) async throws {
    let record = try await contents.record
    let unit = try await transaction.query("select name from unit where id = \(state.unit)").first
    let named: String? = try unit?.get("name")
    let office = named ?? "受理单位"
    let time = store.clock.now().display
    let refused = caseState == "refused"
    let next =
      refused
      ? "原因：\(action.opinion ?? "见办件页面")。有疑问请联系\(office)。"
      : state.item.result.document.map { "请携带身份证件，到\(office)领取\($0)。" }
        ?? (state.item.isInternal ? "结果见办件页面。" : "不需要再来窗口。")
    let asks = ["case_supplement", "case_originals"].contains(template)
    let due = asks ? supplementDue(state) : record["due_at"].instant
    var values: [String: String] = [
      "name": record["applicant_name"].text ?? "", "item": state.item.label, "number": record["number"].text ?? "",
      "time": time, "office": office,
      "due": due?.display ?? "承诺期限",
      "result": refused ? "不予办理" : "已办结", "next": next, "document": state.item.result.document ?? "办理结果",
      "company": company(of: state),
    ]
    values.merge(given) { _, given in given }
    guard let declared = messages.templates.template(template) else { return }
    values = values.filter { declared.variable($0.key) != nil }
    let recipient: MessageRecipient?
    if let user = record["applicant_user_id"].integer {
      recipient = .user(user)
    } else {
      recipient = record["applicant_phone"].text.flatMap { PhoneNumber($0) }.map { .phone($0) }
    }
    guard let recipient else { return }
    try await messages.send(
      template, to: [recipient], values, link: String(state.id), key: "case \(state.id) \(state.instance.marker)",
      in: transaction)
  }

  /// The papers that the applicant promised to bring or to send.
  private func originals(of state: CaseState, in transaction: Transaction) async throws -> String {
    let records = store.records(as: .system, purpose: "通知申请人").within(transaction)
    let promised = try await records.attached(ServiceCase.material, to: state.id).filter {
      $0["state"].text == HandedMaterial.Way.promised.rawValue
    }
    let labels = promised.compactMap { $0["label"].text }
    return labels.isEmpty ? "申请时上传的材料的原件" : labels.joined(separator: "、")
  }

  private func supplementDue(_ state: CaseState) -> Instant? {
    let limits = state.instance.openVisits.compactMap { state.process.rule(of: $0.node)?.limit }
    return limits.first.flatMap { try? deadline($0, from: store.clock.now()) }
  }

  private func company(of state: CaseState) -> String {
    guard let value = state.instance.variables["courier_company"]?.text else { return "快递" }
    let variable = state.process.definition.variables.first { $0.name == "courier_company" }
    return variable?.choice(value)?.label ?? value
  }

  /// Somebody who is asked in person hears of it; a pool sees it in the inbox.
  private func tellHandlers(
    _ state: CaseState, before: ProcessInstance?, by principal: Principal, in transaction: Transaction
  ) async throws {
    var asked: [(user: Int64, visit: StepVisit, task: ProcessTask)] = []
    for (visit, task) in state.instance.openTasks {
      guard case .user(let user) = CaseParticipant(task.holder), user != principal.id, user != state.applicant else {
        continue
      }
      let old = before?.task(task.id)?.task
      if old?.state == .open, old?.holder == task.holder { continue }
      asked.append((user, visit, task))
    }
    guard !asked.isEmpty else { return }
    let records = store.records(as: .system, purpose: "通知办理人").within(transaction)
    let record = try await records.get(ServiceCase.entity, state.id, columns: ["number", "applicant_name"])
    for (user, visit, task) in asked {
      let due = try state.process.rule(of: visit.node)?.limit.map { try deadline($0, from: store.clock.now()).display }
      try await messages.send(
        "task_assigned", to: [.user(user)],
        [
          "applicant": record["applicant_name"].text ?? "", "item": state.item.label,
          "number": record["number"].text ?? "", "step": state.process.node(visit.node)?.label ?? visit.node,
          "due": due ?? "合理时间",
        ], link: String(state.id), key: "case \(state.id) task \(task.id) \(state.instance.marker)", in: transaction)
    }
  }

  /// Tells those whom an urging concerns.
  func tellUrged(_ state: CaseState, note: String?, by principal: Principal, in transaction: Transaction) async throws {
    let records = store.records(as: .system, purpose: "通知办理人").within(transaction)
    let record = try await records.get(ServiceCase.entity, state.id, columns: ["number"])
    let now = store.clock.now()
    for (visit, task) in state.instance.openTasks {
      var users: [Int64] = []
      switch CaseParticipant(task.holder) {
      case .user(let user): users = [user]
      case .pool(let pool):
        users = try await responsibility.members(of: pool, in: transaction)
      case nil: break
      }
      try await messages.send(
        "task_urged", to: users.filter { $0 != principal.id }.map { .user($0) },
        [
          "sender": principal.name, "item": state.item.label, "number": record["number"].text ?? "",
          "step": state.process.node(visit.node)?.label ?? visit.node,
          "due": state.due?.display ?? "尽快", "note": note ?? "",
        ], link: String(state.id), key: "case \(state.id) urge \(task.id) \(now.iso8601)", in: transaction)
    }
  }
}

extension CaseState {
  fileprivate var applicant: Int64? { record["applicant_user_id"]?.integer }
}

extension ProcessInstance {
  /// Tells one state of an instance from the next, for messages that are sent once.
  fileprivate var marker: String {
    let done = visits.flatMap(\.tasks).filter { $0.state == .done }.count
    return "\(visits.count).\(done).\(state.rawValue)"
  }
}
