import Core
import Entities

extension ProcessRun {
  /// Makes one move; what it throws, nobody has seen done.
  mutating func perform(_ move: ProcessMove) throws(Refusal) {
    try requireState(for: move)
    switch move {
    case .complete(let task, let values): try complete(task, values)
    case .transfer(let task, let holder): try transfer(task, holder)
    case .delegate(let task, let holder): try ask([holder], before: task, as: .delegated)
    case .addBefore(let task, let holders): try ask(holders, before: task, as: .before)
    case .addAfter(let task, let holders): try ask(holders, after: task)
    case .remove(let task): try remove(task)
    case .back(let task, let node): try back(task, node)
    case .withdraw(let visit): try withdraw(visit)
    case .shelve: change(.shelved)
    case .resume: change(.running)
    case .void:
      stop(.cancelled)
      change(.void)
    case .reopen(let node): try reopen(node)
    case .elapse(let token): try elapse(token)
    case .fire(let visit, let timer): try fire(visit, timer)
    case .remind(let visit): try remind(visit)
    case .overdue(let visit): try overdue(visit)
    }
    try settle()
  }

  private func requireState(for move: ProcessMove) throws(Refusal) {
    let needed: [ProcessInstance.State] =
      switch move {
      case .resume: [.shelved]
      case .reopen: [.finished]
      case .void: [.running, .shelved]
      default: [.running]
      }
    guard !needed.contains(instance.state) else { return }
    switch instance.state {
    case .running: throw Refusal(.conflict, "process-running", "事项正在办理中，不需要这样做。请刷新后查看。")
    case .shelved: throw Refusal(.conflict, "process-shelved", "事项已挂账，不能办理，您的操作没有保存。请先恢复办理。")
    case .finished: throw Refusal(.conflict, "process-finished", "事项已办结，不能再办理。确需改动，请重开。")
    case .void: throw Refusal(.gone, "process-void", "事项已作废，不能再办理。请重新申请。")
    }
  }

  // MARK: Tasks

  /// Where an open task is; one that is not open is somebody else's answer come first.
  private func find(_ id: Int) throws(Refusal) -> (visit: Int, task: Int) {
    for (v, visit) in instance.visits.enumerated() {
      guard let t = visit.tasks.firstIndex(where: { $0.id == id }) else { continue }
      guard visit.state == .open, visit.tasks[t].state == .open else {
        throw Refusal(.conflict, "task-not-open", "这项任务已经办过、收回或正在等别人的意见。请刷新待办后查看。")
      }
      return (v, t)
    }
    throw Refusal(.notFound, "task-unknown", "没有这项任务。请刷新待办后查看。")
  }

  private mutating func complete(_ id: Int, _ values: [String: Value]) throws(Refusal) {
    let (v, t) = try find(id)
    let task = instance.visits[v].tasks[t]
    if task.kind == .own, case .step(let rule) = process.node(instance.visits[v].node)?.kind {
      for input in rule.inputs where input.isRequired && (values[input.variable] ?? .null).isBlank {
        let label = process.definition.variables.first { $0.name == input.variable }?.label ?? input.variable
        throw Refusal(.invalid, "process-input", "还没有填写“\(label)”。请填写后再提交。", field: input.variable)
      }
    }
    try set(values)
    instance.visits[v].tasks[t].state = .done
    events.append(.answered(task: id))
    wake(v, after: task)
    try advance(v)
  }

  /// Opens what waited for a task: those it asked to follow, or the one who asked it first.
  mutating func wake(_ v: Int, after task: ProcessTask) {
    let tasks = instance.visits[v].tasks
    for followers in tasks where followers.kind == .after && followers.parent == task.id && followers.state == .waiting
    {
      reopen(v, followers.id)
    }
    guard let parent = task.parent, task.kind != .after, !tasks.contains(where: { isAskedFirst($0, by: parent) })
    else { return }
    reopen(v, parent)
  }

  private func isAskedFirst(_ task: ProcessTask, by parent: Int) -> Bool {
    task.parent == parent && task.kind != .after && (task.state == .open || task.state == .waiting)
  }

  private mutating func reopen(_ v: Int, _ task: Int) {
    guard let t = instance.visits[v].tasks.firstIndex(where: { $0.id == task && $0.state == .waiting }) else { return }
    instance.visits[v].tasks[t].state = .open
    events.append(.asked(task: task))
  }

  /// Goes on from a step when enough of those asked have answered; else lets the next in turn begin.
  mutating func advance(_ v: Int) throws(Refusal) {
    let visit = instance.visits[v]
    guard let node = process.node(visit.node), case .step(let rule) = node.kind else { return }
    let own = visit.tasks.filter { $0.kind == .own && $0.state != .removed }
    let settled = own.filter { isSettled($0, in: visit) }.count
    if settled >= rule.signing.needed(of: own.count) {
      guard let token = instance.tokens.first(where: { $0.visit == visit.id }) else { return }
      close(visit.id, .done)
      instance.tokens.removeAll { $0.id == token.id }
      cause = visit.id
      try leave(node.id, visit.branches)
      return
    }
    guard rule.signing == .all(sequential: true), settled == own.filter({ $0.state == .done }).count,
      !own.contains(where: { $0.state == .open || hasAskedFirst($0, in: visit) }),
      let next = own.first(where: { $0.state == .waiting })
    else { return }
    reopen(v, next.id)
  }

