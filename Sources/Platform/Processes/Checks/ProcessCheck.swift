import Entities
import YAML

/// Goes through a definition and gathers what keeps it from running.
struct ProcessCheck {
  let definition: ProcessDefinition
  private(set) var problems: [ProcessProblem] = []
  private(set) var start: ProcessNode?
  private(set) var nodes: [String: ProcessNode] = [:]
  private(set) var leaving: [String: [ProcessFlow]] = [:]
  private(set) var arriving: [String: [ProcessFlow]] = [:]
  private(set) var boundaries: [String: [ProcessNode]] = [:]
  private(set) var conditions: [String: Expression] = [:]
  private(set) var formulas: [String: [(variable: String, formula: Expression)]] = [:]
  private(set) var inputs: [String: [(variable: String, formula: Expression)]] = [:]
  private(set) var outputs: [String: [(variable: String, formula: Expression)]] = [:]
  /// What the call activities go through, by their id.
  private(set) var called: [String: RunnableProcess] = [:]
  /// The processes that may be called, and those that are being called on the way here.
  private let library: [String: ProcessDefinition]
  private let path: [String]

  /// Elements of a process; nobody can survey more.
  private static let limit = 500

  init(_ definition: ProcessDefinition, calling library: [String: ProcessDefinition], within path: [String]) {
    self.definition = definition
    self.library = library
    self.path = path
  }

  mutating func run() {
    if let first = definition.nodes.first, definition.nodes.count + definition.flows.count > ProcessCheck.limit * 2 {
      report(first, "所在的流程有 \(definition.nodes.count) 个元素，太多了，最多 \(ProcessCheck.limit) 个。请拆成几个流程。")
      return
    }
    readNames()
    readFlows()
    guard problems.isEmpty else { return }
    for node in definition.nodes { check(node) }
    readExpressions()
    guard problems.isEmpty else { return }
    findReach()
    guard problems.isEmpty, let start else { return }
    problems += Soundness(check: self, start: start.id).problems()
    for timer in definition.nodes {
      guard case .boundary(_, _, interrupts: false) = timer.kind else { continue }
      checkSide(timer, start)
    }
  }

  mutating func report(_ node: ProcessNode, _ message: String) {
    problems.append(ProcessProblem(position: node.position, element: node.id, message: "“\(node.label)”\(message)"))
  }

  private mutating func report(_ flow: ProcessFlow, _ message: String) {
    let name = flow.name.isEmpty ? flow.id : flow.name
    problems.append(ProcessProblem(position: flow.position, element: flow.id, message: "连线“\(name)”\(message)"))
  }

  // MARK: Names

  private mutating func readNames() {
    for node in definition.nodes {
      if nodes.updateValue(node, forKey: node.id) != nil { report(node, "的编号与另一个元素相同。请改用不同的编号。") }
    }
    for node in definition.nodes {
      guard case .boundary(let host, _, _) = node.kind else { continue }
      switch nodes[host]?.kind {
      case .step, .call: boundaries[host, default: []].append(node)
      default: report(node, "没有附着在办理环节或调用流程上。请把它拖到一个办理环节或调用流程的边上。")
      }
    }
    let starts = definition.nodes.filter { $0.kind == .start }
    start = starts.first
    guard let first = definition.nodes.first else {
      problems.append(
        ProcessProblem(
          position: SourcePosition(file: definition.id, line: 1, column: 1), element: definition.id,
          message: "流程“\(definition.name)”没有任何元素。请画出开始、环节和结束。"))
      return
    }
    if starts.isEmpty {
      problems.append(
        ProcessProblem(position: first.position, element: definition.id, message: "流程没有开始事件。请添加一个，并从它连出第一条线。"))
    }
    for extra in starts.dropFirst() { report(extra, "是多余的开始事件。一个流程只能从一处开始，请删去。") }
    if !definition.nodes.contains(where: { if case .end = $0.kind { true } else { false } }) {
      problems.append(
        ProcessProblem(position: first.position, element: definition.id, message: "流程没有结束事件。请添加一个，让每条路都能走到。"))
    }
    var known: Set<String> = []
    for variable in definition.variables where !known.insert(variable.name).inserted {
      problems.append(
        ProcessProblem(
          position: first.position, element: definition.id,
          message: "变量“\(variable.label)”（\(variable.name)）写了两次。请删去一个。"))
    }
  }

