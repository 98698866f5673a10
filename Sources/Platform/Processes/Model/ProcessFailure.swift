package import Core
package import YAML

/// Something in a definition that keeps it from running.
package struct ProcessProblem: Sendable, Hashable, CustomStringConvertible {
  package let position: SourcePosition
  /// The id of the element at fault, as the modeler shows it.
  package let element: String
  package let message: String

  package var description: String { "\(position): \(message)" }
}

/// A definition that cannot run, with everything found wrong with it.
package struct ProcessFailure: Error, Sendable {
  /// At least one.
  package let problems: [ProcessProblem]

  /// As an answer to somebody who drew or sent the definition.
  package var refusal: Refusal {
    let all = problems.map { Refusal(.unprocessable, "process-invalid", "\($0)", field: $0.element) }
    return Refusal(all: all) ?? Refusal(.unprocessable, "process-invalid", "流程定义不能运行。")
  }
}
