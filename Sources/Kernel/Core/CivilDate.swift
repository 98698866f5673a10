/// A calendar date without a time or a zone (proleptic Gregorian), written `2026-11-21`.
package struct CivilDate: Sendable, Hashable, Comparable, CustomStringConvertible {
  package let year: Int
  package let month: Int
  package let day: Int

  /// Returns `nil` unless the three numbers name a real day of the years 1 to 9999.
  package init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month), day >= 1,
      day <= CivilDate.days(inMonth: month, of: year)
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
  }

  /// Reads `2026-11-21`, `2026/11/21`, `20261121` and `2026年11月21日`; one-digit months and days are taken where a
  /// separator stands. Returns `nil` for anything else.
  package init?(_ text: String) {
    if text.utf8.count == 8, let number = Int(text) {
      self.init(year: number / 10000, month: number / 100 % 100, day: number % 100)
      return
    }
    let parts = text.split(whereSeparator: { "-/.年月日".contains($0) })
    guard parts.count == 3, let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      parts[0].count == 4
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  /// Days before or after 1970-01-01 (Howard Hinnant's civil-from-days).
  package init(daysSinceEpoch: Int) {
    let z = daysSinceEpoch + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shifted + 2) / 5 + 1
    month = shifted < 10 ? shifted + 3 : shifted - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  package var daysSinceEpoch: Int {
    let y = month <= 2 ? year - 1 : year
    let era = (y >= 0 ? y : y - 399) / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  /// 1 is Monday, 7 is Sunday.
  package var weekday: Int { ((daysSinceEpoch + 3) % 7 + 7) % 7 + 1 }

  /// What the days of a week are called, Monday first.
  package static let weekdayNames = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"]

  /// The days of this date's month in weeks from Monday; `nil` for places before its first and after its last day.
  package var weeksOfMonth: [[CivilDate?]] {
    let first = adding(days: 1 - day)
    let days = (0..<CivilDate.days(inMonth: month, of: year)).map { first.adding(days: $0) }
    let cells: [CivilDate?] = Array(repeating: nil, count: first.weekday - 1) + days
    return stride(from: 0, to: cells.count, by: 7).map { start in
      let week = Array(cells[start..<min(start + 7, cells.count)])
      return week + Array(repeating: nil, count: 7 - week.count)
    }
  }

  package func adding(days: Int) -> CivilDate { CivilDate(daysSinceEpoch: daysSinceEpoch + days) }

  /// The same day `months` later, or the last of that month when it has no such day.
  package func adding(months: Int) -> CivilDate {
    let count = year * 12 + month - 1 + months
    let (year, month) = (min(max(count / 12, 1), 9999), count % 12 + 1)
    let last = CivilDate.days(inMonth: month, of: year)
    return CivilDate(year: year, month: month, day: min(day, last)) ?? self
  }

  /// Whole years from this date to `other`, as an age is counted.
  package func years(until other: CivilDate) -> Int {
    let years = other.year - year
    return (other.month, other.day) < (month, day) ? years - 1 : years
  }

  package static func days(inMonth month: Int, of year: Int) -> Int {
    switch month {
    case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  package static func < (a: CivilDate, b: CivilDate) -> Bool {
    (a.year, a.month, a.day) < (b.year, b.month, b.day)
  }

  package var description: String {
    let digits = String(year)
    return String(repeating: "0", count: 4 - digits.count) + digits + "-" + twoDigits(month) + "-" + twoDigits(day)
  }

  /// The first instant of this day in China Standard Time.
  package var start: Instant { Instant(seconds: Int64(daysSinceEpoch) * 86400 - Instant.chinaOffset) }

  /// The last instant of this day in China Standard Time, to the microsecond.
  package var end: Instant { Instant(microseconds: adding(days: 1).start.microseconds - 1) }
}
