import Access
import Cases
import Core
import Entities
import EntitiesWeb
import HTML
import Processes
import Shell
import Site

/// The page of a case: its state in one line, what I can do now, what was handed in, how it has gone and what comes next.
struct CasePage {
  let view: CaseView
  let catalog: Catalog
  let calendar: WorkCalendar
  let divisions: DivisionNames
  let context: EvaluationContext
  let typed: FormInput?
  let errors: [FieldError]
  let files: [String: [Control.PresentFile]]
  /// The parcels that the reader may order now.
  let orders: [CourierDirection]
  /// Whether the reader may take the applicant's signature.
  var mayWitness = false
  /// Whether the reader may compare the applicant's face (人像比对).
  var mayCompare = false
  /// Whether the reader may print what the case resulted in.
  var mayPrint = false
  /// What the reader may do elsewhere.
  var may: @Sendable (Permission) -> Bool = { _ in false }

  private var record: Record { view.record }
  private var isApplicant: Bool { view.access == .applicant }
  private var state: String { record["state"].text ?? "" }
  private var isOver: Bool { view.instance.state == .finished || view.instance.state == .void }

  // MARK: Heading

  var crumbs: [Crumb] { isApplicant ? [Crumb("我的办件", "/inbox?box=started")] : [Crumb("待办", "/inbox")] }

  var badge: Badge { CasePage.badge(state, catalog) }

  static func badge(_ state: String, _ catalog: Catalog) -> Badge {
    let tone: Tone =
      switch state {
      case "active": .info
      case "supplement", "shelved": .warning
      case "completed": .success
      case "refused", "void": .danger
      default: .neutral
      }
    return Badge(catalog.dictionary("case_state")?.label(of: state) ?? state, tone)
  }

  var subtitle: String {
    var parts = [record["number"].text ?? ""]
    if let step = record["step"].text, !isOver { parts.append("正在\(step)") }
    if let due = record["due_at"].instant, !isOver { parts.append("承诺 \(due.display) 前办结") }
    if let at = record["finished_at"].instant { parts.append("\(at.display) 结束") }
    return parts.joined(separator: " · ")
  }

  var actions: [Action] {
    var actions: [Action] = []
    if let task = view.mine.first, errors.isEmpty {
      actions.append(Action("办理：\(task.label)", .link("#handle"), style: .primary))
      if task.isPooled, task.user == nil { actions.append(post("签收", task, "claim")) }
    }
    if isApplicant { actions += signatureActions }
    if isApplicant, view.instance.state == .running {
      actions.append(Action("催办", .post("/cases/\(view.id)/do/urge", [])))
    }
    if isApplicant, view.instance.state == .finished, !view.item.isInternal {
      actions.append(Action("评价", .link("/cases/\(view.id)/evaluation")))
      if state == "completed", let number = record["number"].text {
        actions.append(Action("结果有误，申请纠错", .link("/services/hukou_correction/apply?old=\(number)"), style: .quiet))
      }
    }
    return actions
  }

  private func post(_ label: String, _ task: CaseTask, _ move: String) -> Action {
    Action(label, .post("/cases/\(view.id)/tasks/\(task.number)/\(move)", []))
  }

  private func dialog(_ label: String, _ move: String) -> Action {
    Action(label, .dialog("/cases/\(view.id)/do/\(move)"), style: .quiet)
  }

