package import Core
package import Entities

/// The calendar of one plan (周期计划): which days are due, and when each of them begins and ends.
package struct PlanSchedule: Sendable, Hashable {
  /// A day that is due; `isMissed` when a later one has taken its place, so that it is noted and not made.
  package struct Due: Sendable, Hashable {
    /// The day of the period.
    package let day: CivilDate
    /// Whether it is noted only, since a later one is due too.
    package let isMissed: Bool
  }

  /// On which days its periods fall.
  package let rhythm: PlanRhythm
  /// The first day that a period may fall on.
  package let startsOn: CivilDate
  /// The last such day; `nil`: it goes on.
  package let endsOn: CivilDate?
  /// Seconds of the day.
  package let time: Int64
  /// Days before the day of the period on which its record is made.
  package let ahead: Int
  /// Seconds from the time of the period to its end.
  package let length: Int64?

  /// Days that are looked through for the next period: the longest rhythm, and the longest time ahead.
  private static let horizon = 800

  /// - Parameter values: the fields of a record of the register 周期计划.
  /// - Throws: ``Refusal`` `plan-time` and `plan-rhythm` that name the field.
  package init(_ values: (String) -> Value) throws(Refusal) {
    func number(_ name: String) -> Int? { values(name).integer.map { Int($0) } }
    guard let startsOn = values("starts_on").date else { throw PlanSchedule.missing("starts_on", "开始日期") }
    guard let time = PlanSchedule.time(values("at_time").text ?? "") else {
      throw Refusal(.unprocessable, "plan-time", "时刻应写成 08:30 这样的 24 小时制。请改正后再提交。", field: "at_time")
    }
    self.startsOn = startsOn
    self.time = time
    endsOn = values("ends_on").date
    ahead = number("ahead") ?? 0
    length = values("hours").decimal.map { $0.millionths * 3600 / 1_000_000 }
    let day = number("month_day")
    let month = number("month")
    switch values("rhythm").text {
    case "day": rhythm = .daily
    case "workday": rhythm = .workdays
    case "week":
      let days = (values("weekdays").list ?? []).compactMap { Int($0.dropFirst()) }
      guard !days.isEmpty else { throw PlanSchedule.missing("weekdays", "星期") }
      rhythm = .weekly(Set(days))
    case "month":
      guard let day else { throw PlanSchedule.missing("month_day", "几号") }
      rhythm = .monthly(day: day)
    case "quarter":
      guard let day else { throw PlanSchedule.missing("month_day", "几号") }
      guard let month, (1...3).contains(month) else {
        throw Refusal(.unprocessable, "plan-rhythm", "每季度的“第几个月”应是 1 至 3。请改正后再提交。", field: "month")
      }
      rhythm = .quarterly(month: month, day: day)
    case "year":
      guard let day else { throw PlanSchedule.missing("month_day", "几号") }
      guard let month else { throw PlanSchedule.missing("month", "第几个月") }
      rhythm = .yearly(month: month, day: day)
    case "days":
      guard let days = number("every_days") else { throw PlanSchedule.missing("every_days", "每隔几天") }
      rhythm = .every(days: days, from: startsOn)
    default: throw PlanSchedule.missing("rhythm", "周期")
    }
  }

  private static func missing(_ field: String, _ label: String) -> Refusal {
    Refusal(.unprocessable, "plan-rhythm", "“\(label)”还没有填写，请填写后再提交。", field: field)
  }

  /// Seconds of the day of `08:30`; `nil` for anything else.
  static func time(_ text: String) -> Int64? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2,
      parts.allSatisfy({ (1...2).contains($0.utf8.count) && $0.utf8.allSatisfy { (48...57).contains($0) } }),
      let hour = Int64(parts[0]), let minute = Int64(parts[1]), hour < 24, minute < 60, parts[1].utf8.count == 2
    else { return nil }
    return hour * 3600 + minute * 60
  }

  /// When the period of `day` begins.
  package func begin(of day: CivilDate) -> Instant { day.start + time }

  /// When it ends; where the plan says no length, with its day.
  package func end(of day: CivilDate) -> Instant { length.map { begin(of: day) + $0 } ?? day.end }

  /// The first day of a period after `last`; `nil` when there is none any more.
  package func next(after last: CivilDate?, isWorkday: (CivilDate) -> Bool) -> CivilDate? {
    let first = max(startsOn, last?.adding(days: 1) ?? startsOn)
    for offset in 0..<PlanSchedule.horizon {
      let day = first.adding(days: offset)
      if let endsOn, day > endsOn { return nil }
      if rhythm.falls(on: day, isWorkday: isWorkday) { return day }
    }
    return nil
  }

  /// What has to be made by `now`, in order.
  ///
  /// A record that could not be made in time, because nothing ran, is made late as long as no later period is due by
  /// today: who comes back after a week finds one inspection to be done and not seven.
  package func due(after last: CivilDate?, at now: Instant, isWorkday: (CivilDate) -> Bool) -> [Due] {
    let today = now.chinaTime.date
    var days: [CivilDate] = []
    var cursor = last
    while let day = next(after: cursor, isWorkday: isWorkday), begin(of: day.adding(days: -ahead)) <= now {
      days.append(day)
      cursor = day
    }
    let latest = days.last { $0 <= today }
    return days.map { day in Due(day: day, isMissed: day < today && day != latest) }
  }
}
