package import HTML
package import Processes
import Shell

/// A process as a drawing with the state of its steps, and the same as a list: for phones, print and those who hear it.
///
/// Style sheets show one of the two to the eye; see `css/details.css`. Nothing in it needs scripts.
package struct ProcessDiagram: HTMLConvertible {
  /// What has become of a node; one without a mark has not been come to.
  package enum Mark: String, Sendable, Hashable, CaseIterable {
    case done, current, returned, skipped

    /// The word that says it, beside colour and line.
    var word: String {
      switch self {
      case .done: "已办"
      case .current: "现在"
      case .returned: "退回"
      case .skipped: "跳过"
      }
    }

    var tone: Tone {
      switch self {
      case .done: .success
      case .current: .info
      case .returned: .warning
      case .skipped: .neutral
      }
    }
  }

  let definition: ProcessDefinition
  let marks: [String: Mark]
  let notes: [String: String]
  let id: String
  let drawing: DiagramDrawing

  /// - Parameters:
  ///   - marks: what has become of nodes, by their id.
  ///   - notes: who and when, by the id of the node: `李敏 11-21 14:05`.
  ///   - id: tells several diagrams of one page apart.
  package init(
    _ definition: ProcessDefinition, marks: [String: Mark] = [:], notes: [String: String] = [:], id: String = "process"
  ) {
    self.definition = definition
    self.marks = marks
    self.notes = notes
    self.id = id
    drawing = DiagramDrawing(definition, marks: marks)
  }

  package var html: HTML {
    figure(.class("process"), .class(drawing.bounds.width > 960 ? "is-wide" : nil)) {
      div(
        .class("process-scroll"),
        .when(drawing.bounds.width > 600, .all([.tabindex(0), .role("group"), .aria(.label, "流程图，可左右滚动")]))
      ) {
        strut
        svg
      }
      div(.class("process-steps")) { list }
    }
  }

  // MARK: - The drawing

  /// Keeps the drawing from being made smaller than can be read: it takes the least width, and no height.
  private var strut: HTML {
    element(
      "svg", .class("process-strut"), .custom("width", em(drawing.bounds.width * 0.82)), .custom("height", "0"),
      .aria(.hidden, true))
  }

  private var svg: HTML {
    let bounds = drawing.bounds
    let box = [bounds.x, bounds.y, bounds.width, bounds.height].map { decimal($0) }.joined(separator: " ")
    return element(
      "svg", .class("process-drawing"), .role("img"), .aria(.label, "\(definition.name)流程图"), .custom("viewBox", box),
      .custom("width", em(bounds.width)), .custom("height", em(bounds.height)), .custom("focusable", "false")
    ) {
      element("title") { "\(definition.name)流程图" }
      element("desc") { summary }
      element("defs") { arrowhead }
      for flow in definition.flows { line(flow) }
      for flow in definition.flows { name(of: flow) }
      for node in definition.nodes { shape(node) }
    }
  }

  /// Sizes are in the text's size, so that larger text has a larger drawing.
  private func em(_ length: Double) -> String { decimal(length / 16) + "em" }

  private var arrowhead: HTML {
    element(
      "marker", .id("\(id)-arrow"), .custom("viewBox", "0 0 9 8"), .custom("refX", "8.5"), .custom("refY", "4"),
      .custom("markerWidth", "9"), .custom("markerHeight", "8"), .custom("markerUnits", "userSpaceOnUse"),
      .custom("orient", "auto")
    ) {
      element("path", .class("process-arrow"), .custom("d", "M0 0L9 4L0 8Z"))
    }
  }

  private func line(_ flow: ProcessFlow) -> HTML {
    guard let points = drawing.lines[flow.id] else { return .empty }
    return element(
      "path", .class("process-line"), .custom("d", DiagramDrawing.path(points)),
      .custom("marker-end", "url(#\(id)-arrow)"))
  }

  private func name(of flow: ProcessFlow) -> HTML {
    guard let label = drawing.flowLabels[flow.id] else { return .empty }
    return element("g", .class("process-flow")) {
      label.box.rectangle(radius: 4, .class("process-flow-ground"))
      label.html
    }
  }

  /// What the drawing says, in a sentence.
  private var summary: String {
    let tasks = definition.nodesInOrder.filter { if case .step = $0.kind { true } else { false } }
    func labels(_ mark: Mark, of nodes: [ProcessNode]) -> [String] {
      nodes.filter { marks[$0.id] == mark }.map { "“\(label(of: $0))”" }
    }
    let (done, returned) = (labels(.done, of: tasks), labels(.returned, of: tasks))
    let current = labels(.current, of: steps)
    var text = "共 \(tasks.count) 个办理环节"
    if !done.isEmpty { text += "，已办 \(done.count) 个" }
    if !current.isEmpty { text += "，现在在\(current.joined(separator: "、"))" }
    if !returned.isEmpty { text += "，\(returned.joined(separator: "、"))曾退回" }
    return text + "。"
  }

  // MARK: - The list

  /// What is worth telling in the list: where something is done or waited for, and what else has a mark. What a case that
  /// is over never came to is not.
  private var steps: [ProcessNode] {
    let isOver = !marks.isEmpty && !marks.values.contains(.current)
    return definition.nodesInOrder.filter { node in
      switch node.kind {
      case .step, .service, .timer, .call: !isOver || marks[node.id] != nil
      case .start, .end, .boundary, .decision: marks[node.id] != nil
      case .exclusive, .parallel, .inclusive: false
      }
    }
  }

  private var list: HTML { Timeline(steps.map(entry)).html }

  private func entry(_ node: ProcessNode) -> Timeline.Entry {
    let mark = marks[node.id]
    let state: Timeline.State =
      switch mark {
      case .done, .returned: .done
      case .current: .current
      case .skipped, nil: .next
      }
    return Timeline.Entry(
      label(of: node), who: notes[node.id], tone: mark?.tone ?? .neutral, badge: mark.map { Badge($0.word, $0.tone) },
      state: state
    ) {
      if mark == nil, let condition = condition(of: node) { small { condition } }
    }
  }

  /// When a step is come to at all: by flows that say so, straight from the node before or from a gateway.
  private func condition(of node: ProcessNode) -> String? {
    let names = definition.flows.filter { $0.target == node.id }.map(\.name)
    guard !names.isEmpty, !names.contains("") else { return nil }
    var distinct: [String] = []
    for name in names where !distinct.contains(name) { distinct.append(name) }
    return "条件：" + distinct.joined(separator: "、")
  }
}
