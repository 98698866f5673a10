/// Finds whole numbers that keep given distances and make the weighted sum of all lengths least: the network simplex
/// method of Gansner, Koutsofios, North and Vo (1993, §2.3 and §4.2).
struct ShortestLevels {
  /// The level of `head` is at least `length` more than that of `tail`.
  struct Arc {
    let tail: Int
    let head: Int
    let length: Int
    let weight: Int
  }

  private(set) var count: Int
  var arcs: [Arc] = []

  init(count: Int) { self.count = count }

  /// Asks for `one` and `other` to be close: both hang on a point of their own.
  mutating func bind(_ one: Int, _ other: Int, weight: Int) {
    arcs.append(Arc(tail: count, head: one, length: 0, weight: weight))
    arcs.append(Arc(tail: count, head: other, length: 0, weight: weight))
    count += 1
  }

  func solved() -> [Int] {
    guard count > 0 else { return [] }
    var levels = feasible()
    var tree = tightTree(&levels)
    // Far more turns than are ever needed: what has been reached by then is good enough to be looked at.
    for _ in 0..<20 * arcs.count { if !improve(&levels, &tree) { break } }
    return levels
  }

  /// As small as the distances allow.
  private func feasible() -> [Int] {
    var levels = [Int](repeating: 0, count: count)
    var waiting = levels
    var leaving = [[Int]](repeating: [], count: count)
    for (index, arc) in arcs.enumerated() {
      leaving[arc.tail].append(index)
      waiting[arc.head] += 1
    }
    var open = (0..<count).filter { waiting[$0] == 0 }
    while let one = open.popLast() {
      for index in leaving[one] {
        let arc = arcs[index]
        levels[arc.head] = max(levels[arc.head], levels[one] + arc.length)
        waiting[arc.head] -= 1
        if waiting[arc.head] == 0 { open.append(arc.head) }
      }
    }
    return levels
  }

  private func slack(_ index: Int, _ levels: [Int]) -> Int {
    levels[arcs[index].head] - levels[arcs[index].tail] - arcs[index].length
  }

  /// The first of the arcs with the least play.
  private func tightest(_ levels: [Int], where matters: (Arc) -> Bool) -> Int? {
    var found: (index: Int, slack: Int)?
    for (index, arc) in arcs.enumerated() where matters(arc) {
      let slack = slack(index, levels)
      if slack == 0 { return index }
      if slack < found?.slack ?? .max { found = (index, slack) }
    }
    return found?.index
  }

  /// Arcs without play that reach everything, after moving what has been reached closer to the rest.
  private func tightTree(_ levels: inout [Int]) -> [Int] {
    var touching = [[Int]](repeating: [], count: count)
    for (index, arc) in arcs.enumerated() {
      touching[arc.tail].append(index)
      touching[arc.head].append(index)
    }
    var tree: [Int] = []
    var isIn = [Bool](repeating: false, count: count)
    isIn[0] = true
    var open = [0]
    while true {
      while let one = open.popLast() {
        for index in touching[one] {
          let other = arcs[index].tail == one ? arcs[index].head : arcs[index].tail
          guard !isIn[other], slack(index, levels) == 0 else { continue }
          isIn[other] = true
          tree.append(index)
          open.append(other)
        }
      }
      guard let next = tightest(levels, where: { isIn[$0.tail] != isIn[$0.head] }) else { return tree }
      let isTailIn = isIn[arcs[next].tail]
      let step = isTailIn ? slack(next, levels) : -slack(next, levels)
      for one in 0..<count where isIn[one] { levels[one] += step }
      open.append(isTailIn ? arcs[next].tail : arcs[next].head)
    }
  }

  /// Swaps one arc of the tree for a better one; false when there is none.
  private func improve(_ levels: inout [Int], _ tree: inout [Int]) -> Bool {
    var touching = [[Int]](repeating: [], count: count)
    for place in tree.indices {
      touching[arcs[tree[place]].tail].append(place)
      touching[arcs[tree[place]].head].append(place)
    }
    var parents = [Int?](repeating: nil, count: count)
    var isSeen = [Bool](repeating: false, count: count)
    isSeen[0] = true
    var order = [0]
    var next = 0
    while next < order.count {
      let one = order[next]
      next += 1
      for place in touching[one] {
        let arc = arcs[tree[place]]
        let other = arc.tail == one ? arc.head : arc.tail
        if isSeen[other] { continue }
        isSeen[other] = true
        parents[other] = place
        order.append(other)
      }
    }
    // What leaves less what enters the part below each arc; inner arcs cancel out.
    var sums = [Int](repeating: 0, count: count)
    for arc in arcs {
      sums[arc.tail] += arc.weight
      sums[arc.head] -= arc.weight
    }
    var (worst, least) = (0, 0)
    for one in order.reversed() {
      guard let place = parents[one] else { continue }
      let arc = arcs[tree[place]]
      let isTail = arc.tail == one
      let value = isTail ? sums[one] : -sums[one]
      if value < least { (worst, least) = (one, value) }
      sums[isTail ? arc.head : arc.tail] += sums[one]
    }
    guard least < 0, let place = parents[worst] else { return false }
    let isTail = arcs[tree[place]].tail == worst
    var isPart = [Bool](repeating: false, count: count)
    isPart[worst] = true
    for one in order {
      guard let place = parents[one] else { continue }
      let arc = arcs[tree[place]]
      if isPart[arc.tail == one ? arc.head : arc.tail] { isPart[one] = true }
    }
    guard let best = tightest(levels, where: { isPart[$0.head] == isTail && isPart[$0.tail] != isTail }) else {
      return false
    }
    let step = isTail ? -slack(best, levels) : slack(best, levels)
    if step != 0 { for one in 0..<count where isPart[one] { levels[one] += step } }
    tree[place] = best
    return true
  }
}
