import Core
import Entities
package import Processes
import SQL

/// A case as a move finds it: locked, with its instance and everything that goes with it.
struct CaseState: Sendable {
  let id: Int64
  let record: [String: Value]
  let process: RunnableProcess
  /// As it was when the case began.
  let item: ServiceItem
  let starter: Int64
  var instance: ProcessInstance
  var pausedAt: Instant?
  var shelvedAt: Instant?

  var unit: Int64 { record["unit_id"]?.integer ?? 0 }
  /// The unit of the place of registration (户籍地); `nil` when none is known.
  var home: Int64? { record["home_unit_id"]?.integer }
  var division: String { record["division_code"]?.text ?? "" }
  var due: Instant? { record["due_at"]?.instant }
  var form: String { item.form }
}

extension ProcessInstance {
  /// Whether the time of the case stands still: it is shelved, or every open step waits for somebody outside.
  func standsStill(in process: RunnableProcess) -> Bool {
    if state == .shelved { return true }
    let open = openVisits
    return !open.isEmpty && open.allSatisfy { process.rule(of: $0.node)?.pausesClock == true }
  }

  /// What the register of cases calls where it stands.
  func caseState(in process: RunnableProcess, byApplicant: Bool) -> String {
    switch state {
    case .shelved: "shelved"
    case .void: byApplicant ? "withdrawn" : "void"
    case .finished: variables["outcome"]?.text == "refused" ? "refused" : "completed"
    case .running:
      openVisits.contains { visit in
        guard let rule = process.rule(of: visit.node) else { return false }
        return rule.pausesClock && rule.handler == .starter
      } ? "supplement" : "active"
    }
  }

  /// How far a case has come as the overview of business counts it: waiting for a review or for what it asked for, reviewed and
  /// waiting for its end, completed, ended otherwise (C-321).
  func stage(in process: RunnableProcess) -> String {
    switch state {
    case .void: return "ended"
    case .finished: return variables["outcome"]?.text == "refused" ? "ended" : "completed"
    case .running, .shelved:
      return openVisits.contains { process.awaitsReview(at: $0.node) } ? "review" : "reviewed"
    }
  }

  /// The steps under way, for lists.
  func steps(in process: RunnableProcess) -> String {
    var labels: [String] = []
    for visit in openVisits {
      let label = process.node(visit.node)?.label ?? visit.node
      if !labels.contains(label) { labels.append(label) }
    }
    return labels.joined(separator: "、")
  }

  /// The same as a value of the register.
  func stepText(in process: RunnableProcess) -> Value {
    let text = steps(in: process)
    return text.isEmpty ? .null : .text(String(text.prefix(200)))
  }

  func task(_ number: Int) -> (visit: StepVisit, task: ProcessTask)? {
    for visit in visits { if let task = visit.tasks.first(where: { $0.id == number }) { return (visit, task) } }
    return nil
  }
}

extension RunnableProcess {
  package func rule(of node: String) -> StepRule? {
    if case .step(let rule) = self.node(node)?.kind { rule } else { nil }
  }

  /// Whether somebody reviews (审核意见) at a step or on a way from it, or the applicant has to supplement first. What the
  /// applicant would be asked for later does not count: that is the exception.
  func awaitsReview(at step: String) -> Bool {
    var seen: Set = [step]
    var waiting = [step]
    while let id = waiting.popLast() {
      if let rule = rule(of: id) {
        if rule.handler == .starter {
          if id == step { return true }
          continue
        }
        if rule.inputs.contains(where: { CallPath.local($0.variable) == "review" }) { return true }
      }
      for flow in flows(from: id) where seen.insert(flow.target).inserted { waiting.append(flow.target) }
    }
    return false
  }
}
