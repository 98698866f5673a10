package import Addresses
import Core
import Geo

/// A plausible 达州 that never was: real names of counties and towns, invented everything else.
///
/// All rows follow from seed and scale and from nothing else. What is small (divisions, grids, stations, roads, staff) is
/// made at once; what is large comes in batches, one per community, in any order and from any thread, so that a loader's
/// memory stays flat. Row ids are stable, references agree across tables, and no id is used twice within a table.
///
/// Nobody can be taken for a real person: resident numbers and credit codes carry division codes that were never
/// assigned, telephone numbers the block 154, which no operator has.
package struct DemoCity: Sendable {
  package let divisions: [DemoDivision]
  package let grids: [DemoGrid]
  package let policeStations: [DemoPoliceStation]
  package let roads: [DemoRoad]
  package let staff: [DemoStaff]

  let plan: CityPlan
  let gazetteer: Gazetteer
  /// How many compounds the county has in communities before this one, so that their names do not repeat.
  let compoundStarts: [Int]

  /// - Parameters:
  ///   - scale: 1 stands for one million rooms and as many people; positive, at most 50.
  ///   - cells: about how many blocks the ground is cut into; fewer make a coarser city with fewer communities.
  ///   - folder: `Resources/spine/demo`.
  ///
  /// Throws when a file is missing, the gazetteer lacks the city, or the scale is out of range.
  package init(
    seed: UInt64 = 5117, scale: Double, city: String = "5117", cells: Int = 40_000, gazetteer: Gazetteer, folder: String
  ) throws {
    guard scale > 0, scale <= 50 else {
      throw Refusal(.invalid, "demo-scale", "规模应大于 0、不超过 50；1 表示一百万套房屋。", field: "scale")
    }
    guard let code = DivisionCode(city), gazetteer[code] != nil else { throw Fault("demo-city", city) }
    let plan = try CityPlan(
      seed: seed, scale: scale, cells: cells, city: code, gazetteer: gazetteer, folder: folder)
    self.plan = plan
    self.gazetteer = gazetteer
    var makers = PublicFace(plan: plan, gazetteer: gazetteer, city: code)
    divisions = try makers.divisions()
    grids = try makers.grids()
    policeStations = try makers.policeStations()
    roads = try makers.roads()
    staff = makers.staff
    var starts: [Int] = []
    var counts = [Int](repeating: 0, count: plan.counties.count)
    for community in plan.communities {
      let county = plan.towns[community.town].county
      starts.append(counts[county])
      counts[county] += CommunityBuilder.compounds(community)
    }
    compoundStarts = starts
  }

  /// How many batches there are, one per community.
  package var batchCount: Int { plan.communities.count }

  /// Room-level addresses in all batches together; people are as many.
  package var roomCount: Int { plan.communities.reduce(0) { $0 + $1.rooms } }

  /// The rows of one community.
  ///
  /// - Precondition: `index` is from 0 up to ``batchCount``.
  package func batch(_ index: Int) throws -> DemoBatch {
    var builder = try CommunityBuilder(city: self, index: index)
    return try builder.build()
  }
}

/// Ids that several tables refer to.
enum DemoID {
  static func grid(_ index: Int) -> Int64 { Int64(index + 1) }
  static func street(_ grid: Int) -> Int64 { Int64(10_000 + grid + 1) }
  static func trunk(_ town: Int) -> Int64 { Int64(town + 1) }
  static func station(_ town: Int) -> Int64 { Int64(town + 1) }
  static func policeRoom(_ community: Int) -> Int64 { Int64(1000 + community + 1) }
  /// The first id of a batch's rows less one.
  static func base(_ community: Int) -> Int64 { Int64(community + 1) * 1_000_000 }
}

/// Telephone numbers of the unassigned block 154.
enum DemoPhone {
  static func number(_ index: Int) -> PhoneNumber {
    let digits = String(100_000_000 + index % 100_000_000)
    guard let number = PhoneNumber("154" + digits.dropFirst()) else {
      preconditionFailure("the demo's telephone block is not a mobile one")
    }
    return number
  }
}
