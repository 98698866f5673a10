import Core
import SQL
import Search
import TestSupport
import Testing

/// What PostgreSQL itself makes of the lexemes and queries.
@Suite struct SearchPostgresTests {
  private static let texts = [
    "四川省达州市通川区朝阳中路18号2单元3-501室", "重庆市渝中区长安街118号", "达州市达川区万源路8号", "张建国", "单雄信", "川S12345",
    "A座 Ⅱ期 '引号' \\反斜线\\ & | ! ( ) : *", "买买提·吐逊", "18-2号附3", "É·ü 𠮷野家", "",
  ]

  private static let queries = [
    "达州", "达州 18号", "18号", "118号", "8号", "dztcq", "cqs", "shanxiong", "zjg", "s123", "12345", "3-501", "州", "号",
    "'引号'", "\\反斜线\\", "a座", "ii期", "𠮷", "' | 'x':* & !'y", "<-> & | ! ( )", "18-2号", "lv", "朝阳路",
  ]

  /// Each pair is judged by PostgreSQL and by what marking the answer says.
  @Test func postgresTakesEveryVectorAndQuery() async throws {
    let pinyin = try PinyinTable(loadPinyin())
    let database = try await TestDatabase.make()
    var found: [String: [String]] = [:]
    for query in Self.queries {
      guard let search = SearchQuery(query) else { continue }
      for text in Self.texts {
        let vector = lexemes(of: text, pinyin).vector
        let rows = try await database.query("select \(vector)::tsvector @@ \(search.tsquery)::tsquery as found")
        let matches: Bool = try rows[0].get("found")
        if matches {
          found[query, default: []].append(text)
          #expect(!search.highlights(in: text, pinyin: pinyin).isEmpty, "\(query) in \(text)")
        }
      }
    }
    #expect(found["达州"] == [Self.texts[0], Self.texts[2]])
    #expect(found["18号"] == [Self.texts[0]])
    #expect(found["8号"] == [Self.texts[2]])
    #expect(found["dztcq"] == nil && found["cqs"] == [Self.texts[1]])
    #expect(found["shanxiong"] == ["单雄信"] && found["zjg"] == ["张建国"] && found["12345"] == ["川S12345"])
    #expect(found["3-501"] == [Self.texts[0]] && found["18-2号"] == ["18-2号附3"])
    #expect(found["'引号'"] == [Self.texts[6]] && found["ii期"] == [Self.texts[6]])
    #expect(found["朝阳路"] == nil && found["𠮷"] == ["É·ü 𠮷野家"])
  }
}
