import Core
import Entities

/// 退回, 撤回 and 重开: the ways back.
extension ProcessRun {
  /// The steps a task may be sent back to, the latest first.
  func stepsBack(from visit: StepVisit) -> [String] {
    var found: [String] = []
    for earlier in instance.visits.reversed() where earlier.state == .done && earlier.id < visit.id {
      guard earlier.node != visit.node, !found.contains(earlier.node), reaches(earlier.branches, from: visit.branches)
      else { continue }
      found.append(earlier.node)
    }
    return found
  }

  /// Whether one may go back from some branches to others: out of branches always; into a branch once it has been
  /// joined; never across to one that runs beside one's own, nor out of one that a timer opened beside its step, whose
  /// other part went on without it.
  private func reaches(_ target: [ProcessBranch], from here: [ProcessBranch]) -> Bool {
    let shared = zip(target, here).prefix { $0 == $1 }.count
    for branch in here.dropFirst(shared) {
      if case .boundary = process.node(branch.split)?.kind { return false }
    }
    if shared < target.count, shared < here.count {
      let (other, own) = (target[shared], here[shared])
      if other.split == own.split, other.activation == own.activation { return false }
    }
    return (shared..<max(shared, target.count)).allSatisfy { join(of: Array(target.prefix($0 + 1))) != nil }
  }

  /// The latest join that ended a branch.
  private func join(of branch: [ProcessBranch]) -> Int? {
    instance.joins.lastIndex { join in
      join.branches.count < branch.count && join.consumed.contains { $0.branches.starts(with: branch) }
    }
  }

  mutating func back(_ id: Int, _ node: String) throws(Refusal) {
    guard
      let visit = instance.visits.first(where: {
        $0.state == .open && $0.tasks.contains { $0.id == id && $0.state == .open }
      })
    else { throw Refusal(.conflict, "task-not-open", "这项任务已经办过、收回或正在等别人的意见。请刷新待办后查看。") }
    guard stepsBack(from: visit).contains(node),
      let target = instance.visits.last(where: {
        $0.node == node && $0.state == .done && $0.id < visit.id
          && reaches($0.branches, from: visit.branches)
      })
    else {
      throw Refusal(
        .conflict, "step-not-visited", "不能退回到“\(process.node(node)?.label ?? node)”：本事项没有办过，或它在另一条并行的分支上。请另选一步。")
    }
    close(visit.id, .returned)
    instance.tokens.removeAll { $0.visit == visit.id }
    try go(back: target, from: visit.branches)
  }

  /// Puts a token back at a step that was done, and everything around it as it must be then.
  private mutating func go(back target: StepVisit, from here: [ProcessBranch]) throws(Refusal) {
    let shared = zip(target.branches, here).prefix { $0 == $1 }.count
    // Leaving branches: the others of the same split are done over again when the split is passed again.
    var left: [ProcessBranch]?
    if here.count > shared {
      left = Array(here.prefix(shared + 1))
      for token in instance.tokens where isInside(token.branches, left) { take(token) }
    }
    // Entering branches that have been joined: the others of the split count as having arrived.
    for depth in shared..<max(shared, target.branches.count) { restore(target.branches, at: depth + 1) }
    for index in instance.visits.indices {
      let visit = instance.visits[index]
      guard visit.state == .done, visit.id >= target.id else { continue }
      let isInLine = visit.branches.starts(with: target.branches) || target.branches.starts(with: visit.branches)
      if isInLine || isInside(visit.branches, left) { instance.visits[index].state = .superseded }
    }
    defer { closeEmptyCalls(.returned) }
    guard let node = process.node(target.node), case .step(let rule) = node.kind else { return }
    let before = target.tasks.filter { $0.kind == .own && $0.state == .done }.map(\.holder)
    if rule.signing.isShared || before.isEmpty {
      try enter(node.id, via: nil, branches: target.branches)
    } else {
      // Whoever did it does it again.
      events.append(.entered(node: node.id))
      try open(node, rule, target.branches, asking: [before[0]])
    }
  }

  /// Whether branches belong to the same passing of a split as `left`, by whichever flow.
  private func isInside(_ branches: [ProcessBranch], _ left: [ProcessBranch]?) -> Bool {
    guard let left, let last = left.last, branches.count >= left.count, branches.starts(with: left.dropLast()) else {
      return false
    }
    let own = branches[left.count - 1]
    return own.split == last.split && own.activation == last.activation
  }

  /// Removes a token, and the step it stands for.
  mutating func take(_ token: ProcessToken, _ state: StepVisit.State = .cancelled) {
    if let visit = token.visit { close(visit, state) }
    instance.tokens.removeAll { $0.id == token.id }
  }

  /// Undoes the latest join that ended the outermost `depth` of some branches, for the branches beside them. One join may
  /// have ended branches in branches, whose neighbours are put back with it.
  private mutating func restore(_ branches: [ProcessBranch], at depth: Int) {
    if let index = join(of: Array(branches.prefix(depth))) { undo(index, for: branches, at: depth) }
  }

