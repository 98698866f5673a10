/// A document that cannot be read, with the place and the reason in Chinese.
package struct YAMLFailure: Error, Sendable, Hashable, CustomStringConvertible {
  package let position: SourcePosition
  package let message: String

  package init(at position: SourcePosition, _ message: String) {
    self.position = position
    self.message = message
  }

  package var file: String { position.file }
  package var line: Int { position.line }
  package var column: Int { position.column }

  /// `building.yaml:3:7: 键“label”重复`.
  package var description: String { "\(position): \(message)" }
}
