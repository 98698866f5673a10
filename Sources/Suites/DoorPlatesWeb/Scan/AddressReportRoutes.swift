import Access
import Core
import DoorPlates
package import Entities
import EntitiesWeb
import Geo
import HTML
package import HTTP
import SQL
import Shell
package import Site
package import SpineWeb

/// What anybody who scanned a plate may report, without signing in, and the answer to it (A-090, A-091).
package struct AddressReportRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let photos: FieldPhotos
  /// Of reading, by network address.
  let limiter: RateLimiter
  /// Of reporting, by network address.
  let writing: RateLimiter

  package init(site: Site, store: RecordStore, photos: FieldPhotos, limiter: RateLimiter, writing: RateLimiter) {
    self.site = site
    self.store = store
    self.photos = photos
    self.limiter = limiter
    self.writing = writing
  }

  package func register(in router: inout Router) {
    router.on(.get, "/d/{code}/report", at: site) { visit in try await ask(visit, nil, []) }
    router.on(.post, "/d/{code}/report", maximumBody: FieldPhotos.maximumBody, at: site) { visit in
      try await report(visit)
    }
    router.on(.get, "/address-reports", at: site) { visit in try await lookUp(visit, nil, []) }
    router.on(.post, "/address-reports", at: site) { visit in try await find(visit) }
    router.on(.get, "/address-reports/{id}", at: site) { visit in try await own(visit) }
  }

  /// What may be reported; the raw values are codes of `report_subject`.
  private enum Subject: String {
    case address, plate

    var title: String { self == .address ? "地址有误" : "门牌破损污染" }
    var field: String { self == .address ? "address_fault" : "plate_fault" }
    var dictionary: String { self == .address ? "address_error" : "plate_fault" }
    var question: String { self == .address ? "哪里有误" : "门牌怎么了" }
  }

  private func address(_ visit: Visit) async throws -> Record {
    let code = try visit.request.parameter("code")
    let unknown = Refusal(.notFound, "address-unknown", "没有编码为“\(code.prefix(32))”的地址。请确认门牌完整无损，或联系社区核实。")
    guard code.utf8.count <= 32,
      let found = try await store.records(as: .system).list(
        ListQuery(
          "address", filters: [ListFilter("code", .equals(.text(code)))],
          columns: ["code", "full_name", "location", "status"], limit: 1)
      ).records.first
    else { throw unknown }
    return found
  }

  // MARK: Reporting

  private func ask(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    try limiter.require(visit.request.remoteAddress, toDo: "查询")
    let address = try await address(visit)
    let asked = typed?.first("subject") ?? visit.request.query.first("about") ?? ""
    let subject = Subject(rawValue: asked) ?? .plate
    let client = typed?.first("client_id") ?? site.newVisitor()
    let fields = fields(subject, address, typed, errors, isKnown: visit.principal.kind == .user)
    return try await visit.formPage(status: status) { frame in
      PublicPage(title: subject.title, visit: frame) {
        PublicHeading(subject.title, note: address["full_name"].text)
        FormView(
          path: "/d/\(address["code"].text ?? "")/report",
          sections: [Shell.FormSection(id: "report", "请说明情况", fields: fields)], errors: errors,
          submit: Action("提交反映", .submit(name: nil, value: nil), style: .primary, icon: .send),
          cancelPath: "/d/\(address["code"].text ?? "")",
          hidden: [HiddenField("subject", subject.rawValue), HiddenField("client_id", client)], isMultipart: true,
          note: "派出所核查后答复。电话只给核查的民警看。")
      }.render()
    }
  }

  private func fields(
    _ subject: Subject, _ address: Record, _ typed: FormData?, _ errors: [FieldError], isKnown: Bool
  ) -> [Shell.Field] {
    let choices =
      store.catalog.dictionary(subject.dictionary)?.codes.filter { !$0.retired }.map {
        Choice($0.code, $0.label, detail: $0.help)
      } ?? []
    return [
      Shell.Field(
        subject.field, subject.question, .radio(typed?.first(subject.field) ?? "", choices), isRequired: true,
        error: errors[subject.field]),
      Shell.Field(
        "description", "说明", .longText(typed?.first("description") ?? "", rows: 3, maximum: 500),
        help: "不要写姓名和证件号码", error: errors["description"]),
      Shell.Field(
        "photo", "现场照片",
        .file(
          .init(
            accept: "image/jpeg,image/png", allowsSeveral: true, opensCamera: true,
            limit: "最多 \(FieldPhotos.limit) 张，拍摄信息会去掉")),
        error: errors["photo"]),
      Shell.Field(
        "position", "位置",
        FieldPosition.control(typed, "position", start: address["location"].point),
        help: "不填按门牌登记的位置核查；实际位置不同的请标出来。", error: errors["position"]),
      Shell.Field(
        "phone", "联系电话", .text(typed?.first("phone") ?? "", .phone),
        help: isKnown ? "答复会发到您的消息里，不用填" : "愿意的话留一个，答复时发短信", error: errors["phone"], isPrivate: true),
    ]
  }

  private func report(_ visit: Visit) async throws -> Response {
    let address = try await address(visit)
    let form = try await visit.request.body.form()
    let client = form.first("client_id").flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 } ?? site.newVisitor()
    if let before = try await receipt(client: client) { return try await thank(visit, before, address) }
    try writing.require(visit.request.remoteAddress, toDo: "反映问题")
    do {
      let values = try await values(visit, form, address)
      try await store.records(
        as: visit.principal.entrusted(with: [AddressReportRules.entity]), purpose: "群众反映", origin: visit.request.origin
      ).insert(
        AddressReportRules.entity, values.merging(["client_id": .text(client)]) { $1 }, input: .code)
    } catch let refusal as Refusal
      where !visit.wantsJSON && [.invalid, .unprocessable, .tooLarge, .conflict].contains(refusal.kind)
    {
      return try await ask(visit, form, [FieldError](refusal), status: refusal.kind.status)
    }
    guard let made = try await receipt(client: client) else { throw Fault("report-lost") }
    return try await thank(visit, made, address)
  }

  private func values(_ visit: Visit, _ form: FormData, _ address: Record) async throws -> [String: Value] {
    guard let subject = Subject(rawValue: form.first("subject") ?? "") else {
      throw Refusal(.invalid, "field-required", "请从扫码页面选择要反映的事。", field: "subject")
    }
    let register = Register(
      try store.entity(AddressReportRules.entity), catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal))
    let reader = FormReader(register, form, record: nil, only: [subject.field, "description", "phone"])
    if let first = reader.errors.first { throw Refusal(.invalid, "field-invalid", first.message, field: first.field) }
    guard reader.values[subject.field]?.isNull == false else {
      throw Refusal(.invalid, "field-required", "请选择\(subject.question)。", field: subject.field)
    }
    let position = try FieldPosition(form, "position")
    let kept = try await photos.keep(form, "photo", by: visit.principal, withOriginals: false)
    var values = reader.values.filter { !$0.value.isBlank }
    values.merge(position.values(place: "position", measured: "measured", accuracy: "accuracy")) { $1 }
    if values["position"] == nil, !address["location"].isNull { values["position"] = address["location"] }
    values["subject"] = .text(subject.rawValue)
    values["address_id"] = .integer(address.id)
    if !kept.shown.isEmpty { values["photo"] = .list(kept.shown) }
    if visit.principal.kind == .user { values["reporter_user_id"] = .integer(visit.principal.id) }
    return values
  }

  // MARK: The answer

  private struct Receipt: Sendable {
    let id: Int64
    let number: String
    let receipt: String
  }

  private func receipt(client: String) async throws -> Receipt? {
    let row = try await store.database.query(
      "select id, number, receipt from address_report where client_id = \(client)"
    ).first
    return try row.map {
      Receipt(id: try $0.get("id"), number: try $0.get("number"), receipt: try $0.get("receipt"))
    }
  }

  private func thank(_ visit: Visit, _ made: Receipt, _ address: Record) async throws -> Response {
    try await visit.formPage { frame in
      PublicPage(title: "已收到", visit: frame) {
        PublicHeading("已收到，谢谢", note: address["full_name"].text)
        Notice(.success, title: "派出所会核查并答复") { p { "请记下编号和查询码，凭它们查看答复。" } }
        Card {
          DetailList([
            DetailItem("反映编号", text: made.number, isCode: true), DetailItem("查询码", text: made.receipt, isCode: true),
          ])
        }
        div(.class("stack")) {
          p(.class("field-help")) { "截屏保存也可以。" }
          ActionBar([
            Action("查看答复", .link("/address-reports?number=\(made.number)"), style: .primary),
            Action("回到扫码页面", .link("/d/\(address["code"].text ?? "")")),
          ])
        }
      }.render()
    }
  }

  private func lookUp(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    try limiter.require(visit.request.remoteAddress, toDo: "查询答复")
    var mine: [Record] = []
    if visit.principal.kind == .user {
      mine = try await acting(visit).list(
        ListQuery(
          AddressReportRules.entity,
          filters: [ListFilter("reporter_user_id", .equals(.integer(visit.principal.id)))],
          sort: [.init(field: "reported_at", descending: true)], columns: AddressReportRoutes.shown, limit: 20)
      ).records
    }
    let number = typed?.first("number") ?? visit.request.query.first("number") ?? ""
    return try await visit.formPage(status: status) { frame in
      PublicPage(title: "查看反映的答复", visit: frame) {
        PublicHeading("查看反映的答复", note: "凭反映编号和查询码")
        FormView(
          path: "/address-reports",
          sections: [
            Shell.FormSection(
              id: "look-up", "编号和查询码",
              fields: [
                Shell.Field(
                  "number", "反映编号", .text(String(number.prefix(20)), .init(maximum: 20, width: 20, isCode: true)),
                  isRequired: true, error: errors["number"]),
                Shell.Field(
                  "receipt", "查询码", .text("", .init(maximum: 20, width: 12, isCode: true)), isRequired: true,
                  error: errors["receipt"], isPrivate: true),
              ])
          ], errors: errors, submit: Action("查看答复", .submit(name: nil, value: nil), style: .primary), cancelPath: "/")
        if !mine.isEmpty { PublicSection("我的反映") { for record in mine { card(record) } } }
      }.render()
    }
  }

  private static let shown = [
    "number", "subject", "address_fault", "plate_fault", "full_name", "reported_at", "state", "answer", "handled_at",
  ]

  private func acting(_ visit: Visit) -> Records {
    store.records(
      as: visit.principal.entrusted(with: [AddressReportRules.entity], to: "view", scope: .own), purpose: "本人反映",
      origin: visit.request.origin)
  }

  private func find(_ visit: Visit) async throws -> Response {
    try limiter.require(visit.request.remoteAddress, toDo: "查询答复")
    let form = try await visit.request.body.form()
    let number = (form.first("number") ?? "").uppercased()
    let receipt = (form.first("receipt") ?? "").uppercased()
    let row = try await store.database.query(
      "select id from address_report where number = \(number) and receipt = \(receipt)"
    ).first
    guard let row else {
      let error = FieldError("number", "没有找到这个编号，或查询码不对。请核对后重试。")
      return try await lookUp(visit, form, [error], status: 422)
    }
    let record = try await store.records(as: .system, purpose: "凭查询码查看答复").get(
      AddressReportRules.entity, try row.get("id"), columns: AddressReportRoutes.shown)
    return try await answer(visit, record)
  }

  private func own(_ visit: Visit) async throws -> Response {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再查看答复。")
    }
    return try await answer(
      visit,
      try await acting(visit).get(
        AddressReportRules.entity, try visit.request.integer("id"), columns: AddressReportRoutes.shown))
  }

  private func answer(_ visit: Visit, _ record: Record) async throws -> Response {
    try await visit.formPage { frame in
      PublicPage(title: "反映的答复", visit: frame) {
        PublicHeading("反映的答复", note: record["full_name"].text)
        card(record)
      }.render()
    }
  }

  private func card(_ record: Record) -> HTML {
    let state = record["state"].text ?? ""
    let tone: Tone = state == "open" ? .info : state == "accepted" ? .success : .neutral
    return Card(record["number"].text) {
      DetailList([
        DetailItem("状态", Badge(record.titles["state"] ?? "", tone).html),
        DetailItem("反映的事", text: record.titles["address_fault"] ?? record.titles["plate_fault"]),
        DetailItem("地址", text: record["full_name"].text),
        DetailItem("反映时间", text: record["reported_at"].instant?.display, isCode: true),
        DetailItem("答复", text: record["answer"].text ?? "还在核查，答复后会显示在这里", isWide: true),
      ])
    }.html
  }
}
