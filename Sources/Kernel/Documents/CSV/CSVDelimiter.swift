/// Tells by which character the cells of a text file are separated.
enum CSVDelimiter {
  static let candidates = [UInt8(ascii: ","), UInt8(ascii: "\t"), UInt8(ascii: ";")]

  /// Excel's own declaration: a first line `sep=;`.
  static func declared(_ bytes: UnsafeBufferPointer<UInt8>) -> (delimiter: UInt8, length: Int)? {
    guard bytes.count > 5, bytes.starts(with: Array("sep=".utf8)) else { return nil }
    var length = 5
    if bytes[length] == 13 { length += 1 }
    guard length < bytes.count, bytes[length] == 10 else { return nil }
    return (bytes[4], length + 1)
  }

  /// The candidate that stands equally often in each of the first lines, else the most frequent one of the first line,
  /// else the comma. Quoted cells are left out.
  static func guess(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt8 {
    let counts = lineCounts(bytes)
    var best = (delimiter: candidates[0], score: 0)
    for (index, candidate) in candidates.enumerated() {
      let first = counts.first?[index] ?? 0
      let consistent = counts.allSatisfy { $0[index] == first }
      let score = first == 0 ? 0 : first + (consistent ? 1_000_000 : 0)
      if score > best.score { best = (candidate, score) }
    }
    return best.delimiter
  }

  /// How often each candidate stands in each of the first ten lines with content; a last, cut line is left out.
  private static func lineCounts(_ bytes: UnsafeBufferPointer<UInt8>) -> [[Int]] {
    var lines: [[Int]] = []
    var current = [0, 0, 0]
    var quoted = false
    var empty = true
    for byte in bytes {
      if byte == UInt8(ascii: "\"") { quoted.toggle() }
      if !quoted, byte == 10 || byte == 13 {
        if !empty { lines.append(current) }
        if lines.count == 10 { return lines }
        (current, empty) = ([0, 0, 0], true)
        continue
      }
      empty = false
      if !quoted, let index = candidates.firstIndex(of: byte) { current[index] += 1 }
    }
    if lines.isEmpty { lines.append(current) }
    return lines
  }
}
