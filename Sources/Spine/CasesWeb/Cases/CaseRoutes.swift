import Access
package import Cases
import Core
import Entities
import EntitiesWeb
package import Files
import HTML
package import HTTP
import Processes
import SQL
import Shell
package import Site

/// The page of a case and everything that can be done from it.
package struct CaseRoutes: Sendable {
  let site: Site
  let cases: CaseStore
  let files: FileStore
  let inspection: ImageInspection

  package init(site: Site, cases: CaseStore, files: FileStore, inspection: ImageInspection) {
    self.site = site
    self.cases = cases
    self.files = files
    self.inspection = inspection
  }

  var store: RecordStore { cases.store }

  package func register(in router: inout Router) {
    router.on(.get, "/cases/{id}", at: site) { visit in try await show(visit) }
    router.on(.get, "/cases/{id}/files/{key}", at: site) { visit in try await download(visit) }
    router.on(.post, "/cases/{id}/tasks/{task}", maximumBody: ServiceRoutes.maximumBody, at: site) { visit in
      try await answer(visit)
    }
    router.on(.get, "/cases/{id}/tasks/{task}/{move}", at: site) { visit in try await askTask(visit) }
    router.on(.post, "/cases/{id}/tasks/{task}/{move}", at: site) { visit in try await moveTask(visit) }
    router.on(.post, "/cases/{id}/requests/{request}", at: site) { visit in try await answerRequest(visit) }
    registerVerification(in: &router)
    registerFace(in: &router)
    registerWhereabouts(in: &router)
    registerCourier(in: &router)
    registerDocuments(in: &router)
    router.on(.get, "/cases/{id}/do/{move}", at: site) { visit in try await askCase(visit) }
    router.on(.post, "/cases/{id}/do/{move}", at: site) { visit in try await moveCase(visit) }
  }

  func requireUser(_ visit: Visit) throws(Refusal) {
    guard visit.principal.kind != .stranger else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再查看办件。")
    }
  }

  func view(_ visit: Visit) async throws -> CaseView {
    try requireUser(visit)
    return try await cases.view(
      try visit.request.integer("id"), as: visit.principal, origin: visit.request.origin)
  }

  private func show(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    if visit.wantsJSON { return .json(CaseJSON.full(view, catalog: store.catalog)) }
    return try await page(view, visit)
  }

  func page(
    _ view: CaseView, _ visit: Visit, typed: FormInput? = nil, errors: [FieldError] = [], status: Int = 200
  ) async throws -> Response {
    let divisions = try await store.records(as: visit.principal, origin: visit.request.origin).divisionNames()
    let page = CasePage(
      view: view, catalog: store.catalog, calendar: cases.calendar, divisions: divisions,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal), typed: typed, errors: errors,
      files: try await present(view, typed, visit),
      orders: CourierDirection.allCases.filter { cases.mayOrder($0, in: view) },
      mayWitness: cases.mayWitness(view, visit.principal), mayCompare: cases.mayCompare(view, visit.principal),
      mayPrint: visit.principal.may(Permission("paper", "print")), may: { visit.principal.may($0) })
    let takesFiles = view.mine.contains { view.rule(of: $0.step)?.edits.contains(.materials) == true }
    let bridge = takesFiles && visit.principal.unit != nil ? try DeviceBridge(cases.parameters) : nil
    let response = try await visit.page(
      view.item.label, status: status, layout: .wide, crumbs: page.crumbs, badge: page.badge, subtitle: page.subtitle,
      actions: page.actions, moreActions: page.moreActions, scripts: bridge == nil ? [] : [.bridge]
    ) {
      if let bridge { bridge.marker() }
      page.content
    }
    return bridge?.admitted(by: response) ?? response
  }

  /// The files that each requirement has, for a step in which materials may be changed.
  private func present(_ view: CaseView, _ typed: FormInput?, _ visit: Visit) async throws
    -> [String: [Control.PresentFile]]
  {
    guard view.mine.contains(where: { view.rule(of: $0.step)?.edits.contains(.materials) == true }) else { return [:] }
    var present: [String: [Control.PresentFile]] = [:]
    for requirement in view.item.materials {
      let record = view.materials.first { $0["requirement"].text == requirement.name }
      let keys = typed?.texts["material.\(requirement.name).keep"] ?? record?["files"].list ?? []
      for key in keys {
        guard let file = try? await files.find(key) else { continue }
        let isHere = record?["files"].list?.contains(key) == true
        guard isHere || file.createdBy == visit.principal.actor else { continue }
        present[requirement.name, default: []].append(
          Control.PresentFile(
            id: key, name: file.name, path: isHere ? "/cases/\(view.id)/files/\(key)" : "/files/\(key)",
            detail: await inspection.detail(of: file)))
      }
    }
    return present
  }

  // MARK: Files

  private func download(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let key = try visit.request.parameter("key")
    let holds = view.materials.contains { $0["files"].list?.contains(key) == true && !$0.masked.contains("files") }
    let isSigned = view.signatures.contains { $0.picture == key || $0.sheet == key }
    guard holds || isSigned else {
      throw Refusal(.notFound, "file-missing", "没有找到这个文件，或您现在没有这件事的办理任务，不能查看材料。")
    }
    guard view.access == .applicant || !view.mine.isEmpty else {
      throw Refusal(.forbidden, "file-original", "调阅只能在线查看，不能下载原件。请打开办件的“材料影像”。")
    }
    _ = try await cases.openFile(key, of: view.id, .original, as: visit.principal, origin: visit.request.origin)
    let file = try await files.find(key)
    let files = files
    var response = Response.stream(type: file.contentType) { writer in
      try await files.read(file) { try await writer.write($0) }
    }
    if !file.contentType.hasPrefix("image/") { response.attach(as: file.name) }
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }

  // MARK: Answering

  private func answer(_ visit: Visit) async throws -> Response {
    try requireUser(visit)
    let number = Int(try visit.request.integer("task"))
    let work = try await cases.work(
      try visit.request.integer("id"), task: number, of: visit.principal)
    let form = try await visit.request.body.form()
    if !work.rule.editsContent || work.kind != .own { return try await answerAlone(work, form, visit) }
    let view = try await view(visit)
    var texts = Dictionary(form.fields.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 })
    guard let task = view.mine.first(where: { $0.number == number }), let rule = view.rule(of: task.step) else {
      throw Refusal(.conflict, "task-not-open", "这项任务已经办过、收回或由别人办理，您的操作没有保存。请刷新待办后查看。")
    }
    let services = ServiceRoutes(site: site, cases: cases, files: files, inspection: inspection)
    var errors: [FieldError] = []
    if rule.edits.contains(.materials) {
      let kept = try await services.keepFiles(form, view.item, visit)
      texts.merge(kept.texts) { _, new in new }
      errors += kept.errors
    }
    let input = FormInput(texts)
    if form.first("_refresh") != nil { return try await page(view, visit, typed: input, errors: errors) }
    var content = CaseContent()
    if rule.editsContent, task.kind == .own {
      let divisions = try await store.records(as: visit.principal, origin: visit.request.origin).divisionNames()
      var application = ApplicationForm(
        view.item, catalog: store.catalog,
        context: EvaluationContext(now: store.clock.now(), principal: visit.principal), divisions: divisions,
        facts: CasePage.facts(of: view), typed: rule.editsForm ? input : CasePage.typed(view))
      application.restrict(to: rule)
      if rule.editsForm {
        let read = application.content(from: FormData(fields: QueryItems(input), files: []))
        errors += read.errors
        content.form = read.content.form.filter { $0.value != view.form?[$0.key] ?? .null }
      }
      if rule.edits.contains(.materials) {
        content.materials = services.materials(application.requirements, input, .window)
          .filter { CasePage.handed($0.requirement, in: view) != $0 }
      }
    }
    let values = Answers.read(work, input, &errors)
    guard errors.isEmpty else { return try await page(view, visit, typed: input, errors: errors, status: 422) }
    do {
      try await cases.move(
        view.id, .complete(task: number, values: values), opinion: form.first("opinion"), content: content,
        by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) {
      let all = [FieldError](refusal)
      return try await page(view, visit, typed: input, errors: all, status: refusal.kind.status)
    }
    if view.access == .applicant, !content.isEmpty, !visit.wantsJSON {
      let now = try await self.view(visit)
      if now.isSignable, now.awaitsSignature || now.signatures.first?.verdict.holds == false {
        return try visit.redirect(
          to: "/cases/\(view.id)/sign",
          saying: now.awaitsSignature
            ? "已提交补正，还差一步：请核对后\(now.signatures.isEmpty ? "" : "重新")签名，没有签名不能批准。"
            : "已提交补正。上次签名后申请内容有改动，可以核对后重新签名；这件事不签名也能办。", tone: .info)
      }
    }
    return try answered(work, form, visit)
  }

  /// An answer that changes neither form nor materials.
  private func answerAlone(_ work: CaseWork, _ form: FormData, _ visit: Visit) async throws -> Response {
    let input = FormInput(form)
    var errors: [FieldError] = []
    let values = Answers.read(work, input, &errors)
    var status = 422
    if errors.isEmpty {
      do {
        try await cases.move(
          work.id, .complete(task: work.task, values: values), opinion: form.first("opinion"), by: visit.principal,
          origin: visit.request.origin)
        return try answered(work, form, visit)
      } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) {
        if visit.wantsJSON { throw refusal }
        status = refusal.kind.status
        errors = [FieldError](refusal)
      }
    }
    if visit.wantsJSON,
      let refusal = Refusal(all: errors.map { Refusal(.invalid, "form-value", $0.message, field: $0.field) })
    {
      throw refusal
    }
    return try await page(try await view(visit), visit, typed: input, errors: errors, status: status)
  }

  private func answered(_ work: CaseWork, _ form: FormData, _ visit: Visit) throws -> Response {
    if visit.wantsJSON { return .json(["done": true]) }
    let back = form.first("return") == "inbox" ? "/inbox" : "/cases/\(work.id)"
    return try visit.redirect(to: back, saying: "已办理“\(work.label)”。")
  }
}

/// The variables that a step asks for, as they were typed.
enum Answers {
  static func read(_ work: CaseWork, _ input: FormInput, _ errors: inout [FieldError]) -> [String: Value] {
    guard work.kind == .own else { return [:] }
    var values: [String: Value] = [:]
    for asked in work.rule.inputs {
      guard let variable = work.process.definition.variables.first(where: { $0.name == asked.variable }) else {
        continue
      }
      let text = input.first(asked.variable)
      if text.isEmpty {
        if asked.isRequired { errors.append(FieldError(asked.variable, "还没有填写“\(variable.label)”。请填写后再提交。")) }
        continue
      }
      guard let value = variable.kind.value(of: String(text.prefix(200))) else {
        errors.append(FieldError(asked.variable, "“\(variable.label)”的内容“\(text.prefix(20))”读不懂。请改正。"))
        continue
      }
      values[asked.variable] = value
    }
    return values
  }
}
