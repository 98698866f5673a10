import Core
import Entities
import HTTP
import Shell

/// How the filters of a register are asked for and shown, on its list and on its statistics.
struct FilterFields {
  let register: Register
  let address: ListAddress

  private var entity: EntityDeclaration { register.entity }

  func field(_ field: FieldDeclaration) -> Shell.Field {
    let name = ListAddress.filterName(field, in: entity)
    let value = address.items.first(name) ?? ""
    let from = address.items.first("\(field.name).from") ?? ""
    let to = address.items.first("\(field.name).to") ?? ""
    let control: Control
    switch field.type {
    case .code(let name):
      let codes = register.catalog.dictionary(name)?.codes ?? []
      control = .select(value, codes.map { Choice($0.code, $0.label) }, blank: "全部")
    case .boolean: control = .select(value, [Choice("true", "是"), Choice("false", "否")], blank: "全部")
    case .date, .instant: control = .dateRange(from: from, to: to)
    case .integer, .decimal, .money: control = .numberRange(from: from, to: to, unit: field.unit)
    case .ref(let target):
      control = .reference(
        Control.Reference(
          value: value, text: register.titles[field.name] ?? "", source: "/r/\(target)/pick"))
    case .division:
      control = .reference(
        Control.Reference(
          value: value, text: register.divisions.path(of: value) ?? value, source: RecordRoutes.divisionPicker,
          placeholder: "全部"))
    default: control = .text(value, .init(maximum: 60))
    }
    return Shell.Field(name, field.label, control)
  }

  var chips: [ActiveFilters.Chip] {
    var chips: [ActiveFilters.Chip] = []
    if let search = address.search {
      chips.append(.init("搜索", search, removePath: address.path(setting: "q", to: nil)))
    }
    for name in address.filtered {
      guard let field = entity.field(name) else { continue }
      chips.append(.init(field.label, chipText(field), removePath: address.path(without: name)))
    }
    if let time = address.items.first("at") {
      chips.append(.init("截至", time, removePath: address.path(setting: "at", to: nil)))
    }
    return chips
  }

  private func chipText(_ field: FieldDeclaration) -> String {
    let from = address.items.first("\(field.name).from")
    let to = address.items.first("\(field.name).to")
    if from != nil || to != nil { return "\(from ?? "不限") 至 \(to ?? "不限")" }
    if let empty = address.items.first("\(field.name).empty") { return empty == "true" ? "未填写" : "已填写" }
    if field.type == .division, let code = address.items.first("\(field.name).prefix") {
      return register.divisions.path(of: code) ?? code
    }
    if let text = address.items.first("\(field.name).prefix") ?? address.items.first("\(field.name).contains") {
      return text
    }
    return address.items.all(field.name).map { text in
      switch field.type {
      case .code(let name): return register.catalog.dictionary(name)?.label(of: text) ?? text
      case .boolean: return text == "true" ? "是" : "否"
      case .ref: return register.titles[field.name] ?? text
      default: return text
      }
    }.joined(separator: "、")
  }
}
