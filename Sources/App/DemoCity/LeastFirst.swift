/// A binary heap of items by key; ties go to the lesser item, so that results never depend on the order of pushes.
struct LeastFirst<Item: Comparable> {
  private var items: [(key: Double, item: Item)] = []

  var isEmpty: Bool { items.isEmpty }

  mutating func push(_ key: Double, _ item: Item) {
    items.append((key, item))
    var child = items.count - 1
    while child > 0, items[child] < items[(child - 1) / 2] {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Item? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return first.item }
    items[0] = last
    var parent = 0
    while parent * 2 + 1 < items.count {
      var child = parent * 2 + 1
      if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
      guard items[child] < items[parent] else { break }
      items.swapAt(child, parent)
      parent = child
    }
    return first.item
  }
}