  var moreActions: [Action] {
    var actions: [Action] = []
    if let task = view.mine.first {
      let base = "/cases/\(view.id)/tasks/\(task.number)"
      if !view.steps(before: task).isEmpty { actions.append(Action("退回", .dialog("\(base)/back"), style: .quiet)) }
      if task.kind == .own, !isApplicant {
        for (label, move) in [("转办", "transfer"), ("委派", "delegate"), ("前加签", "add-before"), ("后加签", "add-after")] {
          actions.append(Action(label, .dialog("\(base)/\(move)"), style: .quiet))
        }
        if task.isPooled, task.user != nil { actions.append(post("放回", task, "release")) }
        actions.append(dialog("申请延期", "extend"))
      }
    }
    if !view.withdrawable.isEmpty { actions.append(dialog("撤回", "withdraw")) }
    if view.instance.state == .running, view.controls.contains("urge") { actions.append(dialog("催办", "urge")) }
    if view.instance.state == .running, view.controls.contains("supervise") {
      actions.append(dialog("督办", "supervise"))
    }
    if !isApplicant { actions.append(dialog("抄送", "copy")) }
    if hidesFiles { actions.append(readAction) }
    if !isApplicant { actions += signatureActions }
    if mayCompare { actions.append(Action("人像比对", .link("/cases/\(view.id)/face"), style: .quiet, icon: .camera)) }
    if view.controls.contains("shelve") {
      if view.instance.state == .running { actions.append(dialog("挂账", "shelve")) }
      if view.instance.state == .shelved { actions.append(dialog("恢复办理", "resume")) }
    }
    if !isOver, view.controls.contains("void") || isApplicant {
      actions.append(dialog(isApplicant ? "撤销申请" : "作废", "void"))
    }
    if view.instance.state == .finished, view.controls.contains("reopen") { actions.append(dialog("重开", "reopen")) }
    actions += documentActions
    actions.append(Action("打印", .print, style: .quiet, icon: .print))
    return actions
  }

  // MARK: Content

  var content: HTML {
    HTML {
      alerts
      if let notice { notice }
      if let signatureNotice { signatureNotice }
      div(.class("case"), .class(isApplicant ? "is-own" : nil)) { columns }
    }
  }

  private var columns: HTML {
    HTML {
      Columns {
        if let task = view.mine.first { handle(task) }
        documentCard
        application
        materialCard
        Card("流程") {
          ProcessFigures(view.process, marks: marks, notes: notes)
        }
      } side: {
        requestCard
        signatureCard
        courierCard
        Card("办理过程") { Timeline(timeline) }
        parties
      }
    }
  }

  private var notice: Notice? {
    switch state {
    case "supplement" where isApplicant:
      let asked = view.shownEvents.last { $0.opinion != nil && $0.action != "urge" }
      return Notice(.warning, "需要您补正：\(asked?.opinion ?? "请按要求补充材料")。补正期间不计办理时间。")
    case "refused":
      return Notice(
        .danger, "不予办理：\(view.shownEvents.last { $0.opinion != nil && $0.action != "urge" }?.opinion ?? "见办理过程")")
    case "shelved":
      return Notice(.warning, "已挂账，暂停计时：\(view.shownEvents.last { $0.action == "shelve" }?.opinion ?? "")")
    case "completed" where isApplicant:
      if let number = record["courier_number"].text { return Notice(.success, "已办结，结果已寄出，快递单号 \(number)。") }
      return Notice(.success, "已办结。\(view.item.result.document.map { "请凭身份证件领取\($0)。" } ?? "")")
    default: return nil
    }
  }

  // MARK: Handling

  /// What the form of a supplement starts with: what the case has.
  static func typed(_ view: CaseView) -> FormInput {
    var texts: [String: [String]] = [:]
    for (name, value) in view.form?.values ?? [:] {
      texts[name] = value.list ?? (value.isNull ? [] : [FieldControl.editText(value)])
    }
    for material in view.materials {
      let name = "material.\(material["requirement"].text ?? "")"
      texts["\(name).kind"] = [material["material"].text ?? ""]
      texts["\(name).way"] = [material["state"].text ?? ""]
      texts["\(name).keep"] = material["files"].list ?? []
      texts["\(name).issued"] = [material["issued_on"].date?.description ?? ""]
    }
    return FormInput(texts)
  }

  static func handed(_ requirement: String, in view: CaseView) -> HandedMaterial? {
    guard let record = view.materials.first(where: { $0["requirement"].text == requirement }) else { return nil }
    return HandedMaterial(
      requirement: requirement, kind: record["material"].text ?? "",
      way: HandedMaterial.Way(rawValue: record["state"].text ?? "") ?? .files, files: record["files"].list ?? [],
      issuedOn: record["issued_on"].date)
  }

