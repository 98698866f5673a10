package import Entities

/// All templates of documents, read from the declarations and proved.
package struct DocumentTemplates: Sendable {
  private let declared: DeclaredSet<DocumentTemplate>

  package init(_ catalog: Catalog) {
    declared = DeclaredSet(.document, of: catalog) { DocumentReader($0, catalog: catalog, $1)?.template() }
  }

  /// In the order of files.
  package var all: [DocumentTemplate] { declared.all }
  /// What is wrong, in the order of files and lines.
  package var findings: [Finding] { declared.findings }

  /// The template of this name.
  package func template(_ name: String) -> DocumentTemplate? { declared[name] }
}
