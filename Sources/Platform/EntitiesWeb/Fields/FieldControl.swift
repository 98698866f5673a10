import Access
import Core
package import Entities
package import HTTP
package import Shell

/// What has been typed into a form, by input name, before it is understood as values.
package struct FormInput: Sendable {
  package var texts: [String: [String]]

  package init(_ texts: [String: [String]] = [:]) { self.texts = texts }

  /// What was sent, field by field.
  package init(_ form: FormData) {
    self.init(Dictionary(form.fields.items.map { ($0.name, [$0.value]) }, uniquingKeysWith: { $0 + $1 }))
  }

  package func first(_ name: String) -> String { texts[name]?.first ?? "" }
}

extension QueryItems {
  package init(_ input: FormInput) {
    self.init(input.texts.flatMap { name, texts in texts.map { Item(name: name, value: $0) } })
  }
}

/// Makes the form control of a declared field, filled from what was typed or from a record.
package struct FieldControl {
  let catalog: Catalog
  let errors: [String: String]

  /// - Parameter errors: what is wrong, by field.
  package init(catalog: Catalog, errors: [String: String] = [:]) {
    self.catalog = catalog
    self.errors = errors
  }

  /// - Parameters:
  ///   - typed: what the person sent, when the form comes back with errors.
  ///   - record: what is stored, when there is a record.
  package func field(_ field: FieldDeclaration, typed: FormInput?, record: Record?, reference: Control.Reference? = nil)
    -> Shell.Field
  {
    let stored = record.map { $0.masked.contains(field.name) ? "" : FieldControl.editText($0[field.name]) } ?? ""
    let text = typed?.first(field.name) ?? stored
    let isMasked = record?.masked.contains(field.name) ?? false
    var help = field.help
    if isMasked { help = "已有内容不显示；留空则不改动，填写则替换。" }
    return Shell.Field(
      field.name, field.label, control(field, text, typed: typed, record: record, reference: reference),
      isRequired: field.required && !isMasked && field.type != .boolean, help: help, error: errors[field.name],
      isReadOnly: !field.editable && record != nil, isPrivate: field.classification >= .sensitive)
  }

  private func control(
    _ field: FieldDeclaration, _ text: String, typed: FormInput?, record: Record?, reference: Control.Reference?
  ) -> Control {
    switch field.type {
    case .longtext, .json: return .longText(text, maximum: field.maximumLength)
    case .integer:
      return .number(
        text, unit: field.unit, minimum: field.minimum?.description, maximum: field.maximum?.description, step: "1")
    case .decimal:
      return .number(
        text, unit: field.unit, minimum: field.minimum?.description, maximum: field.maximum?.description, step: "any")
    case .money: return .money(text)
    case .boolean: return .checkbox(["true", "1", "on", "是"].contains(text), caption: "是")
    case .date: return .date(text)
    case .instant: return .dateTime(text)
    case .code(let name):
      let choices = choices(name)
      if field.multiple {
        let chosen = typed?.texts[field.name] ?? record?[field.name].list ?? []
        return .checkboxes(Set(chosen), choices)
      }
      return choices.count <= 4 && field.required ? .radio(text, choices) : .select(text, choices)
    case .ref(let entity):
      return .reference(
        reference
          ?? Control.Reference(
            value: text, text: typed?.first("\(field.name).text") ?? record?.titles[field.name] ?? "",
            source: "/r/\(entity)/pick"))
    case .point:
      var longitude = typed?.first("\(field.name).lon") ?? ""
      var latitude = typed?.first("\(field.name).lat") ?? ""
      if typed == nil, let pair = record?[field.name].geometry?["coordinates"]?.array, pair.count == 2 {
        longitude = pair[0].text
        latitude = pair[1].text
      }
      return .point(Control.Point(longitude: longitude, latitude: latitude))
    case .line, .polygon: return .longText(text, rows: 3)
    case .file: return .file(Control.FileField(allowsSeveral: field.multiple))
    case .image: return .file(Control.FileField(accept: "image/*", allowsSeveral: field.multiple, opensCamera: true))
    case .residentID: return .text(text, .residentID)
    case .creditCode: return .text(text, .creditCode)
    case .phone: return .text(text, .phone)
    case .division:
      return .reference(
        Control.Reference(
          value: text, text: typed?.first("\(field.name).text") ?? record?.titles[field.name] ?? text,
          source: RecordRoutes.divisionPicker, placeholder: "输入区划名称或代码"))
    case .text: return .text(text, .init(maximum: field.maximumLength))
    }
  }

  private func choices(_ dictionary: String) -> [Choice] {
    catalog.dictionary(dictionary)?.codes.filter { !$0.retired }.map { Choice($0.code, $0.label, detail: $0.help) }
      ?? []
  }

  /// A stored value as the input shows it for editing.
  package static func editText(_ value: Value) -> String {
    switch value {
    case .boolean(let flag): flag ? "true" : ""
    case .instant(let instant): String(instant.iso8601.prefix(16))
    case .money(let money): money.plain
    case .list(let values): values.joined(separator: ",")
    default: value.plainText
    }
  }
}
