package import Core
package import YAML

/// Changes of a calendar as they are made in the browser, and its text.
extension WorkCalendar {
  /// With a date that works or does not (工作、休息), whatever its weekday; the usual again where that is what it is.
  ///
  /// - Complexity: O(*n*), where *n* is the number of holidays and swaps.
  package func setting(_ date: CivilDate, works: Bool) -> WorkCalendar {
    guard isWorkday(date) != works else { return self }
    var holidays = holidays
    var swaps = swaps
    holidays.remove(date)
    swaps[date] = nil
    let usual = hours(of: Weekday.allCases[date.weekday - 1])
    if works, usual.isEmpty {
      // Worked as the first weekday that works, which is what a date without hours means.
      let weekday = Weekday.allCases.first { !hours(of: $0).isEmpty } ?? .mon
      swaps[date] = .asWeekday(weekday)
    } else if !works, !usual.isEmpty {
      holidays.insert(date)
    }
    return with(holidays: holidays, swaps: swaps)
  }

  /// With other hours of the weekdays, another name for people, other dates.
  package func with(
    label: String? = nil, hours: [Weekday: [Span]]? = nil, holidays: Set<CivilDate>? = nil,
    swaps: [CivilDate: Swap]? = nil
  ) -> WorkCalendar {
    WorkCalendar(
      name: name, label: label ?? self.label,
      hours: hours
        ?? Dictionary(Weekday.allCases.map { ($0, self.hours(of: $0)) }, uniquingKeysWith: { first, _ in first }),
      holidays: holidays ?? self.holidays, swaps: swaps ?? self.swaps)
  }

  /// The spans of `08:30-12:00, 14:00-17:30`; none for an empty text.
  ///
  /// - Returns: `nil` when it cannot be understood.
  package static func spans(_ text: String) -> [Span]? {
    var spans: [Span] = []
    for part in text.split(whereSeparator: { ",，、;； ".contains($0) }) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { minute(String($0)) }
      guard ends.count == 2, let start = ends[0], let end = ends[1], start < end else { return nil }
      spans.append(Span(from: start, to: end))
    }
    return spans
  }

  private static func minute(_ text: String) -> Int? {
    let parts = text.replacing("：", with: ":").split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.utf8.count) }), let hour = Int(parts[0]),
      let minute = Int(parts[1]), (0...24).contains(hour), (0..<60).contains(minute), hour * 60 + minute <= 1440
    else { return nil }
    return hour * 60 + minute
  }

  /// The calendar as a declaration; reading it gives the same calendar.
  package var node: YAMLNode {
    var entries: [(String, YAMLNode)] = [("calendar", .string(name)), ("label", .string(label))]
    entries.append(
      (
        "hours",
        .mapping(Weekday.allCases.map { ($0.rawValue, WorkCalendar.node(hours(of: $0))) })
      ))
    if !holidays.isEmpty {
      entries.append(("holidays", .sequence(WorkCalendar.ranges(holidays).map { .string($0) })))
    }
    if !swaps.isEmpty {
      entries.append(
        (
          "workdays",
          .sequence(
            swaps.sorted { $0.key < $1.key }.map { date, swap in
              let what: (String, YAMLNode) =
                switch swap {
                case .asWeekday(let weekday): ("as", .string(weekday.rawValue))
                case .spans(let spans): ("hours", WorkCalendar.node(spans))
                }
              return .mapping([("date", .string(date.description)), what])
            })
        ))
    }
    return .mapping(entries)
  }

  private static func node(_ spans: [Span]) -> YAMLNode { .sequence(spans.map { .string($0.description) }) }

  /// Dates with those that follow each other taken together.
  private static func ranges(_ dates: Set<CivilDate>) -> [String] {
    var ranges: [(first: CivilDate, last: CivilDate)] = []
    for date in dates.sorted() {
      if let last = ranges.last?.last, last.adding(days: 1) == date {
        ranges[ranges.count - 1].last = date
      } else {
        ranges.append((date, date))
      }
    }
    return ranges.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)..\($0.last)" }
  }
}
