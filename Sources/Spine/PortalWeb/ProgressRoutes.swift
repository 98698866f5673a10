import Access
package import Cases
import Core
import Entities
import HTML
package import HTTP
package import Portal
import Shell
package import Site

/// Progress without signing in, by case number and telephone (进度查询, C-022), progress of an identity card by its
/// number (C-250), and how many bear a name (新生儿取名指引, C-251).
package struct ProgressRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let codes: PhoneCodes
  let limiter: RateLimiter

  package init(site: Site, cases: CaseStore, codes: PhoneCodes, limiter: RateLimiter) {
    self.site = site
    store = cases.store
    self.codes = codes
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/progress", at: site) { visit in try await ask(visit, "", "", nil, []) }
    router.on(.post, "/progress", at: site) { visit in try await answer(visit) }
    router.on(.get, "/names", at: site) { visit in try await names(visit) }
    router.on(.get, "/identity-cards", at: site) { visit in try await identityCard(visit) }
  }

  /// The number and telephone, then the code.
  private func ask(
    _ visit: Visit, _ number: String, _ phone: String, _ notice: String?, _ errors: [FieldError],
    wantsCode: Bool = false
  ) async throws -> Response {
    var fields = [
      Shell.Field(
        "number", "受理编号", .text(number, .init(maximum: 40, inputMode: "numeric", width: 24, isCode: true)),
        isRequired: true,
        help: "在受理回执和短信里", error: errors["number"]),
      Shell.Field(
        "phone", "申请时留的手机号码", .text(phone, .phone), isRequired: true, error: errors["phone"], isPrivate: true),
    ]
    if wantsCode {
      fields.append(
        Shell.Field(
          "code", "短信验证码",
          .text("", .init(maximum: 6, inputMode: "numeric", autocomplete: "one-time-code", width: 8, isCode: true)),
          isRequired: true, error: errors["code"], isPrivate: true))
    }
    return try await visit.portalPage(
      "办理进度查询", note: "不用登录，用受理编号和手机验证码查询", status: errors.isEmpty ? 200 : 422
    ) {
      if let notice { Notice(.info, notice) }
      FormView(
        path: "/progress", sections: [Shell.FormSection(id: "progress", wantsCode ? "输入验证码" : "查询哪一件", fields: fields)],
        errors: errors,
        submit: wantsCode
          ? Action("查询进度", .submit(name: nil, value: nil), style: .primary)
          : Action("获取验证码", .submit(name: nil, value: nil), style: .primary),
        others: wantsCode
          ? [Action("重新获取验证码", .submit(name: "again", value: "1"), style: .quiet, takesIncomplete: true)] : [],
        cancelPath: "/")
    }
  }

  private func answer(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询进度")
    let form = try await visit.request.body.form()
    let number = (form.first("number") ?? "").filter { !$0.isWhitespace }
    let text = form.first("phone") ?? ""
    var errors: [FieldError] = []
    if number.isEmpty || number.utf8.count > 40 { errors.append(FieldError("number", "请填写受理编号。")) }
    let phone = PhoneNumber(text).flatMap { $0.kind == .mobile ? $0 : nil }
    if phone == nil { errors.append(FieldError("phone", "请填写申请时留的手机号码。")) }
    guard let phone, errors.isEmpty else { return try await ask(visit, number, text, nil, errors) }
    let found = try await record(number, phone)
    let code = form.first("again") == nil ? form.first("code") ?? "" : ""
    do {
      if code.isEmpty {
        try await codes.send(.progress, to: phone, subject: number, isWanted: found != nil)
        return try await ask(
          visit, number, text, "编号和手机号码相符的，验证码已经发到这个手机，10 分钟内有效。没有收到的，请核对编号和号码。", [], wantsCode: true)
      }
      try await codes.redeem(.progress, code, phone: phone, subject: number)
    } catch let refusal as Refusal where !visit.wantsJSON {
      return try await ask(visit, number, text, nil, [FieldError](refusal), wantsCode: true)
    }
    guard let found else { throw Refusal(.notFound, "case-missing", "没有找到这件办件。请核对受理编号。") }
    return try await show(visit, found)
  }

  private func record(_ number: String, _ phone: PhoneNumber) async throws -> Record? {
    try await store.records(as: .system, purpose: "凭手机验证码查询进度").list(
      ListQuery(
        ServiceCase.entity,
        filters: [
          ListFilter("number", .equals(.text(number))), ListFilter("applicant_phone", .equals(.text(phone.text))),
        ],
        columns: [
          "number", "item_label", "state", "step", "unit_id", "submitted_at", "due_at", "finished_at", "courier_number",
        ],
        limit: 1)
    ).records.first
  }

  /// How it stands, without anything of the people in it.
  private func show(_ visit: Visit, _ record: Record) async throws -> Response {
    let isOver = ["completed", "refused", "void"].contains(record["state"].text ?? "")
    var response = try await visit.portalPage(record["item_label"].text ?? "办理进度", note: record.titles["state"]) {
      Card("进度") {
        DetailList([
          DetailItem("受理编号", text: record["number"].text, isCode: true),
          DetailItem(
            "状态", Badge(record.titles["state"] ?? "", record["state"].text == "completed" ? .success : .info).html),
          DetailItem("当前环节", text: isOver ? "已结束" : record["step"].text),
          DetailItem("受理单位", text: record.titles["unit_id"]),
          DetailItem("申请时间", text: record["submitted_at"].instant?.display, isCode: true),
          DetailItem("办理期限", text: record["due_at"].instant?.display, isCode: true),
          DetailItem("办结时间", text: record["finished_at"].instant?.display ?? "还没有办结", isCode: true),
          DetailItem("快递单号", text: record["courier_number"].text, isCode: true),
        ])
      }
      p {
        "需要补充材料或查看详情的，请"
        a(.href("/sign-in?return=/inbox")) { "登录" }
        "后办理。"
      }
    }
    response.headers["Cache-Control"] = "no-store"
    return response
  }

  // MARK: Identity cards

  private func identityCard(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询身份证进度")
    let number = String((visit.request.query.first("number") ?? "").filter { !$0.isWhitespace }.prefix(40))
    var found: Record?
    if !number.isEmpty {
      found = try await store.records(as: .system).list(
        ListQuery(
          "identity_card_case", filters: [ListFilter("number", .equals(.text(number)))],
          columns: ["number", "state", "accepted_on", "ready_on", "pick_up_at", "note"], limit: 1)
      ).records.first
    }
    return try await visit.portalPage("身份证申办进度", note: "用受理回执上的受理号查询") {
      form(.class("portal-search"), .role("search"), .action("/identity-cards")) {
        Shell.Field("number", "受理号", .text(number, .init(maximum: 40, width: 24, isCode: true)), isRequired: true)
        Action("查询进度", .submit(name: nil, value: nil), style: .primary)
      }
      if let found {
        Card("进度") {
          DetailList([
            DetailItem("受理号", text: found["number"].text, isCode: true),
            DetailItem("状态", Badge(found.titles["state"] ?? "", .info).html),
            DetailItem("受理日期", text: found["accepted_on"].date?.description, isCode: true),
            DetailItem("可领日期", text: found["ready_on"].date?.description, isCode: true),
            DetailItem("领取地点", text: found["pick_up_at"].text),
            DetailItem("说明", text: found["note"].text, isWide: true),
          ])
        }
      } else if !number.isEmpty {
        StateView.nothingFound("没有找到受理号“\(number)”", "请核对回执；刚受理的一般第二天可以查到。", clear: "/identity-cards")
      }
    }
  }

  // MARK: Names

  /// Below so many the exact number is not told: it could point at somebody.
  static let smallest = 5

  private func names(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询重名")
    let query = visit.request.query
    let name = String((query.first("name") ?? "").filter { !$0.isWhitespace }.prefix(20))
    let division = query.first("division") ?? ""
    let counties = try await store.counties()
    var count: Int?
    let isName = name.count >= 2 && name.unicodeScalars.allSatisfy { $0.properties.isIdeographic || $0 == "·" }
    if isName {
      var filters = [ListFilter("name", .equals(.text(name)))]
      if counties.contains(where: { $0.value == division }) {
        filters.append(ListFilter("division_code", .prefix(division)))
      }
      count = try await store.records(as: .system, purpose: "重名查询").count(ListQuery("person", filters: filters)).value
    }
    return try await visit.portalPage("新生儿取名指引", note: "看看所选地区有多少人同名，取名作参考") {
      form(.class("portal-search"), .role("search"), .action("/names")) {
        Shell.Field(
          "name", "姓名", .text(name, .init(maximum: 20, width: 12)), isRequired: true,
          error: !name.isEmpty && !isName ? "请填写两个字以上的汉字姓名。" : nil)
        Shell.Field("division", "地区", .select(division, counties, blank: "全市"))
        Action("查询重名", .submit(name: nil, value: nil), style: .primary)
      }
      if let count {
        let place = counties.first { $0.value == division }?.label ?? visit.site.city.name
        let told =
          count == 0 ? "没有人" : count < ProgressRoutes.smallest ? "不到 \(ProgressRoutes.smallest) 人" : "\(count) 人"
        Notice(.info, title: "\(place)登记的人口中，\(told)叫“\(name)”") {
          p { "只统计已登记的人口，仅供参考。姓名要用规范汉字，避免生僻字；具体规定见政策法规。" }
        }
      }
    }
  }
}
