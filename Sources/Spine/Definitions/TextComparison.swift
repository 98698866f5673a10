/// The lines of two texts side by side (差异): what stayed, went and came.
package struct TextComparison: Sendable {
  /// A line of one text, of the other, or of both.
  package enum Line: Sendable, Hashable {
    case same(String)
    case removed(String)
    case added(String)
    /// So many lines that are the same, left out.
    case skipped(Int)
  }

  package let lines: [Line]

  package var isEmpty: Bool { lines.isEmpty }

  /// Lines that are the same around a change.
  private static let context = 3
  /// Lines between the first and last change that are compared one by one; of more, all count as changed.
  private static let most = 3000

  package init(_ before: String, _ after: String) {
    let old = before.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let new = after.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if old == new {
      lines = []
      return
    }
    let head = zip(old, new).prefix { $0 == $1 }.count
    let tail = zip(old.dropFirst(head).reversed(), new.dropFirst(head).reversed()).prefix { $0 == $1 }.count
    let middle = TextComparison.compare(
      Array(old[head..<(old.count - tail)]), Array(new[head..<(new.count - tail)]))
    lines = TextComparison.folded(
      old.prefix(head).map { .same($0) } + middle + old.suffix(tail).map { .same($0) })
  }

  /// By the longest common subsequence.
  private static func compare(_ old: [String], _ new: [String]) -> [Line] {
    guard old.count <= most, new.count <= most else { return old.map { .removed($0) } + new.map { .added($0) } }
    let width = new.count + 1
    var length = [Int32](repeating: 0, count: (old.count + 1) * width)
    for i in old.indices.reversed() {
      for j in new.indices.reversed() {
        length[i * width + j] =
          old[i] == new[j]
          ? length[(i + 1) * width + j + 1] + 1 : max(length[(i + 1) * width + j], length[i * width + j + 1])
      }
    }
    var lines: [Line] = []
    var (i, j) = (0, 0)
    while i < old.count || j < new.count {
      if i < old.count, j < new.count, old[i] == new[j] {
        lines.append(.same(old[i]))
        (i, j) = (i + 1, j + 1)
      } else if i < old.count, j == new.count || length[(i + 1) * width + j] >= length[i * width + j + 1] {
        lines.append(.removed(old[i]))
        i += 1
      } else {
        lines.append(.added(new[j]))
        j += 1
      }
    }
    return lines
  }

  private static func folded(_ lines: [Line]) -> [Line] {
    var near = [Bool](repeating: false, count: lines.count)
    for (index, line) in lines.enumerated() {
      if case .same = line { continue }
      for other in max(0, index - context)...min(lines.count - 1, index + context) { near[other] = true }
    }
    var folded: [Line] = []
    var skipped = 0
    for (index, line) in lines.enumerated() {
      if near[index] {
        if skipped > 0 { folded.append(.skipped(skipped)) }
        skipped = 0
        folded.append(line)
      } else {
        skipped += 1
      }
    }
    if skipped > 0 { folded.append(.skipped(skipped)) }
    return folded
  }
}
