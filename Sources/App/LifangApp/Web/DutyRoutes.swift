import Access
import Core
import Entities
import HTML
import HTTP
import Operations
import Shell
import Site

/// The roster of a month as a calendar (值班月历, C-610), and who is on duty now.
struct DutyRoutes: Sendable {
  let site: Site
  let roster: DutyRoster

  func register(in router: inout Router) {
    router.on(.get, "/duty", at: site) { visit in try await month(visit) }
  }

  private func month(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission(DutyRoster.register, "view"), toDo: "查看值班表")
    let today = site.clock.today()
    let first = try DutyRoutes.first(visit.request.query.first("month"), today)
    let dictionary = roster.store.catalog.dictionary("duty_kind")
    let kind = visit.request.query.first("kind").flatMap { dictionary?.code($0) }
    let filters = kind.map { [ListFilter("kind", .equals(.text($0.code)))] } ?? []
    let records = roster.store.records(as: visit.principal, origin: visit.request.origin)
    let shifts = try await roster.month(first, filters, records)
    let now = try await roster.now(filters, records)
    let last = first.adding(months: 1).adding(days: -1)
    let span = "on_date.from=\(first)&on_date.to=\(last)\(kind.map { "&kind=\($0.code)" } ?? "")"
    var actions: [Action] = []
    if visit.principal.may(Permission("work_plan", "create")) {
      actions.append(Action("按轮值排班", .link("/r/work_plan/new?register=duty_shift"), style: .primary, icon: .plus))
    }
    if visit.principal.may(Permission(DutyRoster.register, "export")) {
      actions.append(Action("导出本月", .link("/r/\(DutyRoster.register)/export?\(span)"), icon: .download))
    }
    actions.append(Action("打印本页", .print, icon: .print))
    return try await visit.page(
      "值班月历", layout: .wide, crumbs: [Crumb("值班表", "/r/\(DutyRoster.register)")],
      subtitle: "\(first.year) 年 \(first.month) 月", actions: actions
    ) {
      Card("正在值班") { DutyRoutes.present(now) }
      nav(.class("month-steps"), .aria(.label, "换一个月")) {
        a(.class("button button-normal"), .href(path(first.adding(months: -1), kind?.code))) { "上个月" }
        a(.class("button button-normal"), .href(path(first.adding(months: 1), kind?.code))) { "下个月" }
        a(.class("button button-quiet"), .href(path(today, nil))) { "本月" }
      }
      FilterBar(
        path: "/duty", search: nil,
        basic: [
          Shell.Field(
            "kind", "值班类别",
            .select(kind?.code ?? "", (dictionary?.codes ?? []).map { Choice($0.code, $0.label) }, blank: "全部"))
        ], kept: [HiddenField("month", DutyRoutes.text(first))])
      DutyMonth(first: first, today: today, shifts: shifts)
    }
  }

  private func path(_ month: CivilDate, _ kind: String?) -> String {
    "/duty?month=\(DutyRoutes.text(month))\(kind.map { "&kind=\($0)" } ?? "")"
  }

  private static func text(_ month: CivilDate) -> String { "\(month.year)-\(twoDigits(month.month))" }

  /// The first day of the month asked for, of this month without one.
  private static func first(_ text: String?, _ today: CivilDate) throws(Refusal) -> CivilDate {
    guard let text, !text.isEmpty else { return today.adding(days: 1 - today.day) }
    guard let first = CivilDate("\(text)-01"), (2000...2100).contains(first.year) else {
      throw Refusal(.invalid, "query-value", "月份“\(text.prefix(20))”读不懂。请写成 2026-11。", field: "month")
    }
    return first
  }

  private static func present(_ shifts: [DutyRoster.Shift]) -> HTML {
    if shifts.isEmpty {
      return p(.class("blank")) { "现在没有人值班。排班后，当班的人和注意事项显示在这里。" }
    }
    return ul(.class("plain-list")) {
      for shift in shifts {
        li {
          Badge(shift.kind, .info)
          " "
          a(.href("/r/\(DutyRoster.register)/\(shift.id)")) { "\(shift.person)（\(shift.name)）" }
          " 至 \(shift.end.display)\(shift.phone.map { "，电话 \($0)" } ?? "")"
          if let cautions = shift.cautions { p(.class("field-help")) { "注意：\(cautions)" } }
        }
      }
    }
  }
}

/// A month of duties: a table where there is room, a list of days on a telephone.
struct DutyMonth: HTMLConvertible {
  let first: CivilDate
  let today: CivilDate
  let shifts: [CivilDate: [DutyRoster.Shift]]

  var html: HTML {
    table(.class("calendar-month duty-month")) {
      element("caption", .class("visually-hidden")) { "\(first.year) 年 \(first.month) 月的值班" }
      thead { tr { for name in CivilDate.weekdayNames { th(.scope("col")) { name } } } }
      tbody {
        for week in first.weeksOfMonth {
          tr { for day in week { cell(day) } }
        }
      }
    }
  }

  private func cell(_ day: CivilDate?) -> HTML {
    guard let day else { return td(.class("is-outside")) }
    let duties = shifts[day] ?? []
    return td(
      .class(day == today ? "is-today" : day < today ? "is-past" : nil), .class(duties.isEmpty ? "is-empty" : nil)
    ) {
      p(.class("calendar-day")) {
        String(day.day)
        span(.class("duty-weekday")) { " \(CivilDate.weekdayNames[day.weekday - 1])" }
        if day == today { span(.class("duty-today")) { "今天" } }
      }
      if duties.isEmpty {
        p(.class("calendar-word")) { "未排班" }
      } else {
        ul(.class("duty-list")) {
          for duty in duties {
            li {
              a(.href("/r/\(DutyRoster.register)/\(duty.id)")) {
                span(.class("duty-name")) { "\(duty.kind) \(duty.name)" }
                duty.person
              }
            }
          }
        }
      }
    }
  }
}
