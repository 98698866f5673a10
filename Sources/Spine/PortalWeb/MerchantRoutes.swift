import Access
import Core
package import Entities
import HTML
package import HTTP
import Portal
import Shell
package import Site
package import SpineWeb

/// 我的商户: a signed-in person asks to be known as a merchant at an address, and publishes there once the community has
/// agreed (A-089, A-149); what it publishes are public notices (``NoticeRoutes``).
package struct MerchantRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let photos: FieldPhotos
  let search: PlaceSearch

  package init(site: Site, store: RecordStore, photos: FieldPhotos, search: PlaceSearch) {
    self.site = site
    self.store = store
    self.photos = photos
    self.search = search
  }

  package func register(in router: inout Router) {
    router.on(.get, "/merchant", at: site) { visit in try await overview(visit) }
    router.on(.get, "/merchant/new", at: site) { visit in try await ask(visit, nil, []) }
    router.on(.post, "/merchant", maximumBody: FieldPhotos.maximumBody, at: site) { visit in try await apply(visit) }
  }

  // MARK: Overview

  private func overview(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "办理商户业务")
    let merchants = try await store.own(
      MerchantRules.merchant, ["name", "number", "address_id", "state", "review_note", "applied_at"], visit)
    let notices = try await store.own(NoticeRules.entity, NoticeRoutes.ownColumns, visit)
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

  private func card(_ merchant: Record, _ notices: [Record]) -> HTML {
    let isApproved = merchant["state"].text == "approved"
    return Card(
      merchant["name"].text,
      actions: isApproved
        ? [Action("发布信息", .link("/merchant/\(merchant.id)/notices/new"), style: .primary, icon: .plus)] : []
    ) {
      DetailList([
        DetailItem("认证", store.reviewBadge("merchant_state", merchant["state"].text ?? "").html),
        DetailItem("编号", text: merchant["number"].text, isCode: true),
        DetailItem("地址", text: merchant.titles["address_id"], isWide: true),
        DetailItem("审核意见", text: merchant["review_note"].text ?? "", isWide: true),
      ])
      NoticeRoutes.ownList(notices, store)
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
      var values = try store.typed(MerchantRules.merchant, form, ["name", "credit_code", "phone"], visit)
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
}
