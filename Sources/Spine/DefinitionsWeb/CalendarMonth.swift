import Core
import HTML
import Processes
import Shell

/// A month of a working calendar as a table, each day a button that turns work into rest and back.
struct CalendarMonth: HTMLConvertible {
  let calendar: WorkCalendar
  let first: CivilDate
  /// Where a click goes; `nil` for those who only look.
  let path: String?
  let seen: HiddenField

  static func text(_ spans: [WorkCalendar.Span]) -> String {
    spans.isEmpty ? "休息" : spans.map(\.description).joined(separator: ", ")
  }

  var html: HTML {
    guard let path else { return month }
    return form(.method(.post), .action(path)) {
      formTokenField()
      seen
      HiddenField("month", "\(first.year)-\(twoDigits(first.month))")
      month
    }
  }

  private var month: HTML {
    table(.class("calendar-month")) {
      element("caption", .class("visually-hidden")) { "\(first.year) 年 \(first.month) 月" }
      thead { tr { for name in CivilDate.weekdayNames { th(.scope("col")) { name } } } }
      tbody {
        for week in first.weeksOfMonth {
          tr { for day in week { cell(day) } }
        }
      }
    }
  }

  private func cell(_ day: CivilDate?) -> HTML {
    guard let day else { return td() }
    let works = calendar.isWorkday(day)
    let isChanged = calendar.holidays.contains(day) || calendar.swaps[day] != nil
    let word = works ? (isChanged ? "调班" : "工作") : (isChanged ? "放假" : "休息")
    let face = HTML {
      span(.class("calendar-day")) { String(day.day) }
      span(.class("calendar-word")) { word }
    }
    return td(.class(works ? "is-work" : "is-rest"), .class(isChanged ? "is-changed" : nil)) {
      if path == nil {
        face
      } else {
        button(
          .type("submit"), .name("day"), .value(day.description), .class("calendar-button"),
          .aria(.label, "\(day) \(word)，点一下改为\(works ? "休息" : "工作")")
        ) { face }
      }
    }
  }
}
