import YAML

extension Catalog {
  /// This catalog with other texts for service items, calendars, messages and whatever else modules above read: each
  /// takes the place of the one with its kind and name, or is added.
  ///
  /// - Parameter texts: as in `Resources`, each with the name that findings give it.
  /// - Returns: also what is wrong with the texts as such; what they mean, their modules judge.
  package func laying(_ texts: [(file: String, yaml: String)]) -> (catalog: Catalog, findings: [Finding]) {
    let collector = FindingCollector()
    var others = others
    for (file, yaml) in texts {
      guard let document = DeclarationDocument(text: yaml, named: file, collector) else { continue }
      if document.extends {
        collector.error(document.namePosition, "请写出完整的\(document.kind.label)（\(document.kind.rawValue): 名称），这里不能只写改动")
        continue
      }
      if let index = others.firstIndex(where: { $0.kind == document.kind && $0.name == document.name }) {
        others[index] = document
      } else {
        others.append(document)
      }
    }
    var catalog = Catalog(
      entities: entities, dictionaries: dictionaries, parameters: parameters, roles: roles, menus: menus,
      permissions: permissions, others: others, documents: documents)
    catalog.accepted = accepted
    return (catalog, collector.findings.sortedByPlace)
  }
}
