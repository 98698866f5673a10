package import Entities

/// All templates, read from the declarations and proved.
package struct MessageTemplates: Sendable {
  private let declared: DeclaredSet<MessageTemplate>

  package init(_ catalog: Catalog) {
    declared = DeclaredSet(.message, of: catalog) { MessageTemplateReader($0, $1).template() }
  }

  /// In the order of files.
  package var all: [MessageTemplate] { declared.all }
  /// What is wrong, in the order of files and lines.
  package var findings: [Finding] { declared.findings }

  /// The template of this name.
  package func template(_ name: String) -> MessageTemplate? { declared[name] }
}
