package import Entities

/// All templates, read from the declarations and proved.
package struct MessageTemplates: Sendable {
  private let declared: DeclaredSet<MessageTemplate>
  private let byRegister: [String: [MessageTemplate]]

  package init(_ catalog: Catalog) {
    declared = DeclaredSet(.message, of: catalog) { MessageTemplateReader($0, catalog, $1).template() }
    byRegister = Dictionary(grouping: declared.all.filter { $0.trigger != nil }) { $0.trigger?.register ?? "" }
  }

  /// Those that send themselves when something happens to a record of this register.
  func triggered(by register: String) -> [MessageTemplate] { byRegister[register] ?? [] }

  /// In the order of files.
  package var all: [MessageTemplate] { declared.all }
  /// What is wrong, in the order of files and lines.
  package var findings: [Finding] { declared.findings }

  /// The template of this name.
  package func template(_ name: String) -> MessageTemplate? { declared[name] }
}
