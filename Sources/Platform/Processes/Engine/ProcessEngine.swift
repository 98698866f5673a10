package import Core
package import Entities

/// Moves instances of one process.
///
/// Pure: what it needs of the world — the time, who handles a step — is handed in, and what it wants done it tells as
/// events. So the same engine runs in a transaction, in a simulation and in tests.
package struct ProcessEngine: Sendable {
  /// Finds who handles a step; nobody is an answer, and then the fallback is asked for. A step that is not shared asks
  /// the first of them, who may be a pool.
  package typealias Finder =
    @Sendable (_ handler: StepHandler, _ isShared: Bool, _ instance: ProcessInstance) -> [Participant]

  /// Chooses who of a pool is asked (派单); `nil` leaves it to the pool.
  package typealias Dispatcher =
    @Sendable (_ step: String, _ pool: Participant, _ dispatch: Dispatch) -> Participant?

  package let process: RunnableProcess
  let find: Finder
  let dispatch: Dispatcher
  let context: EvaluationContext

  package init(
    _ process: RunnableProcess, context: EvaluationContext, dispatch: @escaping Dispatcher = { _, _, _ in nil },
    find: @escaping Finder
  ) {
    self.process = process
    self.find = find
    self.dispatch = dispatch
    self.context = context
  }

  /// A new instance, moved on to where it first waits.
  ///
  /// - Throws: ``Refusal`` when a condition cannot be worked out or nobody can be asked.
  package func start(_ variables: [String: Value] = [:]) throws(Refusal) -> (ProcessInstance, [ProcessEvent]) {
    var run = ProcessRun(self, ProcessInstance(variables: [:]), cause: nil)
    try run.set(variables)
    try run.enter(process.start.id, via: nil, branches: [])
    try run.settle()
    return (run.instance, run.events)
  }

  /// The instance after a move.
  ///
  /// - Throws: ``Refusal`` when the move is not possible now; the instance stays as it was.
  package func apply(_ move: ProcessMove, to instance: ProcessInstance) throws(Refusal) -> (
    ProcessInstance, [ProcessEvent]
  ) {
    var run = ProcessRun(self, instance, cause: nil)
    try run.perform(move)
    return (run.instance, run.events)
  }
}

/// One move being made.
struct ProcessRun {
  let engine: ProcessEngine
  var instance: ProcessInstance
  var events: [ProcessEvent] = []
  /// The visit whose end set off what happens now.
  var cause: Int?
  /// Called processes that a terminating end has stopped in this move: what is still on its way in them ends.
  var terminated: Set<Int> = []

  init(_ engine: ProcessEngine, _ instance: ProcessInstance, cause: Int?) {
    self.engine = engine
    self.instance = instance
    self.cause = cause
  }

  var process: RunnableProcess { engine.process }

  mutating func set(_ variables: [String: Value]) throws(Refusal) {
    for (name, value) in variables.sorted(by: { $0.key < $1.key }) {
      guard let declared = process.definition.variables.first(where: { $0.name == name }) else {
        throw Refusal(.invalid, "process-variable", "流程没有变量“\(name)”。请改正后再提交。", field: name)
      }
      guard declared.kind.accepts(value) else {
        throw Refusal(.invalid, "process-variable", "“\(declared.label)”的内容类型不符。请改正后再提交。", field: name)
      }
      if !declared.choices.isEmpty, let text = value.text, declared.choice(text) == nil {
        throw Refusal(.invalid, "process-variable", "“\(declared.label)”没有“\(text)”这一项。请重新选择后再提交。", field: name)
      }
      keep(value, as: name)
    }
  }

  /// Gives a variable its value; one without a value is not kept.
  mutating func keep(_ value: Value, as name: String) {
    if instance.variables[name] ?? .null != value { events.append(.set(variable: name)) }
    instance.variables[name] = value.isNull ? nil : value
  }

  // MARK: Tokens

  /// Comes to a node: goes on at once, or leaves a token there that waits.
  mutating func enter(_ id: String, via: String?, branches: [ProcessBranch]) throws(Refusal) {
    guard let node = process.node(id), !branches.contains(where: { terminated.contains($0.activation) }) else { return }
    events.append(.entered(node: id))
    switch node.kind {
    case .start, .boundary: try leave(id, branches)
    case .end(let isTerminating):
      if CallPath.call(of: id) != nil {
        end(id, isTerminating: isTerminating, branches)
      } else if isTerminating {
        stop(.cancelled)
        change(.finished)
      }
    case .step(let rule): try open(node, rule, branches)
    case .service(let action):
      events.append(.service(action: action, node: id))
      if let cause, let index = instance.visits.firstIndex(where: { $0.id == cause }) {
        instance.visits[index].hasEffects = true
      }
      try leave(id, branches)
    case .decision:
      let scope = CallPath.scope(of: id)
      try assign(process.formulas(of: id), from: scope, to: scope)
      try leave(id, branches)
    case .call: try call(node, branches)
    case .exclusive:
      try follow([try choice(node)], from: id, branches)
    case .parallel:
      place(id, via, branches)
      try joinAll(node)
    case .inclusive: place(id, via, branches)
    case .timer:
      place(id, nil, branches)
      if let token = instance.tokens.last { events.append(.timer(token: token.id)) }
    }
  }

