import Access
import Core
package import Entities
import EntitiesWeb
package import Files
import HTML
package import HTTP
import Portal
import Shell
package import Site
package import SpineWeb

/// 我的商户: a signed-in person asks to be known as a merchant at an address, and publishes there once the community has
/// agreed to both the merchant and what it says (A-089, A-149).
package struct MerchantRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let files: FileStore
  let photos: FieldPhotos
  let search: PlaceSearch

  package init(site: Site, store: RecordStore, files: FileStore, photos: FieldPhotos, search: PlaceSearch) {
    self.site = site
    self.store = store
    self.files = files
    self.photos = photos
    self.search = search
  }

  package func register(in router: inout Router) {
    router.on(.get, "/merchant", at: site) { visit in try await overview(visit) }
    router.on(.get, "/merchant/new", at: site) { visit in try await ask(visit, nil, []) }
    router.on(.post, "/merchant", maximumBody: FieldPhotos.maximumBody, at: site) { visit in try await apply(visit) }
    router.on(.get, "/merchant/{id}/notices/new", at: site) { visit in try await write(visit, nil, []) }
    router.on(.post, "/merchant/{id}/notices", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await submit(visit)
    }
    router.on(.post, "/merchant/notices/{id}/withdraw", at: site) { visit in try await withdraw(visit) }
  }

  private func own(_ visit: Visit, _ entity: String) -> Records {
    store.records(
      as: visit.principal.entrusted(with: [entity], scope: .own), purpose: "商户本人办理", origin: visit.request.origin)
  }

  private func mine(_ visit: Visit, _ entity: String, _ columns: [String]) async throws -> [Record] {
    try await own(visit, entity).list(
      ListQuery(
        entity, filters: [ListFilter("user_id", .equals(.integer(visit.principal.id)))],
        sort: [.init(field: "id", descending: true)], columns: columns, limit: 50)
    ).records
  }

  // MARK: Overview

  private func overview(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "办理商户业务")
    let merchants = try await mine(
      visit, MerchantRules.merchant, ["name", "number", "address_id", "state", "review_note", "applied_at"])
    let notices = try await mine(
      visit, MerchantRules.notice,
      ["title", "kind", "merchant_id", "merchant_name", "shown_from", "shown_until", "state", "review_note"])
    return try await visit.page(
      "我的商户", subtitle: "认证后可以在自己的门牌上发布公告和优惠，扫码的人看得到",
      actions: [Action("申请商户认证", .link("/merchant/new"), style: merchants.isEmpty ? .primary : .normal, icon: .shop)]
    ) {
      if merchants.isEmpty {
        StateView.empty("还没有商户", "准备好营业执照照片，申请认证；社区核对后会通知您。", icon: .shop)
      }
      for merchant in merchants { card(merchant, notices.filter { $0["merchant_id"].integer == merchant.id }) }
    }
  }

  private func state(_ record: Record, _ entity: String) -> Badge {
    let code = record["state"].text ?? ""
    let label = store.catalog.dictionary("\(entity)_state")?.label(of: code) ?? code
    if entity == MerchantRules.notice, code == "approved" {
      let today = store.clock.today()
      if let until = record["shown_until"].date, until < today { return Badge("已过期", .neutral) }
      if let from = record["shown_from"].date, from > today { return Badge("\(from) 起公开", .info) }
    }
    switch code {
    case "approved": return Badge(label, .success)
    case "pending": return Badge(label, .info)
    case "refused", "revoked": return Badge(label, .danger)
    default: return Badge(label)
    }
  }

  private func card(_ merchant: Record, _ notices: [Record]) -> HTML {
    let isApproved = merchant["state"].text == "approved"
    return Card(
      merchant["name"].text,
      actions: isApproved
        ? [Action("发布信息", .link("/merchant/\(merchant.id)/notices/new"), style: .primary, icon: .plus)] : []
    ) {
      DetailList([
        DetailItem("认证", state(merchant, MerchantRules.merchant).html),
        DetailItem("编号", text: merchant["number"].text, isCode: true),
        DetailItem("地址", text: merchant.titles["address_id"], isWide: true),
        DetailItem("审核意见", text: merchant["review_note"].text ?? "", isWide: true),
      ])
      if !notices.isEmpty {
        ul(.class("plain-list")) {
          for notice in notices {
            li(.class("keeping")) {
              span { notice["title"].text ?? "" }
              state(notice, MerchantRules.notice)
              span(.class("field-help")) {
                "\(notice["shown_from"].date?.description ?? "") 至 \(notice["shown_until"].date?.description ?? "")"
              }
              if let note = notice["review_note"].text { span { "意见：\(note)" } }
              if ["pending", "approved"].contains(notice["state"].text ?? "") {
                Action("撤下", .post("/merchant/notices/\(notice.id)/withdraw", []), style: .quiet)
              }
            }
          }
        }
      }
    }.html
  }

  // MARK: Authentication

  private func ask(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError]) async throws -> Response {
    try visit.requirePerson(toDo: "申请商户认证")
    func text(_ name: String) -> String { typed?.first(name) ?? visit.request.query.first(name) ?? "" }
    let fields = [
      Shell.Field(
        "name", "商户名称", .text(text("name"), .init(maximum: 60)), isRequired: true, help: "与营业执照一致",
        error: errors["name"]),
      Shell.Field(
        "credit_code", "统一社会信用代码", .text(text("credit_code"), .init(maximum: 18, width: 20, isCode: true)),
        isRequired: true, error: errors["credit_code"]),
      Shell.Field(
        "code", "经营地址的编码", .text(text("code"), .init(maximum: 32, width: 24, isCode: true)), isRequired: true,
        help: "印在门牌二维码下方；扫自己的门牌，从地址页进来会自动填好", error: errors["code"] ?? errors["address_id"]),
      Shell.Field(
        "phone", "对外电话", .text(text("phone"), .phone), isRequired: true, help: "扫码的人看得到", error: errors["phone"]),
      Shell.Field(
        "license", "营业执照照片",
        .file(.init(accept: "image/jpeg,image/png", allowsSeveral: true, opensCamera: true, limit: "最多 6 张，只给审核人看")),
        isRequired: true, error: errors["license"]),
    ]
    return try await visit.page(
      "申请商户认证", status: errors.isEmpty ? 200 : 422, crumbs: [Crumb("我的商户", "/merchant")]
    ) {
      FormView(
        path: "/merchant", sections: [Shell.FormSection(id: "merchant", "商户", fields: fields)], errors: errors,
        submit: Action("提交认证申请", .submit(name: nil, value: nil), style: .primary), cancelPath: "/merchant",
        isMultipart: true, note: "由所在社区核对，结果会通知您，也在“我的商户”里。")
    }
  }

  private func apply(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "申请商户认证")
    let form = try await visit.request.body.form()
    do {
      var values = try read(MerchantRules.merchant, form, ["name", "credit_code", "phone"], visit)
      let code = TextForms.trimmed(form.first("code") ?? "")
      guard let address = try await search.address(String(code.prefix(32))) else {
        throw Refusal(.unprocessable, "address-unknown", "没有编码为“\(code.prefix(32))”的地址。请核对门牌二维码下方的编码。", field: "code")
      }
      let kept = try await photos.keep(form, "license", by: visit.principal, withOriginals: false)
      guard !kept.shown.isEmpty else {
        throw Refusal(.unprocessable, "field-required", "请拍营业执照的照片。", field: "license")
      }
      values["license"] = .list(kept.shown)
      values["address_id"] = .integer(address.id)
      let record = try await HandIn.merchant.insert(
        values, by: visit.principal, purpose: "申请商户认证", origin: visit.request.origin, in: store)
      return try visit.redirect(to: "/merchant", saying: "已提交，编号 \(record["number"].text ?? "")。社区审核后在这里看结果。")
    } catch let refusal as Refusal
      where [.invalid, .unprocessable, .conflict].contains(refusal.kind) && !visit.wantsJSON
    {
      return try await ask(visit, form, [FieldError](refusal))
    }
  }

  /// The typed values of some fields of a register, as its own form would read them.
  private func read(_ entity: String, _ form: FormData, _ names: [String], _ visit: Visit) throws -> [String: Value] {
    let register = Register(
      try store.entity(entity), catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal))
    let reader = FormReader(register, form, record: nil, only: names)
    if let first = reader.errors.first { throw Refusal(.invalid, "field-invalid", first.message, field: first.field) }
    return reader.values.filter { !$0.value.isBlank }
  }

  // MARK: Notices

  private func merchant(_ visit: Visit) async throws -> Record {
    try visit.requirePerson(toDo: "发布信息")
    let id = try visit.request.integer("id")
    guard
      let found = try await mine(visit, MerchantRules.merchant, ["name", "address_id", "state"]).first(where: {
        $0.id == id
      })
    else { throw Refusal(.notFound, "merchant-missing", "没有找到这个商户。请从“我的商户”重新进入。") }
    return found
  }

  private func write(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError]) async throws -> Response {
    let merchant = try await merchant(visit)
    let today = store.clock.today()
    let fields = [
      Shell.Field(
        "kind", "种类", .radio(typed?.first("kind") ?? "promotion", store.choices("merchant_notice_kind")),
        isRequired: true, error: errors["kind"]),
      Shell.Field(
        "title", "标题", .text(typed?.first("title") ?? "", .init(maximum: 40)), isRequired: true, error: errors["title"]),
      Shell.Field(
        "content", "内容", .longText(typed?.first("content") ?? "", rows: 6, maximum: 1000), isRequired: true,
        error: errors["content"]),
      Shell.Field(
        "photo", "图片",
        .file(.init(accept: "image/jpeg,image/png", allowsSeveral: true, opensCamera: true, limit: "最多 6 张，拍摄信息会去掉")),
        error: errors["photo"]),
      Shell.Field(
        "shown_from", "开始日期", .date(typed?.first("shown_from") ?? today.description), isRequired: true,
        error: errors["shown_from"]),
      Shell.Field(
        "shown_until", "最后一天", .date(typed?.first("shown_until") ?? today.adding(days: 29).description),
        isRequired: true, help: "过了这天自动不再显示，最长一年", error: errors["shown_until"]),
    ]
    return try await visit.page(
      "发布信息", status: errors.isEmpty ? 200 : 422,
      crumbs: [Crumb("我的商户", "/merchant")], subtitle: merchant["name"].text
    ) {
      if let message = errors["merchant_id"] { Notice(.danger, message) }
      FormView(
        path: "/merchant/\(merchant.id)/notices", sections: [Shell.FormSection(id: "notice", "信息", fields: fields)],
        errors: errors, submit: Action("提交审核", .submit(name: nil, value: nil), style: .primary),
        cancelPath: "/merchant", isMultipart: true, note: "社区审核通过后公开。要改的，撤下后重新提交。")
    }
  }

  private func submit(_ visit: Visit) async throws -> Response {
    let merchant = try await merchant(visit)
    let form = try await visit.request.body.form()
    do {
      var values = try read(
        MerchantRules.notice, form, ["kind", "title", "content", "shown_from", "shown_until"], visit)
      values["merchant_id"] = .integer(merchant.id)
      let kept = try await photos.keep(form, "photo", by: visit.principal, withOriginals: false)
      if !kept.shown.isEmpty { values["photo"] = .list(kept.shown) }
      _ = try await HandIn.merchantNotice.insert(
        values, by: visit.principal, purpose: "发布商户信息", origin: visit.request.origin, in: store)
      return try visit.redirect(to: "/merchant", saying: "已提交审核，通过后扫码的人就能看到。")
    } catch let refusal as Refusal
      where [.invalid, .unprocessable, .conflict].contains(refusal.kind) && !visit.wantsJSON
    {
      return try await write(visit, form, [FieldError](refusal))
    }
  }

  private func withdraw(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "撤下信息")
    try await own(visit, MerchantRules.notice).perform(
      "withdraw", on: MerchantRules.notice, try visit.request.integer("id"), version: nil, asked: [:])
    return try visit.redirect(to: "/merchant", saying: "已撤下，扫码的人不再看到。")
  }
}
