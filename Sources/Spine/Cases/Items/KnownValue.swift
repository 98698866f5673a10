import Access
import Core
package import Entities

/// What the registers hold of somebody whom a form names (``Outcome/Known``).
package enum KnownValue {
  /// `nil` when the person belongs to no household.
  ///
  /// - Parameter records: of whoever asks; what is masked for them is masked in the value too.
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
  /// punctuation but the dash: 12-3号 is not 123号.
  package static func agree(_ typed: Value, _ registered: Value, isAddress: Bool) -> Bool {
    guard let a = typed.text, let b = registered.text else { return typed == registered }
    let (one, other) = (letters(a), letters(b))
    if one == other { return true }
    return isAddress && (ends(one, with: other) || ends(other, with: one))
  }

  /// Whether only larger divisions are left out; half a number (28号 of 128号) is another place.
  private static func ends(_ whole: String, with part: String) -> Bool {
    guard part.count >= 4, whole.hasSuffix(part), let before = whole.dropLast(part.count).last else { return false }
    return !("0"..."9").contains(before) && before != "-"
  }

  private static func letters(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        TextForms.folded(text).lowercased().unicodeScalars.compactMap { letter in
          if letter.properties.isAlphabetic || letter.properties.numericType != nil { return letter }
          return letter.properties.generalCategory == .dashPunctuation ? "-" : nil
        }))
  }
}
