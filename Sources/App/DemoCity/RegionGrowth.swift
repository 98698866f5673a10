import Core

/// Cuts a connected set of cells into connected parts that grow from seeds.
struct RegionGrowth {
  let lattice: HexLattice
  let seed: UInt64

  /// The part of each of `cells`, in their order: at every step the open cell with the least `key` joins its part.
  ///
  /// Each part is connected and holds its seed, whatever the keys are.
  /// - Precondition: `seeds` are different members of `cells`.
  func parts(of cells: [Int], seeds: [Int], key: (_ part: Int, _ cell: Int) -> Double) -> [Int] {
    let place = places(of: cells)
    var part = [Int](repeating: -1, count: cells.count)
    // Parts and cells are told apart in one number, so that one heap orders them all.
    var open = LeastFirst<Int>()
    for (number, cell) in seeds.enumerated() { open.push(-1, number * lattice.count + cell) }
    while let item = open.pop() {
      let (number, cell) = (item / lattice.count, item % lattice.count)
      let index = Int(place[cell])
      if part[index] >= 0 { continue }
      part[index] = number
      for direction in 0..<6 {
        guard let neighbour = lattice.neighbour(direction, of: cell), place[neighbour] >= 0,
          part[Int(place[neighbour])] < 0
        else { continue }
        open.push(key(number, neighbour), number * lattice.count + neighbour)
      }
    }
    return part
  }

  private func places(of cells: [Int]) -> [Int32] {
    var places = [Int32](repeating: -1, count: lattice.count)
    for (index, cell) in cells.enumerated() { places[cell] = Int32(index) }
    return places
  }

  /// The part of each of `cells`, in their order.
  ///
  /// Parts grow in turns, the one that lags furthest behind its weight first, by the open cell nearest to its seed.
  /// Each part is connected; sizes follow the weights as far as parts do not enclose each other.
  /// - Precondition: `seeds` are different members of `cells`, one for each weight.
  func parts(of cells: [Int], seeds: [Int], weights: [Double]) -> [Int] {
    let place = places(of: cells)
    var part = [Int](repeating: -1, count: cells.count)
    var open = [LeastFirst<Int>](repeating: LeastFirst<Int>(), count: seeds.count)
    var sizes = [Int](repeating: 0, count: seeds.count)
    for (number, cell) in seeds.enumerated() { open[number].push(0, cell) }
    while true {
      var next = -1
      for number in seeds.indices where !open[number].isEmpty {
        if next < 0 || Double(sizes[number]) / weights[number] < Double(sizes[next]) / weights[next] { next = number }
      }
      guard next >= 0 else { return part }
      guard let cell = open[next].pop() else { continue }
      let index = Int(place[cell])
      if part[index] >= 0 { continue }
      part[index] = next
      sizes[next] += 1
      for direction in 0..<6 {
        guard let neighbour = lattice.neighbour(direction, of: cell), place[neighbour] >= 0,
          part[Int(place[neighbour])] < 0
        else { continue }
        open[next].push(distance(seeds[next], neighbour) + roughness(neighbour), neighbour)
      }
    }
  }

  /// `count` members of `cells` far from one another, the first nearest to `first`.
  ///
  /// Complexity: `count` × the number of cells.
  func spread(_ count: Int, over cells: [Int], from first: Int) -> [Int] {
    spread(count, over: cells, from: first, distance)
  }

  /// The same by another measure of distance.
  func spread(
    _ count: Int, over cells: [Int], from first: Int, _ distance: (Int, Int) -> Double
  ) -> [Int] {
    var seeds = [cells.min { distance($0, first) < distance($1, first) } ?? first]
    var nearest = cells.map { distance($0, seeds[0]) }
    while seeds.count < min(count, cells.count) {
      var best = 0
      for index in cells.indices where nearest[index] > nearest[best] { best = index }
      seeds.append(cells[best])
      for index in cells.indices { nearest[index] = min(nearest[index], distance(cells[index], cells[best])) }
    }
    return seeds
  }

  /// Distance on the sheet in cell widths.
  func distance(_ a: Int, _ b: Int) -> Double {
    let (p, q) = (lattice.centres[a], lattice.centres[b])
    let dx = Double(p.x - q.x) / 2
    let dy = Double(p.y - q.y) / 3 * 0.866
    return (dx * dx + dy * dy).squareRoot()
  }

  /// Makes boundaries wind.
  private func roughness(_ cell: Int) -> Double {
    var random = SeededRandom(seed: seed ^ UInt64(cell) &* 0x9E37_79B9)
    return random.unit() * 2.2
  }
}
