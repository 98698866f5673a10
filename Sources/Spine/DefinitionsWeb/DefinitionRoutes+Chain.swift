import Cases
import Core
import Definitions
import Entities
import HTML
import HTTP
import Processes
import SQL
import Shell
import Site

/// Designing a process step by step (审批流程设计, C-340, C-489, C-520).
extension DefinitionRoutes {
  func registerChain(in router: inout Router) {
    let base = "/designs/{kind}/{name}"
    router.on(.get, "\(base)/chain", at: site) { visit in try await chain(visit) }
    registerCalls(in: &router)
    router.on(.get, "\(base)/chain/step", at: site) { visit in try await step(visit) }
    router.on(.post, "\(base)/chain/step", at: site) { visit in try await saveStep(visit) }
    router.on(.get, "\(base)/chain/new", at: site) { visit in try await newStep(visit) }
    router.on(.post, "\(base)/chain/new", at: site) { visit in try await addStep(visit) }
    router.on(.get, "\(base)/chain/branch", at: site) { visit in try await branch(visit) }
    router.on(.post, "\(base)/chain/branch", at: site) { visit in try await addBranch(visit) }
    router.on(.get, "\(base)/chain/flow", at: site) { visit in try await flow(visit) }
    router.on(.post, "\(base)/chain/flow", at: site) { visit in try await saveFlow(visit) }
    router.on(.post, "\(base)/chain/up", at: site) { visit in
      try await change(visit, "已上移。") { definition, id in try definition.movingStep(id, up: true) }
    }
    router.on(.post, "\(base)/chain/down", at: site) { visit in
      try await change(visit, "已下移。") { definition, id in try definition.movingStep(id, up: false) }
    }
    router.on(.post, "\(base)/chain/remove", at: site) { visit in
      try await change(visit, "环节已删除。") { definition, id in try definition.removingStep(id) }
    }
    router.on(.post, "\(base)/chain/remove-flow", at: site) { visit in
      try await change(visit, "分支已删除。") { definition, id in try definition.removingFlow(id) }
    }
    router.on(.get, "\(base)/variables", at: site) { visit in try await variables(visit) }
    router.on(.post, "\(base)/variables", at: site) { visit in try await saveVariables(visit) }
    router.on(.get, "\(base)/trial", at: site) { visit in try await trial(visit) }
    router.on(.post, "\(base)/trial", at: site) { visit in try await runTrial(visit) }
  }

  /// A process with its definition.
  ///
  /// - Throws: ``Refusal`` for other kinds and for drafts that cannot be read.
  func process(_ visit: Visit) async throws -> (work: Work, definition: ProcessDefinition) {
    let work = try await work(visit)
    guard work.key.kind == .process else { throw DefinitionStore.missing }
    guard let definition = DefinitionText.process(work.text, work.key) else {
      throw Refusal(.unprocessable, "process-unreadable", "流程文件现在读不懂。请到“BPMN 文件”页改正。")
    }
    return (work, definition)
  }

  func chain(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let found = store.findings(of: work.key, work.text)
    return try await visit.page(
      "\(definition.name)：审批链", layout: .wide, crumbs: crumbs(work.key, definition.name),
      badge: badge(work.key, work.draft),
      actions: work.draft == nil ? [] : [Action("回概览试运行", .link(path(work.key)), style: .primary)],
      tabs: tabs(work.key, "chain")
    ) {
      if work.draft != nil { findings(found, of: work.key) }
      ChainPage(routes: self, work: work, definition: definition, mayEdit: mayDraft(visit)).html
    }
  }

  /// Makes a change of the structure, keeps it as the draft and shows the chain again.
  private func change(
    _ visit: Visit, _ said: String, _ make: (ProcessDefinition, String) throws -> ProcessDefinition
  ) async throws -> Response {
    let (work, definition) = try await process(visit)
    let form = try await visit.request.body.form()
    do {
      let changed = try make(definition, form.first("id") ?? "")
      try await save(changed.bpmn, work.key, form, visit)
    } catch let refusal as Refusal where refusal.code == "process-edit" || refusal.code == "process-element" {
      return try visit.redirect(to: path(work.key, "chain"), saying: refusal.message, tone: .danger)
    }
    return try visit.redirect(to: path(work.key, "chain"), saying: said)
  }

  // MARK: A step

