import Core
import XML
import YAML

extension ProcessDefinition {
  /// Reads the process of a BPMN 2.0 file.
  ///
  /// What the subset does not have is refused with the element named, never passed over: a definition that means
  /// something else here than in the modeler must not run.
  ///
  /// - Parameter file: the name that problems are reported with.
  /// - Throws: ``ProcessFailure``.
  package init(bpmn bytes: [UInt8], file: String) throws(ProcessFailure) {
    var reader = BPMNReader(file: file)
    self = try reader.read(bytes)
  }
}

/// Turns the elements of a file into a definition and gathers what it cannot take.
private struct BPMNReader {
  let file: String
  private var problems: [ProcessProblem] = []
  private var nodes: [ProcessNode] = []
  private var flows: [ProcessFlow] = []
  private var variables: [ProcessVariable] = []
  private var defaults: Set<String> = []
  private var layout = ProcessLayout()

  init(file: String) { self.file = file }

  mutating func read(_ bytes: [UInt8]) throws(ProcessFailure) -> ProcessDefinition {
    let root: XMLElement
    do {
      root = try XMLElement(parsing: bytes)
    } catch let failure as XMLFailure {
      throw ProcessFailure(problems: [
        ProcessProblem(
          position: SourcePosition(file: file, line: failure.line, column: failure.column), element: "",
          message: "不是能读懂的 XML（\(failure.reason)）。请从流程设计器重新导出 BPMN 文件。")
      ])
    } catch {
      throw ProcessFailure(problems: [
        ProcessProblem(
          position: SourcePosition(file: file, line: 1, column: 1), element: "", message: "文件没有读成。请重试。")
      ])
    }
    let processes =
      root.name == "definitions" && root.namespace == BPMN.model ? root.children("process", in: BPMN.model) : []
    guard let process = processes.first else {
      report(root, "", "这不是 BPMN 2.0 文件，或其中没有流程。请从流程设计器重新导出。")
      throw ProcessFailure(problems: problems)
    }
    for extra in processes.dropFirst() { report(extra, extra["id"] ?? "", "一个文件只能有一个流程。请分成几个文件。") }
    readDefaults(process)
    for element in process.children where element.namespace == BPMN.model { read(element) }
    if let plane = root.child("BPMNDiagram", in: BPMN.diagram)?.child("BPMNPlane", in: BPMN.diagram) {
      readLayout(plane)
    }
    let id = identifier(of: process) ?? ""
    guard problems.isEmpty else { throw ProcessFailure(problems: problems) }
    return ProcessDefinition(
      id: id, name: process["name"] ?? id, variables: variables, nodes: nodes, flows: flows, layout: layout)
  }

  private func position(_ element: XMLElement) -> SourcePosition {
    SourcePosition(file: file, line: element.line, column: element.column)
  }

  private mutating func report(_ element: XMLElement, _ id: String, _ message: String) {
    problems.append(ProcessProblem(position: position(element), element: id, message: message))
  }

  private mutating func identifier(of element: XMLElement) -> String? {
    guard let id = element["id"], !id.isEmpty, id.count <= 100, !id.contains(CallPath.mark) else {
      report(element, "", "元素 \(element.name) 没有编号（id），或编号超过 100 个字、含有“/”。请补上或改正。")
      return nil
    }
    return id
  }

  private mutating func readDefaults(_ process: XMLElement) {
    for element in process.children { if let flow = element["default"] { defaults.insert(flow) } }
  }

  // MARK: Elements

  private mutating func read(_ element: XMLElement) {
    switch element.name {
    case "documentation", "textAnnotation", "association", "laneSet", "group", "category": return
    case "extensionElements": readVariables(element)
    case "sequenceFlow": readFlow(element)
    default:
      if let id = identifier(of: element), let kind = kind(of: element, id) {
        nodes.append(ProcessNode(id: id, name: element["name"] ?? "", kind: kind, position: position(element)))
      }
    }
  }

