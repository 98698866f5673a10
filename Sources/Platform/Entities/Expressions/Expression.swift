package import YAML

/// A formula or condition of a declaration, parsed and type-checked against the fields of its entity.
package struct Expression: Sendable {
  package let text: String
  package let position: SourcePosition

  init(text: String, position: SourcePosition) {
    self.text = text
    self.position = position
  }
}
