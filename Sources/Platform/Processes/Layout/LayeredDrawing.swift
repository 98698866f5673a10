/// A process drawn layer by layer; see ``ProcessDefinition/laidOut()``.
///
/// Every line is cut into parts between neighbouring layers. Where it passes a layer, it has a place among the nodes of
/// that layer, so that it runs through none of them.
struct LayeredDrawing {
  /// In pixels.
  enum Measure {
    static let unit = 14.0
    static let stepWidth = 124.0
    static let stepHeight = 76.0
    static let gateway = 48.0
    static let event = 36.0
    static let timer = 28.0
    static let labelSize = 12.0
    static let column = 34.0
    static let track = 12.0
  }

  /// A node, or where a line passes a layer.
  struct Vertex {
    let layer: Int
    let node: Int?
    var y = 0.0
  }

  /// How the part of a line goes from one height to another.
  enum Route {
    case straight
    /// Between the layers.
    case channel
    /// At the upper or lower corner of the gateway it leaves or comes to.
    case departing, arriving
  }

  /// The part of a line between two layers that lie side by side.
  struct Segment {
    let edge: Int
    let left: Int
    let right: Int
    var route = Route.straight
    /// Which of the vertical lines of its channel, from the left.
    var track = 0
  }

  let flow: FlowOrder
  private(set) var vertices: [Vertex] = []
  /// The vertex of each node.
  private(set) var homes: [Int]
  /// What each edge passes, from left to right.
  private(set) var paths: [[Int]] = []
  var segments: [Segment] = []
  /// Passages that belong right above or below a vertex, the nearest first.
  private var above: [Int: [Int]] = [:]
  private var below: [Int: [Int]] = [:]
  /// The edges that lead back below instead of above.
  private(set) var isBelow: Set<Int>
  /// The vertices of each layer from top to bottom, without those that belong to another.
  private(set) var layers: [[Int]] = []
  /// Where the layers stand.
  var columns: [(middle: Double, width: Double)] = []

  /// Lines that lead back run above what they repeat, or below where that makes fewer lines cross.
  init(_ flow: FlowOrder) {
    self.init(flow, below: [])
    var fewest = crossings
    for index in flow.edges.indices where fewest > 0 && flow.edges[index].isBack {
      let other = LayeredDrawing(flow, below: isBelow.union([index]))
      let crossings = other.crossings
      if crossings < fewest { (self, fewest) = (other, crossings) }
    }
    level()
    route()
    setColumns()
  }

  private init(_ flow: FlowOrder, below: Set<Int>) {
    self.flow = flow
    isBelow = below
    homes = Array(repeating: 0, count: flow.nodes.count)
    placeNodes()
    placeLines()
    arrange()
  }

  func width(_ node: Int) -> Double {
    switch flow.nodes[node].kind {
    case .step, .service, .decision, .call: max(Measure.stepWidth, 52 + 32 * Double(flow.timers[node].count - 1))
    case .exclusive, .parallel, .inclusive: Measure.gateway
    case .start, .end, .timer, .boundary: Measure.event
    }
  }

  func height(_ node: Int) -> Double {
    let width = width(node)
    return width > Measure.gateway ? Measure.stepHeight : width
  }

  func isGateway(_ vertex: Int) -> Bool {
    vertices[vertex].node.map { width($0) == Measure.gateway } ?? false
  }

  // MARK: Vertices and paths

  private mutating func add(_ layer: Int, node: Int? = nil) -> Int {
    vertices.append(Vertex(layer: layer, node: node))
    return vertices.count - 1
  }

  private mutating func placeNodes() {
    for node in flow.order { homes[node] = add(flow.layers[node], node: node) }
    layers = Array(repeating: [], count: (flow.order.map { flow.layers[$0] }.max() ?? 0) + 1)
  }

