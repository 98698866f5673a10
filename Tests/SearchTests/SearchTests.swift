import Core
import Foundation
import Search
import Testing

/// The text of the table that ships.
func loadPinyin() throws -> String {
  let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  return try String(contentsOf: folder.appending(path: "Resources/search/pinyin.tsv"), encoding: .utf8)
}

private let table = try? PinyinTable(loadPinyin())

@Suite struct PinyinTableTests {
  @Test(arguments: [
    ("重庆市", "chong qing shi"), ("长安街", "chang an jie"), ("达州市通川区", "da zhou shi tong chuan qu"),
    ("成都", "cheng du"), ("厦门大厦", "xia men da sha"), ("朝阳中路", "chao yang zhong lu"), ("都江堰", "du jiang yan"),
    ("西藏银行", "xi zang yin hang"), ("蚌埠", "beng bu"), ("六安", "lu an"), ("犍为", "qian wei"), ("吕梁", "lv liang"),
    ("重庆长安银行", "chong qing chang an yin hang"), ("𠮷", "ji"), ("〇", "ling"), ("A座18号", "zuo hao"),
  ])
  func readsPlaces(text: String, reading: String) throws {
    #expect(try #require(table).reading(of: text).joined(separator: " ") == reading)
  }

  @Test func namesTheLineThatIsWrong() {
    #expect(throws: Fault.self) { try PinyinTable("da\t达\nno tab here") }
    #expect(throws: Fault.self) { try PinyinTable("da\t达\n达州\tda zhou") }
    #expect(throws: Fault.self) { try PinyinTable("da\t达\n达州\tda") }
    let fault = #expect(throws: Fault.self) { try PinyinTable("# x\nda\t达\n^达\tda da") }
    #expect(fault?.detail.contains("line 3") == true)
  }
}

/// The lexemes of one text.
func lexemes(of text: String, _ pinyin: PinyinTable? = nil) -> Lexemes {
  var lexemes = Lexemes()
  lexemes.add(of: text, pinyin: pinyin)
  return lexemes
}

@Suite struct LexemesTests {
  @Test(arguments: [
    ("朝阳路18号", ["朝阳", "阳路", "路", "18", "18号", "号"]),
    ("ＡＢ座　１８　号", ["ab", "ab座", "座", "18", "18号", "号"]),
    ("川S12345", ["川", "s12345", "s", "12345"]),
    ("3-2-501室", ["3", "2", "501", "501室", "2-501", "3-2-501", "室"]),
    ("买买提·吐逊", ["买买", "买提", "提", "吐逊", "逊"]),
    ("Ⅱ期②栋", ["ii", "ii期", "期", "2", "2栋", "栋"]),
    ("𠮷野家", ["𠮷野", "野家", "家"]),
    ("达州达州", ["达州", "州达", "州"]),
    ("", []), ("，。！'\\ %", []),
  ])
  func splitsText(text: String, tokens: [String]) {
    #expect(lexemes(of: text).distinct == tokens.sorted())
  }

  @Test func addsPinyinFromEachCharacterOn() throws {
    let pinyin = try #require(table)
    let tokens = lexemes(of: "通川区", pinyin).distinct
    #expect(tokens == ["通川", "川区", "区", "tcq", "tongchuanqu", "cq", "chuanqu", "q", "qu"].sorted())
    let long = lexemes(of: "四川省达州市通川区朝阳中路", table).distinct
    #expect(long.contains("scsdzstc") && long.contains("tcqcyzl") && !long.contains { $0.hasPrefix("sichuan") })
  }

  @Test func addsTheReadingsOfSurnames() throws {
    let pinyin = try #require(table)
    let tokens = lexemes(of: "单雄信", pinyin).distinct
    #expect(tokens.contains("shanxiongxin") && tokens.contains("danxiongxin"))
    #expect(tokens.contains("sxx") && tokens.contains("dxx"))
  }

  @Test func writesLexemesThatCannotBreakOut() {
    var lexemes = Lexemes()
    for text in ["b", "a'", "c\\", "b", ""] { lexemes.add(text) }
    #expect(lexemes.vector == #"'a''' 'b' 'c\\'"#)
  }
}

