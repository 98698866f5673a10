import Core
import Entities
import Foundation
import Processes
import Testing

/// Random processes, random moves: whatever people do, no task is lost, no token is left behind, and a case is over or
/// waits for somebody who is named.
@Suite struct TraceTests {
  /// Traces walked by each of the runs below; a nightly run sets more.
  static let traces = Int(ProcessInfo.processInfo.environment["LIFANG_TRACES"] ?? "").map { $0 / 16 } ?? 150

  @Test(arguments: 0..<16) func everyTraceEndsOrWaitsForSomebody(_ seed: UInt64) throws {
    var dice = SeededRandom(seed: 0xC0FFEE &+ seed)
    var finished = 0
    var process = try RandomProcess.make(&dice)
    for number in 0..<Self.traces {
      if number % 5 == 0 { process = try RandomProcess.make(&dice) }
      var walk = try Walk(process)
      do {
        try walk.wander(&dice, moves: 40)
        let kept = try ProcessInstance(json: try JSON(parsing: walk.drive.instance.json.text))
        if kept != walk.drive.instance { throw Broken(description: "kept and read again it is another") }
        if try walk.finish(&dice) { finished += 1 }
      } catch {
        Issue.record(
          "seed \(seed), trace \(number): \(error)\n\(walk.story.joined(separator: "\n"))\n\(process.source.bpmn)\n\(process.called.values.map(\.source.bpmn).joined(separator: "\n"))"
        )
        return
      }
    }
    #expect(finished > Self.traces * 8 / 10, "most cases are finished when everybody does their task: \(finished)")
  }

  @Test func theSameMovesGiveTheSameCase() throws {
    for seed in 0..<40 {
      var (one, two) = (SeededRandom(seed: UInt64(seed)), SeededRandom(seed: UInt64(seed)))
      var (a, b) = (try Walk(try RandomProcess.make(&one)), try Walk(try RandomProcess.make(&two)))
      try a.wander(&one, moves: 30)
      try b.wander(&two, moves: 30)
      #expect(a.drive.instance == b.drive.instance && a.story == b.story)
    }
  }
}

struct Broken: Error, CustomStringConvertible {
  let description: String
}

/// A case that is moved at random and looked at after each move.
struct Walk {
  var drive: Drive
  var story: [String] = []

  init(_ process: RunnableProcess) throws {
    drive = try Drive(process)
    try inspect()
  }

  mutating func wander(_ dice: inout SeededRandom, moves: Int) throws {
    for _ in 0..<moves where drive.instance.state == .running { try attempt(move(&dice)) }
    if drive.instance.state == .shelved { try attempt(.resume) }
  }

  /// Everybody does their task; false when a loop of conditions keeps the case going for very long.
  mutating func finish(_ dice: inout SeededRandom) throws -> Bool {
    for _ in 0..<400 {
      guard drive.instance.state == .running else { return true }
      let tasks = drive.instance.openTasks
      if tasks.isEmpty {
        guard let timer = timers.first else { throw Broken(description: "nothing to do") }
        try attempt(.elapse(token: timer), mayFail: false)
      } else {
        let (visit, task) = tasks[dice.below(tasks.count)]
        try attempt(.complete(task: task.id, values: values(visit.node, &dice)), mayFail: false)
      }
    }
    return false
  }

  /// What somebody fills in at a step, in the process that the step is in.
  private func values(_ node: String, _ dice: inout SeededRandom) -> [String: Value] {
    [CallPath.scope(of: node) + "x": .integer(Int64(dice.below(10)))]
  }

  private var timers: [Int] {
    drive.instance.tokens.filter { token in
      if case .timer = drive.engine.process.node(token.node)?.kind { true } else { false }
    }.map(\.id)
  }

  private mutating func attempt(_ move: ProcessMove, mayFail: Bool = true) throws {
    let before = drive.instance
    do {
      try drive.make(move)
      story.append("\(move) -> \(drive.open)")
    } catch {
      guard mayFail else { throw error }
      guard drive.instance == before else { throw Broken(description: "a refused move changed the case: \(move)") }
      story.append("\(move) refused: \(error)")
    }
    try inspect()
  }