  mutating func place(_ node: String, _ via: String?, _ branches: [ProcessBranch], visit: Int? = nil) {
    instance.tokens.append(
      ProcessToken(id: instance.number(), node: node, via: via, branches: branches, cause: cause, visit: visit))
  }

  mutating func leave(_ node: String, _ branches: [ProcessBranch]) throws(Refusal) {
    try follow(process.flows(from: node), from: node, branches)
  }

  /// Goes along flows; more than one makes branches.
  mutating func follow(_ flows: [ProcessFlow], from node: String, _ branches: [ProcessBranch]) throws(Refusal) {
    guard flows.count > 1 else {
      if let flow = flows.first { try enter(flow.target, via: flow.id, branches: branches) }
      return
    }
    let activation = instance.number()
    for flow in flows where instance.state == .running {
      try enter(
        flow.target, via: flow.id,
        branches: branches + [ProcessBranch(split: node, activation: activation, flow: flow.id)])
    }
  }

  private func choice(_ node: ProcessNode) throws(Refusal) -> ProcessFlow {
    let flows = process.flows(from: node.id)
    let scope = CallPath.scope(of: node.id)
    for flow in flows {
      if let condition = process.condition(of: flow), try condition.holds(in: engine.context, lookup(scope)) {
        return flow
      }
    }
    guard let other = flows.first(where: \.isDefault) ?? (flows.count == 1 ? flows.first : nil) else {
      throw Refusal(.unprocessable, "process-no-branch", "在“\(node.label)”没有一个条件成立。请联系系统管理员检查流程。")
    }
    return other
  }

  private func choices(_ node: ProcessNode) throws(Refusal) -> [ProcessFlow] {
    let flows = process.flows(from: node.id)
    let scope = CallPath.scope(of: node.id)
    var chosen: [ProcessFlow] = []
    for flow in flows {
      if let condition = process.condition(of: flow), try condition.holds(in: engine.context, lookup(scope)) {
        chosen.append(flow)
      }
    }
    return chosen.isEmpty ? [try choice(node)] : chosen
  }

  // MARK: Joins

  /// A parallel gateway goes on when a token has come by each of its flows.
  private mutating func joinAll(_ node: ProcessNode) throws(Refusal) {
    var consumed: [ProcessToken] = []
    for flow in process.flows(to: node.id) {
      guard let token = instance.tokens.first(where: { $0.node == node.id && $0.via == flow.id }) else { return }
      consumed.append(token)
    }
    try goOn(from: node, consumed, along: process.flows(from: node.id))
  }

  /// An inclusive gateway goes on unless a token elsewhere can come by one of its flows that is still empty, and by none
  /// that is not (BPMN 2.0 §13.4.3): what can come by both is ahead of it in a loop, not on its way.
  private mutating func joinSome() throws(Refusal) -> Bool {
    let gateways = Set(instance.tokens.map(\.node)).sorted()
    for id in gateways {
      guard let node = process.node(id), node.kind == .inclusive else { continue }
      let waiting = instance.tokens.filter { $0.node == id }
      let filled = Set(waiting.compactMap(\.via))
      let mayCome = instance.tokens.contains { token in
        guard token.node != id else { return false }
        let ways = process.ways(from: token.node, to: id)
        return !ways.isEmpty && ways.isDisjoint(with: filled)
      }
      if mayCome { continue }
      var consumed: [ProcessToken] = []
      for token in waiting where !consumed.contains(where: { $0.via == token.via }) { consumed.append(token) }
      try goOn(from: node, consumed, along: try choices(node))
      return true
    }
    return false
  }

  private mutating func goOn(from node: ProcessNode, _ consumed: [ProcessToken], along flows: [ProcessFlow])
    throws(Refusal)
  {
    let ids = Set(consumed.map(\.id))
    instance.tokens.removeAll { ids.contains($0.id) }
    var shared = consumed.first?.branches ?? []
    for token in consumed.dropFirst() {
      while !token.branches.starts(with: shared) { shared.removeLast() }
    }
    if let branch = unfinished(consumed, within: shared) { shared.append(branch) }
    if consumed.count > 1 {
      instance.joins.append(JoinRecord(node: node.id, consumed: consumed, branches: shared, cause: cause))
    }
    try follow(flows, from: node.id, shared)
  }

