import Access
import Core
import Entities
import Testing

/// 编号序列: what is next, and letting a series go on.
@Suite struct NumberSeriesTests {
  @Test func aNumberShowsWithItsZeros() {
    #expect(NumberSeries(entity: "household", text: "511702#", next: 42).sample(digits: 7) == "5117020000042")
  }
}
