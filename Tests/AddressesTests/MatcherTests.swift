import Addresses
import Core
import Foundation
import Search
import Testing

/// Matching against a small invented base.
@Suite struct MatcherTests {
  /// A few streets, a compound and a village of 达州; ids are places in this list, from 1.
  private static let addresses = [
    "四川省达州市通川区东城街道朝阳西路12号锦绣花园3栋2单元502室",
    "四川省达州市通川区东城街道朝阳西路12号锦绣花园3栋2单元501室",
    "四川省达州市通川区东城街道朝阳西路12号锦绣花园3栋1单元502室",
    "四川省达州市通川区东城街道朝阳西路12号锦绣花园3栋",
    "四川省达州市通川区东城街道朝阳西路12号锦绣花园",
    "四川省达州市通川区东城街道朝阳西路14号",
    "四川省达州市通川区东城街道滨河路一段14号",
    "四川省达州市达川区三里坪街道凤凰大道14号凤凰小区1栋1单元101室",
    "四川省达州市渠县土溪镇先锋村4组26号",
    "四川省达州市渠县合力镇长坝村4组26号",
    "四川省达州市大竹县庙坝镇长坝村4组26号",
  ]

  private static func base(of texts: [String], ids: [Int64]? = nil, aliases: [(String, String)] = []) throws
    -> AddressBase
  {
    let gazetteer = try Fixtures.gazetteer.get()
    let classifier = AddressClassifier(gazetteer: gazetteer)
    var builder = AddressBaseBuilder(gazetteer: gazetteer)
    for (index, text) in texts.enumerated() {
      let standard = try #require(classifier.read(text).standard, "\(text) is no standard address")
      let isKey = builder.add(id: ids?[index] ?? Int64(index + 1), key: standard.canonicalKey)
      #expect(isKey)
    }
    for (name, alias) in aliases { builder.add(alias: alias, road: name) }
    return builder.finish()
  }

  private static func likeness() throws -> CharacterLikeness {
    CharacterLikeness(
      pinyin: try PinyinTable(
        try String(contentsOfFile: Fixtures.root + "/Resources/search/pinyin.tsv", encoding: .utf8)))
  }

  private static func matcher() throws -> AddressMatcher {
    AddressMatcher(base: try base(of: addresses, aliases: [("朝阳西路", "红旗大街")]), likeness: try likeness())
  }

  @Test(arguments: [
    ("四川省达州市通川区东城街道朝阳西路12号锦绣花园3栋2单元502室", Int64(1)),
    ("朝阳西路12号锦绣花园3栋2单元502", 1),
    ("锦绣花园3幢2单元502室", 1),
    ("锦绣花园3-2-502", 1),
    ("通川区锦绣花园三栋二单元５０２号", 1),
    ("3号楼2单元502室 锦绣花园 朝阳西路12号 通川区", 1),
    ("通川区朝阳西路12号3栋2单元502室", 1),
    ("朝阳西路12号锦秀花园3栋2单元502室", 1),
    ("朝阳西路12号锦绣花3栋2单元502室", 1),
    ("红旗大街12号锦绣花园3栋2单元502室", 1),
    ("达川市东城办事处朝阳西路12号锦绣花园3栋2单元502室", 1),
    ("通川区滨河路1段14号", 7),
    ("通川区滨河路一段十四号", 7),
    ("达川区凤凰小区1栋1单元101", 8),
    ("达县凤凰大道14号1栋1单元101室", 8),
    ("渠县土溪镇先锋村四社26号", 9),
    ("渠县合力镇长坝村委会4组26号", 10),
  ])
  func whatIsWrittenInOneOfManyWaysIsFound(text: String, id: Int64) throws {
    let match = try Self.matcher().match(text)
    #expect(match.candidates.first?.id == id, "\(match)")
    #expect(match.outcome == .accepted, "\(match)")
    #expect(match.reasons.isEmpty)
  }

