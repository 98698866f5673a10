import HTML
import Processes

// The shapes of BPMN, with the state of each as a sign and a word.
extension ProcessDiagram {
  func shape(_ node: ProcessNode) -> HTML {
    guard let frame = drawing.frames[node.id] else { return .empty }
    let mark = marks[node.id]
    return element("g", .class("process-node is-\(node.look)"), .class(mark.map { "is-\($0.rawValue)" })) {
      element("title") { hint(node) }
      switch node.kind {
      case .step: box(node, frame, sign: nil)
      case .service: box(node, frame, sign: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0\(Self.teeth)")
      case .decision: box(node, frame, sign: "M-5-4.5h10v9h-10zM-5-1.5h10M-1.5-1.5v6")
      case .call: box(node, frame, sign: "M-5-5h10v10h-10zM0-2.5v5M-2.5 0h5")
      case .exclusive: diamond(frame, sign: "M-7-7L7 7M7-7L-7 7")
      case .parallel: diamond(frame, sign: "M0-9.5V9.5M-9.5 0H9.5")
      case .inclusive: diamond(frame, sign: "M-8 0a8 8 0 1 0 16 0a8 8 0 1 0-16 0")
      case .start, .end, .timer, .boundary: circle(node, frame)
      }
      drawing.nodeLabels[node.id]?.html
      if let mark, let box = drawing.badges[node.id] { badge(mark, box) }
    }
  }

  /// The name to show and to read out.
  func label(of node: ProcessNode) -> String {
    if !node.name.isEmpty { return node.name }
    switch node.kind {
    case .start: return "开始"
    case .end: return "结束"
    case .timer(let duration): return "等待 \(duration.words)"
    case .boundary(_, let duration, _): return "满 \(duration.words)"
    case .exclusive: return "选择"
    case .parallel: return "并行"
    case .inclusive: return "多选"
    case .step, .service, .decision, .call: return node.label
    }
  }

  /// Everything about a node, where there is a pointer to ask with.
  private func hint(_ node: ProcessNode) -> String {
    var parts = [label(of: node)]
    switch node.kind {
    case .timer(let duration) where !node.name.isEmpty: parts.append("等待 \(duration.words)")
    case .boundary(_, let duration, _) where !node.name.isEmpty: parts.append("满 \(duration.words)")
    default: break
    }
    if let mark = marks[node.id] { parts.append(mark.word) }
    if let note = notes[node.id] { parts.append(note) }
    return parts.joined(separator: " · ")
  }

  // MARK: - Shapes

  private func box(_ node: ProcessNode, _ frame: DiagramBox, sign: String?) -> HTML {
    let label = wrapped(self.label(of: node), width: min(7, (frame.width - 12) / 14))
    let room = Int((frame.height - 14 - Double(label.count) * 18) / 15)
    let note = wrapped(notes[node.id] ?? "", width: (frame.width - 10) / 12, limit: max(1, min(room, 2)))
    let height = Double(label.count) * 18 + (note.isEmpty ? 0 : Double(note.count) * 15 + 3)
    // A timer on the lower edge reaches up to the last line.
    let top = frame.midY - height / 2 - (hasTimer(node) ? 4 : 0)
    return HTML {
      frame.rectangle(radius: 8, .class("process-shape"))
      for (index, line) in label.enumerated() {
        diagramText(line, frame.midX, top + Double(index) * 18 + 14, .class("process-label"))
      }
      for (index, line) in note.enumerated() {
        diagramText(
          line, frame.midX, top + Double(label.count) * 18 + Double(index) * 15 + 14.5, .class("process-note"))
      }
      if let sign {
        dot(frame.x + 16, frame.y, radius: 10, .class("process-sign-ground"))
        path(sign, at: (frame.x + 16, frame.y), .class("process-sign"))
      }
      if let signing = node.signing, let box = drawing.tags[node.id] { tag(signing, box, .class("process-tag")) }
    }
  }

  private func hasTimer(_ node: ProcessNode) -> Bool {
    definition.nodes.contains { if case .boundary(node.id, _, _) = $0.kind { true } else { false } }
  }

  private static let teeth = [
    "M0-4v-2.5", "M0 4v2.5", "M-4 0h-2.5", "M4 0h2.5", "M2.8-2.8l1.8-1.8", "M-2.8 2.8l-1.8 1.8", "M2.8 2.8l1.8 1.8",
    "M-2.8-2.8l-1.8-1.8",
  ].joined()

  private func diamond(_ frame: DiagramBox, sign: String) -> HTML {
    let points = [(frame.midX, frame.y), (frame.maxX, frame.midY), (frame.midX, frame.maxY), (frame.x, frame.midY)]
    return HTML {
      element(
        "polygon", .class("process-shape"),
        .custom("points", points.map { "\(decimal($0.0)),\(decimal($0.1))" }.joined(separator: " ")))
      path(sign, at: (frame.midX, frame.midY), .class("process-gate"))
    }
  }

  private func circle(_ node: ProcessNode, _ frame: DiagramBox) -> HTML {
    let (x, y, radius) = (frame.midX, frame.midY, frame.width / 2)
    return HTML {
      dot(x, y, radius: radius, .class("process-shape"))
      switch node.kind {
      case .end(isTerminating: true): dot(x, y, radius: radius - 7, .class("process-stop"))
      case .timer, .boundary:
        dot(x, y, radius: radius - 3.5, .class("process-clock"))
        path("M0-5.5V0H4", at: (x, y), .class("process-clock"))
      default: HTML.empty
      }
    }
  }

  // MARK: - Signs

  /// A check mark for what is done, a word for everything else.
  private func badge(_ mark: Mark, _ box: DiagramBox) -> HTML {
    if mark != .done { return tag(mark.word, box, .class("process-badge")) }
    return HTML {
      dot(box.midX, box.midY, radius: box.width / 2, .class("process-badge"))
      path(
        box.width > 16 ? "M-4.5 0l3 3.5L4.5-3.5" : "M-3 0l2 2.5L3-2.5", at: (box.midX, box.midY),
        .class("process-check"))
    }
  }

  private func tag(_ word: String, _ box: DiagramBox, _ look: Attribute) -> HTML {
    element("g", look) {
      box.rectangle(radius: 10, .none)
      diagramText(word, box.midX, box.midY + 4.5, .none)
    }
  }

  private func dot(_ x: Double, _ y: Double, radius: Double, _ look: Attribute) -> HTML {
    element(
      "circle", .custom("cx", decimal(x)), .custom("cy", decimal(y)), .custom("r", decimal(radius)), look)
  }

  /// Strokes that are drawn around a point.
  private func path(_ strokes: String, at point: (Double, Double), _ look: Attribute) -> HTML {
    element(
      "path", .custom("d", strokes), .custom("transform", "translate(\(decimal(point.0)) \(decimal(point.1)))"), look)
  }
}

extension ProcessNode {
  /// The word by which style sheets know its shape.
  fileprivate var look: String {
    switch kind {
    case .start: "start"
    case .end: "end"
    case .step: "step"
    case .service, .decision: "system"
    case .call: "call"
    case .exclusive, .parallel, .inclusive: "gateway"
    case .timer: "timer"
    case .boundary(_, _, let interrupts): interrupts ? "boundary" : "boundary is-beside"
    }
  }
}
