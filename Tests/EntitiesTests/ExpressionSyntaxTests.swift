import Core
import Entities
import Testing

@Suite struct ExpressionSyntaxTests {
  static let entity = Result {
    try Samples.entity(fields: [
      "{name: a, label: 甲, type: integer}", "{name: b, label: 乙, type: integer}", "{name: d, label: 丁, type: decimal}",
      "{name: m, label: 钱, type: money}", "{name: t, label: 文, type: text}", "{name: flag, label: 是, type: boolean}",
      "{name: on, label: 日, type: date}", "{name: at, label: 时, type: instant}",
      "{name: kinds, label: 类, type: file, multiple: true}", "{name: place, label: 地, type: point}",
      "{name: sum, label: 和, type: integer, computed: a + b}",
      "{name: secret, label: 密, type: text, classification: secret, mask: all, encrypted: true}",
    ])
  }

  static func parse(_ text: String) throws -> Expression { try Expression(parsing: text, for: entity.get()) }

  @Test(arguments: [
    ("a + b", ExpressionType.integer), ("a + d", .decimal), ("a / b", .decimal), ("m * 2", .decimal), ("-a", .integer),
    ("a > b", .boolean), ("not flag", .boolean), ("t + 'x'", .text), ("t in ('x', 'y')", .boolean),
    ("a not in (1, 2)", .boolean),
    ("on > '2026-01-01'", .boolean), ("at < '2026-01-01 08:00'", .boolean), ("today()", .date), ("now()", .instant),
    ("year(on)", .integer), ("days(on, today())", .integer), ("years('2000-01-01', on)", .integer),
    ("length(t)", .integer),
    ("length(kinds)", .integer), ("contains(t, 'x')", .boolean), ("contains(kinds, 'x')", .boolean),
    ("lower(t)", .text), ("first(t, 6)", .text),
    ("coalesce(a, d, 0)", .decimal), ("if(flag, 'x', null)", .text), ("round(d)", .integer), ("round(d, 2)", .decimal),
    ("place == null", .boolean), ("sum * 2", .integer), ("date(at) == on", .boolean), ("me() == a", .boolean),
    ("starts(t, my_division())", .boolean), ("null == null", .boolean), ("'it''s' == t", .boolean),
    ("1 < 2 == true", .boolean),
  ])
  func expressionsHaveTypes(_ text: String, _ type: ExpressionType) throws {
    if text == "1 < 2 == true" {
      #expect(throws: ExpressionFailure.self) { try ExpressionSyntaxTests.parse(text) }
      return
    }
    #expect(try ExpressionSyntaxTests.parse(text).type == type)
  }

  @Test(arguments: [
    ("", 1, "空的"), ("a +", 4, "结尾"), ("a b", 3, "多出“b”"), ("(a", 3, "应有“)”"), ("a = b", 3, "请写 =="),
    ("a && b", 3, "请写 and"), ("t == “x”", 6, "半角"), ("t == 'x", 6, "结束的单引号"), ("!flag", 1, "“!”不能单独"),
    ("nobody > 1", 1, "没有名为"), ("lenght(t)", 1, "是不是“length”"), ("today", 1, "是函数"), ("t + 1", 3, "文本和整数"),
    ("on + 1", 4, "days(起, 止)"), ("a > t", 5, "类型不同"), ("a == 'x'", 6, "类型不同"), ("on > 'soon'", 6, "不是日期"),
    ("a and flag", 1, "应是条件"), ("not a", 5, "应是条件"), ("a < b < 3", 7, "不能连写"), ("a in ()", 3, "至少要有一个值"),
    ("a in (1, null)", 10, "不能写 null"), ("kinds == 'x'", 10, "类型不同"), ("kinds in ('x')", 11, "类型不同"),
    ("place == place", 7, "不能用“==”比较"), ("flag > true", 6, "不能用“>”比较"), ("a > null", 3, "== 或 !="),
    ("if(a, 1, 2)", 4, "应是条件"), ("if(flag, 1, 'x')", 13, "类型不同"), ("if(flag, null, null)", 1, "都是 null"),
    ("year(t)", 6, "应是日期或日期时间"), ("round(d, 9)", 10, "0 到 6"), ("round(d, a)", 10, "0 到 6"), ("length()", 1, "需要1 个参数"),
    ("12ab", 3, "数字后面"), ("1.2.3", 1, "不是可用的数"), ("1.2345678", 1, "六位小数"), ("a @ b", 3, "不认识的字符"),
    ("on == at", 7, "date(…)"), ("(((a)", 6, "应有“)”"), ("a not b", 7, "应有“in”"),
  ])
  func faultsAreToldWithTheirColumn(_ text: String, _ column: Int, _ word: String) {
    let failure = #expect(throws: ExpressionFailure.self, "\(text)") { try ExpressionSyntaxTests.parse(text) }
    #expect(failure?.column == column, "\(text): \(String(describing: failure))")
    #expect(failure?.message.contains(word) == true, "\(text): \(String(describing: failure))")
  }

  @Test func deepAndLongExpressionsAreRefusedWithoutHarm() {
    let deep = String(repeating: "(", count: 2000) + "1" + String(repeating: ")", count: 1999)
    #expect(throws: ExpressionFailure.self) { try ExpressionSyntaxTests.parse(deep) }
    let long = Array(repeating: "a", count: 300).joined(separator: " + ")
    #expect(throws: ExpressionFailure.self) { try ExpressionSyntaxTests.parse(long) }
    let negations = String(repeating: "not ", count: 500) + "flag"
    #expect(throws: ExpressionFailure.self) { try ExpressionSyntaxTests.parse(negations) }
    #expect(throws: ExpressionFailure.self) { try ExpressionSyntaxTests.parse(String(repeating: "a", count: 5000)) }
  }

  @Test func whatAnExpressionReadsIsKnown() throws {
    let expression = try ExpressionSyntaxTests.parse("sum > 1 and secret == null and lower(secret) != t")
    #expect(expression.fields == ["a", "b", "secret", "t"])
    #expect(expression.encryptedFields == ["secret"])
    #expect(try ExpressionSyntaxTests.parse("secret != null").encryptedFields.isEmpty)
    let codes = try Expression(
      parsing: "kind in ('public', 'x') or contains(facilities, 'bed')", for: Samples.entity("dwelling")
    ).codes
    #expect(codes.map(\.code) == ["public", "x", "bed"])
    #expect(codes.map(\.dictionary) == ["dwelling_kind", "dwelling_kind", "facility"])
  }

  @Test func aRefusalForTheBrowserNamesThePlace() throws {
    let failure = #expect(throws: ExpressionFailure.self) { try ExpressionSyntaxTests.parse("a > t") }
    #expect(failure?.refusal.code == "expression-invalid")
    #expect(failure?.refusal.message.contains("第 5 个字") == true)
  }
}
