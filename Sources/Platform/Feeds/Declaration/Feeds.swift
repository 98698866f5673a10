package import Connectors
package import Entities

/// All feeds (同步源), read from the declarations and proved.
package struct Feeds: Sendable {
  private let declared: DeclaredSet<Feed>
  /// What is wrong, in the order of files and lines.
  package let findings: [Finding]

  /// - Parameter interpreters: those that this installation has.
  package init(_ catalog: Catalog, connectors: Connectors, interpreters: [FeedInterpreterShape]) {
    let declared = DeclaredSet(.feed, of: catalog) {
      FeedReader($0, catalog: catalog, connectors: connectors, interpreters: interpreters, $1).feed()
    }
    let collector = FindingCollector()
    for feed in declared.all {
      for reference in feed.references {
        let target = catalog.entity(feed.register)?.field(reference.field)?.target
        guard let other = declared[reference.feed] else {
          collector.error(
            feed.position,
            "同步源“\(feed.name)”引用的同步源“\(reference.feed)”不存在\(Suggestion.text(for: reference.feed, among: declared.all.map(\.name)))"
          )
          continue
        }
        if other.register != target {
          collector.error(
            feed.position, "字段“\(reference.field)”指向“\(target ?? "")”，同步源“\(other.name)”同步的却是“\(other.register)”")
        }
      }
    }
    self.declared = declared
    findings = (declared.findings + collector.findings).sortedByPlace
  }

  /// In the order of files.
  package var all: [Feed] { declared.all }

  package subscript(name: String) -> Feed? { declared[name] }
}
