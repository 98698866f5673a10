package import YAML

/// A code list (字典).
package struct DictionaryDeclaration: Sendable {
  package struct Code: Sendable {
    package let code: String
    package let label: String
    /// The code one level up, in a dictionary that is a tree.
    package let parent: String?
    /// Kept for old records, not offered for new ones (停用).
    package let retired: Bool
    package let help: String?
    package let position: SourcePosition

    package init(
      code: String, label: String, parent: String? = nil, retired: Bool = false, help: String? = nil,
      position: SourcePosition
    ) {
      self.code = code
      self.label = label
      self.parent = parent
      self.retired = retired
      self.help = help
      self.position = position
    }
  }

  package let name: String
  package let label: String
  package let source: [String]
  /// In declared order.
  package let codes: [Code]
  package let origin: DeclarationOrigin
  package let position: SourcePosition

  private let byCode: [String: Int]
  private let byLabel: [String: Int]

  package init(
    name: String, label: String, source: [String] = [], codes: [Code], origin: DeclarationOrigin = .shipped,
    position: SourcePosition
  ) {
    self.name = name
    self.label = label
    self.source = source
    self.codes = codes
    self.origin = origin
    self.position = position
    byCode = Dictionary(codes.enumerated().map { ($1.code, $0) }, uniquingKeysWith: { first, _ in first })
    byLabel = Dictionary(codes.enumerated().map { ($1.label, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// - Complexity: O(1).
  package func code(_ code: String) -> Code? { byCode[code].map { codes[$0] } }

  /// - Complexity: O(1).
  package func code(labelled label: String) -> Code? { byLabel[label].map { codes[$0] } }

  package func label(of code: String) -> String? { self.code(code)?.label }

  package func children(of parent: String?) -> [Code] { codes.filter { $0.parent == parent } }
}
