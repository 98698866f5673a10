import Core
import Entities

/// The values of a document that is still to be set, as they stood when it was issued.
extension DocumentContent {
  var kept: JSON {
    func object(_ entries: [String: Entry]) -> JSON {
      .object(
        entries.sorted { $0.key < $1.key }.map { ($0.key, [$0.value.value.kept ?? .null, .string($0.value.text)]) })
    }
    return [
      "now": .int(context.now.microseconds), "user": context.user.map { .int($0) } ?? .null,
      "unit": context.unit.map { .int($0) } ?? .null, "division": context.division.map { .string($0) } ?? .null,
      "entries": object(entries),
      "rows": .object(rows.sorted { $0.key < $1.key }.map { ($0.key, .array($0.value.map(object))) }),
    ]
  }

  /// - Throws: ``Fault`` `document-content` for what is none.
  init(kept json: JSON) throws(Fault) {
    func entries(_ json: JSON?) throws(Fault) -> [String: Entry] {
      var entries: [String: Entry] = [:]
      for (name, pair) in json?.object ?? [] {
        guard let pair = pair.array, pair.count == 2, let text = pair[1].string else {
          throw Fault("document-content", name)
        }
        entries[name] = Entry(value: pair[0] == .null ? .null : try Value(kept: pair[0]), text: text)
      }
      return entries
    }
    guard let now = json["now"]?.int else { throw Fault("document-content", "now") }
    self.init(
      context: EvaluationContext(
        now: Instant(microseconds: now), user: json["user"]?.int, unit: json["unit"]?.int,
        division: json["division"]?.string))
    self.entries = try entries(json["entries"])
    for (name, list) in json["rows"]?.object ?? [] {
      rows[name] = try (list.array ?? []).map { row throws(Fault) in try entries(row) }
    }
  }
}
