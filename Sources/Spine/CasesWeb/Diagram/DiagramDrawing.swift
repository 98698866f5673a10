import HTML
import Processes

/// A rectangle of the drawing.
struct DiagramBox: Hashable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  var midX: Double { x + width / 2 }
  var midY: Double { y + height / 2 }
  var maxX: Double { x + width }
  var maxY: Double { y + height }

  init(x: Double, y: Double, width: Double, height: Double) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
  }

  init(midX: Double, midY: Double, width: Double, height: Double) {
    self.init(x: midX - width / 2, y: midY - height / 2, width: width, height: height)
  }

  func grown(_ by: Double) -> DiagramBox {
    DiagramBox(x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by)
  }

  func meets(_ other: DiagramBox) -> Bool {
    x < other.maxX && other.x < maxX && y < other.maxY && other.y < maxY
  }

  func union(_ other: DiagramBox) -> DiagramBox {
    let (left, top) = (min(x, other.x), min(y, other.y))
    return DiagramBox(x: left, y: top, width: max(maxX, other.maxX) - left, height: max(maxY, other.maxY) - top)
  }

  func rectangle(radius: Double, _ attributes: Attribute) -> HTML {
    element(
      "rect", .custom("x", decimal(x)), .custom("y", decimal(y)), .custom("width", decimal(width)),
      .custom("height", decimal(height)), .custom("rx", decimal(radius)), attributes)
  }
}

/// Where everything of a diagram stands, names included, large enough for its texts.
struct DiagramDrawing {
  struct Point {
    let x: Double
    let y: Double
  }

  private(set) var frames: [String: DiagramBox] = [:]
  private(set) var lines: [String: [Point]] = [:]
  /// What is written beside nodes that are too small to hold their name.
  private(set) var nodeLabels: [String: DiagramLabel] = [:]
  private(set) var flowLabels: [String: DiagramLabel] = [:]
  /// What says how a node stands, and how several sign a step.
  private(set) var badges: [String: DiagramBox] = [:]
  private(set) var tags: [String: DiagramBox] = [:]
  private(set) var bounds = DiagramBox(x: 0, y: 0, width: 100, height: 50)

  /// What a line takes up, a box for each of its parts.
  private var strokes: [(flow: String, box: DiagramBox)] = []

  init(_ definition: ProcessDefinition, marks: [String: ProcessDiagram.Mark]) {
    let layout = definition.laidOut()
    let widths = definition.nodes.filter(\.isBox).compactMap { layout.frames[$0.id]?.width }
    // Modelers draw steps 100 wide, for smaller letters than ours.
    let scale = min(max(124 / (widths.min() ?? 124), 1), 2)
    frames = layout.frames.mapValues {
      DiagramBox(x: $0.x * scale, y: $0.y * scale, width: $0.width * scale, height: $0.height * scale)
    }
    lines = layout.lines.mapValues { $0.map { Point(x: $0.x * scale, y: $0.y * scale) } }
    for flow in definition.flows {
      guard let points = lines[flow.id] else { continue }
      for (a, b) in zip(points, points.dropFirst()) {
        let box = DiagramBox(x: min(a.x, b.x), y: min(a.y, b.y), width: abs(a.x - b.x), height: abs(a.y - b.y))
        strokes.append((flow.id, box.grown(1)))
      }
    }
    for node in definition.nodes { placeSigns(of: node, marks[node.id]) }
    for node in definition.nodes where !node.isBox { place(node) }
    for flow in definition.flows where !flow.name.isEmpty { place(flow) }
    let boxes = frames.values.map { $0.grown(3) } + strokes.map(\.box) + written
    if let first = boxes.first { bounds = boxes.dropFirst().reduce(first) { $0.union($1) }.grown(2) }
  }

  // MARK: Signs and names

  private var written: [DiagramBox] {
    (Array(nodeLabels.values) + Array(flowLabels.values)).map(\.box) + Array(badges.values) + Array(tags.values)
  }

  /// A check mark stands on the upper right corner, words above it.
  private mutating func placeSigns(of node: ProcessNode, _ mark: ProcessDiagram.Mark?) {
    guard let frame = frames[node.id] else { return }
    let (x, y) =
      node.isBox ? (frame.maxX - 14, frame.y) : (frame.midX + frame.width * 0.34, frame.midY - frame.height * 0.34)
    if mark == .done {
      let size = node.isBox ? 20.0 : 14
      badges[node.id] = DiagramBox(midX: x, midY: y, width: size, height: size)
    } else if mark != nil {
      badges[node.id] = DiagramBox(x: node.isBox ? frame.maxX - 46 : x - 8, y: y - 15, width: 38, height: 20)
    }
    if let signing = node.signing {
      let width = ProcessLayout.width(of: signing) * 12 + 14
      let tag = DiagramBox(x: frame.x + 8, y: frame.maxY - 7, width: width, height: 20)
      // Where timers take up the lower edge there is room on the upper one.
      let isTaken = frames.contains { $0.key != node.id && $0.value.meets(tag) }
      tags[node.id] = isTaken ? DiagramBox(x: tag.x, y: frame.y - 13, width: width, height: 20) : tag
    }
  }

