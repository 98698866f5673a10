package import Core
package import Entities
package import Processes

/// A case led through a process without anybody: recorded answers first, then favourable ones. Golden cases and trials
/// of drafts are told by it who would be asked.
package struct ProcessWalk: Sendable {
  /// A step that was come to, and who would be asked.
  package struct Step: Sendable, Hashable {
    package let node: String
    package let label: String
    package let rule: StepRule
    /// Who is asked, as the rule finds them: `role:hukou_officer`.
    package let holder: String
  }

  /// The steps it came to, in order.
  package private(set) var steps: [Step] = []
  package private(set) var instance: ProcessInstance
  package let process: RunnableProcess

  /// More moves than any case makes.
  private static let longest = 80

  /// - Parameters:
  ///   - variables: what the process begins with; those it does not declare are left out.
  ///   - answers: what was answered at steps, by the step's id, in order; a variable that a step does not ask is left
  ///     out, one that is missing gets the favourable value.
  /// - Throws: ``Refusal`` when a condition cannot be worked out.
  package init(
    _ process: RunnableProcess, variables: [String: Value], answers: [String: [[String: Value]]] = [:],
    context: EvaluationContext
  ) throws(Refusal) {
    self.process = process
    let engine = ProcessEngine(process, context: context) { handler, isShared, _ in
      (1...(isShared ? 3 : 1)).map { Participant(isShared ? "\(handler.description)#\($0)" : handler.description) }
    }
    let declared = process.definition.variables
    instance = try engine.start(
      variables.filter { entry in declared.contains { $0.name == entry.key && $0.takes(entry.value) } }
    ).0
    var left = answers
    var seen: Set<Int> = []
    for _ in 0..<ProcessWalk.longest {
      for visit in instance.visits where seen.insert(visit.id).inserted {
        guard let node = process.node(visit.node), let rule = process.rule(of: visit.node) else { continue }
        let holder = visit.tasks.first?.holder.name ?? rule.handler.description
        steps.append(
          Step(
            node: node.id, label: node.label, rule: rule,
            holder: String(holder.prefix { $0 != "#" })))
      }
      guard instance.state == .running else { return }
      guard let (visit, task) = instance.openTasks.first, let rule = process.rule(of: visit.node) else {
        guard let token = instance.tokens.first(where: { $0.visit == nil }),
          case .timer = process.node(token.node)?.kind
        else { return }
        instance = try engine.apply(.elapse(token: token.id), to: instance).0
        continue
      }
      var given: [String: Value] = [:]
      if left[visit.node]?.isEmpty == false { given = left[visit.node]?.removeFirst() ?? [:] }
      var values: [String: Value] = [:]
      for input in rule.inputs {
        guard let variable = declared.first(where: { $0.name == input.variable }) else { continue }
        if let value = given[variable.name], variable.takes(value) {
          values[variable.name] = value
        } else {
          values[variable.name] = variable.favourable
        }
      }
      instance = try engine.apply(.complete(task: task.id, values: values), to: instance).0
    }
  }

  package var isFinished: Bool { instance.state == .finished }
}

extension ProcessVariable {
  /// The answer with which a case goes on: the first choice, or anything of the kind.
  package var favourable: Value {
    if let first = choices.first { return .text(first.value) }
    switch kind {
    case .text: return .text("1")
    case .integer: return .integer(1)
    case .decimal: return .integer(1)
    case .boolean: return .boolean(true)
    case .date: return .date(GoldenRun.day.chinaTime.date)
    }
  }

  /// Whether it may hold a value: of its kind, and one of its choices if it has any.
  func takes(_ value: Value) -> Bool {
    switch (kind, value) {
    case (.text, .text(let text)): choices.isEmpty || choice(text) != nil
    case (.integer, .integer), (.decimal, .decimal), (.decimal, .integer), (.boolean, .boolean), (.date, .date): true
    default: false
    }
  }
}
