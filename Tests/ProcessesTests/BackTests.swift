import Core
import Processes
import Testing

/// 退回, 撤回 and 重开, also where branches run beside each other and several sign.
@Suite struct BackTests {
  @Test func aCaseGoesBackToAnyStepItHasBeenThrough() throws {
    var drive = try Drive(try line())
    try drive.make(.transfer(task: try drive.task("a"), to: Participant("王芳")))
    try drive.complete("a", "b")
    try drive.back("c", to: "a")
    #expect(drive.open == ["a"] && drive.holders("a") == ["王芳"], "whoever did it does it again")
    #expect(drive.instance.visits.map(\.state) == [.superseded, .superseded, .returned, .open])
    let ahead = #expect(throws: Refusal.self) { try drive.back("a", to: "b") }
    #expect(ahead?.code == "step-not-visited")
    try drive.complete("a", "b", "c")
    #expect(drive.instance.state == .finished)
  }

  @Test func withinABranchOnlyThatBranchGoesBack() throws {
    var drive = try Drive(try fork())
    try drive.complete("a", "b1")
    try drive.back("b2", to: "b1")
    #expect(Set(drive.open) == ["b1", "c1"])
    try drive.complete("c1", "b1", "b2", "d")
    #expect(drive.instance.state == .finished)
  }

  @Test func beforeTheSplitAllBranchesAreTakenBack() throws {
    var drive = try Drive(try fork())
    try drive.complete("a", "c1", "b1")
    try drive.back("b2", to: "a")
    #expect(drive.open == ["a"] && drive.instance.tokens.count == 1, "the branch that waited to be joined is gone too")
    try drive.complete("a")
    #expect(Set(drive.open) == ["b1", "c1"], "every branch is asked again")
    try drive.complete("b1", "b2", "c1", "d")
    #expect(drive.instance.state == .finished)
  }

  @Test func acrossToABranchBesideItIsRefused() throws {
    var drive = try Drive(try fork())
    try drive.complete("a", "c1", "b1")
    let across = #expect(throws: Refusal.self) { try drive.back("b2", to: "c1") }
    #expect(across?.code == "step-not-visited")
    #expect(drive.open == ["b2"])
  }

  @Test func intoAJoinedBranchTheOthersCountAsDone() throws {
    var drive = try Drive(try fork())
    try drive.complete("a", "c1", "b1", "b2")
    try drive.back("d", to: "b1")
    #expect(drive.open == ["b1"])
    try drive.complete("b1", "b2")
    #expect(drive.open == ["d"], "c1 is not asked again")
    try drive.back("d", to: "c1")
    #expect(drive.open == ["c1"])
    try drive.complete("c1")
    try drive.back("d", to: "a")
    try drive.complete("a", "b1", "b2", "c1", "d")
    #expect(drive.instance.state == .finished)
  }

  @Test func abandonedBranchesCannotBeReturnedTo() throws {
    var drive = try Drive(try fork())
    try drive.complete("a", "c1", "b1")
    try drive.back("b2", to: "a")
    try drive.complete("a", "b1")
    #expect(throws: Refusal.self) { try drive.back("b2", to: "c1") }
    try drive.complete("b2", "c1", "d")
    #expect(drive.instance.state == .finished)
  }

