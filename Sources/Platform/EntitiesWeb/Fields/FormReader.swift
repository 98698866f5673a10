import Core
package import Entities
package import HTTP
package import Shell

/// Understands a submitted form as values of a register's fields, noting every fault by field.
package struct FormReader {
  package let register: Register
  package private(set) var values: [String: Value] = [:]
  package private(set) var errors: [FieldError] = []

  /// - Parameters:
  ///   - record: the record being changed, whose masked fields stay as they are when they come back empty.
  ///   - only: the fields that the form asks for; `nil` asks for all editable ones.
  package init(_ register: Register, _ form: FormData, record: Record?, only: [String]? = nil) {
    self.register = register
    for field in register.entity.fields where field.isStored && !field.hidden {
      guard only.map({ $0.contains(field.name) }) ?? field.editable else { continue }
      read(field, form, record)
    }
  }

  private mutating func read(_ field: FieldDeclaration, _ form: FormData, _ record: Record?) {
    switch field.type {
    case .file, .image: return
    case .point:
      let longitude = form.first("\(field.name).lon") ?? ""
      let latitude = form.first("\(field.name).lat") ?? ""
      if longitude.isEmpty && latitude.isEmpty {
        values[field.name] = .null
        return
      }
      parse("\(longitude),\(latitude)", field)
    case .boolean: values[field.name] = .boolean(form.first(field.name).map { !$0.isEmpty } ?? false)
    case .code where field.multiple: values[field.name] = .list(form.all(field.name))
    case .ref:
      let text = form.first("\(field.name).choice") ?? kept(field, form, record)
      if text.isEmpty, let typed = form.first("\(field.name).text"), !typed.isEmpty {
        errors.append(FieldError(field.name, "请从列表中选择一个\(field.label)，“\(typed.prefix(40))”没有选中任何一条。"))
        return
      }
      parse(text, field)
    case .division:
      let typed = form.first("\(field.name).text") ?? ""
      var text = kept(field, form, record)
      // Without scripts another place is typed over the name of the one whose code is still in the form.
      if let record, !typed.isEmpty, text == record[field.name].text, typed != record.titles[field.name] { text = "" }
      if text.isEmpty, !typed.isEmpty {
        guard let code = register.divisions.code(meant: typed) else {
          errors.append(FieldError(field.name, "没有找到“\(typed.prefix(40))”，或有几处同名。请从列表中选择，或填写区划代码。"))
          return
        }
        values[field.name] = .text(code)
        return
      }
      parse(text, field)
    default:
      guard let text = form.first(field.name) else { return }
      if text.isEmpty, let record, record.masked.contains(field.name) { return }
      parse(text, field)
    }
  }

  /// The code in the form, unless its name was taken out of it: without scripts the code stays behind.
  private func kept(_ field: FieldDeclaration, _ form: FormData, _ record: Record?) -> String {
    if record?.titles[field.name] != nil, form.first("\(field.name).text") == "" { return "" }
    return form.first(field.name) ?? ""
  }

  private mutating func parse(_ text: String, _ field: FieldDeclaration) {
    do {
      values[field.name] = try register.catalog.parse(text, for: field)
    } catch let refusal {
      errors.append(FieldError(field.name, refusal.message))
    }
  }

  mutating func set(_ name: String, _ value: Value) { values[name] = value }
}
