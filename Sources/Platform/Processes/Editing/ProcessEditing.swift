package import Core
import YAML

/// Changes of a definition as they are made in the designer (流程设计): each gives a new definition, which may have
/// faults that ``RunnableProcess`` then names.
extension ProcessDefinition {
  // MARK: What there is

  /// The steps as a case comes to them (审批链).
  package var stepsInOrder: [(node: ProcessNode, rule: StepRule)] {
    nodesInOrder.compactMap { node in if case .step(let rule) = node.kind { (node, rule) } else { nil } }
  }

  /// The steps and the processes it calls, as a case comes to them.
  package var workInOrder: [ProcessNode] {
    nodesInOrder.filter { node in
      switch node.kind {
      case .step, .call: true
      default: false
      }
    }
  }

  /// Whether the steps follow each other in one line: nothing runs side by side, nothing waits for time, and nothing is
  /// passed twice unless somebody sends it back.
  package var isChain: Bool {
    nodes.allSatisfy { node in
      switch node.kind {
      case .start, .end, .step, .exclusive, .decision, .call: true
      case .service, .parallel, .inclusive, .timer, .boundary: false
      }
    }
  }

  /// The element of this id.
  package func node(_ id: String) -> ProcessNode? { nodes.first { $0.id == id } }

  /// The flows that leave an element.
  package func flows(from id: String) -> [ProcessFlow] { flows.filter { $0.source == id } }

  /// The flows that come to an element.
  package func flows(to id: String) -> [ProcessFlow] { flows.filter { $0.target == id } }

  // MARK: Steps

  /// With another name and rule for a step.
  package func updatingStep(_ id: String, name: String, rule: StepRule) throws(Refusal) -> ProcessDefinition {
    guard let old = node(id), case .step = old.kind else { throw ProcessDefinition.missing }
    return replacing(
      nodes: nodes.map { node in
        node.id == id ? ProcessNode(id: id, name: name, kind: .step(rule), position: old.position) : node
      }, flows: flows)
  }

  /// With a new step behind `id`, an element that one flow leaves.
  package func insertingStep(_ rule: StepRule, named name: String, behind id: String) throws(Refusal)
    -> (definition: ProcessDefinition, step: String)
  {
    try inserting(.step(rule), "step", named: name, behind: id)
  }

  /// With a call of another process behind `id`, likewise.
  package func insertingCall(_ rule: CallRule, named name: String, behind id: String) throws(Refusal)
    -> (definition: ProcessDefinition, step: String)
  {
    try inserting(.call(rule), "call", named: name, behind: id)
  }

  /// With another name and rule for a call.
  package func updatingCall(_ id: String, name: String, rule: CallRule) throws(Refusal) -> ProcessDefinition {
    guard let old = node(id), case .call = old.kind else { throw ProcessDefinition.missing }
    return replacing(
      nodes: nodes.map { node in
        node.id == id ? ProcessNode(id: id, name: name, kind: .call(rule), position: old.position) : node
      }, flows: flows)
  }

  private func inserting(_ kind: ProcessNode.Kind, _ prefix: String, named name: String, behind id: String)
    throws(Refusal) -> (definition: ProcessDefinition, step: String)
  {
    let leaving = flows(from: id)
    guard let flow = leaving.first, leaving.count == 1 else {
      throw Refusal(
        .conflict, "process-edit", "“\(node(id)?.label ?? id)”后面分成几路，看不出环节该加在哪一路。请在其中一路的环节后面添加。")
    }
    let new = freshID(prefix)
    let node = ProcessNode(id: new, name: name, kind: kind, position: .drawn(self.id))
    var nodes = nodes
    nodes.insert(node, at: (nodes.firstIndex { $0.id == id } ?? nodes.count - 1) + 1)
    let made = replacing(
      nodes: nodes,
      flows: flows.map { $0.id == flow.id ? $0.changed(target: new) : $0 } + [
        ProcessFlow(id: freshID("flow"), source: new, target: flow.target, position: .drawn(self.id))
      ])
    return (made, new)
  }

