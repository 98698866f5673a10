import Core
import Foundation
import Processes
import Testing
import YAML

@Suite struct WorkCalendarTests {
  /// The calendar that ships, from its file.
  static func china() throws -> WorkCalendar {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try WorkCalendar(
      YAMLNode(contentsOf: root.appending(path: "Resources/platform/calendars/china_2026.yaml").path))
  }

  static func at(_ text: String) throws -> Instant { try #require(Instant(text), "\(text)") }

  static func date(_ text: String) throws -> CivilDate { try #require(CivilDate(text), "\(text)") }

  static func calendar(
    _ hours: [WorkCalendar.Weekday: [WorkCalendar.Span]], holidays: Set<CivilDate> = [],
    swaps: [CivilDate: WorkCalendar.Swap] = [:]
  ) -> WorkCalendar {
    WorkCalendar(name: "office", label: "办公日历", hours: hours, holidays: holidays, swaps: swaps)
  }

  // MARK: Deadlines

  @Test(arguments: [
    ("2026-03-02 10:00", "P1D", "2026-03-03 17:30"),
    ("2026-03-02 10:00", "P5D", "2026-03-09 17:30"),
    ("2026-03-02 00:00", "P1D", "2026-03-03 17:30"),
    ("2026-03-02 20:00", "P1D", "2026-03-03 17:30"),
    // Saturday, a holiday, and the last workday before one.
    ("2026-03-07 10:00", "P1D", "2026-03-09 17:30"),
    ("2026-10-03 10:00", "P1D", "2026-10-08 17:30"),
    ("2026-09-30 10:00", "P1D", "2026-10-08 17:30"),
    // Saturdays that work.
    ("2026-10-03 10:00", "P3D", "2026-10-10 17:30"),
    ("2026-02-13 09:00", "P1D", "2026-02-14 17:30"),
    ("2026-02-13 09:00", "P2D", "2026-02-24 17:30"),
    ("2026-02-27 16:00", "P1D", "2026-02-28 17:30"),
    // The turn of the year: 1 to 3 January are holidays, Sunday the 4th works.
    ("2025-12-31 09:00", "P1D", "2026-01-04 17:30"),
    ("2025-12-31 09:00", "P2D", "2026-01-05 17:30"),
    ("2026-12-31 09:00", "P1D", "2027-01-01 17:30"),
  ])
  func daysEndWithTheWorkOfTheLastAndTheFirstIsNotCounted(_ start: String, _ duration: String, _ due: String) throws {
    let found = try Self.china().deadline(#require(ProcessDuration(duration)), from: Self.at(start))
    #expect(found.display == due)
  }

  @Test(arguments: [
    ("2026-03-02 10:00", "PT1H", "2026-03-02 11:00:00"),
    ("2026-03-02 10:00", "PT2H", "2026-03-02 12:00:00"),
    ("2026-03-02 10:00", "PT2H1M", "2026-03-02 14:01:00"),
    ("2026-03-02 11:59:30", "PT1M", "2026-03-02 14:00:30"),
    ("2026-03-02 12:00", "PT1M", "2026-03-02 14:01:00"),
    ("2026-03-02 07:00", "PT1H", "2026-03-02 09:30:00"),
    ("2026-03-02 12:30", "PT1H", "2026-03-02 15:00:00"),
    ("2026-03-02 20:00", "PT1H", "2026-03-03 09:30:00"),
    ("2026-03-06 17:00", "PT1H", "2026-03-09 09:00:00"),
    ("2026-03-07 10:00", "PT7H", "2026-03-09 17:30:00"),
    ("2026-02-14 17:00", "PT1H", "2026-02-24 09:00:00"),
    ("2026-02-18 10:00", "PT30M", "2026-02-24 09:00:00"),
    ("2025-12-31 17:00", "PT45M", "2026-01-04 08:45:00"),
    // Thirty weeks without a change, after the last of the year.
    ("2026-10-12 08:30", "PT1050H", "2027-05-07 17:30:00"),
  ])
  func timeIsCountedWhileThereIsWork(_ start: String, _ duration: String, _ due: String) throws {
    let found = try Self.china().deadline(#require(ProcessDuration(duration)), from: Self.at(start))
    #expect(try found == Self.at(due), "\(found.iso8601)")
  }

  @Test(arguments: [("P1DT2H", "2026-03-04 10:30"), ("P1DT7H", "2026-03-04 17:30"), ("P4DT1M", "2026-03-09 08:31")])
  func ofDaysAndTimeTheDaysComeFirst(_ duration: String, _ due: String) throws {
    let found = try WorkCalendar.standard.deadline(
      #require(ProcessDuration(duration)), from: Self.at("2026-03-02 10:00"))
    #expect(found.display == due)
  }

  @Test func aSwappedDateWorksByAnotherWeekdayOrItsOwnHours() throws {
    let morning = WorkCalendar.Span(from: 540, to: 720)
    let whole = WorkCalendar.Span(from: 540, to: 1020)
    let saturday = try Self.date("2026-02-28")
    let sunday = try Self.date("2026-03-01")
    let monday = try Self.date("2026-03-02")
    let calendar = Self.calendar(
      [.mon: [whole], .fri: [morning]], holidays: [monday],
      swaps: [saturday: .asWeekday(.fri), sunday: .spans([WorkCalendar.Span(from: 600, to: 630)])])
    #expect(calendar.spans(on: saturday) == [morning])
    #expect(calendar.spans(on: sunday).map(\.description) == ["10:00-10:30"])
    #expect(!calendar.isWorkday(monday) && calendar.spans(on: monday.adding(days: 7)) == [whole])
    #expect(calendar.hours(of: .sat) == [] && calendar.hours(of: .mon) == [whole])
    let start = try Self.at("2026-02-27 11:00")
    #expect(try calendar.deadline(ProcessDuration(days: 1), from: start).display == "2026-02-28 12:00")
    #expect(try calendar.deadline(ProcessDuration(days: 2), from: start).display == "2026-03-01 10:30")
    #expect(try calendar.deadline(ProcessDuration(hours: 4, minutes: 20), from: start).display == "2026-03-01 10:20")
    #expect(try calendar.deadline(ProcessDuration(hours: 5), from: start).display == "2026-03-06 09:30")
  }

  @Test func aSwapIsStrongerThanAHoliday() throws {
    let day = try Self.date("2026-03-07")
    let spans = [WorkCalendar.Span(from: 0, to: 60)]
    #expect(Self.calendar([:], holidays: [day], swaps: [day: .spans(spans)]).spans(on: day) == spans)
  }

  @Test func spansAreKeptInOrderWithoutOverlaps() throws {
    let spans = [(840, 900), (510, 720), (600, 780), (780, 800)].map { WorkCalendar.Span(from: $0.0, to: $0.1) }
    let calendar = Self.calendar([.mon: spans])
    #expect(calendar.hours(of: .mon).map(\.description) == ["08:30-13:20", "14:00-15:00"])
  }

  @Test func anOfficeThatNeverClosesCountsByTheClock() throws {
    let days = WorkCalendar.Weekday.allCases.map { ($0, [WorkCalendar.Span(from: 0, to: 1440)]) }
    let calendar = Self.calendar(Dictionary(uniqueKeysWithValues: days))
    let noon = try Self.at("2026-02-28 12:00")
    #expect(try calendar.deadline(ProcessDuration(hours: 24), from: noon).display == "2026-03-01 12:00")
    #expect(try calendar.deadline(ProcessDuration(hours: 12), from: noon).display == "2026-03-01 00:00")
    #expect(try calendar.deadline(ProcessDuration(days: 1), from: noon).display == "2026-03-02 00:00")
  }

  // MARK: Calendars that give no deadline

  @Test(arguments: [ProcessDuration(days: 1), ProcessDuration(minutes: 1), ProcessDuration(days: 2, hours: 1)])
  func aCalendarWithNoWorkdaysSaysSoAndWhatToDo(_ duration: ProcessDuration) throws {
    let start = try Self.at("2026-03-02 10:00")
    let away = (0...500).map { start.chinaTime.date.adding(days: $0) }
    let closed = Self.calendar([.mon: [WorkCalendar.Span(from: 0, to: 60)]], holidays: Set(away))
    for calendar in [Self.calendar([:]), closed] {
      let failure = #expect(throws: WorkCalendarFailure.self) { try calendar.deadline(duration, from: start) }
      #expect(failure == .noWorkdays(calendar: "office"))
      #expect(failure?.refusal.code == "calendar-no-workdays")
      #expect(failure?.refusal.message.contains("“office”连续 400 天没有工作日") == true)
      #expect(failure?.refusal.message.contains("请管理员在该日历的 weekdays 或 hours 中写明办公时间") == true)
    }
  }

  @Test func aCalendarWithNoWorkdaysStillHasAnswersOfOtherKinds() throws {
    let empty = Self.calendar([:])
    let (start, end) = (try Self.at("2026-03-02 10:00"), try Self.at("2026-04-02 10:00"))
    #expect(!empty.isWorkday(start.chinaTime.date))
    #expect(empty.workingMinutes(from: start, to: end) == 0)
    #expect(try empty.shifted(end, byPauseFrom: start, to: start + 3600) == end)
    #expect(empty.light(due: end, started: start, now: start + 1) == .amber)
    #expect(empty.light(due: end, started: start, now: end + 1) == .red)
  }

  @Test func aWorkdayIsLookedForFourHundredDaysAhead() throws {
    let start = try Self.at("2026-03-02 10:00")
    func due(_ days: Int) throws -> Instant {
      let day = start.chinaTime.date.adding(days: days)
      let calendar = Self.calendar([:], swaps: [day: .spans([WorkCalendar.Span(from: 60, to: 120)])])
      return try calendar.deadline(ProcessDuration(days: 1), from: start)
    }
    #expect(try due(400).display == "2027-04-06 02:00")
    #expect(throws: WorkCalendarFailure.noWorkdays(calendar: "office")) { try due(401) }
  }

  @Test func daysWithoutWorkAreNotAddedUpOverWorkdays() throws {
    let start = try Self.at("2026-03-02 10:00")
    let days = (1...80).map { start.chinaTime.date.adding(days: $0 * 7) }
    let span = WorkCalendar.Span(from: 60, to: 120)
    let calendar = Self.calendar([:], swaps: Dictionary(uniqueKeysWithValues: days.map { ($0, .spans([span])) }))
    #expect(try calendar.deadline(ProcessDuration(days: 80), from: start) == days[79].start + 7200)
    #expect(throws: WorkCalendarFailure.noWorkdays(calendar: "office")) {
      try calendar.deadline(ProcessDuration(days: 81), from: start)
    }
  }

  @Test func longDurationsAreCountedAtOnce() throws {
    let start = try Self.at("2026-03-02 10:00")
    let due = try WorkCalendar.standard.deadline(ProcessDuration(days: 100_000), from: start)
    #expect(due == start.chinaTime.date.adding(days: 140_000).start + 17 * 3600 + 1800)
    #expect(try WorkCalendar.standard.deadline(ProcessDuration(hours: 700_000), from: start) == due + -27_000)
    #expect(WorkCalendar.standard.workingMinutes(from: start, to: due) == 100_000 * 420 + 330)
  }

  @Test(arguments: [
    ProcessDuration(days: 3_000_000), ProcessDuration(days: .max), ProcessDuration(hours: .max),
    ProcessDuration(minutes: .max), ProcessDuration(days: 2_000_000, hours: 10_000_000),
  ])
  func whatLiesBeyondTheYear9999IsTooFar(_ duration: ProcessDuration) throws {
    let start = try Self.at("2026-03-02 10:00")
    #expect(throws: WorkCalendarFailure.tooFar(calendar: "standard")) {
      try WorkCalendar.standard.deadline(duration, from: start)
    }
  }

  @Test func instantsBeyondTheCalendarAreTakenAsItsEnds() throws {
    let (first, last) = (Instant(microseconds: .min), Instant(microseconds: .max))
    #expect(throws: WorkCalendarFailure.tooFar(calendar: "standard")) {
      try WorkCalendar.standard.deadline(ProcessDuration(minutes: 1), from: last)
    }
    #expect(try WorkCalendar.standard.deadline(ProcessDuration(days: 1), from: first).display == "0001-01-02 17:30")
    #expect(WorkCalendar.standard.workingMinutes(from: first, to: last) == 521_722 * 5 * 420 + 5 * 420)
    #expect(WorkCalendar.standard.light(due: last, started: first, now: first) == .green)
    #expect(try WorkCalendar.standard.shifted(last, byPauseFrom: first, to: first) == last)
  }

  // MARK: Working time, pauses and lights

  @Test(arguments: [
    ("2026-03-02 10:00", "2026-03-02 11:30", 90), ("2026-03-02 11:00", "2026-03-02 15:00", 120),
    ("2026-03-02 20:00", "2026-03-03 08:30", 0), ("2026-03-02 17:00", "2026-03-09 09:00", 30 + 4 * 420 + 30),
    ("2026-02-14 00:00", "2026-02-24 00:00", 420), ("2026-09-30 12:00", "2026-10-12 08:30", 210 + 3 * 420),
    ("2026-03-02 11:00", "2026-03-02 10:00", 0), ("2026-03-02 10:00:30", "2026-03-02 10:01:29", 0),
    ("2026-01-01 00:00", "2027-01-01 00:00", 248 * 420),
  ])
  func workingMinutesCountWholeMinutesOfWork(_ start: String, _ end: String, _ minutes: Int) throws {
    #expect(try Self.china().workingMinutes(from: Self.at(start), to: Self.at(end)) == minutes)
  }

  @Test(arguments: [
    // 12:30 hours were left on Monday at ten; they are counted from Wednesday at ten.
    ("2026-03-03 17:30", "2026-03-02 10:00", "2026-03-04 10:00", "2026-03-05 17:30"),
    ("2026-03-03 17:30", "2026-03-02 10:00", "2026-03-02 11:00", "2026-03-04 09:30"),
    ("2026-03-03 17:30", "2026-03-02 10:00", "2026-03-08 10:00", "2026-03-10 16:00"),
    // The pause began outside hours, ended there, or both without work between.
    ("2026-03-03 17:30", "2026-03-02 18:00", "2026-03-03 09:30", "2026-03-04 09:30"),
    ("2026-03-03 17:30", "2026-03-02 12:00", "2026-03-02 14:00", "2026-03-03 17:30"),
    ("2026-03-03 17:30", "2026-03-02 18:00", "2026-03-03 08:00", "2026-03-03 17:30"),
    // No pause, one turned round, and one that began when the deadline was over.
    ("2026-03-03 17:30", "2026-03-02 10:00", "2026-03-02 10:00", "2026-03-03 17:30"),
    ("2026-03-03 17:30", "2026-03-02 10:00", "2026-03-01 10:00", "2026-03-03 17:30"),
    ("2026-03-03 17:30", "2026-03-03 17:30", "2026-03-05 10:00", "2026-03-03 17:30"),
    // A deadline that somebody set outside hours: nothing was left, so nothing is left after the pause.
    ("2026-03-08 12:00", "2026-03-07 10:00", "2026-03-09 10:00", "2026-03-09 10:00"),
    ("2026-03-08 12:00", "2026-03-07 10:00", "2026-03-09 13:00", "2026-03-09 13:00"),
  ])
  func aPauseLeavesTheWorkingTimeThatWasLeft(_ due: String, _ start: String, _ end: String, _ moved: String) throws {
    let found = try WorkCalendar.standard.shifted(
      Self.at(due), byPauseFrom: Self.at(start), to: Self.at(end))
    #expect(try found == Self.at(moved), "\(found.display)")
  }

  @Test func aPauseThatGoesOnIntoNoWorkdaysIsRefused() throws {
    let day = try Self.date("2026-03-02")
    let calendar = Self.calendar([:], swaps: [day: .spans([WorkCalendar.Span(from: 0, to: 120)])])
    let (due, pause) = (day.start + 7200, day.start + 3600)
    #expect(throws: WorkCalendarFailure.noWorkdays(calendar: "office")) {
      try calendar.shifted(due, byPauseFrom: pause, to: due)
    }
  }

  @Test(arguments: [
    // A week, 34.5 hours: the quarter begins before the last workday.
    ("2026-03-02 09:00", "2026-03-06 17:30", "2026-03-02 09:00", WorkCalendar.Light.green),
    ("2026-03-02 09:00", "2026-03-06 17:30", "2026-03-05 15:00", .green),
    ("2026-03-02 09:00", "2026-03-06 17:30", "2026-03-05 16:30", .amber),
    // Two days: the last workday comes before the quarter.
    ("2026-03-02 10:00", "2026-03-03 17:30", "2026-03-02 17:00", .green),
    ("2026-03-02 10:00", "2026-03-03 17:30", "2026-03-03 09:00", .amber),
    ("2026-03-06 10:00", "2026-03-09 17:30", "2026-03-08 12:00", .green),
    // Within one day the quarter alone counts.
    ("2026-03-02 09:00", "2026-03-02 17:30", "2026-03-02 15:00", .green),
    ("2026-03-02 09:00", "2026-03-02 17:30", "2026-03-02 15:52:30", .green),
    ("2026-03-02 09:00", "2026-03-02 17:30", "2026-03-02 15:52:31", .amber),
    ("2026-03-02 09:00", "2026-03-02 17:30", "2026-03-02 17:30", .amber),
    ("2026-03-02 09:00", "2026-03-02 17:30", "2026-03-02 17:30:01", .red),
    // A deadline outside hours.
    ("2026-03-05 10:00", "2026-03-08 12:00", "2026-03-06 09:00", .amber),
    ("2026-03-02 09:00", "2026-03-08 12:00", "2026-03-07 12:00", .amber),
    ("2026-03-07 09:00", "2026-03-07 12:00", "2026-03-07 10:00", .amber),
  ])
  func theLightTurnsBeforeTheDeadlineAndAfterIt(
    _ started: String, _ due: String, _ now: String, _ light: WorkCalendar.Light
  ) throws {
    let found = try WorkCalendar.standard.light(
      due: Self.at(due), started: Self.at(started), now: Self.at(now))
    #expect(found == light)
  }
}

/// What holds for every calendar, tried with drawn ones.
@Suite struct WorkCalendarPropertyTests {
  struct Sample {
    let calendar: WorkCalendar
    let start: Instant
    let duration: ProcessDuration
  }

