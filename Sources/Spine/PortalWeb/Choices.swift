import Access
import Core
import Entities
import Geo
import HTTP
import Shell
import Site

extension RecordStore {
  /// The counties and districts (县、区), to choose from.
  func counties() async throws -> [Choice] {
    try await records(as: .system).list(
      ListQuery(
        "division", filters: [ListFilter("level", .equals(.text("county")))],
        sort: [.init(field: "code", descending: false)], columns: ["code", "name"], limit: 200)
    ).records.compactMap { record in
      guard let code = record["code"].text, let name = record["name"].text else { return nil }
      return Choice(code, name)
    }
  }

  /// The codes of a dictionary, to choose from.
  func choices(_ dictionary: String) -> [Choice] {
    (catalog.dictionary(dictionary)?.codes ?? []).map { Choice($0.code, $0.label) }
  }
}

extension Visit {
  /// Where the browser says it is (`lon`, `lat`); `nil` when it does not.
  ///
  /// - Throws: ``Refusal`` for numbers that are no place on earth.
  func here() throws -> Coordinate? {
    guard let x = request.query.first("lon").flatMap(Double.init),
      let y = request.query.first("lat").flatMap(Double.init)
    else { return nil }
    return try Coordinate(longitude: x, latitude: y)
  }
}
