// The drawing as it comes out.
extension LayeredDrawing {
  /// Puts the layers side by side, with as much between them as lines and their names need.
  mutating func setColumns() {
    let gaps = segmentsByGap
    var x = 0.0
    for layer in layers.indices {
      let width = layers[layer].compactMap { vertices[$0].node }.map(columnWidth).max() ?? 0
      columns.append((x + width / 2, width))
      let tracks = gaps[layer].filter { segments[$0].route == .channel }.map { segments[$0].track + 1 }.max() ?? 0
      let named = gaps[layer].map { roomForName(segments[$0], in: width, tracks: tracks) }.max() ?? 0
      x += width + max(Measure.column, tracks > 0 ? 36 + Double(tracks - 1) * Measure.track : 0, named)
    }
  }

  /// The node or, in part, what is written above or below it.
  private func columnWidth(_ node: Int) -> Double {
    let name = min(ProcessLayout.width(of: flow.nodes[node].name), 7) * Measure.labelSize
    return width(node) > Measure.gateway ? width(node) : max(width(node), name - 16)
  }

  /// What the name of a flow needs between the layers so that it can be written on its line.
  private func roomForName(_ segment: Segment, in column: Double, tracks: Int) -> Double {
    let name = ProcessLayout.width(of: flow.edges[segment.edge].flow.name)
    guard name > 0, let node = vertices[segment.left].node, vertices[segment.right].node != nil else { return 0 }
    let text = min(name, 6) * Measure.labelSize + 34
    switch segment.route {
    case .departing: return text - column / 2
    case .straight, .arriving: return text - (column - width(node)) / 2
    case .channel: return text + Double(tracks) * Measure.track
    }
  }

  /// Everything in its place.
  var layout: ProcessLayout {
    var layout = ProcessLayout()
    for node in flow.order {
      let (middle, y) = (columns[flow.layers[node]].middle, vertices[homes[node]].y)
      let frame = ProcessLayout.Frame(
        x: middle - width(node) / 2, y: y - height(node) / 2, width: width(node), height: height(node))
      layout.frames[flow.nodes[node].id] = frame
      let timers = flow.timers[node]
      let pace = min(44, (frame.width - 40) / Double(max(timers.count - 1, 1)))
      for (number, timer) in timers.enumerated() {
        layout.frames[flow.nodes[timer].id] = ProcessLayout.Frame(
          x: frame.maxX - 12 - Measure.timer - Double(number) * pace, y: frame.maxY - Measure.timer / 2,
          width: Measure.timer, height: Measure.timer)
      }
    }
    for index in flow.edges.indices {
      layout.lines[flow.edges[index].flow.id] = ProcessLayout.simplified(line(index, layout.frames))
    }
    return layout.fromZero
  }

  /// The bends of an edge, put together from left to right.
  private func line(_ index: Int, _ frames: [String: ProcessLayout.Frame]) -> [ProcessLayout.Point] {
    let edge = flow.edges[index]
    let own = segments.filter { $0.edge == index }
    guard let source = frames[flow.nodes[edge.timer ?? edge.source].id],
      let target = frames[flow.nodes[edge.target].id],
      let first = paths[index].first, let last = paths[index].last
    else { return [] }
    var points: [ProcessLayout.Point] = []
    func go(_ x: Double, _ y: Double) { points.append(.init(x: x, y: y)) }
    if edge.isBack {
      let x = turn(index, at: edge.target, target, isLeaving: false)
      go(x, isBelow.contains(index) ? target.maxY : target.y)
      go(x, vertices[first].y)
    } else if edge.timer != nil {
      go(source.midX, source.maxY)
      go(source.midX, vertices[first].y)
    } else if own.first?.route == .departing {
      go(source.midX, vertices[own[0].right].y < source.midY ? source.y : source.maxY)
    } else {
      go(source.maxX, source.midY)
    }
    for segment in own {
      let (from, to) = (vertices[segment.left].y, vertices[segment.right].y)
      let (left, right) = (vertices[segment.left].layer, vertices[segment.right].layer)
      switch segment.route {
      case .straight: break
      case .departing: go(columns[left].middle, to)
      case .arriving: go(columns[right].middle, from)
      case .channel:
        let x = columns[left].middle + columns[left].width / 2 + 14 + Double(segment.track) * Measure.track
        go(x, from)
        go(x, to)
      }
    }
    if edge.isBack {
      let x = edge.timer == nil ? turn(index, at: edge.source, source, isLeaving: true) : source.midX
      go(x, vertices[last].y)
      go(x, isBelow.contains(index) ? source.maxY : source.y)
    } else if own.last?.route == .arriving {
      go(target.midX, vertices[own[own.count - 1].left].y < target.midY ? target.y : target.maxY)
    } else {
      go(target.x, target.midY)
    }
    return edge.isBack ? points.reversed() : points
  }

  /// Where a line that leads back meets the upper or lower edge of a node: in the middle, unless others do so in the
  /// other direction or timers sit there.
  private func turn(_ index: Int, at node: Int, _ frame: ProcessLayout.Frame, isLeaving: Bool) -> Double {
    if isGateway(homes[node]) { return frame.midX }
    let side = isBelow.contains(index)
    let others = flow.edges.indices.filter { flow.edges[$0].isBack && isBelow.contains($0) == side }
    let leaves = others.contains { flow.edges[$0].source == node && flow.edges[$0].timer == nil }
    let arrives = others.contains { flow.edges[$0].target == node }
    if !(leaves && arrives) && !(side && !flow.timers[node].isEmpty) { return frame.midX }
    return frame.midX + (isLeaving ? frame.width / 4 : -frame.width / 4)
  }
}