  // MARK: Flows

  private mutating func readFlows() {
    var known: Set<String> = Set(nodes.keys)
    for flow in definition.flows {
      if !known.insert(flow.id).inserted { report(flow, "的编号与另一个元素相同。请改用不同的编号。") }
      guard nodes[flow.source] != nil, nodes[flow.target] != nil else {
        report(flow, "的一端没有接到元素上。请接好或删去。")
        continue
      }
      leaving[flow.source, default: []].append(flow)
      arriving[flow.target, default: []].append(flow)
    }
  }

  private mutating func check(_ node: ProcessNode) {
    let (into, out) = (arriving[node.id]?.count ?? 0, leaving[node.id]?.count ?? 0)
    var (needsArrival, outgoing) = (true, 1...1)
    switch node.kind {
    case .start: needsArrival = false
    case .end: outgoing = 0...0
    case .boundary(let host, _, _):
      needsArrival = false
      if into > 0 { report(node, "不能有线连入：它只随“\(nodes[host]?.label ?? host)”到时触发。请删去连入的线。") }
    case .exclusive, .parallel, .inclusive: outgoing = 1...50
    case .step(let rule): check(node, rule)
    case .call(let rule): check(node, rule)
    case .service, .decision, .timer: break
    }
    if node.kind == .start, into > 0 { report(node, "不能有线连入。请让线连到它后面的环节。") }
    if needsArrival, into == 0 { report(node, "没有线连入，永远走不到。请连上或删去。") }
    if !outgoing.contains(out) {
      switch outgoing {
      case 0...0: report(node, "之后不应再有连线。请删去。")
      case 1...1 where out == 0: report(node, "没有线连出，流程会停在这里。请连到下一个元素。")
      case 1...1: report(node, "有 \(out) 条线连出。要分路，请在它后面放一个网关。")
      default: report(node, out == 0 ? "没有线连出，流程会停在这里。请连到下一个元素。" : "连出的线太多，最多 50 条。")
      }
    }
    checkBranches(node, out)
  }

  private mutating func checkBranches(_ node: ProcessNode, _ out: Int) {
    let flows = leaving[node.id] ?? []
    let chooses = (node.kind == .exclusive || node.kind == .inclusive) && out > 1
    for flow in flows where !chooses && flow.condition != nil {
      report(flow, "写有条件，但从“\(node.label)”只能无条件走过。请删去条件，或改用排他、包容网关。")
    }
    guard chooses else { return }
    let defaults = flows.filter(\.isDefault)
    if defaults.count > 1 { report(node, "有 \(defaults.count) 条默认连线。请只留一条。") }
    for flow in flows where flow.condition == nil && !flow.isDefault {
      report(flow, "没有条件，也不是默认连线。请写上条件，或设为默认。")
    }
    for flow in defaults where flow.condition != nil { report(flow, "是默认连线，不应有条件。请删去条件。") }
    if defaults.isEmpty { report(node, "没有默认连线：所有条件都不成立时流程会停住。请指定一条默认连线。") }
  }

