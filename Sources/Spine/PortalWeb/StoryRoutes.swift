import Access
import Core
import Documents
package import Entities
package import Files
import HTML
package import HTTP
import Shell
package import Site

/// What scan pages lead to: the history and culture of roads and areas (街巷文化, A-148).
package struct StoryRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let files: FileStore
  let limiter: RateLimiter
  let origin: String

  package init(site: Site, store: RecordStore, files: FileStore, limiter: RateLimiter, origin: String) {
    self.origin = origin
    self.site = site
    self.store = store
    self.files = files
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/culture", at: site) { visit in try await list(visit) }
    router.on(.get, "/culture/{id}", at: site) { visit in try await culture(visit) }
    router.on(.get, "/culture/{id}/photos/{number}", at: site) { visit in
      try await files.publicPicture(of: try await published(visit), visit)
    }
    router.on(.get, "/culture/{id}/qr.svg", at: site) { visit in try await qrCode(visit) }
  }

  // MARK: Culture

  private static let isPublished = ListFilter("state", .equals(.text("published")))

  private func list(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查看街巷文化")
    let text = TextForms.trimmed(String((visit.request.query.first("q") ?? "").prefix(40)))
    let found = try await store.records(as: .system).list(
      ListQuery(
        "culture_page", filters: [StoryRoutes.isPublished], search: text.isEmpty ? nil : text,
        columns: ["name", "summary", "era", "road_id", "division_code"], limit: 60))
    return try await visit.portalPage("街巷文化", note: "街巷和片区的来历、人物和故事") {
      form(.class("portal-search"), .role("search"), .action("/culture")) {
        Shell.Field("q", "查找", .text(text, .init(maximum: 40, placeholder: "例如 老街、古桥", type: "search")))
        Action("查找街巷文化", .submit(name: nil, value: nil), style: .primary)
      }
      if found.records.isEmpty {
        StateView.nothingFound(
          text.isEmpty ? "还没有发布" : "没有找到“\(text)”", "写好的街巷文化会显示在这里，也会显示在这条路的门牌扫码页面上。", clear: "/culture")
      } else {
        ul(.class("nearby")) {
          for record in found.records {
            li {
              a(.class("nearby-row"), .href("/culture/\(record.id)")) {
                Icon.leaf
                span(.class("nearby-text")) {
                  span(.class("nearby-name")) { record["name"].text ?? "" }
                  span(.class("nearby-detail")) { record["summary"].text ?? "" }
                  span(.class("nearby-detail")) { StoryRoutes.whereabouts(record) }
                }
              }
            }
          }
        }
      }
    }
  }

  private static func whereabouts(_ record: Record) -> String {
    [record.titles["road_id"], record.titles["division_code"], record["era"].text].compactMap(\.self)
      .filter { !$0.isEmpty }.joined(separator: " · ")
  }

  private func published(_ visit: Visit) async throws -> Record {
    try limiter.require(visit.request.remoteAddress, toDo: "查看")
    return try await store.shown(
      "culture_page", [StoryRoutes.isPublished],
      ["name", "summary", "content", "era", "road_id", "division_code", "photo", "caption", "reference"], visit)
  }

  private func culture(_ visit: Visit) async throws -> Response {
    let record = try await published(visit)
    return try await visit.portalPage(
      record["name"].text ?? "", note: StoryRoutes.whereabouts(record), crumbs: [Crumb("街巷文化", "/culture")]
    ) {
      publicPictures(record, "/culture/\(record.id)", record["caption"].text ?? "")
      Card(record["summary"].text) { paragraphs(record["content"].text ?? "") }
      if let reference = record["reference"].text { p(.class("field-help")) { "资料来源：\(reference)" } }
    }
  }

  /// For a sign beside the road.
  private func qrCode(_ visit: Visit) async throws -> Response {
    let record = try await published(visit)
    return .bytes(
      Array(try QRCode("\(origin)/culture/\(record.id)", level: .high).svg().utf8), type: "image/svg+xml")
  }
}
