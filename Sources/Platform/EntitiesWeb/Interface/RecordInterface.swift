import Access
import Core
package import Entities
package import HTTP
package import Site

/// The JSON interface of every declared register, described by ``OpenAPI``.
///
/// `GET /api/r/{entity}` lists with the same items as the list page, `POST` creates; `GET`, `PATCH` and `DELETE` of
/// `/api/r/{entity}/{id}` read, change and delete one record; `POST /api/r/{entity}/batch` takes over many of another
/// system. Keys and sessions see what their roles and scopes allow.
package struct RecordInterface: Sendable {
  let site: Site
  let store: RecordStore
  /// What the description says beside the registers.
  let parts: [OpenAPI.Part]

  package init(site: Site, store: RecordStore, parts: [OpenAPI.Part] = []) {
    self.site = site
    self.store = store
    self.parts = parts
  }

  package func register(in router: inout Router) {
    router.on(.get, "/api/r/{entity}", at: site) { visit in try await list(visit) }
    router.on(.post, "/api/r/{entity}", at: site) { visit in try await create(visit) }
    router.on(.post, "/api/r/{entity}/batch", at: site) { visit in try await takeOver(visit) }
    router.on(.get, "/api/r/{entity}/{id}", at: site) { visit in try await read(visit) }
    router.on(.patch, "/api/r/{entity}/{id}", at: site) { visit in try await change(visit) }
    router.on(.delete, "/api/r/{entity}/{id}", at: site) { visit in try await delete(visit) }
    router.on(.get, "/api/openapi.json", at: site) { visit in
      .json(OpenAPI(catalog: store.catalog, title: "\(site.city.name)里坊接口", parts: parts).document)
    }
  }

  func entity(_ visit: Visit, _ action: String) throws -> EntityDeclaration {
    let entity = try store.entity(try visit.request.parameter("entity"))
    try visit.principal.require(
      Permission(entity.name, action), toDo: "\(RecordRoutes.verbs[action] ?? "")\(entity.label)")
    return entity
  }

  private func form(_ entity: EntityDeclaration) -> RecordJSON { RecordJSON(entity: entity, catalog: store.catalog) }

  private func list(_ visit: Visit) async throws -> Response {
    let entity = try entity(visit, "view")
    var query = try ListQuery(
      entity, items: visit.request.query.items.map { ($0.name, $0.value) }, ignoring: ["format", "key"])
    if query.columns == nil {
      query.columns = entity.fields.filter { !$0.hidden && $0.listed }.map(\.name)
    }
    let page = try await store.records(as: visit.principal, origin: visit.request.origin).list(query)
    var members: [(key: String, value: JSON)] = [
      ("items", .array(page.records.map(form(entity).encode))), ("count", .int(Int64(page.count.value))),
      ("countIsEstimate", .bool(page.count.isEstimate)),
    ]
    if let next = page.next { members.append(("next", .string(next.text))) }
    return .json(.object(members))
  }

  private func read(_ visit: Visit) async throws -> Response {
    let entity = try entity(visit, "view")
    let record = try await store.records(as: visit.principal, origin: visit.request.origin).get(
      entity.name, try visit.recordID())
    var response = Response.json(form(entity).encode(record))
    response.headers["ETag"] = "\"\(record.version)\""
    return response
  }

  private func create(_ visit: Visit) async throws -> Response {
    let entity = try entity(visit, "create")
    let values = try form(entity).decode(try await visit.request.body.json())
    let record = try await store.records(as: visit.principal, origin: visit.request.origin).insert(entity.name, values)
    var response = Response.json(form(entity).encode(record), status: 201)
    response.headers["Location"] = "/api/r/\(entity.name)/\(record.id)"
    return response
  }

  /// The version is stated in the body (`version`) or as `If-Match`; without either the change is made to what stands.
  private func change(_ visit: Visit) async throws -> Response {
    let entity = try entity(visit, "update")
    let body = try await visit.request.body.json()
    let version = body["version"]?.int.map { Int($0) } ?? RecordInterface.version(visit)
    let values = try form(entity).decode(body)
    let record = try await store.records(as: visit.principal, origin: visit.request.origin)
      .update(entity.name, try visit.recordID(), version: version, values)
    return .json(form(entity).encode(record))
  }

  private func delete(_ visit: Visit) async throws -> Response {
    let entity = try entity(visit, "delete")
    try await store.records(as: visit.principal, origin: visit.request.origin)
      .delete(entity.name, try visit.recordID(), version: RecordInterface.version(visit))
    return .noContent
  }

  private static func version(_ visit: Visit) -> Int? {
    visit.request.headers["If-Match"].flatMap { Int($0.filter(\.isNumber)) }
  }
}
