import Access
import Core
import Documents
package import Entities
package import Files
import HTML
package import HTTP
import Shell
package import Site

/// What scan pages lead to: the history and culture of roads and areas (A-148), what merchants publish (A-089, A-149).
package struct StoryRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let files: FileStore
  let limiter: RateLimiter
  let origin: String

  /// Pictures of a page.
  static let pictures = 9

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
      try await photo(visit, try await published(visit))
    }
    router.on(.get, "/culture/{id}/qr.svg", at: site) { visit in try await qrCode(visit) }
    router.on(.get, "/offers/{id}", at: site) { visit in try await offer(visit) }
    router.on(.get, "/offers/{id}/photos/{number}", at: site) { visit in
      try await photo(visit, try await offered(visit))
    }
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

  private func one(_ entity: String, _ filters: [ListFilter], _ columns: [String], _ visit: Visit) async throws
    -> Record
  {
    try limiter.require(visit.request.remoteAddress, toDo: "查看")
    let id = try visit.request.integer("id")
    let found = try await store.records(as: .system).list(
      ListQuery(entity, filters: filters + [ListFilter("id", .equals(.integer(id)))], columns: columns, limit: 1))
    guard let record = found.records.first else {
      throw Refusal(.notFound, "story-missing", "没有找到这个页面，可能已经撤下或过期。请从门牌扫码页面重新进入。")
    }
    return record
  }

  private func published(_ visit: Visit) async throws -> Record {
    try await one(
      "culture_page", [StoryRoutes.isPublished],
      ["name", "summary", "content", "era", "road_id", "division_code", "photo", "caption", "reference"], visit)
  }

  private func culture(_ visit: Visit) async throws -> Response {
    let record = try await published(visit)
    return try await visit.portalPage(
      record["name"].text ?? "", note: StoryRoutes.whereabouts(record), crumbs: [Crumb("街巷文化", "/culture")]
    ) {
      pictures(record, "/culture/\(record.id)", record["caption"].text ?? "")
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

  // MARK: Merchants

  /// In force today, of a merchant that is still authenticated.
  private func offered(_ visit: Visit) async throws -> Record {
    let today = store.clock.today()
    let record = try await one(
      "merchant_notice",
      [
        ListFilter("state", .equals(.text("approved"))),
        ListFilter("shown_from", .range(from: nil, to: .date(today))),
        ListFilter("shown_until", .range(from: .date(today), to: nil)),
      ],
      ["title", "kind", "content", "photo", "merchant_id", "merchant_name", "address_id", "shown_from", "shown_until"],
      visit)
    let merchant = try await store.records(as: .system).get(
      "merchant", record["merchant_id"].integer ?? 0, columns: ["state"])
    guard merchant["state"].text == "approved" else {
      throw Refusal(.notFound, "story-missing", "没有找到这个页面，可能已经撤下或过期。请从门牌扫码页面重新进入。")
    }
    return record
  }

  private func offer(_ visit: Visit) async throws -> Response {
    let record = try await offered(visit)
    let merchant = try await store.records(as: .system).get(
      "merchant", record["merchant_id"].integer ?? 0, columns: ["name", "phone"])
    let address = try await store.records(as: .system).get(
      "address", record["address_id"].integer ?? 0, columns: ["code", "full_name"])
    return try await visit.portalPage(
      record["title"].text ?? "",
      note: "\(record["merchant_name"].text ?? "") · \(record.titles["kind"] ?? label(record))"
    ) {
      pictures(record, "/offers/\(record.id)", record["title"].text ?? "")
      Card("内容") { paragraphs(record["content"].text ?? "") }
      Card("商户") {
        DetailList([
          DetailItem("名称", text: merchant["name"].text),
          DetailItem(
            "电话", merchant["phone"].text.map { number in a(.href("tel:\(number)")) { number } } ?? "未登记", isCode: true),
          DetailItem(
            "地址", a(.href("/d/\(address["code"].text ?? "")")) { address["full_name"].text ?? "" }, isWide: true),
          DetailItem(
            "有效期",
            text: "\(record["shown_from"].date?.description ?? "") 至 \(record["shown_until"].date?.description ?? "")"),
        ])
      }
      p(.class("field-help")) { "由商户发布，社区审核后公开。内容不实的，请拨打 12315 或联系社区。" }
    }
  }

  private func label(_ record: Record) -> String {
    store.catalog.entity("merchant_notice")?.field("kind").map { store.catalog.text($0, of: record) } ?? ""
  }

  // MARK: Pictures

  private func pictures(_ record: Record, _ path: String, _ alternative: String) -> HTML {
    let count = min(record["photo"].list?.count ?? 0, StoryRoutes.pictures)
    return HTML {
      for number in 0..<count {
        img(.class("place-photo"), .src("\(path)/photos/\(number + 1)"), .alt(alternative), .custom("loading", "lazy"))
      }
    }
  }

  private func photo(_ visit: Visit, _ record: Record) async throws -> Response {
    let keys = record["photo"].list ?? []
    let number = try visit.request.integer("number")
    guard (1...Int64(StoryRoutes.pictures)).contains(number), keys.indices.contains(Int(number) - 1) else {
      throw Refusal(.notFound, "picture-missing", "这里没有照片。")
    }
    return try await files.publicPicture(keys[Int(number) - 1])
  }
}