  /// Gives each line a vertex in every layer it passes. One that leads back also has one beside both its ends, one from
  /// a timer beside its step: there it turns.
  private mutating func placeLines() {
    paths = Array(repeating: [], count: flow.edges.count)
    for (index, edge) in flow.edges.enumerated() where !edge.isBack {
      let (from, to) = (flow.layers[edge.source], flow.layers[edge.target])
      var path = [homes[edge.source]]
      if edge.timer != nil {
        path = [add(from)]
        below[homes[edge.source], default: []].append(path[0])
      }
      for layer in from + 1..<to { path.append(add(layer)) }
      paths[index] = path + [homes[edge.target]]
    }
    var leaving: Set<Int> = []
    var arriving: Set<Int> = []
    let back = flow.edges.indices.filter { flow.edges[$0].isBack }
    let spans = flow.edges.map { flow.layers[$0.source] - flow.layers[$0.target] }
    for index in back.sorted(by: { (spans[$0], $0) < (spans[$1], $1) }) {
      let edge = flow.edges[index]
      let (source, target) = (homes[edge.source], homes[edge.target])
      // A gateway has one corner to each side.
      let isTaken = (isGateway(source) && arriving.contains(source)) || (isGateway(target) && leaving.contains(target))
      if edge.timer != nil || isTaken { isBelow.insert(index) }
      if !isBelow.contains(index) {
        leaving.insert(source)
        arriving.insert(target)
      }
      paths[index] = (flow.layers[edge.target]...flow.layers[edge.source]).map { add($0) }
      let ends =
        source == target ? [(target, paths[index][0])] : [(target, paths[index][0]), (source, paths[index].last ?? 0)]
      for (home, passage) in ends {
        if isBelow.contains(index) {
          below[home, default: []].append(passage)
        } else {
          above[home, default: []].append(passage)
        }
      }
    }
    for (index, path) in paths.enumerated() {
      for (left, right) in zip(path, path.dropFirst()) {
        segments.append(Segment(edge: index, left: left, right: right))
      }
    }
  }

  // MARK: Order within the layers

  /// A vertex with the passages that belong to it.
  private func group(_ vertex: Int) -> [Int] {
    (above[vertex] ?? []).reversed() + [vertex] + (below[vertex] ?? [])
  }

  func row(_ layer: Int) -> [Int] { layers[layer].flatMap(group) }

  /// Puts what belongs together side by side: first as found in depth, then, if lines cross, by what each is next to.
  private mutating func arrange() {
    var (before, after) = ([[Int]](repeating: [], count: vertices.count), [[Int]](repeating: [], count: vertices.count))
    for segment in segments {
      before[segment.right].append(segment.left)
      after[segment.left].append(segment.right)
    }
    let owned = Set(above.values.joined()).union(below.values.joined())
    var seen: Set<Int> = []
    var open = Array(flow.order.map { homes[$0] }.reversed())
    while let vertex = open.popLast() {
      if owned.contains(vertex) || !seen.insert(vertex).inserted { continue }
      layers[vertices[vertex].layer].append(vertex)
      open += group(vertex).flatMap { after[$0] }.reversed()
    }
    var (best, fewest) = (layers, crossings)
    for round in 0..<12 where fewest > 0 {
      let isForward = round % 2 == 0
      for layer in isForward ? Array(layers.indices) : layers.indices.reversed() {
        sort(layer, by: isForward ? before : after)
      }
      let now = crossings
      if now < fewest { (best, fewest) = (layers, now) }
    }
    layers = best
  }

