import Access
import Core
import Entities
import EntitiesWeb
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

  /// How what somebody asked for stands: by a dictionary of review states.
  func reviewBadge(_ dictionary: String, _ state: String) -> Badge {
    let label = catalog.dictionary(dictionary)?.label(of: state) ?? state
    switch state {
    case "approved": return Badge(label, .success)
    case "pending": return Badge(label, .info)
    case "refused", "revoked", "removed": return Badge(label, .danger)
    default: return Badge(label)
    }
  }

  /// What somebody handed in themselves: all that stands or waits for review, then the latest of the rest.
  func own(_ entity: String, _ columns: [String], _ visit: Visit) async throws -> [Record] {
    let reader = records(as: visit.principal.entrusted(with: [entity], scope: .own), purpose: "本人办理")
    let mine = ListFilter("user_id", .equals(.integer(visit.principal.id)))
    func latest(_ filters: [ListFilter]) async throws -> [Record] {
      try await reader.list(
        ListQuery(
          entity, filters: [mine] + filters, sort: [.init(field: "id", descending: true)], columns: columns, limit: 50)
      ).records
    }
    let standing = try await latest([ListFilter("state", .oneOf([.text("pending"), .text("approved")]))])
    return standing + (try await latest([])).filter { one in !standing.contains { $0.id == one.id } }
  }

  /// The typed values of some fields of a register, as its own form would read them.
  func typed(_ name: String, _ form: FormData, _ fields: [String], _ visit: Visit) throws -> [String: Value] {
    let register = Register(
      try entity(name), catalog: catalog, context: EvaluationContext(now: clock.now(), principal: visit.principal))
    let reader = FormReader(register, form, record: nil, only: fields)
    if let first = reader.errors.first { throw Refusal(.invalid, "field-invalid", first.message, field: first.field) }
    return reader.values.filter { !$0.value.isBlank }
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