  /// Without a step: whatever led to it leads to what came behind it.
  package func removingStep(_ id: String) throws(Refusal) -> ProcessDefinition {
    _ = try step(id)
    guard workInOrder.count > 1 else {
      throw Refusal(.conflict, "process-edit", "这是流程唯一的环节，不能删除。请先添加别的环节。")
    }
    guard let next = flows(from: id).first?.target, next != id else {
      throw Refusal(.conflict, "process-edit", "这个环节后面没有连线，不能自动接上。请先接好后面的环节。")
    }
    let timers = Set(
      nodes.compactMap { node in if case .boundary(id, _, _) = node.kind { node.id } else { nil } })
    let gone = timers.union([id])
    return replacing(
      nodes: nodes.filter { !gone.contains($0.id) },
      flows: flows.filter { !gone.contains($0.source) }.map { $0.target == id ? $0.changed(target: next) : $0 }
    ).withoutIdleGateways
  }

  /// With a step before or behind its neighbour, where only a flow lies between them.
  package func movingStep(_ id: String, up: Bool) throws(Refusal) -> ProcessDefinition {
    _ = try step(id)
    let other = up ? flows(to: id).map(\.source) : flows(from: id).map(\.target)
    guard other.count == 1, (try? step(other[0])) != nil else {
      throw Refusal(
        .conflict, "process-edit", "“\(node(id)?.label ?? id)”\(up ? "前" : "后")面不是直接相连的环节，不能移动。请删除后在要的位置重新添加。")
    }
    let (first, second) = up ? (other[0], id) : (id, other[0])
    guard flows(to: second).count == 1, flows(from: first).count == 1 else {
      throw Refusal(.conflict, "process-edit", "两个环节之间还有别的连线，不能移动。请先删去那些连线。")
    }
    let moved = flows.map { flow -> ProcessFlow in
      if flow.source == first, flow.target == second { return flow.changed(source: second, target: first) }
      if flow.target == first { return flow.changed(target: second) }
      if flow.source == second { return flow.changed(source: first) }
      return flow
    }
    return replacing(nodes: nodes, flows: moved)
  }

  // MARK: Branches

  /// With a way from behind `id` to `target` when `condition` holds (分支、退回); what was there stays as the way for
  /// all other cases.
  package func branching(behind id: String, when condition: String, named name: String, to target: String)
    throws(Refusal) -> ProcessDefinition
  {
    guard let destination = node(target) else { throw ProcessDefinition.missing }
    switch destination.kind {
    case .start, .boundary: throw Refusal(.conflict, "process-edit", "不能走到“\(destination.label)”。请选择环节或结束。")
    default: break
    }
    guard let flow = flows(from: id).first, flows(from: id).count == 1 else { throw ProcessDefinition.missing }
    let next = node(flow.target)
    let way = { (source: String) in
      ProcessFlow(
        id: freshID("flow"), name: name, source: source, target: target, condition: condition,
        position: .drawn(self.id))
    }
    if let next, next.kind == .exclusive, flows(from: next.id).count > 1 {
      return replacing(nodes: nodes, flows: flows + [way(next.id)])
    }
    let gateway = freshID("choice")
    var nodes = nodes
    nodes.insert(
      ProcessNode(id: gateway, name: "", kind: .exclusive, position: .drawn(self.id)),
      at: (nodes.firstIndex { $0.id == id } ?? nodes.count - 1) + 1)
    let other = ProcessFlow(
      id: freshID("other"), source: gateway, target: flow.target, isDefault: true, position: .drawn(self.id))
    return replacing(
      nodes: nodes,
      flows: flows.map { $0.id == flow.id ? $0.changed(target: gateway) : $0 } + [way(gateway), other])
  }

