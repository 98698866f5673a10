package import Entities

/// All templates, read from the declarations and proved.
package struct MessageTemplates: Sendable {
  /// In the order of files.
  package let all: [MessageTemplate]
  /// What is wrong, in the order of files and lines.
  package let findings: [Finding]

  private let index: [String: Int]

  package init(_ catalog: Catalog) {
    let collector = FindingCollector()
    all = catalog.others.filter { $0.kind == .message }.compactMap {
      MessageTemplateReader($0, collector).template()
    }
    index = Dictionary(all.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    findings = collector.findings.sortedByPlace
  }

  package func template(_ name: String) -> MessageTemplate? { index[name].map { all[$0] } }
}
