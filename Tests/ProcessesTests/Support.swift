import Core
import Entities
import Foundation
import Processes
import YAML

func fixture(_ name: String) throws -> [UInt8] {
  let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/processes/\(name)")
  return Array(try Data(contentsOf: url))
}

/// Draws small processes: each part says what comes before it.
struct Drawing {
  private var nodes: [ProcessNode] = []
  private var flows: [ProcessFlow] = []
  var variables = [ProcessVariable(name: "x", label: "甲", kind: .integer)]
  /// The process's own id, and those that it may call.
  var id = "p"
  var library: [String: ProcessDefinition] = [:]

  static let place = SourcePosition(file: "drawn", line: 1, column: 1)

  mutating func node(_ id: String, _ kind: ProcessNode.Kind) {
    nodes.append(ProcessNode(id: id, name: "", kind: kind, position: Self.place))
  }

  mutating func step(
    _ id: String, _ signing: Signing = .one, by handler: StepHandler? = nil, overdue: OverdueRule? = nil
  ) {
    node(
      id,
      .step(
        StepRule(
          handler: handler ?? .role(id), fallback: .role("admin"), signing: signing,
          limit: overdue == nil ? nil : ProcessDuration(days: 2),
          reminder: overdue == nil ? nil : ProcessDuration(days: 1),
          overdue: overdue)))
  }

  /// Calls a process, which is given `x` and gives it back.
  mutating func call(_ id: String, _ process: ProcessDefinition) {
    library[process.id] = process
    let same = [ProcessAssignment(variable: "x", formula: "x")]
    node(id, .call(CallRule(process: process.id, inputs: same, outputs: same)))
  }

  mutating func flow(_ source: String, _ target: String, when condition: String? = nil, isDefault: Bool = false) {
    flows.append(
      ProcessFlow(
        id: "f\(flows.count)_\(source)_\(target)", source: source, target: target, condition: condition,
        isDefault: isDefault, position: Self.place))
  }

  /// `a > b > c`.
  mutating func chain(_ text: String) {
    let names = text.split(separator: ">").map { $0.trimmingCharacters(in: .whitespaces) }
    for (a, b) in zip(names, names.dropFirst()) { flow(a, b) }
  }

  var definition: ProcessDefinition {
    ProcessDefinition(id: id, name: "流程", variables: variables, nodes: nodes, flows: flows)
  }

  func process() throws -> RunnableProcess { try RunnableProcess(definition, calling: library) }
}

/// Steps `a`, `b` and `c` one after another.
func line() throws -> RunnableProcess {
  var drawing = Drawing()
  drawing.node("start", .start)
  for id in ["a", "b", "c"] { drawing.step(id) }
  drawing.node("end", .end(isTerminating: false))
  drawing.chain("start > a > b > c > end")
  return try drawing.process()
}

/// `a`, then `b1 > b2` beside `c1`, then `d`.
func fork() throws -> RunnableProcess {
  var drawing = Drawing()
  drawing.node("start", .start)
  for id in ["a", "b1", "b2", "c1", "d"] { drawing.step(id) }
  drawing.node("split", .parallel)
  drawing.node("join", .parallel)
  drawing.node("end", .end(isTerminating: false))
  drawing.chain("start > a > split > b1 > b2 > join > d > end")
  drawing.chain("split > c1 > join")
  return try drawing.process()
}

/// `a`, then `b` signed by three, then `c`.
func signed(_ signing: Signing) throws -> RunnableProcess {
  var drawing = Drawing()
  drawing.node("start", .start)
  drawing.step("a")
  drawing.step("b", signing)
  drawing.step("c")
  drawing.node("end", .end(isTerminating: false))
  drawing.chain("start > a > b > c > end")
  return try drawing.process()
}

/// An instance that is driven by the names of its steps.
struct Drive {
  let engine: ProcessEngine
  var instance: ProcessInstance
  var events: [ProcessEvent] = []

  init(_ process: RunnableProcess, _ values: [String: Value] = [:]) throws {
    engine = ProcessEngine(process, context: EvaluationContext(now: Instant(seconds: 1_795_000_000))) {
      handler, _, _ in (1...3).map { Participant("\(handler)#\($0)") }
    }
    (instance, events) = try engine.start(values)
  }

  /// The steps that wait for somebody, in the order they were come to.
  var open: [String] { instance.openVisits.map(\.node) }

  /// Who is asked in a step.
  func holders(_ node: String) -> [String] {
    instance.openTasks.filter { $0.visit.node == node }.map(\.task.holder.name)
  }

  func task(_ node: String, _ position: Int = 0) throws -> Int {
    let tasks = instance.openTasks.filter { $0.visit.node == node }
    guard tasks.indices.contains(position) else {
      throw Refusal(.notFound, "test", "no open task \(position) at \(node): \(open)")
    }
    return tasks[position].task.id
  }

  func last(_ node: String) throws -> StepVisit {
    guard let visit = instance.visits.last(where: { $0.node == node }) else { throw Refusal(.notFound, "test", node) }
    return visit
  }

  mutating func make(_ move: ProcessMove) throws { (instance, events) = try engine.apply(move, to: instance) }

  mutating func complete(_ nodes: String..., with values: [String: Value] = [:]) throws {
    for node in nodes { try make(.complete(task: try task(node), values: values)) }
  }

  mutating func back(_ node: String, to target: String) throws { try make(.back(task: try task(node), to: target)) }
}
