import Core
import HTTP

/// What a reader told of the identity card that lies on it (读卡, C-507), as the form of an application sent it on.
///
/// It comes from a program on the officer's PC by way of a browser, so it counts as typed: checked, and compared with the
/// register of people.
struct CardReading {
  /// The value of `_fill` that asks for it.
  static let fill = "card.read"
  /// How the names of its parts in a form begin; they are read and never kept.
  static let prefix = "_card."

  let number: ResidentID
  /// Name, sex, nation and address as the card spells them.
  let particulars: [(name: String, text: String)]
  let validTo: CivilDate?

  /// `nil` for what cannot stand on a card: no such number, or a day of birth that the number contradicts.
  init?(_ form: FormData) {
    func part(_ name: String) -> String {
      let text = form.first(CardReading.prefix + name) ?? ""
      return String(text.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(200))
    }
    guard let number = ResidentID(part("number")), CivilDate(part("birth_date")).map({ $0 == number.birthDate }) ?? true
    else { return nil }
    self.number = number
    particulars = [
      ("name", part("name")), ("sex", part("sex")), ("birth_date", number.birthDate.description),
      ("ethnicity", part("ethnic")), ("address", part("address")),
    ].filter { !$0.1.isEmpty }
    // 长期 is no day.
    validTo = CivilDate(part("valid_to"))
  }
}
