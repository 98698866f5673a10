import Core
import Entities
package import Feeds
import Geo
package import SQL

/// Understands the addresses of a feed in words, as the import of address lists does: the same reading, the same
/// classes, the same doubts.
package struct AddressFeedInterpreter: FeedInterpreter {
  package static let shape = FeedInterpreterShape(
    name: "address", register: "address", inputs: ["text", "division", "community", "longitude", "latitude"],
    required: ["text"], fields: followed + ["location"])

  /// What follows from a standard address and is not worked out by the register itself.
  private static let followed = [
    "division_code", "zone", "community", "road", "lane", "house_number", "sub_number", "compound", "building_number",
    "unit_number", "floor", "room", "poi",
  ]

  package var shape: FeedInterpreterShape { AddressFeedInterpreter.shape }

  private let classifier: AddressClassifier

  package init(_ classifier: AddressClassifier) { self.classifier = classifier }

  package func interpret(_ rows: [FeedInterpreterInput], in transaction: Transaction) async throws
    -> [FeedUnderstanding]
  {
    let readings = rows.map { row -> AddressReading in
      var hints = AddressHints()
      hints.division = row.values["division"]?.text.flatMap { DivisionCode($0) }
      hints.community = row.values["community"]?.text
      return classifier.read(row.values["text"]?.text ?? "", hints: hints)
    }
    let keys = zip(rows, readings).compactMap { row, reading in row.record == nil ? reading.matchKey : nil }
    let known = try await KnownAddress.find(matching: Set(keys), in: transaction)
    return zip(rows, readings).map { row, reading in
      // A row that is known changes its record, whatever other address it resembles.
      let others = row.record == nil ? reading.matchKey.flatMap { known[$0] } ?? [] : []
      switch classifier.classify(reading, known: others) {
      case .created(let address): return .values(values(of: address, row), record: nil)
      case .matched(let id, let address): return .values(values(of: address, row), record: id)
      case .doubtful(let doubts, _):
        return .refused("存疑：" + doubts.map(\.message).joined(separator: "；"))
      case .rejected(let rejection): return .refused(rejection.message)
      }
    }
  }

  private func values(of address: StandardAddress, _ row: FeedInterpreterInput) -> [String: Value] {
    var values: [String: Value] = [:]
    for (name, text) in zip(StandardAddress.fieldNames, address.fieldTexts)
    where AddressFeedInterpreter.followed.contains(name) {
      values[name] = text.map { .text($0) } ?? .null
    }
    if let place = AddressFeedInterpreter.place(row) { values["location"] = .geometry(place) }
    return values
  }

  /// Where the row says the address is; nothing when that is outside China.
  private static func place(_ row: FeedInterpreterInput) -> JSON? {
    guard let x = number(row.values["longitude"]), let y = number(row.values["latitude"]), (73...136).contains(x),
      (3...54).contains(y), let place = try? Coordinate(longitude: x, latitude: y)
    else { return nil }
    return Geometry.point(place).geoJSON
  }

  private static func number(_ value: Value?) -> Double? { value.flatMap { Double($0.plainText) } }
}