  static let first = CivilDate(daysSinceEpoch: 20_400)

  /// Up to three spans a day on some weekdays, and up to forty holidays and twenty swaps within a hundred days.
  static func calendar(_ random: inout SeededRandom) -> WorkCalendar {
    func spans() -> [WorkCalendar.Span] {
      (0..<random.within(1...3)).map { _ in
        let start = random.below(1440)
        return WorkCalendar.Span(from: start, to: random.within(start + 1...min(1440, start + 400)))
      }
    }
    var hours: [WorkCalendar.Weekday: [WorkCalendar.Span]] = [.wed: spans()]
    for day in WorkCalendar.Weekday.allCases where random.chance(0.6) { hours[day] = spans() }
    let holidays = (0..<random.below(40)).map { _ in first.adding(days: random.below(100)) }
    var swaps: [CivilDate: WorkCalendar.Swap] = [:]
    for _ in 0..<random.below(20) {
      swaps[first.adding(days: random.below(100))] =
        random.chance(0.5) ? .asWeekday(random.pick(WorkCalendar.Weekday.allCases)) : .spans(spans())
    }
    return WorkCalendarTests.calendar(hours, holidays: Set(holidays), swaps: swaps)
  }

  /// Mostly within the hundred days, to the microsecond.
  static func moment(_ random: inout SeededRandom) -> Instant {
    let time = random.chance(0.3) ? random.below(1440) * 60_000_000 : random.below(86_400_000_000)
    return Instant(microseconds: first.adding(days: random.within(-20...110)).start.microseconds + Int64(time))
  }

