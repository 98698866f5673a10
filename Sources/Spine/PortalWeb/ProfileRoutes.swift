import Access
import Core
import Entities
import HTML
package import HTTP
package import Portal
import Shell
package import Site

/// 个人信息: what people change of themselves, and the way to correct what the population register owns (C-263).
package struct ProfileRoutes: Sendable {
  let site: Site
  let particulars: OwnParticulars
  /// Codes to numbers that are not yet anybody's here.
  let limiter: RateLimiter

  package init(site: Site, particulars: OwnParticulars, limiter: RateLimiter) {
    self.site = site
    self.particulars = particulars
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/account/profile", at: site) { visit in try await page(visit) }
    router.on(.post, "/account/profile/phone", at: site) { visit in try await phone(visit) }
    router.on(.post, "/account/profile/address", at: site) { visit in try await address(visit) }
  }

  /// What was typed and is not yet kept.
  private struct Typed {
    var phone = ""
    var wantsCode = false
    var address: String?
    var errors: [FieldError] = []
  }

  private func page(_ visit: Visit, _ typed: Typed = Typed(), status: Int = 200) async throws -> Response {
    try visit.requirePerson(toDo: "维护个人信息")
    let known = try await particulars.known(of: visit.principal)
    return try await visit.page("个人信息", status: status, crumbs: [Crumb("我的账号", "/account")]) {
      registered(known.person, isStaff: visit.principal.unit != nil)
      phoneForm(known, typed)
      FormView(
        path: "/account/profile/address",
        sections: [
          FormSection(
            id: "address", "联系地址", help: "申请办理快递送达时自动填入收件地址。",
            fields: [
              Shell.Field(
                "address", "联系地址",
                .text(typed.address ?? known.address ?? "", .init(maximum: 200, autocomplete: "street-address")),
                help: "写到门牌号；清空后保存即删除", error: typed.errors["address"], isPrivate: true)
            ])
        ], errors: typed.errors.filter { $0.field == "address" },
        submit: Action("保存联系地址", .submit(name: nil, value: nil), style: .normal), cancelPath: nil)
      Card("电子邮箱和微信") {
        p {
          "在"
          a(.href("/account/messages")) { "消息接收设置" }
          "里添加、更换或解除。"
        }
      }
    }
  }

  /// What somebody else is right about.
  private func registered(_ person: KnownPerson, isStaff: Bool) -> HTML {
    Card("登记的信息") {
      if person.isRealName {
        DetailList([
          DetailItem("姓名", text: person.name),
          DetailItem("证件号码", text: person.document.map { Masking.masked($0, by: .id) }, isCode: true),
        ])
        p {
          "姓名、性别、民族、出生日期和户籍地址以人口登记为准。有误或有变化的，请"
          a(.href("/services?q=变更")) { "申请变更更正" }
          "；搬了家的，请"
          a(.href("/services?q=迁")) { "申请户口迁移" }
          "。"
        }
      } else if isStaff {
        p { "工作人员的姓名、机构和岗位由系统管理员维护，有误请联系本单位系统管理员。" }
      } else {
        p {
          "还没有实名认证。请在"
          a(.href("/account/identities")) { "登录方式" }
          "里绑定实名身份，绑定后申请事项不用再填姓名和证件号码。"
        }
      }
    }.html
  }

  private func phoneForm(_ known: OwnParticulars.Known, _ typed: Typed) -> FormView {
    var fields = [
      Shell.Field(
        "phone", "新手机号码",
        .text(typed.phone, .init(maximum: 20, type: "tel", inputMode: "tel", autocomplete: "tel", width: 18)),
        isRequired: true, error: typed.errors["phone"], isPrivate: true)
    ]
    if typed.wantsCode {
      fields.append(
        Shell.Field(
          "code", "短信里的 6 位验证码",
          .text("", .init(maximum: 6, inputMode: "numeric", autocomplete: "one-time-code", width: 8, isCode: true)),
          isRequired: true, help: "10 分钟内有效", error: typed.errors["code"], isPrivate: true))
    }
    let current = known.phone.map { "现在用的是 \(Masking.masked($0.text, by: .phone))。" } ?? "还没有手机号码。"
    return FormView(
      path: "/account/profile/phone",
      sections: [
        FormSection(
          id: "phone", known.phone == nil ? "添加手机号码" : "更换手机号码", help: "\(current)办理进展的短信发到这个号码。", fields: fields)
      ], errors: typed.errors.filter { ["phone", "code"].contains($0.field) },
      submit: Action(
        typed.wantsCode ? "更换手机号码" : "获取验证码", .submit(name: nil, value: nil),
        style: typed.wantsCode ? .primary : .normal),
      others: typed.wantsCode
        ? [Action("重新获取验证码", .submit(name: "again", value: "1"), style: .quiet, takesIncomplete: true)] : [],
      cancelPath: nil)
  }

  private func phone(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "更换手机号码")
    let form = try await visit.request.body.form()
    var typed = Typed(phone: form.first("phone") ?? "")
    let code = form.first("again") == nil ? (form.first("code") ?? "").filter { !$0.isWhitespace } : ""
    do {
      if code.isEmpty {
        try limiter.require("user \(visit.principal.id)", toDo: "获取验证码")
        try await particulars.sendCode(to: typed.phone, by: visit.principal)
        if visit.wantsJSON { return .json(["sent": true]) }
        typed.wantsCode = true
        return try await page(visit, typed)
      }
      try await particulars.changePhone(
        to: typed.phone, code: code, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where !visit.wantsJSON {
      typed.errors = [FieldError](refusal)
      typed.wantsCode = refusal.field == "code" || refusal.code == "code-too-soon"
      return try await page(visit, typed, status: refusal.kind.status)
    }
    if visit.wantsJSON { return .json(["changed": true]) }
    return try visit.redirect(to: "/account/profile", saying: "手机号码已更换，以后的短信发到新号码。")
  }

  private func address(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "保存联系地址")
    let text = (try await visit.request.body.form()).first("address") ?? ""
    do {
      try await particulars.changeAddress(to: text, by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where !visit.wantsJSON {
      return try await page(
        visit, Typed(address: text, errors: [FieldError("address", refusal.message)]), status: refusal.kind.status)
    }
    if visit.wantsJSON { return .json(["changed": true]) }
    return try visit.redirect(to: "/account/profile", saying: "联系地址已保存。")
  }
}
