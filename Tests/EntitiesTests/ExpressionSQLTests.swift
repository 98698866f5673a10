import Core
import Entities
import SQL
import TestSupport
import Testing

/// Random well-typed expressions over random records give the same result in memory and in PostgreSQL.
@Suite struct ExpressionSQLTests {
  @Test(arguments: 0..<4) func memoryAndPostgreSQLAgree(_ stream: UInt64) async throws {
    let database = try await TestDatabase.make()
    let entity = try ExpressionSyntaxTests.entity.get()
    try await database.execute(
      """
      create table thing (
        id bigint primary key, a bigint, b bigint, d numeric(18,6), m bigint, t text collate "C", flag boolean,
        "on" date, at timestamptz, kinds text[], place text, secret bytea)
      """)
    var random = SeededRandom(seed: 77).stream(stream)
    var records: [[String: Value]] = []
    for id in 0..<12 {
      let record = ExpressionSQLTests.record(&random)
      records.append(record)
      func bind(_ name: String) -> SQLValue { ExpressionSQLTests.sqlValue(record[name] ?? .null) }
      try await database.execute(
        """
        insert into thing values (\(id), \(bind("a")), \(bind("b")), \(bind("d"))::numeric, \(bind("m")), \(bind("t")),
          \(bind("flag")), \(bind("on")), \(bind("at")), \(bind("kinds")), null, null)
        """)
    }
    var compared = 0
    for _ in 0..<250 {
      let wanted = random.pick(ExpressionWriter.types)
      let text = ExpressionWriter.expression(wanted, depth: 4, &random)
      let expression = try Expression(parsing: text, for: entity)
      let expected = records.map { record in
        Result { try expression.evaluate(in: Samples.context) { record[$0] ?? .null } }
      }
      // A number that memory cannot count exactly is outside the promise.
      guard expected.allSatisfy({ if case .success = $0 { true } else { false } }) else { continue }
      let rows = try await database.query(
        "select (\(expression.sql(in: Samples.context, alias: "x")))::text as result from thing x order by x.id")
      for (row, expected) in zip(rows, expected) {
        let result = try row.get("result", as: String?.self)
        let wantedText = ExpressionSQLTests.text(try expected.get())
        #expect(ExpressionSQLTests.canonical(result, expression.type) == wantedText, "\(text)")
        compared += 1
      }
    }
    #expect(compared > 1500)
  }

  /// What is kept in a column comes out as memory keeps it.
  @Test func storedResultsAgree() async throws {
    let database = try await TestDatabase.make()
    let entity = try ExpressionSyntaxTests.entity.get()
    let money = try #require(entity.field("m"))
    for text in ["10 / 3", "0.005", "-0.005", "2 / 3 * 100", "12", "null"] {
      let expression = try Expression(parsing: text == "null" ? "if(false, 1, null)" : text, for: entity)
      let row = try await database.query(
        "select \(expression.sql(storedAs: money, in: ExpressionSurroundings(Samples.context), alias: nil)) as fen")
      let stored = try expression.stored(as: money, in: Samples.context) { _ in .null }
      #expect(try row.first?.get("fen", as: Int64?.self) == stored.money?.fen, "\(text)")
    }
  }

  /// Statements that outlive a request ask the database for the time.
  @Test func aPolicyNeedsNoRequest() async throws {
    let database = try await TestDatabase.make()
    let expression = try ExpressionSyntaxTests.parse(
      "years('2000-01-01', today()) > 20 and now() > '2020-01-01' and me() == 5")
    let sql = expression.sql(in: ExpressionSurroundings(me: "5::bigint"), alias: nil)
    let rows = try await database.query("select \(sql) as holds")
    #expect(try rows.first?.get("holds", as: Bool.self) == true)
  }

  // MARK: Records

  private static let texts = ["", "a", "A", "里坊", "里", "b'c", "é", "e\u{301}", "50%", "_", "aB里", "😀"]

  private static func record(_ random: inout SeededRandom) -> [String: Value] {
    func maybe(_ value: Value, _ random: inout SeededRandom) -> Value { random.chance(0.2) ? .null : value }
    let fen = Int64(random.within(-200_000...200_000))
    let day = CivilDate(daysSinceEpoch: random.within(-9000...25000))
    let instant = Instant(microseconds: Int64(random.within(-600_000_000...2_000_000_000)) * 1_000_000 + 123_456)
    return [
      "a": maybe(.integer(Int64(random.within(-30...30))), &random),
      "b": maybe(.integer(Int64(random.within(-3...3))), &random),
      "d": maybe(.decimal(FixedDecimal(millionths: Int64(random.within(-9_999_999...9_999_999)))), &random),
      "m": maybe(.money(Money(fen: fen)), &random), "t": maybe(.text(random.pick(texts)), &random),
      "flag": maybe(.boolean(random.chance(0.5)), &random), "on": maybe(.date(day), &random),
      "at": maybe(.instant(instant), &random),
      "kinds": maybe(.list((0..<random.below(3)).map { _ in random.pick(texts) }), &random),
    ]
  }