  /// The branch that some branches of a split become when they are joined while others of it still run; none when the
  /// join ends the split.
  private func unfinished(_ consumed: [ProcessToken], within shared: [ProcessBranch]) -> ProcessBranch? {
    guard let first = consumed.first, consumed.count > 1, first.branches.count > shared.count else { return nil }
    let split = first.branches[shared.count]
    let others = instance.tokens.contains { token in
      token.branches.starts(with: shared) && token.branches.count > shared.count
        && token.branches[shared.count].split == split.split
        && token.branches[shared.count].activation == split.activation
    }
    return others ? ProcessBranch(split: split.split, activation: split.activation, flow: first.node) : nil
  }

  /// Brings to rest what can go on by itself, and ends the case when nothing is left.
  mutating func settle() throws(Refusal) {
    while instance.state == .running {
      if try joinSome() { continue }
      guard try leaveCalls() else { break }
    }
    if instance.state == .running, instance.tokens.isEmpty { change(.finished) }
  }

  mutating func change(_ state: ProcessInstance.State) {
    instance.state = state
    events.append(.state(state))
  }

  /// Takes every token and task away.
  mutating func stop(_ reason: StepVisit.State) {
    for visit in instance.openVisits { close(visit.id, reason) }
    instance.tokens = []
    closeEmptyCalls(reason)
  }

  // MARK: Steps

  private mutating func open(_ node: ProcessNode, _ rule: StepRule, _ branches: [ProcessBranch]) throws(Refusal) {
    try open(node, rule, branches, asking: try handlers(node, rule))
  }

  mutating func open(
    _ node: ProcessNode, _ rule: StepRule, _ branches: [ProcessBranch], asking handlers: [Participant]
  ) throws(Refusal) {
    let id = instance.number()
    var visit = StepVisit(id: id, node: node.id, branches: branches, cause: cause, state: .open, tasks: [])
    events.append(.opened(visit: id))
    for (position, holder) in handlers.enumerated() {
      let waits = rule.signing == .all(sequential: true) && position > 0
      let task = ProcessTask(
        id: instance.number(), holder: holder, state: waits ? .waiting : .open, kind: .own, parent: nil)
      visit.tasks.append(task)
      if !waits { events.append(.asked(task: task.id)) }
    }
    instance.visits.append(visit)
    place(node.id, nil, branches, visit: id)
  }

  /// Who is asked: those the rule finds, else its fallback; a step that is not shared asks one.
  private func handlers(_ node: ProcessNode, _ rule: StepRule) throws(Refusal) -> [Participant] {
    for handler in [rule.handler, rule.fallback] {
      var seen: Set<Participant> = []
      let found = people(for: handler, rule.signing.isShared).filter { seen.insert($0).inserted }
      guard let first = found.first else { continue }
      if rule.signing.isShared { return found }
      return [rule.dispatch == .pool ? first : engine.dispatch(node.id, first, rule.dispatch) ?? first]
    }
    throw Refusal(
      .unprocessable, "process-nobody", "“\(node.label)”找不到办理人，兜底办理人也没有。事项停在上一步，没有改动；请联系系统管理员指定人员。")
  }

  func people(for handler: StepHandler, _ isShared: Bool) -> [Participant] {
    if case .roleOf(let name) = handler {
      let variable = process.definition.variables.first { $0.name == name }
      guard let value = instance.variables[name]?.text, let role = variable?.choice(value)?.role else { return [] }
      return engine.find(.role(role), isShared, instance)
    }
    guard case .sameAs(let step) = handler else { return engine.find(handler, isShared, instance) }
    guard let visit = instance.visits.last(where: { $0.node == step && $0.state == .done }) else { return [] }
    return visit.tasks.filter { $0.kind == .own && $0.state == .done }.map(\.holder)
  }

  /// Ends a visit, whatever its tasks are at.
  mutating func close(_ id: Int, _ state: StepVisit.State) {
    guard let index = instance.visits.firstIndex(where: { $0.id == id }) else { return }
    instance.visits[index].state = state
    for place in instance.visits[index].tasks.indices {
      let task = instance.visits[index].tasks[place]
      guard task.state == .open || task.state == .waiting else { continue }
      instance.visits[index].tasks[place].state = .dropped
      events.append(.dropped(task: task.id))
    }
    events.append(.closed(visit: id, state))
  }
}

extension ProcessVariable.Kind {
  /// Whether a variable of this kind may hold a value; every one may hold none.
  func accepts(_ value: Value) -> Bool {
    switch (self, value) {
    case (_, .null), (.text, .text), (.integer, .integer), (.decimal, .decimal), (.decimal, .integer),
      (.boolean, .boolean), (.date, .date):
      true
    default: false
    }
  }
}