@Suite struct SearchQueryTests {
  @Test(arguments: [
    ("达州", "'达州'"), ("达州市", "'达州' & '州市'"), ("州", "'州':*"), ("18号", "'18号'"), ("18", "'18'"), ("路18号", "'路' & '18号'"),
    ("路 18号", "'路':* & '18号'"),
    ("12345", "'12345':*"), ("dztcq", "'dztcq':*"), ("朝阳路 18号院", "'朝阳' & '阳路' & '18号' & '号院'"),
    ("朝阳路 18 号", "'朝阳' & '阳路' & '18' & '号':*"), ("3栋2单元501", "'3栋' & '2单' & '单元' & '501'"),
    ("3-2-501", "('3-2-501' | '3-2-501-':*)"), ("18-2号", "('18-2' | '18-2-':*) & '2号'"),
    ("s12345", "('s12345':* | ('s':* & '12345'))"), ("ＡＢＣ", "'abc':*"), ("scsdzstcq", "('scsdzstcq':* | 'scsdzstc')"),
    ("达州 达州", "'达州'"),
    ("x' | 'y':* & !z \\ <-> ( )", "'x':* & 'y':* & 'z':*"), ("';drop table x;--", "'drop':* & 'table':* & 'x':*"),
  ])
  func asksForWhatWasTyped(text: String, query: String) {
    #expect(SearchQuery(text)?.tsquery == query)
  }

  @Test(arguments: ["", "  ", "&|!()<->':*", "，。"])
  func asksForNothingWithoutLettersOrDigits(text: String) {
    #expect(SearchQuery(text) == nil)
  }

  @Test func boundsLongInput() throws {
    let text = String(repeating: "里坊门牌地址", count: 100) + (0..<500).map { " \($0)" }.joined()
    let query = try #require(SearchQuery(text))
    #expect(query.tsquery.split(separator: "&").count <= 48)
  }

  /// Evaluates the query as PostgreSQL does, over lexemes without positions.
  private func matches(_ text: String, _ query: String) throws -> Bool {
    let pinyin = try #require(table)
    let tokens = Set(lexemes(of: text, pinyin).distinct)
    let query = try #require(SearchQuery(query))
    var parser = QueryEvaluator(text: Array(query.tsquery.unicodeScalars), tokens: tokens)
    return parser.or()
  }

  @Test(arguments: [
    "达州", "通川", "州", "路", "18", "18号", "朝阳中路18号", "dztcq", "tcq", "cyzl", "cyl", "scsdzstcqcyzl", "2单元", "501", "501室",
    "达州 18号", "１８号",
    "3-501",
  ])
  func findsTheAddress(query: String) throws {
    let found = try matches("四川省达州市通川区朝阳中路18号2单元3-501室 cyl DZTCQ", query)
    #expect(found)
  }

  @Test(arguments: ["达川", "8号", "1", "118号", "18栋", "50", "单", "cyx", "2-501", "3-50"].filter { $0 != "单" })
  func leavesOthersOut(query: String) throws {
    #expect(!(try matches("四川省达州市通川区朝阳中路18号2单元3-501室", query)))
  }

  @Test(arguments: [
    ("重庆小面馆", "cqxm"), ("重庆小面馆", "chongq"), ("张建国", "zjg"), ("张建国", "zhangjg".prefix(5).description), ("单雄信", "sxx"),
    ("曾国藩", "zengguo"), ("吕布", "lvbu"),
  ])
  func findsByPinyin(text: String, query: String) throws {
    #expect(try matches(text, query))
  }

  @Test(arguments: [
    ("四川省达州市通川区", "达州", ["达州"]), ("四川省达州市", "达州 四川", ["四川", "达州"]), ("朝阳路18号", "18号", ["18号"]),
    ("朝阳路１８号118号", "18", ["１８"]), ("达州市通川区", "dzstcq", ["达州市通川区"]), ("达州市通川区", "tongch", ["通川"]),
    ("达川北大道", "达川区大道", ["达川", "大道"]), ("ABC大厦", "ab", ["AB"]), ("通川区", "xyz", []), ("单雄信", "sxx", ["单雄信"]),
    ("里坊", "坊", ["坊"]),
  ])
  func marksWhatAnswers(text: String, query: String, marked: [String]) throws {
    let ranges = try #require(SearchQuery(query)).highlights(in: text, pinyin: table)
    #expect(ranges.map { String(text[$0]) } == marked)
  }
}

/// Evaluates the small part of the `tsquery` language that ``SearchQuery`` writes.
private struct QueryEvaluator {
  let text: [Unicode.Scalar]
  let tokens: Set<String>
  var position = 0

  private mutating func take(_ scalars: String) -> Bool {
    let wanted = Array(scalars.unicodeScalars)
    guard text[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  mutating func or() -> Bool {
    var value = and()
    while take(" | ") { value = and() || value }
    return value
  }

  private mutating func and() -> Bool {
    var value = atom()
    while take(" & ") { value = atom() && value }
    return value
  }

  private mutating func atom() -> Bool {
    if take("(") {
      let value = or()
      return take(")") && value
    }
    guard take("'") else { return false }
    var lexeme = String.UnicodeScalarView()
    while !take("'") {
      lexeme.append(text[position])
      position += 1
    }
    let token = String(lexeme)
    return take(":*") ? tokens.contains { $0.hasPrefix(token) } : tokens.contains(token)
  }
}