  /// Puts back what a join consumed beside some branches.
  private mutating func undo(_ index: Int, for branches: [ProcessBranch], at depth: Int) {
    let join = instance.joins.remove(at: index)
    let own = join.consumed.map { zip($0.branches, branches).prefix { $0 == $1 }.count }.max() ?? depth
    for token in join.consumed where !token.branches.starts(with: branches.prefix(own)) {
      if let earlier = merge(of: branches, into: token.branches) {
        // It came in the branch that the one entered was joined to while others of the split still ran: what was joined
        // there is beside it, and not what came of that.
        undo(earlier, for: branches, at: own)
        continue
      }
      instance.tokens.append(
        ProcessToken(
          id: instance.number(), node: token.node, via: token.via, branches: token.branches, cause: token.cause,
          visit: nil))
    }
  }

  /// The join that made some branches of a split the branch that `others` run in, when `branches` were among them.
  private func merge(of branches: [ProcessBranch], into others: [ProcessBranch]) -> Int? {
    let shared = zip(branches, others).prefix { $0 == $1 }.count
    guard shared < branches.count, shared < others.count, branches[shared].split == others[shared].split,
      branches[shared].activation == others[shared].activation
    else { return nil }
    return instance.joins.lastIndex { join in
      join.node == others[shared].flow && join.branches.elementsEqual(others.prefix(shared + 1))
        && join.consumed.contains { $0.branches.starts(with: branches.prefix(shared + 1)) }
    }
  }

  // MARK: Withdrawal

  /// Whether what was sent on from a visit may still be taken back.
  func mayWithdraw(_ visit: StepVisit) -> Bool { (try? requireUntouched(visit)) != nil }

  private func requireUntouched(_ visit: StepVisit) throws(Refusal) {
    guard visit.state == .done else {
      throw Refusal(.conflict, "visit-not-done", "这一步没有办结，或已经退回、撤回。请刷新后查看。")
    }
    guard !visit.hasEffects else {
      throw Refusal(.conflict, "visit-has-effects", "后续已由系统自动办理，不能撤回。请与下一步办理人联系退回。")
    }
    for later in instance.visits where later.cause == visit.id {
      guard later.state == .open, later.fired.isEmpty, later.tasks.allSatisfy({ $0.kind == .own && $0.state != .done })
      else { throw Refusal(.conflict, "visit-acted-on", "下一步已经有人办理，不能撤回。请与下一步办理人联系退回。") }
    }
    guard !instance.calls.contains(where: { $0.cause == visit.id && !$0.fired.isEmpty }) else {
      throw Refusal(.conflict, "visit-acted-on", "调用的流程已经到时，不能撤回。请与现在的办理人联系退回。")
    }
    // Something of it must be left, and nothing may have been joined by what came of another step.
    let isJoined = instance.joins.contains { join in
      join.cause != visit.id && join.consumed.contains { $0.cause == visit.id }
    }
    guard !isJoined, instance.tokens.contains(where: { $0.cause == visit.id }) else {
      throw Refusal(.conflict, "visit-acted-on", "事项已经走到后面，不能撤回。请与现在的办理人联系退回。")
    }
  }

  mutating func withdraw(_ id: Int) throws(Refusal) {
    guard let visit = instance.visits.first(where: { $0.id == id }) else {
      throw Refusal(.notFound, "visit-unknown", "没有这一步。请刷新后查看。")
    }
    try requireUntouched(visit)
    for token in instance.tokens where token.cause == id {
      if let next = token.visit { close(next, .withdrawn) }
      instance.tokens.removeAll { $0.id == token.id }
    }
    for index in instance.joins.indices.reversed() where instance.joins[index].cause == id {
      let join = instance.joins.remove(at: index)
      for token in join.consumed where token.cause != id { instance.tokens.append(token) }
    }
    guard let node = process.node(visit.node), case .step(let rule) = node.kind,
      let index = instance.visits.firstIndex(where: { $0.id == id })
    else { return }
    instance.visits[index].state = .withdrawn
    events.append(.closed(visit: id, .withdrawn))
    cause = visit.cause
    events.append(.entered(node: node.id))
    // Once each, also where two tasks came to the same person one after the other.
    var seen: Set<Participant> = []
    let holders = visit.tasks.filter { $0.kind == .own && $0.state != .removed }.map(\.holder)
    try open(node, rule, visit.branches, asking: holders.filter { seen.insert($0).inserted })
    closeEmptyCalls(.withdrawn)
  }

  // MARK: Reopening

  mutating func reopen(_ node: String) throws(Refusal) {
    guard let target = instance.visits.last(where: { $0.node == node && $0.state == .done }) else {
      throw Refusal(.conflict, "step-not-visited", "不能从“\(process.node(node)?.label ?? node)”重开：本事项没有办过这一步。请另选一步。")
    }
    change(.running)
    try go(back: target, from: [])
  }
}
