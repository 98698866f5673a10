import Access
import Core
import Documents
package import HTTP
import HTML
package import SQL
import Shell
package import Entities
package import Site

/// 一号查询: everything by one number — an address code, a plate number or the words of an address.
package struct LookupRoutes: Sendable {
  let site: Site
  let places: PlaceSearch
  /// Shared with the scan page, so that nobody goes through the codes here instead.
  let limiter: RateLimiter

  package init(site: Site, database: Database, store: RecordStore, limiter: RateLimiter) {
    self.site = site
    self.limiter = limiter
    places = PlaceSearch(database: database, store: store)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/lookup", at: site) { visit in try await lookup(visit) }
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
      let page = PublicPage(title: "一号查询", visit: try await visit.frame()) {
        header(.class("address-header")) { h1 { "一号查询" } }
        if !code.isEmpty { Notice(.warning, "没有编码为“\(code)”的地址。请核对门牌二维码下方的编码，或联系社区。") }
        form(.class("public-lookup"), .role("search"), .action("/lookup")) {
          Shell.Field("code", "地址编码", .text(code, .init(maximum: 32, placeholder: "印在门牌二维码下方", isCode: true)))
          Action("查询", .submit(name: nil, value: nil), style: .primary)
        }
      }
      return try visit.html(page.render(), status: code.isEmpty ? 200 : 404)
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