  static func facts(of view: CaseView) -> CaseFacts {
    CaseFacts(
      channel: view.record["channel"].text.flatMap { CaseChannel(rawValue: $0) } ?? .online,
      acceptedBy: view.instance.variables["accepted_by"]?.text, relation: view.record["relation"].text)
  }

  private func handle(_ task: CaseTask) -> HTML {
    let rule = view.rule(of: task.step)
    var sections: [Shell.FormSection] = []
    if task.kind == .own, let rule, rule.editsContent {
      var form = ApplicationForm(
        view.item, catalog: catalog, context: context, divisions: divisions, facts: CasePage.facts(of: view),
        typed: typed ?? CasePage.typed(view), errors: errors, files: files)
      form.restrict(to: rule)
      sections += form.sections.filter { section in
        section.id == "materials" ? rule.edits.contains(.materials) : rule.editsForm
      }
    }
    let isEditing = !sections.isEmpty
    sections.append(Shell.FormSection(id: "answer", task.label, fields: answerFields(task, rule)))
    return div(.id("handle"), .class("handle")) {
      FormView(
        path: "/cases/\(view.id)/tasks/\(task.number)", sections: sections, errors: errors,
        submit: Action(isApplicant ? "提交补正" : "提交", .submit(name: nil, value: nil), style: .primary),
        cancelPath: nil, isMultipart: isEditing, note: dueNote(task))
    }
  }

  private func dueNote(_ task: CaseTask) -> String? {
    guard let due = task.dueAt else { return nil }
    return switch calendar.light(due: due, started: task.askedAt, now: context.now) {
    case .red: "已超过本环节时限（\(due.display)）"
    case .amber: "本环节即将到期：\(due.display)"
    case .green: "本环节 \(due.display) 前办理"
    }
  }

