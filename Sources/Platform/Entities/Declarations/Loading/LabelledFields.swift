import Access
import YAML

/// What gives way to sensitive labels (敏感标记, D2-570), so that a label that was possible when it was given still holds after
/// an upgrade that puts its field where such a field may not stand.
struct LabelledFields {
  private let collector: FindingCollector

  init(_ collector: FindingCollector) { self.collector = collector }

  /// The fields of an entity that are raised, with the level they count as.
  static func raised(in entity: YAMLNode) -> [String: Classification] {
    raised(among: entity["fields"]?.sequence ?? [])
  }

  private static func raised(among fields: [YAMLNode]) -> [String: Classification] {
    var raised: [String: Classification] = [:]
    for field in fields where field["raised_from"] != nil {
      guard let name = field["name"]?.text, let level = level(field) else { continue }
      raised[name] = level
    }
    return raised
  }

  private static func level(_ field: YAMLNode) -> Classification? {
    field["classification"]?.text.flatMap(Classification.init(name:))
  }

  /// Takes labelled fields out of where they may not stand: searches, titles, the labels of maps, the contents of plans;
  /// hides what nobody said how to hide, and what is worked out from them.
  func giveWay(in editor: inout MappingEditor) {
    guard let present = editor["fields"] else { return }
    var fields = present.sequence ?? []
    spread(over: &fields)
    fields = fields.map(masked)
    editor.set("fields", YAMLNode(.sequence(fields), at: present.position))
    let raised = LabelledFields.raised(in: editor.node)
    let secret = Set(raised.filter { $0.value == .secret }.keys)
    let sensitive = Set(raised.filter { $0.value >= .sensitive }.keys)
    take(secret, outOf: "search", of: "list", in: &editor, "不再参加全文检索")
    take(sensitive, outOf: "fields", of: "plannable", in: &editor, "不再能写进周期计划")
    for (key, what) in [("label", "不再标注在地图上"), ("layers", "不再分成地图图层")] {
      guard let map = editor["map"], let field = map[key]?.text, sensitive.contains(field) else { continue }
      var own = MappingEditor(map)
      own.remove(key)
      editor.set("map", own.node)
      tell(field, map.position, what)
    }
    if let title = title(of: editor), secret.contains(title) {
      editor.set("title", .string("id", at: present.position))
      tell(title, present.position, "不再用作记录的名称")
    }
  }

  private func tell(_ field: String, _ position: SourcePosition, _ what: String) {
    collector.warning(position, "字段“\(field)”已有敏感标记，\(what)")
  }

  /// As a reader of declarations finds it: what is said, `name`, or the first text.
  private func title(of editor: MappingEditor) -> String? {
    if let said = editor["title"]?.text { return said }
    let fields = editor["fields"]?.sequence ?? []
    let named = fields.first { $0["name"]?.text == "name" } ?? fields.first { $0["type"]?.text == "text" }
    return named?["name"]?.text
  }

  private func take(
    _ names: Set<String>, outOf key: String, of view: String, in editor: inout MappingEditor, _ what: String
  ) {
    guard let node = editor[view], let listed = node[key]?.sequence else { return }
    let kept = listed.filter { !names.contains($0.text ?? "") }
    guard kept.count < listed.count else { return }
    for gone in listed where names.contains(gone.text ?? "") { tell(gone.text ?? "", gone.position, what) }
    var own = MappingEditor(node)
    own.set(key, YAMLNode(.sequence(kept), at: node[key]?.position ?? node.position))
    editor.set(view, own.node)
  }

  /// What is worked out from a labelled field counts as much as the field, as does what is worked out from that.
  private func spread(over fields: inout [YAMLNode]) {
    var levels = LabelledFields.raised(among: fields)
    var isStill = false
    while !isStill {
      isStill = true
      for place in fields.indices {
        guard let name = fields[place]["name"]?.text, let formula = fields[place]["computed"]?.text,
          let level = LabelledFields.names(in: formula).compactMap({ levels[$0] }).max(),
          let raised = LabelledFields.raising(fields[place], to: level)
        else { continue }
        fields[place] = raised
        levels[name] = level
        isStill = false
      }
    }
  }

  /// Every name in a formula; functions and codes among them do no harm.
  private static func names(in formula: String) -> [String] {
    formula.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }.map(String.init)
  }

  /// A field at a higher level, wholly hidden from `sensitive` on; `nil` for one that is there already.
  private static func raising(_ field: YAMLNode, to level: Classification) -> YAMLNode? {
    let present = self.level(field) ?? .inner
    guard level > present else { return nil }
    var editor = MappingEditor(field)
    editor.set("classification", .string(level.name, at: field.position))
    if field["raised_from"] == nil { editor.set("raised_from", .string(present.name, at: field.position)) }
    if level >= .sensitive { editor.set("mask", .string(FieldDeclaration.Mask.all.rawValue, at: field.position)) }
    return editor.node
  }

  private static let texts: Set = ["text", "longtext", "resident_id", "credit_code", "phone"]

  /// A field that was masked by its declaration, or in a way that it cannot be any more, is hidden as a whole.
  private func masked(_ field: YAMLNode) -> YAMLNode {
    guard field["raised_from"] != nil, let level = LabelledFields.level(field), level >= .sensitive else {
      return field
    }
    let mask = field["mask"]?.text
    let isText = LabelledFields.texts.contains(field["type"]?.text ?? "") && field["multiple"]?.bool != true
    guard mask == nil || !isText && mask != FieldDeclaration.Mask.all.rawValue else { return field }
    var editor = MappingEditor(field)
    editor.set("mask", .string(FieldDeclaration.Mask.all.rawValue, at: field.position))
    return editor.node
  }

  /// An entity whose gathered fields show labelled fields of `register`, with these as sensitive; `nil` for any other.
  static func gathering(_ raised: [String: Classification], of register: String, in entity: YAMLNode) -> YAMLNode? {
    guard let fields = entity["fields"]?.sequence else { return nil }
    var isChanged = false
    let changed = fields.map { field -> YAMLNode in
      guard let gathered = field["gathered"], gathered["register"]?.text == register,
        let level = [gathered["field"], gathered["show"]].compactMap({ $0?.text.flatMap { raised[$0] } }).max(),
        let node = raising(field, to: level)
      else { return field }
      isChanged = true
      return node
    }
    guard isChanged else { return nil }
    var editor = MappingEditor(entity)
    editor.set("fields", YAMLNode(.sequence(changed), at: entity["fields"]?.position ?? entity.position))
    return editor.node
  }
}
