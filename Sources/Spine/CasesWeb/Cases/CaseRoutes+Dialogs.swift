import Access
import Cases
import Core
import Entities
import HTML
import HTTP
import Identity
import Processes
import SQL
import Shell
import Site

/// Moves that ask something first: to whom, where to, why.
extension CaseRoutes {
  private static let titles: [String: String] = [
    "transfer": "转办", "delegate": "委派", "add-before": "前加签", "add-after": "后加签", "back": "退回", "withdraw": "撤回",
    "shelve": "挂账", "resume": "恢复办理", "void": "作废", "reopen": "重开", "urge": "催办", "copy": "抄送", "claim": "签收",
    "release": "放回", "remove": "减签", "supervise": "督办", "extend": "申请延期",
  ]

  private static let consequences: [String: String] = [
    "transfer": "这项任务改由对方办理，您不再办理。", "delegate": "对方办完后回到您这里确认。",
    "add-before": "先由他们提出意见，都办完后再回到您这里。", "add-after": "您办理之后，由他们接着办理，本环节才算结束。",
    "withdraw": "撤回后回到您办理的环节；后面已经有人办理的，不能撤回。", "shelve": "挂账期间不能办理，也不计时间。",
    "resume": "从挂账前的地方接着办，期限顺延。", "void": "所有待办任务取消，不能恢复。", "reopen": "已办结的办件回到所选环节重新办理。",
    "urge": "办理人会在待办里看到催办标记；一小时内只能催一次。", "copy": "对方可以查看这件事，不需要办理。",
    "supervise": "正在办理的人会收到督办，须在期限内答复。", "extend": "批准后，这件事和当前环节的期限都顺延。",
  ]

  private func move(_ visit: Visit) throws -> (name: String, title: String) {
    let name = try visit.request.parameter("move")
    guard let title = CaseRoutes.titles[name] else {
      throw Refusal(.notFound, "move-unknown", "没有这个操作。请刷新页面。")
    }
    return (name, title)
  }

  private func task(_ visit: Visit, _ view: CaseView) throws -> CaseTask {
    let number = Int(try visit.request.integer("task"))
    guard let task = view.tasks.first(where: { $0.number == number }) else { throw CaseRoutes.noTask }
    return task
  }

  private static let noTask = Refusal(.notFound, "task-unknown", "没有这项任务。请刷新待办后查看。")

  // MARK: Of a task

  func askTask(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    return try await visit.confirmation(
      try await taskQuestion(view, try task(visit, view), try move(visit), visit, nil))
  }

  private func taskQuestion(
    _ view: CaseView, _ task: CaseTask, _ move: (name: String, title: String), _ visit: Visit, _ refusal: Refusal?,
    typed: String = ""
  ) async throws -> Confirmation {
    var fields: [Shell.Field] = []
    switch move.name {
    case "transfer", "delegate":
      fields.append(
        Shell.Field(
          "people", "交给谁", .select("", try await people(visit)), isRequired: true, error: error("people", refusal)))
    case "add-before", "add-after":
      fields.append(
        Shell.Field(
          "people", "请谁", .checkboxes([], try await people(visit)), isRequired: true, error: error("people", refusal)))
    case "back":
      fields.append(
        Shell.Field(
          "step", "退回到", .radio("", view.steps(before: task).map { Choice($0.step, $0.label) }), isRequired: true,
          error: error("step", refusal)))
    default: break
    }
    fields.append(opinionField(isRequired: move.name == "back", typed, refusal))
    return Confirmation(
      title: "\(move.title)：\(task.label)", consequences: [CaseRoutes.consequences[move.name]].compactMap(\.self),
      fields: fields,
      errors: refusal.map { [FieldError($0.field == "opinion" ? "reason" : $0.field, $0.message)] } ?? [],
      path: "/cases/\(view.id)/tasks/\(task.number)/\(move.name)", submit: move.title,
      isDangerous: move.name == "back", cancelPath: "/cases/\(view.id)")
  }

