import Entities

/// A definition that has been shown to run: every element is connected as it must be, every condition can be worked
/// out, and no order of events leaves it hanging.
package struct RunnableProcess: Sendable {
  package let definition: ProcessDefinition
  package let start: ProcessNode
  private let nodes: [String: ProcessNode]
  private let leaving: [String: [ProcessFlow]]
  private let arriving: [String: [ProcessFlow]]
  private let boundaries: [String: [ProcessNode]]
  private let conditions: [String: Expression]
  private let formulas: [String: [(variable: String, formula: Expression)]]

  /// - Throws: ``ProcessFailure`` with every problem found.
  package init(_ definition: ProcessDefinition) throws(ProcessFailure) {
    var check = ProcessCheck(definition)
    check.run()
    guard check.problems.isEmpty, let start = check.start else { throw ProcessFailure(problems: check.problems) }
    self.definition = definition
    self.start = start
    nodes = check.nodes
    leaving = check.leaving
    arriving = check.arriving
    boundaries = check.boundaries
    conditions = check.conditions
    formulas = check.formulas
  }

  package func node(_ id: String) -> ProcessNode? { nodes[id] }

  package func flows(from node: String) -> [ProcessFlow] { leaving[node] ?? [] }

  package func flows(to node: String) -> [ProcessFlow] { arriving[node] ?? [] }

  /// The timers that sit on a step.
  package func boundaries(of step: String) -> [ProcessNode] { boundaries[step] ?? [] }

  func condition(of flow: ProcessFlow) -> Expression? { conditions[flow.id] }

  func formulas(of node: String) -> [(variable: String, formula: Expression)] { formulas[node] ?? [] }

  /// The flows by which what waits at `node` may come to a gateway, without passing it on the way.
  func ways(from node: String, to gateway: String) -> Set<String> {
    var found: Set<String> = []
    var seen: Set<String> = [node]
    var open = [node]
    while let one = open.popLast() {
      for flow in flows(from: one) + boundaries(of: one).flatMap({ flows(from: $0.id) }) {
        if flow.target == gateway {
          found.insert(flow.id)
        } else if seen.insert(flow.target).inserted {
          open.append(flow.target)
        }
      }
    }
    return found
  }
}