  private mutating func kind(of element: XMLElement, _ id: String) -> ProcessNode.Kind? {
    let label = "“\(element["name"] ?? id)”"
    let events = element.children.filter { $0.namespace == BPMN.model && $0.name.hasSuffix("EventDefinition") }
    switch element.name {
    case "startEvent":
      guard events.isEmpty else { return refuse(element, id, "\(label)是带触发条件的开始事件。流程由申请或系统发起，请换成普通开始事件。") }
      return .start
    case "endEvent":
      if let other = events.first(where: { $0.name != "terminateEventDefinition" }) {
        return refuse(element, id, "\(label)是带 \(other.name) 的结束事件，这里不支持。请换成普通或终止结束事件。")
      }
      return .end(isTerminating: !events.isEmpty)
    case "userTask": return step(element, id, label).map { .step($0) }
    case "serviceTask":
      guard let action = element["action", in: BPMN.lifang], !action.isEmpty else {
        return refuse(element, id, "\(label)没有写明系统要做什么（lifang:action）。请补上。")
      }
      return .service(action: action)
    case "businessRuleTask": return .decision(assignments(element, id, label))
    case "callActivity":
      let call = CallReader(element, label)
      for message in call.problems { report(element, id, message) }
      return call.rule.map { .call($0) }
    case "exclusiveGateway": return .exclusive
    case "parallelGateway": return .parallel
    case "inclusiveGateway": return .inclusive
    case "intermediateCatchEvent":
      return duration(element, id, label, events).map { .timer($0) }
    case "boundaryEvent":
      guard let host = element["attachedToRef"] else {
        return refuse(element, id, "\(label)没有附着在环节上。请把它拖到一个办理环节或调用流程的边上。")
      }
      return duration(element, id, label, events).map {
        .boundary(host: host, after: $0, interrupts: element["cancelActivity"] != "false")
      }
    default: return refuse(element, id, "\(label)是 \(element.name)，这里不支持。请改用办理环节、系统任务、规则任务、调用流程、网关或定时事件。")
    }
  }

  private mutating func refuse<Value>(_ element: XMLElement, _ id: String, _ message: String) -> Value? {
    report(element, id, message)
    return nil
  }

  private mutating func duration(_ element: XMLElement, _ id: String, _ label: String, _ events: [XMLElement])
    -> ProcessDuration?
  {
    guard events.count == 1, events[0].name == "timerEventDefinition" else {
      return refuse(element, id, "\(label)不是定时事件，这里只支持定时。请换成定时事件。")
    }
    let text = events[0].child("timeDuration", in: BPMN.model)?.text.filter { !$0.isWhitespace } ?? ""
    guard let duration = ProcessDuration(text) else {
      return refuse(element, id, "\(label)的时长“\(text)”读不懂。请写成 P3D、PT2H 或 P1DT4H30M 这样。")
    }
    return duration
  }

  private mutating func step(_ element: XMLElement, _ id: String, _ label: String) -> StepRule? {
    let loop = element.child("multiInstanceLoopCharacteristics", in: BPMN.model)
    if element.child("standardLoopCharacteristics", in: BPMN.model) != nil {
      return refuse(element, id, "\(label)设了循环标记，这里不支持。请用连线连回前面的环节。")
    }
    guard let signing = self.signing(element, id, label, loop),
      let handler = self.handler(element, id, label, "handler"),
      let fallback = self.handler(element, id, label, "fallback")
    else { return nil }
    let limit = element["limit", in: BPMN.lifang]
    if let limit, ProcessDuration(limit) == nil {
      report(element, id, "\(label)的办理时限“\(limit)”读不懂。请写成 P3D、PT2H 或 P1DT4H30M 这样。")
    }
    let options = StepOptionReader(element, label)
    for message in options.problems { report(element, id, message) }
    return StepRule(
      handler: handler, fallback: fallback, signing: signing, inputs: inputs(element, id, label),
      limit: limit.flatMap { ProcessDuration($0) }, pausesClock: element["pauses", in: BPMN.lifang] == "true",
      edits: edits(element, id, label), reminder: options.reminder, overdue: options.overdue,
      dispatch: options.dispatch, fields: options.fields)
  }

  private mutating func inputs(_ element: XMLElement, _ id: String, _ label: String) -> [StepInput] {
    let found = element.child("extensionElements", in: BPMN.model)?.children("input", in: BPMN.lifang) ?? []
    return found.compactMap { input in
      guard let variable = input["variable"] else {
        return refuse(input, id, "\(label)的 lifang:input 要写明 variable。请补上。")
      }
      return StepInput(variable: variable, isRequired: input["required"] != "false")
    }
  }

  private mutating func edits(_ element: XMLElement, _ id: String, _ label: String) -> Set<StepContent> {
    var found: Set<StepContent> = []
    for word in (element["edits", in: BPMN.lifang] ?? "").split(separator: " ") {
      if let content = StepContent(rawValue: String(word)) {
        found.insert(content)
      } else {
        report(element, id, "\(label)可改的内容“\(word)”读不懂。可用的有：form、materials。")
      }
    }
    return found
  }

  private mutating func handler(_ element: XMLElement, _ id: String, _ label: String, _ name: String) -> StepHandler? {
    let what = name == "handler" ? "办理人" : "兜底办理人"
    guard let text = element[name, in: BPMN.lifang] else {
      return refuse(element, id, "\(label)没有指定\(what)（lifang:\(name)）。请指定角色、岗位、单位、发起人或与某一环节相同。")
    }
    guard let handler = StepHandler(text) else {
      return refuse(
        element, id,
        "\(label)的\(what)“\(text)”读不懂。请写成 role:角色、home-role:户籍地的角色、role-of:变量、post:岗位、unit:单位、unit-of-address、starter 或 same-as:环节。"
      )
    }
    return handler
  }

