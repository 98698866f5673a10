package import Access
package import Audit
package import Core
package import Entities
import Identity
package import Processes
import SQL

/// A case as one person may see it.
package struct CaseView: Sendable {
  /// Why somebody sees it.
  package enum Access: String, Sendable {
    /// Whose application it is.
    case applicant
    /// Somebody who has or had a task in it, or was sent a copy.
    case involved
    /// By role and data scope.
    case scope
    /// By a granted reading alone (档案调阅).
    case reading
  }

  package let id: Int64
  package let access: Access
  package let record: Record
  package let form: Record?
  package let materials: [Record]
  package let item: ServiceItem
  package let process: RunnableProcess
  package let instance: ProcessInstance
  package let tasks: [CaseTask]
  package let events: [CaseEvent]
  /// Open tasks that the reader may answer.
  package let mine: [CaseTask]
  /// Rights of `case_work` that the reader has over it.
  package let controls: Set<String>
  /// Visits that the reader finished and may take back.
  package let withdrawable: [StepVisit]
  package let starter: Int64
  package let requests: [CaseRequest]
  /// What officers have to look at (比对提醒); none for the applicant.
  package let alerts: [Record]
  /// 快递单, the oldest first.
  package let parcels: [Record]
  /// The reading in force, which shows the files; `nil` without one.
  package let reading: CaseReading?
  /// What the applicant signed, the latest first.
  package let signatures: [CaseSignature]
  /// Outside: whether the inside has a signature of what stands there; `nil` while it said nothing, and inside.
  package let signedInside: Bool?
  /// Certificates and proofs that it resulted in, the latest first.
  package let documents: [Record]

  /// What the applicant is told of the history: the decisions, with the reasons that are meant for them, and nothing of
  /// who asked whom inside.
  package var publicEvents: [CaseEvent] {
    let reasons = Set(process.definition.variables.flatMap(\.choices).filter(\.needsOpinion).map(\.label))
    let own = Set(
      process.definition.nodes.filter { node in
        if case .step(let rule) = node.kind { rule.handler == .starter } else { false }
      }.map(\.label))
    return events.compactMap { event in
      switch event.action {
      case "submit", "verify", "courier", "void", "shelve", "resume", "reopen", "timeout", "urge", "issue", "sign",
        CaseAction.lateSignature:
        return event
      case "overdue": return event.withoutOpinion
      case "complete":
        guard event.result != nil || event.step.map(own.contains) == true else { return nil }
        let isMeant = event.result.map(reasons.contains) == true || event.step.map(own.contains) == true
        return isMeant ? event : event.withoutOpinion
      default: return nil
      }
    }
  }

  /// The history as the reader may know it.
  package var shownEvents: [CaseEvent] { access == .applicant ? publicEvents : events }

  package func rule(of step: String) -> StepRule? { process.rule(of: step) }

  package func label(of step: String) -> String { process.node(step)?.label ?? step }

  /// The steps it has been through, for returns, in the order of the first visit.
  package func steps(before task: CaseTask) -> [(step: String, label: String)] {
    var found: [(step: String, label: String)] = []
    for visit in instance.visits where visit.state == .done && visit.node != task.step {
      if !found.contains(where: { $0.step == visit.node }) { found.append((visit.node, label(of: visit.node))) }
    }
    return found
  }
}

/// A task as it stands in the inbox and on the page of its case.
package struct CaseTask: Sendable, Hashable {
  package let number: Int
  package let visit: Int
  package let step: String
  package let label: String
  package let kind: ProcessTask.Kind
  package let state: ProcessTask.State
  package let user: Int64?
  /// Who holds it, in words: a person, or the role and unit of a pool.
  package let holder: String
  package let isPooled: Bool
  package let askedAt: Instant
  package let dueAt: Instant?
  package let doneAt: Instant?
  package let result: String?
  package let urgedAt: Instant?
}

/// An entry of a case's history (办理过程).
package struct CaseEvent: Sendable, Hashable {
  package let at: Instant
  package let actor: String
  package let unit: String?
  package let action: String
  package let step: String?
  package let result: String?
  package let opinion: String?
  package let target: String?

  fileprivate var withoutOpinion: CaseEvent {
    CaseEvent(
      at: at, actor: actor, unit: unit, action: action, step: step, result: result, opinion: nil, target: nil)
  }

  /// What a timeline shows: of an entry in the registers what came of it.
  package var title: String {
    if action == "register" { return result ?? label }
    return result.map { "\(label)：\($0)" } ?? label
  }

  /// What was done, in a word.
  package var label: String {
    switch action {
    case "submit": "提交申请"
    case "claim": "签收"
    case "release": "放回"
    case "complete": "办理"
    case "transfer": "转办"
    case "delegate": "委派"
    case "add-before": "前加签"
    case "add-after": "后加签"
    case "remove": "减签"
    case "back": "退回"
    case "withdraw": "撤回"
    case "shelve": "挂账"
    case "resume": "恢复办理"
    case "void": "作废"
    case "reopen": "重开"
    case "timeout": "到时"
    case "remind": "到期提醒"
    case "overdue": "超时处理"
    case "urge": "催办"
    case "register": "落实登记"
    case "issue": "签发证照"
    case "supervise": "督办"
    case "reply": "答复督办"
    case "ask-extension": "申请延期"
    case "extend": "延期批复"
    case "copy": "抄送"
    case "verify": "核验材料"
    case "alert": "比对提醒"
    case "compare": "人像比对"
    case "courier": "快递"
    case "sign": "签名"
    case CaseAction.lateSignature: "签名到达太晚"
    default: action
    }
  }
}

