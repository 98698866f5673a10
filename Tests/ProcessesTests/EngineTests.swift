import Core
import Entities
import Processes
import Testing

@Suite struct EngineTests {
  @Test func stepsFollowOneAnotherUntilTheEnd() throws {
    var drive = try Drive(try line())
    #expect(drive.open == ["a"] && drive.holders("a") == ["role:a#1"])
    try drive.complete("a", "b")
    #expect(drive.open == ["c"])
    try drive.complete("c")
    #expect(drive.instance.state == .finished && drive.instance.tokens.isEmpty && drive.open.isEmpty)
    #expect(drive.instance.visits.map(\.state) == [.done, .done, .done])
  }

  @Test func aTaskIsAnsweredOnce() throws {
    var drive = try Drive(try line())
    let task = try drive.task("a")
    try drive.make(.complete(task: task, values: [:]))
    let before = drive.instance
    let twice = #expect(throws: Refusal.self) { try drive.make(.complete(task: task, values: [:])) }
    #expect(twice?.code == "task-not-open" && drive.instance == before)
    #expect(throws: Refusal.self) { try drive.make(.complete(task: 9999, values: [:])) }
  }

  @Test func branchesRunBesideEachOtherAndMeet() throws {
    var drive = try Drive(try fork())
    try drive.complete("a")
    #expect(drive.open == ["b1", "c1"])
    try drive.complete("c1", "b1")
    #expect(drive.open == ["b2"])
    try drive.complete("b2")
    #expect(drive.open == ["d"])
    try drive.complete("d")
    #expect(drive.instance.state == .finished)
  }

