package import Core

/// A working calendar (工作日历): when an office works, in China Standard Time, for deadlines of steps and cases.
///
/// Time is counted to the microsecond. Instants outside the years 1 to 9999 count as the nearest inside.
package struct WorkCalendar: Sendable, Hashable {
  package enum Weekday: String, Sendable, Hashable, CaseIterable {
    case mon, tue, wed, thu, fri, sat, sun
  }

  /// Working time of a day without a break, from a minute of the day up to but not including another.
  package struct Span: Sendable, Hashable, CustomStringConvertible {
    package let start: Int
    package let end: Int

    /// - Precondition: `0 <= start < end <= 1440`.
    package init(from start: Int, to end: Int) {
      precondition(0 <= start && start < end && end <= 1440, "a span lies within a day")
      (self.start, self.end) = (start, end)
    }

    /// `08:30-12:00`.
    package var description: String {
      "\(twoDigits(start / 60)):\(twoDigits(start % 60))-\(twoDigits(end / 60)):\(twoDigits(end % 60))"
    }
  }

  /// How a date works that would not, or not so, by its weekday (调休).
  package enum Swap: Sendable, Hashable {
    case asWeekday(Weekday)
    case spans([Span])
  }

  /// How a deadline stands (红绿灯).
  package enum Light: String, Sendable, Hashable, CaseIterable {
    case green, amber, red
  }

  private struct Change: Sendable, Hashable {
    /// Since 1970-01-01.
    let day: Int
    let spans: [Span]
  }

  package let name: String
  package let label: String
  /// Dates without work (法定节假日).
  package let holidays: Set<CivilDate>
  package let swaps: [CivilDate: Swap]
  /// Monday first.
  private let week: [[Span]]
  /// What holidays and swaps make of their dates, by date.
  private let changes: [Change]

  /// Days without work in a row after which no workday is looked for any more.
  package static let longestGap = 400

  /// 0001-01-01 to 9999-12-31, since 1970-01-01.
  private static let days = -719_162...2_932_896
  private static let minute: Int64 = 60_000_000
  private static let dayLength: Int64 = 1440 * minute

  /// - Parameters:
  ///   - hours: the spans of each weekday in any order, overlapping ones taken together; none for a weekday left out.
  ///   - swaps: stronger than `holidays` where both name a date.
  package init(
    name: String, label: String, hours: [Weekday: [Span]], holidays: Set<CivilDate> = [],
    swaps: [CivilDate: Swap] = [:]
  ) {
    let week = Weekday.allCases.map { WorkCalendar.canonical(hours[$0] ?? []) }
    var changed = Dictionary(holidays.map { ($0.daysSinceEpoch, [Span]()) }, uniquingKeysWith: { first, _ in first })
    for (date, swap) in swaps {
      switch swap {
      case .asWeekday(let weekday): changed[date.daysSinceEpoch] = WorkCalendar.canonical(hours[weekday] ?? [])
      case .spans(let spans): changed[date.daysSinceEpoch] = WorkCalendar.canonical(spans)
      }
    }
    self.name = name
    self.label = label
    self.holidays = holidays
    self.swaps = swaps
    self.week = week
    changes = changed.sorted { $0.key < $1.key }.map { Change(day: $0.key, spans: $0.value) }
  }

  /// Monday to Friday 08:30–12:00 and 14:00–17:30 without holidays, for where no calendar is declared.
  package static let standard: WorkCalendar = {
    let spans = [Span(from: 510, to: 720), Span(from: 840, to: 1050)]
    let days: [Weekday] = [.mon, .tue, .wed, .thu, .fri]
    return WorkCalendar(
      name: "standard", label: "标准工作日历", hours: Dictionary(uniqueKeysWithValues: days.map { ($0, spans) }))
  }()

  /// In order, without overlaps.
  private static func canonical(_ spans: [Span]) -> [Span] {
    spans.sorted { ($0.start, $0.end) < ($1.start, $1.end) }.reduce(into: []) { known, span in
      if let last = known.last, span.start <= last.end {
        known[known.count - 1] = Span(from: last.start, to: max(last.end, span.end))
      } else {
        known.append(span)
      }
    }
  }
}

// MARK: Days

extension WorkCalendar {
  package func isWorkday(_ day: CivilDate) -> Bool { !spans(on: day).isEmpty }

  /// The working time of a date in order, without overlaps.
  ///
  /// - Complexity: O(log *n*), where *n* is the number of holidays and swaps.
  package func spans(on day: CivilDate) -> [Span] { spans(ofDay: day.daysSinceEpoch) }