  static func samples(_ count: Int, seed: UInt64, _ body: (Sample, inout SeededRandom) throws -> Void) throws {
    var random = SeededRandom(seed: seed)
    for _ in 0..<count {
      let calendar = calendar(&random)
      for _ in 0..<5 {
        let (days, minutes) = (random.below(40), random.within(1...5000))
        let duration: ProcessDuration =
          switch random.below(3) {
          case 0: ProcessDuration(days: days + 1)
          case 1: ProcessDuration(minutes: minutes)
          default: ProcessDuration(days: days, hours: minutes / 60, minutes: minutes % 60)
          }
        try body(Sample(calendar: calendar, start: moment(&random), duration: duration), &random)
      }
    }
  }

  /// Microseconds of work between two instants, added up span by span.
  static func worked(_ calendar: WorkCalendar, _ start: Instant, _ end: Instant) -> Int64 {
    var (sum, day): (Int64, CivilDate) = (0, start.chinaTime.date)
    while day.start < end {
      for span in calendar.spans(on: day) {
        let (opens, closes) = (day.start + Int64(span.start) * 60, day.start + Int64(span.end) * 60)
        sum += max(0, min(closes, end).microseconds - max(opens, start).microseconds)
      }
      day = day.adding(days: 1)
    }
    return sum
  }