  @Test func branchesJoinedBeforeTheOthersAreStillBranches() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    for id in ["a", "b", "c", "d", "e"] { drawing.step(id) }
    for id in ["split", "early", "late"] { drawing.node(id, .parallel) }
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > a > split > b > early > d > late > e > end")
    drawing.chain("split > c > early")
    drawing.step("other")
    drawing.chain("split > other > late")
    var drive = try Drive(try drawing.process())
    try drive.complete("a", "b", "c")
    #expect(Set(drive.open) == ["d", "other"])
    #expect(throws: Refusal.self) { try drive.back("d", to: "b") }
    try drive.back("d", to: "a")
    #expect(drive.open == ["a"], "the branch that still ran is taken back as well")
    try drive.complete("a", "other", "b", "c", "d")
    #expect(drive.open == ["e"])
    try drive.back("e", to: "other")
    try drive.complete("other", "e")
    #expect(drive.instance.state == .finished)
  }

  @Test func oneOfManyReturnsForAllAndACountersignIsAskedAnew() throws {
    var drive = try Drive(try signed(.all(sequential: false)))
    try drive.complete("a", "b")
    try drive.back("b", to: "a")
    #expect(drive.open == ["a"])
    try drive.complete("a")
    #expect(drive.holders("b").count == 3)
    try drive.complete("b", "b", "b")
    try drive.back("c", to: "b")
    #expect(drive.open == ["b"] && drive.holders("b").count == 3, "a return into a countersign asks everybody again")
    try drive.complete("b", "b", "b", "c")
    #expect(drive.instance.state == .finished)
  }

  @Test func whatNobodyHasTouchedIsTakenBack() throws {
    var drive = try Drive(try line())
    try drive.complete("a")
    let visit = try drive.last("a").id
    try drive.make(.withdraw(visit: visit))
    #expect(drive.open == ["a"] && drive.instance.visits.map(\.state) == [.withdrawn, .withdrawn, .open])
    try drive.complete("a", "b")
    let late = #expect(throws: Refusal.self) { try drive.make(.withdraw(visit: try drive.last("a").id)) }
    #expect(late?.code == "visit-acted-on")
  }

  @Test func whoeverSignedTwiceIsAskedOnceWhenItIsTakenBack() throws {
    var drive = try Drive(try signed(.all(sequential: false)))
    try drive.complete("a")
    for _ in 0..<3 {
      try drive.make(.transfer(task: try drive.task("b"), to: Participant("王芳")))
      try drive.complete("b")
    }
    try drive.make(.withdraw(visit: try drive.last("b").id))
    #expect(drive.holders("b") == ["王芳"])
  }

  @Test func aTimersOwnBranchGoesBackWithinItselfOnly() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    for id in ["a", "b", "urge", "report"] { drawing.step(id) }
    drawing.node("late", .boundary(host: "a", after: ProcessDuration(days: 1), interrupts: false))
    drawing.node("end", .end(isTerminating: false))
    drawing.node("end2", .end(isTerminating: false))
    drawing.chain("start > a > b > end")
    drawing.chain("late > urge > report > end2")
    var drive = try Drive(try drawing.process())
    try drive.make(.fire(visit: try drive.last("a").id, timer: "late"))
    try drive.complete("a", "urge")
    #expect(throws: Refusal.self) { try drive.back("report", to: "a") }
    try drive.back("report", to: "urge")
    #expect(Set(drive.open) == ["b", "urge"])
    #expect(throws: Refusal.self) { try drive.back("b", to: "report") }
    try drive.back("b", to: "a")
    try drive.complete("a", "b", "urge", "report")
    #expect(drive.instance.state == .finished)
  }

  @Test func aSplitIsTakenBackWholeAndAJoinUndone() throws {
    var drive = try Drive(try fork())
    try drive.complete("a")
    try drive.make(.withdraw(visit: try drive.last("a").id))
    #expect(drive.open == ["a"])
    try drive.complete("a", "b1")
    #expect(throws: Refusal.self) { try drive.make(.withdraw(visit: try drive.last("a").id)) }
    try drive.complete("c1")
    try drive.make(.withdraw(visit: try drive.last("c1").id))
    #expect(Set(drive.open) == ["b2", "c1"])
    try drive.complete("c1", "b2")
    #expect(drive.open == ["d"])
    try drive.make(.withdraw(visit: try drive.last("b2").id))
    #expect(drive.open == ["b2"], "the other branch still counts as arrived")
    try drive.complete("b2", "d")
    #expect(drive.instance.state == .finished)
  }

  @Test func whatTheSystemDidIsNotTakenBack() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    for id in ["a", "b"] { drawing.step(id) }
    drawing.node("act", .service(action: "notify"))
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > a > act > b > end")
    var drive = try Drive(try drawing.process())
    try drive.complete("a")
    let done = #expect(throws: Refusal.self) { try drive.make(.withdraw(visit: try drive.last("a").id)) }
    #expect(done?.code == "visit-has-effects")
  }

  @Test func aFinishedCaseIsReopenedAlsoInsideABranch() throws {
    var drive = try Drive(try fork())
    try drive.complete("a", "b1", "b2", "c1", "d")
    #expect(throws: Refusal.self) { try drive.make(.withdraw(visit: try drive.last("d").id)) }
    try drive.make(.reopen(at: "b2"))
    #expect(drive.instance.state == .running && drive.open == ["b2"])
    try drive.complete("b2", "d")
    #expect(drive.instance.state == .finished)
    #expect(throws: Refusal.self) { try drive.make(.reopen(at: "nothing")) }
  }
}
