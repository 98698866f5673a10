import Access
package import Cases
import Core
import Entities
package import Files
package import HTML
package import HTTP
package import Portal
import Shell
package import Site
import Synchronization

/// What the first page offers citizens: search, the items most applied for, what is one's own, notices and pictures
/// (C-071, C-247). Counts are taken every ten minutes, so that the page costs little.
package final class PortalHome: Sendable {
  private struct Popular: Sendable {
    var items: [String] = []
    var until = Instant(seconds: 0)
  }

  let cases: CaseStore
  let appointments: Appointments
  let files: FileStore
  private let popular = Mutex(Popular())

  /// Shown until something has been applied for.
  private static let usual = ["hukou_001", "hukou_025", "hukou_083", "hukou_105", "hukou_106", "hukou_053"]
  private static let count = 6

  package init(cases: CaseStore, appointments: Appointments, files: FileStore) {
    self.cases = cases
    self.appointments = appointments
    self.files = files
  }

  private var store: RecordStore { cases.store }

  package func register(in router: inout Router, site: Site) {
    router.on(.get, "/banners/{id}", at: site) { visit in try await self.picture(visit) }
  }

  /// The portal's part of the first page.
  package func content(_ visit: Visit) async throws -> HTML {
    let items = try await popularItems()
    let banners = try await self.banners()
    let isPerson = visit.principal.kind == .user
    let next = isPerson ? try await nextAppointment(visit.principal.id) : nil
    return HTML {
      form(.class("public-lookup"), .role("search"), .action("/services")) {
        Shell.Field("q", "要办什么事", .text("", .init(maximum: 40, placeholder: "例如 新生儿、落户", type: "search")))
        Action("查找", .submit(name: nil, value: nil), style: .primary)
      }
      if let next { appointmentNotice(next) }
      if !banners.isEmpty { shown(banners) }
      PublicSection("常办的事", link: ("全部事项", "/services")) {
        ServiceGrid(
          items.map {
            ServiceGrid.Item(
              $0.label, detail: $0.limit == 1 ? "当场办结" : "\($0.limit) 个工作日", icon: .document,
              path: "/services/\($0.code)")
          })
      }
      PublicSection("便民服务") { ServiceGrid(PortalHome.services(isPerson)) }
    }
  }

  /// The menu of the portal.
  static func services(_ isPerson: Bool) -> [ServiceGrid.Item] {
    [
      .init("预约到窗口", detail: "选时间，不排队", icon: .calendar, path: isPerson ? "/appointments" : "/appointments/new"),
      .init("办理进度", detail: "编号和手机号查询", icon: .clock, path: isPerson ? "/inbox" : "/progress"),
      .init("办事窗口", detail: "地址、电话、导航", icon: .pin, path: "/windows"),
      .init("公共资源", detail: "警务室、社区、公厕", icon: .community, path: "/places"),
      .init("便民信息", detail: "租房、招聘、二手、家政", icon: .shop, path: "/offers"),
      .init("街巷文化", detail: "路名的来历和故事", icon: .leaf, path: "/culture"),
      .init("咨询电话", detail: "各县（区）户政部门", icon: .phone, path: "/hotlines"),
      .init("咨询答疑", detail: "看答复、提问", icon: .help, path: "/questions"),
      .init("政策法规", detail: "全文查找", icon: .document, path: "/policies"),
      .init("取名指引", detail: "看看有多少人同名", icon: .people, path: "/names"),
      .init("身份证进度", detail: "用受理号查询", icon: .person, path: "/identity-cards"),
      .init("银行核验异常", detail: "登记后由民警核查", icon: .wallet, path: "/identity-reports"),
    ]
  }

  // MARK: Parts

  private func popularItems() async throws -> [ServiceItem] {
    let now = store.clock.now()
    let kept = popular.withLock { $0 }
    if now < kept.until { return kept.items.compactMap { cases.services.item($0) } }
    let from = now + -90 * 86400
    let rows = try await store.records(as: .system).aggregate(
      AggregateQuery(
        ServiceCase.entity, filters: [ListFilter("submitted_at", .range(from: .instant(from), to: nil))],
        groups: [.init("item_label")], limit: 20))
    let labels = rows.compactMap { $0.keys.first?.text }
    var found = labels.compactMap { label in cases.services.items.first { $0.label == label } }
      .filter { $0.channels.contains(.online) }.map(\.code)
    for code in PortalHome.usual where !found.contains(code) && cases.services.item(code) != nil { found.append(code) }
    let codes = Array(found.prefix(PortalHome.count))
    popular.withLock { $0 = Popular(items: codes, until: now + 600) }
    return codes.compactMap { cases.services.item($0) }
  }

  private func nextAppointment(_ user: Int64) async throws -> Record? {
    try await appointments.mine(user).filter { $0["state"].text == "booked" }.min {
      ($0["slot_date"].date?.daysSinceEpoch ?? 0, $0["time_slot"].text ?? "")
        < ($1["slot_date"].date?.daysSinceEpoch ?? 0, $1["time_slot"].text ?? "")
    }
  }

  private func appointmentNotice(_ record: Record) -> HTML {
    Notice(
      .info,
      title:
        "\(record["slot_date"].date.map(dayLabel) ?? "") \(record.titles["time_slot"] ?? "")，\(record.titles["service_window_id"] ?? "")",
      actions: [Action("查看预约", .link("/appointments/\(record.id)"))]
    ) { p { "您预约了“\(record["item_label"].text ?? "")”，排队号 \(record["queue_number"].text ?? "")。" } }.html
  }

  private func banners() async throws -> [Record] {
    let today = store.clock.today()
    return try await store.records(as: .system).list(
      ListQuery(
        "portal_banner",
        filters: [
          ListFilter("state", .equals(.text("on"))), ListFilter("shown_from", .range(from: nil, to: .date(today))),
        ], sort: [.init(field: "position", descending: false)],
        columns: ["name", "kind", "image", "alternative", "path", "state", "shown_from", "shown_until"], limit: 20)
    ).records.filter { PortalHome.isShown($0, on: today) }
  }

  /// Whether a picture or notice is public on a day: in use, and within its dates.
  static func isShown(_ record: Record, on day: CivilDate) -> Bool {
    guard record["state"].text == "on", let from = record["shown_from"].date else { return false }
    return from <= day && (record["shown_until"].date.map { $0 >= day } ?? true)
  }

  /// Pictures stand in a row that a finger moves; nothing moves by itself.
  private func shown(_ banners: [Record]) -> HTML {
    let pictures = banners.filter { $0["kind"].text == "image" }
    let notices = banners.filter { $0["kind"].text == "notice" }
    return HTML {
      if !pictures.isEmpty {
        section(.class("banners"), .aria(.label, "宣传图片"), .tabindex(0)) {
          for record in pictures { figure { picture(record) } }
        }
      }
      if !notices.isEmpty {
        PublicSection("公告") {
          ul(.class("plain-list")) {
            for record in notices.prefix(5) {
              li {
                a(.href("/notices/\(record.id)")) { record["name"].text ?? "" }
                small { "　\(record["shown_from"].date?.description ?? "")" }
              }
            }
          }
        }
      }
    }
  }

  private func picture(_ record: Record) -> HTML {
    let image = img(.src("/banners/\(record.id)"), .alt(record["alternative"].text ?? ""))
    guard let path = record["path"].text, path.hasPrefix("/"), !path.hasPrefix("//") else { return image }
    return a(.href(path)) { image }
  }

  private func picture(_ visit: Visit) async throws -> Response {
    let record = try await store.records(as: .system).get("portal_banner", try visit.request.integer("id"))
    guard PortalHome.isShown(record, on: store.clock.today()),
      let key = record["image"].text ?? record["image"].list?.first
    else {
      throw Refusal(.notFound, "picture-missing", "这张图片已经撤下。")
    }
    return try await files.publicPicture(key)
  }
}
