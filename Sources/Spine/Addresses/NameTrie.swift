/// Finds which of many words start at a place in a text, one table look-up per character.
///
/// Words carry a number each; a word added twice carries both. Built once, then read by any number of threads; a class,
/// because its tables are asked for every character and copying it would count references each time.
final class NameTrie: Sendable {
  /// One word found: where it ends and the slice of ``values`` it carries.
  struct Match {
    let end: Int
    let first: Int32
    let count: Int32
  }

  private let keys: [UInt64]
  private let nodes: [Int32]
  private let mask: Int
  /// For every node where its values start in ``values`` and how many there are.
  private let starts: [Int32]
  private let counts: [Int32]
  let values: [Int32]

  /// Builds the trie; words of no character are left out.
  init(_ words: [(word: String, value: Int32)]) {
    var builder = Builder(capacity: words.reduce(64) { $0 + $1.word.utf8.count / 3 + 1 })
    var carried: [(node: Int32, value: Int32)] = []
    carried.reserveCapacity(words.count)
    for (word, value) in words {
      var node: Int32 = 0
      for scalar in word.unicodeScalars { node = builder.child(of: node, scalar.value) }
      if node != 0 { carried.append((node, value)) }
    }
    carried.sort { ($0.node, $0.value) < ($1.node, $1.value) }
    var starts = [Int32](repeating: 0, count: Int(builder.nodeCount))
    var counts = starts
    var values: [Int32] = []
    values.reserveCapacity(carried.count)
    for (node, value) in carried {
      if counts[Int(node)] == 0 { starts[Int(node)] = Int32(values.count) }
      if counts[Int(node)] > 0, values.last == value { continue }
      counts[Int(node)] += 1
      values.append(value)
    }
    keys = builder.keys
    nodes = builder.nodes
    mask = builder.mask
    self.starts = starts
    self.counts = counts
    self.values = values
  }

  /// Calls `body` for every word that starts at `start`, shortest first.
  @inline(__always)
  func eachMatch(_ text: borrowing [UInt32], from start: Int, _ body: (Match) -> Void) {
    var node: Int32 = 0
    var index = start
    let count = text.count
    while index < count {
      node = child(of: node, text[index])
      if node == 0 { return }
      index += 1
      if counts[Int(node)] > 0 {
        body(Match(end: index, first: starts[Int(node)], count: counts[Int(node)]))
      }
    }
  }

  /// The longest word that starts at `start`.
  @inline(__always)
  func longestMatch(_ text: borrowing [UInt32], from start: Int) -> Match? {
    var longest: Match?
    eachMatch(text, from: start) { longest = $0 }
    return longest
  }

  @inline(__always)
  private func child(of node: Int32, _ scalar: UInt32) -> Int32 {
    let key = UInt64(UInt32(bitPattern: node)) << 32 | UInt64(scalar) + 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while true {
      let found = keys[slot]
      if found == key { return nodes[slot] }
      if found == 0 { return 0 }
      slot = (slot + 1) & mask
    }
  }

  private struct Builder {
    var keys: [UInt64]
    var nodes: [Int32]
    var mask: Int
    var nodeCount: Int32 = 1

    init(capacity: Int) {
      var slots = 64
      while slots < capacity * 2 { slots *= 2 }
      keys = [UInt64](repeating: 0, count: slots)
      nodes = [Int32](repeating: 0, count: slots)
      mask = slots - 1
    }

    mutating func child(of node: Int32, _ scalar: UInt32) -> Int32 {
      let key = UInt64(UInt32(bitPattern: node)) << 32 | UInt64(scalar) + 1
      var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
      while keys[slot] != 0 {
        if keys[slot] == key { return nodes[slot] }
        slot = (slot + 1) & mask
      }
      keys[slot] = key
      nodes[slot] = nodeCount
      nodeCount += 1
      return nodeCount - 1
    }
  }
}
