package import Core
package import Entities

/// A process tried out without any case: steps are asked of the roles themselves, moves are typed.
package struct ProcessSimulation: Sendable {
  package let engine: ProcessEngine
  package private(set) var instance: ProcessInstance

  /// - Throws: ``Refusal`` when the values do not fit the variables.
  package init(_ process: RunnableProcess, values: [String: String] = [:], now: Instant) throws(Refusal) {
    engine = ProcessEngine(process, context: EvaluationContext(now: now)) { handler, _, _ in
      // Several people, as a shared step needs them; a single one asks the first.
      (1...3).map { Participant("\(handler)#\($0)") }
    }
    instance = try engine.start(try ProcessSimulation.variables(values, of: process)).0
  }

  /// Makes the move that a line says, such as `complete 3 agreed=true`, `back 3 apply`, `withdraw 2`.
  ///
  /// - Returns: what happened, a line each, in Chinese.
  /// - Throws: ``Refusal`` when the line is not understood or the move not possible.
  package mutating func perform(_ line: String) throws(Refusal) -> [String] {
    let (next, events) = try engine.apply(try move(line), to: instance)
    instance = next
    return events.compactMap { told($0) }
  }

  /// What waits now, a line each.
  package var waiting: [String] {
    var lines = instance.openTasks.map { visit, task in
      "任务 \(task.id)　\(label(visit.node))　办理人 \(task.holder)\(task.kind == .own ? "" : "（\(ProcessSimulation.kinds[task.kind] ?? "")）")"
    }
    for call in instance.openCalls { lines.append("调用 \(call.id)　\(label(call.node))") }
    for token in instance.tokens where token.visit == nil {
      guard let node = engine.process.node(token.node) else { continue }
      if case .timer(let duration) = node.kind {
        lines.append("定时 \(token.id)　\(label(token.node))　\(duration) 后继续")
      } else {
        lines.append("等待　\(label(token.node))　等其他分支汇合")
      }
    }
    return lines
  }

  /// Where the case is, for programs.
  package var json: JSON {
    .object([
      ("state", .string(instance.state.rawValue)),
      (
        "tasks",
        .array(
          instance.openTasks.map { visit, task in
            [
              "task": .int(Int64(task.id)), "step": .string(visit.node), "visit": .int(Int64(visit.id)),
              "holder": .string(task.holder.name), "kind": .string(task.kind.rawValue),
            ]
          })
      ),
      (
        "waiting",
        .array(
          instance.tokens.filter { $0.visit == nil }.map { ["token": .int(Int64($0.id)), "node": .string($0.node)] })
      ),
    ])
  }

  package static let help = """
    complete 任务 [变量=值 …]   办理
    transfer 任务 人           转办
    delegate 任务 人           委派
    before 任务 人 …           前加签
    after 任务 人 …            后加签
    remove 任务                减签
    back 任务 环节             退回
    withdraw 环节实例          撤回
    shelve | resume | void     挂账、恢复、作废
    reopen 环节                重开
    elapse 定时 | fire 环节实例或调用 定时器   到时
    remind 环节实例 | overdue 环节实例   到期提醒、超时处理
    """

  private static let kinds: [ProcessTask.Kind: String] = [.before: "前加签", .after: "后加签", .delegated: "委派"]

  private static let states: [StepVisit.State: String] = [
    .done: "办结", .returned: "退回", .withdrawn: "撤回", .cancelled: "取消", .timedOut: "超时转出", .superseded: "失效",
    .open: "办理中",
  ]

  private func label(_ node: String) -> String { engine.process.node(node)?.label ?? node }

  private func told(_ event: ProcessEvent) -> String? {
    switch event {
    case .called(let id): instance.call(id).map { "调用流程“\(label($0.node))”（调用 \(id)）" }
    case .left(let id, let state):
      instance.call(id).map { "流程“\(label($0.node))”\(ProcessSimulation.states[state] ?? "")（调用 \(id)）" }
    case .opened(let id): instance.visit(id).map { "到达“\(label($0.node))”（环节实例 \(id)）" }
    case .closed(let id, let state):
      instance.visit(id).map { "“\(label($0.node))”\(ProcessSimulation.states[state] ?? "")（环节实例 \(id)）" }
    case .service(let action, let node): "系统办理“\(label(node))”：\(action)"
    case .set(let variable): "\(variable) = \(instance.variables[variable]?.plainText ?? "")"
    case .state(.finished): "事项办结"
    case .state(.shelved): "事项挂账"
    case .state(.void): "事项作废"
    case .state(.running): "事项恢复办理"
    case .reminded(let id): instance.visit(id).map { "提醒“\(label($0.node))”的办理人：即将到期" }
    case .overdue(let id, let outcome): instance.visit(id).map { "“\(label($0.node))”超时：\(outcome.label)" }
    case .entered, .asked, .answered, .dropped, .assigned, .timer: nil
    }
  }

  private func move(_ line: String) throws(Refusal) -> ProcessMove {
    let words = line.split(separator: " ").map(String.init)
    let rest = Array(words.dropFirst())
    func number() throws(Refusal) -> Int {
      guard let number = rest.first.flatMap(Int.init) else { throw misunderstood(line) }
      return number
    }
    /// A task by its number, or by its step when only one is open there.
    func task() throws(Refusal) -> Int {
      let there = instance.openTasks.filter { $0.visit.node == rest.first }
      return there.count == 1 ? there[0].task.id : try number()
    }
    func one(_ position: Int) throws(Refusal) -> String {
      guard rest.count == position + 1 else { throw misunderstood(line) }
      return rest[position]
    }
    func people() -> [Participant] { rest.dropFirst().map { Participant($0) } }
    switch words.first {
    case "complete":
      var given: [String: String] = [:]
      for word in rest.dropFirst() {
        let pair = word.split(separator: "=", maxSplits: 1).map(String.init)
        guard pair.count == 2 else { throw misunderstood(line) }
        given[pair[0]] = pair[1]
      }
      return .complete(task: try task(), values: try ProcessSimulation.variables(given, of: engine.process))
    case "transfer": return .transfer(task: try task(), to: Participant(try one(1)))
    case "delegate": return .delegate(task: try task(), to: Participant(try one(1)))
    case "before": return .addBefore(task: try task(), people())
    case "after": return .addAfter(task: try task(), people())
    case "remove": return .remove(task: try task())
    case "back": return .back(task: try task(), to: try one(1))
    case "withdraw": return .withdraw(visit: try number())
    case "shelve": return .shelve
    case "resume": return .resume
    case "void": return .void
    case "reopen": return .reopen(at: try one(0))
    case "elapse": return .elapse(token: try number())
    case "remind": return .remind(visit: try number())
    case "overdue": return .overdue(visit: try number())
    case "fire": return .fire(visit: try number(), timer: try one(1))
    default: throw misunderstood(line)
    }
  }

  private func misunderstood(_ line: String) -> Refusal {
    Refusal(.invalid, "simulation-line", "不明白“\(line.prefix(60))”。可以写：\n\(ProcessSimulation.help)")
  }

  private static func variables(_ given: [String: String], of process: RunnableProcess) throws(Refusal) -> [String:
    Value]
  {
    var values: [String: Value] = [:]
    for (name, text) in given {
      guard let variable = process.definition.variables.first(where: { $0.name == name }) else {
        let known = process.definition.variables.map(\.name).joined(separator: "、")
        throw Refusal(
          .invalid, "process-variable", "流程没有变量“\(name)”。\(known.isEmpty ? "它没有声明任何变量。" : "可用的有：\(known)。")",
          field: name)
      }
      guard let value = variable.kind.value(of: text) else {
        throw Refusal(.invalid, "process-variable", "“\(variable.label)”的值“\(text)”读不懂。请改正。", field: name)
      }
      values[name] = value
    }
    return values
  }
}

extension ProcessVariable.Kind {
  /// A value as it is typed: `true`, `12.5`, `2026-11-21`.
  package func value(of text: String) -> Value? {
    switch self {
    case .text: .text(text)
    case .integer: Int64(text).map { .integer($0) }
    case .decimal: FixedDecimal(text).map { .decimal($0) }
    case .boolean: ["true": true, "false": false, "是": true, "否": false][text].map { .boolean($0) }
    case .date: CivilDate(text).map { .date($0) }
    }
  }
}
