import Core
import Entities
import HTTP
import Shell
import YAML

/// A register as it stands in the form that designs it, or the field that is to be added to one.
struct RegisterSketch: Sendable {
  /// The register that gains a field; `nil` designs a new one.
  let extended: String?
  var name = ""
  var label = ""
  var help = ""
  /// The label of the menu it stands in; empty for none.
  var menu = ""
  var isPersonal = false
  var fields: [FieldSketch]

  /// So many fields fit in one form; more can be added afterwards.
  static let maximumFields = 30

  /// A new register with its title.
  init() {
    extended = nil
    fields = [.title, FieldSketch()]
  }

  /// One more field for `entity`.
  init(extending entity: String) {
    extended = entity
    fields = [FieldSketch()]
    fields[0].flags = ["columns"]
  }

  init(_ form: FormData, extending entity: String?) {
    extended = entity
    name = TextForms.trimmed(form.first("name") ?? "")
    label = TextForms.trimmed(form.first("label") ?? "")
    help = TextForms.trimmed(form.first("help") ?? "")
    menu = form.first("menu") ?? ""
    isPersonal = form.first("personal") != nil
    let count = min(max(form.first("fields").flatMap { Int($0) } ?? 1, 1), RegisterSketch.maximumFields)
    fields = (0..<count).map { FieldSketch(form, prefix: "f\($0).") }
  }

  /// Every input with its value, to be carried through the preview.
  var inputs: [HiddenField] {
    var inputs = [HiddenField("fields", String(fields.count))]
    if extended == nil {
      inputs += [
        HiddenField("name", name), HiddenField("label", label), HiddenField("help", help), HiddenField("menu", menu),
      ]
      if isPersonal { inputs.append(HiddenField("personal", "true")) }
    }
    for (index, field) in fields.enumerated() {
      inputs += field.inputs(prefix: "f\(index).").map { HiddenField($0.name, $0.value) }
    }
    return inputs
  }

  /// The name the declaration is kept under: the register's, or register and field.
  var origin: String { extended.map { "\($0)-\(fields[0].name)" } ?? name }

  // MARK: Declaration

  /// The declaration as it will be kept.
  var yaml: String {
    if let extended {
      return YAMLNode.mapping([
        ("extend_entity", .string(extended)), ("fields", .sequence(fields.map { $0.yaml(isAddition: true) })),
      ]).write()
    }
    var entries: [(String, YAMLNode)] = [("entity", .string(name)), ("label", .string(label))]
    if !help.isEmpty { entries.append(("help", .string(help))) }
    if let title { entries.append(("title", .string(title.name))) }
    if isPersonal { entries.append(("personal", .plain("true"))) }
    entries.append(("scope", scope))
    entries.append(("fields", .sequence(fields.map { $0.yaml(isAddition: false) })))
    entries.append(("list", list))
    if let geometry = fields.first(where: \.isGeometry) {
      var map: [(String, YAMLNode)] = [("geometry", .string(geometry.name))]
      if let title, ["open", "inner"].contains(title.classification) { map.append(("label", .string(title.name))) }
      entries.append(("map", .mapping(map)))
    }
    if let statistics { entries.append(("statistics", statistics)) }
    if !menu.isEmpty { entries.append(("menu", .mapping([("group", .string(menu)), ("order", .plain("500"))]))) }
    return YAMLNode.mapping(entries).write()
  }

  /// What a record is called: the field `name`, else the first text.
  private var title: FieldSketch? {
    let texts = fields.filter { $0.type == "text" }
    return texts.first { $0.name == "name" } ?? texts.first
  }

  /// Whoever made a record reaches it; a division, a unit and a place among the fields widen what roles can be given.
  private var scope: YAMLNode {
    var entries: [(String, YAMLNode)] = []
    func add(_ key: String, _ field: FieldSketch?) {
      if let field, !field.flags.contains("encrypted") { entries.append((key, .string(field.name))) }
    }
    add("division", fields.first { $0.type == "division" })
    add("unit", fields.first { $0.type == "ref" && $0.entity == "unit" })
    entries.append(("owner", .plain("created_by")))
    add("point", fields.first { $0.type == "point" })
    return .mapping(entries)
  }

  private var list: YAMLNode {
    func names(_ view: String) -> YAMLNode {
      .sequence(fields.filter { $0.flags.contains(view) && !$0.isGeometry }.map { .string($0.name) })
    }
    return .mapping(FieldSketch.views.map { ($0.name, names($0.name)) })
  }

  /// Codes, divisions and yes-or-no fields are what a register is counted by.
  private var statistics: YAMLNode? {
    let dimensions = fields.filter {
      ["code", "division", "boolean"].contains($0.type) && !$0.flags.contains("encrypted") && !$0.name.isEmpty
    }
    guard !dimensions.isEmpty else { return nil }
    return .mapping([
      ("by", .sequence(dimensions.map { .string($0.name) })), ("measures", .sequence([.plain("count")])),
    ])
  }

  // MARK: Findings

  /// The input that a finding is about, found by the line of the declaration it stands on; `nil` for what concerns the
  /// whole.
  func input(of finding: Finding) -> String? {
    guard finding.position.file == origin, let root = try? YAMLNode(parsing: yaml, file: origin),
      let entries = root.mapping
    else { return nil }
    let line = finding.position.line
    for (index, field) in (root["fields"]?.sequence ?? []).enumerated() {
      for entry in field.mapping ?? [] where entry.keyPosition.line == line {
        return "f\(index).\(FieldSketch.input(of: entry.key))"
      }
    }
    guard let entry = entries.first(where: { $0.keyPosition.line == line }) else { return nil }
    switch entry.key {
    case "entity": return "name"
    case "label", "help", "menu", "personal": return entry.key
    default: return nil
    }
  }

  /// What the form itself requires before the declaration is worth checking.
  func gaps(in catalog: Catalog) -> [FieldError] {
    var gaps: [FieldError] = []
    if let extended {
      if let field = fields.first, let present = catalog.entity(extended)?.field(field.name) {
        gaps.append(FieldError("f0.name", "字段名“\(field.name)”已用于“\(present.label)”。请换一个。"))
      }
    } else {
      if name.isEmpty { gaps.append(FieldError("name", "请填写登记表的代号。")) }
      if label.isEmpty { gaps.append(FieldError("label", "请填写登记表的名称。")) }
      if let present = catalog.entity(name) {
        gaps.append(FieldError("name", "代号“\(name)”已是登记表“\(present.label)”。请换一个，或去给它添加字段。"))
      }
      if let present = catalog.entities.first(where: { $0.label == label }) {
        gaps.append(FieldError("label", "已有名为“\(label)”的登记表（\(present.name)）。请换一个名称。"))
      }
    }
    for (index, field) in fields.enumerated() {
      let which = extended == nil ? "第 \(index + 1) 个字段" : "字段"
      if field.name.isEmpty { gaps.append(FieldError("f\(index).name", "请填写\(which)的字段名。")) }
      if field.label.isEmpty { gaps.append(FieldError("f\(index).label", "请填写\(which)的名称。")) }
      if field.type == "code", field.dictionary.isEmpty {
        gaps.append(FieldError("f\(index).dictionary", "\(which)“\(field.label)”是字典项，请选择字典。"))
      }
      if field.type == "ref", field.entity.isEmpty {
        gaps.append(FieldError("f\(index).entity", "\(which)“\(field.label)”关联记录，请选择关联到哪个登记表。"))
      }
    }
    return gaps
  }
}
