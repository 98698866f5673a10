import Core

/// Dates of HTTP (RFC 9110 §5.6.7): written and read in the one form that is still sent, `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
  private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
  private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

  static func text(_ seconds: Int64) -> String {
    let day = Int(seconds / 86400)
    let second = Int(seconds % 86400)
    let date = CivilDate(daysSinceEpoch: day)
    return
      "\(days[day % 7]), \(twoDigits(date.day)) \(months[date.month - 1]) \(date.year) \(twoDigits(second / 3600)):\(twoDigits(second / 60 % 60)):\(twoDigits(second % 60)) GMT"
  }

  /// Seconds since the epoch, or `nil` for another form.
  static func parse(_ text: String) -> Int64? {
    let parts = text.utf8.split(separator: 0x20).map { Substring($0) }
    guard parts.count == 6, parts[5] == "GMT", parts[0].hasSuffix(","), let day = Int(parts[1]),
      let month = months.firstIndex(of: String(parts[2])), let year = Int(parts[3]),
      let date = CivilDate(year: year, month: month + 1, day: day)
    else { return nil }
    let time = parts[4].utf8.split(separator: UInt8(ascii: ":")).map { Int(Substring($0)) ?? -1 }
    guard time.count == 3, (0..<24).contains(time[0]), (0..<60).contains(time[1]), (0...60).contains(time[2]) else {
      return nil
    }
    return Int64(date.daysSinceEpoch) * 86400 + Int64(time[0] * 3600 + time[1] * 60 + time[2])
  }
}
