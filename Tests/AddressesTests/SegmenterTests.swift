import Addresses
import Core
import Testing

@Suite struct SegmenterTests {
  @Test(arguments: [
    (
      "四川省达州市通川区东城街道荷叶街12号",
      "prov:四川省 city:达州市 district:通川区 town:东城街道 road:荷叶街 roadno:12号"
    ),
    (
      "四川达州通川区朝阳中路二段88号锦绣花园3栋2单元5楼502室",
      "prov:四川 city:达州 district:通川区 road:朝阳中路 subroad:二段 subroadno:88号 poi:锦绣花园 houseno:3栋 cellno:2单元 floorno:5楼 roomno:502室"
    ),
    ("宣汉县南坝镇圣墩村3组15号", "district:宣汉县 town:南坝镇 community:圣墩村 road:3组 roadno:15号"),
    ("达川区翠屏街道阳光小区12-1-301", "district:达川区 town:翠屏街道 poi:阳光小区 houseno:12 redundant:- cellno:1 redundant:- roomno:301"),
    ("大竹县竹阳街道青年路与新华路交叉口", "district:大竹县 town:竹阳街道 road:青年路 assist:与 subroad:新华路 assist:交叉口"),
    ("渠县渠江街道和平街１０２號", "district:渠县 town:渠江街道 road:和平街 roadno:102号"),
    ("达州市经济开发区长田街9号", "city:达州市 devzone:经济开发区 road:长田街 roadno:9号"),
    ("通川区荷叶街12号附3号", "district:通川区 road:荷叶街 roadno:12号附3号"),
    ("万源市太平镇裕丰街一巷5号", "district:万源市 town:太平镇 road:裕丰街 subroad:一巷 subroadno:5号"),
  ])
  func partsAreFound(_ text: String, _ expected: String) throws {
    let result = try Fixtures.segmenter().segment(text)
    let found = result.segments.map { "\($0.label.name):\(result.text(of: $0))" }.joined(separator: " ")
    #expect(found == expected)
  }

  @Test(arguments: [
    ("四川省达州市通川区东城街道荷叶街12号", "511702001"), ("达州市荷叶街12号", "5117"), ("城关镇圣墩村3组", nil),
    ("宣汉县南坝镇圣墩村", "511722107"), ("四川省达县翠屏路1号", "511703"), ("鼓楼区中山路1号", nil), ("中国四川渠县渠江街道1号", "511725001"),
  ])
  func theNarrowestCertainDivisionIsRead(_ text: String, _ code: String?) throws {
    #expect(try Fixtures.segmenter().segment(text).divisions.code?.text == code)
  }

  @Test func whatIsKnownFromElsewhereDecidesBetweenNamesakes() throws {
    let segmenter = try Fixtures.segmenter()
    #expect(segmenter.segment("鼓楼区中山路1号").divisions.alternatives.count > 1)
    #expect(segmenter.segment("鼓楼区中山路1号", within: DivisionCode("3201")).divisions.code?.text == "320106")
    #expect(segmenter.segment("南坝镇圣墩村", within: DivisionCode("5117")).divisions.code?.text == "511722107")
  }

  @Test func divisionsThatDoNotBelongTogetherAreReported() throws {
    #expect(try Fixtures.segmenter().segment("四川省绵阳市通川区荷叶街1号").divisions.isContradictory)
    #expect(try !Fixtures.segmenter().segment("四川省达州市通川区荷叶街1号").divisions.isContradictory)
  }

  /// Whatever is put in, the parts lie in order, do not overlap and leave out nothing.
  @Test func partsTileAnyText() throws {
    let segmenter = try Fixtures.segmenter()
    let pieces = Array("四川达州通川区县镇村路街号栋单元楼室东西南北中一二三十百0123456789AB-—_#（）公司小区大厦花园对面与和附之 \n😀𰝟Ａ号")
    var random = SeededRandom(seed: 5)
    for _ in 0..<3000 {
      let text = String((0..<random.within(0...40)).map { _ in random.pick(pieces) })
      let result = segmenter.segment(text)
      var place = 0
      for segment in result.segments {
        #expect(segment.range.lowerBound == place && !segment.range.isEmpty, "\(text)")
        place = segment.range.upperBound
      }
      #expect(place == text.unicodeScalars.count, "\(text)")
    }
  }

  @Test func aVeryLongTextEndsInOnePart() throws {
    let text = String(repeating: "荷叶街12号", count: 10_000)
    let result = try Fixtures.segmenter().segment(text)
    #expect(result.segments.last?.label == .otherinfo)
    #expect(result.segments.count < 200)
  }
}