  /// The working time of a weekday that is neither a holiday nor swapped.
  package func hours(of weekday: Weekday) -> [Span] {
    zip(Weekday.allCases, week).first { $0.0 == weekday }?.1 ?? []
  }

  private func spans(ofDay day: Int) -> [Span] {
    let index = firstChange(from: day)
    if index < changes.count, changes[index].day == day { return changes[index].spans }
    return regularSpans(ofDay: day)
  }

  private func regularSpans(ofDay day: Int) -> [Span] { week[((day + 3) % 7 + 7) % 7] }

  /// The index of the first change on `day` or later.
  private func firstChange(from day: Int) -> Int {
    var (low, high) = (0, changes.count)
    while low < high {
      let middle = (low + high) / 2
      if changes[middle].day < day { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

// MARK: Deadlines

extension WorkCalendar {
  /// When `duration` is over that begins at `start`.
  ///
  /// Days are workdays: the day of the beginning is not counted, and the deadline is the end of work on the last of
  /// them (民法典第二百零一条). Hours and minutes are working time from the moment onwards; outside hours they begin with
  /// the next span, and what fills a span ends with it. A duration of both counts the days first and the time from the
  /// end of work on the last of them.
  ///
  /// - Complexity: O(*c* + *g*), where *c* is the number of holidays and swaps on the way and *g* the longest gap.
  package func deadline(_ duration: ProcessDuration, from start: Instant) throws(WorkCalendarFailure) -> Instant {
    var moment = start
    if duration.days > 0 {
      let first = WorkCalendar.place(start).day + 1
      let (day, _) = try reach(Int64(duration.days), from: first) { $0.isEmpty ? 0 : 1 }
      moment = WorkCalendar.instant(day, minute: spans(ofDay: day).last?.end ?? 1440)
    }
    // Both bounds lie beyond the year 9999, wherever one starts.
    let minutes = min(duration.hours, 100_000_000) * 60 + min(duration.minutes, 10_000_000_000)
    return try self.moment(after: Int64(minutes) * WorkCalendar.minute, from: moment)
  }

  /// The whole minutes of working time between two instants; 0 when they are reversed.
  package func workingMinutes(from start: Instant, to end: Instant) -> Int {
    Int(workingTime(from: start, to: end) / WorkCalendar.minute)
  }

  /// The deadline after a pause: the working time that was left when the pause began is counted from its end.
  ///
  /// A deadline is never brought forward. It stays where the pause began after it or held no working time.
  package func shifted(_ due: Instant, byPauseFrom start: Instant, to end: Instant) throws(WorkCalendarFailure)
    -> Instant
  {
    guard start < due, workingTime(from: start, to: end) > 0 else { return due }
    return try moment(after: workingTime(from: start, to: due), from: end)
  }

  /// How a deadline stands.
  ///
  /// - `red`: `now` is after `due`.
  /// - `amber`: less than a quarter of the working time between `started` and `due` is left, or none, or no workday
  ///   follows the one of `now` before `due`. What began on its last workday has the quarter alone, or it would never
  ///   be green.
  /// - `green`: else.
  package func light(due: Instant, started: Instant, now: Instant) -> Light {
    guard now <= due else { return .red }
    let left = workingTime(from: now, to: due)
    if left == 0 || left * 4 < workingTime(from: started, to: due) { return .amber }
    return isLastWorkday(now, before: due) && !isLastWorkday(started, before: due) ? .amber : .green
  }

  private func isLastWorkday(_ moment: Instant, before due: Instant) -> Bool {
    workingTime(from: WorkCalendar.instant(WorkCalendar.place(moment).day + 1, minute: 0), to: due) == 0
  }
}

// MARK: Counting

extension WorkCalendar {
  /// The day of China Standard Time since 1970-01-01, and the microsecond of that day.
  private static func place(_ moment: Instant) -> (day: Int, time: Int64) {
    let first = instant(days.lowerBound, minute: 0).microseconds
    let last = instant(days.upperBound, minute: 1440).microseconds - 1
    let local = min(max(moment.microseconds, first), last) + Instant.chinaOffset * 1_000_000
    let time = ((local % dayLength) + dayLength) % dayLength
    return (Int((local - time) / dayLength), time)
  }

  private static func instant(_ day: Int, minute: Int) -> Instant {
    Instant(seconds: Int64(day) * 86400 - Instant.chinaOffset + Int64(minute) * 60)
  }

  private static func length(_ spans: [Span]) -> Int64 {
    spans.reduce(0) { $0 + Int64($1.end - $1.start) * minute }
  }

  /// The working time of a day before `time`.
  private static func length(_ spans: [Span], before time: Int64) -> Int64 {
    spans.reduce(0) { $0 + max(0, min(Int64($1.end) * minute, time) - Int64($1.start) * minute) }
  }

  /// The microseconds of working time between two instants; 0 when they are reversed.
  ///
  /// - Complexity: O(*c*), where *c* is the number of holidays and swaps on the way.
  private func workingTime(from start: Instant, to end: Instant) -> Int64 {
    guard start < end else { return 0 }
    let (first, last) = (WorkCalendar.place(start), WorkCalendar.place(end))
    let weeks = (last.day - first.day) / 7
    var sum = Int64(weeks) * week.reduce(0) { $0 + WorkCalendar.length($1) }
    for day in (first.day + weeks * 7)..<last.day { sum += WorkCalendar.length(regularSpans(ofDay: day)) }
    for change in changes[firstChange(from: first.day)..<firstChange(from: last.day)] {
      sum += WorkCalendar.length(change.spans) - WorkCalendar.length(regularSpans(ofDay: change.day))
    }
    return sum + WorkCalendar.length(spans(ofDay: last.day), before: last.time)
      - WorkCalendar.length(spans(ofDay: first.day), before: first.time)
  }

  /// The first instant by which `time` has been worked since `start`; `start` itself for none.
  private func moment(after time: Int64, from start: Instant) throws(WorkCalendarFailure) -> Instant {
    guard time > 0 else { return start }
    let (first, begin) = WorkCalendar.place(start)
    let worked = WorkCalendar.length(spans(ofDay: first), before: begin)
    var (day, left) = try reach(time + worked, from: first, counting: WorkCalendar.length)
    var end = start
    for span in spans(ofDay: day) where left > 0 {
      let part = min(left, WorkCalendar.length([span]))
      end = Instant(microseconds: WorkCalendar.instant(day, minute: span.start).microseconds + part)
      left -= part
    }
    return end
  }

  /// The day from `first` on with which the count gets to `amount`, and what is missing when that day begins.
  ///
  /// Whole weeks without a change are passed over in one step.
  ///
  /// - Parameter count: what a day of these spans adds: more than 0 for a workday, 0 for any other.
  private func reach(_ amount: Int64, from first: Int, counting count: ([Span]) -> Int64)
    throws(WorkCalendarFailure) -> (day: Int, left: Int64)
  {
    let weekly = week.reduce(0) { $0 + count($1) }
    var (day, left, gap) = (first, amount, 0)
    var next = firstChange(from: first)
    while day < WorkCalendar.days.upperBound {
      let regular = (next < changes.count ? changes[next].day : WorkCalendar.days.upperBound + 7) - day
      if weekly > 0, regular >= 7, left > weekly {
        let weeks = min(Int64(regular / 7), (left - 1) / weekly)
        day += Int(weeks) * 7
        left -= weeks * weekly
        gap = 0
        continue
      }
      let added = count(regular == 0 ? changes[next].spans : regularSpans(ofDay: day))
      if added >= left { return (day, left) }
      left -= added
      gap = added > 0 ? 0 : gap + 1
      if gap >= WorkCalendar.longestGap { throw .noWorkdays(calendar: name) }
      if regular == 0 { next += 1 }
      day += 1
    }
    throw .tooFar(calendar: name)
  }
}

/// A deadline that a calendar cannot give.
package enum WorkCalendarFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// No day of ``WorkCalendar/longestGap`` in a row is a workday.
  case noWorkdays(calendar: String)
  /// The deadline lies after the year 9999.
  case tooFar(calendar: String)

  package var description: String { refusal.message }

  package var refusal: Refusal {
    switch self {
    case .noWorkdays(let calendar):
      Refusal(
        .unprocessable, "calendar-no-workdays",
        "工作日历“\(calendar)”连续 \(WorkCalendar.longestGap) 天没有工作日，算不出期限。请管理员在该日历的 weekdays 或 hours 中写明办公时间，"
          + "或在 workdays 中写明上班的日期。")
    case .tooFar(let calendar):
      Refusal(
        .unprocessable, "calendar-too-far", "按工作日历“\(calendar)”，期限要到公元 9999 年以后，算不出来。请管理员把时限改短。")
    }
  }
}
