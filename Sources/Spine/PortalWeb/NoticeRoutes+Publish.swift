import Access
import Core
import Entities
import HTML
import HTTP
import Portal
import Shell
import Site
import SpineWeb

/// Publishing: a resident for the own community, a merchant at its address; one form, one review, one way back.
extension NoticeRoutes {
  /// On whose behalf somebody publishes.
  private enum Publisher {
    case merchant(Record)
    case resident

    var path: String {
      switch self {
      case .merchant(let record): "/merchant/\(record.id)/notices"
      case .resident: "/offers"
      }
    }

    /// Where one's own notices are.
    var home: (label: String, path: String) {
      switch self {
      case .merchant: ("我的商户", "/merchant")
      case .resident: ("我发布的信息", "/offers/mine")
      }
    }
  }

  /// What one's own notices show of themselves.
  static let ownColumns = [
    "title", "kind", "merchant_id", "merchant_name", "shown_from", "shown_until", "state", "review_note",
  ]

  /// Kinds that only authenticated merchants publish; the register refuses them of others.
  private static let merchantKinds: Set = ["notice", "promotion", "advertisement", "tourism"]

  func registerPublishing(in router: inout Router) {
    router.on(.get, "/offers/mine", at: site) { visit in try await mine(visit) }
    router.on(.get, "/offers/new", at: site) { visit in
      try await write(visit, try await resident(visit), nil, [])
    }
    router.on(.post, "/offers", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await submit(visit, try await resident(visit))
    }
    router.on(.get, "/merchant/{id}/notices/new", at: site) { visit in
      try await write(visit, try await merchant(visit), nil, [])
    }
    router.on(.post, "/merchant/{id}/notices", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await submit(visit, try await merchant(visit))
    }
    router.on(.post, "/offers/{id}/withdraw", at: site) { visit in try await withdraw(visit) }
  }

  // MARK: Whose

  /// - Throws: ``Refusal`` `real-name-missing` for an account whose name nobody vouched for: who publishes stands by it.
  private func resident(_ visit: Visit) async throws -> Publisher {
    try visit.requirePerson(toDo: "发布信息")
    let known = try await KnownPerson.of(user: visit.principal.id, in: store, purpose: "发布便民信息")
    guard known.isRealName else {
      throw Refusal(
        .forbidden, "real-name-missing", "这个账号还没有实名，不能发布信息。请用实名的方式登录，或到社区居委会、派出所关联实名后再来。")
    }
    return .resident
  }

  private func merchant(_ visit: Visit) async throws -> Publisher {
    try visit.requirePerson(toDo: "发布信息")
    let id = try visit.request.integer("id")
    guard
      let found = try await store.own(MerchantRules.merchant, ["name", "address_id", "state"], visit).first(where: {
        $0.id == id
      })
    else { throw Refusal(.notFound, "merchant-missing", "没有找到这个商户。请从“我的商户”重新进入。") }
    return .merchant(found)
  }

  // MARK: One's own