  /// How much a box would hide or be hidden.
  private func cost(_ box: DiagramBox, frame: String? = nil, flow: String? = nil) -> Double {
    let covered = frames.filter { $0.key != frame && $0.value.meets(box) }.count
    let hidden = written.filter { $0.meets(box) }.count
    let crossed = strokes.filter { $0.flow != flow && $0.box.meets(box) }.count
    return Double(10 * covered + 10 * hidden + 4 * crossed)
  }

  private mutating func place(_ node: ProcessNode) {
    guard let frame = frames[node.id] else { return }
    let lines = wrapped(node.caption, width: 7)
    if lines.isEmpty { return }
    let (width, height) = DiagramLabel.extent(lines)
    let isDiamond = node.isGateway
    let inset = isDiamond ? frame.width / 4 : 2
    let (left, right) = (frame.midX - inset - 2 - width, frame.midX + inset + 2)
    let (top, bottom) = (frame.midY - frame.height / 4 - height, frame.midY + frame.height / 4)
    var corners = [(frame.midX - width / 2, frame.maxY + 3), (frame.midX - width / 2, frame.y - height - 3)]
    if case .boundary = node.kind {
      corners = [
        (frame.x - 3 - width, frame.midY + 3), (frame.midX - 5 - width, frame.maxY + 2),
        (frame.midX + 5, frame.maxY + 2),
      ]
    } else if isDiamond {
      corners.swapAt(0, 1)
      corners += [(left, top), (right, top), (left, bottom), (right, bottom)]
    }
    let boxes = corners.map { DiagramBox(x: $0.0, y: $0.1, width: width, height: height) }
    let best = boxes.enumerated().min {
      (cost($0.element, frame: node.id), $0.offset) < (cost($1.element, frame: node.id), $1.offset)
    }
    if let best { nodeLabels[node.id] = DiagramLabel(lines: lines, box: best.element) }
  }

  private mutating func place(_ flow: ProcessFlow) {
    guard let points = lines[flow.id] else { return }
    let lines = wrapped(flow.name, width: 6)
    let extent = DiagramLabel.extent(lines)
    let (width, height) = (extent.width + 8, extent.height + 2)
    var best: (box: DiagramBox, cost: Double)?
    for (index, (a, b)) in zip(points, points.dropFirst()).enumerated() {
      let isLevel = a.y == b.y
      let length = abs(a.x - b.x) + abs(a.y - b.y)
      let end = index == points.count - 2 ? 12.0 : 6
      // Near its beginning, where one has to choose, or else in the middle.
      for (place, fromStart) in [true, false].enumerated() where isLevel || !fromStart {
        let along = fromStart ? 8 + width / 2 : (length - end + 6) / 2
        let x = isLevel ? a.x + (b.x > a.x ? along : -along) : a.x
        let box = DiagramBox(midX: x, midY: isLevel ? a.y : (a.y + b.y) / 2, width: width, height: height)
        let isTight = (isLevel ? width : height) + 6 + end > length
        let cost = cost(box, flow: flow.id) + (isTight ? 6 : 0) + (isLevel ? 0 : 2) + Double(index + place) * 0.1
        if cost < best?.cost ?? .infinity { best = (box, cost) }
      }
    }
    if let best { flowLabels[flow.id] = DiagramLabel(lines: lines, box: best.box) }
  }

  // MARK: Lines

  /// The path through points, with its bends made round.
  static func path(_ points: [Point]) -> String {
    guard let first = points.first, let last = points.last else { return "" }
    var path = "M\(decimal(first.x)) \(decimal(first.y))"
    for index in points.indices.dropFirst().dropLast() {
      let bend = points[index]
      let before = towards(points[index - 1], from: bend)
      let after = towards(points[index + 1], from: bend)
      path += "L\(decimal(before.x)) \(decimal(before.y))"
      path += "Q\(decimal(bend.x)) \(decimal(bend.y)) \(decimal(after.x)) \(decimal(after.y))"
    }
    return path + "L\(decimal(last.x)) \(decimal(last.y))"
  }

  /// A little way from a bend to its neighbour.
  private static func towards(_ other: Point, from bend: Point) -> Point {
    let (dx, dy) = (other.x - bend.x, other.y - bend.y)
    let length = max(dx.magnitude, dy.magnitude)
    let share = length == 0 ? 0 : min(6, length / 2) / length
    return Point(x: bend.x + dx * share, y: bend.y + dy * share)
  }
}

extension ProcessNode {
  var isBox: Bool {
    switch kind {
    case .step, .service, .decision, .call: true
    default: false
    }
  }

  var isGateway: Bool {
    switch kind {
    case .exclusive, .parallel, .inclusive: true
    default: false
    }
  }

  /// What is written beside it: its name, or how long a timer takes.
  var caption: String {
    switch kind {
    case .timer(let duration), .boundary(_, let duration, _): name.isEmpty ? duration.words : name
    default: name
    }
  }
}

extension ProcessNode {
  /// How several sign, in a word or two; nothing for a step of one.
  var signing: String? {
    guard case .step(let rule) = kind else { return nil }
    switch rule.signing {
    case .one: return nil
    case .all(sequential: false): return "会签"
    case .all(sequential: true): return "依次会签"
    case .any: return "或签"
    case .share(let percent): return "会签 \(percent)%"
    }
  }
}

extension ProcessDuration {
  /// `2 天 4 小时`.
  var words: String {
    [(days, "天"), (hours, "小时"), (minutes, "分钟")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
  }
}
