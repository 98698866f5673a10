import YAML

/// Lays the documents that extend others over them, in order (城市定制、运行时增改).
struct OverlayMerge {
  private(set) var documents: [DeclarationDocument] = []
  private var index: [String: Int] = [:]
  private let collector: FindingCollector

  init(_ all: [DeclarationDocument], _ collector: FindingCollector) {
    self.collector = collector
    for document in all where !document.extends { add(document) }
    for document in all where document.extends { extend(document) }
    for document in all where document.givesWay { gather(document) }
  }

  private func key(_ document: DeclarationDocument) -> String { "\(document.kind.rawValue)/\(document.name)" }

  private mutating func add(_ document: DeclarationDocument) {
    if let known = index[key(document)] {
      let first = documents[known].namePosition
      collector.error(
        document.namePosition,
        "\(document.kind.label)“\(document.name)”已在 \(first) 声明；要修改它请用键 \(document.kind.overlayKey)")
      return
    }
    index[key(document)] = documents.count
    documents.append(document)
  }

  private mutating func extend(_ overlay: DeclarationDocument) {
    guard let known = index[key(overlay)] else {
      if overlay.givesWay {
        return collector.warning(overlay.namePosition, "敏感标记的登记表“\(overlay.name)”已不存在，标记不起作用")
      }
      let names = documents.filter { $0.kind == overlay.kind }.map(\.name)
      let advice = Suggestion.text(for: overlay.name, among: names)
      collector.error(overlay.namePosition, "没有可以修改的\(overlay.kind.label)“\(overlay.name)”\(advice)")
      return
    }
    let base = documents[known]
    let merged: YAMLNode
    switch overlay.kind {
    case .entity:
      merged = EntityOverlay(collector, givesWay: overlay.givesWay).merge(overlay.node, over: base.node)
    case .dictionary:
      merged = merge(
        overlay, base, replace: ["label", "source"], lists: ["codes": "code"],
        may: ["label", "parent", "retired", "help"])
    case .parameters:
      merged = merge(
        overlay, base, replace: ["label"], lists: ["items": "name"],
        may: ["label", "default", "min", "max", "help", "unit"])
    case .role:
      merged = merge(
        overlay, base, replace: ["label", "help", "clearance", "external", "exclusive"], lists: ["grants": nil], may: []
      )
    case .menu:
      merged = merge(
        overlay, base, replace: ["label", "order", "icon", "parent"], lists: ["items": "path"],
        may: ["label", "permission", "order"])
    case .permissions:
      merged = merge(overlay, base, replace: ["label", "title"], lists: ["actions": "name"], may: ["label"])
    case .item:
      merged = merge(
        overlay, base,
        replace: [
          "label", "source", "preset", "hide", "flow", "limit", "channels", "result", "guide", "decisions", "golden",
        ], lists: ["materials": "name", "conditions": "name"],
        may: ["label", "need", "when", "medium", "one_of", "check", "message", "remove", "holder"])
    case .materials:
      merged = merge(
        overlay, base, replace: ["label"], lists: ["items": "name"],
        may: ["label", "help", "medium", "held", "check", "mismatch", "validity", "licence"])
    case .outcome: merged = merge(overlay, base, replace: ["label", "changes"], lists: [:], may: [])
    case .calendar:
      merged = merge(
        overlay, base, replace: ["label", "hours", "weekdays"], lists: ["holidays": nil, "workdays": nil], may: [])
    case .message:
      merged = merge(
        overlay, base,
        replace: ["label", "channels", "priority", "title", "text", "sms", "wechat", "link", "expires", "quiet"],
        lists: [:], may: [])
    case .resources:
      merged = merge(
        overlay, base,
        replace: ["label", "branch", "element", "format", "share", "condition", "scope", "method"],
        lists: ["items": "name"], may: ["label", "share", "condition", "scope", "method", "fields", "where", "remove"])
    case .connector:
      merged = merge(
        overlay, base, replace: ["label", "system", "help", "source", "authentication", "limits"],
        lists: ["operations": "name"],
        may: ["label", "path", "request", "response", "rows", "yes", "no", "reason", "owners", "fills"])
    case .document:
      merged = merge(
        overlay, base,
        replace: [
          "label", "permission", "paper", "series", "valid", "single", "holder", "holder_document", "conditions",
          "with", "from", "body",
        ], lists: [:], may: [])
    case .plate:
      merged = merge(
        overlay, base,
        replace: [
          "label", "kind", "suits", "usual", "basis", "size", "bleed", "colours", "ground", "holes", "elements",
          "samples",
        ], lists: [:], may: [])
    case .feed:
      merged = merge(
        overlay, base,
        replace: [
          "label", "source", "help", "from", "operation", "counts", "key", "title", "page", "deleted", "clean",
          "interpret", "set", "create", "references", "match", "together", "hold", "cancel", "vanish",
        ], lists: [:], may: [])
    case .report:
      merged = merge(
        overlay, base,
        replace: [
          "label", "source", "title", "form", "period", "by", "digits", "heading", "rows", "columns", "note",
        ], lists: [:], may: [])
    }
    let keepsOrigin = overlay.kind == .entity && EntityOverlay.onlyLabels(overlay.node)
    documents[known] = base.replacing(merged, origin: keepsOrigin ? base.origin : overlay.origin)
  }

