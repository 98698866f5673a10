import Access
import Core
package import Entities
import HTML
package import HTTP
import SQL
import Shell
package import Site

/// 收藏: addresses that a signed-in person keeps at hand; nobody else sees them (A-088).
package struct Favourites: Sendable {
  static let entity = "address_favourite"

  /// More than a list is good for.
  package static let limit = 100

  let store: RecordStore

  package init(store: RecordStore) { self.store = store }

  private func own(_ visit: Visit) -> Records {
    store.records(
      as: visit.principal.entrusted(with: [Favourites.entity], scope: .own), purpose: "本人收藏",
      origin: visit.request.origin)
  }

  private func mine(_ visit: Visit, _ filters: [ListFilter] = []) async throws -> [Record] {
    try await own(visit).list(
      ListQuery(
        Favourites.entity, filters: [ListFilter("user_id", .equals(.integer(visit.principal.id)))] + filters,
        columns: ["address_id", "label", "added_at"], limit: Favourites.limit)
    ).records
  }

  /// What the scan page offers: keeping the address or taking it off; a stranger the way to signing in.
  func control(for visit: Visit, at address: Int64, code: String) async throws -> HTML? {
    switch visit.principal.kind {
    case .user: break
    case .stranger:
      return p(.class("keeping")) {
        a(.href("/sign-in?return=\(PercentEncoding.encode("/d/\(code)"))")) { "登录后可以收藏这个地址" }
      }
    default: return nil
    }
    if let kept = try await mine(visit, [ListFilter("address_id", .equals(.integer(address)))]).first {
      return div(.class("keeping")) {
        span { kept["label"].text.map { "已收藏：\($0)" } ?? "已收藏" }
        Action("取消收藏", .post("/favourites/\(kept.id)/remove", [HiddenField("code", code)]), style: .quiet)
        a(.href("/favourites")) { "我的收藏" }
      }
    }
    return form(.class("keeping"), .method(.post), .action("/d/\(code)/favourite")) {
      formTokenField()
      Shell.Field("label", "收藏备注", .text("", .init(maximum: 20, placeholder: "例如 家、公司，可以不填")))
      Action("收藏这个地址", .submit(name: nil, value: nil), icon: .save)
    }
  }
}

/// Its pages.
package struct FavouriteRoutes: Sendable {
  let site: Site
  let favourites: Favourites
  let places: PlaceSearch

  package init(site: Site, store: RecordStore, places: PlaceSearch) {
    self.site = site
    self.places = places
    favourites = Favourites(store: store)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/favourites", at: site) { visit in try await list(visit) }
    router.on(.post, "/d/{code}/favourite", at: site) { visit in try await add(visit) }
    router.on(.post, "/favourites/{id}/remove", at: site) { visit in try await remove(visit) }
  }

  private func list(_ visit: Visit) async throws -> Response {
    try Favourites.require(visit)
    let kept = try await favourites.all(visit)
    if visit.wantsJSON {
      return .json([
        "items": .array(
          kept.map {
            ["id": .int($0.id), "code": .string($0.code), "fullName": .string($0.name), "label": .string($0.label)]
          })
      ])
    }
    return try await visit.page("收藏的地址", subtitle: "只有您自己看得到") {
      if kept.isEmpty {
        StateView.empty("还没有收藏", "扫门牌二维码，在地址页点“收藏这个地址”，以后从这里直接打开。", icon: .save)
      } else {
        Card("收藏的地址", count: .exact(kept.count)) {
          ul(.class("plain-list")) {
            for item in kept {
              li(.class("keeping")) {
                a(.href("/d/\(item.code)")) { item.label.isEmpty ? item.name : "\(item.label)：\(item.name)" }
                Action("取消收藏", .post("/favourites/\(item.id)/remove", []), style: .quiet)
              }
            }
          }
        }
      }
    }
  }

  private func add(_ visit: Visit) async throws -> Response {
    try Favourites.require(visit)
    let code = try visit.request.parameter("code")
    guard let address = try await places.address(String(code.prefix(32))) else {
      throw Refusal(.notFound, "address-unknown", "没有编码为“\(code.prefix(32))”的地址，没有收藏。")
    }
    let label = TextForms.trimmed(String((try await visit.request.body.form().first("label") ?? "").prefix(20)))
    try await favourites.keep(address, label: label, visit)
    return try visit.redirect(to: "/d/\(code)", saying: "已收藏。在“收藏的地址”里可以直接打开。")
  }

  private func remove(_ visit: Visit) async throws -> Response {
    try Favourites.require(visit)
    try await favourites.remove(try visit.request.integer("id"), visit)
    let code = try await visit.request.body.form().first("code") ?? ""
    let isCode =
      !code.isEmpty && code.utf8.count <= 32 && code.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    return try visit.redirect(to: isCode ? "/d/\(code)" : "/favourites", saying: "已取消收藏。")
  }
}

extension Favourites {
  static func require(_ visit: Visit) throws(Refusal) {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再收藏地址。")
    }
  }

  struct Kept {
    let id: Int64
    let code: String
    let name: String
    let label: String
  }

  /// The newest first; addresses that are gone are not listed.
  func all(_ visit: Visit) async throws -> [Kept] {
    let records = try await mine(visit)
    let addresses = records.compactMap { $0["address_id"].integer }
    let rows = try await store.database.query(
      "select id, code, full_name from address where id = any(\(addresses)) and status <> 'cancelled'")
    var known: [Int64: (code: String, name: String)] = [:]
    for row in rows { known[try row.get("id")] = (try row.get("code"), try row.get("full_name")) }
    return records.compactMap { record in
      guard let address = record["address_id"].integer.flatMap({ known[$0] }) else { return nil }
      return Kept(id: record.id, code: address.code, name: address.name, label: record["label"].text ?? "")
    }
  }

  /// Keeping what is kept already changes nothing.
  ///
  /// - Throws: ``Refusal`` `favourites-full`.
  func keep(_ address: PlaceSearch.Place, label: String, _ visit: Visit) async throws {
    let kept = try await mine(visit)
    if kept.contains(where: { $0["address_id"].integer == address.id }) { return }
    guard kept.count < Favourites.limit else {
      throw Refusal(.conflict, "favourites-full", "已经收藏了 \(kept.count) 个地址，没有再收藏。请先取消几个不用的。")
    }
    try await own(visit).insert(
      Favourites.entity,
      [
        "user_id": .integer(visit.principal.id), "address_id": .integer(address.id),
        "label": label.isEmpty ? .null : .text(label),
      ], input: .code)
  }

  func remove(_ id: Int64, _ visit: Visit) async throws {
    try await own(visit).delete(Favourites.entity, id, version: nil)
  }
}
