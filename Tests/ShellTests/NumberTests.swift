import Shell
import Testing

@Suite struct NumberTests {
  @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-1_234_567, "-1,234,567"), (100_000, "100,000")])
  func thousandsAreSeparated(_ number: Int, _ text: String) { #expect(grouped(number) == text) }

  @Test func estimatesDoNotLookLikeCounts() {
    #expect(PageTotal.exact(1_234_567).text == "1,234,567")
    #expect(PageTotal.about(1_234_567).text == "约 1,230,000")
    #expect(PageTotal.about(57).text == "约 57")
  }
}
