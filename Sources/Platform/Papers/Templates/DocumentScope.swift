import Access
import Entities

/// The names that the texts and expressions of a document may use.
///
/// A field of its own register by name; a field of the record it is attached to likewise, unless its own register has one
/// of that name; a field of a looked-up record as `<lookup>_<field>`; and ``facts``.
struct DocumentScope {
  struct Symbol {
    let label: String
    let type: FieldType
    let classification: Classification
  }

  /// What is known when a document is made.
  static let facts: [(name: String, label: String, type: FieldType)] = [
    ("paper_number", "编号", .text), ("paper_date", "签发日期", .date), ("paper_until", "有效期至", .date),
    ("paper_unit", "签发机关", .text), ("paper_officer", "经办人", .text), ("paper_purpose", "用途", .text),
  ]

  private(set) var symbols: [String: Symbol] = [:]

  /// - Parameter parent: the register that `entity` is attached to.
  init(_ entity: EntityDeclaration, parent: EntityDeclaration?) {
    if let parent { add(parent, prefix: "") }
    add(entity, prefix: "")
    for (name, label, type) in DocumentScope.facts where symbols[name] == nil {
      symbols[name] = Symbol(label: label, type: type, classification: .open)
    }
  }

  /// - Returns: names that were there already.
  @discardableResult
  mutating func add(_ entity: EntityDeclaration, prefix: String) -> [String] {
    var clashes: [String] = []
    for field in entity.fields + FieldDeclaration.system where !field.multiple {
      let symbol = Symbol(label: field.label, type: field.type, classification: field.classification)
      if symbols.updateValue(symbol, forKey: prefix + field.name) != nil, !prefix.isEmpty {
        clashes.append(prefix + field.name)
      }
    }
    return clashes
  }

  mutating func add(_ name: String, _ label: String, _ type: FieldType) {
    symbols[name] = Symbol(label: label, type: type, classification: .open)
  }

  var names: [(name: String, label: String, type: FieldType)] {
    symbols.map { ($0.key, $0.value.label, $0.value.type) }
  }

  func classification(of expression: Expression) -> Classification {
    expression.fields.compactMap { symbols[$0]?.classification }.max() ?? .open
  }
}