extension CaseStore {
  /// The case with everything its page shows.
  ///
  /// - Parameter toSign: shows everything to whoever took the case up as well, before whom the applicant signs.
  /// - Throws: ``Refusal`` `case-missing` alike for one that does not exist and one the principal may not see.
  package func view(_ id: Int64, as principal: Principal, origin: Origin = .inside, toSign: Bool = false) async throws
    -> CaseView
  {
    try await store.database.transaction { transaction in
      let row = try await transaction.query(
        "select process_version_id, item_version_id, starter_id, instance from case_process where case_id = \(id)"
      ).first
      guard let row else { throw CaseStore.missing }
      let starter: Int64 = try row.get("starter_id")
      let reading =
        principal.kind == .user ? try await reading(of: id, by: principal.id, in: transaction) : nil
      let access = try await access(to: id, starter: starter, reading: reading, principal, in: transaction)
      let process = try await versions.process(try row.get("process_version_id"), in: transaction)
      let item = try await versions.item(try row.get("item_version_id"), in: transaction)
      let instance = try ProcessInstance(json: try row.get("instance"))
      let reader = Principal(
        kind: principal.kind, id: principal.id, name: principal.name, unit: principal.unit,
        grants: acting(for: principal, form: item.form).grants,
        clearance: access == .applicant ? .secret : principal.clearance)
      let tasks = try await tasks(of: id, in: transaction)
      let pools = try await responsibility.pools(of: principal.id, in: transaction)
      var mine: [CaseTask] = []
      for task in tasks where task.state == .open && principal.kind == .user {
        guard let holder = instance.task(task.number)?.task.holder else { continue }
        switch CaseParticipant(holder) {
        case .user(principal.id): mine.append(task)
        case .pool(let pool) where pools.contains(pool): mine.append(task)
        default: break
        }
      }
      // Whoever has to decide reads everything, with the task as the purpose; the applicant has written it.
      let isWitness =
        toSign && instance.state == .running ? try await hasAccepted(id, principal, in: transaction) : false
      let reveals =
        principal.kind == .system || access == .applicant || (instance.state == .running && !mine.isEmpty)
        || reading != nil || isWitness
      let purpose =
        access == .applicant
        ? "查看本人办件"
        : mine.first.map { "办理办件：\($0.label)" } ?? reading.map { "调阅 \($0.number)：\($0.purpose)" }
          ?? (isWitness ? "登记申请人签名" : "查看办件")
      let records = store.records(as: reader, purpose: purpose, origin: origin).within(transaction)
      let record = try await records.get(ServiceCase.entity, id, reveal: reveals)
      var form = try await records.attached(item.form, to: id, reveal: reveals).first
      let closed = access == .applicant ? [] : hiddenFields(of: item, process, tasks, mine, principal)
      for field in closed { form?.values[field] = nil }
      let materials = try await records.attached(ServiceCase.material, to: id, reveal: reveals)
      let rights = ["shelve", "void", "reopen", "reassign", "urge", "supervise"].filter {
        principal.may(Permission("case_work", $0))
      }
      var controls: Set<String> = []
      if let first = rights.first, try await mayControl(id, first, by: principal, in: transaction) {
        controls = Set(rights)
      }
      let withdrawable = instance.visits.filter { visit in
        visit.state == .done
          && visit.tasks.contains {
            $0.kind == .own && $0.state == .done && $0.holder == CaseParticipant.user(principal.id).participant
          }
      }
      try await transaction.execute(
        """
        update case_copy set read_at = \(store.clock.now())
        where case_id = \(id) and user_id = \(principal.id) and read_at is null
        """)
      return CaseView(
        id: id, access: access, record: record, form: form, materials: materials, item: item, process: process,
        instance: instance, tasks: tasks, events: try await events(of: id, in: transaction),
        mine: instance.state == .running ? mine : [], controls: controls,
        withdrawable: instance.state == .running ? Array(withdrawable.suffix(1)) : [], starter: starter,
        requests: access == .applicant ? [] : try await requests(of: id, as: principal, in: transaction),
        alerts: access == .applicant ? [] : try await alerts(of: id, in: transaction),
        parcels: try await records.attached(CaseStore.parcels, to: id, reveal: reveals), reading: reading,
        signatures: try await signatures(of: id, item, records, reveals: reveals, in: transaction),
        signedInside: isOutside ? try await signedInside(id, in: transaction) : nil,
        documents: try await documents(of: id, records))
    }
  }

