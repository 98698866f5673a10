import Access
package import Cases
import Core
import Entities
import Geo
import HTML
package import HTTP
package import Portal
import Shell
package import Site

/// Booking a window (预约办理): what, where, when, confirm; one's own appointments; the list for the window's staff.
package struct AppointmentRoutes: Sendable {
  let site: Site
  let appointments: Appointments
  let windows: ServiceWindows
  let cases: CaseStore

  package init(site: Site, appointments: Appointments, cases: CaseStore) {
    self.site = site
    self.appointments = appointments
    self.cases = cases
    windows = ServiceWindows(store: cases.store)
  }

  var store: RecordStore { cases.store }

  package func register(in router: inout Router) {
    router.on(.get, "/appointments", at: site) { visit in try await mine(visit) }
    router.on(.get, "/appointments/new", at: site) { visit in try await choose(visit) }
    router.on(.post, "/appointments", at: site) { visit in try await book(visit) }
    router.on(.get, "/appointments/{id}", at: site) { visit in try await show(visit) }
    router.on(.get, "/appointments/{id}/cancel", at: site) { visit in try await askCancel(visit) }
    router.on(.post, "/appointments/{id}/cancel", at: site) { visit in try await cancel(visit) }
  }

  // MARK: What

  /// What an item is at a window: the service that its form belongs to.
  static func service(of item: ServiceItem) -> String {
    if item.form.hasPrefix("hukou_move") || item.form == "hukou_settle" { return "migration" }
    return item.form == "hukou_certificate" || item.form == "hukou_proof" ? "certificate" : "hukou"
  }

  func subject(_ query: (String) -> String?) throws(Refusal) -> Appointments.Subject? {
    if let code = query("item"), !code.isEmpty {
      guard let item = cases.services.item(code), !item.isInternal else {
        throw Refusal(.notFound, "item-unknown", "没有这个事项，或它已停办。请从事项列表重新选择。")
      }
      return Appointments.Subject(code: item.code, label: item.label, service: AppointmentRoutes.service(of: item))
    }
    guard let code = query("service"), !code.isEmpty else { return nil }
    guard let label = services.first(where: { $0.code == code })?.label else {
      throw Refusal(.notFound, "service-unknown", "没有这项业务。请重新选择。")
    }
    return Appointments.Subject(code: code, label: label, service: code)
  }

  private var services: [(code: String, label: String)] {
    (store.catalog.dictionary("desk_window_service")?.codes ?? []).filter { $0.code != "self_print" }.map {
      ($0.code, $0.label)
    }
  }

  /// The address of the next step with one answer more.
  private func step(_ visit: Visit, _ name: String, _ value: String) -> String {
    "/appointments/new?" + visit.request.query.setting(name, to: value).encoded
  }

  private func choose(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "预约")
    let query = visit.request.query
    if let (until, reason) = try await appointments.blocked(visit.principal.id) {
      return try await visit.page("预约到窗口办理", crumbs: [Crumb("我的预约", "/appointments")]) {
        Notice(.warning, "\(reason)，\(until) 前不能网上预约。您可以直接到窗口取号；认为有误的，请致电窗口申请解除。")
      }
    }
    guard let subject = try self.subject({ query.first($0) }) else { return try await chooseService(visit) }
    guard let id = query.first("window").flatMap({ Int64($0) }) else { return try await chooseWindow(visit, subject) }
    let window = try await windows.one(id)
    guard let slot = query.first("slot").flatMap({ Int64($0) }) else {
      return try await chooseSlot(visit, subject, window)
    }
    return try await confirm(visit, subject, window, slot, typed: nil, errors: [])
  }

  private func chooseService(_ visit: Visit) async throws -> Response {
    let icons: [String: Icon] = [
      "hukou": .people, "migration": .send, "identity_card": .person, "temporary_card": .clock,
      "residence_permit": .home, "border_permit": .shield, "certificate": .document,
    ]
    var chosen: ServiceWindow?
    if let id = visit.request.query.first("window").flatMap({ Int64($0) }) { chosen = try await windows.one(id) }
    let offered = services.filter { service in chosen.map { $0.services.contains(service.code) } ?? true }
    return try await visit.page(
      "预约到窗口办理", crumbs: [Crumb("我的预约", "/appointments")], subtitle: "第 1 步，共 4 步：办什么"
    ) {
      Card("要办什么") {
        ServiceGrid(
          offered.map {
            ServiceGrid.Item($0.label, icon: icons[$0.code] ?? .document, path: step(visit, "service", $0.code))
          })
      }
      p {
        "也可以从"
        a(.href("/services")) { "办事指南" }
        "里找到具体事项，再选“预约到窗口”。"
      }
    }
  }

  // MARK: Where and when

  private func chooseWindow(_ visit: Visit, _ subject: Appointments.Subject) async throws -> Response {
    let query = visit.request.query
    let here = try visit.here()
    let found = try await windows.all(service: subject.service, near: here).filter(\.takesAppointment)
    let address = query.setting("lon", to: nil).setting("lat", to: nil).encoded
    return try await visit.page(
      "预约：\(subject.label)", crumbs: [Crumb("我的预约", "/appointments")], subtitle: "第 2 步，共 4 步：去哪个窗口"
    ) {
      if found.isEmpty {
        StateView.empty(
          "没有可以预约的窗口", "这项业务的窗口现在都不接受预约，可以直接到窗口取号。", icon: .police, actions: [Action("查看窗口", .link("/windows"))])
      } else {
        p(.class("portal-way")) {
          a(.class("button button-normal"), .href("/appointments/new?\(address)"), .data("data-locate")) {
            Icon.locate
            span { "按离我的距离排列" }
          }
        }
        ul(.class("nearby")) {
          for window in found { li { WindowRow(window: window, path: step(visit, "window", String(window.id))) } }
        }
      }
    }
  }

  private func chooseSlot(_ visit: Visit, _ subject: Appointments.Subject, _ window: ServiceWindow) async throws
    -> Response
  {
    let slots = try await appointments.slots(of: window.id, service: subject.service)
    var days: [(date: CivilDate, slots: [Appointments.Slot])] = []
    for slot in slots {
      if days.last?.date == slot.date {
        days[days.count - 1].slots.append(slot)
      } else {
        days.append((slot.date, [slot]))
      }
    }
    return try await visit.page(
      "预约：\(subject.label)", crumbs: [Crumb("我的预约", "/appointments")], subtitle: "第 3 步，共 4 步：\(window.name)，什么时间"
    ) {
      if !slots.contains(where: { $0.remaining > 0 }) {
        StateView.empty(
          "近几天都约满了", "号源每天更新，请明天再来看，或换一个窗口。", icon: .calendar,
          actions: [
            Action("换一个窗口", .link("/appointments/new?" + visit.request.query.setting("window", to: nil).encoded))
          ])
      }
      for day in days {
        Card(dayLabel(day.date)) {
          ul(.class("slot-list")) {
            for slot in day.slots {
              li {
                if slot.remaining > 0 {
                  a(.class("slot"), .href(step(visit, "slot", String(slot.id)))) {
                    strong { slot.label }
                    span { "余 \(slot.remaining) 个" }
                  }
                } else {
                  span(.class("slot is-full")) {
                    strong { slot.label }
                    span { "约满" }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  // MARK: Confirming

  private func confirm(
    _ visit: Visit, _ subject: Appointments.Subject, _ window: ServiceWindow, _ slot: Int64, typed: KnownPerson?,
    errors: [FieldError]
  ) async throws -> Response {
    guard
      let chosen = try await appointments.slots(of: window.id, service: subject.service).first(where: { $0.id == slot })
    else {
      throw Refusal(.conflict, "slot-over", "这个时段已经停止预约或已经开始，没有预约。请另选时段。")
    }
    let known = try await KnownPerson.of(user: visit.principal.id, in: store, purpose: "本人预约预填")
    let fields = [
      Shell.Field(
        "name", "姓名",
        known.name.map { Control.fixed($0) }
          ?? Control.text(typed?.name ?? "", .init(maximum: 60, autocomplete: "name", width: 16)),
        isRequired: known.name == nil, error: errors["name"], source: known.name == nil ? nil : "来自您的实名登记"),
      Shell.Field(
        "document", "身份证号",
        known.document.map { Control.fixed("\($0.prefix(6))********\($0.suffix(4))") }
          ?? Control.text(typed?.document ?? "", .residentID),
        isRequired: known.document == nil, error: errors["document"], isPrivate: true),
      Shell.Field(
        "phone", "手机号码", .text(typed?.phone ?? known.phone ?? "", .phone), isRequired: true,
        help: "预约结果和提醒发到这个账号的消息和短信", error: errors["phone"], isPrivate: true),
    ]
    let general = errors.filter { $0.field.map { !["name", "document", "phone"].contains($0) } ?? true }
    return try await visit.page(
      "预约：\(subject.label)", status: errors.isEmpty ? 200 : 422, crumbs: [Crumb("我的预约", "/appointments")],
      subtitle: "第 4 步，共 4 步：核对"
    ) {
      for one in general { Notice(.danger, one.message) }
      Card("预约内容") {
        DetailList([
          DetailItem("时间", text: "\(dayLabel(chosen.date)) \(chosen.label)"), DetailItem("事项", text: subject.label),
          DetailItem("窗口", text: window.name), DetailItem("电话", text: window.phone, isCode: true),
          DetailItem("地址", text: window.address, isWide: true),
        ])
      }
      FormView(
        path: "/appointments", sections: [Shell.FormSection(id: "person", "谁来办", fields: fields)], errors: [],
        submit: Action("确认预约", .submit(name: nil, value: nil), style: .primary),
        cancelPath: "/appointments/new?" + visit.request.query.setting("slot", to: nil).encoded,
        hidden: [
          HiddenField(subject.code == subject.service ? "service" : "item", subject.code),
          HiddenField("window", String(window.id)), HiddenField("slot", String(slot)),
        ], note: "约了不来会记爽约，多次爽约会暂停预约；不能来请提前取消。")
    }
  }

  private func book(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "预约")
    let form = try await visit.request.body.form()
    guard let subject = try self.subject({ form.first($0) }), let slot = form.first("slot").flatMap({ Int64($0) }),
      let window = form.first("window").flatMap({ Int64($0) })
    else { throw Refusal(.invalid, "appointment-incomplete", "请依次选择事项、窗口和时段。") }
    var person = try await KnownPerson.of(user: visit.principal.id, in: store, purpose: "本人预约预填")
    person.name = person.name ?? form.first("name")
    person.document = person.document ?? form.first("document")
    person.phone = form.first("phone") ?? person.phone
    do {
      let record = try await appointments.book(
        slot: slot, subject, person: person, by: visit.principal, origin: visit.request.origin)
      return try visit.redirect(
        to: "/appointments/\(record.id)", saying: "预约成功，排队号 \(record["queue_number"].text ?? "")。")
    } catch let refusal as Refusal where refusal.kind == .invalid && !visit.wantsJSON {
      return try await confirm(
        visit, subject, try await windows.one(window), slot, typed: person, errors: [FieldError](refusal))
    }
  }

  // MARK: One's own

  private func badge(_ record: Record) -> Badge {
    let tone: Tone =
      switch record["state"].text {
      case "booked": .info
      case "arrived", "served": .success
      case "missed": .danger
      default: .neutral
      }
    return Badge(record.titles["state"] ?? "", tone)
  }

  private func mine(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "查看预约")
    let records = try await appointments.mine(visit.principal.id)
    return try await visit.page(
      "我的预约", actions: [Action("新的预约", .link("/appointments/new"), style: .primary, icon: .calendar)]
    ) {
      if records.isEmpty {
        StateView.empty(
          "还没有预约", "预约后按时到窗口签到，不用排队取号。", icon: .calendar,
          actions: [Action("预约到窗口办理", .link("/appointments/new"), style: .primary)])
      } else {
        ul(.class("nearby")) {
          for record in records {
            li {
              a(.class("nearby-row"), .href("/appointments/\(record.id)")) {
                Icon.calendar
                span(.class("nearby-text")) {
                  span(.class("nearby-name")) {
                    "\(record["slot_date"].date.map(dayLabel) ?? "") \(record.titles["time_slot"] ?? "") "
                    badge(record)
                  }
                  span(.class("nearby-detail")) {
                    "\(record["item_label"].text ?? "") · \(record.titles["service_window_id"] ?? "")"
                  }
                }
                span(.class("nearby-distance number")) { record["queue_number"].text ?? "" }
              }
            }
          }
        }
      }
    }
  }

  private func show(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "查看预约")
    let record = try await appointments.one(try visit.request.integer("id"), of: visit.principal.id)
    let window = try? await windows.one(record["service_window_id"].integer ?? 0)
    let limit = appointments.cancelBefore(record)
    let mayCancel = record["state"].text == "booked" && limit.map { store.clock.now() < $0 } == true
    return try await visit.page(
      "预约 \(record["queue_number"].text ?? "")", crumbs: [Crumb("我的预约", "/appointments")], badge: badge(record),
      subtitle: record["item_label"].text,
      actions: mayCancel ? [Action("取消预约", .dialog("/appointments/\(record.id)/cancel"), style: .danger)] : []
    ) {
      if record["state"].text == "booked" {
        p(.class("queue-number")) {
          small { "排队号" }
          strong { record["queue_number"].text ?? "" }
        }
        p { "请在时段内到窗口出示身份证或报排队号签到。" }
      }
      if let reason = record["cancel_reason"].text, !reason.isEmpty { Notice(.warning, "窗口取消的原因：\(reason)") }
      Card("预约内容") {
        DetailList([
          DetailItem("时间", text: "\(record["slot_date"].date.map(dayLabel) ?? "") \(record.titles["time_slot"] ?? "")"),
          DetailItem("事项", text: record["item_label"].text),
          DetailItem("预约编号", text: record["number"].text, isCode: true),
          DetailItem(
            "窗口",
            window.map { one in a(.href("/windows/\(one.id)")) { one.name } }
              ?? .text(record.titles["service_window_id"] ?? "")),
          DetailItem("地址", text: window?.address, isWide: true), DetailItem("电话", text: window?.phone, isCode: true),
          DetailItem("可以取消到", text: limit?.display, isCode: true),
        ])
      }
    }
  }

  private func askCancel(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "取消预约")
    let record = try await appointments.one(try visit.request.integer("id"), of: visit.principal.id)
    return try await visit.confirmation(
      Confirmation(
        title: "取消预约",
        consequences: [
          "\(record["slot_date"].date.map(dayLabel) ?? "") \(record.titles["time_slot"] ?? "") 的号会让给别人", "需要时可以重新预约",
        ], path: "/appointments/\(record.id)/cancel", submit: "取消预约", isDangerous: true,
        cancelPath: "/appointments/\(record.id)"), crumbs: [Crumb("我的预约", "/appointments")])
  }

  private func cancel(_ visit: Visit) async throws -> Response {
    try visit.requirePerson(toDo: "取消预约")
    try await appointments.cancel(
      try visit.request.integer("id"), by: visit.principal, origin: visit.request.origin)
    return try visit.redirect(to: "/appointments", saying: "已取消预约。")
  }
}