  private static func sqlValue(_ value: Value) -> SQLValue {
    switch value {
    case .text(let text): .text(text)
    case .integer(let number): .int(number)
    case .decimal(let number): .text(number.description)
    case .money(let money): .int(money.fen)
    case .boolean(let flag): .bool(flag)
    case .date(let date): .date(date)
    case .instant(let instant): .instant(instant)
    case .list(let texts): .textArray(texts)
    default: .null
    }
  }

  private static func text(_ value: Value) -> String? {
    switch value {
    case .null: nil
    case .boolean(let flag): flag ? "true" : "false"
    case .instant(let instant): String(instant.microseconds)
    default: value.plainText
    }
  }

  /// PostgreSQL's text of a result in the form of ``text(_:)``.
  private static func canonical(_ text: String?, _ type: ExpressionType) -> String? {
    guard let text else { return nil }
    switch type {
    case .integer, .decimal: return FixedDecimal(text)?.description ?? "not exact: \(text)"
    case .instant: return Instant(ExpressionSQLTests.isoInstant(text)).map { String($0.microseconds) } ?? text
    default: return text
    }
  }

  /// `2026-11-21 06:05:00.5+00` as RFC 3339.
  private static func isoInstant(_ text: String) -> String {
    let sign = text.lastIndex { $0 == "+" || $0 == "-" } ?? text.endIndex
    let offset = text[sign...]
    return "\(text[..<sign])\(offset)\(offset.utf8.count == 3 ? ":00" : "")"
  }
}

/// Writes random expressions of a wanted type.
private enum ExpressionWriter {
  static let types: [ExpressionType] = [.boolean, .integer, .decimal, .text, .date, .instant]

  static func expression(_ type: ExpressionType, depth: Int, _ random: inout SeededRandom) -> String {
    if depth == 0 || random.chance(0.15) { return leaf(type, &random) }
    func next(_ type: ExpressionType) -> String { expression(type, depth: depth - 1, &random) }
    if random.chance(0.12) { return "if(\(next(.boolean)), \(next(type)), \(next(type)))" }
    if random.chance(0.1) { return "coalesce(\(next(type)), \(next(type)))" }
    switch type {
    case .boolean:
      let kind = random.pick(types)
      switch random.below(9) {
      case 0: return "(\(next(.boolean)) and \(next(.boolean)))"
      case 1: return "(\(next(.boolean)) or \(next(.boolean)))"
      case 2: return "(not \(next(.boolean)))"
      case 3: return "(\(next(kind)) \(random.pick(["==", "!="])) null)"
      case 4: return "(\(next(kind)) \(random.pick(["", "not "]))in (\(next(kind)), \(next(kind))))"
      case 5: return "contains(\(next(.text)), \(next(.text)))"
      case 6: return random.pick(["contains(kinds, \(next(.text)))", "starts(\(next(.text)), \(next(.text)))"])
      case 7: return "(\(next(.integer)) \(random.pick(["<", "==", ">="])) \(next(.decimal)))"
      default:
        let order = kind == .boolean ? ["==", "!="] : ["==", "!=", "<", "<=", ">", ">="]
        return "(\(next(kind)) \(random.pick(order)) \(next(kind)))"
      }
    case .integer:
      switch random.below(7) {
      case 0: return "(-\(next(.integer)))"
      case 1: return "\(random.pick(["year", "month", "day"]))(\(next(random.pick([.date, .instant]))))"
      case 2: return "\(random.pick(["days", "years"]))(\(next(.date)), \(next(random.pick([.date, .instant]))))"
      case 3: return "length(\(random.pick([next(.text), "kinds"])))"
      case 4: return "round(\(next(.decimal)))"
      default: return "(\(next(.integer)) \(random.pick(["+", "-", "*"])) \(next(.integer)))"
      }
    case .decimal:
      let other = random.pick([ExpressionType.integer, .decimal])
      switch random.below(6) {
      case 0: return "(\(next(.integer)) / \(next(other)))"
      case 1: return "round(\(next(.decimal)), \(random.below(7)))"
      case 2: return "(-\(next(.decimal)))"
      default: return "(\(next(.decimal)) \(random.pick(["+", "-", "*", "/"])) \(next(other)))"
      }
    case .text:
      switch random.below(3) {
      case 0: return "lower(\(next(.text)))"
      case 1: return "first(\(next(.text)), \(1 + random.below(4)))"
      default: return "(\(next(.text)) + \(next(.text)))"
      }
    case .date: return "date(\(next(.instant)))"
    default: return leaf(type, &random)
    }
  }

  private static func leaf(_ type: ExpressionType, _ random: inout SeededRandom) -> String {
    switch type {
    case .boolean: random.pick(["flag", "flag", "true", "false"])
    case .integer: random.pick(["a", "a", "b", "b", "sum", "0", "3", "-2", "me()", "my_unit()"])
    case .decimal: random.pick(["d", "d", "m", "m", "0.5", "2.000001", "-1.25", "3.333333"])
    case .text: random.pick(["t", "t", "'里'", "'a'", "''", "'it''s'", "my_division()"])
    case .date: random.pick(["on", "on", "today()", "date(at)"])
    default: random.pick(["at", "at", "now()"])
    }
  }
}