  private func answerFields(_ task: CaseTask, _ rule: StepRule?) -> [Shell.Field] {
    var fields: [Shell.Field] = []
    let byField = Dictionary(
      errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    for asked in task.kind == .own ? rule?.inputs ?? [] : [] {
      guard let variable = view.process.definition.variables.first(where: { $0.name == asked.variable }) else {
        continue
      }
      let text = typed?.first(variable.name) ?? offered(variable.name)
      let control: Control =
        switch variable.kind {
        case _ where !variable.choices.isEmpty && variable.choices.count <= 5:
          .radio(text, variable.choices.map { Choice($0.value, $0.label, detail: $0.needsOpinion ? "须说明理由" : nil) })
        case _ where !variable.choices.isEmpty: .select(text, variable.choices.map { Choice($0.value, $0.label) })
        case .boolean: .radio(text, [Choice("true", "是"), Choice("false", "否")])
        case .date: .date(text)
        case .integer, .decimal: .number(text)
        case .text: .text(text, .init(maximum: 100))
        }
      fields.append(
        Shell.Field(
          variable.name, variable.label, control, isRequired: asked.isRequired, error: byField[variable.name]))
    }
    fields.append(
      Shell.Field(
        "opinion", isApplicant ? "说明" : "意见", .longText(typed?.first("opinion") ?? "", rows: 2, maximum: 1000),
        help: isApplicant ? nil : "退回补正、不予办理时申请人会看到。", error: byField["opinion"]))
    return fields
  }

  // MARK: What was handed in

  private var application: HTML {
    Card("申请内容", actions: formLinks) { answers }.html
  }

  /// What was filled in, by sections.
  var answers: HTML {
    let display = FieldDisplay(catalog: catalog)
    return HTML {
      for section in formSections {
        h3(.class("detail-group")) { section.label }
        DetailList(
          section.fields.map { field in
            display.detail(field, of: section.record, mayReveal: false)
          })
      }
    }
  }

  private var requestCard: HTML {
    if view.requests.isEmpty { return .empty }
    return Card("督办和延期", count: .exact(view.requests.count)) {
      for request in view.requests { self.request(request) }
    }.html
  }

  private func request(_ request: CaseRequest) -> HTML {
    div(.class("request")) {
      p(.class("material-name")) {
        strong { request.days.map { "\(request.kind.label) \($0) 个工作日" } ?? request.kind.label }
        " "
        Badge(request.state.label, request.state == .open ? .warning : .neutral)
      }
      p { request.note }
      p(.class("field-help")) {
        "\(request.asker) · \(request.askedAt.display)"
        if let due = request.dueAt, request.state == .open { "，请在 \(due.display) 前答复" }
      }
      if let answer = request.answer { p(.class("moment-opinion")) { "\(request.answerer ?? "")：\(answer)" } }
      if request.isMine { answerForm(request) }
    }
  }

  private func answerForm(_ request: CaseRequest) -> HTML {
    form(.method(.post), .action("/cases/\(view.id)/requests/\(request.id)")) {
      formTokenField()
      if request.kind == .extension_ {
        Shell.Field("approves", "批复", .radio("", [Choice("true", "同意"), Choice("false", "不同意")]), isRequired: true)
      }
      Shell.Field(
        "answer", request.kind == .extension_ ? "说明" : "答复", .longText("", rows: 2, maximum: 1000),
        isRequired: request.kind == .supervision)
      Action("提交答复", .submit(name: nil, value: nil), style: .primary)
    }
  }

  private var parties: HTML {
    Card("受理") {
      DetailList(
        [
          DetailItem("受理单位", text: record.titles["unit_id"]),
          DetailItem("受理渠道", text: record.titles["channel"]),
          DetailItem("申请时间", text: record["submitted_at"].instant?.display, isCode: true),
          DetailItem("流程", text: view.process.definition.name),
        ], isCompact: true)
    }.html
  }

  // MARK: The way

  private var marks: [String: ProcessDiagram.Mark] {
    var marks: [String: ProcessDiagram.Mark] = [:]
    marks[view.process.start.id] = .done
    let calls = view.instance.calls.map { (node: $0.node, state: $0.state) }
    for (node, state) in calls + view.instance.visits.map({ (node: $0.node, state: $0.state) }) {
      switch state {
      case .open: marks[node] = .current
      case .done: marks[node] = .done
      case .returned, .withdrawn: if marks[node] != .current { marks[node] = .returned }
      case .timedOut, .cancelled, .superseded: if marks[node] == nil { marks[node] = .skipped }
      }
    }
    for call in view.instance.calls {
      let scope = call.node + String(CallPath.mark)
      let starts = view.process.definition.nodes.filter { $0.kind == .start && $0.id.hasPrefix(scope) }
      if let start = starts.min(by: { $0.id.count < $1.id.count }) { marks[start.id] = .done }
    }
    return marks
  }

  private var notes: [String: String] {
    var notes: [String: String] = [:]
    for task in view.tasks {
      if task.state == .done, let at = task.doneAt {
        notes[task.step] = "\(isApplicant ? "" : task.holder + " ")\(at.display.dropFirst(5))"
      }
    }
    return notes
  }

  private var timeline: [Timeline.Entry] {
    var entries: [Timeline.Entry] = []
    for task in view.tasks where task.state == .open && !isOver {
      let light = task.dueAt.map { calendar.light(due: $0, started: task.askedAt, now: context.now) }
      let who = isApplicant && task.user != nil && task.isPooled ? record.titles["unit_id"] ?? "" : task.holder
      entries.append(
        Timeline.Entry(
          task.label, who: who, time: task.dueAt.map { "\($0.display) 前" },
          tone: light == .red ? .danger : light == .amber ? .warning : .neutral,
          badge: task.urgedAt == nil ? Badge("现在", .info) : Badge("已催办", .warning), state: .current))
    }
    for event in view.shownEvents.reversed() {
      var title = event.step.map { "\($0)：\(event.result ?? event.label)" } ?? event.title
      if let target = event.target { title += "（\(target)）" }
      let who =
        isApplicant ? event.unit ?? event.actor : [event.actor, event.unit].compactMap(\.self).joined(separator: " · ")
      entries.append(
        Timeline.Entry(title, who: who, time: event.at.display) {
          if let opinion = event.opinion { p(.class("moment-opinion")) { opinion } }
        })
    }
    return entries
  }
}