  @Test func aDeadlineLiesInWorkingTimeOrAtTheEndOfASpan() throws {
    try Self.samples(300, seed: 1) { sample, _ in
      let due = try sample.calendar.deadline(sample.duration, from: sample.start)
      let day = Instant(microseconds: due.microseconds - 1).chinaTime.date
      let time = due.microseconds - day.start.microseconds
      let inside = sample.calendar.spans(on: day).contains {
        Int64($0.start) * 60_000_000 < time && time <= Int64($0.end) * 60_000_000
      }
      #expect(inside && due > sample.start)
    }
  }

  @Test func daysAreTheWorkdaysAfterTheFirst() throws {
    try Self.samples(300, seed: 2) { sample, random in
      let days = random.within(1...60)
      let due = try sample.calendar.deadline(ProcessDuration(days: days), from: sample.start)
      var day = sample.start.chinaTime.date
      for _ in 0..<days {
        repeat { day = day.adding(days: 1) } while !sample.calendar.isWorkday(day)
      }
      #expect(try due == day.start + Int64(#require(sample.calendar.spans(on: day).last).end) * 60)
    }
  }

  @Test func theWorkingTimeUntilADeadlineIsItsDuration() throws {
    try Self.samples(300, seed: 3) { sample, random in
      let minutes = random.within(1...20_000)
      let due = try sample.calendar.deadline(ProcessDuration(minutes: minutes), from: sample.start)
      #expect(sample.calendar.workingMinutes(from: sample.start, to: due) == minutes)
      #expect(Self.worked(sample.calendar, sample.start, due) == Int64(minutes) * 60_000_000)
    }
  }