  private func stepPage(
    _ visit: Visit, _ work: Work, _ form: StepForm, title: String, page: String, hidden: [HiddenField],
    errors: [FieldError] = []
  ) async throws -> Response {
    var form = form
    form.errors = errors
    return try await visit.page(
      title, status: errors.isEmpty ? 200 : 422,
      crumbs: crumbs(work.key, form.definition.name) + [Crumb("审批链", path(work.key, "chain"))]
    ) {
      FormView(
        path: path(work.key, page), sections: form.sections, errors: errors,
        submit: Action("保存到草稿", .submit(name: nil, value: nil), style: .primary), cancelPath: path(work.key, "chain"),
        hidden: [work.seen] + hidden, note: "草稿发布之前不影响任何人。")
    }
  }

  private func stepForm(_ definition: ProcessDefinition, _ key: DefinitionKey, typed: StepInputs, own: String?)
    async throws -> StepForm
  {
    let posts = try await store.database.query(
      "select code, name from post where code is not null order by name limit 300"
    ).map { (code: try $0.get("code", as: String.self), label: try $0.get("name", as: String.self)) }
    let forms = Set(
      cases.services.items.filter { $0.flows.contains { $0.process == key.name } }.map(\.form)
    ).sorted().compactMap { catalog.entity($0) }
    return StepForm(
      definition: definition, catalog: catalog, posts: posts, forms: forms, typed: typed, own: own)
  }

  func step(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let id = visit.request.query.first("id") ?? ""
    guard let step = definition.stepsInOrder.first(where: { $0.node.id == id }) else { throw DefinitionStore.missing }
    let form = try await stepForm(definition, work.key, typed: StepInputs(step.node.name, step.rule), own: id)
    return try await stepPage(
      visit, work, form, title: "修改环节“\(step.node.label)”", page: "chain/step", hidden: [HiddenField("id", id)])
  }

  func saveStep(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let sent = try await visit.request.body.form()
    let id = sent.first("id") ?? ""
    guard let step = definition.stepsInOrder.first(where: { $0.node.id == id }) else { throw DefinitionStore.missing }
    let typed = StepInputs(sent)
    let read = typed.read(over: definition)
    let form = try await stepForm(definition, work.key, typed: typed, own: id)
    guard let rule = read.rule else {
      return try await stepPage(
        visit, work, form, title: "修改环节“\(step.node.label)”", page: "chain/step", hidden: [HiddenField("id", id)],
        errors: read.errors)
    }
    let changed = try definition.updatingStep(id, name: typed.name, rule: rule)
    if let errors = problems(changed, at: id, work.key) {
      return try await stepPage(
        visit, work, form, title: "修改环节“\(step.node.label)”", page: "chain/step", hidden: [HiddenField("id", id)],
        errors: errors)
    }
    try await save(changed.bpmn, work.key, sent, visit)
    return try visit.redirect(to: path(work.key, "chain") + "#step-\(id)", saying: "环节“\(typed.name)”已保存到草稿。")
  }

  /// What the checks say of the element that is being edited; what is wrong elsewhere does not hold it up.
  func problems(_ definition: ProcessDefinition, at element: String, _ key: DefinitionKey) -> [FieldError]? {
    do {
      _ = try RunnableProcess(definition, calling: store.services(with: definition.bpmn, of: key).library)
      return nil
    } catch {
      let own = error.problems.filter { $0.element == element }
      return own.isEmpty ? nil : own.map { FieldError(nil, $0.message) }
    }
  }

  func newStep(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let behind = visit.request.query.first("behind") ?? ""
    guard let node = definition.node(behind) else { throw DefinitionStore.missing }
    let form = try await stepForm(definition, work.key, typed: StepInputs.blank, own: nil)
    return try await stepPage(
      visit, work, form, title: "在“\(ChainPage.name(node))”后面加环节", page: "chain/new",
      hidden: [HiddenField("behind", behind)])
  }

