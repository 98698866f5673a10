import Entities
import YAML

/// Reads a catalogue of materials (`materials: hukou_common`).
struct MaterialReader {
  private let document: DeclarationDocument
  private let collector: FindingCollector

  init(_ document: DeclarationDocument, _ collector: FindingCollector) {
    self.document = document
    self.collector = collector
  }

  func kinds() -> [(MaterialKind, SourcePosition)] {
    let reader = MappingReader(
      document.node, "材料目录“\(document.name)”", keys: ["materials", "label", "items"], collector)
    return reader.nodes("items").compactMap { node in
      let item = MappingReader(
        node, "材料", keys: ["name", "label", "help", "medium", "held", "check", "validity"], collector)
      guard let name = item.name("name") else { return nil }
      let validity = item.integer("validity", in: 0...1200) ?? 0
      let kind = MaterialKind(
        name: name, label: item.label(fallback: name), help: item.text("help", limit: 300),
        medium: item.choice("medium", MaterialMedium.self) ?? .either, isHeld: item.flag("held", default: false),
        check: item.text("check", limit: 50), validity: validity > 0 ? validity : nil)
      return (kind, node.position)
    }
  }
}