  /// Fields of the form that every step hides by which somebody came to see the case (字段权限): kept from them here, so
  /// that neither page nor interface can show them.
  private func hiddenFields(
    of item: ServiceItem, _ process: RunnableProcess, _ tasks: [CaseTask], _ mine: [CaseTask], _ principal: Principal
  ) -> Set<String> {
    let steps = Set(tasks.filter { $0.user == principal.id }.map(\.step) + mine.map(\.step))
    let rules = steps.compactMap { process.rule(of: $0) }
    guard let first = rules.first, principal.kind == .user else { return [] }
    return Set(first.fields.keys.filter { field in rules.allSatisfy { $0.access(to: field) == .hide } })
  }

  func access(
    to id: Int64, starter: Int64, reading: CaseReading? = nil, _ principal: Principal, in transaction: Transaction
  ) async throws -> CaseView.Access {
    if principal.kind == .system { return .scope }
    if principal.kind == .user {
      let row = try await transaction.query(
        """
        select exists (select 1 from case_task where case_id = \(id) and (user_id = \(principal.id)
            or done_by = \(principal.id))) or exists (select 1 from case_request where case_id = \(id)
            and user_id = \(principal.id)) as held,
          exists (select 1 from case_copy where case_id = \(id) and user_id = \(principal.id)) as copied
        """
      ).first
      let held = try row?.get("held", as: Bool.self) ?? false
      let copied = try row?.get("copied", as: Bool.self) ?? false
      let owner = try await transaction.pipeline([
        Inbox.openScope, "select 1 from service_case where id = \(id) and applicant_user_id = \(principal.id)",
      ])[1]
      if !owner.isEmpty { return .applicant }
      if held || copied || starter == principal.id { return .involved }
      let pools = try await responsibility.pools(of: principal.id, in: transaction)
      let open = try await transaction.query(
        """
        select pool_kind, pool_code, pool_unit_id from case_task
        where case_id = \(id) and state = 'open' and pool_unit_id is not null
        """)
      for row in open {
        let code = try row.get("pool_code", as: String?.self) ?? ""
        guard let kind = Responsibility.Pool.Kind(rawValue: try row.get("pool_kind")) else { continue }
        if pools.contains(.init(kind, code, unit: try row.get("pool_unit_id"))) { return .involved }
      }
    }
    if try await store.records(as: principal).within(transaction).reaches(ServiceCase.entity, id) { return .scope }
    guard reading != nil else { throw CaseStore.missing }
    return .reading
  }

  func tasks(of id: Int64, in session: some SQLSession) async throws -> [CaseTask] {
    let rows = try await session.query(
      """
      select t.*, u.name as user_name, r.name as role_name, p.name as post_name, n.name as unit_name
      from case_task t left join app_user u on u.id = t.user_id
        left join role r on t.pool_kind = 'role' and r.code = t.pool_code
        left join post p on t.pool_kind = 'post' and p.code = t.pool_code
        left join unit n on n.id = t.pool_unit_id
      where t.case_id = \(id) order by t.number
      """)
    return try rows.map(CaseTask.init)
  }

  private func signedInside(_ id: Int64, in session: some SQLSession) async throws -> Bool? {
    try await session.query("select signed_inside from case_ferry where case_id = \(id)").first?.get("signed_inside")
  }

  private func events(of id: Int64, in session: some SQLSession) async throws -> [CaseEvent] {
    try await session.query("select * from case_event where case_id = \(id) order by id").map {
      CaseEvent(
        at: try $0.get("at"), actor: try $0.get("actor_name"), unit: try $0.get("unit_name"),
        action: try $0.get("action"), step: try $0.get("step_label"), result: try $0.get("result"),
        opinion: try $0.get("opinion"), target: try $0.get("target"))
    }
  }
}

extension CaseTask {
  /// A row of `case_task` with the names of whoever holds it.
  init(_ row: Row) throws {
    let user: Int64? = try row.get("user_id")
    let person: String? = try row.get("user_name")
    let pool = [
      try row.get("unit_name", as: String?.self),
      try row.get("role_name", as: String?.self) ?? (try row.get("post_name", as: String?.self)),
    ].compactMap(\.self).joined(separator: " ")
    self.init(
      number: try row.get("number"), visit: try row.get("visit"), step: try row.get("step"),
      label: try row.get("step_label"), kind: ProcessTask.Kind(rawValue: try row.get("kind")) ?? .own,
      state: ProcessTask.State(rawValue: try row.get("state")) ?? .open, user: user,
      holder: person ?? (user == CaseFerry.applicantID ? CaseFerry.applicant.name : pool),
      isPooled: try row.get("pool_unit_id", as: Int64?.self) != nil,
      askedAt: try row.get("asked_at"), dueAt: try row.get("due_at"), doneAt: try row.get("done_at"),
      result: try row.get("result"), urgedAt: try row.get("urged_at"))
  }
}
