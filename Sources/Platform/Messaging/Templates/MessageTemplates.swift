package import Entities

/// All templates, read from the declarations and proved.
package struct MessageTemplates: Sendable {
  private let declared: DeclaredSet<MessageTemplate>

  package init(_ catalog: Catalog) {
    let settings = Set(catalog.parameters.filter(\.isOwn).map(\.name))
    declared = DeclaredSet(.message, of: catalog) { MessageTemplateReader($0, $1, settings: settings).template() }
  }

  /// In the order of files.
  package var all: [MessageTemplate] { declared.all }
  /// What is wrong, in the order of files and lines.
  package var findings: [Finding] { declared.findings }

  /// The templates that say a parameter, by label.
  package func saying(_ parameter: String) -> [String] {
    all.filter { $0.settings.contains(parameter) }.map(\.label)
  }

  /// The template of this name.
  package func template(_ name: String) -> MessageTemplate? { declared[name] }
}
