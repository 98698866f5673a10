import Access
import Core
package import Entities

/// What the registers hold of somebody whom a form names (``Outcome/Known``).
package enum KnownValue {
  /// `nil` when nobody is registered under the number, or the person belongs to no household.
  ///
  /// - Parameter records: of whoever asks; what is masked for them is masked in the value too.
  package static func read(_ known: Outcome.Known, of document: String, _ records: Records) async throws -> Value? {
    guard let person = try await records.find("person", where: "resident_id", equals: .text(document)) else {
      return nil
    }
    return try await read(known, of: person, records)
  }

  /// The same of a person who has been found.
  package static func read(_ known: Outcome.Known, of person: Record, _ records: Records) async throws -> Value? {
    switch known.source {
    case .person(let field): return person.masked.contains(field) ? nil : person[field]
    case .household(let field):
      guard !person.masked.contains("household_number"), let number = person["household_number"].text,
        var household = try await records.find("household", where: "number", equals: .text(number))
      else { return nil }
      if household.masked.contains(field), records.principal.may(Permission("household", "reveal")) {
        household = try await records.get("household", household.id, reveal: true)
      }
      return household.masked.contains(field) ? nil : household[field]
    }
  }

  /// Whether what was typed says the same. Addresses may leave out the larger divisions, and nobody is held to blanks and
  /// punctuation.
  package static func agree(_ typed: Value, _ registered: Value, isAddress: Bool) -> Bool {
    guard let a = typed.text, let b = registered.text else { return typed == registered }
    let (one, other) = (letters(a), letters(b))
    if one == other { return true }
    return isAddress && min(one.count, other.count) >= 4 && (one.hasSuffix(other) || other.hasSuffix(one))
  }

  private static func letters(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        TextForms.folded(text).lowercased().unicodeScalars.filter {
          $0.properties.isAlphabetic || $0.properties.numericType != nil
        }))
  }
}
