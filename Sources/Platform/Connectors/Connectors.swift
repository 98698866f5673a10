package import Entities

/// All connectors, read from the declarations and proved.
package struct Connectors: Sendable {
  private let declared: DeclaredSet<Connector>

  package init(_ catalog: Catalog) {
    declared = DeclaredSet(.connector, of: catalog) { ConnectorReader($0, catalog: catalog, $1).connector() }
  }

  /// In the order of files.
  package var all: [Connector] { declared.all }
  /// What is wrong, in the order of files and lines.
  package var findings: [Finding] { declared.findings }

  /// The connector of this name.
  package func connector(_ name: String) -> Connector? { declared[name] }

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
