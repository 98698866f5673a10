// How the lines of a drawing run, once it is known what stands where in each layer.
extension LayeredDrawing {
  /// Whether nothing in the way stands between a vertex and a height in its layer.
  private func isClear(_ vertex: Int, to y: Double) -> Bool {
    let (from, to) = (min(vertices[vertex].y, y), max(vertices[vertex].y, y))
    return row(vertices[vertex].layer).allSatisfy { other in
      let middle = vertices[other].y
      return other == vertex || middle - extent(other, down: false) - 8 > to
        || middle + extent(other, down: true) + 8 < from
    }
  }

  /// Lines turn at the upper or lower corner of a gateway where they can, otherwise between the layers.
  mutating func route() {
    var (coming, going): (Set<[Int]>, Set<[Int]>) = ([], [])
    var taken = [[(vertex: Int, low: Double, high: Double)]](repeating: [], count: layers.count)
    for (index, edge) in flow.edges.enumerated() where edge.isBack {
      let side = isBelow.contains(index) ? 1 : -1
      for node in [edge.source, edge.target] {
        coming.insert([homes[node], side])
        going.insert([homes[node], side])
      }
    }
    let (leaving, arriving) = (Counts(flow.edges.map { homes[$0.source] }), Counts(flow.edges.map { homes[$0.target] }))
    for pass in 0..<3 {
      for index in segments.indices where segments[index].route == .straight || segments[index].route == .channel {
        let (left, right) = (segments[index].left, segments[index].right)
        let (from, to) = (vertices[left].y, vertices[right].y)
        if from == to { continue }
        segments[index].route = .channel
        // Beside the corner there is no room to turn.
        if abs(from - to) < Measure.gateway / 2 + 8 { continue }
        let (start, end) = ([left, to < from ? -1 : 1], [right, from < to ? -1 : 1])
        let maySplit =
          isGateway(left) && !coming.contains(start) && (pass == 2 || (pass == 0 && leaving[left] > 1))
        let mayJoin =
          isGateway(right) && !going.contains(end) && (pass == 2 || (pass == 1 && arriving[right] > 1))
        func isFree(_ vertex: Int) -> Bool {
          !taken[vertices[vertex].layer].contains {
            $0.vertex != vertex && $0.low <= max(from, to) && min(from, to) <= $0.high
          } && isClear(vertex, to: vertex == left ? to : from)
        }
        if maySplit, isFree(left) {
          segments[index].route = .departing
          going.insert(start)
          taken[vertices[left].layer].append((left, min(from, to), max(from, to)))
        } else if mayJoin, isFree(right) {
          segments[index].route = .arriving
          coming.insert(end)
          taken[vertices[right].layer].append((right, min(from, to), max(from, to)))
        }
      }
    }
    for gap in segmentsByGap { assignTracks(gap.filter { segments[$0].route == .channel }) }
  }

  /// What shares one vertical line between two layers.
  private struct Net {
    var members: [Int]
    var lefts: [Double]
    var rights: [Double]

    var low: Double { (lefts + rights).min() ?? 0 }
    var high: Double { (lefts + rights).max() ?? 0 }

    func overlaps(_ other: Net) -> Bool { low <= other.high && other.low <= high }

    /// How many lines cross when this one is left of `other`; two on top of each other are far worse.
    func cost(leftOf other: Net) -> Int {
      let crossed = rights.filter { other.low <= $0 && $0 <= other.high }.count
      let crossing = other.lefts.filter { low <= $0 && $0 <= high }.count
      return crossed + crossing + (rights.contains { other.lefts.contains($0) } ? 100 : 0)
    }
  }

  /// Puts the vertical lines between two layers side by side so that few lines cross.
  private mutating func assignTracks(_ gap: [Int]) {
    let (leaving, arriving) = (Counts(gap.map { segments[$0].left }), Counts(gap.map { segments[$0].right }))
    var nets: [Net] = []
    var numbers: [[Int]: Int] = [:]
    for index in gap {
      let segment = segments[index]
      let key =
        arriving[segment.right] > 1
        ? [1, segment.right] : leaving[segment.left] > 1 ? [0, segment.left] : [2, index]
      let number = numbers[key] ?? nets.count
      numbers[key] = number
      if number == nets.count { nets.append(Net(members: [], lefts: [], rights: [])) }
      nets[number].members.append(index)
      nets[number].lefts.append(vertices[segment.left].y)
      nets[number].rights.append(vertices[segment.right].y)
    }
    var sequence: [Net] = []
    for net in nets {
      let costs = (0...sequence.count).map { place in
        sequence[..<place].reduce(0) { $0 + $1.cost(leftOf: net) }
          + sequence[place...].reduce(0) { $0 + net.cost(leftOf: $1) }
      }
      sequence.insert(net, at: costs.firstIndex(of: costs.min() ?? 0) ?? 0)
    }
    var tracks: [Int] = []
    for (place, net) in sequence.enumerated() {
      let track = (0..<place).filter { sequence[$0].overlaps(net) }.map { tracks[$0] + 1 }.max() ?? 0
      tracks.append(track)
      for member in net.members { segments[member].track = track }
    }
  }
}
