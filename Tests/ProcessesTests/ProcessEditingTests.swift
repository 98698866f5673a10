import Core
import Entities
import Processes
import Testing

/// Changes made in the designer leave definitions that run, or say why they cannot be made.
@Suite struct ProcessEditingTests {
  private let rule = StepRule(handler: .role("new"), fallback: .role("admin"))

  private func steps(_ definition: ProcessDefinition) -> [String] { definition.stepsInOrder.map(\.node.id) }

  @Test func aStepIsAddedBehindAnother() throws {
    let (made, step) = try line().definition.insertingStep(rule, named: "复核", behind: "b")
    #expect(steps(made) == ["a", "b", step, "c"])
    var drive = try Drive(try RunnableProcess(made))
    try drive.complete("a", "b", step, "c")
    #expect(drive.instance.state == .finished)
  }

  @Test func aStepIsTakenOutAndWhatLedToItLeadsOn() throws {
    let made = try line().definition.removingStep("b")
    #expect(steps(made) == ["a", "c"])
    _ = try RunnableProcess(made)
    let alone = try made.removingStep("a")
    #expect(throws: Refusal.self, "somebody has to be asked") { _ = try alone.removingStep("c") }
  }

  @Test func neighboursChangePlaces() throws {
    let definition = try line().definition
    #expect(try steps(definition.movingStep("b", up: true)) == ["b", "a", "c"])
    #expect(try steps(definition.movingStep("b", up: false)) == ["a", "c", "b"])
    #expect(throws: Refusal.self) { _ = try definition.movingStep("a", up: true) }
    #expect(throws: Refusal.self, "a gateway lies between") { _ = try fork().definition.movingStep("a", up: false) }
    for made in [try definition.movingStep("a", up: false), try definition.movingStep("c", up: true)] {
      _ = try RunnableProcess(made)
    }
  }

  @Test func aBranchIsTakenWhenItsConditionHolds() throws {
    let made = try line().definition.branching(behind: "b", when: "x == 1", named: "退回", to: "a")
    var drive = try Drive(try RunnableProcess(made))
    try drive.complete("a")
    try drive.complete("b", with: ["x": .integer(1)])
    #expect(drive.open == ["a"])
    try drive.complete("a")
    try drive.complete("b", with: ["x": .integer(2)])
    #expect(drive.open == ["c"])
  }

  @Test func aSecondBranchSharesTheChoiceAndTheLastOneTakesItAway() throws {
    let one = try line().definition.branching(behind: "b", when: "x == 1", named: "退回", to: "a")
    let two = try one.branching(behind: "b", when: "x == 2", named: "办结", to: "end")
    #expect(two.nodes.count == one.nodes.count)
    var drive = try Drive(try RunnableProcess(two))
    try drive.complete("a")
    try drive.complete("b", with: ["x": .integer(2)])
    #expect(drive.instance.state == .finished)
    var bare = two
    for flow in two.flows where flow.condition != nil { bare = try bare.removingFlow(flow.id) }
    #expect(bare.nodes.count == (try line().definition.nodes.count))
    _ = try RunnableProcess(bare)
    let usual = try #require(two.flows.first { $0.isDefault })
    #expect(throws: Refusal.self, "what is left for all other cases stays") { _ = try two.removingFlow(usual.id) }
  }

  @Test func aConditionIsChangedAndWhatIsWrongWithItNamed() throws {
    let one = try line().definition.branching(behind: "b", when: "x == 1", named: "退回", to: "a")
    let flow = try #require(one.flows.first { $0.condition != nil })
    let wrong = try one.updatingFlow(flow.id, condition: "nothing == 1", named: "退回")
    let failure = #expect(throws: ProcessFailure.self) { _ = try RunnableProcess(wrong) }
    #expect(failure?.problems.first?.element == flow.id)
  }

  @Test func onlyLinesOfStepsAreChains() throws {
    #expect(try line().definition.isChain)
    #expect(try !fork().definition.isChain)
  }
}