  @Test func workingMinutesAreTheSumOfTheSpans() throws {
    try Self.samples(300, seed: 4) { sample, random in
      let end = Self.moment(&random)
      let sum = max(0, Self.worked(sample.calendar, sample.start, end))
      #expect(sample.calendar.workingMinutes(from: sample.start, to: end) == Int(sum / 60_000_000))
    }
  }

  @Test func aLaterStartOrALongerDurationNeverEndsSooner() throws {
    try Self.samples(300, seed: 5) { sample, random in
      let (calendar, duration) = (sample.calendar, sample.duration)
      let due = try calendar.deadline(duration, from: sample.start)
      let later = Instant(microseconds: sample.start.microseconds + Int64(random.below(400_000_000_000)))
      #expect(try calendar.deadline(duration, from: later) >= due)
      let minutes = duration.minutes + random.within(1...600)
      let longer = ProcessDuration(days: duration.days, hours: duration.hours, minutes: minutes)
      #expect(try calendar.deadline(longer, from: sample.start) > due)
      if duration.days > 0 {
        let days = ProcessDuration(days: duration.days + 1, hours: duration.hours, minutes: duration.minutes)
        #expect(try calendar.deadline(days, from: sample.start) > due)
      }
    }
  }

  @Test func aPauseKeepsWhatWasLeftAndNoPauseChangesNothing() throws {
    try Self.samples(300, seed: 6) { sample, random in
      let calendar = sample.calendar
      let due = try calendar.deadline(sample.duration, from: sample.start)
      let length = due.microseconds - sample.start.microseconds
      let pause = Instant(microseconds: sample.start.microseconds + Int64(random.unit() * Double(length)))
      let end = Instant(microseconds: pause.microseconds + Int64(random.below(900_000_000_000)))
      #expect(try calendar.shifted(due, byPauseFrom: pause, to: pause) == due)
      #expect(try calendar.shifted(due, byPauseFrom: end, to: pause) == due)
      let moved = try calendar.shifted(due, byPauseFrom: pause, to: end)
      #expect(moved >= due)
      #expect(Self.worked(calendar, end, moved) == Self.worked(calendar, pause, due))
      #expect(Self.worked(calendar, due, moved) == Self.worked(calendar, pause, end))
    }
  }

