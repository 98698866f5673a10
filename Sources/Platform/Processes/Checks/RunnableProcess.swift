import Entities

/// A definition that has been shown to run: every element is connected as it must be, every condition can be worked
/// out, and no order of events leaves it hanging.
///
/// What it calls is part of it, under names with the call activity before them (see ``CallPath``): a case stays on the
/// called processes as they were when it began.
package struct RunnableProcess: Sendable {
  /// Everything a case may come to: the process with all that it calls, theirs included.
  package let definition: ProcessDefinition
  /// The process as it was drawn.
  package let source: ProcessDefinition
  /// What its call activities go through, by their id; each as it was drawn.
  package let called: [String: RunnableProcess]
  package let start: ProcessNode
  private let nodes: [String: ProcessNode]
  private let leaving: [String: [ProcessFlow]]
  private let arriving: [String: [ProcessFlow]]
  private let boundaries: [String: [ProcessNode]]
  private let conditions: [String: Expression]
  private let formulas: [String: [(variable: String, formula: Expression)]]
  private let entries: [String: CallEntry]

  /// What is done when a process is called and when it has ended; names as a case knows them.
  struct CallEntry: Sendable {
    var start: String
    /// All variables that begin empty.
    var variables: [String]
    var inputs: [(variable: String, formula: Expression)]
    var outputs: [(variable: String, formula: Expression)]
  }

  /// Elements that a case may come to, called processes included.
  private static let limit = 2_000

  /// - Parameter library: the processes that it may call, by id.
  /// - Throws: ``ProcessFailure`` with every problem found.
  package init(_ definition: ProcessDefinition, calling library: [String: ProcessDefinition] = [:])
    throws(ProcessFailure)
  {
    try self.init(definition, calling: library, within: [])
  }

  /// - Parameter path: the processes that call it, the outermost first.
  init(_ definition: ProcessDefinition, calling library: [String: ProcessDefinition], within path: [String])
    throws(ProcessFailure)
  {
    var check = ProcessCheck(definition, calling: library, within: path)
    check.run()
    guard check.problems.isEmpty, let start = check.start else { throw ProcessFailure(problems: check.problems) }
    var nodes = check.nodes
    var leaving = check.leaving
    var arriving = check.arriving
    var boundaries = check.boundaries
    var conditions = check.conditions
    var formulas = check.formulas
    var entries: [String: CallEntry] = [:]
    var all = definition
    for (call, callee) in check.called.sorted(by: { $0.key < $1.key }) {
      let scope = call + String(CallPath.mark)
      let part = callee.definition.within(scope)
      for node in part.nodes { nodes[node.id] = node }
      for flow in part.flows {
        leaving[flow.source, default: []].append(flow)
        arriving[flow.target, default: []].append(flow)
      }
      for node in part.nodes {
        if case .boundary(let host, _, _) = node.kind { boundaries[host, default: []].append(node) }
      }
      for (id, condition) in callee.conditions { conditions[scope + id] = condition }
      for (id, assignments) in callee.formulas { formulas[scope + id] = assignments }
      for (id, entry) in callee.entries { entries[scope + id] = entry.within(scope) }
      entries[call] = CallEntry(
        start: scope + callee.start.id, variables: part.variables.map(\.name), inputs: check.inputs[call] ?? [],
        outputs: check.outputs[call] ?? [])
      all = all.with(part)
    }
    if let long = all.nodes.first(where: { $0.id.count > 100 })
      ?? (all.nodes.count > Self.limit ? all.nodes.first : nil)
    {
      throw ProcessFailure(problems: [
        ProcessProblem(
          position: long.position, element: long.id,
          message: "调用的流程太多或层次太深：连同被调用的最多 \(Self.limit) 个元素，编号连起来最多 100 个字。请减少调用。")
      ])
    }
    source = definition
    self.definition = all
    called = check.called
    self.start = start
    self.nodes = nodes
    self.leaving = leaving
    self.arriving = arriving
    self.boundaries = boundaries
    self.conditions = conditions
    self.formulas = formulas
    self.entries = entries
  }

  package func node(_ id: String) -> ProcessNode? { nodes[id] }

  package func flows(from node: String) -> [ProcessFlow] { leaving[node] ?? [] }

  package func flows(to node: String) -> [ProcessFlow] { arriving[node] ?? [] }

  /// The timers that sit on a step or a call activity.
  package func boundaries(of step: String) -> [ProcessNode] { boundaries[step] ?? [] }

  /// Whether it calls a process, directly or by way of others.
  package func calls(_ process: String) -> Bool {
    called.values.contains { $0.source.id == process || $0.calls(process) }
  }

  /// Everything it calls, by the id of the process.
  package var callees: [String: RunnableProcess] {
    called.values.reduce(into: [:]) { all, callee in
      all[callee.source.id] = callee
      all.merge(callee.callees) { first, _ in first }
    }
  }

  func condition(of flow: ProcessFlow) -> Expression? { conditions[flow.id] }

  /// Formulas of a decision, with the variables as their process names them.
  func formulas(of node: String) -> [(variable: String, formula: Expression)] { formulas[node] ?? [] }

  func entry(of call: String) -> CallEntry? { entries[call] }

  /// The variables that find handlers by the role of a choice: filled in when a case begins, or by whoever calls.
  var rolesNeeded: [String] {
    var found: [String] = []
    for node in source.nodes {
      if case .step(let rule) = node.kind, case .roleOf(let name) = rule.handler, !found.contains(name) {
        found.append(name)
      }
    }
    return found
  }

  /// Whether it may come to an end without asking anybody or waiting.
  var mayPassAtOnce: Bool {
    var seen: Set<String> = [start.id]
    var open = [start.id]
    while let one = open.popLast() {
      switch nodes[one]?.kind {
      case .end: return true
      case .step, .timer, nil: continue
      case .call: if called[one]?.mayPassAtOnce != true { continue }
      default: break
      }
      open += flows(from: one).map(\.target).filter { seen.insert($0).inserted }
    }
    return false
  }

  /// The flows by which what waits at `node` may come to a gateway, without passing it on the way. What is in a called
  /// process waits, to the caller, at the call activity.
  func ways(from node: String, to gateway: String) -> Set<String> {
    guard let node = CallPath.name(of: node, in: CallPath.scope(of: gateway)), node != gateway else { return [] }
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

extension RunnableProcess.CallEntry {
  fileprivate func within(_ scope: String) -> Self {
    var entry = self
    entry.start = scope + start
    entry.variables = variables.map { scope + $0 }
    return entry
  }
}

extension ProcessDefinition {
  fileprivate func with(_ part: ProcessDefinition) -> ProcessDefinition {
    ProcessDefinition(
      id: id, name: name, variables: variables + part.variables, nodes: nodes + part.nodes, flows: flows + part.flows,
      layout: layout)
  }
}
