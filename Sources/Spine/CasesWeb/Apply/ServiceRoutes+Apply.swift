import Access
import Cases
import Core
import Entities
import EntitiesWeb
import Files
import HTML
import HTTP
import Identity
import SQL
import Shell
import Site

/// Filling in an application: prefilled, kept as it grows, and handed in.
extension ServiceRoutes {
  private func channel(_ visit: Visit, _ item: ServiceItem) throws(Refusal) -> CaseChannel {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再申请。")
    }
    if mayAccept(visit), item.channels.contains(.window) { return .window }
    guard item.channels.contains(.online) else {
      throw Refusal(.unprocessable, "item-channel", "“\(item.label)”只能到窗口办理。请带齐材料到就近的户籍窗口。")
    }
    if let refusal = item.assuranceRefusal(visit.principal.assurance) { throw refusal }
    return .online
  }

  func begin(_ visit: Visit) async throws -> Response {
    let item = try item(visit)
    let channel = try channel(visit, item)
    var texts: [String: [String]] = [:]
    var sources: [String: String] = [:]
    if channel == .online, let known = try await prefill(visit) {
      for (name, text) in known { texts[name] = [text] }
      for name in known.keys { sources[name] = name == "recipient_address" ? "来自您的账号" : "来自您的实名登记" }
    }
    if channel == .online {
      for (name, text) in try await vouched(visit) {
        texts[name] = [text]
        sources[name] = "来自您的实名认证"
      }
    }
    if let change = visit.request.query.first("change") { texts["change_number"] = [String(change.prefix(20))] }
    if let old = visit.request.query.first("old") { texts["old_number"] = [String(old.prefix(40))] }
    texts["relation"] = texts["relation"] ?? ["self"]
    let defaults = try defaults(of: item, visit)
    texts.merge(defaults) { known, _ in known }
    if let draft = try await cases.draft(of: item.code, by: visit.principal) {
      for (name, value) in draft.object ?? [] { texts[name] = (value.array ?? []).compactMap(\.string) }
    }
    return try await page(visit, item, channel, FormInput(texts), errors: [], sources: sources)
  }

  private func defaults(of item: ServiceItem, _ visit: Visit) throws -> [String: [String]] {
    guard let form = store.catalog.entity(item.form) else { return [:] }
    let values = try RecordValidator(form, catalog: store.catalog).defaults(
      in: EvaluationContext(now: store.clock.now(), principal: visit.principal))
    return values.mapValues { [FieldControl.editText($0)] }
  }

  /// What the register knows of the applicant.
  private func prefill(_ visit: Visit) async throws -> [String: String]? {
    let records = store.records(as: .system, purpose: "本人申请预填", origin: visit.request.origin)
    return try await store.database.transaction { transaction -> [String: String]? in
      guard let real = try await RealName.of(user: visit.principal.id, in: transaction) else { return nil }
      let person = try await records.within(transaction).get(
        "person", real.person, columns: ["name", "resident_id", "phone", "division_code"])
      var known: [String: String] = [:]
      for (field, source) in [
        ("applicant_name", "name"), ("applicant_document", "resident_id"), ("applicant_phone", "phone"),
        ("division_code", "division_code"),
      ] { if let text = person[source].text, !text.isEmpty { known[field] = text } }
      let account = try await records.within(transaction).get(
        "app_user", visit.principal.id, columns: ["contact_address"])
      if let address = account["contact_address"].text { known["recipient_address"] = address }
      return known
    }
  }

  /// Who the applicant is, when a provider of identities has vouched for it: nobody applies under another name then.
  func vouched(_ visit: Visit) async throws -> [String: String] {
    guard visit.principal.assurance >= .realName else { return [:] }
    let query = ListQuery(
      IdentityProvider.binding, filters: [ListFilter("user_id", .equals(.integer(visit.principal.id)))],
      sort: [ListView.Sort(field: "bound_at", descending: true)], columns: ["name", "resident_id"], limit: 1)
    let records = store.records(as: .system, purpose: "本人申请", origin: visit.request.origin)
    guard let binding = try await records.list(query).records.first else { return [:] }
    var known: [String: String] = [:]
    for (field, source) in [("applicant_name", "name"), ("applicant_document", "resident_id")] {
      if let text = binding[source].text, !text.isEmpty { known[field] = text }
    }
    return known
  }

  func submit(_ visit: Visit) async throws -> Response {
    let item = try item(visit)
    let channel = try channel(visit, item)
    let form = try await visit.request.body.form()
    var texts = Dictionary(form.fields.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 })
    let kept = try await keepFiles(form, item, visit)
    texts.merge(kept.texts) { _, new in new }
    for name in ["_refresh", "_csrf", "_draft", "_fill"] { texts[name] = nil }
    texts = texts.filter { !$0.key.hasPrefix(CardReading.prefix) }
    texts.merge(try defaults(of: item, visit)) { sent, _ in sent }
    if channel == .online { for (name, text) in try await vouched(visit) { texts[name] = [text] } }
    let input = FormInput(texts)
    if let asked = form.first("_fill"), let requirement = Licences.requirement(asked, of: item) {
      guard channel == .online else {
        throw Refusal(.unprocessable, "licence-window", "窗口请核对原件或扫描上传；电子证照由申请人在网上申请时自己调用。")
      }
      // Whatever becomes of it, nothing typed is lost.
      try await keepDraft(input, item, visit)
      let fetched = try await fetchLicence(requirement, item, input, visit)
      try await keepDraft(fetched.input, item, visit)
      return try await page(
        visit, item, channel, fetched.input, errors: kept.errors + fetched.errors,
        status: fetched.errors.isEmpty ? 200 : 422)
    }
    if let asked = form.first("_fill") {
      var owner: String?
      if channel == .online {
        owner = try await prefill(visit)?["applicant_document"]
        guard owner != nil else {
          throw Refusal(.forbidden, "fill-unnamed", "带入证件信息需要先实名登记。您可以手工填写，或到窗口办理。")
        }
      }
      let filled =
        asked == CardReading.fill && channel == .window
        ? try await fillCard(form, item, input.texts, visit)
        : try await fill(asked, item, input.texts, owner: owner, visit)
      let input = FormInput(filled.texts)
      try await keepDraft(input, item, visit)
      return try await page(
        visit, item, channel, input, errors: kept.errors + filled.errors, sources: filled.sources,
        status: filled.errors.isEmpty ? 200 : 422)
    }
    let refreshes = form.first("_refresh") != nil
    if refreshes || form.first("_draft") != nil {
      try await keepDraft(input, item, visit)
      if refreshes || !kept.errors.isEmpty {
        return try await page(
          visit, item, channel, input, errors: kept.errors, status: kept.errors.isEmpty ? 200 : 422)
      }
      if visit.request.headers["X-Autosave"] != nil { return Response(status: 204) }
      return try visit.redirect(to: "/services", saying: "已暂存“\(item.label)”，可以随时回来继续填写。")
    }
    let application = try await filled(visit, item, channel, input)
    var (content, errors) = application.content(from: FormData(fields: QueryItems(input), files: []))
    content.materials = materials(application.requirements, input, channel)
    errors += kept.errors
    do {
      let started = try await cases.start(
        CaseApplication(item: item.code, channel: channel, content: content),
        faults: errors.map { Refusal(.invalid, "form-value", $0.message, field: $0.field) }, by: visit.principal,
        origin: visit.request.origin)
      let doubtful = await inspection.doubts(about: content.materials, of: item)
      let signs = channel == .online && item.signature == .required
      return try visit.redirect(
        to: signs ? "/cases/\(started.id)/sign" : "/cases/\(started.id)",
        saying: (signs
          ? "已提交，受理编号 \(started.number)。还差一步：请核对申请表并签名，没有签名不能批准。"
          : channel == .online
            ? "已提交，受理编号 \(started.number)。办理进度可以在“我的办件”里看到。" : "已受理，受理编号 \(started.number)。")
          + (doubtful.map { "请留意：\($0)" } ?? ""), tone: doubtful == nil ? .success : .warning)
    } catch let refusal as Refusal where [.invalid, .unprocessable, .conflict, .tooLarge].contains(refusal.kind) {
      try await keepDraft(input, item, visit)
      let all = [FieldError](refusal)
      return try await page(visit, item, channel, input, errors: all, status: refusal.kind.status)
    }
  }

  // MARK: Parts

  private func keepDraft(_ input: FormInput, _ item: ServiceItem, _ visit: Visit) async throws {
    let kept = input.texts.sorted { $0.key < $1.key }.map { ($0.key, JSON.array($0.value.map { .string($0) })) }
    try await cases.keepDraft(.object(kept), of: item.code, by: visit.principal)
    let keys = input.texts.filter { $0.key.hasPrefix("material.") && $0.key.hasSuffix(".keep") }.values.joined()
    try await files.renew(Array(keys), by: visit.principal)
  }

  /// Puts what was sent into the file store at once, so that no error ever asks for it again.
  ///
  /// - Returns: what the form says of its files now, and what was wrong with some.
  func keepFiles(_ form: FormData, _ item: ServiceItem, _ visit: Visit) async throws -> (
    texts: [String: [String]], errors: [FieldError]
  ) {
    var texts: [String: [String]] = [:]
    var errors: [FieldError] = []
    for requirement in item.materials {
      let name = "material.\(requirement.name)"
      let removed = Set(form.all("\(name).remove"))
      var kept = form.all("\(name).keep").filter { !removed.contains($0) }
      for file in form.files(name) where file.size > 0 {
        do {
          let stored = try await files.put(
            path: file.path, name: file.filename, classification: .secret, policy: .scans,
            by: visit.principal)
          kept.append(stored.key)
          // Whoever sends a file means to hand it in.
          texts["\(name).way"] = [HandedMaterial.Way.files.rawValue]
        } catch let refusal as Refusal {
          errors.append(FieldError(name, "“\(requirement.label)”：\(refusal.message)"))
        }
      }
      if !kept.isEmpty || !removed.isEmpty {
        texts["\(name).keep"] = Array(kept.prefix(40))
        texts["\(name).remove"] = []
      }
    }
    return (texts, errors)
  }

  func materials(_ requirements: [MaterialRequirement], _ input: FormInput, _ channel: CaseChannel) -> [HandedMaterial]
  {
    requirements.compactMap { requirement in
      let name = "material.\(requirement.name)"
      let keys = input.texts["\(name).keep"] ?? []
      let field = MaterialField(
        requirement: requirement, typed: input,
        files: keys.map { Control.PresentFile(id: $0, name: "", path: "", detail: "") }, error: nil, channel: channel)
      let kind = requirement.kinds.first { $0.name == input.first("\(name).kind") } ?? requirement.kinds[0]
      let way = field.chosen
      if way == .files, keys.isEmpty { return nil }
      return HandedMaterial(
        requirement: requirement.name, kind: kind.name, way: way, files: way == .files ? keys : [],
        issuedOn: kind.validity == nil ? nil : CivilDate(input.first("\(name).issued")),
        licence: way == .files
          ? Licences.kept(of: requirement, input).flatMap { keys.contains($0.key) ? $0.licence : nil } : nil)
    }
  }

  func filled(
    _ visit: Visit, _ item: ServiceItem, _ channel: CaseChannel, _ input: FormInput, errors: [FieldError] = [],
    files: [String: [Control.PresentFile]] = [:]
  ) async throws -> ApplicationForm {
    let divisions = try await store.records(as: visit.principal, origin: visit.request.origin).divisionNames()
    return ApplicationForm(
      item, catalog: store.catalog, context: EvaluationContext(now: store.clock.now(), principal: visit.principal),
      divisions: divisions,
      facts: CaseFacts(channel: channel, acceptedBy: nil, relation: input.texts["relation"]?.first), typed: input,
      errors: errors, files: files)
  }

  /// The files behind the keys of a form, as far as they are the visitor's.
  func present(_ input: FormInput, _ item: ServiceItem, _ visit: Visit) async throws -> [String: [Control.PresentFile]]
  {
    var present: [String: [Control.PresentFile]] = [:]
    for requirement in item.materials {
      for key in input.texts["material.\(requirement.name).keep"] ?? [] {
        guard let file = try? await files.find(key), file.createdBy == visit.principal.actor else { continue }
        present[requirement.name, default: []].append(
          Control.PresentFile(
            id: key, name: file.name, path: "/files/\(key)", detail: await inspection.detail(of: file)))
      }
    }
    return present
  }

  private func page(
    _ visit: Visit, _ item: ServiceItem, _ channel: CaseChannel, _ input: FormInput, errors: [FieldError],
    sources: [String: String] = [:], status: Int = 200
  ) async throws -> Response {
    var form = try await filled(
      visit, item, channel, input, errors: errors, files: try await present(input, item, visit))
    form.sources = sources
    if channel == .online, cases.hasLicences {
      form.licences = visit.principal.assurance >= .face ? .open : .needFace
      form.vouchedDocument = try await vouched(visit)["applicant_document"]
    }
    let path = "/services/\(item.code)/apply"
    let bridge = channel == .window ? try DeviceBridge(cases.parameters) : nil
    let response = try await visit.page(
      "\(channel == .window ? "受理" : "申请")：\(item.label)", status: status,
      crumbs: [Crumb("办事服务", "/services"), Crumb(item.label, "/services/\(item.code)")],
      subtitle: item.limit == 1 ? "材料齐全当场办结" : "承诺 \(item.limit) 个工作日办结",
      scripts: bridge == nil ? [] : [.bridge]
    ) {
      if let bridge { bridge.marker(cards: cardFields(item).map(\.name)) }
      FormView(
        path: path, sections: form.sections, errors: errors,
        submit: Action(channel == .window ? "受理并提交" : "提交申请", .submit(name: nil, value: nil), style: .primary),
        others: fillActions(item, channel) + [
          Action("暂存", .submit(name: "_draft", value: "1"), takesIncomplete: true)
        ],
        cancelPath: "/services/\(item.code)", isMultipart: true, note: "填写的内容会自动暂存，加密保存。", savesItself: true,
        refreshes: true)
    }
    return bridge?.admitted(by: response) ?? response
  }
}
