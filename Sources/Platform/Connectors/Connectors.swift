package import Entities

/// All connectors, read from the declarations and proved.
package struct Connectors: Sendable {
  /// In the order of files.
  package let all: [Connector]
  /// What is wrong, in the order of files and lines.
  package let findings: [Finding]

  private let index: [String: Int]

  package init(_ catalog: Catalog) {
    let collector = FindingCollector()
    all = catalog.others.filter { $0.kind == .connector }.map {
      ConnectorReader($0, catalog: catalog, collector).connector()
    }
    index = Dictionary(all.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    findings = collector.findings.sortedByPlace
  }

  package func connector(_ name: String) -> Connector? { index[name].map { all[$0] } }

  /// The operations that screen the people of a case.
  package var screenings: [(connector: Connector, operation: ConnectorOperation)] {
    all.flatMap { connector in connector.operations.filter { $0.use == .screen }.map { (connector, $0) } }
  }

  /// The operations that fill in a form.
  package func fills(of form: String) -> [(connector: Connector, operation: ConnectorOperation, fill: ConnectorFill)] {
    all.flatMap { connector in
      connector.operations.flatMap { operation in
        operation.fills.filter { $0.form == form }.map { (connector, operation, $0) }
      }
    }
  }
}
