import Core
import Entities
import Processes
import Testing

/// Processes that call others (调用流程): the same moves, across the boundary of what is called.
@Suite struct CallTests {
  /// `name`: `one`, then `two` beside `three`, which end apart.
  private func apart(_ name: String = "verify") -> ProcessDefinition {
    var drawing = Drawing()
    drawing.id = name
    drawing.node("start", .start)
    for id in ["one", "two", "three"] { drawing.step(id) }
    drawing.node("split", .parallel)
    for id in ["end", "other"] { drawing.node(id, .end(isTerminating: false)) }
    drawing.chain("start > one > split > two > end")
    drawing.chain("split > three > other")
    return drawing.definition
  }

  /// `a`, a call of `verify`, then `b`.
  private func calling(_ callee: ProcessDefinition, timer: Bool? = nil) throws -> RunnableProcess {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.step("a")
    drawing.call("check", callee)
    drawing.step("b")
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > a > check > b > end")
    if let timer {
      drawing.node("late", .boundary(host: "check", after: ProcessDuration(days: 3), interrupts: timer))
      drawing.step("chase")
      drawing.node("chased", .end(isTerminating: false))
      drawing.chain("late > chase > chased")
    }
    return try drawing.process()
  }

  @Test func aCallGoesOnWhenAllOfItHasEnded() throws {
    var drive = try Drive(calling(apart()), ["x": .integer(3)])
    try drive.complete("a")
    #expect(drive.open == ["check/one"] && drive.instance.variables["check/x"] == .integer(3))
    try drive.complete("check/one", with: ["check/x": .integer(7)])
    try drive.complete("check/two")
    #expect(drive.open == ["check/three"] && drive.instance.openCalls.count == 1)
    #expect(drive.instance.variables["x"] == .integer(3), "what is called changes nothing of the caller's meanwhile")
    try drive.complete("check/three")
    #expect(drive.open == ["b"] && drive.instance.openCalls.isEmpty)
    #expect(drive.instance.variables["x"] == .integer(7))
    try drive.complete("b")
    #expect(drive.instance.state == .finished)
  }

  @Test func aReturnOutOfACallTakesAllOfItAway() throws {
    var drive = try Drive(calling(apart()))
    try drive.complete("a", "check/one", "check/two")
    try drive.back("check/three", to: "a")
    #expect(drive.open == ["a"] && drive.instance.openCalls.isEmpty)
    #expect(drive.instance.calls.map(\.state) == [.returned])
    try drive.complete("a")
    #expect(drive.open == ["check/one"], "called anew")
    #expect(drive.instance.variables["check/x"] ?? .null == .null)
  }

  @Test func aReturnWithinACallLeavesTheBranchBeside() throws {
    var drive = try Drive(calling(apart()))
    try drive.complete("a", "check/one")
    try drive.back("check/two", to: "check/one")
    #expect(drive.open == ["check/one"] && drive.instance.openCalls.count == 1)
  }

  @Test func aReturnIntoACallThatHasEndedLeavesItsOtherBranchesEnded() throws {
    var drive = try Drive(calling(apart()))
    try drive.complete("a", "check/one", "check/two", "check/three")
    for _ in 0..<2 {
      try drive.back("b", to: "check/two")
      #expect(drive.open == ["check/two"] && drive.instance.calls.map(\.state) == [.open])
      try drive.complete("check/two")
      #expect(drive.open == ["b"])
    }
    try drive.back("b", to: "check/three")
    try drive.back("check/three", to: "check/one")
    #expect(drive.open == ["check/one"])
    try drive.complete("check/one", "check/two", "check/three", "b")
    #expect(drive.instance.state == .finished)
  }

  @Test func whoeverSentItIntoACallMayTakeItBack() throws {
    var drive = try Drive(calling(apart()))
    try drive.complete("a")
    try drive.make(.withdraw(visit: try drive.last("a").id))
    #expect(drive.open == ["a"] && drive.instance.calls.map(\.state) == [.withdrawn])
    try drive.complete("a", "check/one", "check/two", "check/three")
    try drive.make(.withdraw(visit: try drive.last("check/three").id))
    #expect(drive.open == ["check/three"] && drive.instance.openCalls.count == 1)
    try drive.complete("check/three")
    #expect(drive.open == ["b"])
  }

