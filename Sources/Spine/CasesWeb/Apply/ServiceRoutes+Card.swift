import Cases
import Core
import Entities
import EntitiesWeb
import HTTP
import Shell
import Site

/// Filling a form in from the card on the reader: the officer compares instead of typing (C-032, C-507).
extension ServiceRoutes {
  /// The fields that take the number of an identity card.
  func cardFields(_ item: ServiceItem) -> [FieldDeclaration] { fields(item).filter { $0.type == .residentID } }

  /// Fills in the number that was read and what stands beside it on the card, then compares with the register of people as
  /// the button for typed numbers does; that look is in the audit.
  func fillCard(_ form: FormData, _ item: ServiceItem, _ texts: [String: [String]], _ visit: Visit) async throws
    -> Filled
  {
    let asked = form.first(CardReading.prefix + "field") ?? ""
    guard let field = cardFields(item).first(where: { $0.name == asked }) else {
      throw Refusal(.invalid, "card-field", "这个表单没有要读卡的号码。请刷新页面。")
    }
    var filled = Filled(texts: texts)
    guard let card = CardReading(form) else {
      filled.errors = [FieldError(field.name, "读卡器读出的号码不对，没有带入，已填写的内容都在。请擦净卡片重新放置，或手工填写。")]
      return filled
    }
    let fields = fields(item)
    try await fill(field.name, .text(card.number.text), from: "身份证", told: "卡上是", fields, &filled)
    guard filled.errors.isEmpty else { return filled }
    if let end = card.validTo, end < store.clock.today() {
      filled.errors.append(FieldError(field.name, "这张身份证已于 \(end) 到期。请核对本人的其他证件，或先办理换领。"))
    }
    guard let stem = ServiceRoutes.stem(of: field.name) else { return filled }
    for (particular, text) in card.particulars {
      guard let beside = fields.first(where: { $0.name == "\(stem)_\(particular)" }),
        let value = value(text, of: beside)
      else { continue }
      try await fill(beside.name, .text(value), from: "身份证", told: "卡上是", fields, &filled)
    }
    let known = try await fillPeople(item, filled.texts, only: field.name, visit)
    filled.texts = known.texts
    filled.sources.merge(known.sources) { card, _ in card }
    filled.errors += known.errors
    if known.isUnknown { filled.sources[field.name] = "来自身份证，人口登记里没有此人，或不在您的数据范围内" }
    return filled
  }

  /// What a field takes for a word of the card: the code where it has a dictionary, in which a nation is 汉族 and on the card 汉.
  private func value(_ text: String, of field: FieldDeclaration) -> String? {
    guard let name = field.dictionary else { return text }
    return store.catalog.dictionary(name)?.codes.first { [text, "\(text)族"].contains($0.label) }?.code
  }
}