  private func move(_ dice: inout SeededRandom) -> ProcessMove {
    let tasks = drive.instance.openTasks.map(\.task.id)
    let visits = drive.instance.visits.map(\.id)
    let task = tasks.isEmpty ? 0 : tasks[dice.below(tasks.count)]
    let visit = visits.isEmpty ? 0 : visits[dice.below(visits.count)]
    let nodes = drive.instance.visits.map(\.node)
    let node = nodes.isEmpty ? "none" : nodes[dice.below(nodes.count)]
    let somebody = Participant("p\(dice.below(6))")
    switch dice.below(27) {
    case 0..<9:
      let place = drive.instance.openTasks.first { $0.task.id == task }?.visit.node ?? ""
      return .complete(task: task, values: values(place, &dice))
    case 9..<13: return .back(task: task, to: node)
    case 13..<15: return .withdraw(visit: visit)
    case 15: return .addBefore(task: task, [somebody])
    case 16: return .addAfter(task: task, [somebody])
    case 17: return .delegate(task: task, to: somebody)
    case 18: return .transfer(task: task, to: somebody)
    case 19: return .remove(task: task)
    case 20: return dice.chance(0.2) ? .shelve : .complete(task: task, values: [:])
    case 21: return timers.isEmpty ? .complete(task: task, values: [:]) : .elapse(token: timers[0])
    case 22:
      let process = drive.engine.process
      if let call = drive.instance.openCalls.first(where: { !process.boundaries(of: $0.node).isEmpty }),
        let timer = process.boundaries(of: call.node).first, dice.chance(0.5)
      {
        return .fire(visit: call.id, timer: timer.id)
      }
      let open = drive.instance.openVisits.first { !drive.engine.process.boundaries(of: $0.node).isEmpty }
      guard let open, let timer = drive.engine.process.boundaries(of: open.node).first else { return .shelve }
      return .fire(visit: open.id, timer: timer.id)
    case 23, 24: return .overdue(visit: visit)
    case 25: return .remind(visit: visit)
    default: return dice.chance(0.03) ? .void : .complete(task: task, values: [:])
    }
  }

  /// What must hold after every move.
  private func inspect() throws {
    let instance = drive.instance
    func require(_ holds: Bool, _ what: @autoclosure () -> String) throws {
      if !holds { throw Broken(description: what()) }
    }
    let tokensOfVisits = instance.tokens.compactMap(\.visit)
    try require(Set(tokensOfVisits).count == tokensOfVisits.count, "two tokens for one step")
    try require(Set(tokensOfVisits) == Set(instance.openVisits.map(\.id)), "steps and tokens differ")
    try require(Set(instance.tokens.map(\.id)).count == instance.tokens.count, "a token twice")
    for call in instance.calls {
      let isUnderWay = instance.tokens.contains { token in token.branches.contains { $0.activation == call.id } }
      try require(
        isUnderWay == (call.state == .open), "call of \(call.node) is \(call.state), tokens: \(instance.tokens)")
    }
    for visit in instance.visits {
      let waiting = visit.tasks.contains { $0.state == .open || $0.state == .waiting }
      if visit.state == .open {
        try require(visit.tasks.contains { $0.state == .open }, "step \(visit.node) is open and nobody is asked")
        let holders = visit.tasks.filter { $0.state == .open || $0.state == .waiting }.map(\.holder)
        try require(Set(holders).count == holders.count, "somebody is asked twice in \(visit.node)")
      } else {
        try require(!waiting, "step \(visit.node) is over and somebody is still asked")
      }
      let ids = Set(visit.tasks.map(\.id))
      try require(visit.tasks.allSatisfy { $0.parent.map(ids.contains) ?? true }, "a task lost who asked it")
    }
    switch instance.state {
    case .running:
      try require(!instance.openTasks.isEmpty || !timers.isEmpty, "running, and nobody is asked: \(instance.tokens)")
    case .shelved: try require(!instance.tokens.isEmpty, "shelved with nothing left")
    case .finished, .void:
      try require(
        instance.tokens.isEmpty && instance.openVisits.isEmpty && instance.openCalls.isEmpty, "over, with tokens left")
    }
  }
}

/// Sound processes of steps, choices, branches, loops, timers and other such processes, nested at random.
enum RandomProcess {
  static func make(_ dice: inout SeededRandom) throws -> RunnableProcess {
    var builder = Builder()
    if dice.chance(0.5) {
      // The second may call the first.
      for name in ["inner", "outer"] { builder.callees.append(builder.callee(name, &dice)) }
    }
    builder.drawing.node("start", .start)
    let last = builder.block(after: "start", depth: 3, &dice)
    builder.drawing.node("end", .end(isTerminating: dice.chance(0.1)))
    builder.drawing.flow(last, "end")
    return try builder.drawing.process()
  }

  private struct Builder {
    var drawing = Drawing()
    var count = 0
    var callees: [ProcessDefinition] = []
    var calls = 0

    /// A process to call, which may come to several ends of its own, one of which may stop the others.
    func callee(_ name: String, _ dice: inout SeededRandom) -> ProcessDefinition {
      var inner = Builder()
      inner.drawing.id = name
      inner.callees = callees
      inner.drawing.node("start", .start)
      var last = inner.block(after: "start", depth: 1, &dice)
      if dice.chance(0.4) {
        inner.drawing.node("apart", .parallel)
        inner.drawing.flow(last, "apart")
        let aside = inner.block(after: "apart", depth: 1, &dice)
        inner.drawing.node("aside", .end(isTerminating: dice.chance(0.2)))
        inner.drawing.flow(aside, "aside")
        last = inner.block(after: "apart", depth: 1, &dice)
      }
      inner.drawing.node("end", .end(isTerminating: dice.chance(0.1)))
      inner.drawing.flow(last, "end")
      return inner.drawing.definition
    }

