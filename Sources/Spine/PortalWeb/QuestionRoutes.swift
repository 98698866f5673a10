import Access
import Core
package import Entities
import HTML
package import HTTP
import Portal
import Shell
package import Site

/// Questions and answers (咨询答疑, C-254), and reports of banks that refuse a genuine card (银行身份核验异常, C-253).
package struct QuestionRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let limiter: RateLimiter

  package init(site: Site, store: RecordStore, limiter: RateLimiter) {
    self.site = site
    self.store = store
    self.limiter = limiter
  }

  package func register(in router: inout Router) {
    router.on(.get, "/questions", at: site) { visit in try await published(visit) }
    router.on(.get, "/questions/new", at: site) { visit in try await questionForm(visit, [:], []) }
    router.on(.post, "/questions", at: site) { visit in try await ask(visit) }
    router.on(.get, "/questions/{id}", at: site) { visit in try await show(visit) }
    router.on(.get, "/identity-reports/new", at: site) { visit in try await reportForm(visit, [:], []) }
    router.on(.post, "/identity-reports", at: site) { visit in try await report(visit) }
    router.on(.get, "/identity-reports", at: site) { visit in try await reports(visit) }
  }

  func acting(_ visit: Visit, _ entity: String) -> Records {
    store.records(
      as: visit.principal.entrusted(with: [entity], scope: .own), purpose: "本人办理", origin: visit.request.origin)
  }

  private static let shown = [
    "number", "kind", "name", "content", "asked_at", "state", "reply", "public_question", "replied_at", "reply_unit_id",
    "note", "asker_user_id",
  ]

  // MARK: Reading

  private func published(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询答复")
    let text = String((visit.request.query.first("q") ?? "").prefix(60))
    let found = try await store.records(as: .system, purpose: "公开答复").list(
      ListQuery(
        "desk_question", filters: [ListFilter("state", .equals(.text("shown")))],
        search: text.isEmpty ? nil : text, sort: [.init(field: "asked_at", descending: true)],
        columns: ["name", "public_question", "replied_at"], limit: 50)
    ).records
    var mine: [Record] = []
    if visit.principal.kind == .user {
      mine = try await acting(visit, "desk_question").list(
        ListQuery(
          "desk_question", filters: [ListFilter("asker_user_id", .equals(.integer(visit.principal.id)))],
          sort: [.init(field: "asked_at", descending: true)], columns: ["name", "state", "asked_at"], limit: 20)
      ).records
    }
    return try await visit.portalPage(
      "咨询答疑", note: "先看看别人问过的，没有再提问",
      actions: [Action("我要提问", .link("/questions/new"), style: .primary, icon: .help)]
    ) {
      form(.class("portal-search"), .role("search"), .action("/questions")) {
        Shell.Field("q", "查找问题", .text(text, .init(maximum: 60, placeholder: "例如 落户要多久", type: "search")))
        Action("查找问题", .submit(name: nil, value: nil), style: .primary)
      }
      if !mine.isEmpty {
        Card("我的提问", count: .exact(mine.count)) {
          ul(.class("plain-list")) {
            for record in mine {
              li {
                a(.href("/questions/\(record.id)")) { record["name"].text ?? "" }
                " "
                Badge(record.titles["state"] ?? "", record["state"].text == "pending" ? .warning : .success)
              }
            }
          }
        }
      }
      if found.isEmpty {
        StateView.empty(text.isEmpty ? "还没有公开的答复" : "没有找到“\(text)”", "可以直接提问，答复会发到您的消息里。", icon: .help)
      } else {
        Card("大家常问", count: .exact(found.count)) {
          ul(.class("plain-list")) {
            for record in found { li { a(.href("/questions/\(record.id)")) { record["name"].text ?? "" } } }
          }
        }
      }
    }
  }

  private func show(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询答复")
    let id = try visit.request.integer("id")
    let missing = Refusal(.notFound, "question-missing", "没有找到这条留言，或它没有公开。请从“咨询答疑”重新进入。")
    let record = try await store.records(as: .system, purpose: "咨询答疑").get(
      "desk_question", id, columns: QuestionRoutes.shown)
    let isMine = visit.principal.kind == .user && record["asker_user_id"].integer == visit.principal.id
    guard isMine || record["state"].text == "shown" else { throw missing }
    let question = isMine ? record["content"].text : record["public_question"].text
    return try await visit.portalPage(
      record["name"].text ?? "",
      note: isMine ? "\(record.titles["state"] ?? "") · \(record["number"].text ?? "")" : nil,
      crumbs: [Crumb("咨询答疑", "/questions")]
    ) {
      Card("问题") { paragraphs(question ?? "") }
      if let reply = record["reply"].text, !reply.isEmpty {
        Card("答复") {
          paragraphs(reply)
          p(.class("field-help")) {
            [record.titles["reply_unit_id"], record["replied_at"].instant?.display].compactMap(\.self)
              .joined(separator: " · ")
          }
        }
      } else if record["state"].text == "closed" {
        Notice(.info, "没有另行答复：\(record["note"].text ?? "")")
      } else {
        Notice(.info, "正在等待答复，答复后会显示在这里。")
      }
    }
  }

  // MARK: Asking

  private func questionForm(_ visit: Visit, _ typed: [String: String], _ errors: [FieldError]) async throws -> Response
  {
    try visit.requirePerson(toDo: "提问")
    let fields = [
      Shell.Field(
        "kind", "类别", .radio(typed["kind"] ?? "question", store.choices("desk_question_kind")), error: errors["kind"]),
      Shell.Field(
        "name", "标题", .text(typed["name"] ?? "", .init(maximum: 80)), isRequired: true,
        help: "不要写姓名和证件号码，公开答复时会显示标题", error: errors["name"]),
      Shell.Field(
        "content", "内容", .longText(typed["content"] ?? "", rows: 6, maximum: 3000), isRequired: true,
        error: errors["content"], isPrivate: true),
      Shell.Field(
        "division_code", "要问哪里的户政部门", .select(typed["division_code"] ?? "", try await store.counties()),
        isRequired: true,
        error: errors["division_code"]),
    ]
    return try await visit.page(
      "我要提问", status: errors.isEmpty ? 200 : 422, crumbs: [Crumb("咨询答疑", "/questions")]
    ) {
      FormView(
        path: "/questions", sections: [Shell.FormSection(id: "question", "提问", fields: fields)], errors: errors,
        submit: Action("提交问题", .submit(name: nil, value: nil), style: .primary), cancelPath: "/questions",
        note: "姓名和电话只给答复的工作人员看；公开的答复里没有。")
    }
  }

  private func ask(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "提问")
    let form = try await visit.request.body.form()
    var typed: [String: String] = [:]
    for name in ["kind", "name", "content", "division_code"] { typed[name] = form.first(name) ?? "" }
    do {
      let record = try await HandIn.question.insert(
        typed.mapValues { Value.text($0) }.filter { !$0.value.isBlank }.merging([
          "channel": .text("web"), "asker_name": .text(visit.principal.name),
        ]) { $1 }, by: visit.principal, purpose: "本人提问", origin: visit.request.origin, in: store)
      return try visit.redirect(
        to: "/questions/\(record.id)", saying: "已提交，编号 \(record["number"].text ?? "")。答复后会显示在这里。")
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) && !visit.wantsJSON {
      return try await questionForm(visit, typed, [FieldError](refusal))
    }
  }

  // MARK: Banks

  private func reportForm(_ visit: Visit, _ typed: [String: String], _ errors: [FieldError]) async throws -> Response {
    try visit.requirePerson(toDo: "登记")
    let fields = [
      Shell.Field(
        "person_name", "姓名", .text(typed["person_name"] ?? "", .init(maximum: 60, width: 16)), isRequired: true,
        error: errors["person_name"]),
      Shell.Field(
        "resident_id", "身份证号", .text(typed["resident_id"] ?? "", .residentID), isRequired: true,
        error: errors["resident_id"], isPrivate: true),
      Shell.Field(
        "phone", "联系电话", .text(typed["phone"] ?? "", .phone), isRequired: true, error: errors["phone"], isPrivate: true),
      Shell.Field(
        "bank", "银行及网点", .text(typed["bank"] ?? "", .init(maximum: 100)), isRequired: true, error: errors["bank"]),
      Shell.Field(
        "happened_on", "发生日期", .date(typed["happened_on"] ?? store.clock.today().description), isRequired: true,
        error: errors["happened_on"]),
      Shell.Field(
        "problems", "异常情形",
        .checkboxes(
          Set((typed["problems"] ?? "").split(separator: ",").map(String.init)), store.choices("desk_identity_problem")),
        isRequired: true, error: errors["problems"]),
      Shell.Field(
        "description", "情况说明", .longText(typed["description"] ?? "", rows: 4, maximum: 1000),
        error: errors["description"], isPrivate: true),
      Shell.Field(
        "division_code", "户籍所在地", .select(typed["division_code"] ?? "", try await store.counties()), isRequired: true,
        error: errors["division_code"]),
    ]
    return try await visit.page(
      "登记银行身份核验异常", status: errors.isEmpty ? 200 : 422, crumbs: [Crumb("我的登记", "/identity-reports")]
    ) {
      p { "持真实身份证在银行办理业务，联网核查结果却不一致的，在这里登记，由户籍地民警核查更正。" }
      FormView(
        path: "/identity-reports", sections: [Shell.FormSection(id: "report", "异常情况", fields: fields)], errors: errors,
        submit: Action("提交登记", .submit(name: nil, value: nil), style: .primary), cancelPath: "/identity-reports")
    }
  }

  private func report(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "登记")
    let form = try await visit.request.body.form()
    var typed: [String: String] = [:]
    for name in ["person_name", "resident_id", "phone", "bank", "happened_on", "description", "division_code"] {
      typed[name] = form.first(name) ?? ""
    }
    typed["problems"] = form.all("problems").joined(separator: ",")
    var values: [String: Value] = typed.mapValues { Value.text($0) }.filter { !$0.value.isBlank }
    values["happened_on"] = CivilDate(typed["happened_on"] ?? "").map { .date($0) }
    values["problems"] = form.all("problems").isEmpty ? nil : .list(form.all("problems"))
    do {
      let record = try await HandIn.report.insert(
        values, by: visit.principal, purpose: "本人登记", origin: visit.request.origin, in: store)
      return try visit.redirect(to: "/identity-reports", saying: "已登记，编号 \(record["number"].text ?? "")，户籍民警核查后会联系您。")
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) && !visit.wantsJSON {
      return try await reportForm(visit, typed, [FieldError](refusal))
    }
  }

  private func reports(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "查看登记")
    let found = try await acting(visit, "desk_identity_report").list(
      ListQuery(
        "desk_identity_report", filters: [ListFilter("reporter_user_id", .equals(.integer(visit.principal.id)))],
        sort: [.init(field: "reported_at", descending: true)],
        columns: ["number", "bank", "reported_at", "state", "handling"], limit: 50)
    ).records
    return try await visit.page(
      "银行身份核验异常", actions: [Action("登记异常", .link("/identity-reports/new"), style: .primary)]
    ) {
      if found.isEmpty {
        StateView.empty("没有登记过", "在银行核验身份不一致时，可以在这里登记，由户籍民警核查。", icon: .wallet)
      }
      for record in found {
        Card(record["number"].text) {
          DetailList([
            DetailItem("状态", Badge(record.titles["state"] ?? "", .info).html),
            DetailItem("银行", text: record["bank"].text),
            DetailItem("登记时间", text: record["reported_at"].instant?.display),
            DetailItem("处理情况", text: record["handling"].text ?? "等待核查", isWide: true),
          ])
        }
      }
    }
  }
}