  @Test func aDirectionIsNoMisspelling() throws {
    let match = try Self.matcher().match("通川区朝阳东路14号")
    #expect(match.outcome != .accepted, "\(match)")
  }

  @Test func anotherNumberIsNoMatch() throws {
    #expect(try Self.matcher().match("通川区朝阳西路16号").outcome == .none)
  }

  @Test func anotherDistrictIsNotAccepted() throws {
    let match = try Self.matcher().match("渠县朝阳西路14号")
    #expect(match.outcome == .doubtful)
    #expect(match.reasons.contains(.divisionDiffers))
  }

  @Test func aRoomThatTheBaseDoesNotHaveIsDoubtfulWithItsBuilding() throws {
    let match = try Self.matcher().match("锦绣花园3栋2单元1802室")
    #expect(match.outcome == .doubtful)
    #expect(match.candidates.first?.id == 4)
    #expect(match.reasons.contains(.notInBase))
  }

  @Test func aVillageOfSeveralTownsIsDoubtfulWithAllOfThem() throws {
    let match = try Self.matcher().match("长坝村4组26号")
    #expect(match.outcome == .doubtful)
    #expect(Set(match.candidates.prefix(2).map(\.id)) == [10, 11])
    #expect(match.reasons.contains(.severalFit))
  }

  @Test(arguments: ["", "   ", "电联", "北京市海淀区中关村大街1号", "？？？", "1234567"])
  func whatIsElsewhereOrNothingFindsNothing(text: String) throws {
    let match = try Self.matcher().match(text)
    #expect(match.outcome == .none && match.candidates.isEmpty && match.confidence == 0, "\(match)")
  }

  @Test func aRoadWithoutNumberIsToldSo() throws {
    #expect(try Self.matcher().match("通川区朝阳西路").reasons == [.noNumber])
  }

  @Test func changedAddressesGoBeforeTheBase() throws {
    let base = try Self.base(of: Self.addresses)
    let changed = try Self.base(of: ["四川省达州市通川区东城街道朝阳西路18号"], ids: [6])
    let matcher = AddressMatcher(base, changed: changed, outdated: [6, 7], likeness: try Self.likeness())
    #expect(matcher.match("朝阳西路18号").candidates.first?.id == 6)
    #expect(matcher.match("朝阳西路14号").candidates.isEmpty)
    #expect(matcher.match("滨河路一段14号").candidates.isEmpty)
    #expect(matcher.match("锦绣花园3栋2单元502室").candidates.first?.id == 1)
  }

  /// Whatever is put in is found by its own full name, and no answer is given twice.
  @Test func everyAddressFindsItself() throws {
    var random = SeededRandom(seed: 20_261_121)
    let roads = ["朝阳西路", "朝阳东路", "滨河路", "凤凰大道", "来凤路", "南外街"]
    let compounds = ["锦绣花园", "月光新苑", "阳光新苑", "凤凰小区", "书香家园"]
    var texts: Set<String> = []
    while texts.count < 400 {
      var text = "四川省达州市通川区东城街道" + roads[random.below(roads.count)] + "\(1 + random.below(60))号"
      if random.below(3) > 0 {
        text += compounds[random.below(compounds.count)]
        if random.below(3) > 0 {
          text += "\(1 + random.below(9))栋"
          if random.below(3) > 0 { text += "\(1 + random.below(3))单元\(101 + random.below(800))室" }
        }
      }
      texts.insert(text)
    }
    let all = texts.sorted()
    let matcher = AddressMatcher(base: try Self.base(of: all), likeness: try Self.likeness())
    for (index, text) in all.enumerated() {
      let match = matcher.match(text)
      #expect(match.candidates.first?.id == Int64(index + 1), "\(text): \(match)")
      #expect(Set(match.candidates.map(\.id)).count == match.candidates.count)
      #expect((0...1).contains(match.confidence))
    }
  }
}
