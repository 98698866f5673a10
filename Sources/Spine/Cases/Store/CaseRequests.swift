package import Access
package import Audit
package import Core
import Entities
import Identity
import Processes
import SQL

/// What is asked beside the process: a supervisor wants a reply (督办), a handler more time (延期).
package struct CaseRequest: Sendable, Hashable {
  package enum Kind: String, Sendable, Hashable {
    case supervision
    case extension_ = "extension"

    package var label: String { self == .supervision ? "督办" : "延期申请" }
  }

  package enum State: String, Sendable, Hashable {
    case open, answered, approved, refused, dropped

    package var label: String {
      switch self {
      case .open: "待答复"
      case .answered: "已答复"
      case .approved: "已同意"
      case .refused: "不同意"
      case .dropped: "已失效"
      }
    }
  }

  package let id: Int64
  package let caseID: Int64
  package let kind: Kind
  package let state: State
  package let asker: String
  package let askedAt: Instant
  package let note: String
  /// Working days of an extension.
  package let days: Int?
  package let dueAt: Instant?
  package let answer: String?
  package let answerer: String?
  /// Whether the reader is the one to answer.
  package let isMine: Bool
}

extension CaseStore {
  /// 督办: asks whoever has a task in the case for a reply within `days` working days.
  package func supervise(_ id: Int64, note: String, days: Int, by principal: Principal) async throws {
    let note = try CaseStore.said(note, "督办")
    guard (1...30).contains(days) else {
      throw Refusal(.invalid, "supervise-days", "答复期限应为 1 至 30 个工作日。", field: "days")
    }
    try principal.require(Permission("case_work", "supervise"), toDo: "督办")
    let now = store.clock.now()
    try await store.database.transaction { transaction in
      let state = try await hold(id, in: transaction)
      guard try await mayControl(id, "supervise", by: principal, in: transaction) else { throw CaseStore.missing }
      guard state.instance.state == .running, !state.instance.openTasks.isEmpty else {
        throw Refusal(.conflict, "supervise-over", "这件事没有正在办理的人，不能督办。")
      }
      let due = try deadline(ProcessDuration(days: days), from: now)
      var asked: Set<Participant> = []
      for (_, task) in state.instance.openTasks where asked.insert(task.holder).inserted {
        let holder = columns(of: task.holder)
        try await transaction.execute(
          """
          insert into case_request (case_id, kind, asked_by, asked_at, note, user_id, pool_kind, pool_code, pool_unit_id,
            due_at, state)
          values (\(id), 'supervision', \(principal.actor), \(now), \(note), \(holder.user),
            \(holder.pool?.kind.rawValue), \(holder.pool?.code), \(holder.pool?.unit), \(due), 'open')
          """)
      }
      _ = try await transaction.query(
        eventStatement(state, CaseAction(name: "supervise", opinion: note), by: principal, at: now))
    }
  }

  /// 延期: whoever has a task in the case asks somebody with the right `case_work.extend` for more working days.
  package func askExtension(_ id: Int64, days: Int, note: String, of approver: Int64, by principal: Principal)
    async throws
  {
    let note = try CaseStore.said(note, "申请延期")
    guard (1...60).contains(days) else {
      throw Refusal(.invalid, "extension-days", "延期应为 1 至 60 个工作日。", field: "days")
    }
    let now = store.clock.now()
    try await store.database.transaction { transaction in
      let state = try await hold(id, in: transaction)
      var isHandler = false
      for (_, task) in state.instance.openTasks where !isHandler {
        isHandler = try await holds(task.holder, principal, in: transaction)
      }
      guard isHandler else { throw Refusal(.forbidden, "task-foreign", "只有正在办理的人可以申请延期，没有改动。") }
      let may = try await responsibility.holders(
        of: Permission("case_work", "extend"), near: state.unit, limit: 200, in: transaction)
      guard let chosen = may.first(where: { $0.user == approver }), approver != principal.id else {
        throw Refusal(.invalid, "extension-approver", "请选择一位可以批准延期的负责人。", field: "people")
      }
      guard
        try await transaction.query(
          "select 1 from case_request where case_id = \(id) and kind = 'extension' and state = 'open'"
        ).isEmpty
      else { throw Refusal(.conflict, "extension-open", "已有一份延期申请等待批准，不能重复申请。") }
      try await transaction.execute(
        """
        insert into case_request (case_id, kind, asked_by, asked_at, note, days, user_id, state)
        values (\(id), 'extension', \(principal.actor), \(now), \(note), \(days), \(approver), 'open')
        """)
      _ = try await transaction.query(
        eventStatement(
          state,
          CaseAction(name: "ask-extension", result: "申请延期 \(days) 个工作日", opinion: note, target: chosen.name),
          by: principal, at: now))
    }
  }

