import Core
import Testing

@Suite struct TimeTests {
  @Test func everyDayOfFourCenturiesSurvivesTheRoundTrip() {
    for day in -140_000..<80_000 {
      let date = CivilDate(daysSinceEpoch: day)
      #expect(date.daysSinceEpoch == day)
    }
  }

  @Test(arguments: [
    ("2026-11-21", "2026-11-21"), ("20261121", "2026-11-21"), ("2026年1月2日", "2026-01-02"), ("2026/1/2", "2026-01-02"),
  ])
  func datesAreReadInTheFormsPeopleWrite(_ text: String, _ expected: String) {
    #expect(CivilDate(text)?.description == expected)
  }

  @Test(arguments: ["2026-02-29", "2026-13-01", "26-1-1", "", "明天", "2026-1-1-1"])
  func impossibleDatesAreRefused(_ text: String) { #expect(CivilDate(text) == nil) }

  @Test func instantsSurviveTheRoundTripThroughText() {
    for microseconds: Int64 in [0, 1, -1, 1_763_700_000_123_456, -62_135_596_800_000_000] {
      let instant = Instant(microseconds: microseconds)
      #expect(Instant(instant.iso8601) == instant)
    }
    #expect(Instant("2026-11-21T06:05:06Z")?.display == "2026-11-21 14:05")
    #expect(Instant("2026-11-21 25:00") == nil)
  }

  @Test func aTextWithoutOffsetIsChinaTime() {
    #expect(Instant("2026-11-21 14:05")?.iso8601 == "2026-11-21T14:05:00.000000+08:00")
  }
}
