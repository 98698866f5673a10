import Access
import Core
package import Entities
import HTML
package import HTTP
import Portal
import Shell
package import Site

/// The day at a window for its staff (窗口签到): who is expected, who has come, check-in by queue number.
package struct DeskRoutes: Sendable {
  let site: Site
  let store: RecordStore

  package init(site: Site, store: RecordStore) {
    self.site = site
    self.store = store
  }

  package func register(in router: inout Router) {
    router.on(.get, "/desk/appointments", at: site) { visit in try await day(visit) }
    router.on(.post, "/desk/appointments/arrive", at: site) { visit in try await arriveByNumber(visit) }
    router.on(.post, "/desk/appointments/{id}/{action}", at: site) { visit in try await act(visit) }
  }

  private func date(_ visit: Visit) -> CivilDate {
    visit.request.query.first("date").flatMap { CivilDate($0) } ?? store.clock.today()
  }

  private func records(_ visit: Visit) -> Records {
    store.records(as: visit.principal, purpose: "窗口接待", origin: visit.request.origin)
  }

  private func expected(_ date: CivilDate, _ visit: Visit) async throws -> [Record] {
    try await records(visit).list(
      ListQuery(
        Appointments.entity, filters: [ListFilter("slot_date", .equals(.date(date)))],
        sort: [.init(field: "slot_date", descending: false), .init(field: "time_slot", descending: false)],
        columns: [
          "queue_number", "time_slot", "item_label", "name", "phone", "service_window_id", "state", "arrived_at",
        ],
        limit: 500)
    ).records
  }

  private func day(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission(Appointments.entity, "view"), toDo: "查看窗口预约")
    let date = self.date(visit)
    let all = try await expected(date, visit)
    let mayArrive = visit.principal.may(Permission(Appointments.entity, "arrive")) && date == store.clock.today()
    let groups = try await records(visit).aggregate(
      AggregateQuery(
        Appointments.entity, filters: [ListFilter("slot_date", .equals(.date(date)))], groups: [.init("state")]))
    let numbers = Dictionary(
      groups.map { ($0.keys.first?.text ?? "", Int($0.measures.first?.integer ?? 0)) }, uniquingKeysWith: +)
    func count(_ states: String...) -> Int { states.reduce(0) { $0 + numbers[$1, default: 0] } }
    let whole = numbers.values.reduce(0, +)
    let rows = all.map { record in
      TableRow(
        id: String(record.id), name: record["queue_number"].text ?? "", path: "/r/appointment/\(record.id)",
        cells: [
          .text(record["queue_number"].text ?? ""), .text(record.titles["time_slot"] ?? ""),
          .text(record["name"].text ?? ""), .text(record["item_label"].text ?? ""),
          .text(record.titles["service_window_id"] ?? ""), Badge(record.titles["state"] ?? "", tone(record)).html,
          next(record, mayArrive),
        ])
    }
    return try await visit.page(
      "窗口预约", layout: .wide, subtitle: dayLabel(date),
      actions: [
        Action("前一天", .link("/desk/appointments?date=\(date.adding(days: -1))")),
        Action("后一天", .link("/desk/appointments?date=\(date.adding(days: 1))")),
        Action("统计", .link("/r/appointment/statistics"), style: .quiet),
      ]
    ) {
      TileRow([
        Tile("预约", value: String(whole)), Tile("已到", value: String(count("arrived", "served"))),
        Tile("未到", value: String(count("booked", "missed"))), Tile("已办完", value: String(count("served"))),
      ])
      if mayArrive {
        Card("签到") {
          form(.class("inline-form"), .method(.post), .action("/desk/appointments/arrive")) {
            formTokenField()
            Shell.Field(
              "queue", "排队号或预约编号", .text("", .init(maximum: 30, placeholder: "例如 B003", width: 16, isCode: true)),
              isRequired: true)
            Action("签到", .submit(name: nil, value: nil), style: .primary)
          }
        }
      }
      Card("名单", count: .exact(whole), isFlush: true) {
        DataTable(
          caption: "\(dayLabel(date))的预约",
          columns: [
            Column("排队号", .code), Column("时段", .text), Column("姓名", .text), Column("事项", .wide), Column("窗口", .text),
            Column("状态", .text), Column("操作", .actions),
          ], rows: rows, opensPanel: false, empty: .empty("这一天没有预约", "号源在“预约号源”里设置。", icon: .calendar))
        if whole > all.count {
          p(.class("field-help")) {
            "先列出 \(all.count) 个，其余请输入排队号签到，或在"
            a(.href("/r/appointment?slot_date.from=\(date)&slot_date.to=\(date)")) { "预约" }
            "里查找。"
          }
        }
      }
    }
  }

  private func tone(_ record: Record) -> Tone {
    switch record["state"].text {
    case "arrived": .info
    case "served": .success
    case "missed": .danger
    default: .neutral
    }
  }

  private func next(_ record: Record, _ mayArrive: Bool) -> HTML {
    guard mayArrive else { return .empty }
    switch record["state"].text {
    case "booked": return Action("签到", .post("/desk/appointments/\(record.id)/arrive", []), style: .quiet).html
    case "arrived": return Action("办完", .post("/desk/appointments/\(record.id)/serve", []), style: .quiet).html
    default: return .empty
    }
  }

  private func arriveByNumber(_ visit: Visit) async throws -> Response {
    let text = (try await visit.request.body.form().first("queue") ?? "").filter { !$0.isWhitespace }.uppercased()
    var found: [Record] = []
    for field in ["queue_number", "number"] {
      found += try await records(visit).list(
        ListQuery(
          Appointments.entity,
          filters: [
            ListFilter("slot_date", .equals(.date(store.clock.today()))), ListFilter(field, .equals(.text(text))),
          ], columns: ["queue_number", "number", "state", "time_slot", "service_window_id"], limit: 50)
      ).records
    }
    guard let record = found.first(where: { $0["state"].text == "booked" }) ?? found.first else {
      return try visit.redirect(
        to: "/desk/appointments", saying: "今天没有排队号或编号是“\(text.prefix(30))”的预约，请核对后重新输入。", tone: .warning)
    }
    let waiting = found.filter { $0["state"].text == "booked" }
    guard waiting.count < 2 else {
      return try visit.redirect(
        to: "/desk/appointments", saying: "有 \(waiting.count) 个窗口有排队号“\(text)”，请在名单里选择，或输入预约编号。", tone: .warning)
    }
    guard record["state"].text == "booked" else {
      return try visit.redirect(
        to: "/desk/appointments", saying: "\(text) 现在是“\(record.titles["state"] ?? "")”，没有改动。", tone: .warning)
    }
    try await records(visit).perform("arrive", on: Appointments.entity, record.id, version: record.version)
    return try visit.redirect(to: "/desk/appointments", saying: "\(text) 已签到。")
  }

  private func act(_ visit: Visit) async throws -> Response {
    let action = try visit.request.parameter("action")
    guard ["arrive", "serve"].contains(action) else {
      throw Refusal(.notFound, "action-unknown", "没有这个操作。请刷新页面。")
    }
    try await records(visit).perform(action, on: Appointments.entity, try visit.request.integer("id"), version: nil)
    return try visit.redirect(to: "/desk/appointments", saying: action == "arrive" ? "已签到。" : "已办完。")
  }
}
