import Cases
import Core
import Definitions
import Entities
import HTML
import HTTP
import Processes
import Shell
import Site

/// Working calendars by the month (工作日历设计).
extension DefinitionRoutes {
  func calendarEditor(_ visit: Visit, _ work: Work, errors: [FieldError]) async throws -> Response {
    guard let calendar = DefinitionText.calendar(work.text, work.key) else {
      return try visit.redirect(to: path(work.key, "text"), saying: "日历现在读不懂，请在文本里改正。", tone: .warning)
    }
    let wanted = visit.request.query.first("month").flatMap { CivilDate($0 + "-01") }
    let today = store.cases.store.clock.now().chinaTime.date
    guard let first = wanted ?? CivilDate(year: today.year, month: today.month, day: 1) else {
      throw DefinitionStore.missing
    }
    let before = first.adding(days: -1)
    let after = first.adding(days: CivilDate.days(inMonth: first.month, of: first.year))
    let edit = path(work.key, "edit")
    func month(_ day: CivilDate) -> String { "\(edit)?month=\(day.year)-\(twoDigits(day.month))" }
    let workdays = (0..<CivilDate.days(inMonth: first.month, of: first.year)).filter {
      calendar.isWorkday(first.adding(days: $0))
    }.count
    return try await visit.page(
      "\(calendar.label)：编辑", status: errors.isEmpty ? 200 : 422, crumbs: crumbs(work.key, calendar.label),
      badge: badge(work.key, work.draft), tabs: tabs(work.key, "edit")
    ) {
      if work.draft != nil { findings(store.findings(of: work.key, work.text), of: work.key) }
      Card("\(first.year) 年 \(first.month) 月（\(workdays) 个工作日）") {
        ActionBar([
          Action("上一月", .link(month(before)), style: .quiet), Action("下一月", .link(month(after)), style: .quiet),
        ])
        p(.class("field-help")) { mayDraft(visit) ? "点一天，在工作和休息之间改变；与平时不同的日子加粗并写明“放假”“调班”。" : "与平时不同的日子写明“放假”“调班”。" }
        CalendarMonth(calendar: calendar, first: first, path: mayDraft(visit) ? edit : nil, seen: work.seen)
      }
      if mayDraft(visit) { hoursForm(calendar, work, errors) }
    }
  }

  private func hoursForm(_ calendar: WorkCalendar, _ work: Work, _ errors: [FieldError]) -> FormView {
    let fields = zip(WorkCalendar.Weekday.allCases, CivilDate.weekdayNames).map { weekday, name in
      let spans = calendar.hours(of: weekday)
      return Shell.Field(
        "hours.\(weekday.rawValue)", name,
        .text(spans.map(\.description).joined(separator: ", "), .init(maximum: 100, placeholder: "休息", isCode: true)),
        error: errors.first { $0.field == "hours.\(weekday.rawValue)" }?.message)
    }
    return FormView(
      path: path(work.key, "edit"),
      sections: [
        Shell.FormSection(
          id: "hours", "名称和办公时间", help: "如 08:30-12:00, 14:00-17:30；不填为休息。",
          fields: [Shell.Field("label", "名称", .text(calendar.label, .init(maximum: 60)), isRequired: true)] + fields)
      ], errors: errors, submit: Action("保存到草稿", .submit(name: "part", value: "hours"), style: .primary),
      cancelPath: path(work.key), hidden: [work.seen])
  }

  func saveCalendar(_ visit: Visit, _ work: Work, _ form: FormData) async throws -> Response {
    guard let calendar = DefinitionText.calendar(work.text, work.key) else { throw DefinitionStore.missing }
    if let text = form.first("day") {
      guard let day = CivilDate(text) else {
        throw Refusal(.invalid, "calendar-day", "日期“\(text.prefix(20))”读不懂。请在月历上点选。")
      }
      let changed = calendar.setting(day, works: !calendar.isWorkday(day))
      let month = form.first("month").flatMap { CivilDate($0 + "-01") } ?? day
      return try await keep(
        changed.node, work, form, visit, next: "edit?month=\(month.year)-\(twoDigits(month.month))")
    }
    var hours: [WorkCalendar.Weekday: [WorkCalendar.Span]] = [:]
    var errors: [FieldError] = []
    for weekday in WorkCalendar.Weekday.allCases {
      guard let spans = WorkCalendar.spans(form.first("hours.\(weekday.rawValue)") ?? "") else {
        errors.append(FieldError("hours.\(weekday.rawValue)", "办公时间读不懂。请写成 08:30-12:00, 14:00-17:30 这样。"))
        continue
      }
      hours[weekday] = spans
    }
    let label = String((form.first("label") ?? "").prefix(60))
    if label.allSatisfy(\.isWhitespace) { errors.append(FieldError("label", "请填写名称。")) }
    guard errors.isEmpty else { return try await calendarEditor(visit, work, errors: errors) }
    return try await keep(calendar.with(label: label, hours: hours).node, work, form, visit, next: "edit")
  }
}
