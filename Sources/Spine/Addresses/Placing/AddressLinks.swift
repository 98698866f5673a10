import Core
import Entities
import SQL

/// Puts what ``AddressPlacer`` finds into addresses that are entered or changed one by one (A-020, D3-013).
enum AddressLinks {
  /// A new address gets what its form left empty.
  static func fill(
    _ drafts: inout [RecordDraft], _ addresses: [Int: StandardAddress], in transaction: Transaction
  ) async throws {
    let indices = addresses.keys.sorted().filter { drafts[$0].refusal == nil }
    let items = indices.compactMap { index in
      addresses[index].map {
        AddressPlacer.Item(
          $0, location: drafts[index]["location"].point, source: source(drafts[index]["location_source"]))
      }
    }
    let placements = try await AddressPlacer.place(items, in: transaction)
    for (index, placement) in zip(indices, placements) {
      for (name, value) in values(placement) where drafts[index][name].isNull { drafts[index][name] = value }
      if let beat = beat(placement, drafts[index]["police_station_id"]), drafts[index]["beat"].isBlank {
        drafts[index]["beat"] = beat
      }
    }
  }

  /// An address whose parts change belongs elsewhere: links follow, and a position that was only thought out gives way to
  /// a new one. What the same change sets by hand stays. Who moves the point says himself how he knows.
  static func follow(
    _ changes: inout [RecordChange], _ addresses: [Int: StandardAddress], in transaction: Transaction
  ) async throws {
    for index in changes.indices where changes[index].alters("location") && !changes[index].alters("location_source") {
      if !isMeasured(changes[index].before["location_source"]) { changes[index]["location_source"] = .null }
    }
    let indices = addresses.keys.sorted().filter { changes[$0].refusal == nil }
    let items = indices.compactMap { index in
      addresses[index].map { address in
        let stays = changes[index].alters("location") || isMeasured(changes[index].before["location_source"])
        return AddressPlacer.Item(
          address, location: stays ? changes[index]["location"].point : nil,
          source: stays ? source(changes[index]["location_source"]) : nil)
      }
    }
    let placements = try await AddressPlacer.place(items, in: transaction)
    for (index, placement) in zip(indices, placements) {
      for (name, value) in values(placement) where !changes[index].alters(name) {
        changes[index][name] = value
      }
      // Better no link than one to the road of before.
      for (name, link, parts) in links(placement)
      where link == nil && !changes[index].alters(name) && parts.contains(where: changes[index].alters) {
        changes[index][name] = .null
      }
      if let beat = beat(placement, changes[index]["police_station_id"]), !changes[index].alters("beat") {
        changes[index]["beat"] = beat
      }
    }
  }

  /// A position whose origin nobody noted was entered by somebody.
  private static func isMeasured(_ value: Value?) -> Bool { value.flatMap(source)?.isMeasured ?? true }

  private static func source(_ value: Value) -> LocationSource? { value.text.flatMap { LocationSource(rawValue: $0) } }

  /// What is found by name, and the parts that it is found by.
  private static func links(_ placement: AddressPlacement) -> [(name: String, link: Int64?, parts: [String])] {
    [
      ("road_id", placement.road, ["division_code", "road"]),
      ("compound_id", placement.compound, ["division_code", "compound"]),
      (
        "parent_id", placement.parent,
        ["division_code", "road", "lane", "house_number", "sub_number", "compound", "building_number"]
      ),
    ]
  }

  /// The beat belongs to its station: somebody who chose another one knows better.
  private static func beat(_ placement: AddressPlacement, _ station: Value) -> Value? {
    guard let beat = placement.beat, station.integer == placement.policeStation else { return nil }
    return .text(beat)
  }

  private static func values(_ placement: AddressPlacement) -> [(name: String, value: Value)] {
    var values: [(name: String, value: Value)] = []
    for (name, id) in links(placement).map({ ($0.name, $0.link) })
      + [("grid_id", placement.grid), ("police_station_id", placement.policeStation)]
    {
      if let id { values.append((name, .integer(id))) }
    }
    if let location = placement.location, let source = placement.source {
      values.append(("location", .point(location)))
      values.append(("location_source", .text(source.rawValue)))
    }
    return values
  }
}
