import Access
import Audit
package import Connectors
import Core
import Entities
package import Files
package import HTTP
package import Site

/// The interface of shared information (数据共享接口) for keys of others: what they may use, and the records.
///
/// `GET /api/shared` lists, `POST /api/shared/{name}/query` with `{"filters": {field: text}, "limit": 20, "offset": 0}` reads,
/// `POST /api/shared/{name}/picture` with `{"filters": …, "field": "photo"}` answers the picture itself of the one record
/// that fits: conditions go into the body, since they are personal data.
package struct SharedRoutes: Sendable {
  let site: Site
  let sharing: ResourceSharing
  let files: FileStore

  package init(site: Site, sharing: ResourceSharing, files: FileStore) {
    self.site = site
    self.sharing = sharing
    self.files = files
  }

  package func register(in router: inout Router) {
    router.on(.get, "/api/shared", at: site) { visit in try await list(visit) }
    router.on(.post, "/api/shared/{name}/query", at: site) { visit in try await query(visit) }
    router.on(.post, "/api/shared/{name}/picture", at: site) { visit in try await picture(visit) }
  }

  private func list(_ visit: Visit) async throws -> Response {
    if visit.principal.kind != .key {
      throw Refusal(.forbidden, "resource-key", "共享资源用接口密钥查询。请在数据共享里提交使用申请，批准后使用密钥。")
    }
    let catalog = sharing.store.catalog
    let items = try await sharing.available(to: visit.principal).map { resource -> JSON in
      let entity = catalog.entity(resource.register)
      return [
        "name": .string(resource.name), "label": .string(resource.label),
        "share": .string(resource.share.rawValue),
        "fields": .array(
          resource.fields.compactMap { entity?.field($0) }.map {
            ["name": .string($0.name), "label": .string($0.label), "type": .string($0.type.name)]
          }),
      ]
    }
    return .json(["items": .array(items)])
  }

  private func query(_ visit: Visit) async throws -> Response {
    let body = try await visit.request.body.json()
    let filters = try SharedRoutes.filters(body)
    let (resource, records) = try await sharing.query(
      try visit.request.parameter("name"), filters: filters, limit: Int(body["limit"]?.int ?? 20),
      offset: Int(body["offset"]?.int ?? 0), by: visit.principal, origin: visit.request.origin)
    let items = records.map { record in
      JSON.object(resource.fields.map { ($0, SharedRoutes.json(record[$0])) })
    }
    return .json(["resource": .string(resource.name), "items": .array(items)])
  }

  private static func filters(_ body: JSON) throws(Refusal) -> [String: String] {
    var filters: [String: String] = [:]
    for (field, value) in body["filters"]?.object ?? [] {
      guard let text = value.string else {
        throw Refusal(.invalid, "filter-value", "条件“\(field)”应是文字。请改正后再查询。", field: field)
      }
      filters[field] = text
    }
    return filters
  }

  private func picture(_ visit: Visit) async throws -> Response {
    let body = try await visit.request.body.json()
    let key = try await sharing.picture(
      try visit.request.parameter("name"), field: body["field"]?.string ?? "", filters: try SharedRoutes.filters(body),
      by: visit.principal, origin: visit.request.origin)
    let file = try await files.find(key)
    var response = Response.stream(type: file.contentType) { writer in
      try await files.read(file) { try await writer.write($0) }
    }
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  private static func json(_ value: Value) -> JSON {
    switch value {
    case .null: .null
    case .integer(let number): .int(number)
    case .boolean(let flag): .bool(flag)
    case .list(let texts): .array(texts.map { .string($0) })
    case .geometry(let json), .json(let json): json
    default: .string(value.plainText)
    }
  }
}
