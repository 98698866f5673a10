package import Core

extension WorkCalendar {
  /// When to remind of a deadline (到期提醒): so much working time before `due`, and not before `start`.
  ///
  /// Days go back by workdays to the same time of the day, hours and minutes by working time from there. Where no
  /// workday is found within ``longestGap`` days, the reminder comes at once.
  package func reminder(_ duration: ProcessDuration, before due: Instant, notBefore start: Instant) -> Instant {
    var (day, second) = due.chinaTime
    for _ in 0..<duration.days {
      guard let earlier = workday(before: day) else { return start }
      day = earlier
      if day.start + Int64(second) <= start { return start }
    }
    var left = (min(duration.hours, 100_000) * 60 + min(duration.minutes, 1_000_000)) * 60
    while left > 0 {
      for span in spans(on: day).reversed() where span.start * 60 < second {
        let end = min(span.end * 60, second)
        let part = min(left, end - span.start * 60)
        second = end - part
        left -= part
        if left == 0 { break }
      }
      if left == 0 { break }
      guard let earlier = workday(before: day), earlier.adding(days: 1).start > start else { return start }
      (day, second) = (earlier, 86_400)
    }
    return max(start, day.start + Int64(second))
  }

  private func workday(before day: CivilDate) -> CivilDate? {
    (1...WorkCalendar.longestGap).lazy.map { day.adding(days: -$0) }.first { isWorkday($0) }
  }
}