  /// Replies to a supervision, or decides on an extension; an approved one moves the deadlines of the case and its open
  /// tasks by so many working days.
  package func answer(
    _ request: Int64, of id: Int64, approves: Bool?, answer: String?, by principal: Principal, origin: Origin = .inside
  ) async throws {
    let now = store.clock.now()
    try await store.database.transaction { transaction in
      let state = try await hold(id, in: transaction)
      let row = try await transaction.query(
        "select * from case_request where id = \(request) and case_id = \(id) for update"
      ).first
      guard let row, let kind = CaseRequest.Kind(rawValue: try row.get("kind")) else { throw CaseStore.missing }
      guard try row.get("state", as: String.self) == "open" else {
        throw Refusal(.conflict, "request-over", "这份\(kind.label)已经答复。请刷新后查看。")
      }
      guard try await isAsked(row, principal, in: transaction) else {
        throw Refusal(.forbidden, "request-foreign", "这份\(kind.label)不是请您答复的，没有改动。")
      }
      let decision: CaseRequest.State
      var text = answer.map { String($0.prefix(1000)) }
      var action: CaseAction
      switch kind {
      case .supervision:
        text = try CaseStore.said(answer ?? "", "答复督办")
        decision = .answered
        action = CaseAction(name: "reply", opinion: text)
      case .extension_:
        guard let approves else {
          throw Refusal(.invalid, "extension-undecided", "请选择同意或不同意。", field: "approves")
        }
        decision = approves ? .approved : .refused
        if !approves { text = try CaseStore.said(answer ?? "", "不同意延期") }
        action = CaseAction(name: "extend", result: approves ? "同意延期" : "不同意延期", opinion: text)
        if approves {
          let days: Int = try row.get("days")
          try await extend(state, by: days, principal, origin, in: transaction)
          action.result = "同意延期 \(days) 个工作日"
        }
      }
      try await transaction.execute(
        """
        update case_request set state = \(decision.rawValue), answered_by = \(principal.actor), answered_at = \(now),
          answer = \(text)
        where id = \(request)
        """)
      _ = try await transaction.query(eventStatement(state, action, by: principal, at: now))
    }
  }

  private func extend(
    _ state: CaseState, by days: Int, _ principal: Principal, _ origin: Origin, in transaction: Transaction
  ) async throws {
    let duration = ProcessDuration(days: days)
    for row in try await transaction.query(
      "select number, due_at from case_task where case_id = \(state.id) and state = 'open' and due_at is not null")
    {
      let due = try deadline(duration, from: try row.get("due_at"))
      try await transaction.execute(
        """
        update case_task set due_at = \(due) where case_id = \(state.id) and number = \(try row.get("number", as: Int.self))
        """)
    }
    try await extendLimitTimers(of: state.id, by: duration, in: transaction)
    guard let due = state.due else { return }
    try await store.records(as: acting(for: principal, form: state.form), origin: origin).within(transaction).update(
      ServiceCase.entity, state.id, version: nil, ["due_at": .instant(try deadline(duration, from: due))], input: .code)
  }

  /// The requests of a case, the latest first.
  func requests(of id: Int64, as principal: Principal, in transaction: Transaction) async throws -> [CaseRequest] {
    let rows = try await transaction.query(
      """
      select r.*, a.name as asker, b.name as answerer from case_request r left join app_user a on a.id = r.asked_by
        left join app_user b on b.id = r.answered_by
      where r.case_id = \(id) order by r.id desc
      """)
    var requests: [CaseRequest] = []
    for row in rows {
      let isOpen = try row.get("state", as: String.self) == "open"
      requests.append(
        CaseRequest(
          id: try row.get("id"), caseID: id, kind: CaseRequest.Kind(rawValue: try row.get("kind")) ?? .supervision,
          state: CaseRequest.State(rawValue: try row.get("state")) ?? .open,
          asker: try row.get("asker", as: String?.self) ?? "系统", askedAt: try row.get("asked_at"),
          note: try row.get("note"), days: try row.get("days"), dueAt: try row.get("due_at"),
          answer: try row.get("answer"), answerer: try row.get("answerer"),
          isMine: isOpen ? try await isAsked(row, principal, in: transaction) : false))
    }
    return requests
  }

  private func isAsked(_ row: Row, _ principal: Principal, in session: some SQLSession) async throws -> Bool {
    guard principal.kind == .user else { return false }
    if let user = try row.get("user_id", as: Int64?.self) { return user == principal.id }
    guard let kind = try row.get("pool_kind", as: String?.self).flatMap(Responsibility.Pool.Kind.init),
      let unit = try row.get("pool_unit_id", as: Int64?.self)
    else { return false }
    let code = try row.get("pool_code", as: String?.self) ?? ""
    return try await responsibility.pools(of: principal.id, in: session).contains(.init(kind, code, unit: unit))
  }

  private static func said(_ text: String, _ what: String) throws(Refusal) -> String {
    let text = text.drop(while: \.isWhitespace)
    guard !text.isEmpty else {
      throw Refusal(.invalid, "opinion-missing", "\(what)要写明内容。请填写后再提交。", field: "opinion")
    }
    return String(text.prefix(1000))
  }
}