  private func mine(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "查看自己发布的信息")
    let notices = try await store.own(NoticeRules.entity, NoticeRoutes.ownColumns, visit)
    return try await visit.page(
      "我发布的信息", crumbs: [Crumb("便民信息", "/offers")], subtitle: "社区审核后公开；要改的，撤下后重新提交",
      actions: [Action("发布信息", .link("/offers/new"), style: .primary, icon: .plus)]
    ) {
      if notices.isEmpty {
        StateView.empty("还没有发布过", "出租、求职、转让二手物品，都可以在这里发布。", icon: .shop)
      } else {
        Card("信息", count: .exact(notices.count)) { NoticeRoutes.ownList(notices, store) }
      }
    }
  }

  /// One's own notices with their state and what reviewers said.
  static func ownList(_ notices: [Record], _ store: RecordStore) -> HTML {
    HTML {
      if !notices.isEmpty { list(notices, store) }
    }
  }

  private static func list(_ notices: [Record], _ store: RecordStore) -> HTML {
    ul(.class("plain-list")) {
      for notice in notices {
        li(.class("keeping")) {
          if isPublic(notice, store) {
            a(.href("/offers/\(notice.id)")) { notice["title"].text ?? "" }
          } else {
            span { notice["title"].text ?? "" }
          }
          badge(notice, store)
          span(.class("field-help")) {
            "\(notice["shown_from"].date?.description ?? "") 至 \(notice["shown_until"].date?.description ?? "")"
          }
          if let note = notice["review_note"].text { span { "意见：\(note)" } }
          if ["pending", "approved"].contains(notice["state"].text ?? "") {
            Action("撤下", .post("/offers/\(notice.id)/withdraw", []), style: .quiet)
          }
        }
      }
    }
  }

  private static func isPublic(_ notice: Record, _ store: RecordStore) -> Bool {
    let today = store.clock.today()
    guard notice["state"].text == "approved", let from = notice["shown_from"].date,
      let until = notice["shown_until"].date
    else { return false }
    return from <= today && today <= until
  }

  private static func badge(_ notice: Record, _ store: RecordStore) -> Badge {
    let code = notice["state"].text ?? ""
    let today = store.clock.today()
    if code == "approved" {
      if let until = notice["shown_until"].date, until < today { return Badge("已过期", .neutral) }
      if let from = notice["shown_from"].date, from > today { return Badge("\(from) 起公开", .info) }
    }
    return store.reviewBadge("public_notice_state", code)
  }

  // MARK: Publishing

  private func write(_ visit: Visit, _ publisher: Publisher, _ typed: FormData?, _ errors: [FieldError]) async throws
    -> Response
  {
    var sections = [wording(publisher, typed, errors)]
    if case .resident = publisher { sections.append(try await contactFields(visit, typed, errors)) }
    let subtitle: String? = if case .merchant(let record) = publisher { record["name"].text } else { nil }
    return try await visit.page(
      "发布信息", status: errors.isEmpty ? 200 : 422, crumbs: [Crumb(publisher.home.label, publisher.home.path)],
      subtitle: subtitle
    ) {
      if let message = errors["merchant_id"] { Notice(.danger, message) }
      FormView(
        path: publisher.path, sections: sections, errors: errors,
        submit: Action("提交审核", .submit(name: nil, value: nil), style: .primary), cancelPath: publisher.home.path,
        isMultipart: true, note: "社区审核通过后公开。要改的，撤下后重新提交。")
    }
  }

  private func wording(_ publisher: Publisher, _ typed: FormData?, _ errors: [FieldError]) -> Shell.FormSection {
    func text(_ name: String) -> String { typed?.first(name) ?? "" }
    let today = store.clock.today()
    let isMerchant = if case .merchant = publisher { true } else { false }
    let kinds = store.choices("public_notice_kind").filter {
      isMerchant || !NoticeRoutes.merchantKinds.contains($0.value)
    }
    return Shell.FormSection(
      id: "notice", "信息",
      fields: [
        Shell.Field(
          "kind", "种类", .radio(typed?.first("kind") ?? (isMerchant ? "promotion" : ""), kinds), isRequired: true,
          error: errors["kind"]),
        Shell.Field("title", "标题", .text(text("title"), .init(maximum: 40)), isRequired: true, error: errors["title"]),
        Shell.Field(
          "price", "价格或报酬", .text(text("price"), .init(maximum: 40, placeholder: "例如 1200 元/月、面议", width: 20)),
          error: errors["price"]),
        Shell.Field(
          "content", "内容", .longText(text("content"), rows: 6, maximum: 1000), isRequired: true,
          help: isMerchant ? nil : "不要写详细门牌号、证件号码和他人的信息；电话写在下面", error: errors["content"]),
        Shell.Field(
          "photo", "图片",
          .file(
            .init(accept: "image/jpeg,image/png", allowsSeveral: true, opensCamera: true, limit: "最多 6 张，拍摄信息会去掉")),
          error: errors["photo"]),
        Shell.Field(
          "shown_from", "开始日期", .date(typed?.first("shown_from") ?? today.description), isRequired: true,
          error: errors["shown_from"]),
        Shell.Field(
          "shown_until", "最后一天", .date(typed?.first("shown_until") ?? today.adding(days: 29).description),
          isRequired: true, help: "过了这天自动不再显示，最长\(isMerchant ? "一年" : " 90 天")", error: errors["shown_until"]),
      ])
  }

  private func contactFields(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError]) async throws
    -> Shell.FormSection
  {
    let known = try await KnownPerson.of(user: visit.principal.id, in: store, purpose: "发布便民信息")
    let home = try await KnownPerson.home(of: visit.principal.id, in: store)
    return Shell.FormSection(
      id: "contact", "联系人",
      fields: [
        Shell.Field(
          "contact_name", "怎么称呼", .text(typed?.first("contact_name") ?? "", .init(maximum: 20, width: 16)),
          isRequired: true, help: "大家看得到，例如 王女士", error: errors["contact_name"]),
        Shell.Field(
          "contact_phone", "联系电话", .text(typed?.first("contact_phone") ?? known.phone ?? "", .phone), isRequired: true,
          help: "登录的人点了才看得到，每次都有记录", error: errors["contact_phone"], isPrivate: true),
        Shell.Field(
          "code", "所在门牌的编码",
          .text(typed?.first("code") ?? home?.code ?? "", .init(maximum: 32, width: 24, isCode: true)),
          isRequired: true,
          help: "只用来确定社区，门牌号不公开；编码印在门牌二维码下方", error: errors["code"] ?? errors["address_id"]),
      ])
  }

  private func submit(_ visit: Visit, _ publisher: Publisher) async throws -> Response {
    let form = try await visit.request.body.form()
    do {
      var names = ["kind", "title", "price", "content", "shown_from", "shown_until"]
      if case .resident = publisher { names += ["contact_name", "contact_phone"] }
      var values = try store.typed(NoticeRules.entity, form, names, visit)
      switch publisher {
      case .merchant(let record): values["merchant_id"] = .integer(record.id)
      case .resident:
        let code = String(TextForms.trimmed(form.first("code") ?? "").prefix(32))
        guard let address = try await search.address(code) else {
          throw Refusal(.unprocessable, "address-unknown", "没有编码为“\(code)”的地址。请核对门牌二维码下方的编码。", field: "code")
        }
        values["address_id"] = .integer(address.id)
      }
      let kept = try await photos.keep(form, "photo", by: visit.principal, withOriginals: false)
      if !kept.shown.isEmpty { values["photo"] = .list(kept.shown) }
      _ = try await HandIn.notice.insert(
        values, by: visit.principal, purpose: "发布便民信息", origin: visit.request.origin, in: store)
      return try visit.redirect(to: publisher.home.path, saying: "已提交审核，通过后大家就能看到。")
    } catch let refusal as Refusal
      where [.invalid, .unprocessable, .conflict].contains(refusal.kind) && !visit.wantsJSON
    {
      return try await write(visit, publisher, form, [FieldError](refusal))
    }
  }

  private func withdraw(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "撤下信息")
    let writer = visit.principal.entrusted(with: [NoticeRules.entity], scope: .own)
    let record = try await store.records(as: writer, purpose: "本人撤下", origin: visit.request.origin).perform(
      "withdraw", on: NoticeRules.entity, try visit.request.integer("id"), version: nil)
    let isMerchant = record["merchant_id"].integer != nil
    return try visit.redirect(to: isMerchant ? "/merchant" : "/offers/mine", saying: "已撤下，别人不再看到。")
  }
}
