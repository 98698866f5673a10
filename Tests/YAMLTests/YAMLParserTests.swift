import Testing
import YAML

@Suite struct YAMLParserTests {
  static func parse(_ text: String, limits: YAMLLimits = YAMLLimits()) throws(YAMLFailure) -> YAMLNode {
    try YAMLNode(parsing: text, file: "t.yaml", limits: limits)
  }

  @Test func mappingsKeepOrderAndPlaces() throws {
    let node = try YAMLParserTests.parse("entity: building\nfields:\n  - {name: 楼栋, max: 32}\n  - name: b\n")
    #expect(node.mapping?.map(\.key) == ["entity", "fields"])
    let fields = try #require(node["fields"]?.sequence)
    #expect(fields[0]["name"]?.text == "楼栋")
    #expect(fields[0]["max"]?.integer == 32)
    #expect(fields[0]["max"]?.position == SourcePosition(file: "t.yaml", line: 3, column: 21))
    #expect(fields[1].position.description == "t.yaml:4:5")
    #expect(fields[1].mapping?.first?.keyPosition.column == 5)
  }

  @Test func onlyPlainScalarsAreNumbersTruthValuesOrNull() throws {
    let node = try YAMLParserTests.parse(
      #"[12, "12", true, 'true', yes, null, "null", ~, , 0101, -3]"#.replacing(" ,", with: " '',"))
    let items = try #require(node.sequence)
    #expect(items.map(\.integer) == [12, nil, nil, nil, nil, nil, nil, nil, nil, 101, -3])
    #expect(items.map(\.bool) == [nil, nil, true, nil, nil, nil, nil, nil, nil, nil, nil])
    #expect(items.map(\.text) == ["12", "12", "true", "true", "yes", nil, "null", nil, "", "0101", "-3"])
  }

  @Test func theTextOfAQuotedScalarBeginsAfterItsQuote() throws {
    let node = try YAMLParserTests.parse("a: 'x > 1'\nb: x > 1\n")
    #expect(node["a"]?.textPosition.column == 5)
    #expect(node["b"]?.textPosition.column == 4)
  }

  @Test func blockScalarsKeepTheirLines() throws {
    let node = try YAMLParserTests.parse("help: |\n  一行\n  二行\n")
    #expect(node["help"]?.text == "一行\n二行\n")
  }

  @Test func aliasesStandForTheirAnchors() throws {
    let node = try YAMLParserTests.parse("a: &x {k: 1}\nb: *x\n")
    #expect(node["b"]?["k"]?.integer == 1)
  }

  @Test(arguments: [
    ("a: 1\na: 2\n", 2, 1, "重复"), ("a: [1, 2\n", 2, 1, "语法"), ("? [x]\n: 1\n", 1, 3, "键必须"),
    ("a: 1\n---\nb: 2\n", 2, 1, "一份文档"), ("a: !!str 1\n", 1, 4, "类型标签"), ("a: *nobody\n", 1, 4, "锚点"),
    ("a: &x [*x]\n", 1, 8, "锚点"), ("\ta: 1\n", 1, 1, "语法"), ("a: \"unterminated\n", 2, 1, "语法"),
  ])
  func faultsAreReportedWhereTheyAre(_ text: String, _ line: Int, _ column: Int, _ word: String) {
    let failure = #expect(throws: YAMLFailure.self) { try YAMLParserTests.parse(text) }
    #expect(failure?.line == line)
    #expect(failure?.column == column)
    #expect(failure?.message.contains(word) == true)
  }

  @Test func bytesThatAreNoUTF8AreRefused() {
    let failure = #expect(throws: YAMLFailure.self) {
      try YAMLNode(parsing: Array("label: ".utf8) + [0xC4, 0xE3, 0xBA, 0xC3], file: "gbk.yaml")
    }
    #expect(failure?.message.contains("UTF-8") == true)
  }

  @Test func aBillionLaughsIsRefusedEarly() {
    var text = "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n"
    for level in 1..<12 {
      let items = Array(repeating: "*l\(level - 1)", count: 10).joined(separator: ", ")
      text += "l\(level): &l\(level) [\(items)]\n"
    }
    let failure = #expect(throws: YAMLFailure.self) { try YAMLParserTests.parse(text) }
    #expect(failure?.message.contains("上限") == true)
  }

  @Test func depthAndSizeAreBounded() {
    let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    #expect(throws: YAMLFailure.self) { try YAMLParserTests.parse(deep) }
    var limits = YAMLLimits()
    limits.bytes = 10
    #expect(throws: YAMLFailure.self) { try YAMLParserTests.parse("abcdefghijk", limits: limits) }
    limits = YAMLLimits()
    limits.depth = 2
    #expect(throws: Never.self) { try YAMLParserTests.parse("[[1]]", limits: limits) }
    #expect(throws: YAMLFailure.self) { try YAMLParserTests.parse("[[[1]]]", limits: limits) }
  }

  @Test func anEmptyFileIsNull() throws {
    #expect(try YAMLParserTests.parse("").isNull)
    #expect(try YAMLParserTests.parse("# only a remark\n").isNull)
  }

  @Test func aMissingFileIsNamed() {
    let failure = #expect(throws: YAMLFailure.self) { try YAMLNode(contentsOf: "/nowhere/x.yaml", named: "x.yaml") }
    #expect(failure?.file == "x.yaml")
  }
}
