import Access
import Core
import Entities
import HTML
package import HTTP
package import Messaging
import Shell
package import Site

/// How far a message to many has come (发送情况, B4-274, B4-276).
package struct BroadcastRoutes: Sendable {
  let site: Site
  let broadcasts: Broadcasts

  package init(site: Site, broadcasts: Broadcasts) {
    self.site = site
    self.broadcasts = broadcasts
  }

  package func register(in router: inout Router) {
    router.on(.get, "/messages/broadcasts/{id}", at: site) { visit in try await progress(visit) }
  }

  private func progress(_ visit: Visit) async throws -> Response {
    let id = try visit.request.integer("id")
    let records = broadcasts.store.records(as: visit.principal, origin: visit.request.origin)
    let broadcast = try await records.get(Broadcasts.entity, id)
    let counts = try await broadcasts.counts(of: id)
    let mayList = visit.principal.may(Permission("message", "view"))
    func path(_ filter: String) -> String? {
      mayList
        ? "/messages/log?template=\(Broadcasts.entity)&key=\(PercentEncoding.encode(Broadcasts.key(id)))\(filter)" : nil
    }
    var tiles = [
      Tile("收件人", value: String(counts.recipients), unit: "人", path: path("&channel=site")),
      Tile("已经打开", value: String(counts.read), unit: "人", path: path("&read=yes")),
      Tile("还没有打开", value: String(counts.recipients - counts.read), unit: "人", path: path("&read=no")),
    ]
    for channel in [MessageChannelKind.sms, .email] where counts.deliveries[channel] != nil {
      let name = channel.rawValue
      tiles.append(
        Tile(
          "\(channel.label)已发出", value: String(counts.count(channel, .sent, .delivered)),
          path: path("&channel=\(name)")))
      tiles.append(
        Tile(
          "\(channel.label)等待发送", value: String(counts.count(channel, .queued)),
          path: path("&channel=\(name)&state=queued")))
      tiles.append(
        Tile(
          "\(channel.label)没有发到", value: String(counts.count(channel, .failed, .skipped, .expired)),
          path: path("&channel=\(name)&state=failed")))
    }
    let facts = [
      DetailItem("编号", text: broadcast["number"].text, isCode: true),
      DetailItem("起草人", text: broadcast.titles["author_id"]), DetailItem("审核人", text: broadcast.titles["reviewer_id"]),
      DetailItem(
        "发出时间",
        text: broadcast["sent_at"].instant?.display ?? (broadcast["state"].text == "sending" ? "正在发送" : "还没有发送"),
        isCode: true),
      DetailItem("过期时间", text: broadcast["expires_at"].instant?.display ?? "不过期", isCode: true),
    ]
    return try await visit.page(
      "发送情况：\(broadcast["title"].text ?? "")",
      crumbs: [
        Crumb("群发消息", "/r/\(Broadcasts.entity)"),
        Crumb(broadcast["number"].text ?? "", "/r/\(Broadcasts.entity)/\(id)"),
      ]
    ) {
      TileRow(tiles)
      Card("消息") { DetailList(facts) }
    }
  }
}
