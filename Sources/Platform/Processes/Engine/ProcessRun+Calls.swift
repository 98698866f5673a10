import Core
import Entities

/// One time a process was called (调用流程): open while anything of it is under way.
package struct ProcessCall: Sendable, Hashable {
  package let id: Int
  /// The call activity.
  package let node: String
  /// The branches that the call activity is in.
  package let branches: [ProcessBranch]
  package let cause: Int?
  package internal(set) var state: StepVisit.State
  /// Timers on it that have gone off.
  package internal(set) var fired: Set<String> = []

  /// What everything in it has in its branches: the call is a split of one branch, and its end is a join.
  var frame: ProcessBranch { ProcessBranch(split: node, activation: id, flow: "") }

  /// Whether a token is inside.
  func holds(_ token: ProcessToken) -> Bool { token.branches.contains(frame) }
}

/// Going into called processes and out of them.
extension ProcessRun {
  /// A variable as the elements of a scope name it.
  func lookup(_ scope: Substring) -> (String) -> Value {
    { name in instance.variables[scope + name] ?? .null }
  }

  mutating func assign(_ assignments: [(variable: String, formula: Expression)], from: Substring, to: Substring)
    throws(Refusal)
  {
    for (variable, formula) in assignments {
      keep(try formula.evaluate(in: engine.context, lookup(from)), as: to + variable)
    }
  }

  /// Begins a called process, with its variables empty but for what it is given.
  mutating func call(_ node: ProcessNode, _ branches: [ProcessBranch]) throws(Refusal) {
    guard let entry = process.entry(of: node.id) else { return }
    for name in entry.variables { instance.variables[name] = nil }
    try assign(entry.inputs, from: CallPath.scope(of: node.id), to: node.id + "/")
    let call = ProcessCall(id: instance.number(), node: node.id, branches: branches, cause: cause, state: .open)
    instance.calls.append(call)
    events.append(.called(call: call.id))
    try enter(entry.start, via: nil, branches: branches + [call.frame])
  }

  /// An end inside a called process: the token waits there until nothing else of it is under way; a terminating one takes
  /// everything else away.
  mutating func end(_ node: String, isTerminating: Bool, _ branches: [ProcessBranch]) {
    if isTerminating, let call = instance.calls.last(where: { $0.state == .open && branches.contains($0.frame) }) {
      for token in instance.tokens where call.holds(token) { take(token) }
      for inner in instance.calls where inner.state == .open && inner.branches.contains(call.frame) {
        close(call: inner.id, .cancelled)
      }
      terminated.insert(call.id)
    }
    place(node, nil, branches)
  }

  /// Goes on behind a called process of which nothing but ends is left.
  mutating func leaveCalls() throws(Refusal) -> Bool {
    for call in instance.calls.reversed() where call.state == .open {
      let inside = instance.tokens.filter(call.holds)
      let hasEnded = inside.allSatisfy { token in
        guard case .end = process.node(token.node)?.kind else { return false }
        return CallPath.call(of: token.node) == call.node
      }
      guard hasEnded, !inside.isEmpty, let entry = process.entry(of: call.node) else { continue }
      let ids = Set(inside.map(\.id))
      instance.tokens.removeAll { ids.contains($0.id) }
      instance.joins.append(JoinRecord(node: call.node, consumed: inside, branches: call.branches, cause: cause))
      close(call: call.id, .done)
      try assign(entry.outputs, from: call.node + "/", to: CallPath.scope(of: call.node))
      try leave(call.node, call.branches)
      return true
    }
    return false
  }

  mutating func close(call id: Int, _ state: StepVisit.State) {
    guard let index = instance.calls.firstIndex(where: { $0.id == id }) else { return }
    instance.calls[index].state = state
    events.append(.left(call: id, state))
  }

  /// After tokens have been taken away or put back: a call is open as long as a token is in it.
  mutating func closeEmptyCalls(_ state: StepVisit.State) {
    for call in instance.calls {
      let isUnderWay = instance.tokens.contains(where: call.holds)
      if call.state == .open, !isUnderWay {
        close(call: call.id, state)
      } else if call.state != .open, isUnderWay, let index = instance.calls.firstIndex(where: { $0.id == call.id }) {
        // Come back to, its time begins anew.
        instance.calls[index].state = .open
        instance.calls[index].fired = []
        events.append(.called(call: call.id))
      }
    }
  }

  /// A timer on a called process: everything of it is taken away, or a branch is opened beside it.
  mutating func fire(call index: Int, _ timer: ProcessNode, interrupts: Bool) throws(Refusal) {
    let call = instance.calls[index]
    instance.calls[index].fired.insert(timer.id)
    var branches = call.branches
    if interrupts {
      for token in instance.tokens where call.holds(token) { take(token, .timedOut) }
    } else if let flow = process.flows(from: timer.id).first {
      branches.append(ProcessBranch(split: timer.id, activation: instance.number(), flow: flow.id))
    }
    try leave(timer.id, branches)
    closeEmptyCalls(.timedOut)
  }
}