  func addStep(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let sent = try await visit.request.body.form()
    let behind = sent.first("behind") ?? ""
    guard let node = definition.node(behind) else { throw DefinitionStore.missing }
    let typed = StepInputs(sent)
    let read = typed.read(over: definition)
    var errors = read.errors
    if let rule = read.rule {
      do {
        let (changed, id) = try definition.insertingStep(rule, named: typed.name, behind: behind)
        if let found = problems(changed, at: id, work.key) {
          errors = found
        } else {
          try await save(changed.bpmn, work.key, sent, visit)
          return try visit.redirect(to: path(work.key, "chain") + "#step-\(id)", saying: "已加上环节“\(typed.name)”。")
        }
      } catch let refusal as Refusal where refusal.code == "process-edit" {
        errors = [FieldError(nil, refusal.message)]
      }
    }
    let form = try await stepForm(definition, work.key, typed: typed, own: nil)
    return try await stepPage(
      visit, work, form, title: "在“\(ChainPage.name(node))”后面加环节", page: "chain/new",
      hidden: [HiddenField("behind", behind)], errors: errors)
  }

  // MARK: Branches

  private func branchPage(
    _ visit: Visit, _ work: Work, _ definition: ProcessDefinition, _ form: BranchForm, page: String,
    hidden: [HiddenField], title: String, errors: [FieldError] = []
  ) async throws -> Response {
    var form = form
    form.errors = errors
    return try await visit.page(
      title, status: errors.isEmpty ? 200 : 422,
      crumbs: crumbs(work.key, definition.name) + [Crumb("审批链", path(work.key, "chain"))]
    ) {
      FormView(
        path: path(work.key, page), sections: [form.section], errors: errors,
        submit: Action("保存到草稿", .submit(name: nil, value: nil), style: .primary), cancelPath: path(work.key, "chain"),
        hidden: [work.seen] + hidden, note: "条件都不成立时，走“其余情况”的路。")
    }
  }

  func branch(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let behind = visit.request.query.first("behind") ?? ""
    guard let node = definition.node(behind) else { throw DefinitionStore.missing }
    return try await branchPage(
      visit, work, definition, BranchForm(definition, asksTarget: true), page: "chain/branch",
      hidden: [HiddenField("behind", behind)], title: "“\(node.label)”之后的分支")
  }

  func addBranch(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let sent = try await visit.request.body.form()
    let behind = sent.first("behind") ?? ""
    guard let node = definition.node(behind) else { throw DefinitionStore.missing }
    var form = BranchForm(definition, asksTarget: true)
    form.read(sent)
    var errors = form.gaps
    if errors.isEmpty {
      do {
        let changed = try definition.branching(
          behind: behind, when: form.condition, named: form.label, to: form.target)
        if let flow = changed.flows.first(where: { flow in
          !definition.flows.contains { $0.id == flow.id } && flow.condition != nil
        }),
          let found = problems(changed, at: flow.id, work.key)
        {
          errors = found
        } else {
          try await save(changed.bpmn, work.key, sent, visit)
          return try visit.redirect(to: path(work.key, "chain") + "#step-\(behind)", saying: "分支已保存到草稿。")
        }
      } catch let refusal as Refusal where refusal.code == "process-edit" {
        errors = [FieldError(nil, refusal.message)]
      }
    }
    return try await branchPage(
      visit, work, definition, form, page: "chain/branch", hidden: [HiddenField("behind", behind)],
      title: "“\(node.label)”之后的分支", errors: errors)
  }

  func flow(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    guard let flow = definition.flows.first(where: { $0.id == visit.request.query.first("id") && $0.condition != nil })
    else { throw DefinitionStore.missing }
    var form = BranchForm(definition, asksTarget: false)
    form.show(flow)
    return try await branchPage(
      visit, work, definition, form, page: "chain/flow", hidden: [HiddenField("id", flow.id)], title: "修改分支的条件")
  }

  func saveFlow(_ visit: Visit) async throws -> Response {
    let (work, definition) = try await process(visit)
    let sent = try await visit.request.body.form()
    let id = sent.first("id") ?? ""
    var form = BranchForm(definition, asksTarget: false)
    form.read(sent)
    var errors = form.gaps
    if errors.isEmpty {
      let changed = try definition.updatingFlow(id, condition: form.condition, named: form.label)
      if let found = problems(changed, at: id, work.key) {
        errors = found
      } else {
        try await save(changed.bpmn, work.key, sent, visit)
        return try visit.redirect(to: path(work.key, "chain"), saying: "条件已保存到草稿。")
      }
    }
    return try await branchPage(
      visit, work, definition, form, page: "chain/flow", hidden: [HiddenField("id", id)], title: "修改分支的条件",
      errors: errors)
  }
}