  @Test func voidAndReopenReachIntoCalls() throws {
    var drive = try Drive(calling(apart()))
    try drive.complete("a", "check/one")
    var gone = drive
    try gone.make(.void)
    #expect(gone.instance.tokens.isEmpty && gone.instance.openCalls.isEmpty && gone.instance.openTasks.isEmpty)
    try drive.complete("check/two", "check/three", "b")
    try drive.make(.reopen(at: "check/two"))
    #expect(drive.open == ["check/two"])
    try drive.complete("check/two", "b")
    #expect(drive.instance.state == .finished)
  }

  @Test(arguments: [true, false]) func aTimerOnACallInterruptsItOrRunsBeside(_ interrupts: Bool) throws {
    var drive = try Drive(calling(apart(), timer: interrupts))
    try drive.complete("a", "check/one")
    let call = try #require(drive.instance.openCalls.first)
    try drive.make(.fire(visit: call.id, timer: "late"))
    if interrupts {
      #expect(drive.open == ["chase"] && drive.instance.calls.map(\.state) == [.timedOut])
      try drive.complete("chase")
      #expect(drive.instance.state == .finished)
    } else {
      #expect(Set(drive.open) == ["check/two", "check/three", "chase"])
      #expect(throws: Refusal.self) { try drive.make(.fire(visit: call.id, timer: "late")) }
    }
  }

  @Test func aTerminatingEndStopsTheCallAlone() throws {
    var drawing = Drawing()
    drawing.id = "verify"
    drawing.node("start", .start)
    drawing.node("split", .parallel)
    for id in ["two", "three"] { drawing.step(id) }
    drawing.node("stop", .end(isTerminating: true))
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > split > two > stop")
    drawing.chain("split > three > end")
    var drive = try Drive(calling(drawing.definition))
    try drive.complete("a", "check/two")
    let stopped = try drive.last("check/three")
    #expect(drive.open == ["b"] && stopped.state == .cancelled)
    #expect(throws: Refusal.self) { try drive.back("b", to: "check/three") }
  }

