import Core
import Entities
import Testing

@Suite struct DeclarationValueTests {
  static let entity = Result {
    try Samples.entity(fields: [
      "{name: text, label: 文字, type: text, max: 5}", "{name: long, label: 长文, type: longtext}",
      "{name: count, label: 个数, type: integer, min: 1, max: 200, unit: 层}",
      "{name: size, label: 面积, type: decimal, min: 0.5}", "{name: rent, label: 租金, type: money, max: 1000}",
      "{name: flag, label: 是否, type: boolean}", "{name: day, label: 日期, type: date}",
      "{name: time, label: 时间, type: instant}",
      "{name: person, label: 证件, type: resident_id, classification: secret, mask: id}",
      "{name: company, label: 信用代码, type: credit_code}", "{name: phone, label: 电话, type: phone}",
      "{name: division, label: 区划, type: division}", "{name: place, label: 位置, type: point}",
      "{name: route, label: 路线, type: line}", "{name: shape, label: 轮廓, type: polygon}",
      "{name: extra, label: 附加, type: json}",
      "{name: files, label: 附件, type: file, multiple: true}",
    ])
  }

  static func parse(_ text: String, _ field: String) throws -> Value {
    try Samples.catalog.get().parse(text, for: #require(try entity.get().field(field)))
  }

  @Test(arguments: [
    ("  里坊　", "text", "里坊"), ("１２３", "text", "１２３"), ("１，２３４", "count", "1234"), ("1,234,567", "count", "1234567"),
    ("12.0", "count", "12"), ("−3", "count", "-3"), ("8８.５", "size", "88.5"), ("1,234.50元", "rent", "1234.50"),
    ("￥8", "rent", "8.00"),
    ("一\r\n二\r三\n四", "long", "一\n二\n三\n四"),
    ("是", "flag", "是"), ("√", "flag", "是"), ("ＦＡＬＳＥ", "flag", "否"), ("无", "flag", "否"),
    ("2026-1-2", "day", "2026-01-02"),
    ("2026/11/21", "day", "2026-11-21"), ("20261121", "day", "2026-11-21"), ("2026年11月21日", "day", "2026-11-21"),
    ("２０２６．１．２", "day", "2026-01-02"), ("二〇二六年十一月二十一日", "day", "2026-11-21"), ("二零二六年十月十日", "day", "2026-10-10"),
    ("2026-11-21 00:00:00", "day", "2026-11-21"), ("2026-11-21 14:05", "time", "2026-11-21T14:05:00.000000+08:00"),
    ("2026/1/2 9:05:30", "time", "2026-01-02T09:05:30.000000+08:00"), ("2026年1月2日 9时5分", "time", ""),
    ("2026年1月2日09时05分", "time", "2026-01-02T09:05:00.000000+08:00"),
    ("2026年1月2日 9时", "time", "2026-01-02T09:00:00.000000+08:00"),
    ("2026-11-21", "time", "2026-11-21T00:00:00.000000+08:00"), ("11010519491231002x", "person", "11010519491231002X"),
    ("91350100m000100y43", "company", "91350100M000100Y43"), ("+86 138 1234 5678", "phone", "13812345678"),
    ("511702000000", "division", "511702"), ("510000", "division", "51"), ("511702001000", "division", "511702001"),
    ("107.5012，31.2094", "place", #"{"type":"Point","coordinates":[107.5012,31.2094]}"#),
    ("a、b；a\nc", "files", "a、b、c"),
    ("", "count", ""), (" \u{200B} ", "flag", ""), (#"{"a":[1]}"#, "extra", #"{"a":[1]}"#),
  ])
  func valuesAreReadAsPeopleWriteThem(_ text: String, _ field: String, _ plain: String) throws {
    if text == "2026年1月2日 9时5分" {
      // A single digit of minutes is not a time that anybody could be sure of.
      #expect(throws: Refusal.self) { try DeclarationValueTests.parse(text, field) }
      return
    }
    #expect(try DeclarationValueTests.parse(text, field).plainText == plain)
  }

  @Test(arguments: [
    ("一二", "count"), ("1.5", "count"), ("12,34", "count"), ("1,2345", "count"), ("--1", "count"), ("1.2.3", "size"),
    ("0.1234567", "size"), ("99999999999999999999", "count"), ("1.234", "rent"), ("也许", "flag"), ("2026-02-30", "day"),
    ("昨天", "day"),
    ("2026-13-01", "day"), ("25:00", "time"), ("110105194912310021", "person"), ("12", "phone"), ("0511", "division"),
    ("51170", "division"), ("31.2", "place"), ("x,y", "place"), ("面", "shape"), ("{", "extra"), ("a\u{0}b", "text"),
  ])
  func whatCannotBeMeantIsRefusedWithTheField(_ text: String, _ field: String) {
    let refusal = #expect(throws: Refusal.self) { try DeclarationValueTests.parse(text, field) }
    #expect(refusal?.field == field)
    #expect(refusal?.message.isEmpty == false)
  }

  @Test func codesAreReadByCodeOrLabel() throws {
    let catalog = try Samples.catalog.get()
    let dwelling = try Samples.entity("dwelling")
    let kind = try #require(dwelling.field("kind"))
    #expect(try catalog.parse("public", for: kind) == .text("public"))
    #expect(try catalog.parse(" 公租房 ", for: kind) == .text("public"))
    let refusal = #expect(throws: Refusal.self) { try catalog.parse("商品房", for: kind) }
    #expect(refusal?.code == "unknown-code")
    #expect(refusal?.message.contains("公租房") == true)
    let facilities = try #require(dwelling.field("facilities"))
    #expect(try catalog.parse("空调，床, 01", for: facilities) == .list(["01", "bed"]))
    #expect(try catalog.parse("、", for: facilities) == .null)
  }
}

@Suite struct DeclarationValidationTests {
  static func refusals(_ entity: String, _ values: [String: Value], previous: [String: Value]? = nil) throws
    -> [Refusal]
  {
    let catalog = try Samples.city.get()
    return RecordValidator(try #require(catalog.entity(entity)), catalog: catalog)
      .refusals(for: values, previous: previous, in: Samples.context)
  }

  static let dwelling: [String: Value] = [
    "code": .text("FY1"), "name": .text("一栋一室"), "kind": .text("public"), "state": .text("vacant"),
    "division_code": .text("430104"), "manager_id": .integer(3), "area": .decimal(FixedDecimal(millionths: 48_500_000)),
  ]

  @Test func aRecordThatKeepsTheRulesPasses() throws {
    #expect(try DeclarationValidationTests.refusals("dwelling", DeclarationValidationTests.dwelling).isEmpty)
  }

  @Test func everyFaultIsReportedWithItsField() throws {
    var values = DeclarationValidationTests.dwelling
    values["name"] = .text("　")
    values["kind"] = .text("palace")
    values["area"] = .decimal(FixedDecimal(millionths: 1))
    values["rooms"] = .integer(21)
    values["school"] = .text(String(repeating: "学", count: 61))
    values["division_code"] = .text("430000")
    values["facilities"] = .list(["bed", "bed"])
    values["outline"] = .geometry(["type": "Point", "coordinates": [1, 2]])
    values["standard_rent"] = .integer(5)
    let refusals = try DeclarationValidationTests.refusals("dwelling", values)
    #expect(
      refusals.map(\.field) == [
        "name", "school", "kind", "division_code", "area", "rooms", "standard_rent", "facilities", "outline",
      ])
    #expect(
      refusals.map(\.code) == [
        "required", "too-long", "unknown-code", "wrong-type", "too-small", "too-large", "wrong-type", "duplicate-entry",
        "wrong-geometry",
      ])
    #expect(refusals[4].message == "“套内面积”不能小于 5㎡。")
  }

  @Test func rulesSpeakWhenTheValuesAreRight() throws {
    var values = DeclarationValidationTests.dwelling
    values["state"] = .text("let")
    values["area"] = .decimal(FixedDecimal(millionths: 130_000_000))
    values["rooms"] = .integer(0)
    let refusals = try DeclarationValidationTests.refusals("dwelling", values)
    #expect(refusals.map(\.message) == ["请先核定租金", "三十平方米以上的房源至少有一室", "超过一百二十平方米的只能作人才公寓"])
    #expect(refusals.map(\.field) == ["standard_rent", "rooms", "area"])
  }

  @Test func aRetiredCodeMayStayButNotCome() throws {
    var values = DeclarationValidationTests.dwelling
    values["kind"] = .text("talent")
    #expect(try DeclarationValidationTests.refusals("dwelling", values).map(\.code) == ["retired-code"])
    #expect(try DeclarationValidationTests.refusals("dwelling", values, previous: values).isEmpty)
  }

  @Test func whatIsRequiredDependsOnConditionsAndOnWhatIsShown() throws {
    var values: [String: Value] = [
      "name": .text("张三"), "kind": .text("graduate"), "phone": .text("13812345678"), "division_code": .text("430104"),
      "resident_id": .text("11010519491231002X"),
    ]
    #expect(try DeclarationValidationTests.refusals("tenant", values).isEmpty)
    values["resident_id"] = nil
    #expect(try DeclarationValidationTests.refusals("tenant", values).map(\.field) == ["resident_id"])
    values["kind"] = .text("foreign")
    #expect(try DeclarationValidationTests.refusals("tenant", values).map(\.field) == ["passport"])
    values["passport"] = .text("E12345678")
    #expect(try DeclarationValidationTests.refusals("tenant", values).isEmpty)
    values["resident_id"] = .text("110105194912310020")
    #expect(try DeclarationValidationTests.refusals("tenant", values).map(\.code) == ["resident-id-check"])
    values["resident_id"] = .text("11010519491231002x")
    #expect(try DeclarationValidationTests.refusals("tenant", values).map(\.code) == ["not-canonical"])
  }

  @Test func aRuleWithoutItsValuesPasses() throws {
    let values: [String: Value] = [
      "dwelling_id": .integer(1), "tenant_id": .integer(2), "division_code": .text("430104"),
      "starts_on": .date(CivilDate(daysSinceEpoch: 0)), "ends_on": .date(CivilDate(daysSinceEpoch: 1)),
      "rent": .money(Money(fen: 100)), "status": .text("draft"),
    ]
    #expect(try DeclarationValidationTests.refusals("lease_contract", values).isEmpty)
    let late = values.merging(["deposit": .money(Money(fen: 301))]) { $1 }
    #expect(try DeclarationValidationTests.refusals("lease_contract", late).map(\.field) == ["deposit"])
  }

  @Test func defaultsAreWorkedOutForTheOneWhoActs() throws {
    let catalog = try Samples.catalog.get()
    let defaults = try RecordValidator(Samples.entity("lease_contract"), catalog: catalog).defaults(in: Samples.context)
    #expect(defaults["unit_id"] == .integer(3))
    #expect(defaults["starts_on"] == .date(Samples.context.today))
    #expect(defaults["discount"] == .decimal(FixedDecimal(millionths: 1_000_000)))
    #expect(defaults["status"] == .text("draft"))
    #expect(defaults["rent"] == nil)
  }

  @Test(arguments: [
    ("shape", #"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}"#, true),
    ("shape", #"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}"#, false),
    ("shape", #"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}"#, false),
    ("shape", #"{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]}"#, true),
    ("shape", #"{"type":"Polygon","coordinates":[]}"#, false),
    ("route", #"{"type":"LineString","coordinates":[[0,0],[1,1]]}"#, true),
    ("route", #"{"type":"LineString","coordinates":[[0,0]]}"#, false),
    ("place", #"{"type":"Point","coordinates":[107,31]}"#, true),
    ("place", #"{"type":"Point","coordinates":[31,107]}"#, false),
    ("place", #"{"type":"Point","coordinates":["x",1]}"#, false),
    ("place", #"{"type":"Point"}"#, false), ("place", "[1,2]", false),
  ])
  func shapesAreChecked(_ field: String, _ json: String, _ allowed: Bool) throws {
    let entity = try DeclarationValueTests.entity.get()
    let value = Value.geometry(try JSON(parsing: json))
    let refusals = RecordValidator(entity, catalog: try Samples.catalog.get()).refusals(
      for: [field: value], in: Samples.context)
    #expect(refusals.isEmpty == allowed)
  }
}

@Suite struct DeclarationDecimalTests {
  @Test(arguments: [
    ("12", "12"), ("-0.5", "-0.5"), (".25", "0.25"), ("1.0000005", "1.000001"), ("1.0000004", "1"),
    ("9223372036854", "9223372036854"),
  ])
  func decimalsAreReadAndWritten(_ text: String, _ plain: String) { #expect(FixedDecimal(text)?.description == plain) }

  @Test(arguments: ["", "-", ".", "1e3", "1 2", "9223372036855", "0x1", "1..2"])
  func otherTextIsRefused(_ text: String) { #expect(FixedDecimal(text) == nil) }

  @Test func arithmeticIsExactOrRefused() throws {
    var random = SeededRandom(seed: 12)
    for _ in 0..<5000 {
      let a = Int64(random.within(-1_000_000_000...1_000_000_000))
      let b = Int64(random.within(-1_000_000_000...1_000_000_000))
      let x = FixedDecimal(millionths: a)
      let y = FixedDecimal(millionths: b)
      #expect(x.adding(y)?.millionths == a + b)
      #expect(x.subtracting(y)?.millionths == a - b)
      let product = try #require(x.multiplied(by: y))
      // Half away from zero: twice the error is at most one unit, and exactly one only away from zero.
      let error = Int128(product.millionths) * 1_000_000 - Int128(a) * Int128(b)
      #expect(error.magnitude * 2 <= 1_000_000)
      #expect(FixedDecimal(x.description) == x)
    }
    #expect(FixedDecimal(millionths: .max).adding(FixedDecimal(millionths: 1)) == nil)
    #expect(FixedDecimal(millionths: 1).divided(by: .zero) == nil)
    #expect(FixedDecimal(millionths: 2_500_000).integer == 3)
    #expect(FixedDecimal(millionths: -2_500_000).integer == -3)
  }
}
