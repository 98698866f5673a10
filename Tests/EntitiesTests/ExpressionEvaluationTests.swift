import Core
import Entities
import Testing

@Suite struct ExpressionEvaluationTests {
  static let values: [String: Value] = [
    "a": .integer(7), "b": .null, "d": .decimal(FixedDecimal(millionths: 2_500_000)), "m": .money(Money(fen: 123_450)),
    "t": .text("里坊 Lifang"), "flag": .boolean(true), "on": CivilDate("2026-02-28").map { .date($0) } ?? .null,
    "at": .instant(Instant(seconds: 1_795_241_100)), "kinds": .list(["x", "y"]), "secret": .text("Abc"),
  ]

  static func evaluate(_ text: String) throws -> Value {
    try ExpressionSyntaxTests.parse(text).evaluate(in: Samples.context) { values[$0] ?? .null }
  }

  static func decimal(_ text: String) -> Value { FixedDecimal(text).map { .decimal($0) } ?? .null }

  @Test(arguments: [
    ("a + 1", Value.integer(8)), ("a - 10", .integer(-3)), ("a * a", .integer(49)), ("a / 2", decimal("3.5")),
    ("a / 3", decimal("2.333333")), ("2 / 3", decimal("0.666667")), ("-2 / 3", decimal("-0.666667")), ("a / 0", .null),
    ("d * d", decimal("6.25")), ("m", decimal("1234.5")), ("m > 1234.49", .boolean(true)),
    ("m * 0.1", decimal("123.45")),
    ("a + b", .null), ("b == 1", .null), ("b == null", .boolean(true)), ("b != null", .boolean(false)),
    ("not (b > 1)", .null),
    ("b > 1 and false", .boolean(false)), ("b > 1 or true", .boolean(true)), ("b > 1 or false", .null),
    ("b > 1 and true", .null), ("b in (1, 2)", .null), ("a in (1, b)", .null), ("a in (7, b)", .boolean(true)),
    ("a not in (1, b)", .null), ("a not in (1, 2)", .boolean(true)), ("t == '里坊 Lifang'", .boolean(true)),
    ("length(t)", .integer(9)), ("lower(t)", .text("里坊 lifang")),
    ("first(t, 2)", .text("里坊")), ("first(t, 100)", .text("里坊 Lifang")), ("first(my_division(), 4)", .text("4301")),
    ("contains(t, '坊')", .boolean(true)),
    ("contains(t, '')", .boolean(true)), ("contains(t, '坊L')", .boolean(false)), ("starts(t, '里')", .boolean(true)),
    ("contains(kinds, 'y')", .boolean(true)), ("contains(kinds, 'z')", .boolean(false)), ("length(kinds)", .integer(2)),
    ("t + '!'", .text("里坊 Lifang!")), ("t < '里坊 M'", .boolean(true)), ("'é' == 'e\u{301}'", .boolean(false)),
    ("year(on)", .integer(2026)), ("month(on)", .integer(2)), ("day(on)", .integer(28)),
    ("days(on, today())", .integer(266)),
    ("days('2026-03-01', on)", .integer(-1)), ("years('2024-02-29', on)", .integer(1)),
    ("years(on, '2026-02-27')", .integer(-1)),
    ("date(at) == today()", .boolean(true)), ("at <= now()", .boolean(true)), ("at > '2026-11-21'", .boolean(true)),
    ("coalesce(b, a)", .integer(7)), ("coalesce(b, 1.5)", decimal("1.5")), ("if(flag, 1, 2)", .integer(1)),
    ("if(b > 1, 1, 2)", .integer(2)), ("round(d)", .integer(3)), ("round(-d)", .integer(-3)),
    ("round(2.345, 2)", decimal("2.35")),
    ("round(-2.345, 2)", decimal("-2.35")), ("me()", .integer(7)), ("my_unit()", .integer(3)),
    ("my_division()", .text("430104")),
    ("secret == 'Abc'", .boolean(true)), ("1 + 2 * 3 - 4 / 2", decimal("5")), ("not flag or a > 6", .boolean(true)),
    ("-a + 8", .integer(1)), ("sum == null", .boolean(true)), ("place == null", .boolean(true)),
    ("'x' == null", .boolean(false)),
  ])
  func resultsFollowTheRulesOfNull(_ text: String, _ expected: Value) throws {
    #expect(try ExpressionEvaluationTests.evaluate(text) == expected, "\(text)")
  }

  @Test(arguments: [
    "9223372036854775807 + a", "9000000000000.0 * 9", "-9223372036854775807 - 10", "9000000000000.0 / 0.1",
  ])
  func whatCannotBeCountedExactlyIsRefused(_ text: String) {
    let refusal = #expect(throws: Refusal.self) { try ExpressionEvaluationTests.evaluate(text) }
    #expect(refusal?.code == "expression-overflow")
  }

  @Test func aValueOfAnotherKindIsRefusedWithItsField() throws {
    let expression = try ExpressionSyntaxTests.parse("a + 1")
    let refusal = #expect(throws: Refusal.self) { try expression.evaluate(in: Samples.context) { _ in .text("7") } }
    #expect(refusal?.code == "expression-value")
    #expect(refusal?.field == "a")
  }

  @Test func resultsAreRoundedToWhatTheFieldKeeps() throws {
    let entity = try ExpressionSyntaxTests.entity.get()
    let money = try #require(entity.field("m"))
    let decimal = try #require(entity.field("d"))
    let lookup = { (name: String) -> Value in ExpressionEvaluationTests.values[name] ?? .null }
    let third = try ExpressionSyntaxTests.parse("m / 3.7")
    #expect(third.fits(money))
    #expect(try third.stored(as: money, in: Samples.context, lookup) == .money(Money(fen: 33_365)))
    let whole = try ExpressionSyntaxTests.parse("a")
    #expect(try whole.stored(as: decimal, in: Samples.context, lookup) == ExpressionEvaluationTests.decimal("7"))
    #expect(try whole.stored(as: money, in: Samples.context, lookup) == .money(Money(fen: 700)))
    #expect(try ExpressionSyntaxTests.parse("d").fits(try #require(entity.field("a"))) == false)
  }
}
