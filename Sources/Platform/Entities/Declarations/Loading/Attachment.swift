import YAML

/// Gives registers that hang on another one (`attached_to: service_case`) what they share with it.
///
/// A record of such a register belongs to one record of the other, is written together with it, and is seen by whoever
/// may see it: a reference `<parent>_id` and copies of the parent's scope fields are added, `scope` and `personal` are
/// the parent's, and there is no import of its own.
struct Attachment {
  private let collector: FindingCollector
  private let parents: [String: YAMLNode]

  init(_ documents: [DeclarationDocument], _ collector: FindingCollector) {
    self.collector = collector
    parents = Dictionary(
      documents.filter { $0.kind == .entity }.map { ($0.name, $0.node) }, uniquingKeysWith: { first, _ in first })
  }

  func completed(_ document: DeclarationDocument) -> DeclarationDocument {
    guard document.kind == .entity, let name = document.node["attached_to"] else { return document }
    guard let text = name.text, let parent = parents[text], parent["attached_to"] == nil else {
      collector.error(
        name.position,
        "attached_to 应是一张登记表的名称，它自己不能再附属于别的登记表\(Suggestion.text(for: name.text ?? "", among: parents.keys))")
      return document
    }
    var editor = MappingEditor(document.node)
    for key in ["scope", "personal", "import"] where editor[key] != nil {
      collector.error(editor[key]?.position ?? name.position, "附属登记表的 \(key) 随“\(text)”，请删去")
    }
    let label = parent["label"]?.text ?? text
    let reference = YAMLNode.mapping([
      ("name", .string("\(text)_id")), ("label", .string(label)), ("type", .string("ref")),
      ("entity", .string(text)), ("required", .plain("true")), ("unique", .plain("true")),
      ("editable", .plain("false")),
    ])
    let scope = parent["scope"]?.mapping ?? []
    let shared = Set(scope.compactMap { $0.value.text })
    let copies = (parent["fields"]?.sequence ?? []).filter { shared.contains($0["name"]?.text ?? "") }.map(copy)
    let own = editor["fields"] ?? .sequence([])
    for field in own.sequence ?? [] where shared.contains(field["name"]?.text ?? "") {
      collector.error(field.position, "字段“\(field["name"]?.text ?? "")”由“\(text)”带来，请删去或换一个名称")
    }
    let isMany = editor["many"]?.bool == true
    let back = isMany ? reference.removing("unique") : reference
    editor.set("fields", YAMLNode(.sequence((own.sequence ?? []) + [back] + copies), at: own.position))
    editor.set("scope", .mapping(scope.filter { $0.value.text != nil }.map { ($0.key, $0.value) }))
    if let personal = parent["personal"] { editor.set("personal", personal) }
    editor.set("import", .plain("false"))
    return document.replacing(editor.node, origin: document.origin)
  }

  /// A scope field of the parent, filled in with the parent's value and shown in no form.
  private func copy(_ field: YAMLNode) -> YAMLNode {
    var editor = MappingEditor(field)
    for key in ["required", "default", "unique", "required_when", "visible"] { editor.remove(key) }
    editor.set("editable", .plain("false"))
    editor.set("list", .plain("false"))
    return editor.node
  }
}

extension YAMLNode {
  fileprivate func removing(_ key: String) -> YAMLNode {
    var editor = MappingEditor(self)
    editor.remove(key)
    return editor.node
  }
}
