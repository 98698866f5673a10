/// A place in a declaration file, as people and editors count: the first line and column are 1.
package struct SourcePosition: Sendable, Hashable, CustomStringConvertible {
  /// The path as it was given to the parser, or the origin of a text that is not a file.
  package let file: String
  package let line: Int
  package let column: Int

  package init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  /// `Resources/spine/entities/building.yaml:12:5`.
  package var description: String { "\(file):\(line):\(column)" }

  /// The place `columns` characters further on the same line.
  package func advanced(by columns: Int) -> SourcePosition {
    SourcePosition(file: file, line: line, column: column + columns)
  }
}

extension SourcePosition: Comparable {
  package static func < (a: SourcePosition, b: SourcePosition) -> Bool {
    (a.file, a.line, a.column) < (b.file, b.line, b.column)
  }
}