  /// With another condition on a flow.
  package func updatingFlow(_ id: String, condition: String, named name: String) throws(Refusal) -> ProcessDefinition {
    guard flows.contains(where: { $0.id == id && !$0.isDefault }) else { throw ProcessDefinition.missing }
    return replacing(
      nodes: nodes,
      flows: flows.map { flow in
        flow.id == id
          ? ProcessFlow(
            id: id, name: name, source: flow.source, target: flow.target, condition: condition,
            position: flow.position) : flow
      })
  }

  /// Without a conditional flow.
  package func removingFlow(_ id: String) throws(Refusal) -> ProcessDefinition {
    guard flows.contains(where: { $0.id == id && $0.condition != nil }) else {
      throw Refusal(.conflict, "process-edit", "只能删除带条件的分支；其余情况走的路要保留。")
    }
    return replacing(nodes: nodes, flows: flows.filter { $0.id != id }).withoutIdleGateways
  }

  // MARK: The rest

  /// With another name and other variables.
  package func renamed(_ name: String, variables: [ProcessVariable]? = nil) -> ProcessDefinition {
    ProcessDefinition(
      id: id, name: name, variables: variables ?? self.variables, nodes: nodes, flows: flows, layout: layout)
  }

  /// The same under another id, for a new process that begins as a copy.
  package func copied(as id: String, named name: String) -> ProcessDefinition {
    ProcessDefinition(id: id, name: name, variables: variables, nodes: nodes, flows: flows, layout: layout)
  }

  private static let missing = Refusal(.notFound, "process-element", "流程里没有这个元素，可能已被改动。请刷新后重试。")

  /// A step or a call, which stand in the chain alike.
  @discardableResult
  private func step(_ id: String) throws(Refusal) -> ProcessNode {
    guard let node = workInOrder.first(where: { $0.id == id }) else { throw ProcessDefinition.missing }
    return node
  }

  /// A drawing that places every element is kept; one that no longer does is worked out anew.
  private func replacing(nodes: [ProcessNode], flows: [ProcessFlow]) -> ProcessDefinition {
    var layout = layout
    layout.frames = layout.frames.filter { frame in nodes.contains { $0.id == frame.key } }
    layout.lines = [:]
    if !nodes.allSatisfy({ layout.frames[$0.id] != nil }) { layout = ProcessLayout() }
    return ProcessDefinition(id: id, name: name, variables: variables, nodes: nodes, flows: flows, layout: layout)
  }

  /// Without choices that have become one way.
  private var withoutIdleGateways: ProcessDefinition {
    var definition = self
    while let idle = definition.nodes.first(where: { node in
      node.kind == .exclusive && definition.flows(from: node.id).count == 1
        && definition.flows(from: node.id)[0].target != node.id && definition.flows(from: node.id)[0].isDefault
    }) {
      let next = definition.flows(from: idle.id)[0].target
      definition = definition.replacing(
        nodes: definition.nodes.filter { $0.id != idle.id },
        flows: definition.flows.filter { $0.source != idle.id }.map {
          $0.target == idle.id ? $0.changed(target: next) : $0
        })
    }
    return definition
  }

  private func freshID(_ prefix: String) -> String {
    let known = Set(nodes.map(\.id) + flows.map(\.id))
    var number = 1
    while known.contains("\(prefix)_\(number)") { number += 1 }
    return "\(prefix)_\(number)"
  }
}

extension ProcessFlow {
  fileprivate func changed(source: String? = nil, target: String? = nil) -> ProcessFlow {
    ProcessFlow(
      id: id, name: name, source: source ?? self.source, target: target ?? self.target, condition: condition,
      isDefault: isDefault, position: position)
  }
}

extension SourcePosition {
  /// Of what was made in the designer and stands in no file.
  fileprivate static func drawn(_ process: String) -> SourcePosition {
    SourcePosition(file: process, line: 1, column: 1)
  }
}
