/// How much a document may hold, so that a small hostile file cannot occupy the machine.
package struct YAMLLimits: Sendable {
  /// Bytes of text.
  package var bytes = 4 << 20
  /// Nesting of sequences and mappings.
  package var depth = 64
  /// Scalars, sequences and mappings, each alias counted as all that it stands for.
  package var nodes = 500_000

  package init() {}
}