  /// Orders a layer by the mean place of what each of its vertices is joined to; one that is not keeps its own.
  private mutating func sort(_ layer: Int, by neighbours: [[Int]]) {
    var places = [Int](repeating: 0, count: vertices.count)
    for other in [layer - 1, layer + 1] where layers.indices.contains(other) {
      for (place, vertex) in row(other).enumerated() { places[vertex] = place }
    }
    let keys = layers[layer].enumerated().map { index, vertex in
      let all = group(vertex).flatMap { neighbours[$0] }.map { places[$0] }
      return all.isEmpty ? Double(index) : Double(all.reduce(0, +)) / Double(all.count)
    }
    layers[layer] = keys.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }.map { layers[layer][$0] }
  }

  private var crossings: Int {
    var places = [Int](repeating: 0, count: vertices.count)
    for layer in layers.indices { for (place, vertex) in row(layer).enumerated() { places[vertex] = place } }
    var count = 0
    for gap in segmentsByGap {
      for (number, one) in gap.enumerated() {
        let (a, b) = (places[segments[one].left], places[segments[one].right])
        for other in gap.dropFirst(number + 1) {
          let (c, d) = (places[segments[other].left], places[segments[other].right])
          if (a < c && b > d) || (a > c && b < d) { count += 1 }
        }
      }
    }
    return count
  }

  var segmentsByGap: [[Int]] {
    var gaps = [[Int]](repeating: [], count: layers.count)
    for index in segments.indices { gaps[vertices[segments[index].left].layer].append(index) }
    return gaps
  }

  // MARK: Heights

  /// What a vertex takes up from its middle upwards or downwards, with what is written or sits there.
  func extent(_ vertex: Int, down: Bool) -> Double {
    guard let node = vertices[vertex].node else { return 0 }
    let half = height(node) / 2
    if !flow.timers[node].isEmpty { return half + (down ? Measure.timer / 2 + 16 : 0) }
    let name = ProcessLayout.width(of: flow.nodes[node].name)
    switch flow.nodes[node].kind {
    case .step, .service, .decision, .call: return half
    case .exclusive, .parallel, .inclusive: return half + (name > 7 ? 16 : 0)
    case .start, .end, .timer, .boundary: return half + (down && name > 0 ? (name > 7 ? 34 : 18) : 0)
    }
  }

  /// How far the middles of two neighbours in a layer are apart at least.
  private func distance(_ upper: Int, _ lower: Int) -> Int {
    let gap =
      switch (vertices[upper].node, vertices[lower].node) {
      case (nil, nil): 26.0
      case (let one?, let other?): max(height(one), height(other)) > Measure.gateway ? 34.0 : 22
      default: isGateway(upper) || isGateway(lower) ? 24.0 : 18
      }
    return Int(((extent(upper, down: true) + extent(lower, down: false) + gap) / Measure.unit).rounded(.up))
  }

  /// Makes lines as straight as can be, those of the longest way first.
  private mutating func level() {
    var levels = ShortestLevels(count: vertices.count)
    for layer in layers.indices {
      let row = row(layer)
      for (upper, lower) in zip(row, row.dropFirst()) {
        let isOwned = below[upper]?.first == lower || above[lower]?.first == upper
        levels.arcs.append(.init(tail: upper, head: lower, length: distance(upper, lower), weight: isOwned ? 1 : 0))
      }
    }
    let preferences = preferences
    let onward = flow.edges.filter { !$0.isBack }
    let (leaving, arriving) = (Counts(onward.map { homes[$0.source] }), Counts(onward.map { homes[$0.target] }))
    for segment in segments {
      let isPassing = vertices[segment.left].node == nil && vertices[segment.right].node == nil
      // Where a gateway splits or joins, a line turns at its corner anyway; one from a timer has turned already.
      let turns =
        (isGateway(segment.left) && leaving[segment.left] > 1)
        || (isGateway(segment.right) && arriving[segment.right] > 1)
      let weight = isPassing || flow.edges[segment.edge].timer != nil ? 8 : turns ? 1 : 4
      levels.bind(segment.left, segment.right, weight: weight + preferences[segment.edge])
    }
    for (vertex, level) in levels.solved().prefix(vertices.count).enumerated() {
      vertices[vertex].y = Double(level) * Measure.unit
    }
  }

  /// More for the flow that leads furthest from a split, or from furthest to a join, and most along the longest way.
  private var preferences: [Int] {
    var weights = [Int](repeating: 0, count: flow.edges.count)
    var (onward, before) = ([Int: [Int]](), [Int: [Int]]())
    for (index, edge) in flow.edges.enumerated() where !edge.isBack && edge.timer == nil {
      onward[edge.source, default: []].append(index)
      before[edge.target, default: []].append(index)
    }
    let furthest = onward.compactMapValues { edges in
      edges.max { (flow.heights[flow.edges[$0].target], -$0) < (flow.heights[flow.edges[$1].target], -$1) }
    }
    for (node, edge) in furthest where onward[node, default: []].count > 1 { weights[edge] += 2 }
    for edges in before.values where edges.count > 1 {
      let first = edges.max { (flow.layers[flow.edges[$0].source], -$0) < (flow.layers[flow.edges[$1].source], -$1) }
      if let first { weights[first] += 2 }
    }
    var node = flow.order.first { flow.nodes[$0].kind == .start } ?? flow.order.first
    while let one = node, let edge = furthest[one] {
      weights[edge] += 16
      node = flow.edges[edge].target
    }
    return weights
  }
}

/// How many times each number is there.
struct Counts {
  private var counts: [Int: Int] = [:]

  init(_ numbers: [Int]) { for number in numbers { counts[number, default: 0] += 1 } }

  subscript(_ number: Int) -> Int { counts[number] ?? 0 }
}
