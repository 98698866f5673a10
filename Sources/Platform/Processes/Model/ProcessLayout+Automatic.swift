extension ProcessDefinition {
  /// Where everything is drawn: as the file says when it places every node, otherwise worked out.
  ///
  /// A drawing that is worked out goes from left to right in layers (Sugiyama, Tagawa, Toda 1981): each node stands
  /// behind all that lead to it, branches lie in lanes of their own with the longest one straight, flows that lead back
  /// run above what they repeat. It depends on the definition alone.
  package func laidOut() -> ProcessLayout {
    let isPlaced = nodes.allSatisfy { layout.frames[$0.id] != nil }
    return isPlaced ? layout.withEveryLine(of: flows) : LayeredDrawing(FlowOrder(self)).layout
  }

  /// The nodes as a case comes to them, one branch after the other; timers follow the step they sit on.
  package var nodesInOrder: [ProcessNode] {
    let order = FlowOrder(self)
    return order.order.flatMap { [$0] + order.timers[$0] }.map { nodes[$0] }
  }
}

extension ProcessLayout {
  /// How wide a text is in times its size: one for a Chinese character, about half of it for a Latin letter.
  package static func width(of text: String) -> Double {
    text.unicodeScalars.reduce(0) { width, scalar in
      switch scalar.value {
      case 0x2E80..., 0x2014, 0x2026: width + 1
      case 0x41...0x5A, 0x2010..<0x2E80: width + 0.68
      case 0x20, 0x2C, 0x2E, 0x3A, 0xB7: width + 0.3
      default: width + 0.57
      }
    }
  }

  /// With a line for each flow between placed nodes that has none.
  fileprivate func withEveryLine(of flows: [ProcessFlow]) -> ProcessLayout {
    var layout = self
    for flow in flows where lines[flow.id] == nil {
      guard let a = frames[flow.source], let b = frames[flow.target] else { continue }
      if b.x >= a.maxX {
        let x = (a.maxX + b.x) / 2
        layout.lines[flow.id] = Self.simplified([
          Point(x: a.maxX, y: a.midY), Point(x: x, y: a.midY), Point(x: x, y: b.midY), Point(x: b.x, y: b.midY),
        ])
      } else {
        let y = min(a.y, b.y) - 24
        layout.lines[flow.id] = Self.simplified([
          Point(x: a.midX, y: a.y), Point(x: a.midX, y: y), Point(x: b.midX, y: y), Point(x: b.midX, y: b.y),
        ])
      }
    }
    return layout
  }

  /// The same line without points that are not bends.
  static func simplified(_ points: [Point]) -> [Point] {
    var line: [Point] = []
    for point in points where line.last != point {
      if line.count > 1 {
        let (a, b) = (line[line.count - 2], line[line.count - 1])
        if (a.x == b.x && b.x == point.x) || (a.y == b.y && b.y == point.y) { line.removeLast() }
      }
      line.append(point)
    }
    return line
  }

  /// Moved so that its left and upper ends are at zero.
  var fromZero: ProcessLayout {
    let points = lines.values.joined()
    let x = min(frames.values.map(\.x).min() ?? 0, points.map(\.x).min() ?? 0)
    let y = min(frames.values.map(\.y).min() ?? 0, points.map(\.y).min() ?? .infinity)
    var moved = self
    moved.frames = frames.mapValues { Frame(x: $0.x - x, y: $0.y - y, width: $0.width, height: $0.height) }
    moved.lines = lines.mapValues { $0.map { Point(x: $0.x - x, y: $0.y - y) } }
    return moved
  }
}

extension ProcessLayout.Frame {
  package var midX: Double { x + width / 2 }
  package var midY: Double { y + height / 2 }
  package var maxX: Double { x + width }
  package var maxY: Double { y + height }
}
