import Addresses
import Geo
import Testing

/// Words of direction and distance behind the name of a place (D3-013, D3-016).
@Suite struct RelativePlaceTests {
  @Test(arguments: [
    ("达州市通川区西外镇锦绣花园东北约200米", "达州市通川区西外镇锦绣花园", PlaceDirection.northeast, 200.0),
    ("锦绣花园东北方向约200米处", "锦绣花园", .northeast, 200), ("距锦绣花园往北1.5公里", "锦绣花园", .north, 1500),
    ("朝阳中路18号以南50米", "朝阳中路18号", .south, 50), ("人民广场西南侧三十米左右", "人民广场", .southwest, 30),
    ("市一中对面１００米", "市一中", .opposite, 100), ("体育馆东80m", "体育馆", .east, 80),
    ("体育馆的正北80米", "体育馆", .north, 80), ("离石区人民医院往东200米", "离石区人民医院", .east, 200),
  ])
  func directionAndDistanceAreRead(_ text: String, _ base: String, _ direction: PlaceDirection, _ metres: Double) throws
  {
    let place = try #require(RelativePlace(text))
    #expect((place.base, place.direction, place.metres) == (base, direction, metres))
  }

  @Test(arguments: [
    ("锦绣花园东侧", "锦绣花园", PlaceDirection.east), ("市一中对面", "市一中", .opposite), ("人民医院隔壁", "人民医院", .adjacent),
    ("老车站旁边", "老车站", .beside), ("公园北门的左边", "公园北门", .left),
    ("从化区政府东侧", "从化区政府", .east),
  ])
  func aDirectionAloneIsRead(_ text: String, _ base: String, _ direction: PlaceDirection) throws {
    let place = try #require(RelativePlace(text))
    #expect(place.base == base && place.direction == direction && place.metres == nil)
  }

  @Test(arguments: ["城北", "滨河东路", "朝阳中路200米", "东侧", "荷叶街社区", "锦绣花园3栋502室", "", "北京路9999公里", "龙泉湾西岸上"])
  func namesAndNumbersAreNoDescription(_ text: String) { #expect(RelativePlace(text) == nil) }

  @Test func aDistanceFromAPlaceHasNoDirection() throws {
    let place = try #require(RelativePlace("距离老车站约两百米"))
    #expect((place.base, place.direction, place.metres) == ("老车站", nil, 200))
  }

  /// Whether 从 and 离 are part of the name is for whoever looks the name up.
  @Test(arguments: [("从老车站往北50米", "老车站"), ("离老车站50米", "老车站"), ("老车站往北50米", nil), ("距离老车站50米", nil)])
  func aNameIsLeftWithAndWithoutTheWordBeforeIt(_ text: String, _ bare: String?) throws {
    #expect(try #require(RelativePlace(text)).bareBase == bare)
  }

  /// All words of the norm, each before a distance.
  @Test(arguments: PlaceDirection.allCases) func everyWordOfTheNormIsRead(_ direction: PlaceDirection) {
    #expect(RelativePlace("老车站\(direction.word)约60米")?.direction == direction)
  }

  @Test(arguments: [PlaceDirection.north, .northeast, .east, .southeast, .south, .southwest, .west, .northwest])
  func aPlaceIsReckonedByTheCompass(_ direction: PlaceDirection) throws {
    let base = try Coordinate(longitude: 107.468, latitude: 31.209)
    let place = try #require(RelativePlace("老车站\(direction.word)200米")).place(from: base)
    #expect(abs(base.distance(to: place) - 200) < 1)
    let (east, north) = (place.longitude - base.longitude, place.latitude - base.latitude)
    let word = direction.word
    #expect(word.contains("东") == (east > 1e-5) && word.contains("西") == (east < -1e-5))
    #expect(word.contains("北") == (north > 1e-5) && word.contains("南") == (north < -1e-5))
  }

  @Test func whatTheMapDoesNotTellIsWhereTheOtherPlaceIs() throws {
    let base = try Coordinate(longitude: 107.468, latitude: 31.209)
    #expect(try #require(RelativePlace("老车站对面100米")).place(from: base) == base)
  }
}