  /// What other registers gather of a labelled field is as sensitive as the field.
  private mutating func gather(_ overlay: DeclarationDocument) {
    guard overlay.kind == .entity, let known = index[key(overlay)] else { return }
    let raised = LabelledFields.raised(in: documents[known].node)
    guard !raised.isEmpty else { return }
    for place in documents.indices where documents[place].kind == .entity {
      guard let node = LabelledFields.gathering(raised, of: overlay.name, in: documents[place].node) else { continue }
      documents[place] = documents[place].replacing(node, origin: documents[place].origin)
    }
  }

  /// - Parameters:
  ///   - replace: keys whose value the overlay replaces.
  ///   - lists: keys that hold lists, with the key that identifies an entry; `nil` for lists that only grow.
  ///   - may: keys of an existing entry that an overlay may change.
  private func merge(
    _ overlay: DeclarationDocument, _ base: DeclarationDocument, replace: [String], lists: [String: String?],
    may: [String]
  ) -> YAMLNode {
    var editor = MappingEditor(base.node)
    for entry in overlay.node.mapping ?? [] where entry.key != overlay.kind.overlayKey {
      if replace.contains(entry.key) {
        editor.set(entry)
      } else if let identity = lists[entry.key] {
        let merge = ListMerge(what: "\(overlay.kind.label)“\(overlay.name)”", identity: identity, may: may, collector)
        editor.set(entry.key, merge.merge(entry.value, over: editor[entry.key]))
      } else {
        let advice = Suggestion.text(for: entry.key, among: replace + lists.keys)
        collector.error(entry.keyPosition, "不能修改\(overlay.kind.label)的“\(entry.key)”\(advice)")
      }
    }
    return editor.node
  }
}

/// Merges two lists of mappings by the key that identifies an entry.
struct ListMerge {
  let what: String
  let identity: String?
  let may: [String]
  let collector: FindingCollector

  init(what: String, identity: String?, may: [String], _ collector: FindingCollector) {
    self.what = what
    self.identity = identity
    self.may = may
    self.collector = collector
  }

  /// Entries that exist are changed, others are appended; `remove: true` takes an entry away where `may` allows it.
  func merge(_ overlay: YAMLNode, over base: YAMLNode?) -> YAMLNode {
    guard let additions = overlay.sequence else {
      collector.error(overlay.position, "\(what)的这一项应是列表，却是\(overlay.kindLabel)")
      return base ?? overlay
    }
    var items = base?.sequence ?? []
    for addition in additions {
      guard let identity, let name = addition[identity]?.text,
        let index = items.firstIndex(where: { $0[identity]?.text == name })
      else {
        if addition["remove"] != nil {
          collector.error(addition.position, "\(what)里没有可以去掉的这一项")
        } else {
          items.append(addition)
        }
        continue
      }
      if addition["remove"]?.bool == true, may.contains("remove") {
        items.remove(at: index)
        continue
      }
      var editor = MappingEditor(items[index])
      for change in addition.mapping ?? [] where change.key != identity {
        if may.contains(change.key) {
          editor.set(change)
        } else {
          let advice = Suggestion.text(for: change.key, among: may)
          collector.error(change.keyPosition, "\(what)已有“\(name)”，不能修改它的“\(change.key)”\(advice)")
        }
      }
      items[index] = editor.node
    }
    return YAMLNode(.sequence(items), at: base?.position ?? overlay.position)
  }
}
