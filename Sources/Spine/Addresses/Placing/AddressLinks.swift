import Core
import Entities
import Geo
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
          $0, location: coordinate(drafts[index]["location"]), source: source(drafts[index]["location_source"]))
      }
    }
    let placements = try await AddressPlacer.place(items, in: transaction)
    for (index, placement) in zip(indices, placements) {
      for (name, value) in values(placement) where drafts[index][name].isNull { drafts[index][name] = value }
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
          address, location: stays ? coordinate(changes[index]["location"]) : nil,
          source: stays ? source(changes[index]["location_source"]) : nil)
      }
    }
    let placements = try await AddressPlacer.place(items, in: transaction)
    for (index, placement) in zip(indices, placements) {
      for (name, value) in values(placement) where !changes[index].alters(name) {
        changes[index][name] = value
      }
    }
  }

  /// A position whose origin nobody noted was entered by somebody.
  private static func isMeasured(_ value: Value?) -> Bool { value.flatMap(source)?.isMeasured ?? true }

  private static func source(_ value: Value) -> LocationSource? { value.text.flatMap { LocationSource(rawValue: $0) } }

  private static func coordinate(_ value: Value) -> Coordinate? {
    guard let json = value.geometry, let geometry = try? Geometry(geoJSON: json), case .point(let place) = geometry
    else {
      return nil
    }
    return place
  }

  private static func values(_ placement: AddressPlacement) -> [(name: String, value: Value)] {
    var values: [(name: String, value: Value)] = []
    for (name, id) in [
      ("road_id", placement.road), ("compound_id", placement.compound), ("parent_id", placement.parent),
      ("grid_id", placement.grid), ("police_station_id", placement.policeStation),
    ] {
      if let id { values.append((name, .integer(id))) }
    }
    if let location = placement.location, let source = placement.source {
      values.append(("location", .geometry(Geometry.point(location).geoJSON)))
      values.append(("location_source", .text(source.rawValue)))
    }
    return values
  }
}
