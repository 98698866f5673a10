import Access
import Core
import DoorPlates
package import Entities
import EntitiesWeb
import HTML
package import HTTP
import Residences
import Shell
package import Site

/// 上门核对住户 on the telephone: who lives behind the plate, gone or new, also without a network once it is open (A-180).
package struct HouseholdCheckRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let checks: HouseholdCheck

  package init(site: Site, store: RecordStore) {
    self.site = site
    self.store = store
    checks = HouseholdCheck(store: store)
  }

  package func register(in router: inout Router) {
    router.on(.get, "/inspection/household", at: site) { visit in try await ask(visit, nil, []) }
    router.on(.post, "/inspection/household", at: site) { visit in try await submit(visit) }
  }

  /// What is asked of somebody new, as the register of population declares it.
  private static let asked = [
    "name", "document_kind", "resident_id", "document_number", "sex", "birth_date", "phone",
  ]

  private func permit(_ visit: Visit) throws {
    try visit.principal.require(Permission(HouseholdCheck.entity, "create"), toDo: "上门核对住户")
  }

  private func address(_ code: String, _ visit: Visit) async throws -> Record {
    let found = try await store.records(as: visit.principal, origin: visit.request.origin).list(
      ListQuery(
        "address", filters: [ListFilter("code", .equals(.text(String(code.prefix(32)))))],
        columns: ["code", "full_name"], limit: 1))
    guard let address = found.records.first else {
      throw Refusal(.notFound, "address-unknown", "没有这个编码的地址，或它不在您的责任区。请扫门牌后再点“上门核对住户”。", field: "code")
    }
    return address
  }

  // MARK: The page

  private func ask(_ visit: Visit, _ typed: FormData?, _ errors: [FieldError], status: Int = 200) async throws
    -> Response
  {
    try permit(visit)
    let address = try await address(typed?.first("code") ?? visit.request.query.first("code") ?? "", visit)
    let code = address["code"].text ?? ""
    let stays = try await checks.stays(
      at: address.id, code: code, for: visit.principal, origin: visit.request.origin)
    let client = site.newVisitor()
    return try await visit.page(
      "上门核对住户", status: status, crumbs: [Crumb("扫码页面", "/d/\(code)")], subtitle: address["full_name"].text,
      scripts: [.inspection]
    ) {
      div(.class("stack"), .data("data-inspection"), .data("data-owner", String(visit.principal.id))) {
        FieldForm.outbox
        FieldForm(
          path: "/inspection/household", title: "核对 \(address["full_name"].text ?? "")",
          client: typed?.first("client_id") ?? client, hidden: [HiddenField("code", code)], errors: errors,
          submit: "登记核对结果", back: "/d/\(code)", secret: HouseholdCheckRoutes.asked
        ) {
          Card("登记在这里的人", count: .exact(stays.count)) { known(stays, typed) }
          Card("新住户") { newcomer(typed, errors) }
        }
      }
    }
  }

  @HTMLBuilder private func known(_ stays: [Record], _ typed: FormData?) -> HTML {
    if stays.isEmpty { p(.class("blank")) { "这里还没有登记的住户。" } }
    for stay in stays {
      let name = "stay.\(stay.id)"
      let waits = stay["state"].text == "submitted"
      Shell.Field(
        name, stay.titles["person_id"] ?? "住户",
        .radio(typed?.first(name) ?? "", [Choice("confirmed", "在住"), Choice("gone", "已搬离")]),
        help: [
          stay.titles["kind"], stay["since"].date.map { "\($0) 入住" },
          waits ? "待民警审核" : stay["confirmed_on"].date.map { "\($0) 核实" },
        ].compactMap(\.self).joined(separator: " · "))
    }
  }

  private func newcomer(_ typed: FormData?, _ errors: [FieldError]) -> [Shell.Field] {
    guard let person = store.catalog.entity("person") else { return [] }
    let controls = FieldControl(
      catalog: store.catalog,
      errors: Dictionary(
        errors.compactMap { error in error.field.map { ($0, error.message) } }, uniquingKeysWith: { first, _ in first })
    )
    let input =
      typed.map { form in
        FormInput(Dictionary(form.fields.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 }))
      } ?? FormInput(["document_kind": ["resident_id"]])
    var fields = HouseholdCheckRoutes.asked.compactMap { person.field($0) }.map { field in
      var shown = controls.field(field, typed: input, record: nil)
      shown.isRequired = false
      switch field.name {
      case "name": shown.help = "没有新住户的不填；一次填一人"
      case "resident_id": shown.help = "按身份证填写，性别和出生日期由号码得出"
      case "document_number", "sex", "birth_date": shown.help = "用护照、通行证等证件的填"
      default: break
      }
      return shown
    }
    fields.append(
      Shell.Field(
        "since", "入住日期", .date(typed?.first("since") ?? store.clock.today().description), error: errors["since"]))
    return fields
  }

  // MARK: Entering

  private func submit(_ visit: Visit) async throws -> Response {
    try permit(visit)
    let form = try await visit.request.body.form()
    let client = form.first("client_id").flatMap { $0.isEmpty || $0.utf8.count > 64 ? nil : $0 } ?? site.newVisitor()
    do {
      let address = try await address(form.first("code") ?? "", visit)
      var marks: [Int64: HouseholdCheck.Mark] = [:]
      for item in form.fields.items where item.name.hasPrefix("stay.") {
        guard let id = Int64(item.name.dropFirst(5)), let mark = HouseholdCheck.Mark(rawValue: item.value) else {
          continue
        }
        marks[id] = mark
      }
      let outcome = try await checks.submit(
        [
          "address_id": .integer(address.id),
          "checked_at": .instant(FieldForm.taken(form.first("taken_at"), now: store.clock.now())),
        ], marks: marks, newcomer: try newcomer(form, visit), client: client, by: visit.principal,
        origin: visit.request.origin)
      let (name, said) =
        switch outcome {
        case .taken(skipped: 0): ("taken", "已登记核对结果。")
        case .taken(let skipped): ("taken", "已登记核对结果。有 \(skipped) 人的居住登记在核对之后改过，没有覆盖，请重新核对。")
        case .already: ("already", "这次核对已经登记过，没有重复登记。")
        }
      let next = "/d/\(address["code"].text ?? "")"
      if visit.wantsJSON {
        return .json(["outcome": .string(name), "message": .string(said), "next": .string(next)])
      }
      return try visit.redirect(to: next, saying: said)
    } catch let refusal as Refusal
      where !visit.wantsJSON && [.invalid, .unprocessable, .conflict].contains(refusal.kind)
    {
      return try await ask(visit, form, [FieldError](refusal), status: refusal.kind.status)
    }
  }

  private func newcomer(_ form: FormData, _ visit: Visit) throws -> HouseholdCheck.Newcomer? {
    guard !TextForms.trimmed(form.first("name") ?? "").isEmpty else { return nil }
    let register = Register(
      try store.entity("person"), catalog: store.catalog,
      context: EvaluationContext(now: store.clock.now(), principal: visit.principal))
    let reader = FormReader(register, form, record: nil, only: HouseholdCheckRoutes.asked)
    if let refusal = Refusal(
      all: reader.errors.map { Refusal(.invalid, "field-invalid", $0.message, field: $0.field) })
    {
      throw refusal
    }
    let today = store.clock.today()
    let came = form.first("since") ?? ""
    guard let since = came.isEmpty ? today : CivilDate(came), since <= today else {
      throw Refusal(.invalid, "date-invalid", "入住日期不对，应是今天或以前的日期。", field: "since")
    }
    return HouseholdCheck.Newcomer(values: reader.values.filter { !$0.value.isBlank }, since: since)
  }
}
