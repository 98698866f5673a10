import Core

extension Catalog {
  /// The value of a field as a person reads it: codes by label, references and divisions by title; empty text when there
  /// is none.
  package func text(_ field: FieldDeclaration, of record: Record) -> String {
    let value = record[field.name]
    if let title = record.titles[field.name] { return title }
    switch (field.type, value) {
    case (_, .null): return ""
    case (.code(let name), .text(let code)): return dictionary(name)?.label(of: code) ?? code
    case (.code(let name), .list(let codes)):
      return codes.map { dictionary(name)?.label(of: $0) ?? $0 }.joined(separator: "、")
    case (_, .instant(let instant)): return instant.display
    case (_, .money(let money)): return money.description
    case (.file, .list(let files)), (.image, .list(let files)): return "\(files.count) 个文件"
    default: return value.plainText
    }
  }
}
