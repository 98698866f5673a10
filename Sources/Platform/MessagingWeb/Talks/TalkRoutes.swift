import Access
import Core
package import Entities
package import Files
import HTML
package import HTTP
import Identity
import Messaging
import Shell
package import Site

/// Officers write to each other (内部通讯, C-546, C-547): who, the conversation, pictures and screenshots, ready phrases.
///
/// It is the other half of the message box: one count in the top bar, side by side under 消息.
package struct TalkRoutes: Sendable {
  let site: Site
  let talks: Talks
  let files: FileStore
  let store: RecordStore
  let responsibility: Responsibility
  let limiter: RateLimiter

  package init(site: Site, store: RecordStore, files: FileStore, limiter: RateLimiter) {
    self.site = site
    self.store = store
    self.files = files
    self.limiter = limiter
    talks = Talks(store)
    responsibility = Responsibility(clock: store.clock)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/talks", at: site) { visit in try await list(visit) }
    router.on(.get, "/talks/new", at: site) { visit in try await choose(visit) }
    router.on(.get, "/talks/{user}", at: site) { visit in try await conversation(visit) }
    router.on(.post, "/talks/{user}", maximumBody: 24 << 20, at: site) { visit in try await send(visit) }
    router.on(.get, "/talks/{user}/events", at: site) { visit in try await events(visit) }
  }

  private func require(_ visit: Visit) throws(Refusal) {
    try visit.principal.require(Talks.write, toDo: "和同事沟通")
  }

  // MARK: Conversations

  private func list(_ visit: Visit) async throws -> Response {
    try require(visit)
    let talks = try await talks.overview(of: visit.principal.id)
    let unread = talks.reduce(0) { $0 + $1.unread }
    let tabs = BoxRoutes.tabs(current: "/talks", talks: unread > 0 ? unread : nil)
    return try await visit.page(
      "同事沟通", layout: .list, subtitle: "一对一，只有双方看得到。",
      actions: [Action("找同事", .link("/talks/new"), style: .primary, icon: .people)],
      moreActions: [Action("查询沟通记录", .link("/r/\(Talks.entity)"), icon: .search)], tabs: tabs
    ) {
      ListView(
        filters: nil,
        table: DataTable(
          caption: "同事沟通", columns: [Column("同事"), Column("最近一条", .wide), Column("时间", .date)],
          rows: talks.map { talk in
            TableRow(
              id: String(talk.partner.user), name: talk.partner.name, path: "/talks/\(talk.partner.user)",
              cells: [
                HTML {
                  strong { talk.partner.name }
                  " "
                  small { talk.partner.unit }
                  if talk.unread > 0 { Badge("\(talk.unread) 条未读", .info) }
                },
                .text((talk.isOwn ? "我：" : "") + String(talk.text.prefix(80))), .text(talk.at.display),
              ])
          }, opensPanel: false,
          empty: .empty(
            "还没有沟通记录", "点“找同事”，按姓名或单位找到人，就可以发消息、图片和截图。", icon: .people)), pager: nil)
    }
  }

  private func choose(_ visit: Visit) async throws -> Response {
    try require(visit)
    let text = TextForms.trimmed(String((visit.request.query.first("q") ?? "").prefix(40)))
    guard let unit = visit.principal.unit else {
      throw Refusal(.forbidden, "talk-unit", "您的账号没有所属单位，不能和同事沟通。请联系系统管理员。")
    }
    let found = try await responsibility.colleagues(of: unit.id, matching: text, limit: 60, in: store.database)
      .filter { $0.user != visit.principal.id }
    return try await visit.page("找同事", layout: .list, crumbs: [Crumb("同事沟通", "/talks")]) {
      ListView(
        filters: FilterBar(
          path: "/talks/new", search: .init(value: text, hint: "姓名或单位"),
          basic: []),
        table: DataTable(
          caption: "同事", columns: [Column("姓名"), Column("单位", .wide)],
          rows: found.map { holder in
            TableRow(
              id: String(holder.user), name: holder.name, path: "/talks/\(holder.user)",
              cells: [strong { holder.name }, .text(holder.unitName)])
          }, opensPanel: false,
          empty: .nothingFound("没有找到同事", "换一个姓名或单位试试。", clear: "/talks/new")), pager: nil)
    }
  }

  // MARK: One conversation

  private func conversation(_ visit: Visit, typed: String = "", error: String? = nil, status: Int = 200) async throws
    -> Response
  {
    try require(visit)
    let partner = try await talks.partner(try visit.request.integer("user"))
    let before = visit.request.query.first("before").flatMap { Int64($0) }
    let lines = try await talks.lines(of: visit.principal.id, with: partner.user, before: before)
    if before == nil { try await talks.markRead(by: visit.principal.id, from: partner.user) }
    let state = try await talks.state(of: visit.principal.id, with: partner.user)
    let view = TalkView(
      partner: partner, lines: lines, isEarlier: before != nil, state: state,
      phrases: store.catalog.dictionary("talk_phrase")?.codes.filter { !$0.retired }.map(\.label) ?? [], typed: typed,
      error: error)
    var response = try await visit.page(
      partner.name, status: status, crumbs: [Crumb("同事沟通", "/talks")], subtitle: partner.unit, scripts: [.talk]
    ) { view.html }
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }

  private func send(_ visit: Visit) async throws -> Response {
    try require(visit)
    let partner = try visit.request.integer("user")
    let form = try await visit.request.body.form()
    // A phrase is sent as it stands; what was being written stays in its place.
    let phrase = form.first("phrase") ?? ""
    let text = phrase.isEmpty ? form.first("text") ?? "" : phrase
    do {
      if let wait = limiter.take("talk \(visit.principal.id)") {
        throw Refusal(.tooMany, "talk-too-often", "发得太快，这条没有发送。请 \(wait) 秒后再发。", field: "text")
      }
      var picture: String?
      if phrase.isEmpty, let file = form.files("picture").first(where: { $0.size > 0 }) {
        picture = try await files.put(
          path: file.path, name: file.filename, classification: .inner, policy: .images, by: visit.principal
        ).key
      }
      try await talks.send(text, picture: picture, to: partner, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind != .forbidden && !visit.wantsJSON {
      return try await conversation(visit, typed: text, error: refusal.message, status: refusal.kind.status)
    }
    return .redirect(to: "/talks/\(partner)#end")
  }

  /// Tells the page when something was said or read; the page fetches itself again.
  private func events(_ visit: Visit) async throws -> Response {
    try require(visit)
    let (user, partner) = (visit.principal.id, try visit.request.integer("user"))
    let first = visit.request.query.first("state") ?? ""
    return .events { [talks] writer in
      var known = first
      while !Task.isCancelled {
        let now = try await talks.state(of: user, with: partner)
        if now != known {
          known = now
          try await writer.send(Event(now))
        }
        try await Task.sleep(for: .seconds(2))
      }
    }
  }
}