  @Test func conditionsChooseAndDecisionsFillIn() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.step("a")
    drawing.node("rule", .decision([ProcessAssignment(variable: "x", formula: "x + 1")]))
    drawing.node("which", .exclusive)
    for id in ["low", "high"] { drawing.step(id) }
    drawing.node("act", .service(action: "seal"))
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > a > rule > which")
    drawing.flow("which", "high", when: "x > 10")
    drawing.flow("which", "low", isDefault: true)
    drawing.chain("low > end")
    drawing.chain("high > act > end")
    let process = try drawing.process()
    var drive = try Drive(process)
    try drive.complete("a", with: ["x": .integer(10)])
    #expect(drive.open == ["high"] && drive.instance.variables["x"] == .integer(11))
    try drive.complete("high")
    #expect(drive.events.contains(.service(action: "seal", node: "act")) && drive.instance.state == .finished)
    drive = try Drive(process)
    try drive.complete("a")
    #expect(drive.open == ["low"], "unknown is no reason to go the special way")
    drive = try Drive(process)
    #expect(throws: Refusal.self) { try drive.complete("a", with: ["x": .text("十")]) }
    #expect(throws: Refusal.self) { try drive.complete("a", with: ["y": .integer(1)]) }
    #expect(drive.open == ["a"])
  }

  @Test func anInclusiveGatewayWaitsForWhatCanStillCome() throws {
    let process = try RunnableProcess(ProcessDefinition(bpmn: try fixture("county-approval.bpmn"), file: "x"))
    var drive = try Drive(process)
    try drive.complete("review", with: ["field_visit": .boolean(true)])
    #expect(Set(drive.open) == ["visit", "papers_too"])
    try drive.complete("papers_too")
    #expect(drive.open == ["visit"])
    try drive.make(.fire(visit: try drive.last("visit").id, timer: "visit_late"))
    #expect(drive.open == ["visit_by_chief"] && drive.instance.visits.contains { $0.state == .timedOut })
    try drive.complete("visit_by_chief")
    #expect(drive.open == ["countersign"] && drive.holders("countersign").count == 3)
    try drive.complete("countersign")
    try drive.complete("countersign", with: ["agreed": .boolean(true)])
    #expect(drive.instance.state == .finished)
    #expect(drive.events.contains(.service(action: "register-household", node: "register")))
    drive = try Drive(process)
    try drive.complete("review")
    #expect(drive.open == ["papers"])
    try drive.complete("papers")
    #expect(drive.open == ["countersign"])
  }

  @Test(arguments: [
    (Signing.all(sequential: false), 3, 3), (.all(sequential: true), 1, 3), (.any, 3, 1), (.share(percent: 60), 3, 2),
    (.share(percent: 1), 3, 1), (.share(percent: 67), 3, 3),
  ])
  func manySignAsTheRuleSays(_ signing: Signing, _ atOnce: Int, _ needed: Int) throws {
    var drive = try Drive(try signed(signing))
    try drive.complete("a")
    #expect(drive.holders("b").count == atOnce)
    for number in 1...needed {
      #expect(drive.open == ["b"])
      if signing == .all(sequential: true) { #expect(drive.holders("b") == ["role:b#\(number)"]) }
      try drive.complete("b")
    }
    #expect(drive.open == ["c"])
    let tasks = try drive.last("b").tasks
    #expect(tasks.filter { $0.state == .done }.count == needed)
    #expect(tasks.filter { $0.state == .dropped }.count == 3 - needed)
  }

  @Test func aTaskGoesToAnotherAndADelegatedOneComesBack() throws {
    var drive = try Drive(try line())
    try drive.make(.transfer(task: try drive.task("a"), to: Participant("王芳")))
    #expect(drive.holders("a") == ["王芳"])
    try drive.make(.delegate(task: try drive.task("a"), to: Participant("李强")))
    #expect(drive.holders("a") == ["李强"])
    try drive.complete("a")
    #expect(drive.open == ["a"] && drive.holders("a") == ["王芳"], "who delegates confirms")
    try drive.complete("a")
    #expect(drive.open == ["b"])
  }

  @Test func signersAreAddedBeforeAndAfterAndTakenAway() throws {
    var drive = try Drive(try line())
    let own = try drive.task("a")
    let (wang, li, zhao) = (Participant("王芳"), Participant("李强"), Participant("赵敏"))
    try drive.make(.addAfter(task: own, [zhao]))
    try drive.make(.addBefore(task: own, [wang, li]))
    #expect(drive.holders("a") == ["王芳", "李强"])
    let held = #expect(throws: Refusal.self) { try drive.make(.addBefore(task: try drive.task("a"), [li])) }
    #expect(held?.code == "task-held")
    try drive.complete("a")
    #expect(drive.holders("a") == ["李强"])
    try drive.make(.remove(task: try drive.task("a")))
    #expect(drive.holders("a") == ["role:a#1"], "nobody is left to be asked first")
    let last = #expect(throws: Refusal.self) { try drive.make(.remove(task: own)) }
    #expect(last?.code == "task-last")
    try drive.complete("a")
    #expect(drive.open == ["a"] && drive.holders("a") == ["赵敏"])
    try drive.complete("a")
    #expect(drive.open == ["b"])
  }

  @Test func signersAreAddedWithinACountersignToo() throws {
    var drive = try Drive(try signed(.all(sequential: false)))
    try drive.complete("a")
    let first = try drive.task("b", 0)
    try drive.make(.addBefore(task: first, [Participant("王芳")]))
    try drive.make(.addAfter(task: try drive.task("b", 0), [Participant("李强")]))
    #expect(drive.holders("b") == ["role:b#2", "role:b#3", "王芳"])
    try drive.make(.remove(task: try drive.task("b", 1)))
    #expect(drive.holders("b") == ["role:b#2", "王芳"])
    try drive.make(.complete(task: try drive.task("b", 1), values: [:]))
    #expect(drive.holders("b") == ["role:b#1", "role:b#2"])
    try drive.complete("b", "b")
    #expect(drive.open == ["b"] && drive.holders("b") == ["李强"], "the step waits for those asked afterwards")
    try drive.complete("b")
    #expect(drive.open == ["c"])
  }

  @Test func aShelvedCaseRestsAndAVoidOneIsOver() throws {
    var drive = try Drive(try line())
    try drive.make(.shelve)
    let shelved = #expect(throws: Refusal.self) { try drive.complete("a") }
    #expect(shelved?.code == "process-shelved")
    try drive.make(.resume)
    try drive.complete("a")
    try drive.make(.void)
    #expect(drive.instance.state == .void && drive.instance.tokens.isEmpty && drive.instance.openTasks.isEmpty)
    #expect(throws: Refusal.self) { try drive.make(.resume) }
    #expect(throws: Refusal.self) { try drive.make(.reopen(at: "a")) }
  }

  @Test func aTerminatingEndStopsEverything() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.node("split", .parallel)
    for id in ["a", "b"] { drawing.step(id) }
    drawing.node("stop", .end(isTerminating: true))
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > split > a > stop")
    drawing.chain("split > b > end")
    var drive = try Drive(try drawing.process())
    try drive.complete("a")
    #expect(drive.instance.state == .finished)
    #expect(try drive.last("b").state == .cancelled)
  }

  @Test func timersWaitAndRemind() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    drawing.step("a")
    drawing.node("late", .boundary(host: "a", after: ProcessDuration(days: 1), interrupts: false))
    drawing.step("urge")
    drawing.node("pause", .timer(ProcessDuration(hours: 2)))
    drawing.node("end", .end(isTerminating: false))
    drawing.node("end2", .end(isTerminating: false))
    drawing.chain("start > a > pause > end")
    drawing.chain("late > urge > end2")
    var drive = try Drive(try drawing.process())
    try drive.make(.fire(visit: try drive.last("a").id, timer: "late"))
    #expect(drive.open == ["a", "urge"])
    #expect(throws: Refusal.self) { try drive.make(.fire(visit: try drive.last("a").id, timer: "late")) }
    try drive.complete("urge", "a")
    #expect(drive.instance.state == .running && drive.open.isEmpty)
    try drive.make(.elapse(token: drive.instance.tokens[0].id))
    #expect(drive.instance.state == .finished)
  }

  @Test func whoDidAnEarlierStepIsAskedAgainAndSomebodyIsAlwaysAsked() throws {
    var drawing = Drawing()
    drawing.node("start", .start)
    for id in ["a", "b"] { drawing.step(id) }
    drawing.step("c", by: .sameAs(step: "a"))
    drawing.node("end", .end(isTerminating: false))
    drawing.chain("start > a > b > c > end")
    let process = try drawing.process()
    var drive = try Drive(process)
    try drive.make(.transfer(task: try drive.task("a"), to: Participant("王芳")))
    try drive.complete("a", "b")
    #expect(drive.holders("c") == ["王芳"])
    let context = EvaluationContext(now: Instant(seconds: 0))
    let lonely = ProcessEngine(process, context: context) { handler, _, _ in
      handler == .role("admin") ? [Participant("值班员")] : []
    }
    #expect(try lonely.start().0.openTasks.map(\.task.holder.name) == ["值班员"])
    let empty = ProcessEngine(process, context: context) { _, _, _ in [] }
    let nobody = #expect(throws: Refusal.self) { try empty.start() }
    #expect(nobody?.code == "process-nobody")
  }
}
