import Access
import Audit
package import Cases
import Core
import Entities
import EntitiesWeb
package import Files
package import HTTP
package import Identity
import Processes
import Shell
package import Site

/// Applications from other portals and apps (申请接口): the catalogue, an item with its form, a trial, files, handing in,
/// progress, supplements and withdrawal (C-018, C-022, C-046).
///
/// A key acts for persons whom its platform vouches for, and sees what it handed in itself. ``ApplicationDescription``
/// says it in OpenAPI; quota and log of calls are those of all keys.
package struct ApplicationInterface: Sendable {
  let site: Site
  let cases: CaseStore
  let files: FileStore
  let federation: Federation

  package init(site: Site, cases: CaseStore, files: FileStore, federation: Federation) {
    self.site = site
    self.cases = cases
    self.files = files
    self.federation = federation
  }

  var store: RecordStore { cases.store }

  /// Files of one call, in bytes.
  private static let maximumBody = 60 << 20

  package func register(in router: inout Router) {
    router.on(.get, "/api/services", at: site) { visit in try catalogue(visit) }
    router.on(.get, "/api/services/{item}", at: site) { visit in try describe(visit) }
    router.on(.post, "/api/services/{item}/preview", at: site) { visit in try await preview(visit) }
    router.on(.post, "/api/services/{item}/applications", at: site) { visit in try await submit(visit) }
    router.on(.post, "/api/application-files", maximumBody: ApplicationInterface.maximumBody, at: site) { visit in
      try await attach(visit)
    }
    router.on(.get, "/api/applications/{number}", at: site) { visit in try await progress(visit) }
    router.on(.post, "/api/applications/{number}/supplement", at: site) { visit in try await supplement(visit) }
    router.on(.post, "/api/applications/{number}/withdraw", at: site) { visit in try await withdraw(visit) }
  }

  /// - Throws: ``Refusal`` to whoever is no platform that may hand in.
  func requireRelay(_ visit: Visit) throws {
    guard visit.principal.kind == .key else {
      throw Refusal(
        visit.principal.kind == .stranger ? .unauthenticated : .forbidden, "relay-key", "申请接口用接口密钥调用。本人申请请在“办事服务”里填写。")
    }
    try visit.principal.require(Permission("case_work", "relay"), toDo: "替群众提交申请")
  }

  func item(_ visit: Visit) throws -> ServiceItem {
    try requireRelay(visit)
    guard let item = cases.services.item(try visit.request.parameter("item")), !item.isInternal else {
      throw Refusal(.notFound, "item-unknown", "没有这个事项，或它已停办。请从事项列表重新选择。")
    }
    return item
  }

  // MARK: What there is

  private func catalogue(_ visit: Visit) throws -> Response {
    try requireRelay(visit)
    let text = String((visit.request.query.first("q") ?? "").prefix(40))
    let found = cases.services.items.filter {
      !$0.isInternal && (text.isEmpty || $0.label.contains(text) || $0.guide.contains(text))
    }
    return .json(["items": .array(found.map(summary))])
  }

  private func summary(_ item: ServiceItem) -> JSON {
    [
      "code": .string(item.code), "label": .string(item.label), "category": .string(cases.category(of: item)),
      "online": .bool(item.channels.contains(.online)), "days": .int(Int64(item.limit)),
      "assurance": .string(item.assurance.rawValue), "signature": .string(item.signature.rawValue),
    ]
  }

  /// The item with the schema of what has to be filled in: preset and hidden fields are not asked for.
  private func describe(_ visit: Visit) throws -> Response {
    let item = try item(visit)
    let api = OpenAPI(catalog: store.catalog, title: "")
    guard case .object(var members) = summary(item), let form = store.catalog.entity(item.form),
      let record = store.catalog.entity(ServiceCase.entity)
    else { throw Fault("item-without-form", item.form) }
    let asked = form.fields.filter { isAsked($0) && !item.hidden.contains($0.name) && item.preset[$0.name] == nil }
    members += [
      ("guide", .string(item.guide)),
      ("delivery", .array(item.result.delivery.map { .string($0.rawValue) })),
      ("case", api.input(record.fields.filter(isCaseField), of: record)), ("form", api.input(asked, of: form)),
      (
        "materials",
        .array(
          item.materials.map { requirement in
            [
              "requirement": .string(requirement.name), "label": .string(requirement.label),
              "need": .string(requirement.need.rawValue), "medium": .string(requirement.medium.rawValue),
              "conditional": .bool(requirement.when != nil),
              "kinds": .array(
                requirement.kinds.map { kind in
                  [
                    "kind": .string(kind.name), "label": .string(kind.label), "held": .bool(kind.isHeld),
                    "issuedOn": .bool(kind.validity != nil),
                  ]
                }),
            ]
          })
      ),
    ]
    return .json(.object(members))
  }

  private func isAsked(_ field: FieldDeclaration) -> Bool { field.isStored && field.editable && !field.hidden }

  /// What is asked of every case; who applies stands in `applicant`.
  func isCaseField(_ field: FieldDeclaration) -> Bool {
    isAsked(field) && !["applicant_name", "applicant_document"].contains(field.name)
  }

  // MARK: A trial

  /// What would be wrong, and which materials are due, without handing anything in.
  private func preview(_ visit: Visit) async throws -> Response {
    let item = try item(visit)
    let sent = try ApplicationBody(try await visit.request.body.json(), item, self)
    let context = EvaluationContext(now: store.clock.now())
    let view = ApplicationView(
      item, values: sent.content.form,
      facts: CaseFacts(channel: .online, acceptedBy: nil, relation: sent.content.values["relation"]?.text),
      context: context)
    var refusals = try view.refusals()
    if let form = store.catalog.entity(item.form) {
      let attached = view.values.merging([ServiceCase.reference: .integer(0)]) { first, _ in first }
      refusals += RecordValidator(form, catalog: store.catalog).refusals(for: attached, in: context)
    }
    return .json([
      "problems": .array(
        refusals.map {
          ["code": .string($0.code), "message": .string($0.message), "field": $0.field.map { .string($0) } ?? .null]
        }),
      "materials": .array(
        try view.materials().map { ["requirement": .string($0.name), "need": .string($0.need.rawValue)] }),
    ])
  }

  // MARK: Files

  private func attach(_ visit: Visit) async throws -> Response {
    try requireRelay(visit)
    let form = try await visit.request.body.form()
    let sent = form.files("file").filter { $0.size > 0 }
    guard !sent.isEmpty, sent.count <= 20 else {
      throw Refusal(.invalid, "file-missing", "请在 file 部分上传 1 至 20 个文件（multipart/form-data）。", field: "file")
    }
    var kept: [JSON] = []
    for file in sent {
      let stored = try await files.put(
        path: file.path, name: file.filename, classification: .secret, policy: .scans, by: visit.principal)
      kept.append(["file": .string(stored.key), "name": .string(stored.name), "size": .int(stored.size)])
    }
    return .json(["files": .array(kept)], status: 201)
  }

  // MARK: Handing in

  private func submit(_ visit: Visit) async throws -> Response {
    let item = try item(visit)
    let request = TextForms.trimmed(visit.request.headers["Idempotency-Key"] ?? "")
    guard (8...100).contains(request.count), request.allSatisfy({ $0.isASCII && !$0.isWhitespace }) else {
      throw Refusal(
        .invalid, "request-number", "请在请求头 Idempotency-Key 里写上这次申请在你们系统里的编号（8 至 100 个字符）：重试时相同，就不会重复受理。",
        field: "Idempotency-Key")
    }
    let body = try await visit.request.body.json()
    let relay = CaseRelay(
      request, content: ["item": .string(item.code), "body": body], by: visit.principal, origin: visit.request.origin)
    if let known = try await cases.relayed(relay) {
      let applicant = try await federation.applicant(known.user, level: known.level)
      return .json(try await status(of: known, applicant, visit))
    }
    let sent = try ApplicationBody(body, item, self)
    let applicant = try await federation.applicant(
      try sent.applicant(), of: visit.principal, origin: visit.request.origin)
    try await files.hand(sent.content.materials.flatMap(\.files), from: visit.principal, to: applicant)
    let started = try await cases.start(
      CaseApplication(item: item.code, channel: .online, content: sent.content), by: applicant,
      origin: visit.request.origin, relay: relay)
    let known = RelayedCase(
      id: started.id, number: started.number, user: applicant.id, level: applicant.assurance)
    var response = Response.json(try await status(of: known, applicant, visit), status: 201)
    response.headers["Location"] = "/api/applications/\(started.number)"
    return response
  }

  // MARK: Afterwards

  private func own(_ visit: Visit) async throws -> (known: RelayedCase, applicant: Principal) {
    try requireRelay(visit)
    let number = try visit.request.parameter("number")
    guard number.count <= 60, number.unicodeScalars.allSatisfy({ $0.value >= 32 }) else { throw CaseStore.missing }
    let known = try await cases.relayed(number: number, by: visit.principal)
    return (known, try await federation.applicant(known.user, level: known.level))
  }

  private func progress(_ visit: Visit) async throws -> Response {
    let (known, applicant) = try await own(visit)
    return .json(try await status(of: known, applicant, visit))
  }

  private func status(of known: RelayedCase, _ applicant: Principal, _ visit: Visit) async throws -> JSON {
    CaseJSON.relayed(try await cases.view(known.id, as: applicant, origin: visit.request.origin))
  }

  private func supplement(_ visit: Visit) async throws -> Response {
    let (known, applicant) = try await own(visit)
    let view = try await cases.view(known.id, as: applicant, origin: visit.request.origin)
    guard let task = view.mine.first else {
      throw Refusal(.conflict, "supplement-none", "这件申请现在不需要补正，没有改动。请查询进度。")
    }
    let body = try await visit.request.body.json()
    let sent = try ApplicationBody(body, view.item, self)
    let work = try await cases.work(known.id, task: task.number, of: applicant)
    var errors: [FieldError] = []
    let answers = body["answers"]?.object ?? []
    let input = FormInput(
      Dictionary(answers.map { ($0.key, [$0.value.string ?? ""]) }, uniquingKeysWith: { first, _ in first }))
    let values = Answers.read(work, input, &errors)
    if let refusal = Refusal(all: errors.map { Refusal(.invalid, "form-value", $0.message, field: $0.field) }) {
      throw refusal
    }
    try await files.hand(sent.content.materials.flatMap(\.files), from: visit.principal, to: applicant)
    var content = CaseContent()
    (content.form, content.materials) = (sent.content.form, sent.content.materials)
    try await cases.move(
      known.id, .complete(task: task.number, values: values), opinion: sent.note, content: content, by: applicant,
      origin: visit.request.origin)
    return .json(try await status(of: known, applicant, visit))
  }

  private func withdraw(_ visit: Visit) async throws -> Response {
    let (known, applicant) = try await own(visit)
    let body = try await visit.request.body.json()
    try ApplicationBody.requireClean(body)
    try await cases.move(
      known.id, .void, opinion: body["reason"]?.string, by: applicant, origin: visit.request.origin)
    return .json(try await status(of: known, applicant, visit))
  }
}
