/// What a call activity (调用流程, BPMN `callActivity`) asks of another process.
///
/// The called process has variables of its own: they are empty each time it is called, what it is given stands in
/// ``inputs``, and what the caller learns of it in ``outputs``.
package struct CallRule: Sendable, Hashable {
  /// The id of the process that is called.
  package let process: String
  /// Variables of the called process, by formulas over the caller's.
  package let inputs: [ProcessAssignment]
  /// Variables of the caller, by formulas over those of the called process when it has ended.
  package let outputs: [ProcessAssignment]

  package init(process: String, inputs: [ProcessAssignment] = [], outputs: [ProcessAssignment] = []) {
    self.process = process
    self.inputs = inputs
    self.outputs = outputs
  }
}

/// Names inside called processes: those of the call activity and of the called process with ``mark`` between them, so that
/// one process called at two places is two different things to a case.
package enum CallPath {
  /// Parts the names; no element and no variable has it in its own.
  package static let mark: Character = "/"

  /// What the name stands in: `verify/` for `verify/review`; empty for what the process itself holds.
  package static func scope(of id: String) -> Substring {
    id.lastIndex(of: mark).map { id[...$0] } ?? ""
  }

  /// The call activity that `id` is in; `nil` for what the process itself holds.
  package static func call(of id: String) -> String? {
    let scope = scope(of: id)
    return scope.isEmpty ? nil : String(scope.dropLast())
  }

  /// The name as its own process has it: `review` for `verify/review`.
  package static func local(_ id: String) -> Substring { id.dropFirst(scope(of: id).count) }

  /// The name by which what is in `id` is known in `scope`: itself, or the call activity there; `nil` when it is elsewhere.
  package static func name(of id: String, in scope: Substring) -> String? {
    guard id.hasPrefix(scope) else { return nil }
    let rest = id.dropFirst(scope.count)
    return String(scope + rest.prefix { $0 != mark })
  }
}

extension ProcessDefinition {
  /// The processes that it calls, each once.
  package var calls: [String] {
    var found: [String] = []
    for node in nodes {
      if case .call(let rule) = node.kind, !found.contains(rule.process) { found.append(rule.process) }
    }
    return found
  }

  /// Everything of it as part of a caller: all names with `scope` before them.
  func within(_ scope: String) -> ProcessDefinition {
    ProcessDefinition(
      id: id, name: name,
      variables: variables.map {
        ProcessVariable(name: scope + $0.name, label: $0.label, kind: $0.kind, choices: $0.choices)
      },
      nodes: nodes.map {
        ProcessNode(id: scope + $0.id, name: $0.name, kind: $0.kind.within(scope), position: $0.position)
      },
      flows: flows.map { flow in
        ProcessFlow(
          id: scope + flow.id, name: flow.name, source: scope + flow.source, target: scope + flow.target,
          condition: flow.condition, isDefault: flow.isDefault, position: flow.position)
      })
  }
}

extension ProcessNode.Kind {
  /// What stands in formulas is left as it is: they are worked out within the scope of their element.
  fileprivate func within(_ scope: String) -> ProcessNode.Kind {
    switch self {
    case .boundary(let host, let after, let interrupts):
      .boundary(host: scope + host, after: after, interrupts: interrupts)
    case .step(let rule): .step(rule.within(scope))
    default: self
    }
  }
}

extension StepRule {
  fileprivate func within(_ scope: String) -> StepRule {
    StepRule(
      handler: handler.within(scope), fallback: fallback.within(scope), signing: signing,
      inputs: inputs.map { StepInput(variable: scope + $0.variable, isRequired: $0.isRequired) }, limit: limit,
      pausesClock: pausesClock, edits: edits, reminder: reminder, overdue: overdue?.within(scope), dispatch: dispatch,
      fields: fields)
  }
}

extension StepHandler {
  fileprivate func within(_ scope: String) -> StepHandler {
    switch self {
    case .sameAs(let step): .sameAs(step: scope + step)
    case .roleOf(let variable): .roleOf(variable: scope + variable)
    default: self
    }
  }
}

extension OverdueRule {
  fileprivate func within(_ scope: String) -> OverdueRule {
    if case .back(let step?) = self { .back(to: scope + step) } else { self }
  }
}
