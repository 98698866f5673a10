/// The paths of a definition without what is done on them: gateways, ends, and edges for everything between.
///
/// Steps, timers and the like only take time, so they become part of an edge; a step with a timer that interrupts it is a
/// choice. What is then plainly in order — branches that are joined as they were split, choices that meet again, loops —
/// is folded together, rule by rule, each of which keeps what is asked here: whether the process can hang, and whether
/// two tokens can be in one place (Murata 1989, Petri net reductions).
struct FlowGraph {
  enum Kind: Hashable {
    case start, end, stop
    case exclusive, parallel, inclusive
  }

  struct Edge: Hashable {
    var source: String
    var target: String
    /// The element to name when something is wrong here.
    var name: String
  }

  private(set) var kinds: [String: Kind] = [:]
  private(set) var edges: [Int: Edge] = [:]
  private var count = 0
  private var out: [String: Set<Int>] = [:]
  private var into: [String: Set<Int>] = [:]

  /// The part of a definition that `start` leads to; not over timers that open a branch beside their step.
  init(_ check: ProcessCheck, from start: String) {
    var open = [start]
    kinds[start] = .start
    while let id = open.popLast() {
      var flows = check.leaving[id] ?? []
      for boundary in check.boundaries[id] ?? [] {
        if case .boundary(_, _, interrupts: true) = boundary.kind { flows += check.leaving[boundary.id] ?? [] }
      }
      for flow in flows {
        add(Edge(source: id, target: flow.target, name: flow.target))
        if kinds[flow.target] == nil {
          kinds[flow.target] = FlowGraph.kind(check.nodes[flow.target]?.kind)
          open.append(flow.target)
        }
      }
    }
  }

  private static func kind(_ kind: ProcessNode.Kind?) -> Kind {
    switch kind {
    case .end(let isTerminating): isTerminating ? .stop : .end
    case .parallel: .parallel
    case .inclusive: .inclusive
    // What is passed by one token at a time, whichever way it came: a merge, and a choice where several flows leave.
    default: .exclusive
    }
  }

  func leaving(_ node: String) -> [Int] { out[node, default: []].sorted() }

  func arriving(_ node: String) -> [Int] { into[node, default: []].sorted() }

  private mutating func add(_ edge: Edge) {
    count += 1
    let id = count
    edges[id] = edge
    out[edge.source, default: []].insert(id)
    into[edge.target, default: []].insert(id)
  }

  private mutating func remove(_ id: Int) {
    guard let edge = edges.removeValue(forKey: id) else { return }
    out[edge.source]?.remove(id)
    into[edge.target]?.remove(id)
  }

  private mutating func move(_ id: Int, toTarget target: String) {
    guard let edge = edges[id] else { return }
    into[edge.target]?.remove(id)
    edges[id]?.target = target
    into[target, default: []].insert(id)
  }

  private mutating func move(_ id: Int, toSource source: String) {
    guard let edge = edges[id] else { return }
    out[edge.source]?.remove(id)
    edges[id]?.source = source
    out[source, default: []].insert(id)
  }

  /// Folds until nothing more can be.
  mutating func reduce() {
    while foldTwins() || foldPassages() || foldNeighbours() || foldLoops() {}
  }

  private var gateways: [String] {
    kinds.filter { [.exclusive, .parallel, .inclusive].contains($0.value) }.keys.sorted()
  }

  /// Flows that leave one gateway and meet again at the next of its kind are one flow.
  private mutating func foldTwins() -> Bool {
    var known: [[String]: Int] = [:]
    for id in edges.keys.sorted() {
      guard let edge = edges[id], let kind = kinds[edge.source], kind == kinds[edge.target], edge.source != edge.target
      else { continue }
      if known[[edge.source, edge.target]] != nil {
        remove(id)
        return true
      }
      known[[edge.source, edge.target]] = id
    }
    return false
  }

  /// A gateway with one way in and one way out is none.
  private mutating func foldPassages() -> Bool {
    for node in gateways {
      guard let before = arriving(node).first, let after = leaving(node).first, arriving(node).count == 1,
        leaving(node).count == 1, before != after, let target = edges[after]?.target
      else { continue }
      remove(after)
      move(before, toTarget: target)
      kinds[node] = nil
      return true
    }
    return false
  }

  /// Two gateways of a kind with nothing but one flow between them are one.
  private mutating func foldNeighbours() -> Bool {
    for node in gateways where kinds[node] != .inclusive {
      guard let between = leaving(node).first, leaving(node).count == 1, let next = edges[between]?.target,
        next != node,
        kinds[next] == kinds[node], arriving(next).count == 1
      else { continue }
      remove(between)
      for id in leaving(next) { move(id, toSource: node) }
      kinds[next] = nil
      return true
    }
    return false
  }

  /// A choice that leads straight back to itself.
  private mutating func foldLoops() -> Bool {
    for node in gateways where kinds[node] == .exclusive {
      guard let loop = leaving(node).first(where: { edges[$0]?.target == node }), leaving(node).count > 1 else {
        continue
      }
      remove(loop)
      return true
    }
    return false
  }
}