  private mutating func signing(_ element: XMLElement, _ id: String, _ label: String, _ loop: XMLElement?) -> Signing? {
    let text = element["signing", in: BPMN.lifang]
    guard let loop else {
      guard text == nil else { return refuse(element, id, "\(label)写了会签方式，但没有多人标记。请在设计器里给它加上多实例标记。") }
      return .one
    }
    let isSequential = loop["isSequential"] == "true"
    switch text ?? "all" {
    case "all": return .all(sequential: isSequential)
    case "any" where !isSequential: return .any
    case let share where share.hasSuffix("%") && !isSequential:
      guard let percent = Int(share.dropLast()), (1...100).contains(percent) else { break }
      return .share(percent: percent)
    default: break
    }
    return refuse(element, id, "\(label)的会签方式“\(text ?? "")”读不懂。请写成 all、any 或 60% 这样的比例；依次会签只能是 all。")
  }

  private mutating func assignments(_ element: XMLElement, _ id: String, _ label: String) -> [ProcessAssignment] {
    let sets = element.child("extensionElements", in: BPMN.model)?.children("set", in: BPMN.lifang) ?? []
    if sets.isEmpty { report(element, id, "\(label)没有要填写的变量（lifang:set）。请至少写一个，或删去这个规则任务。") }
    return sets.compactMap { set in
      guard let variable = set["variable"], let formula = set["value"] else {
        return refuse(set, id, "\(label)的 lifang:set 要写明 variable 和 value。请补上。")
      }
      return ProcessAssignment(variable: variable, formula: formula)
    }
  }

  private mutating func readFlow(_ element: XMLElement) {
    guard let id = identifier(of: element) else { return }
    let text = element.child("conditionExpression", in: BPMN.model)?.text
    let condition = text.map { $0.trimmingPrefix(while: \.isWhitespace) }.map { text in
      String(text.reversed().drop(while: \.isWhitespace).reversed())
    }
    flows.append(
      ProcessFlow(
        id: id, name: element["name"] ?? "", source: element["sourceRef"] ?? "", target: element["targetRef"] ?? "",
        condition: condition?.isEmpty == true ? nil : condition, isDefault: defaults.contains(id),
        position: position(element)))
  }

  private mutating func readVariables(_ element: XMLElement) {
    for variable in element.children("variable", in: BPMN.lifang) {
      guard let name = variable["name"], name.wholeMatch(of: /[a-z][a-z0-9_]{0,39}/) != nil else {
        report(variable, "", "变量名“\(variable["name"] ?? "")”应为小写字母开头的字母、数字和下划线。请改正。")
        continue
      }
      guard let kind = variable["type"].flatMap(ProcessVariable.Kind.init) else {
        let kinds = ProcessVariable.Kind.allCases.map(\.rawValue).joined(separator: "、")
        report(variable, name, "变量“\(name)”的类型“\(variable["type"] ?? "")”读不懂。可用的有：\(kinds)。")
        continue
      }
      let choices = variable.children("choice", in: BPMN.lifang).map { choice in
        ProcessVariable.Choice(
          value: choice["value"] ?? "", label: choice["label"] ?? choice["value"] ?? "", role: choice["role"],
          needsOpinion: choice["opinion"] == "required")
      }
      if !choices.isEmpty, kind != .text || Set(choices.map(\.value)).count < choices.count {
        report(variable, name, "变量“\(name)”的可选值只能用于文字，且不能重复。请改正。")
      }
      variables.append(ProcessVariable(name: name, label: variable["label"] ?? name, kind: kind, choices: choices))
    }
  }

  // MARK: Diagram

  private mutating func readLayout(_ plane: XMLElement) {
    func number(_ element: XMLElement, _ name: String) -> Double? {
      element[name].flatMap(Double.init).flatMap { $0.isFinite && abs($0) < 1e6 ? $0 : nil }
    }
    for part in plane.children where part.namespace == BPMN.diagram {
      guard let id = part["bpmnElement"] else { continue }
      if let box = part.child("Bounds", in: BPMN.boxes), let x = number(box, "x"), let y = number(box, "y"),
        let width = number(box, "width"), let height = number(box, "height")
      {
        layout.frames[id] = ProcessLayout.Frame(x: x, y: y, width: width, height: height)
      }
      let points = part.children("waypoint", in: BPMN.lines).compactMap { point -> ProcessLayout.Point? in
        guard let x = number(point, "x"), let y = number(point, "y") else { return nil }
        return ProcessLayout.Point(x: x, y: y)
      }
      if points.count > 1 { layout.lines[id] = points }
    }
  }
}