    /// A step or the call of a process.
    mutating func work(_ dice: inout SeededRandom) -> String {
      guard let callee = callees.isEmpty ? nil : callees[dice.below(callees.count)], calls < 4, dice.chance(0.3)
      else {
        let step = fresh("step")
        let signing: [Signing] = [
          .one, .one, .one, .all(sequential: false), .all(sequential: true), .any, .share(percent: 60),
        ]
        let overdue: [OverdueRule?] = [nil, nil, .pass, .back(to: nil), .escalate(.role("chief")), .transfer]
        drawing.step(step, signing[dice.below(signing.count)], overdue: overdue[dice.below(overdue.count)])
        return step
      }
      calls += 1
      let call = fresh("call")
      for definition in callees { drawing.library[definition.id] = definition }
      drawing.call(call, callee)
      return call
    }

    mutating func fresh(_ prefix: String) -> String {
      count += 1
      return "\(prefix)\(count)"
    }

    /// Draws a block behind a node and returns the node it ends with.
    mutating func block(
      after node: String, depth: Int, _ dice: inout SeededRandom, when condition: String? = nil,
      isDefault: Bool = false
    ) -> String {
      var last = node
      var (condition, isDefault) = (condition, isDefault)
      for _ in 0...dice.below(2) {
        let first: String
        (first, last) = part(depth: depth, &dice, behind: last, condition, isDefault)
        _ = first
        (condition, isDefault) = (nil, false)
      }
      return last
    }

    private mutating func part(
      depth: Int, _ dice: inout SeededRandom, behind node: String, _ condition: String?, _ isDefault: Bool
    ) -> (String, String) {
      let kind = depth == 0 ? 0 : dice.below(8)
      switch kind {
      case 3:
        return branches(.exclusive, depth, &dice, node, condition, isDefault)
      case 4, 5:
        return branches(.parallel, depth, &dice, node, condition, isDefault)
      case 6:
        return branches(.inclusive, depth, &dice, node, condition, isDefault)
      case 7:
        let (merge, again) = (fresh("merge"), fresh("again"))
        drawing.node(merge, .exclusive)
        drawing.flow(node, merge, when: condition, isDefault: isDefault)
        let last = block(after: merge, depth: depth - 1, &dice)
        drawing.node(again, .exclusive)
        drawing.flow(last, again)
        drawing.flow(again, merge, when: "x < 2")
        let out = fresh("step")
        drawing.step(out)
        drawing.flow(again, out, isDefault: true)
        return (merge, out)
      default:
        let step = work(&dice)
        drawing.flow(node, step, when: condition, isDefault: isDefault)
        guard dice.chance(0.15) else { return (step, step) }
        let late = fresh("late")
        drawing.node(late, .boundary(host: step, after: ProcessDuration(days: 1), interrupts: dice.chance(0.5)))
        let (other, merge) = (fresh("step"), fresh("merge"))
        drawing.step(other)
        drawing.flow(late, other)
        if case .boundary(_, _, true)? = drawing.definition.nodes.first(where: { $0.id == late })?.kind {
          drawing.node(merge, .exclusive)
          drawing.flow(step, merge)
          drawing.flow(other, merge)
          return (step, merge)
        }
        let end = fresh("end")
        drawing.node(end, .end(isTerminating: false))
        drawing.flow(other, end)
        return (step, step)
      }
    }

    private mutating func branches(
      _ kind: ProcessNode.Kind, _ depth: Int, _ dice: inout SeededRandom, _ node: String, _ condition: String?,
      _ isDefault: Bool
    ) -> (String, String) {
      let (split, join) = (fresh("split"), fresh("join"))
      drawing.node(split, kind)
      drawing.flow(node, split, when: condition, isDefault: isDefault)
      var ends: [String] = []
      let number = 2 + dice.below(2)
      for branch in 0..<number {
        let isLast = branch == number - 1
        let free = kind == .parallel
        ends.append(
          block(
            after: split, depth: depth - 1, &dice, when: free || isLast ? nil : "x >= \(dice.below(8))",
            isDefault: !free && isLast))
      }
      drawing.node(join, kind)
      if kind == .parallel, ends.count == 3, dice.chance(0.5) {
        // Two are joined before the third.
        let early = fresh("early")
        drawing.node(early, .parallel)
        for end in ends.dropLast() { drawing.flow(end, early) }
        ends = [block(after: early, depth: depth - 1, &dice), ends[2]]
      }
      for end in ends { drawing.flow(end, join) }
      return (split, join)
    }
  }
}
