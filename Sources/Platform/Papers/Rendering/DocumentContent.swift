import Core
import Entities

/// The values a document is filled in with: what expressions read, and how each field reads on paper.
package struct DocumentContent: Sendable {
  struct Entry: Sendable {
    let value: Value
    let text: String
  }

  /// A group of labels and values that the caller of a document gives, such as a section of a case's form.
  package struct Group: Sendable {
    package let label: String
    package let items: [(label: String, text: String)]

    package init(label: String, items: [(label: String, text: String)]) {
      self.label = label
      self.items = items
    }
  }

  var entries: [String: Entry] = [:]
  /// Of lookups with several records, by name.
  var rows: [String: [[String: Entry]]] = [:]
  package var slots: [String: [Group]] = [:]
  /// What its places for signatures hold, by label; a place without one is left for the pen.
  package var signatures: [String: DocumentSignature] = [:]
  let context: EvaluationContext

  init(context: EvaluationContext) { self.context = context }

  subscript(name: String) -> Value { entries[name]?.value ?? .null }

  mutating func set(_ name: String, _ value: Value) {
    entries[name] = Entry(value: value, text: DocumentContent.written(value, form: nil))
  }

  /// The fields of a record, each with its reading.
  static func entries(_ record: Record, _ entity: EntityDeclaration, prefix: String, _ catalog: Catalog)
    -> [String: Entry]
  {
    var entries: [String: Entry] = [:]
    for field in entity.fields + FieldDeclaration.system where !field.multiple {
      let value = record[field.name]
      let text =
        switch value {
        case .date, .instant, .boolean: written(value, form: nil)
        default: catalog.text(field, of: record)
        }
      entries[prefix + field.name] = Entry(value: value, text: text)
    }
    return entries
  }

  /// The same with the fields of one row of a lookup.
  func inRow(_ row: [String: Entry]) -> DocumentContent {
    var content = self
    content.entries.merge(row) { _, row in row }
    return content
  }

  func holds(_ condition: Expression?) throws(Refusal) -> Bool {
    guard let condition else { return true }
    return try condition.holds(in: context) { self[$0] }
  }

  /// The text with its places filled in; a place of nothing is empty.
  func fill(_ text: DocumentText) throws(Refusal) -> String {
    var filled = ""
    for part in text.parts {
      switch part {
      case .text(let text): filled += text
      case .value(let alternatives, let form):
        for alternative in alternatives {
          let text = try self.text(alternative, form)
          if !text.isEmpty {
            filled += text
            break
          }
        }
      }
    }
    return filled
  }

  private func text(_ expression: Expression, _ form: DocumentText.Form?) throws(Refusal) -> String {
    if form == nil, let entry = entries[expression.text] { return entry.text }
    return DocumentContent.written(try expression.evaluate(in: context) { self[$0] }, form: form)
  }

  /// How a value that is no field's reads.
  static func written(_ value: Value, form: DocumentText.Form?) -> String {
    let date: CivilDate
    switch value {
    case .date(let day): date = day
    case .instant(let instant): date = instant.chinaTime.date
    default: return value.plainText
    }
    return switch form {
    case .chinese: ChineseDate.words(date)
    case .year: "\(date.year)"
    case .month: "\(date.month)"
    case .day: "\(date.day)"
    case .iso: date.description
    case nil: ChineseDate.figures(date)
    }
  }
}
