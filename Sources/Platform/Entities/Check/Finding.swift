package import YAML

/// Something that the check has to say about a declaration.
package struct Finding: Sendable, Hashable, CustomStringConvertible {
  package enum Severity: String, Sendable, Hashable, Comparable {
    /// Nothing may be published with it.
    case error
    /// Works, but is probably not meant.
    case warning

    package static func < (a: Severity, b: Severity) -> Bool { a == .error && b == .warning }
  }

  package let severity: Severity
  package let position: SourcePosition
  package let message: String

  package init(_ severity: Severity, _ position: SourcePosition, _ message: String) {
    self.severity = severity
    self.position = position
    self.message = message
  }

  /// `Resources/spine/entities/building.yaml:12:5: 错误：…`, a form that editors jump to.
  package var description: String { "\(position): \(severity == .error ? "错误" : "提醒")：\(message)" }
}

/// Declarations that cannot be used as they are; carries every finding, errors first in the order of files and lines.
package struct DeclarationFailure: Error, Sendable, CustomStringConvertible {
  package let findings: [Finding]

  package var errors: [Finding] { findings.filter { $0.severity == .error } }

  package var description: String { findings.map(\.description).joined(separator: "\n") }
}

/// Gathers findings while one thread reads declarations.
package final class FindingCollector {
  package private(set) var findings: [Finding] = []
  private var seen: Set<Finding> = []

  package init() {}

  package func error(_ position: SourcePosition, _ message: String) { add(Finding(.error, position, message)) }

  package func warning(_ position: SourcePosition, _ message: String) { add(Finding(.warning, position, message)) }

  package func add(_ finding: Finding) { if seen.insert(finding).inserted { findings.append(finding) } }
}

extension [Finding] {
  /// By file, line and column, errors before warnings at one place.
  package var sortedByPlace: [Finding] {
    sorted { ($0.position, $0.severity, $0.message) < ($1.position, $1.severity, $1.message) }
  }

  package var hasErrors: Bool { contains { $0.severity == .error } }
}
