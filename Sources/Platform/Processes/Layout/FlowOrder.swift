/// The nodes in an order in which all flows lead onward, except for those that lead back.
struct FlowOrder {
  struct Edge {
    let flow: ProcessFlow
    /// What it leaves; for a timer on a step, that step.
    let source: Int
    let target: Int
    /// The timer on `source` that it leaves by.
    let timer: Int?
    var isBack = false
  }

  let nodes: [ProcessNode]
  private(set) var edges: [Edge] = []
  /// The timers that sit on a node.
  private(set) var timers: [[Int]]
  /// Without the timers that sit on steps.
  private(set) var order: [Int] = []
  /// How many nodes come before on the longest way.
  private(set) var layers: [Int]
  /// How many nodes come after on the longest way.
  private(set) var heights: [Int]

  init(_ definition: ProcessDefinition) {
    nodes = definition.nodes
    timers = Array(repeating: [], count: nodes.count)
    layers = Array(repeating: 0, count: nodes.count)
    heights = layers
    let indices = Dictionary(nodes.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
    var hosts = [Int?](repeating: nil, count: nodes.count)
    for (index, node) in nodes.enumerated() {
      guard case .boundary(let host, _, _) = node.kind, let host = indices[host] else { continue }
      if case .boundary = nodes[host].kind { continue }
      hosts[index] = host
      timers[host].append(index)
    }
    for flow in definition.flows {
      guard let source = indices[flow.source], let target = indices[flow.target] else { continue }
      let host = hosts[source]
      edges.append(
        Edge(flow: flow, source: host ?? source, target: hosts[target] ?? target, timer: host == nil ? nil : source))
    }
    walk(nodes.indices.filter { hosts[$0] == nil })
    for index in order {
      for edge in edges where edge.source == index && !edge.isBack {
        layers[edge.target] = max(layers[edge.target], layers[index] + 1)
      }
    }
    for index in order.reversed() {
      for edge in edges where edge.source == index && !edge.isBack {
        heights[index] = max(heights[index], heights[edge.target] + 1)
      }
    }
  }

  /// Finds the flows that lead back, which are those to a node one is still behind, in depth from the start; then the
  /// order of the rest. What is drawn first counts as the way onward, so a way round to it leads back.
  private mutating func walk(_ places: [Int]) {
    search(places, lastFirst: false)
    search(places, lastFirst: true)
  }

  private mutating func search(_ places: [Int], lastFirst: Bool) {
    enum State { case unseen, open, finished }
    var leaving = [[Int]](repeating: [], count: nodes.count)
    for index in edges.indices where edges[index].timer == nil { leaving[edges[index].source].append(index) }
    for index in edges.indices where edges[index].timer != nil { leaving[edges[index].source].append(index) }
    let reached = Set(edges.map(\.target))
    let roots = places.filter { nodes[$0].kind == .start } + places.filter { !reached.contains($0) } + places
    var states = [State](repeating: .unseen, count: nodes.count)
    var finished: [Int] = []
    for root in roots where states[root] == .unseen {
      states[root] = .open
      var stack = [(node: root, left: leaving[root].count)]
      while let (node, left) = stack.last {
        guard left > 0 else {
          states[node] = .finished
          finished.append(node)
          stack.removeLast()
          continue
        }
        // For the order the last flow first, so that the first one's nodes come first in it.
        stack[stack.count - 1].left -= 1
        let edge = leaving[node][lastFirst ? left - 1 : leaving[node].count - left]
        if lastFirst, edges[edge].isBack { continue }
        let target = edges[edge].target
        switch states[target] {
        case .unseen:
          states[target] = .open
          stack.append((target, leaving[target].count))
        case .open: edges[edge].isBack = true
        case .finished: break
        }
      }
    }
    order = finished.reversed()
  }
}
