/// A point in time: whole microseconds since 1970-01-01T00:00:00Z, the resolution PostgreSQL keeps.
///
/// Microseconds in an integer survive the round trip through the database unchanged, which `Date` does not.
package struct Instant: Sendable, Hashable, Comparable {
  package var microseconds: Int64

  package init(microseconds: Int64) { self.microseconds = microseconds }

  package init(seconds: Int64) { self.microseconds = seconds * 1_000_000 }

  package static func < (a: Instant, b: Instant) -> Bool { a.microseconds < b.microseconds }

  package static func + (a: Instant, seconds: Int64) -> Instant {
    Instant(microseconds: a.microseconds + seconds * 1_000_000)
  }

  package static func - (a: Instant, b: Instant) -> Double {
    Double(a.microseconds - b.microseconds) / 1_000_000
  }

  /// Seconds since the epoch, rounded down.
  package var seconds: Int64 {
    microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
  }

  /// Offset of China Standard Time in seconds; China has kept one zone without daylight saving since 1992.
  package static let chinaOffset: Int64 = 8 * 3600

  /// Calendar date and second of day in China Standard Time.
  package var chinaTime: (date: CivilDate, secondOfDay: Int) {
    let local = seconds + Instant.chinaOffset
    let day = local >= 0 ? local / 86400 : (local - 86399) / 86400
    return (CivilDate(daysSinceEpoch: Int(day)), Int(local - day * 86400))
  }

  /// `2026-11-21 14:05` in China Standard Time, as every page shows it.
  package var display: String {
    let (date, second) = chinaTime
    return "\(date) \(twoDigits(second / 3600)):\(twoDigits(second / 60 % 60))"
  }

  /// RFC 3339 with microseconds and `+08:00`, as the API writes it.
  package var iso8601: String {
    let (date, second) = chinaTime
    let fraction = ((microseconds % 1_000_000) + 1_000_000) % 1_000_000
    let digits = String(fraction)
    let padded = String(repeating: "0", count: 6 - digits.count) + digits
    return
      "\(date)T\(twoDigits(second / 3600)):\(twoDigits(second / 60 % 60)):\(twoDigits(second % 60)).\(padded)+08:00"
  }

  /// Reads RFC 3339 (`2026-11-21T14:05:06.123456+08:00`), the HTML `datetime-local` form and `2026-11-21 14:05[:06]`;
  /// a text without an offset is China Standard Time. Returns `nil` for anything else.
  package init?(_ text: String) {
    var scanner = DigitScanner(text)
    guard let year = scanner.digits(4), scanner.skip("-"), let month = scanner.digits(2), scanner.skip("-"),
      let day = scanner.digits(2), let date = CivilDate(year: year, month: month, day: day),
      scanner.skip("T") || scanner.skip(" "),
      let hour = scanner.digits(2), hour < 24, scanner.skip(":"), let minute = scanner.digits(2), minute < 60
    else { return nil }
    var second = 0
    var fraction: Int64 = 0
    if scanner.skip(":") {
      guard let value = scanner.digits(2), value < 60 else { return nil }
      second = value
      if scanner.skip(".") {
        var unit: Int64 = 100_000
        while let digit = scanner.digits(1) {
          fraction += Int64(digit) * unit
          unit /= 10
        }
      }
    }
    var offset = Instant.chinaOffset
    if scanner.skip("Z") {
      offset = 0
    } else if !scanner.atEnd {
      let negative = scanner.skip("-")
      guard negative || scanner.skip("+"), let hours = scanner.digits(2), hours < 15 else { return nil }
      _ = scanner.skip(":")
      guard let minutes = scanner.digits(2), minutes < 60 else { return nil }
      offset = Int64(hours * 3600 + minutes * 60) * (negative ? -1 : 1)
    }
    guard scanner.atEnd else { return nil }
    let local = Int64(date.daysSinceEpoch) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    self.microseconds = (local - offset) * 1_000_000 + fraction
  }
}

package func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

/// Reads fixed-width numbers and single characters from UTF-8, for dates and codes.
struct DigitScanner {
  private var rest: Substring.UTF8View

  init(_ text: String) { rest = text[...].utf8 }

  var atEnd: Bool { rest.isEmpty }

  mutating func digits(_ count: Int) -> Int? {
    guard rest.count >= count else { return nil }
    var value = 0
    for byte in rest.prefix(count) {
      guard byte >= 48, byte <= 57 else { return nil }
      value = value * 10 + Int(byte - 48)
    }
    rest = rest.dropFirst(count)
    return value
  }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard let first = rest.first, UInt32(first) == character.value else { return false }
    rest = rest.dropFirst()
    return true
  }
}
