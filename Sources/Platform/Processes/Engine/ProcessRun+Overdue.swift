import Core
import Entities

/// 到期提醒 and 超时处理: what a step's limit brings about.
extension ProcessRun {
  /// What ``StepVisit/fired`` holds for a reminder and an overdue limit; no element has such an id.
  static let (remindMark, overdueMark) = (":remind", ":overdue")

  /// - Throws: ``Refusal`` `timer-over` when the visit is over or this was done.
  private func due(_ id: Int, _ mark: String) throws(Refusal) -> (visit: Int, node: ProcessNode, rule: StepRule) {
    guard let v = instance.visits.firstIndex(where: { $0.id == id && $0.state == .open }),
      let node = process.node(instance.visits[v].node), case .step(let rule) = node.kind,
      !instance.visits[v].fired.contains(mark)
    else { throw Refusal(.conflict, "timer-over", "这个时限已经不再起作用。") }
    return (v, node, rule)
  }

  mutating func remind(_ id: Int) throws(Refusal) {
    let (v, _, rule) = try due(id, ProcessRun.remindMark)
    guard rule.reminder != nil else { throw Refusal(.conflict, "timer-over", "这个环节没有到期提醒。") }
    instance.visits[v].fired.insert(ProcessRun.remindMark)
    events.append(.reminded(visit: id))
  }

  mutating func overdue(_ id: Int) throws(Refusal) {
    let (v, _, rule) = try due(id, ProcessRun.overdueMark)
    guard let overdue = rule.overdue else { throw Refusal(.conflict, "timer-over", "这个环节没有超时处理。") }
    instance.visits[v].fired.insert(ProcessRun.overdueMark)
    switch overdue {
    case .pass: try pass(v, rule)
    case .back(let step): try overdueBack(v, to: step)
    case .escalate(let handler): try handOn(v, to: handler)
    case .transfer: try handOn(v, to: rule.fallback)
    }
  }

  /// Every signer who has not answered counts as having agreed.
  private mutating func pass(_ v: Int, _ rule: StepRule) throws(Refusal) {
    let visit = instance.visits[v]
    events.append(.overdue(visit: visit.id, .passed))
    var values: [String: Value] = [:]
    for input in rule.inputs {
      let variable = process.definition.variables.first { $0.name == input.variable }
      if let first = variable?.choices.first { values[input.variable] = .text(first.value) }
    }
    try set(values)
    settleOwn(v) { run, t in
      run.instance.visits[v].tasks[t].state = .done
      run.events.append(.answered(task: run.instance.visits[v].tasks[t].id))
    }
    try advance(v)
  }

  private mutating func overdueBack(_ v: Int, to step: String?) throws(Refusal) {
    let visit = instance.visits[v]
    let ways = stepsBack(from: visit)
    guard let target = step ?? ways.first, ways.contains(target),
      let task = visit.tasks.first(where: { $0.state == .open })
    else {
      events.append(.overdue(visit: visit.id, .unchanged))
      return
    }
    events.append(.overdue(visit: visit.id, .returned))
    try back(task.id, target)
  }

  /// One task for somebody else takes the place of all that have not been answered.
  private mutating func handOn(_ v: Int, to handler: StepHandler) throws(Refusal) {
    let visit = instance.visits[v]
    let asked = visit.tasks.filter { $0.kind == .own && $0.state != .removed }
    guard let holder = people(for: handler, false).first, !asked.contains(where: { $0.holder == holder }) else {
      events.append(.overdue(visit: visit.id, .unchanged))
      return
    }
    events.append(.overdue(visit: visit.id, .handedOn))
    var isFirst = true
    settleOwn(v) { run, t in
      let id = run.instance.visits[v].tasks[t].id
      guard isFirst else {
        run.drop(v, id)
        return
      }
      isFirst = false
      let wasOpen = run.instance.visits[v].tasks[t].state == .open
      run.instance.visits[v].tasks[t].holder = holder
      run.instance.visits[v].tasks[t].state = .open
      run.events.append(wasOpen ? .assigned(task: id) : .asked(task: id))
    }
    try advance(v)
  }

  /// Drops whoever was asked besides, then does `body` with each signer's task that has not been answered.
  private mutating func settleOwn(_ v: Int, _ body: (inout ProcessRun, Int) -> Void) {
    for task in instance.visits[v].tasks where task.kind != .own { drop(v, task.id) }
    for t in instance.visits[v].tasks.indices {
      let task = instance.visits[v].tasks[t]
      if task.kind == .own, task.state == .open || task.state == .waiting { body(&self, t) }
    }
  }
}

extension StepVisit {
  /// Whether the reminder of its limit still has to come.
  package var awaitsReminder: Bool { state == .open && !fired.contains(ProcessRun.remindMark) }

  /// Whether what its limit brings about still has to come.
  package var awaitsOverdue: Bool { state == .open && !fired.contains(ProcessRun.overdueMark) }
}
