import Access
import YAML

/// Lays an `extend_entity` document over an entity.
///
/// A city may add fields and hide them, and change labels, help, limits, defaults, what is required, when a field shows,
/// its dictionary and its mask; it may not change what is stored. An entry without a type must match a field.
struct EntityOverlay {
  private let collector: FindingCollector
  /// Whether what does not go with a label gives way, instead of being found.
  private let givesWay: Bool

  init(_ collector: FindingCollector, givesWay: Bool = false) {
    self.collector = collector
    self.givesWay = givesWay
  }

  private static let replaced = ["label", "help", "title", "source", "import", "workbench", "changes", "plannable"]
  private static let merged = ["scope", "list", "map", "statistics", "menu", "numbering"]
  private static let appended = ["indexes", "unique"]
  static let keys =
    replaced + merged + appended + ["personal", "fields", "form", "rules", "actions", "detail", "labels"]

  /// Keys of an existing field that an overlay may change.
  static let fieldKeys = [
    "label", "help", "unit", "required", "required_when", "visible", "min", "max", "default", "hidden", "list",
    "editable",
    "classification", "mask", "dictionary",
  ]

  func merge(_ overlay: YAMLNode, over base: YAMLNode) -> YAMLNode {
    var editor = MappingEditor(base)
    for entry in overlay.mapping ?? [] where entry.key != "extend_entity" {
      switch entry.key {
      case _ where EntityOverlay.replaced.contains(entry.key): editor.set(entry)
      case _ where EntityOverlay.merged.contains(entry.key): editor.merge(entry)
      case _ where EntityOverlay.appended.contains(entry.key):
        let merge = ListMerge(what: "实体的 \(entry.key)", identity: nil, may: [], collector)
        editor.set(entry.key, merge.merge(entry.value, over: editor[entry.key]))
      case "personal":
        if entry.value.bool == false, base["personal"]?.bool == true {
          collector.error(entry.value.position, "含个人信息的实体不能改为不含")
        } else {
          editor.set(entry)
        }
      case "fields": fields(entry.value, &editor)
      case "form": form(entry.value, &editor)
      case "rules":
        let merge = ListMerge(
          what: "实体的校验规则", identity: "name", may: ["check", "message", "field", "remove"], collector)
        editor.set("rules", merge.merge(entry.value, over: editor["rules"]))
      case "actions":
        let may = ["label", "when", "ask", "set", "confirm", "remove"]
        let merge = ListMerge(what: "实体的操作", identity: "name", may: may, collector)
        editor.set("actions", merge.merge(entry.value, over: editor["actions"]))
      case "detail": detail(entry.value, &editor)
      case "labels": labels(entry.value, &editor)
      default:
        let advice = Suggestion.text(for: entry.key, among: EntityOverlay.keys)
        collector.error(entry.keyPosition, "不能修改实体的“\(entry.key)”\(advice)")
      }
    }
    return editor.node
  }

  // MARK: Fields

  private func fields(_ overlay: YAMLNode, _ editor: inout MappingEditor) {
    guard let changes = overlay.sequence else {
      collector.error(overlay.position, "fields 应是列表，却是\(overlay.kindLabel)")
      return
    }
    var fields = editor["fields"]?.sequence ?? []
    for change in changes {
      guard let name = change["name"]?.text else {
        collector.error(change.position, "字段缺少 name")
        continue
      }
      let names = fields.compactMap { $0["name"]?.text }
      if let index = names.firstIndex(of: name) {
        fields[index] = self.change(change, of: fields[index], name)
      } else if change["type"] == nil {
        collector.error(change.position, "没有名为“\(name)”的字段（新增字段要写 type）\(Suggestion.text(for: name, among: names))")
      } else {
        add(change, name, &fields, &editor)
      }
    }
    editor.set("fields", YAMLNode(.sequence(fields), at: editor["fields"]?.position ?? overlay.position))
  }

  private func change(_ change: YAMLNode, of field: YAMLNode, _ name: String) -> YAMLNode {
    var editor = MappingEditor(field)
    for entry in change.mapping ?? [] where entry.key != "name" {
      guard EntityOverlay.fieldKeys.contains(entry.key) else {
        let advice = Suggestion.text(for: entry.key, among: EntityOverlay.fieldKeys)
        collector.error(entry.keyPosition, "字段“\(name)”已有，不能修改它的“\(entry.key)”\(advice)")
        continue
      }
      if entry.key == "classification", let wanted = entry.value.text.flatMap(Classification.init(name:)) {
        let present = field["classification"]?.text.flatMap(Classification.init(name:)) ?? .inner
        if wanted < present {
          collector.error(entry.value.position, "字段“\(name)”的分级只能提高，不能从\(present.label)降为\(wanted.label)")
          continue
        }
      }
      editor.set(entry)
    }
    return editor.node
  }

