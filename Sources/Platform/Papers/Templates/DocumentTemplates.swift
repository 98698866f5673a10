package import Entities

/// All templates of documents, read from the declarations and proved.
package struct DocumentTemplates: Sendable {
  /// In the order of files.
  package let all: [DocumentTemplate]
  /// What is wrong, in the order of files and lines.
  package let findings: [Finding]

  private let index: [String: Int]

  package init(_ catalog: Catalog) {
    let collector = FindingCollector()
    all = catalog.others.filter { $0.kind == .document }.compactMap {
      DocumentReader($0, catalog: catalog, collector)?.template()
    }
    index = Dictionary(all.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    findings = collector.findings.sortedByPlace
  }

  package func template(_ name: String) -> DocumentTemplate? { index[name].map { all[$0] } }
}
