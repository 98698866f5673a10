package import Core

/// The hours of the night in which messages that can wait do (免打扰时段), by China Standard Time.
package struct QuietHours: Sendable, Hashable {
  /// Second of the day at which they begin and end; equal for none.
  let from: Int
  let to: Int

  /// 21:00 to 08:00.
  package static let standard = QuietHours(from: 21 * 3600, to: 8 * 3600)

  private init(from: Int, to: Int) {
    self.from = from
    self.to = to
  }

  /// Reads `21:00`; `nil` when one of them is no time of the day.
  package init?(from: String, to: String) {
    guard let from = QuietHours.second(from), let to = QuietHours.second(to) else { return nil }
    self.init(from: from, to: to)
  }

  private static func second(_ text: String) -> Int? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ (1...2).contains($0.utf8.count) }), let hour = Int(parts[0]),
      let minute = Int(parts[1]), (0..<24).contains(hour), (0..<60).contains(minute)
    else { return nil }
    return hour * 3600 + minute * 60
  }

  /// When the quiet that lies over `time` ends; `nil` when none does.
  package func end(at time: Instant) -> Instant? {
    let (date, second) = time.chinaTime
    if from < to { return second >= from && second < to ? date.start + Int64(to) : nil }
    if from == to { return nil }
    if second >= from { return date.adding(days: 1).start + Int64(to) }
    return second < to ? date.start + Int64(to) : nil
  }
}
