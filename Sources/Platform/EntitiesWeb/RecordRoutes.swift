import Access
import Core
package import Entities
import HTML
package import HTTP
import Shell
package import Site

/// The pages that every declared register has: list, panel and page of a record, history, forms, actions.
package struct RecordRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let files: FieldFiles

  package init(site: Site, store: RecordStore, files: FieldFiles) {
    self.site = site
    self.store = store
    self.files = files
  }

  package func register(in router: inout Router) {
    router.on(.get, "/r/{entity}", at: site) { visit in try await list(visit) }
    router.on(.get, "/r/{entity}/pick", at: site) { visit in try await pick(visit) }
    router.on(.get, RecordRoutes.divisionPicker, at: site) { visit in try await pickDivision(visit) }
    router.on(.get, "/r/{entity}/statistics", at: site) { visit in try await statistics(visit) }
    router.on(.get, "/r/{entity}/statistics/export", at: site) { visit in try await exportStatistics(visit) }
    router.on(.post, "/r/{entity}/columns", at: site) { visit in try await columns(visit) }
    router.on(.post, "/r/{entity}/batch", at: site) { visit in try await batch(visit) }
    router.on(.get, "/r/{entity}/new", at: site) { visit in try await form(visit, id: nil) }
    router.on(.post, "/r/{entity}/new", maximumBody: FieldFiles.maximumBody, at: site) { visit in
      try await save(visit, id: nil)
    }
    router.on(.get, "/r/{entity}/{id}", at: site) { visit in try await detail(visit) }
    router.on(.get, "/r/{entity}/{id}/history", at: site) { visit in try await history(visit) }
    router.on(.get, "/r/{entity}/{id}/why", at: site) { visit in try await why(visit) }
    router.on(.get, "/r/{entity}/{id}/edit", at: site) { visit in try await form(visit, id: visit.recordID()) }
    router.on(.post, "/r/{entity}/{id}/edit", maximumBody: FieldFiles.maximumBody, at: site) { visit in
      try await save(visit, id: visit.recordID())
    }
    router.on(.get, "/r/{entity}/{id}/reveal", at: site) { visit in try await askReveal(visit) }
    router.on(.post, "/r/{entity}/{id}/reveal", at: site) { visit in try await reveal(visit) }
    router.on(.get, "/r/{entity}/{id}/related/{name}", at: site) { visit in try await related(visit) }
    router.on(.get, "/r/{entity}/{id}/related/{name}/reveal", at: site) { visit in try await askRevealRelated(visit) }
    router.on(.post, "/r/{entity}/{id}/related/{name}/reveal", at: site) { visit in try await revealRelated(visit) }
    router.on(.get, "/r/{entity}/{id}/delete", at: site) { visit in try await askDelete(visit) }
    router.on(.post, "/r/{entity}/{id}/delete", at: site) { visit in try await delete(visit) }
    router.on(.get, "/r/{entity}/{id}/do/{action}", at: site) { visit in try await askAction(visit) }
    router.on(.post, "/r/{entity}/{id}/do/{action}", maximumBody: FieldFiles.maximumBody, at: site) { visit in
      try await perform(visit)
    }
  }

  // MARK: What all of them need

  /// The register a path names; one that the principal may not even view looks like one that does not exist only to
  /// strangers, who are asked to sign in.
  func register(_ visit: Visit, to action: String = "view") throws -> Register {
    let entity = try store.entity(try visit.request.parameter("entity"))
    let what = RecordRoutes.verbs[action] ?? "处理"
    try visit.principal.require(Permission(entity.name, action), toDo: "\(what)\(entity.label)")
    return self.register(entity, visit)
  }

  func register(_ entity: EntityDeclaration, _ visit: Visit) -> Register {
    Register(
      entity, catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal), divisions: store.divisionNames)
  }

  static let verbs = [
    "view": "查看", "create": "新建", "update": "修改", "delete": "删除", "import": "导入", "export": "导出",
    "history": "查看历史版本：", "reveal": "查看完整信息：",
  ]

  // MARK: Lists

  private func list(_ visit: Visit) async throws -> Response {
    var register = try register(visit)
    let entity = register.entity
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let address = try ListAddress(
      entity, remembering(visit, entity), divisions: try await records.divisionNames())
    var query = address.query
    if let tree = entity.list.tree { query.columns = (query.columns ?? entity.list.columns) + [tree] }
    let page = try await records.list(query)
    for filter in address.query.filters {
      guard let field = entity.field(filter.field), let target = field.target,
        case .equals(.integer(let id)) = filter.test
      else { continue }
      register.titles[field.name] = try await records.titles(target, [id])[id]
    }
    return try await ListPage(register: register, address: address, page: page, visit: visit, panel: nil).response()
  }

  /// The items of a list's address, with the columns that the person once chose unless the address names some.
  func remembering(_ visit: Visit, _ entity: EntityDeclaration) -> QueryItems {
    let items = visit.request.query
    // A prepared query says itself what it shows.
    let isPrepared = items.first("view").flatMap { entity.list.query($0) } != nil
    guard !items.contains("columns"), !isPrepared, let kept = visit.request.cookies["columns-\(entity.name)"] else {
      return items
    }
    let names = kept.split(separator: ".").map(String.init).filter { entity.field($0)?.hidden == false }
    return names.isEmpty ? items : items.setting("columns", to: names.joined(separator: ","))
  }

  /// What a reference picker offers: `{"items":[{"id","label"}]}`.
  private func pick(_ visit: Visit) async throws -> Response {
    let entity = try register(visit).entity
    let text = String((visit.request.query.first("q") ?? "").prefix(60))
    let found = try await store.records(as: visit.principal, origin: visit.request.origin).suggest(entity.name, text)
    return .json([
      "items": .array(found.map { ["value": .string(String($0.id)), "label": .string($0.title)] })
    ])
  }

  /// The picker of divisions, which are public.
  static let divisionPicker = "/divisions/pick"

  private func pickDivision(_ visit: Visit) async throws -> Response {
    let names = try await store.records(as: visit.principal, origin: visit.request.origin).divisionNames()
    let found = names.suggest(String((visit.request.query.first("q") ?? "").prefix(60)))
    return .json([
      "items": .array(
        found.map { ["value": .string($0.code), "label": .string($0.path), "detail": .string($0.code)] })
    ])
  }

  /// Remembers which columns a person wants to see, in a cookie of that list.
  private func columns(_ visit: Visit) async throws -> Response {
    let entity = try register(visit).entity
    let form = try await visit.request.body.form()
    let chosen = form.all("column").filter { entity.field($0)?.hidden == false }
    var response = try visit.redirect(to: "/r/\(entity.name)")
    response.setCookie(
      try site.cookie("columns-\(entity.name)", chosen.joined(separator: "."), maxAge: 365 * 86400))
    return response
  }

  // MARK: One record

  private func detail(_ visit: Visit) async throws -> Response {
    let register = try register(visit)
    let entity = register.entity
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    var asOf: Instant?
    if let text = visit.request.query.first("at") {
      guard let instant = Instant(text) ?? CivilDate(text)?.start else {
        throw Refusal(.invalid, "query-value", "时间写作 2026-01-01 或 2026-01-01T08:00。", field: "at")
      }
      asOf = instant
    }
    let id = try visit.recordID()
    let record = try await records.get(entity.name, id, asOf: asOf)
    let isWhole = !visit.wantsFragment && asOf == nil
    let related = isWhole ? try await relatedTables(of: record, register, records, visit) : []
    return try await DetailPage(register: register, record: record, visit: visit, related: related, asOf: asOf)
      .response()
  }

  private func history(_ visit: Visit) async throws -> Response {
    let register = try register(visit, to: "history")
    let entity = register.entity
    let id = try visit.recordID()
    let versions = try await store.records(as: visit.principal, origin: visit.request.origin).versions(entity.name, id)
    let display = FieldDisplay(catalog: register.catalog)
    var entries: [Timeline.Entry] = []
    for (index, version) in versions.enumerated() {
      let before = index + 1 < versions.count ? versions[index + 1].record : nil
      let changed = entity.fields.filter { field in
        field.isStored && !field.hidden && before.map { $0[field.name] != version.record[field.name] } ?? false
      }
      let who = try await store.actorName(version.record.updatedBy, store.database) ?? "系统"
      let title = before == nil ? "新建" : version.ending == .deleted ? "删除" : "第 \(version.record.version) 版"
      entries.append(
        Timeline.Entry(
          title, who: who, time: version.validFrom.display, state: version.ending == .current ? .current : .done
        ) {
          if !changed.isEmpty {
            DetailList(
              changed.map { field in
                let old = before.map { display.text(field, of: $0) } ?? ""
                let new = display.text(field, of: version.record)
                return DetailItem(field.label, text: "\(old.isEmpty ? "未填写" : old) → \(new.isEmpty ? "未填写" : new)")
              }, isCompact: true)
          }
          p {
            a(.href("/r/\(entity.name)/\(id)?at=\(PercentEncoding.encode(version.validFrom.iso8601))")) { "看那时的全部内容" }
          }
        })
    }
    let title = versions.first.map { register.title(of: $0.record) } ?? entity.label
    return try await visit.page(
      "历史版本", crumbs: [Crumb(entity.label, "/r/\(entity.name)"), Crumb(title, "/r/\(entity.name)/\(id)")],
      subtitle: title
    ) { Card { Timeline(entries) } }
  }

  /// "Why can I see this row?": which roles' grants reach the record, and by which part of their scope.
  private func why(_ visit: Visit) async throws -> Response {
    let register = try register(visit)
    let id = try visit.recordID()
    let reasons = try await store.records(as: visit.principal, origin: visit.request.origin).explain(
      register.entity.name, id)
    let title = "为什么我能看到这条\(register.entity.label)"
    let list = ul(.class("consequences")) { for reason in reasons { li { reason } } }
    if visit.wantsFragment {
      return try visit.html(
        Fragment(visit: try await visit.frame()) {
          h2(.id("dialog-title"), .class("dialog-title")) { title }
          list
        }.render())
    }
    return try await visit.page(
      title,
      crumbs: [
        Crumb(register.entity.label, "/r/\(register.entity.name)"),
        Crumb("记录 \(id)", "/r/\(register.entity.name)/\(id)"),
      ]
    ) { Card { list } }
  }
}

extension Visit {
  /// The record id in the path; anything but a number is no record.
  func recordID() throws -> Int64 { try request.integer("id") }
}