  @Test func lightsGoFromGreenOverAmberToRed() throws {
    try Self.samples(300, seed: 7) { sample, random in
      let due = try sample.calendar.deadline(sample.duration, from: sample.start)
      let times = (0..<12).map { _ in sample.start + Int64(random.within(-100_000...6_000_000)) } + [due, due + 1]
      let lights = times.sorted().map { sample.calendar.light(due: due, started: sample.start, now: $0) }
      let order = lights.compactMap { WorkCalendar.Light.allCases.firstIndex(of: $0) }
      #expect(order == order.sorted())
      #expect(zip(times.sorted(), lights).allSatisfy { ($0 > due) == ($1 == .red) })
      #expect(sample.calendar.light(due: due, started: sample.start, now: due) == .amber)
    }
  }
}

@Suite struct WorkCalendarReadingTests {
  static let text = """
    calendar: office
    label: 办公日历
    weekdays: ["08:30-12:00", "14:00-17:30"]
    hours: {fri: ["08:30-12:00"], sat: []}
    holidays: [2026-01-01, "2026-02-16..2026-02-22"]
    workdays: [2026-02-14, {date: 2026-02-28, as: fri}, {date: 2026-03-01, hours: ["22:00-24:00", "09:00-10:00"]}]
    """

  @Test func aDeclarationIsRead() throws {
    let calendar = try WorkCalendar(parsing: Self.text, file: "office.yaml")
    func spans(_ text: String) throws -> [String] {
      try calendar.spans(on: WorkCalendarTests.date(text)).map(\.description)
    }
    let whole = ["08:30-12:00", "14:00-17:30"]
    #expect(calendar.name == "office" && calendar.label == "办公日历" && calendar.holidays.count == 8)
    #expect(try spans("2026-01-01") == [] && spans("2026-02-16") == [] && spans("2026-02-22") == [])
    #expect(try spans("2026-02-23") == whole && spans("2026-02-27") == ["08:30-12:00"] && spans("2026-02-21") == [])
    #expect(try spans("2026-02-14") == whole && spans("2026-02-28") == ["08:30-12:00"])
    #expect(try spans("2026-03-01") == ["09:00-10:00", "22:00-24:00"])
  }