  /// Sensitive labels (敏感标记, D2-570): `{field: phone, level: secret, mask: phone}` raises a field above the level it is
  /// declared with. A label that is not above it any more, or whose field is gone, counts for nothing, so that labels
  /// outlive upgrades and never lower anything.
  private func labels(_ overlay: YAMLNode, _ editor: inout MappingEditor) {
    var fields = editor["fields"]?.sequence ?? []
    for node in overlay.sequence ?? [] {
      let reader = MappingReader(node, "敏感标记", keys: ["field", "level", "mask"], collector)
      guard let name = reader.name("field"), let text = reader.text("level") else { continue }
      guard let level = Classification(name: text) else {
        collector.error(
          reader.place("level"),
          "分级不能是“\(text)”\(Suggestion.text(for: text, among: Classification.allCases.map(\.name)))")
        continue
      }
      guard let index = fields.firstIndex(where: { $0["name"]?.text == name }) else {
        collector.warning(node.position, "敏感标记的字段“\(name)”已不存在，标记不起作用")
        continue
      }
      var field = MappingEditor(fields[index])
      let declared = field["classification"]?.text.flatMap(Classification.init(name:)) ?? .inner
      guard level > declared else { continue }
      field.set("classification", .string(level.name, at: node.position))
      field.set("raised_from", .string(declared.name, at: node.position))
      if let mask = reader.node("mask") { field.set("mask", mask) }
      fields[index] = field.node
    }
    if overlay.sequence == nil { collector.error(overlay.position, "labels 应是列表，却是\(overlay.kindLabel)") }
    guard let present = editor["fields"] else { return }
    editor.set("fields", YAMLNode(.sequence(fields), at: present.position))
    if givesWay { LabelledFields(collector).giveWay(in: &editor) }
  }

  /// Whether an overlay does nothing but label fields, which leaves a register where it came from.
  static func onlyLabels(_ overlay: YAMLNode) -> Bool {
    Set((overlay.mapping ?? []).map(\.key)) == ["extend_entity", "labels"]
  }

  private func add(_ field: YAMLNode, _ name: String, _ fields: inout [YAMLNode], _ editor: inout MappingEditor) {
    var own = MappingEditor(field)
    own.remove("after")
    own.remove("into")
    if let views = field["into"] { show(name, in: views, &editor) }
    guard let after = field["after"] else {
      fields.append(own.node)
      return
    }
    guard let wanted = after.text, let index = fields.firstIndex(where: { $0["name"]?.text == wanted }) else {
      let names = fields.compactMap { $0["name"]?.text }
      collector.error(
        after.position, "after 指的字段“\(after.text ?? "")”不存在\(Suggestion.text(for: after.text ?? "", among: names))")
      fields.append(own.node)
      return
    }
    fields.insert(own.node, at: index + 1)
    place(name, after: wanted, field.position, &editor)
  }

  private static let views = ["columns", "filters", "search"]

  /// Puts a new field at the end of the lists of the `list` that `into` names. Columns and filters that the entity leaves
  /// to the product are left to it still.
  private func show(_ name: String, in views: YAMLNode, _ editor: inout MappingEditor) {
    guard let wanted = views.sequence else {
      collector.error(views.position, "into 应是列表（可用：\(EntityOverlay.views.joined(separator: "、"))）")
      return
    }
    var list = editor["list"].map { MappingEditor($0) } ?? MappingEditor(YAMLNode(.mapping([]), at: views.position))
    for view in wanted {
      guard let key = view.text, EntityOverlay.views.contains(key) else {
        let advice = Suggestion.text(for: view.text ?? "", among: EntityOverlay.views)
        collector.error(view.position, "into 里不能写“\(view.text ?? "")”\(advice)")
        continue
      }
      let present = list[key]?.sequence
      guard present != nil || key == "search" else { continue }
      let names = (present ?? []) + [.string(name, at: view.position)]
      list.set(key, YAMLNode(.sequence(names), at: list[key]?.position ?? view.position))
    }
    if !list.entries.isEmpty { editor.set("list", list.node) }
  }

  /// Puts a new field behind its neighbour in the form section that holds it.
  private func place(_ name: String, after neighbour: String, _ position: SourcePosition, _ editor: inout MappingEditor)
  {
    guard let form = editor["form"], let sections = form["sections"]?.sequence else { return }
    let placed = sections.map { section -> YAMLNode in
      guard var names = section["fields"]?.sequence, let index = names.firstIndex(where: { $0.text == neighbour })
      else { return section }
      names.insert(.string(name, at: position), at: index + 1)
      var own = MappingEditor(section)
      own.set("fields", YAMLNode(.sequence(names), at: section.position))
      return own.node
    }
    var own = MappingEditor(form)
    own.set("sections", YAMLNode(.sequence(placed), at: form.position))
    editor.set("form", own.node)
  }

  // MARK: Views

  private func form(_ overlay: YAMLNode, _ editor: inout MappingEditor) {
    guard let sections = overlay["sections"], overlay.mapping?.count == 1 else {
      collector.error(overlay.position, "form 里应只有 sections")
      return
    }
    let merge = ListMerge(what: "表单分组", identity: "label", may: ["fields", "visible", "remove"], collector)
    var form = editor["form"].map { MappingEditor($0) } ?? MappingEditor(YAMLNode(.mapping([]), at: overlay.position))
    form.set("sections", merge.merge(sections, over: form["sections"]))
    editor.set("form", form.node)
  }

  private func detail(_ overlay: YAMLNode, _ editor: inout MappingEditor) {
    let related = overlay["related"]
    let links = overlay["links"]
    guard overlay.mapping?.count == [related, links].compactMap(\.self).count, related != nil || links != nil else {
      collector.error(overlay.position, "detail 里应只有 related 和 links")
      return
    }
    var detail =
      editor["detail"].map { MappingEditor($0) } ?? MappingEditor(YAMLNode(.mapping([]), at: overlay.position))
    if let related {
      let merge = ListMerge(what: "关联列表", identity: nil, may: [], collector)
      detail.set("related", merge.merge(related, over: detail["related"]))
    }
    if let links {
      let merge = ListMerge(what: "链接", identity: nil, may: [], collector)
      detail.set("links", merge.merge(links, over: detail["links"]))
    }
    editor.set("detail", detail.node)
  }
}
