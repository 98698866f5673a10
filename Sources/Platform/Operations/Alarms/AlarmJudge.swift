package import Core

/// Judges figures by rules, look by look: remembers since when each is alarming, and what counters stood at before.
///
/// Knows nothing of the database: whether an alarm stands already is for whoever asks.
package struct AlarmJudge: Sendable {
  /// What one look says of a figure.
  package enum Verdict: Sendable, Hashable {
    /// Nothing can be said: no such figure, nothing to compare it with yet, or it does not last long enough.
    case open
    /// It is alarming, and has been for as long as the rule wants.
    case alarm(Double)
    /// It has been fine for a minute.
    case fine(Double)
  }

  private struct Course: Sendable {
    var before: (reading: Metrics.Reading, at: Instant)?
    var breachedSince: Instant?
    var fineSince: Instant?
  }

  /// Seconds for which a figure has to be fine before its alarm is over, so that one that wavers raises one alarm.
  package static let calm: Double = 60

  private var courses: [Int64: Course] = [:]

  package init() {}

  /// Takes the next reading of a rule's figure.
  package mutating func judge(_ rule: AlarmRule, _ reading: Metrics.Reading?, at now: Instant) -> Verdict {
    var course = courses[rule.id] ?? Course()
    defer { courses[rule.id] = course }
    guard let reading else { return .open }
    let value = AlarmJudge.value(rule.measure, reading, since: course.before, at: now)
    course.before = (reading, now)
    guard let value else { return .open }
    if rule.isBreached(by: value) {
      let since = course.breachedSince ?? now
      course.breachedSince = since
      course.fineSince = nil
      return now - since >= Double(rule.seconds) ? .alarm(value) : .open
    }
    let since = course.fineSince ?? now
    course.fineSince = since
    course.breachedSince = nil
    return now - since >= AlarmJudge.calm ? .fine(value) : .open
  }

  /// Forgets rules that are no more.
  package mutating func keep(_ rules: Set<Int64>) { courses = courses.filter { rules.contains($0.key) } }

  /// A counter that fell began anew with the process; nothing measured in between has no mean.
  private static func value(
    _ measure: AlarmRule.Measure, _ reading: Metrics.Reading, since before: (reading: Metrics.Reading, at: Instant)?,
    at now: Instant
  ) -> Double? {
    switch (measure, reading, before?.reading) {
    case (.value, .gauge(let value), _), (.value, .counter(let value), _): return value
    case (.rise, .counter(let value), .counter(let last)?):
      guard let since = before?.at, now > since, value >= last else { return nil }
      return (value - last) * 60 / (now - since)
    case (.mean, .histogram(let sum, let count), .histogram(let lastSum, let lastCount)?):
      return count > lastCount && sum >= lastSum ? (sum - lastSum) / (count - lastCount) : nil
    default: return nil
    }
  }
}
