import Access
import Core
package import Entities
package import Files
import HTML
package import HTTP
import Portal
import Shell
package import Site
package import SpineWeb

/// 便民信息: what residents and merchants tell each other, found by words, kind and community (A-034, A-089, A-149).
/// Anybody reads; telephones of residents are for those who are signed in, and every look is audited.
package struct NoticeRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let files: FileStore
  let photos: FieldPhotos
  let search: PlaceSearch
  let limiter: RateLimiter
  /// Looks at telephones, by account.
  let contacting: RateLimiter

  static let page = 20

  package init(
    site: Site, store: RecordStore, files: FileStore, photos: FieldPhotos, search: PlaceSearch, limiter: RateLimiter,
    contacting: RateLimiter
  ) {
    self.site = site
    self.store = store
    self.files = files
    self.photos = photos
    self.search = search
    self.limiter = limiter
    self.contacting = contacting
  }

  package func register(in router: inout Router) {
    router.on(.get, "/offers", at: site) { visit in try await list(visit) }
    router.on(.get, "/offers/{id}", at: site) { visit in try await show(visit, try await offered(visit), contact: nil) }
    router.on(.post, "/offers/{id}/contact", at: site) { visit in try await contact(visit) }
    router.on(.get, "/offers/{id}/photos/{number}", at: site) { visit in
      try await files.publicPicture(of: try await offered(visit), visit)
    }
    router.on(.get, "/offers/{id}/report", at: site) { visit in try await reportForm(visit, nil, []) }
    router.on(.post, "/offers/{id}/report", at: site) { visit in try await report(visit) }
    registerPublishing(in: &router)
  }

  /// What holds of a notice that anybody may read today.
  private func inForce() -> [ListFilter] {
    let today = store.clock.today()
    return [
      ListFilter("state", .equals(.text("approved"))),
      ListFilter("shown_from", .range(from: nil, to: .date(today))),
      ListFilter("shown_until", .range(from: .date(today), to: nil)),
    ]
  }

  // MARK: List

  private func list(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查找便民信息")
    let query = visit.request.query
    let text = TextForms.trimmed(String((query.first("q") ?? "").prefix(40)))
    let kinds = store.choices("public_notice_kind")
    let kind = query.first("kind").flatMap { kind in kinds.first { $0.value == kind } }
    let areas = try await areas(visit)
    let area = query.first("area").flatMap { area in areas.first { $0.value == area } }
    let number = min(max(query.first("page").flatMap(Int.init) ?? 1, 1), ListQuery.maximumOffset / NoticeRoutes.page)
    var filters = inForce()
    if let kind { filters.append(ListFilter("kind", .equals(.text(kind.value)))) }
    if let area { filters.append(ListFilter("division_code", .prefix(area.value))) }
    let found = try await store.records(as: .system).list(
      ListQuery(
        NoticeRules.entity, filters: filters, search: text.isEmpty ? nil : text,
        columns: ["title", "kind", "price", "merchant_name", "division_code", "shown_until"],
        start: .offset((number - 1) * NoticeRoutes.page), limit: NoticeRoutes.page))
    return try await visit.portalPage(
      "便民信息", note: "租房售房、招聘求职、二手、家政和商户优惠，由居民和商户发布，社区审核",
      actions: [
        Action("发布信息", .link("/offers/new"), style: .primary, icon: .plus), Action("我发布的信息", .link("/offers/mine")),
      ]
    ) {
      form(.class("portal-search"), .role("search"), .action("/offers")) {
        Shell.Field("q", "查找", .text(text, .init(maximum: 40, placeholder: "例如 两室一厅、保洁", type: "search")))
        Shell.Field("kind", "种类", .select(kind?.value ?? "", kinds, blank: "全部种类"))
        Shell.Field("area", "地区", .select(area?.value ?? "", areas, blank: "全市"))
        Action("查找信息", .submit(name: nil, value: nil), style: .primary)
      }
      if found.records.isEmpty {
        if text.isEmpty, kind == nil, area == nil {
          StateView.empty("还没有公开的信息", "登录后可以发布，社区审核通过后显示在这里。", icon: .shop)
        } else {
          StateView.nothingFound("没有找到符合的信息", "换一个词、种类或地区再试。", clear: "/offers")
        }
      } else {
        rows(found.records)
        if number > 1 || found.count.value > NoticeRoutes.page {
          Pager(
            total: found.count.isEstimate ? .about(found.count.value) : .exact(found.count.value), page: number,
            size: NoticeRoutes.page, shown: found.records.count, sizes: [],
            path: { page, _ in "/offers?\(query.setting("page", to: String(page)).encoded)" })
        }
      }
    }
  }

  private func rows(_ records: [Record]) -> HTML {
    ul(.class("nearby")) {
      for record in records {
        li {
          a(.class("nearby-row"), .href("/offers/\(record.id)")) {
            Icon.shop
            span(.class("nearby-text")) {
              span(.class("nearby-name")) {
                record["title"].text ?? ""
                Badge(label(record), .info)
              }
              span(.class("nearby-detail")) {
                [
                  record["price"].text, record["merchant_name"].text, record.titles["division_code"],
                  record["shown_until"].date.map { "到 \($0)" },
                ].compactMap(\.self).filter { !$0.isEmpty }.joined(separator: " · ")
              }
            }
          }
        }
      }
    }
  }

  private func label(_ record: Record) -> String {
    store.catalog.entity(NoticeRules.entity)?.field("kind").map { store.catalog.text($0, of: record) } ?? ""
  }

  /// Where one may look: one's own community, the place that a plate led from, then counties.
  private func areas(_ visit: Visit) async throws -> [Choice] {
    var codes: [String] = []
    if visit.principal.kind == .user, let home = try await KnownPerson.home(of: visit.principal.id, in: store) {
      codes.append(home.division)
    }
    if let asked = visit.request.query.first("area"), asked.count <= 12, asked.allSatisfy({ $0.isASCII && $0.isNumber })
    {
      codes.append(asked)
    }
    let counties = try await store.counties()
    codes.removeAll { code in counties.contains { $0.value == code } }
    guard !codes.isEmpty else { return counties }
    let named = try await store.records(as: .system).list(
      ListQuery(
        "division", filters: [ListFilter("code", .oneOf(codes.map { .text($0) }))], columns: ["code", "name"],
        limit: codes.count)
    ).records
    return named.compactMap { record in
      record["code"].text.flatMap { code in record["name"].text.map { Choice(code, $0) } }
    } + counties
  }

  // MARK: One notice

  /// In force today; of a merchant that is still authenticated.
  private func offered(_ visit: Visit) async throws -> Record {
    try limiter.require(visit.request.remoteAddress, toDo: "查看便民信息")
    return try await store.shown(
      NoticeRules.entity, inForce(),
      [
        "title", "kind", "price", "content", "photo", "merchant_id", "merchant_name", "contact_name", "address_id",
        "division_code", "shown_from", "shown_until", "user_id",
      ], visit)
  }

  private func show(_ visit: Visit, _ record: Record, contact: String?) async throws -> Response {
    let isMine = visit.principal.kind == .user && record["user_id"].integer == visit.principal.id
    let publisher = try await publisher(visit, record, contact)
    return try await visit.portalPage(
      record["title"].text ?? "",
      note: [label(record), record["merchant_name"].text, record.titles["division_code"]].compactMap(\.self)
        .filter { !$0.isEmpty }.joined(separator: " · "), crumbs: [Crumb("便民信息", "/offers")]
    ) {
      publicPictures(record, "/offers/\(record.id)", record["title"].text ?? "")
      Card("内容") {
        if let price = record["price"].text { p { strong { price } } }
        paragraphs(record["content"].text ?? "")
      }
      publisher
      p(.class("field-help")) {
        "由\(record["merchant_id"].integer == nil ? "居民" : "商户")发布，社区审核后公开。付款、交押金前请当面核实；与商户有争议的请拨打 12315。"
      }
      if isMine {
        Action("撤下这条信息", .post("/offers/\(record.id)/withdraw", []))
      } else {
        p { a(.href("/offers/\(record.id)/report")) { "举报这条信息" } }
      }
    }
  }

  /// A merchant with telephone and address; of a resident the name, and the telephone for who is signed in and asks.
  private func publisher(_ visit: Visit, _ record: Record, _ contact: String?) async throws -> HTML {
    let term = DetailItem(
      "有效期", text: "\(record["shown_from"].date?.description ?? "") 至 \(record["shown_until"].date?.description ?? "")")
    guard let merchant = record["merchant_id"].integer else {
      var items = [DetailItem("称呼", text: record["contact_name"].text)]
      if let contact { items.append(DetailItem("电话", a(.href("tel:\(contact)")) { contact }, isCode: true)) }
      items.append(term)
      return Card("联系人") {
        DetailList(items)
        if contact != nil {
          p(.class("field-help")) { "这次查看已经记录。请只为这条信息联系，不要转给他人。" }
        } else if visit.principal.kind == .user {
          Action("查看联系电话", .post("/offers/\(record.id)/contact", []), style: .primary, icon: .phone)
        } else {
          p { a(.href("/sign-in?return=\(PercentEncoding.encode("/offers/\(record.id)"))")) { "登录后可以查看联系电话" } }
        }
      }.html
    }
    let reader = store.records(as: .system)
    let shop = try await reader.get("merchant", merchant, columns: ["name", "phone"])
    let address = try await reader.get("address", record["address_id"].integer ?? 0, columns: ["code", "full_name"])
    return Card("商户") {
      DetailList([
        DetailItem("名称", text: shop["name"].text),
        DetailItem(
          "电话", shop["phone"].text.map { number in a(.href("tel:\(number)")) { number } } ?? "未登记", isCode: true),
        DetailItem(
          "地址", a(.href("/d/\(address["code"].text ?? "")")) { address["full_name"].text ?? "" }, isWide: true), term,
      ])
    }.html
  }

  /// Shows the telephone of a resident once, to who is signed in; the audit keeps who saw which.
  private func contact(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "查看联系电话")
    try contacting.require("contact \(visit.principal.id)", toDo: "查看联系电话")
    let record = try await offered(visit)
    guard record["merchant_id"].integer == nil else { return try await show(visit, record, contact: nil) }
    let seen = try await store.records(
      as: visit.principal.entrusted(with: [NoticeRules.entity]), purpose: "联系便民信息发布人", origin: visit.request.origin
    ).get(NoticeRules.entity, record.id, columns: ["contact_phone"], reveal: true)
    return try await show(visit, record, contact: seen["contact_phone"].text)
  }

  // MARK: Reports

  private func reportForm(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError]) async throws -> Response {
    try visit.requirePerson(toDo: "举报")
    let record = try await offered(visit)
    let fields = [
      Shell.Field(
        "reason", "举报原因", .radio(typed?.first("reason") ?? "", store.choices("notice_report_reason")), isRequired: true,
        error: errors["reason"]),
      Shell.Field(
        "content", "说明", .longText(typed?.first("content") ?? "", rows: 4, maximum: 500), help: "选“其他”的请写明；不要写证件号码",
        error: errors["content"]),
    ]
    return try await visit.page(
      "举报信息", status: errors.isEmpty ? 200 : 422,
      crumbs: [Crumb("便民信息", "/offers"), Crumb(record["title"].text ?? "", "/offers/\(record.id)")],
      subtitle: record["title"].text
    ) {
      if let message = errors["notice_id"] { Notice(.danger, message) }
      FormView(
        path: "/offers/\(record.id)/report", sections: [Shell.FormSection(id: "report", "举报", fields: fields)],
        errors: errors, submit: Action("提交举报", .submit(name: nil, value: nil), style: .primary),
        cancelPath: "/offers/\(record.id)", note: "由所在社区核查，发布人看不到是谁举报的；结果会发到您的消息里。")
    }
  }

  private func report(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "举报")
    let record = try await offered(visit)
    let form = try await visit.request.body.form()
    do {
      var values = try store.typed(NoticeRules.report, form, ["reason", "content"], visit)
      values["notice_id"] = .integer(record.id)
      let made = try await HandIn.noticeReport.insert(
        values, by: visit.principal, purpose: "举报便民信息", origin: visit.request.origin, in: store)
      return try visit.redirect(
        to: "/offers/\(record.id)", saying: "已提交，编号 \(made["number"].text ?? "")。核查结果会发到您的消息里。")
    } catch let refusal as Refusal
      where [.invalid, .unprocessable, .conflict].contains(refusal.kind) && !visit.wantsJSON
    {
      return try await reportForm(visit, form, [FieldError](refusal))
    }
  }
}
