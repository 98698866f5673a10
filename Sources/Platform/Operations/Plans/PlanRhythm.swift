package import Core

/// On which days the periods of a plan fall (周期).
package enum PlanRhythm: Sendable, Hashable {
  case daily
  /// The days on which the office works (工作日), by the working calendar.
  case workdays
  /// Monday is 1.
  case weekly(Set<Int>)
  /// A day that a month does not have is its last.
  case monthly(day: Int)
  /// The month of the quarter, 1 to 3.
  case quarterly(month: Int, day: Int)
  case yearly(month: Int, day: Int)
  /// Every so many days, counted from a date.
  case every(days: Int, from: CivilDate)

  /// Whether a period falls on `date`.
  package func falls(on date: CivilDate, isWorkday: (CivilDate) -> Bool) -> Bool {
    switch self {
    case .daily: true
    case .workdays: isWorkday(date)
    case .weekly(let days): days.contains(date.weekday)
    case .monthly(let day): PlanRhythm.is(date, the: day)
    case .quarterly(let month, let day): (date.month - 1) % 3 + 1 == month && PlanRhythm.is(date, the: day)
    case .yearly(let month, let day): date.month == month && PlanRhythm.is(date, the: day)
    case .every(let days, let first):
      date >= first && (date.daysSinceEpoch - first.daysSinceEpoch) % max(days, 1) == 0
    }
  }

  private static func `is`(_ date: CivilDate, the day: Int) -> Bool {
    date.day == min(day, CivilDate.days(inMonth: date.month, of: date.year))
  }
}
