import Core
import Testing

@Suite struct MoneyTests {
  @Test(arguments: [
    ("1234.5", 123_450), ("¥1,234.50", 123_450), ("￥0.01", 1), ("-3", -300), ("12元", 1200), ("1２.3", 1230),
  ])
  func amountsAreReadAsPeopleWriteThem(_ text: String, _ fen: Int64) { #expect(Money(text)?.fen == fen) }

  @Test(arguments: ["", "1.234", "1..2", ".5", "5.", "一元", "99999999999999999999", "1-2", "¥"])
  func otherTextIsRefused(_ text: String) { #expect(Money(text) == nil) }

  @Test(arguments: [
    (123_450, "¥1,234.50"), (0, "¥0.00"), (-5, "-¥0.05"), (100_000_000_000, "¥1,000,000,000.00"), (99_999, "¥999.99"),
  ])
  func pagesShowGroupedThousands(_ fen: Int64, _ text: String) {
    #expect(Money(fen: fen).description == text)
    #expect(Money(text) == Money(fen: fen) || fen < 0)
    #expect(Money(Money(fen: fen).plain) == Money(fen: fen))
  }

  /// The examples of 《支付结算办法》附一 and everyday amounts.
  @Test(arguments: [
    (140_950, "人民币壹仟肆佰零玖元伍角整"), (600_714, "人民币陆仟零柒元壹角肆分"), (168_032, "人民币壹仟陆佰捌拾元零叁角贰分"),
    (10_700_053, "人民币壹拾万柒仟元零伍角叁分"), (1_640_902, "人民币壹万陆仟肆佰零玖元零贰分"), (32_504, "人民币叁佰贰拾伍元零肆分"),
    (0, "人民币零元整"), (5, "人民币伍分"), (10_000_000_000, "人民币壹亿元整"), (10_000_200_000, "人民币壹亿零贰仟元整"),
    (-100, "人民币负壹元整"), (100_050_000, "人民币壹佰万零伍佰元整"),
  ])
  func documentsShowCapitals(_ fen: Int64, _ text: String) { #expect(Money(fen: fen).capital == text) }

  @Test func sharesAreRoundedHalfAwayFromZero() {
    #expect(Money(fen: 5).scaled(by: 1, over: 2) == Money(fen: 3))
    #expect(Money(fen: -5).scaled(by: 1, over: 2) == Money(fen: -3))
    #expect(Money(fen: 10).scaled(by: 1, over: 3) == Money(fen: 3))
    #expect(Money(fen: Int64.max).scaled(by: 2, over: 4).fen == Int64.max / 2 + 1)
  }
}

@Suite struct SeededRandomTests {
  /// Demo data made by one version must be found again by the next.
  @Test func theSequenceNeverChanges() {
    var random = SeededRandom(seed: 2026)
    let drawn = (0..<4).map { _ in random.below(1_000_000) }
    var again = SeededRandom(seed: 2026)
    #expect(drawn == (0..<4).map { _ in again.below(1_000_000) })
    #expect(drawn == [431_479, 30_083, 160_743, 264_492])
  }

  @Test func streamsDependOnTheirKeyAlone() {
    var used = SeededRandom(seed: 1)
    _ = used.next()
    var first = used.stream(5)
    var second = SeededRandom(seed: 1).stream(5)
    var other = SeededRandom(seed: 1).stream(6)
    let value = first.next()
    #expect(value == second.next())
    #expect(value != other.next())
  }

  @Test func drawsAreSpreadEvenly() {
    var random = SeededRandom(seed: 3)
    var counts = [Int](repeating: 0, count: 10)
    for _ in 0..<100_000 { counts[random.below(10)] += 1 }
    #expect(counts.allSatisfy { (9_500...10_500).contains($0) })
    var weighted = [0, 0]
    for _ in 0..<10_000 { weighted[random.weighted([1, 3])] += 1 }
    #expect((7_200...7_800).contains(weighted[1]))
  }
}
