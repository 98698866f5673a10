package import Entities

/// All designs of plates, read from the declarations and proved.
package struct PlateDesigns: Sendable {
  /// From the largest to the smallest.
  package let all: [PlateDesign]
  /// What is wrong, in the order of files and lines.
  package let findings: [Finding]

  private let index: [String: Int]

  package init(_ catalog: Catalog) {
    let collector = FindingCollector()
    let read = catalog.others.filter { $0.kind == .plate }.compactMap {
      PlateDesignReader($0, catalog: catalog, collector).design()
    }
    all = read.sorted { ($1.width * $1.height, $0.name) < ($0.width * $0.height, $1.name) }
    var usual: [String: String] = [:]
    for design in all {
      for kind in design.usual {
        if let other = usual[kind] {
          collector.error(design.position, "地址类型“\(kind)”的常用门牌已经是“\(other)”，不能再是“\(design.name)”")
        }
        usual[kind] = design.name
      }
    }
    index = Dictionary(all.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    findings = collector.findings.sortedByPlace
  }

  package func design(_ name: String) -> PlateDesign? { index[name].map { all[$0] } }

  /// What an address of this kind gets unless somebody chooses.
  ///
  /// - Parameter plateKind: the kind that the address record asks for, if it does.
  package func usual(for addressKind: String, plateKind: String? = nil) -> PlateDesign? {
    let suiting = all.filter { $0.suits.contains(addressKind) }
    if let plateKind, let asked = suiting.first(where: { $0.kind == plateKind }) { return asked }
    return all.first { $0.usual.contains(addressKind) } ?? suiting.first
  }
}