  @Test func callsOfOneProcessSideBySideKeepApart() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    for id in ["split", "join"] { drawing.node(id, .parallel) }
    for id in ["left", "right"] { drawing.call(id, apart()) }
    drawing.step("b")
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > split > left > join > b > end")
    drawing.chain("split > right > join")
    var drive = try Drive(try drawing.process())
    try drive.complete("left/one", with: ["left/x": .integer(1)])
    #expect(drive.instance.variables["right/x"] ?? .null == .null)
    #expect(throws: Refusal.self, "beside one's own") { try drive.back("right/one", to: "left/one") }
    try drive.complete("left/two", "left/three", "right/one", "right/three", "right/two")
    #expect(drive.open == ["b"])
  }

  @Test func callsInCallsKeepTheirNames() throws {
    var middle = Drawing()
    middle.id = "middle"
    middle.node("start", .start)
    middle.call("deep", apart())
    middle.node("end", .end(isTerminating: false))
    middle.chain("start > deep > end")
    var drawing = Drawing()
    drawing.library = middle.library
    drawing.node("start", .start)
    drawing.call("check", middle.definition)
    drawing.step("b")
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > check > b > end")
    var drive = try Drive(try drawing.process(), ["x": .integer(5)])
    #expect(drive.open == ["check/deep/one"] && drive.instance.variables["check/deep/x"] == .integer(5))
    try drive.complete("check/deep/one", "check/deep/two", "check/deep/three")
    #expect(drive.open == ["b"])
    try drive.back("b", to: "check/deep/three")
    #expect(drive.open == ["check/deep/three"] && drive.instance.openCalls.count == 2)
    let kept = try ProcessInstance(json: try JSON(parsing: drive.instance.json.text))
    #expect(kept == drive.instance)
  }

  @Test func branchesInBranchesThatOneJoinEndsAreAllPutBack() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    for id in ["split", "inner", "join"] { drawing.node(id, .parallel) }
    for id in ["one", "two", "three", "b"] { drawing.step(id) }
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > split > inner > one > join > b > end")
    drawing.chain("inner > two > join")
    drawing.chain("split > three > join")
    var drive = try Drive(try drawing.process())
    try drive.complete("one", "two", "three")
    try drive.back("b", to: "one")
    #expect(drive.open == ["one"])
    try drive.complete("one")
    #expect(drive.open == ["b"], "the others count as having arrived")
  }

  // MARK: What cannot run

  private func problems(_ make: (inout Drawing) -> Void) -> String {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.node("end", .end(isTerminating: false))
    make(&drawing)
    do {
      _ = try drawing.process()
      return ""
    } catch let failure as ProcessFailure {
      return failure.problems.map(\.message).joined()
    } catch {
      return "\(error)"
    }
  }

  @Test func callsThatCannotRunAreRefusedWithTheirElement() {
    let missing = problems { drawing in
      drawing.node("check", .call(CallRule(process: "nothing")))
      drawing.chain("start > check > end")
    }
    #expect(missing.contains("“check”调用的流程“nothing”不存在"))
    let endless = problems { drawing in
      drawing.node("check", .call(CallRule(process: "p")))
      drawing.chain("start > check > end")
      drawing.library["p"] = drawing.definition
    }
    #expect(endless.contains("p → p") && endless.contains("没有尽头"))
    var other = Drawing()
    other.id = "other"
    other.node("start", .start)
    other.node("end", .end(isTerminating: false))
    other.node("again", .call(CallRule(process: "p")))
    other.chain("start > again > end")
    let round = problems { drawing in
      drawing.node("check", .call(CallRule(process: "other")))
      drawing.chain("start > check > end")
      drawing.library = ["p": drawing.definition, "other": other.definition]
    }
    #expect(round.contains("p → other → p"))
    let wrong = problems { drawing in
      drawing.library["verify"] = apart()
      drawing.node(
        "check",
        .call(
          CallRule(
            process: "verify", inputs: [ProcessAssignment(variable: "x", formula: "'text'")],
            outputs: [ProcessAssignment(variable: "y", formula: "x")])))
      drawing.chain("start > check > end")
    }
    #expect(wrong.contains("类型不符") && wrong.contains("“y”没有声明"))
  }

  @Test func aLoopOverACallThatAsksNobodyIsRefused() {
    var idle = Drawing()
    idle.id = "idle"
    idle.node("start", .start)
    idle.node("end", .end(isTerminating: false))
    idle.chain("start > end")
    let found = problems { drawing in
      drawing.call("check", idle.definition)
      for id in ["merge", "again"] { drawing.node(id, .exclusive) }
      drawing.chain("start > merge > check > again")
      drawing.flow("again", "merge", when: "x < 2")
      drawing.flow("again", "end", isDefault: true)
    }
    #expect(found.contains("没有办理环节也没有等待的循环"))
  }

  @Test func rolesThatACalledProcessNeedsMustBeGiven() {
    var asks = Drawing()
    asks.id = "asks"
    asks.variables = [
      ProcessVariable(name: "who", label: "受理", kind: .text, choices: [.init(value: "a", label: "甲", role: "clerk")])
    ]
    asks.node("start", .start)
    asks.step("one", by: .roleOf(variable: "who"))
    asks.node("end", .end(isTerminating: false))
    asks.chain("start > one > end")
    let found = problems { drawing in
      drawing.library["asks"] = asks.definition
      drawing.node("check", .call(CallRule(process: "asks")))
      drawing.chain("start > check > end")
    }
    #expect(found.contains("按“受理”找办理人"))
  }

  @Test func callsSurviveTheFile() throws {
    let process = try calling(apart(), timer: true)
    let read = try ProcessDefinition(bpmn: Array(process.source.bpmn.utf8), file: "p.bpmn")
    #expect(read.bpmn == process.source.bpmn && read.calls == ["verify"])
    var drive = try Drive(try RunnableProcess(read, calling: ["verify": apart()]), ["x": .integer(1)])
    try drive.complete("a")
    #expect(drive.open == ["check/one"])
  }
}