  /// Proves what is called, each with its own calls; a process that calls itself again would never end.
  private mutating func check(_ node: ProcessNode, _ rule: CallRule) {
    let way = path + [definition.id]
    if way.contains(rule.process) {
      let names = (way.drop { $0 != rule.process } + [rule.process]).joined(separator: " → ")
      report(node, "调用的流程又调用到自己（\(names)），会没有尽头。请改为调用别的流程。")
      return
    }
    guard let callee = library[rule.process] else {
      report(node, "调用的流程“\(rule.process)”不存在。请选择已有的流程。")
      return
    }
    do {
      let process = try RunnableProcess(callee, calling: library, within: way)
      called[node.id] = process
      for name in process.rolesNeeded where !rule.inputs.contains(where: { $0.variable == name }) {
        let label = callee.variables.first { $0.name == name }?.label ?? name
        report(node, "调用的流程按“\(label)”找办理人，但没有给它这个变量。请在传入中写上 \(name)。")
      }
    } catch {
      report(node, "调用的流程“\(callee.name)”不能运行：\(error.problems.first?.message ?? "")")
    }
  }

  private mutating func check(_ node: ProcessNode, _ rule: StepRule) {
    for input in rule.inputs where !definition.variables.contains(where: { $0.name == input.variable }) {
      report(node, "要填写的变量“\(input.variable)”没有声明。请先在流程上声明它。")
    }
    if Set(rule.inputs.map(\.variable)).count < rule.inputs.count { report(node, "把同一个变量问了两次。请删去一个。") }
    if case .roleOf(let name) = rule.handler {
      let variable = definition.variables.first { $0.name == name }
      if variable == nil || variable?.choices.contains(where: { $0.role == nil }) == true
        || variable?.choices.isEmpty == true
      {
        report(node, "的办理人写成变量“\(name)”对应的角色，但它的可选值没有都写明角色（role）。请补上。")
      }
    }
    if case .roleOf = rule.fallback { report(node, "的兜底办理人应为角色、岗位、单位或发起人，这样总能找到人。请改正。") }
    for handler in [rule.handler, rule.fallback] {
      guard case .sameAs(let step) = handler else { continue }
      if case .step = nodes[step]?.kind {
        if step == node.id { report(node, "的办理人写成与自己相同。请指定另一个环节。") }
      } else {
        report(node, "的办理人写成与环节“\(step)”相同，但没有这个环节。请改正。")
      }
    }
    if case .sameAs = rule.fallback { report(node, "的兜底办理人应为角色、岗位、单位或发起人，这样总能找到人。请改正。") }
    for message in rule.optionProblems(in: definition) { report(node, message) }
    if rule.fallback == .unitOfAddress { report(node, "的兜底办理人应为角色、岗位、单位或发起人，这样总能找到人。请改正。") }
  }

  // MARK: Expressions

  private mutating func readExpressions() {
    let names = definition.variables.map { (name: $0.name, label: $0.label, type: $0.kind.fieldType) }
    for flow in definition.flows {
      guard let text = flow.condition else { continue }
      do throws(ExpressionFailure) {
        let condition = try Expression(parsing: text, at: flow.position, over: names)
        if condition.type == .boolean || condition.type == .null {
          conditions[flow.id] = condition
        } else {
          report(flow, "的条件“\(text)”得到的是\(condition.type.label)，应能判断是否成立。请改正。")
        }
      } catch {
        report(flow, "的条件“\(text)”：\(error.message)")
      }
    }
    for node in definition.nodes {
      switch node.kind {
      case .decision(let assignments):
        formulas[node.id] = read(assignments, of: node, to: definition.variables, over: names)
      case .call(let rule):
        guard let callee = called[node.id]?.source else { continue }
        inputs[node.id] = read(rule.inputs, of: node, to: callee.variables, over: names, in: callee.name)
        outputs[node.id] = read(
          rule.outputs, of: node, to: definition.variables,
          over: callee.variables.map { (name: $0.name, label: $0.label, type: $0.kind.fieldType) })
      default: continue
      }
    }
  }

