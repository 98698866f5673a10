import Access
import Core
package import Entities
package import HTTP
package import Site

/// Every register with a place as a collection of OGC API – Features – Part 1: Core (OGC 17-069r4), in GeoJSON.
///
/// A collection shows what the same person or key sees on the list page: `<entity>.view` with its data scope, masked
/// values masked. Coordinates are longitude and latitude (CRS84).
package struct FeatureRoutes: Sendable {
  let site: Site
  let store: RecordStore
  /// What stands before every path in links, such as `https://city.example`; `nil` is what the request asked for.
  let publicOrigin: String?

  /// Where the landing page is.
  package static let base = "/api/features"

  package init(site: Site, store: RecordStore, publicOrigin: String? = nil) {
    self.site = site
    self.store = store
    self.publicOrigin = publicOrigin
  }

  package func register(in router: inout Router) {
    let base = FeatureRoutes.base
    router.on(.get, base, at: site) { visit in try landing(visit) }
    router.on(.get, "\(base)/conformance", at: site) { visit in try conformance(visit) }
    router.on(.get, "\(base)/collections", at: site) { visit in try collections(visit) }
    router.on(.get, "\(base)/collections/{id}", at: site) { visit in try collection(visit) }
    router.on(.get, "\(base)/collections/{id}/items", at: site) { visit in try await items(visit) }
    router.on(.get, "\(base)/collections/{id}/items/{feature}", at: site) { visit in try await item(visit) }
  }

  // MARK: What all of them need

  /// `https://city.example/api/features`.
  func root(_ visit: Visit) -> String {
    if let publicOrigin { return publicOrigin + FeatureRoutes.base }
    guard let host = visit.request.headers["Host"], !host.isEmpty else { return FeatureRoutes.base }
    return "\(visit.request.isSecure ? "https" : "http")://\(host)\(FeatureRoutes.base)"
  }

  /// The registers with a place that the principal may view.
  private func collections(of principal: Principal) -> [FeatureCollection] {
    store.catalog.entities.compactMap { entity in
      principal.may(Permission(entity.name, "view")) ? FeatureCollection(entity) : nil
    }
  }

  private func requireCollection(_ visit: Visit) throws -> FeatureCollection {
    let name = try visit.request.parameter("id")
    guard let entity = store.catalog.entity(name), let collection = FeatureCollection(entity) else {
      throw Refusal(
        .notFound, "collection-unknown", "没有名为“\(name.prefix(60))”的要素集。可用的要素集见 \(FeatureRoutes.base)/collections。")
    }
    try visit.principal.require(Permission(name, "view"), toDo: "查看\(entity.label)")
    return collection
  }

  /// Refuses what the interface does not describe (17-069r4 §7.9, `/req/core/query-param-unknown`) and formats other
  /// than the one there is.
  static func check(_ query: QueryItems, allowed: Set<String> = []) throws(Refusal) {
    for item in query.items where item.name != "f" && !allowed.contains(item.name) {
      throw Refusal(
        .invalid, "query-unknown", "不认识的参数“\(item.name.prefix(60))”。可用的参数见接口说明 /api/openapi.json。", field: item.name)
    }
    if let format = query.first("f"), !["json", "geojson"].contains(format) {
      throw Refusal(.invalid, "query-value", "参数 f 只能是 json。", field: "f")
    }
  }

  static func link(_ href: String, _ relation: String, _ title: String, type: String = "application/json") -> JSON {
    ["href": .string(href), "rel": .string(relation), "type": .string(type), "title": .string(title)]
  }

  static let geoJSON = "application/geo+json"

  // MARK: About the interface

  private func landing(_ visit: Visit) throws -> Response {
    try FeatureRoutes.check(visit.request.query)
    let root = root(visit)
    let description = root.dropLast(FeatureRoutes.base.utf8.count) + "/api/openapi.json"
    return .json([
      "title": .string("\(site.city.name)里坊地理要素"),
      "description": "有位置的登记表，按登录者或密钥的权限、数据范围和数据级别给出。",
      "links": [
        FeatureRoutes.link(root, "self", "本页"),
        FeatureRoutes.link(
          String(description), "service-desc", "接口说明", type: "application/vnd.oai.openapi+json;version=3.1"),
        FeatureRoutes.link("\(root)/conformance", "conformance", "符合的标准"),
        FeatureRoutes.link("\(root)/collections", "data", "要素集"),
      ],
    ])
  }

  private func conformance(_ visit: Visit) throws -> Response {
    try FeatureRoutes.check(visit.request.query)
    let classes = ["core", "geojson"].map { "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/\($0)" }
    return .json(["conformsTo": .array(classes.map { .string($0) })])
  }

  private func collections(_ visit: Visit) throws -> Response {
    try FeatureRoutes.check(visit.request.query)
    let root = root(visit)
    let collections = collections(of: visit.principal)
    return .json([
      "links": [FeatureRoutes.link("\(root)/collections", "self", "要素集")],
      "collections": .array(collections.map { $0.description(root: root) }),
    ])
  }

  private func collection(_ visit: Visit) throws -> Response {
    let collection = try requireCollection(visit)
    try FeatureRoutes.check(visit.request.query)
    return .json(collection.description(root: root(visit)))
  }

  // MARK: Features

  private func items(_ visit: Visit) async throws -> Response {
    let collection = try requireCollection(visit)
    let asked = visit.request.query
    try FeatureRoutes.check(asked, allowed: collection.parameterNames)
    let query = try collection.query(asked)
    let page = try await store.records(as: visit.principal, origin: visit.request.origin).list(query)
    let path = "\(root(visit))/collections/\(collection.entity.name)"
    func address(_ items: QueryItems) -> String {
      items.isEmpty ? "\(path)/items" : "\(path)/items?\(items.encoded)"
    }
    var links = [
      FeatureRoutes.link(address(asked), "self", "本页", type: FeatureRoutes.geoJSON),
      FeatureRoutes.link(path, "collection", collection.entity.label),
    ]
    if let next = page.next {
      let following = asked.setting(FeatureCollection.cursorName, to: next.text)
      links.append(FeatureRoutes.link(address(following), "next", "下一页", type: FeatureRoutes.geoJSON))
    }
    var members: [(key: String, value: JSON)] = [
      ("type", "FeatureCollection"), ("timeStamp", .string(store.clock.now().iso8601)),
      ("numberReturned", .int(Int64(page.records.count))),
    ]
    // An estimate is no number matched; the standard lets a server leave it out (/req/core/fc-numberMatched).
    if !page.count.isEstimate { members.append(("numberMatched", .int(Int64(page.count.value)))) }
    members.append(("links", .array(links)))
    members.append(("features", .array(page.records.map { collection.feature($0) })))
    return geoJSON(.object(members))
  }

  private func item(_ visit: Visit) async throws -> Response {
    let collection = try requireCollection(visit)
    try FeatureRoutes.check(visit.request.query)
    let id = try visit.request.integer("feature")
    let record = try await store.records(as: visit.principal, origin: visit.request.origin)
      .get(collection.entity.name, id, columns: collection.columns)
    let path = "\(root(visit))/collections/\(collection.entity.name)"
    let links: JSON = [
      FeatureRoutes.link("\(path)/items/\(id)", "self", "本要素", type: FeatureRoutes.geoJSON),
      FeatureRoutes.link(path, "collection", collection.entity.label),
    ]
    guard case .object(let members) = collection.feature(record) else { return .noContent }
    var response = geoJSON(.object(members + [("links", links)]))
    response.headers["ETag"] = "\"\(record.version)\""
    return response
  }

  private func geoJSON(_ document: JSON) -> Response {
    var response = Response.json(document)
    response.headers["Content-Type"] = FeatureRoutes.geoJSON
    return response
  }
}