  func moveTask(_ visit: Visit) async throws -> Response {
    try requireUser(visit)
    let task = try await cases.openWork(try visit.request.integer("id"), task: Int(try visit.request.integer("task")))
    let asked = try move(visit)
    let form = try await visit.request.body.form()
    let people = form.all("people").compactMap { Int64($0) }
    do {
      if people.isEmpty, ["transfer", "delegate", "add-before", "add-after"].contains(asked.name) {
        throw Refusal(.invalid, "task-nobody", "请选择人员。", field: "people")
      }
      let move: CaseMove
      switch asked.name {
      case "claim": move = .claim(task: task.task)
      case "release": move = .release(task: task.task)
      case "transfer": move = .transfer(task: task.task, to: people[0])
      case "delegate": move = .delegate(task: task.task, to: people[0])
      case "add-before": move = .addBefore(task: task.task, people)
      case "add-after": move = .addAfter(task: task.task, people)
      case "remove": move = .remove(task: task.task)
      case "back":
        guard let step = form.first("step"), !step.isEmpty else {
          throw Refusal(.invalid, "back-nowhere", "请选择退回到哪个环节。", field: "step")
        }
        move = .back(task: task.task, to: step)
      default: throw CaseRoutes.noTask
      }
      try await cases.move(
        task.id, move, opinion: form.first("reason"), by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .unprocessable {
      let view = try await view(visit)
      return try await visit.confirmation(
        try await taskQuestion(
          view, try self.task(visit, view), asked, visit, refusal, typed: form.first("reason") ?? ""),
        status: refusal.kind.status)
    }
    if visit.wantsJSON { return .json(["done": true]) }
    let stays = asked.name == "claim"
    return try visit.redirect(to: stays ? "/cases/\(task.id)" : "/inbox", saying: "已\(asked.title)“\(task.label)”。")
  }

  // MARK: Of a case

  func askCase(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    return try await visit.confirmation(try await caseQuestion(view, try move(visit), visit, nil))
  }

  private func caseQuestion(
    _ view: CaseView, _ move: (name: String, title: String), _ visit: Visit, _ refusal: Refusal?,
    typed: String = ""
  ) async throws -> Confirmation {
    let isApplicant = view.access == .applicant
    let title = move.name == "void" && isApplicant ? "撤销申请" : move.title
    var fields: [Shell.Field] = []
    switch move.name {
    case "copy":
      fields.append(
        Shell.Field(
          "people", "抄送给", .checkboxes([], try await people(visit)), isRequired: true, error: error("people", refusal)))
    case "supervise": fields.append(daysField("答复期限", refusal))
    case "extend":
      let unit = view.record["unit_id"].integer ?? 0
      let may = try await cases.responsibility.holders(
        of: Permission("case_work", "extend"), near: unit, limit: 50, in: store.database)
      fields.append(
        Shell.Field(
          "people", "请谁批准",
          .select(
            "",
            may.filter { $0.user != visit.principal.id }.map { Choice(String($0.user), $0.name, group: $0.unitName) }),
          isRequired: true, error: error("people", refusal)))
      fields.append(daysField("延长", refusal))
    case "reopen":
      var steps: [Choice] = []
      for step in view.instance.visits where step.state == .done {
        if !steps.contains(where: { $0.value == step.node }) {
          steps.append(Choice(step.node, view.label(of: step.node)))
        }
      }
      fields.append(
        Shell.Field("step", "从哪个环节重新办理", .radio("", steps), isRequired: true, error: error("step", refusal)))
    default: break
    }
    if move.name != "withdraw", move.name != "resume" {
      fields.append(
        opinionField(
          isRequired: ["void", "shelve", "reopen", "supervise", "extend"].contains(move.name), typed, refusal))
    }
    return Confirmation(
      title: "\(title)：\(view.item.label)", consequences: [CaseRoutes.consequences[move.name]].compactMap(\.self),
      fields: fields,
      errors: refusal.map { [FieldError($0.field == "opinion" ? "reason" : $0.field, $0.message)] } ?? [],
      path: "/cases/\(view.id)/do/\(move.name)", submit: title, isDangerous: move.name == "void",
      cancelPath: "/cases/\(view.id)")
  }

  func moveCase(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let asked = try move(visit)
    let form = try await visit.request.body.form()
    do {
      switch asked.name {
      case "urge": try await cases.urge(view.id, note: form.first("reason"), by: visit.principal)
      case "copy":
        try await cases.copy(
          view.id, to: form.all("people").compactMap { Int64($0) }, note: form.first("reason"), by: visit.principal)
      case "supervise":
        try await cases.supervise(
          view.id, note: form.first("reason") ?? "", days: form.first("days").flatMap { Int($0) } ?? 0,
          by: visit.principal)
      case "extend":
        try await cases.askExtension(
          view.id, days: form.first("days").flatMap { Int($0) } ?? 0, note: form.first("reason") ?? "",
          of: form.first("people").flatMap { Int64($0) } ?? 0, by: visit.principal)
      default:
        let move: CaseMove
        switch asked.name {
        case "withdraw":
          guard let done = view.withdrawable.first else {
            throw Refusal(.conflict, "withdraw-late", "后面的环节已经办理，不能撤回。需要时请与现在的办理人联系。")
          }
          move = .withdraw(visit: done.id)
        case "shelve": move = .shelve
        case "resume": move = .resume
        case "void": move = .void
        case "reopen":
          guard let step = form.first("step"), !step.isEmpty else {
            throw Refusal(.invalid, "reopen-nowhere", "请选择从哪个环节重新办理。", field: "step")
          }
          move = .reopen(at: step)
        default: throw Refusal(.notFound, "move-unknown", "没有这个操作。请刷新页面。")
        }
        try await cases.move(
          view.id, move, opinion: form.first("reason"), by: visit.principal, origin: visit.request.origin)
      }
    } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .unprocessable {
      return try await visit.confirmation(
        try await caseQuestion(view, asked, visit, refusal, typed: form.first("reason") ?? ""),
        status: refusal.kind.status)
    }
    if visit.wantsJSON { return .json(["done": true]) }
    return try visit.redirect(to: "/cases/\(view.id)", saying: "已\(asked.title)。")
  }

  // MARK: Requests

  /// The answer to a supervision or an extension.
  func answerRequest(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let form = try await visit.request.body.form()
    let approves = form.first("approves").flatMap { $0.isEmpty ? nil : $0 == "true" }
    do {
      try await cases.answer(
        try visit.request.integer("request"), of: view.id, approves: approves, answer: form.first("answer"),
        by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .invalid {
      return try visit.redirect(to: "/cases/\(view.id)", saying: refusal.message, tone: .danger)
    }
    return try visit.redirect(to: "/cases/\(view.id)", saying: "已答复。")
  }

  // MARK: Parts

  private func daysField(_ label: String, _ refusal: Refusal?) -> Shell.Field {
    Shell.Field(
      "days", label, .number("3", unit: "个工作日", minimum: "1", maximum: "60", step: "1"), isRequired: true,
      error: error("days", refusal))
  }

  private func opinionField(isRequired: Bool, _ typed: String, _ refusal: Refusal?) -> Shell.Field {
    // Not `opinion`: the form of the step behind a dialog has a field of that name.
    Shell.Field(
      "reason", isRequired ? "理由" : "说明", .longText(typed, rows: 3, maximum: 1000), isRequired: isRequired,
      error: error("opinion", refusal))
  }

  private func error(_ field: String, _ refusal: Refusal?) -> String? {
    refusal?.field == field ? refusal?.message : nil
  }

  /// Colleagues, those of one's own unit first, grouped by unit.
  private func people(_ visit: Visit) async throws -> [Choice] {
    guard let unit = visit.principal.unit else { return [] }
    return try await cases.responsibility.colleagues(of: unit.id, matching: "", limit: 200, in: store.database)
      .filter { $0.user != visit.principal.id }
      .map { Choice(String($0.user), $0.name, detail: $0.unitName, group: $0.unitName) }
  }
}