  /// - Parameter callee: the process whose variables are filled in, where it is not this one.
  private mutating func read(
    _ assignments: [ProcessAssignment], of node: ProcessNode, to variables: [ProcessVariable],
    over names: [(name: String, label: String, type: FieldType)], in callee: String? = nil
  ) -> [(variable: String, formula: Expression)] {
    var found: [(variable: String, formula: Expression)] = []
    for assignment in assignments {
      guard let variable = variables.first(where: { $0.name == assignment.variable }) else {
        let place = callee.map { "在流程“\($0)”中" } ?? ""
        report(node, "要填写的变量“\(assignment.variable)”\(place)没有声明。请先在流程上声明它。")
        continue
      }
      do throws(ExpressionFailure) {
        let formula = try Expression(parsing: assignment.formula, at: node.position, over: names)
        if ProcessCheck.fits(formula.type, variable.kind) {
          found.append((variable.name, formula))
        } else {
          report(node, "给“\(variable.label)”的公式得到的是\(formula.type.label)，类型不符。请改正。")
        }
      } catch {
        report(node, "给“\(variable.label)”的公式：\(error.message)")
      }
    }
    return found
  }

  private static func fits(_ type: ExpressionType, _ kind: ProcessVariable.Kind) -> Bool {
    switch (type, kind) {
    case (.null, _), (.text, .text), (.integer, .integer), (.integer, .decimal), (.decimal, .decimal),
      (.boolean, .boolean), (.date, .date):
      true
    default: false
    }
  }

  // MARK: Reach

  /// What may come directly after a node.
  private func next(_ id: String) -> [String] {
    (leaving[id] ?? []).map(\.target)
      + (boundaries[id] ?? []).flatMap { (leaving[$0.id] ?? []).map(\.target) + [$0.id] }
  }

  private mutating func findReach() {
    var ahead: [String: Set<String>] = [:]
    for node in definition.nodes {
      var seen: Set<String> = []
      var open = next(node.id)
      while let one = open.popLast() { if seen.insert(one).inserted { open += next(one) } }
      ahead[node.id] = seen
    }
    guard let start else { return }
    let ends = definition.nodes.filter { if case .end = $0.kind { true } else { false } }.map(\.id)
    for node in definition.nodes where node.id != start.id {
      if ahead[start.id]?.contains(node.id) != true { report(node, "从开始走不到。请连上或删去。") }
    }
    for node in definition.nodes where !ends.contains(node.id) {
      if !ends.contains(where: { ahead[node.id]?.contains($0) == true }) {
        report(node, "之后走不到任何结束。请给它留一条出路。")
      }
    }
    findEmptyLoops()
  }

  /// A timer that does not interrupt opens a branch beside everything else; it may run several times at once, and ends by
  /// itself.
  private mutating func checkSide(_ timer: ProcessNode, _ start: ProcessNode) {
    let main = Set(FlowGraph(self, from: start.id).kinds.keys)
    let side = FlowGraph(self, from: timer.id).kinds.keys.filter { main.contains($0) }.sorted()
    if let node = side.first.flatMap({ nodes[$0] }) {
      report(timer, "不中断环节，从它走出的路不能并回主流程，却走到了“\(node.label)”。请让它在自己的结束处结束，或改为中断。")
    } else {
      problems += Soundness(check: self, start: timer.id).problems()
    }
  }

  /// A loop in which nobody is asked and nothing is waited for would never come to rest.
  private mutating func findEmptyLoops() {
    func isPassedAtOnce(_ id: String) -> Bool {
      switch nodes[id]?.kind {
      case .step, .timer, .end, nil: false
      case .call: called[id]?.mayPassAtOnce == true
      default: true
      }
    }
    for node in definition.nodes where isPassedAtOnce(node.id) {
      var seen: Set<String> = []
      var open = (leaving[node.id] ?? []).map(\.target)
      while let one = open.popLast() {
        if one == node.id {
          report(node, "处在一个没有办理环节也没有等待的循环里，会一直转下去。请在循环中加入一个环节。")
          return
        }
        if isPassedAtOnce(one), seen.insert(one).inserted { open += (leaving[one] ?? []).map(\.target) }
      }
    }
  }
}
