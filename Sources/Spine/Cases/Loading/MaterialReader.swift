import Connectors
import Entities
import YAML

/// Reads a catalogue of materials (`materials: hukou_common`).
struct MaterialReader {
  private let document: DeclarationDocument
  private let connectors: Connectors
  private let collector: FindingCollector

  init(_ document: DeclarationDocument, _ connectors: Connectors, _ collector: FindingCollector) {
    self.document = document
    self.connectors = connectors
    self.collector = collector
  }

  private func check(_ item: MappingReader) -> String? {
    guard let name = item.text("check", limit: 50) else { return nil }
    guard let connector = connectors.connector(name) else {
      collector.error(
        item.place("check"), "没有对接系统“\(name)”\(Suggestion.text(for: name, among: connectors.all.map(\.name)))")
      return nil
    }
    if connector.verification == nil {
      collector.error(item.place("check"), "对接系统“\(name)”没有核验接口（use: verify）")
      return nil
    }
    return name
  }

  func kinds() -> [(MaterialKind, SourcePosition)] {
    let reader = MappingReader(
      document.node, "材料目录“\(document.name)”", keys: ["materials", "label", "items"], collector)
    return reader.nodes("items").compactMap { node in
      let item = MappingReader(
        node, "材料", keys: ["name", "label", "help", "medium", "held", "check", "mismatch", "validity", "licence"],
        collector)
      guard let name = item.name("name") else { return nil }
      let validity = item.integer("validity", in: 0...1200) ?? 0
      let kind = MaterialKind(
        name: name, label: item.label(fallback: name), help: item.text("help", limit: 300),
        medium: item.choice("medium", MaterialMedium.self) ?? .either, isHeld: item.flag("held", default: false),
        check: check(item), mismatch: item.choice("mismatch", MaterialMismatch.self) ?? .warn,
        validity: validity > 0 ? validity : nil, licence: item.text("licence", limit: 50))
      if kind.licence != nil, kind.medium == .original {
        collector.error(item.place("licence"), "只收原件的材料不能调用电子证照")
      }
      if kind.check == nil, item.has("mismatch") { collector.error(node.position, "没有 check 的材料不核验，不应有 mismatch") }
      return (kind, node.position)
    }
  }
}
