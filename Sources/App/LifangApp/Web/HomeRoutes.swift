import Access
import Cases
import Core
import Entities
import HTML
import HTTP
import Identity
import Jobs
import Operations
import SQL
import Shell
import Site

/// The workbench (工作台), the search across registers, and help.
struct HomeRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let jobs: JobQueue
  let inbox: Inbox
  let roster: DutyRoster
  /// What citizens find on the first page.
  let portal: @Sendable (Visit) async throws -> HTML

  func register(in router: inout Router) {
    router.on(.get, "/", at: site) { visit in try await workbench(visit) }
    router.on(.get, "/search", at: site) { visit in try await search(visit) }
    router.on(.get, "/help", at: site) { visit in try await help(visit) }
  }

  // MARK: Workbench

  private func workbench(_ visit: Visit) async throws -> Response {
    if visit.principal.kind == .stranger { return try await welcome(visit) }
    if visit.session?.roles.isEmpty == true { return try await residentHome(visit) }
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    var tiles: [Tile] = []
    let waiting = try await inbox.counts(of: visit.principal)
    // Whoever sees cases, or the forms of some, may be asked to handle them.
    let handles = store.catalog.entities.contains {
      ($0.name == ServiceCase.entity || $0.attachedTo == ServiceCase.entity)
        && visit.principal.may(Permission($0.name, "view"))
    }
    if waiting.todo > 0 || handles {
      tiles.append(
        Tile(
          "我的待办", value: grouped(waiting.todo), note: waiting.late > 0 ? "\(waiting.late) 件已超时" : nil,
          noteTone: .danger, path: "/inbox", icon: .inbox))
    }
    let counts = try await counts(visit, records)
    tiles += counts.tiles
    let mine = try await jobs.list(creator: visit.principal.actor, limit: 5)
    let addresses = try await addressTable(visit)
    let shortcuts = shortcuts(visit)
    let duties = try await roster.own(of: visit.principal.id)
    let praise = try await praise(visit, records)
    return try await visit.page(
      "工作台", layout: .wide, subtitle: visit.principal.unit.map { "\($0.name)，数据范围随角色而定" }, actions: quick(visit),
      scripts: praise == nil ? [] : [.marquee]
    ) {
      for duty in duties { HomeRoutes.notice(of: duty) }
      if !tiles.isEmpty { TileRow(tiles) }
      Columns {
        if let addresses { Card(addresses.title, isFlush: true) { addresses.table } }
        for table in counts.tables { Card(table.label, isFlush: true) { table.table } }
        if addresses == nil, !shortcuts.isEmpty { Card("常用功能") { ServiceGrid(shortcuts) } }
      } side: {
        Card("我的任务") { jobList(mine) }
        if addresses != nil, !shortcuts.isEmpty { Card("常用功能") { ServiceGrid(shortcuts) } }
      }
      if let praise { praise }
    }
  }

  /// 值班提示: that somebody is on duty, until when, and what to mind.
  private static func notice(of duty: DutyRoster.Shift) -> Notice {
    Notice(.info, title: "您正在值班：\(duty.kind)（\(duty.name)），到 \(duty.end.display)") {
      if let cautions = duty.cautions { p { "注意事项：\(cautions)" } }
    }
  }

  /// What a resident sees first: the own address, what can be done there, and who looked.
  private func residentHome(_ visit: Visit) async throws -> Response {
    let home = try await store.database.transaction { transaction -> (code: String, name: String)? in
      guard let address = try await RealName.of(user: visit.principal.id, in: transaction)?.address else { return nil }
      return try await transaction.first("select code, full_name from address where id = \(address)").map {
        (try $0.get("code"), try $0.get("full_name"))
      }
    }
    let portal = try await portal(visit)
    return try await visit.page("我的首页", subtitle: "\(visit.principal.name)，您好") {
      div(.class("portal-home")) { portal }
      Card("我的住址") {
        if let home {
          DetailList([
            DetailItem("标准地址", a(.href("/d/\(home.code)")) { home.name }, isWide: true),
            DetailItem("地址编码", text: home.code, isCode: true),
          ])
        } else {
          p(.class("blank")) { "这个账号还没有关联实名登记的住址，请到社区居委会或派出所办理。" }
        }
      }
      Card("我要办的事") {
        ServiceGrid(
          [
            .init("我要办事", detail: "户口登记、迁移、证明", icon: .document, path: "/services"),
            .init("我的办件", detail: "进度、补正、结果", icon: .inbox, path: "/inbox"),
          ] + (home.map { [.init("社区与周边", detail: "民警、网格员、生活圈", icon: .community, path: "/d/\($0.code)")] } ?? []) + [
            .init("租客申报", detail: "房东登记租客，派出所审核", icon: .door, path: "/r/tenancy_report"),
            .init("谁看过我的信息", detail: "每次查看都有记录", icon: .eye, path: "/account/lookups"),
            .init("一号查询", detail: "扫门牌或输入编码", icon: .scan, path: "/lookup"),
            .init("收藏的地址", detail: "常去的地方", icon: .save, path: "/favourites"),
            .init("我发布的信息", detail: "租房、求职、二手", icon: .send, path: "/offers/mine"),
            .init("我的商户", detail: "认证、发布公告和优惠", icon: .shop, path: "/merchant"),
            .init("账号与安全", detail: "密码、双因素认证", icon: .lock, path: "/account"),
          ])
      }
    }
  }

  private func quick(_ visit: Visit) -> [Action] {
    var actions = [Action("一号查询", .link("/lookup"), style: .primary, icon: .scan)]
    if visit.principal.may(Permission("address", "view")) { actions.append(Action("打开地图", .link("/map"), icon: .map)) }
    return actions
  }

  /// How many addresses there are in each part of what the person may see: by county for a city, by community for a
  /// street, by kind within one community.
  private func addressTable(_ visit: Visit) async throws -> (title: String, table: DataTable)? {
    guard visit.principal.may(Permission("address", "view")) else { return nil }
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    let cuts: [(label: String, column: String, digits: Int?)] = [
      ("各县（市、区）标准地址", "县（市、区）", 6), ("各街道（乡镇）标准地址", "街道（乡镇）", 9), ("各社区（村）标准地址", "社区（村）", 12),
      ("各类标准地址", "类型", nil),
    ]
    for cut in cuts {
      let field = cut.digits == nil ? "kind" : "division_code"
      let rows = try await records.aggregate(
        AggregateQuery("address", groups: [.init(field, cut.digits.map { .digits($0) })], limit: 12))
      if rows.count == 1, cut.digits != nil { continue }
      let filter = cut.digits == nil ? field : "\(field).prefix"
      return (cut.label, table(cut.label, cut.column, "标准地址", rows) { "/r/address?\(filter)=\($0)" })
    }
    return nil
  }

  func table(
    _ label: String, _ column: String, _ counted: String, _ rows: [AggregateRow], path: (String) -> String
  ) -> DataTable {
    let largest = rows.compactMap { $0.measures.first?.integer }.max() ?? 1
    return DataTable(
      caption: label,
      columns: [Column(column, .text), Column(counted, .number), Column("对比", .wide, isOnPhone: false)],
      rows: rows.map { row in
        let count = row.measures.first?.integer ?? 0
        let code = row.keys.first?.text ?? ""
        return TableRow(
          id: code, name: row.labels.first ?? code, path: path(code),
          cells: [
            .text(row.labels.first ?? code), .text(grouped(Int(count))),
            element("meter", .min("0"), .max(String(largest)), .value(String(count)), .class("share")) { "\(count)" },
          ])
      }, opensPanel: false, empty: .empty("还没有\(counted)", "有了记录会在这里统计。"))
  }

  private func jobList(_ jobs: [Job]) -> HTML {
    if jobs.isEmpty { return p(.class("blank")) { "没有进行中的任务。导入、导出等较长的工作会显示在这里。" } }
    return ul(.class("plain-list")) {
      for job in jobs {
        li {
          a(.href("/jobs/\(job.id)")) { job.label }
          " "
          Badge(job.state.label, job.state == .failed ? .danger : job.state == .done ? .success : .info)
        }
      }
    }
  }

  private func shortcuts(_ visit: Visit) -> [ServiceGrid.Item] {
    var items: [ServiceGrid.Item] = []
    func add(_ entity: String, _ label: String, _ icon: Icon, _ path: String, _ action: String = "view") {
      if visit.principal.may(Permission(entity, action)) { items.append(.init(label, icon: icon, path: path)) }
    }
    add("address", "导入地址", .upload, "/import/addresses", "import")
    add("address", "新建地址", .plus, "/r/address/new", "create")
    add("person", "登记人口", .people, "/r/person/new", "create")
    add("organisation", "登记单位", .organization, "/r/organisation/new", "create")
    add("app_user", "用户", .people, "/r/app_user")
    add("unit", "机构", .organization, "/r/unit")
    add("role", "角色与权限", .lock, "/r/role")
    add("dictionary", "数据字典", .list, "/settings/dictionaries")
    add("parameter", "系统参数", .settings, "/settings/parameters")
    add("entity", "登记表", .database, "/settings/registers")
    add("session", "在线用户", .person, "/online")
    add("audit", "审计日志", .shield, "/logs")
    return items
  }

  /// What a stranger sees first: the way to an address, and the way in for staff.
  private func welcome(_ visit: Visit) async throws -> Response {
    let portal = try await portal(visit)
    let page = PublicPage(title: "办事服务", visit: try await visit.frame()) {
      header(.class("address-header")) {
        p(.class("address-region")) { visit.site.city.name }
        h1 { "办事，从这里开始" }
        p {
          "网上申请、预约窗口、查询进度。"
          a(.href("/sign-in")) { "登录" }
          "后可以看到自己的办件和消息。"
        }
      }
      portal
      PublicSection("扫门牌") {
        p { "扫门牌二维码，或输入门牌上的地址编码，查看社区民警、网格员和周边服务。" }
      }
      form(.class("public-lookup"), .role("search"), .action("/lookup")) {
        Field("code", "地址编码", .text("", .init(maximum: 32, placeholder: "印在门牌二维码下方", isCode: true)))
        Action("查询", .submit(name: nil, value: nil), style: .primary)
      }
      PublicSection("工作人员") {
        ServiceGrid([.init("登录工作台", detail: "民警、社区、网格员", icon: .person, path: "/sign-in")])
      }
    }
    return try visit.html(page.render())
  }

  // MARK: Search

  /// Everything by words: menu entries and records the person may see. JSON feeds the command palette.
  private func search(_ visit: Visit) async throws -> Response {
    let text = String((visit.request.query.first("q") ?? "").prefix(60))
    var groups: [(label: String, items: [Hit])] = []
    let pages = menuHits(try await site.menu(visit.principal), text)
    if !pages.isEmpty { groups.append(("功能", pages)) }
    let records = store.records(as: visit.principal, origin: visit.request.origin)
    for name in ["address", "building", "road", "compound", "organisation", "person", "app_user"] where !text.isEmpty {
      guard let entity = store.catalog.entity(name), visit.principal.may(Permission(name, "view")),
        !entity.list.search.isEmpty
      else { continue }
      let found = try await records.suggest(name, text, limit: 6)
      if !found.isEmpty {
        groups.append(
          (entity.label, found.map { Hit(label: $0.title, detail: entity.label, path: "/r/\(name)/\($0.id)") }))
      }
    }
    if visit.wantsJSON {
      return .json([
        "groups": .array(
          groups.map { group in
            [
              "label": .string(group.label),
              "items": .array(
                group.items.map {
                  ["label": .string($0.label), "detail": .string($0.detail), "href": .string($0.path)]
                }),
            ]
          })
      ])
    }
    return try await visit.page("搜索") {
      FilterBar(path: "/search", search: .init(value: text, hint: "地址、楼栋、单位、功能"), basic: [])
      if groups.isEmpty {
        StateView.empty("输入要找的内容", "地址、楼栋、单位、人员，或一个功能的名称；也可以用拼音首字母。", icon: .search)
      }
      for group in groups {
        Card(group.label) {
          ul(.class("plain-list")) { for hit in group.items { li { a(.href(hit.path)) { hit.label } } } }
        }
      }
    }
  }

  private struct Hit {
    let label: String
    let detail: String
    let path: String
  }

  private func menuHits(_ items: [MenuItem], _ text: String) -> [Hit] {
    var hits: [Hit] = []
    for item in items {
      if let path = item.path, text.isEmpty || item.label.contains(text) {
        hits.append(Hit(label: item.label, detail: "功能", path: path))
      }
      hits += menuHits(item.children, text)
    }
    return Array(hits.prefix(8))
  }

  // MARK: Help

  private func help(_ visit: Visit) async throws -> Response {
    var documents: [Record] = []
    if visit.principal.may(Permission("help_document", "view")), store.catalog.entity("help_document") != nil {
      documents = try await store.records(as: visit.principal, origin: visit.request.origin).list(
        ListQuery("help_document", limit: 100)
      ).records
    }
    return try await visit.page(
      "使用帮助",
      actions: visit.principal.may(Permission("help_document", "create"))
        ? [Action("上传资料", .link("/r/help_document/new"), style: .primary, icon: .upload)] : []
    ) {
      Card("快捷键") {
        DetailList([
          DetailItem("Ctrl-K", text: "查找功能、地址和记录"), DetailItem("/", text: "在列表页搜索"),
          DetailItem("↑ ↓ Enter 空格", text: "在列表中移动、打开、选择"),
        ])
      }
      Card("操作手册与上级发文") {
        if documents.isEmpty {
          p(.class("blank")) { "还没有上传资料。" }
        } else {
          ul(.class("plain-list")) {
            for document in documents {
              li { a(.href("/r/help_document/\(document.id)")) { document["name"].text ?? "资料" } }
            }
          }
        }
      }
    }
  }
}
