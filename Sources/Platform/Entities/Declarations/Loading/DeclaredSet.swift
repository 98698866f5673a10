/// What modules above understand of the declarations of one kind, each by its name.
package struct DeclaredSet<Item: Sendable>: Sendable {
  /// In the order of files.
  package let all: [Item]
  /// What is wrong, in the order of files and lines.
  package let findings: [Finding]

  private let index: [String: Int]

  /// - Parameter read: understands one declaration; `nil` when nothing can be made of it.
  package init(
    _ kind: DeclarationDocument.Kind, of catalog: Catalog,
    _ read: (DeclarationDocument, FindingCollector) -> Item?
  ) {
    let collector = FindingCollector()
    var all: [Item] = []
    var index: [String: Int] = [:]
    for document in catalog.others where document.kind == kind {
      guard let item = read(document, collector) else { continue }
      if index[document.name] == nil { index[document.name] = all.count }
      all.append(item)
    }
    self.all = all
    self.index = index
    findings = collector.findings.sortedByPlace
  }

  package subscript(name: String) -> Item? { index[name].map { all[$0] } }
}