  @Test func aCalendarMayHaveNoWorkAtAll() throws {
    let calendar = try WorkCalendar(parsing: "{calendar: closed, label: 不办公, hours: {}}", file: "closed.yaml")
    #expect(throws: WorkCalendarFailure.noWorkdays(calendar: "closed")) {
      try calendar.deadline(ProcessDuration(days: 1), from: Instant(seconds: 1_795_000_000))
    }
  }

  @Test func whatACityLaysOverACalendarIsStronger() throws {
    func node(_ text: String, _ file: String) throws -> YAMLNode { try YAMLNode(parsing: text, file: file) }
    let base = try node("{name: office, label: 日历, weekdays: [\"09:00-12:00\"]}", "base.yaml")
    let off = try node("[2026-10-01, 2026-10-02]", "base.yaml").sequence ?? []
    let on = try node("[2026-10-10]", "base.yaml").sequence ?? []
    let cityOff = try node("[2026-10-02, 2026-10-10]", "city.yaml").sequence ?? []
    let cityOn = try node("[{date: 2026-10-01, hours: [\"10:00-11:00\"]}]", "city.yaml").sequence ?? []
    let calendar = try WorkCalendar(
      .mapping([
        ("calendar", try #require(base["name"])), ("label", try #require(base["label"])),
        ("weekdays", try #require(base["weekdays"])), ("holidays", .sequence(off + cityOff)),
        ("workdays", .sequence(on + cityOn)),
      ]))
    #expect(try calendar.spans(on: WorkCalendarTests.date("2026-10-01")).map(\.description) == ["10:00-11:00"])
    #expect(try !calendar.isWorkday(WorkCalendarTests.date("2026-10-02")))
    #expect(try !calendar.isWorkday(WorkCalendarTests.date("2026-10-10")))
  }

  /// One change to the text, the place that must be named, and what is said of it.
  @Test(arguments: [
    ("calendar: office", "calendar: Office", 1, 11, "不能作名称"),
    ("calendar: office\n", "", 1, 1, "缺少 calendar"),
    ("label: 办公日历", "label: [甲]", 2, 8, "应是文字，却是列表"),
    ("label: 办公日历", "label: ''", 2, 8, "却是空的"),
    ("label: 办公日历", "title: 办公日历", 2, 1, "不认识键“title”（可用：calendar、label"),
    (Self.text, "calendar: x\nlabel: 甲\nholidays: []", 1, 1, "缺少 weekdays"),
    ("weekdays: [\"08:30-12:00\"", "weekdays: [\"8:30-12:00\"", 3, 12, "读不懂办公时间“8:30-12:00”"),
    ("weekdays: [\"08:30-12:00\"", "weekdays: [\"12:00-08:30\"", 3, 12, "先早后晚"),
    ("weekdays: [\"08:30-12:00\"", "weekdays: [\"08:30-24:01\"", 3, 12, "最晚到 24:00"),
    ("\"14:00-17:30\"]", "\"11:59-17:30\"]", 3, 27, "11:59-17:30 与 08:30-12:00 重叠"),
    ("weekdays: [\"08:30-12:00\", \"14:00-17:30\"]", "weekdays: \"08:30-12:00\"", 3, 11, "weekdays应是列表"),
    ("sat: []", "saturday: []", 4, 31, "不认识键“saturday”"),
    ("2026-01-01,", "2026-02-29,", 5, 12, "读不懂日期“2026-02-29”"),
    ("2026-01-01,", "20260101,", 5, 12, "读不懂日期“20260101”"),
    ("2026-02-16..2026-02-22", "2026-02-16..2026-02-32", 5, 24, "读不懂日期“2026-02-16..2026-02-32”"),
    ("2026-02-16..2026-02-22", "2026-02-22..2026-02-16", 5, 24, "请对调"),
    ("2026-02-16..2026-02-22", "2026-02-16..2062-02-22", 5, 24, "请检查年份"),
    ("2026-02-16..2026-02-22", "2025-12-30..2026-01-02", 5, 24, "2026-01-01 写了两次，第一次在第 5 行"),
    ("workdays: [2026-02-14,", "workdays: [2026-02-17,", 6, 12, "在 holidays 里（第 5 行）又在 workdays 里"),
    ("workdays: [2026-02-14,", "workdays: [2026-02-28,", 6, 24, "2026-02-28 写了两次"),
    ("as: fri", "as: friday", 6, 47, "as 不能是“friday”（可用：mon"),
    ("as: fri", "as: sat", 6, 47, "sat 没有办公时间"),
    (", as: fri", "", 6, 24, "要写 as（按星期几的时间）或 hours"),
    ("date: 2026-02-28, ", "", 6, 24, "上班日缺少 date"),
    ("hours: [\"22:00-24:00\", \"09:00-10:00\"]", "hours: []", 6, 79, "没有办公时间"),
    (Self.text, "calendar: x\nlabel: 甲\nhours: {}\nworkdays: [2026-02-14]", 4, 12, "不知按几点上班"),
    (Self.text, "[office]", 1, 1, "应写成键值对，却是列表"),
    (Self.text, "calendar: {", 2, 1, "语法错误"),
  ])
  func whatCannotBeReadIsRefusedWithItsPlace(_ old: String, _ new: String, _ line: Int, _ column: Int, _ words: String)
  {
    #expect(Self.text.contains(old))
    let text = Self.text.replacingOccurrences(of: old, with: new)
    let failure = #expect(throws: YAMLFailure.self) { try WorkCalendar(parsing: text, file: "office.yaml") }
    #expect(failure?.position == SourcePosition(file: "office.yaml", line: line, column: column))
    #expect(failure?.message.contains(words) == true, "\(failure?.description ?? "")")
  }

  @Test func theCalendarOf2026HasTheHolidaysOfTheNotice() throws {
    let calendar = try WorkCalendarTests.china()
    let days = (0..<365).map { CivilDate(daysSinceEpoch: 20_454 + $0) }
    let odd = days.filter { calendar.isWorkday($0) != ($0.weekday < 6) }
    let off = odd.filter { $0.weekday < 6 }.map { "\($0.month).\($0.day)" }.joined(separator: " ")
    let on = odd.filter { $0.weekday > 5 }.map { "\($0.month).\($0.day)" }.joined(separator: " ")
    #expect(off == "1.1 1.2 2.16 2.17 2.18 2.19 2.20 2.23 4.6 5.1 5.4 5.5 6.19 9.25 10.1 10.2 10.5 10.6 10.7")
    #expect(on == "1.4 2.14 2.28 5.9 9.20 10.10")
    #expect(calendar.name == "china_2026" && calendar.holidays.count == 33 && calendar.swaps.count == 6)
  }
}