  private func hasAskedFirst(_ task: ProcessTask, in visit: StepVisit) -> Bool {
    visit.tasks.contains { isAskedFirst($0, by: task.id) }
  }

  /// Whether a task and all who were asked to follow it have answered.
  private func isSettled(_ task: ProcessTask, in visit: StepVisit) -> Bool {
    task.state == .done
      && visit.tasks.allSatisfy { other in
        other.kind != .after || other.parent != task.id || other.state == .removed || isSettled(other, in: visit)
      }
  }

  private mutating func transfer(_ id: Int, _ holder: Participant) throws(Refusal) {
    let (v, t) = try find(id)
    try requireNew(holder, in: instance.visits[v])
    instance.visits[v].tasks[t].holder = holder
    events.append(.assigned(task: id))
  }

  /// Nobody is asked twice at the same time in one step.
  private func requireNew(_ holder: Participant, in visit: StepVisit) throws(Refusal) {
    guard !visit.tasks.contains(where: { $0.holder == holder && ($0.state == .open || $0.state == .waiting) }) else {
      throw Refusal(.conflict, "task-held", "“\(holder)”已经是这一环节的办理人。请另选一人。")
    }
  }

  private mutating func ask(_ holders: [Participant], before id: Int, as kind: ProcessTask.Kind) throws(Refusal) {
    let (v, t) = try find(id)
    try requireSome(holders, in: instance.visits[v])
    instance.visits[v].tasks[t].state = .waiting
    for holder in holders {
      let task = ProcessTask(id: instance.number(), holder: holder, state: .open, kind: kind, parent: id)
      instance.visits[v].tasks.append(task)
      events.append(.asked(task: task.id))
    }
  }

  private mutating func ask(_ holders: [Participant], after id: Int) throws(Refusal) {
    let (v, _) = try find(id)
    try requireSome(holders, in: instance.visits[v])
    for holder in holders {
      instance.visits[v].tasks.append(
        ProcessTask(id: instance.number(), holder: holder, state: .waiting, kind: .after, parent: id))
    }
  }

  private func requireSome(_ holders: [Participant], in visit: StepVisit) throws(Refusal) {
    guard !holders.isEmpty, Set(holders).count == holders.count, holders.count <= 50 else {
      throw Refusal(.invalid, "task-nobody", "请选择 1 至 50 位不同的人员。")
    }
    for holder in holders { try requireNew(holder, in: visit) }
  }

  /// 减签. Somebody must be left who decides.
  private mutating func remove(_ id: Int) throws(Refusal) {
    guard let v = instance.visits.firstIndex(where: { $0.state == .open && $0.tasks.contains { $0.id == id } }),
      let t = instance.visits[v].tasks.firstIndex(where: { $0.id == id })
    else { throw Refusal(.notFound, "task-unknown", "没有这项任务。请刷新待办后查看。") }
    let visit = instance.visits[v]
    let task = visit.tasks[t]
    guard task.state == .open || task.state == .waiting else {
      throw Refusal(.conflict, "task-not-open", "这位办理人已经办过或已经减去。请刷新后查看。")
    }
    if task.kind == .own, visit.tasks.filter({ $0.kind == .own && $0.state != .removed }).count < 2 {
      throw Refusal(.conflict, "task-last", "这是本环节唯一的办理人，不能减去。要换人请转办。")
    }
    drop(v, id)
    wake(v, after: task)
    try advance(v)
  }

  /// Takes a task away, and whoever was asked because of it.
  mutating func drop(_ v: Int, _ id: Int) {
    guard let t = instance.visits[v].tasks.firstIndex(where: { $0.id == id }) else { return }
    let task = instance.visits[v].tasks[t]
    if task.state == .open || task.state == .waiting {
      instance.visits[v].tasks[t].state = .removed
      events.append(.dropped(task: id))
    }
    for other in instance.visits[v].tasks where other.parent == id { drop(v, other.id) }
  }

  // MARK: Time

  private mutating func elapse(_ id: Int) throws(Refusal) {
    guard let token = instance.tokens.first(where: { $0.id == id }), case .timer = process.node(token.node)?.kind else {
      throw Refusal(.conflict, "timer-over", "这个等待已经结束。")
    }
    instance.tokens.removeAll { $0.id == id }
    cause = token.cause
    try leave(token.node, token.branches)
  }

  private mutating func fire(_ id: Int, _ timer: String) throws(Refusal) {
    if let index = instance.calls.firstIndex(where: { $0.id == id && $0.state == .open && !$0.fired.contains(timer) }),
      let node = process.boundaries(of: instance.calls[index].node).first(where: { $0.id == timer }),
      case .boundary(_, _, let interrupts) = node.kind
    {
      try fire(call: index, node, interrupts: interrupts)
      return
    }
    guard let v = instance.visits.firstIndex(where: { $0.id == id && $0.state == .open }),
      let node = process.boundaries(of: instance.visits[v].node).first(where: { $0.id == timer }),
      case .boundary(_, _, let interrupts) = node.kind, !instance.visits[v].fired.contains(timer)
    else { throw Refusal(.conflict, "timer-over", "这个时限已经不再起作用。") }
    let visit = instance.visits[v]
    instance.visits[v].fired.insert(timer)
    var branches = visit.branches
    if interrupts {
      close(id, .timedOut)
      instance.tokens.removeAll { $0.visit == id }
    } else if let flow = process.flows(from: timer).first {
      branches.append(ProcessBranch(split: timer, activation: instance.number(), flow: flow.id))
    }
    try leave(timer, branches)
  }
}
