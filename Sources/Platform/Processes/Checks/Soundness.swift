/// Walks every order of events a definition allows, whatever its conditions say, and finds where it would hang or do the
/// same twice at once.
///
/// What is walked are markings: how many tokens are on which edge of the folded ``FlowGraph``. Conditions are taken as
/// free to hold or not, so a definition may be refused whose conditions happen to exclude the bad case.
struct Soundness {
  private typealias Marking = [Int: Int]

  private let check: ProcessCheck
  private let graph: FlowGraph
  private let start: String
  /// Markings looked at, at most; beyond it nothing can be promised.
  private static let limit = 20_000

  /// - Parameter start: the start of the process, or a timer that opens a branch of its own.
  init(check: ProcessCheck, start: String) {
    var graph = FlowGraph(check, from: start)
    graph.reduce()
    self.check = check
    self.graph = graph
    self.start = start
  }

  /// The edges by which a token on `edge` may come to a gateway, without passing it on the way.
  private func ways(from edge: Int, to gateway: String) -> Set<Int> {
    var found: Set<Int> = []
    var seen: Set<Int> = [edge]
    var open = [edge]
    while let one = open.popLast() {
      guard let node = graph.edges[one]?.target else { continue }
      if node == gateway {
        found.insert(one)
      } else {
        open += graph.leaving(node).filter { seen.insert($0).inserted }
      }
    }
    return found
  }

  func problems() -> [ProcessProblem] {
    var found: [ProcessProblem] = []
    var told: Set<String> = []
    func report(_ id: String, _ message: String) {
      guard let node = check.nodes[id], told.insert(id).inserted else { return }
      found.append(ProcessProblem(position: node.position, element: id, message: "“\(node.label)”\(message)"))
    }
    var seen: Set<Marking> = []
    var open = [produce([:], start)]
    while let marking = open.popLast() {
      guard seen.insert(marking).inserted else { continue }
      if seen.count > Soundness.limit {
        report(start, "之后的分支太多，无法逐一验证（超过 \(Soundness.limit) 种情形）。请拆成几个流程。")
        return found
      }
      if let twice = marking.keys.sorted().first(where: { marking[$0] ?? 0 > 1 }), let edge = graph.edges[twice] {
        let culprit = graph.kinds[edge.source] == .exclusive ? edge.source : edge.name
        report(culprit, "可能同时走过两次：几条并行的路没有汇合就到了这里。请在这里或之前用并行、包容网关汇合。")
        continue
      }
      if marking.isEmpty { continue }
      let next = successors(marking)
      if next.isEmpty {
        for id in marking.keys.sorted() {
          guard let target = graph.edges[id]?.target else { continue }
          report(target, "可能一直等不到其他分支：有的分支不会走到这里。请检查分路与汇合的网关是否成对。")
        }
      }
      open += next
    }
    return found
  }

  private func produce(_ marking: Marking, _ node: String) -> Marking {
    var marking = marking
    for edge in graph.leaving(node) { marking[edge, default: 0] += 1 }
    return marking
  }

  private func consume(_ marking: Marking, _ edges: [Int]) -> Marking {
    var marking = marking
    for edge in edges {
      let left = (marking[edge] ?? 0) - 1
      marking[edge] = left > 0 ? left : nil
    }
    return marking
  }

  private func successors(_ marking: Marking) -> [Marking] {
    marking.keys.sorted().flatMap { id -> [Marking] in
      guard let node = graph.edges[id]?.target, let kind = graph.kinds[node] else { return [] }
      return successors(marking, by: id, node, kind)
    }
  }

  private func successors(_ marking: Marking, by edge: Int, _ node: String, _ kind: FlowGraph.Kind) -> [Marking] {
    let out = graph.leaving(node)
    let into = graph.arriving(node)
    switch kind {
    case .start: return []
    case .stop: return [[:]]
    case .end: return [consume(marking, [edge])]
    case .exclusive:
      let rest = consume(marking, [edge])
      return out.map { rest.merging([$0: 1], uniquingKeysWith: +) }
    case .parallel:
      guard into.allSatisfy({ marking[$0] != nil }) else { return [] }
      return [produce(consume(marking, into), node)]
    case .inclusive:
      let filled = Set(into.filter { marking[$0] != nil })
      let waits = marking.keys.contains { other in
        guard !into.contains(other) else { return false }
        let ways = ways(from: other, to: node)
        return !ways.isEmpty && ways.isDisjoint(with: filled)
      }
      guard !waits else { return [] }
      let rest = consume(marking, into.filter { marking[$0] != nil })
      return subsets(out).map {
        rest.merging(Dictionary(uniqueKeysWithValues: $0.map { ($0, 1) }), uniquingKeysWith: +)
      }
    }
  }

  /// Every way to take one or more of the flows; of many only one, each pair and all, which shows the same faults.
  private func subsets(_ flows: [Int]) -> [[Int]] {
    guard flows.count > 6 else {
      return (1..<(1 << flows.count)).map { bits in flows.indices.filter { bits >> $0 & 1 == 1 }.map { flows[$0] } }
    }
    let pairs = flows.indices.flatMap { a in flows.indices.filter { $0 > a }.map { [flows[a], flows[$0]] } }
    return flows.map { [$0] } + pairs + [flows]
  }
}
