import Access
import Core
import Documents
package import HTTP
import HTML
import Shell
package import Site

/// 一号查询: everything by one number — an address code, a plate number or the words of an address.
package struct LookupRoutes: Sendable {
  let site: Site
  let places: PlaceSearch
  /// Shared with the scan page, so that nobody goes through the codes here instead.
  let limiter: RateLimiter
  /// Of looking for plates by their words, by network address: slower than by code, of which one holds the plate.
  let searching: RateLimiter

  package init(site: Site, places: PlaceSearch, limiter: RateLimiter, searching: RateLimiter) {
    self.searching = searching
    self.site = site
    self.limiter = limiter
    self.places = places
  }

  package func register(in router: inout Router) {
    router.on(.get, "/lookup", at: site) { visit in try await lookup(visit) }
  }

  /// By code, or by road and number: names and codes of plates, each leading to its public page.
  private func stranger(_ text: String, _ visit: Visit) async throws -> Response {
    if !text.isEmpty { try searching.require(visit.request.remoteAddress, toDo: "查找门牌") }
    let found = try await places.plates(text)
    if visit.wantsJSON {
      return .json([
        "items": .array(found.map { ["fullName": .string($0.title), "code": .string($0.detail)] })
      ])
    }
    let page = PublicPage(title: "一号查询", visit: try await visit.frame()) {
      PublicHeading("一号查询", note: "输入门牌二维码下方的编码，或路名和门牌号")
      form(.class("public-lookup"), .role("search"), .action("/lookup")) {
        Shell.Field("q", "编码或门牌", .text(text, .init(maximum: 60, placeholder: "例如 朝阳中路 18 号", type: "search")))
        Action("查询", .submit(name: nil, value: nil), style: .primary)
      }
      if !found.isEmpty {
        PublicSection("找到的门牌") {
          ul(.class("nearby")) {
            for place in found {
              li {
                a(.class("nearby-row"), .href(place.path)) {
                  Icon.address
                  span(.class("nearby-text")) {
                    span(.class("nearby-name")) { place.title }
                    span(.class("nearby-detail number")) { place.detail }
                  }
                }
              }
            }
          }
          if found.count == 10 { p(.class("field-help")) { "先列出 10 个，请把街道、门牌号写完整些。" } }
        }
      } else if !text.isEmpty {
        Notice(.warning, title: text.allSatisfy(\.isASCII) ? "没有编码为“\(text)”的地址" : "没有找到“\(text)”") {
          "请写路名和门牌号，例如“朝阳中路 18 号”，或核对门牌二维码下方的编码；仍找不到请联系社区。"
        }
      }
    }
    return try visit.html(page.render(), status: found.isEmpty && !text.isEmpty ? 404 : 200)
  }

  private func lookup(_ visit: Visit) async throws -> Response {
    if visit.principal.kind == .stranger { try limiter.require(visit.request.remoteAddress, toDo: "查询") }
    let query = visit.request.query
    let text = String((query.first("code") ?? query.first("q") ?? "").prefix(60))
    let code = text.filter { !$0.isWhitespace }
    if !code.isEmpty, try await places.address(code) != nil {
      return .redirect(to: "/d/\(PercentEncoding.encode(code))")
    }
    if visit.principal.kind == .stranger {
      return try await stranger(text, visit)
    }
    let found = try await places.find(text, for: visit.principal)
    let rows = found.map { place in
      TableRow(
        id: place.detail, name: place.title, path: "/d/\(place.detail)",
        cells: [.text(place.title), .text(place.detail)])
    }
    return try await visit.page("一号查询", subtitle: "输入门牌编码、门牌号或地址，查看该处的公共信息和您有权看到的工作信息") {
      FilterBar(path: "/lookup", search: .init(value: text, hint: "门牌编码、门牌号、地址"), basic: [])
      if !text.isEmpty || !rows.isEmpty {
        DataTable(
          caption: "查到的地址", columns: [Column("地址", .wide), Column("编码", .code)], rows: rows, opensPanel: false,
          empty: .nothingFound("没有找到“\(text)”", "换一个说法，或去掉省市区名称再试。", clear: "/lookup"))
      } else {
        StateView.empty("扫一扫，或输入一个号", "门牌二维码、地址编码、“朝阳中路 18 号”这样的地址，都可以。", icon: .scan)
      }
    }
  }
}
