import YAML

/// The outcome of reading declarations: as much of a catalog as could be understood, and everything to be said about it.
package struct CatalogReading: Sendable {
  package let catalog: Catalog
  /// In the order of files and lines.
  package let findings: [Finding]

  /// Reads `resources` and lays a city's folder over it, without looking beyond single declarations.
  ///
  /// - Parameters:
  ///   - resources: a folder of areas, each with `entities`, `dictionaries`, `parameters`, `roles`, `menus` and
  ///     `permissions`.
  ///   - city: a folder of the same shape whose documents add declarations or change them (`extend_entity: …`).
  package init(resources: String, city: String? = nil) {
    let collector = FindingCollector()
    var documents = DeclarationFolder.documents(in: resources, origin: .shipped, collector)
    if let city {
      let name = city.split(separator: "/").last.map(String.init) ?? city
      documents += DeclarationFolder.documents(in: city, origin: .city(name), collector)
    }
    self.init(documents, collector)
  }

  /// Reads declarations from texts, each named for findings: a file path or another origin.
  package init(texts: [(name: String, text: String)]) {
    let collector = FindingCollector()
    let documents = texts.compactMap { name, text in
      DeclarationDocument(text, named: name, origin: .shipped, collector)
    }
    self.init(documents, collector)
  }

  init(_ documents: [DeclarationDocument], _ collector: FindingCollector) {
    let laidOver = OverlayMerge(documents, collector).documents
    let attachment = Attachment(laidOver, collector)
    let merged = laidOver.map(attachment.completed)
    let readers = PlatformReaders(collector: collector)
    var entities: [EntityDeclaration] = []
    var dictionaries: [DictionaryDeclaration] = []
    var parameters: [ParameterDeclaration] = []
    var roles: [RoleDeclaration] = []
    var menus: [MenuDeclaration] = []
    var permissions: [PermissionDeclaration] = []
    var others: [DeclarationDocument] = []
    for document in merged {
      switch document.kind {
      case .entity: entities.append(EntityReader(document, collector).entity())
      case .dictionary: dictionaries.append(readers.dictionary(document))
      case .parameters: parameters += readers.parameters(document)
      case .role: roles.append(readers.role(document))
      case .menu: menus.append(readers.menu(document))
      case .permissions: permissions.append(readers.permissions(document))
      case .item, .materials, .calendar, .outcome, .message, .connector, .resources, .document, .plate, .feed,
        .report:
        others.append(document)
      }
    }
    catalog = Catalog(
      entities: entities, dictionaries: dictionaries, parameters: parameters, roles: roles, menus: menus,
      permissions: permissions, others: others, documents: documents)
    findings = collector.findings.sortedByPlace
  }
}

extension DeclarationDocument {
  /// Reads a declaration that was kept as text; what is wrong goes to `collector`.
  package init?(text: String, named name: String, _ collector: FindingCollector) {
    self.init(text, named: name, origin: .shipped, collector)
  }

  init?(_ text: String, named name: String, origin: DeclarationOrigin, _ collector: FindingCollector) {
    do throws(YAMLFailure) {
      self.init(try YAMLNode(parsing: text, file: name), origin: origin, area: nil, folder: nil, collector)
    } catch {
      collector.error(error.position, error.message)
      return nil
    }
  }
}

extension Catalog {
  /// Reads and checks all declarations.
  ///
  /// - Throws: ``DeclarationFailure`` with every finding when one of them is an error.
  package static func load(resources: String, city: String? = nil, tokens: [FieldToken] = [])
    throws(DeclarationFailure) -> Catalog
  {
    try CatalogReading(resources: resources, city: city).checked(tokens: tokens)
  }

  /// Reads and checks declarations from texts.
  package static func load(texts: [(name: String, text: String)]) throws(DeclarationFailure) -> Catalog {
    try CatalogReading(texts: texts).checked(tokens: [])
  }

  /// This catalog with a declaration made at run time: a register (`entity: …`), fields added to one
  /// (`extend_entity: …`), a dictionary and so on.
  ///
  /// A text that was added under the same origin before is replaced.
  ///
  /// - Parameter origin: the name under which the text is kept.
  /// - Throws: ``DeclarationFailure`` when the result has an error; this catalog stays as it is.
  package func adding(yaml: String, origin: String) throws(DeclarationFailure) -> Catalog {
    try reading(adding: yaml, origin: origin).checked(tokens: [], accepting: accepted)
  }

  /// What ``adding(yaml:origin:)`` would have to say, warnings included.
  package func findings(adding yaml: String, origin: String) -> [Finding] {
    reading(adding: yaml, origin: origin).allFindings()
  }

  private func reading(adding yaml: String, origin: String) -> CatalogReading {
    let collector = FindingCollector()
    let document = DeclarationDocument(yaml, named: origin, origin: .runtime(origin), collector)
    let kept = documents.filter { $0.origin != .runtime(origin) }
    return CatalogReading(kept + [document].compactMap(\.self), collector)
  }

  /// This catalog with sensitive labels (敏感标记) laid over it, whatever an upgrade has made of what they name: a label is
  /// never lost and never keeps the product from starting. What may not be said or searched of a labelled field any more
  /// gives way; a register or field that is gone is passed over.
  ///
  /// - Parameter labels: declarations with `labels`, by origin; last of all, so that they find every field.
  /// - Returns: also what there is to be said of them.
  func labelled(_ labels: [(origin: String, yaml: String)]) -> (catalog: Catalog, findings: [Finding]) {
    guard !labels.isEmpty else { return (self, []) }
    let collector = FindingCollector()
    let laid = labels.compactMap { origin, yaml in
      DeclarationDocument(yaml, named: origin, origin: .runtime(origin), collector)?.givingWay
    }
    let before = Set(CatalogReading(documents, FindingCollector()).allFindings())
    let reading = CatalogReading(documents + laid, collector)
    let findings = reading.allFindings().filter { !before.contains($0) }
    var catalog = reading.catalog
    catalog.accepted = accepted.union(findings.filter { $0.severity == .error })
    return (catalog, findings)
  }

  /// This catalog without the declaration added under `origin`.
  ///
  /// - Throws: ``DeclarationFailure`` when something else still needs it.
  package func removing(origin: String) throws(DeclarationFailure) -> Catalog {
    let kept = documents.filter { $0.origin != .runtime(origin) }
    return try CatalogReading(kept, FindingCollector()).checked(tokens: [], accepting: accepted)
  }
}

extension CatalogReading {
  /// The findings of reading and of the check together.
  package func allFindings(tokens: [FieldToken] = []) -> [Finding] {
    let collector = FindingCollector()
    for finding in findings { collector.add(finding) }
    CatalogCheck(catalog, collector).run(tokens: tokens)
    return collector.findings.sortedByPlace
  }

  /// The catalog, if nothing forbids its use.
  ///
  /// - Parameter accepted: errors that are known and forbid nothing.
  package func checked(tokens: [FieldToken], accepting accepted: Set<Finding> = []) throws(DeclarationFailure)
    -> Catalog
  {
    let findings = allFindings(tokens: tokens).filter { !accepted.contains($0) }
    if findings.hasErrors { throw DeclarationFailure(findings: findings) }
    var catalog = catalog
    catalog.accepted = accepted
    return catalog
  }
}
