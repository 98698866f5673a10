import AddressParsing
import Core
import Foundation

/// Parses addresses from standard input to standard output, a line each, in flat memory: lines are read in blocks, the
/// lines of a block are shared out among threads, and answers leave in the order of the lines.
struct ParseStream {
  let model: ParserModel
  let threads: Int
  /// Bytes read at once.
  private static let block = 1 << 18
  /// A line without end is cut here, so that memory stays flat whatever is sent.
  private static let longestLine = 1 << 20

  func run() async throws {
    let input = FileHandle.standardInput
    let output = FileHandle.standardOutput
    var rest: [UInt8] = []
    while true {
      let data = try input.read(upToCount: ParseStream.block) ?? Data()
      let isEnd = data.isEmpty
      rest += data
      var end = rest.count
      if !isEnd {
        if let last = rest.lastIndex(of: 0x0A) {
          end = last + 1
        } else if rest.count < ParseStream.longestLine {
          continue
        }
      }
      if end > 0 {
        for answer in try await answers(rest[..<end]) { try output.write(contentsOf: Data(answer)) }
        rest.removeFirst(end)
      }
      if isEnd { return }
    }
  }

  private func answers(_ block: ArraySlice<UInt8>) async throws -> [[UInt8]] {
    if threads == 1 { return [ParseStream.answer(block, model)] }
    let model = model
    return await withTaskGroup(of: (Int, [UInt8]).self) { group in
      let parts = ParseStream.shares(block, threads)
      for (index, part) in parts.enumerated() { group.addTask { (index, ParseStream.answer(part, model)) } }
      var answers = [[UInt8]](repeating: [], count: parts.count)
      for await (index, answer) in group { answers[index] = answer }
      return answers
    }
  }

  /// The block in pieces of about the same length, each of whole lines.
  private static func shares(_ block: ArraySlice<UInt8>, _ count: Int) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start = block.startIndex
    while start < block.endIndex {
      let least = min(block.endIndex, start + (block.count + count - 1) / count)
      let end = block[(least - 1)...].firstIndex(of: 0x0A).map { $0 + 1 } ?? block.endIndex
      parts.append(block[start..<end])
      start = end
    }
    return parts
  }

  /// The answers to some lines, with a parser of their own: making one costs little beside a block of lines.
  private static func answer(_ lines: ArraySlice<UInt8>, _ model: ParserModel) -> [UInt8] {
    var parser = AddressParser(model)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(lines.count * 16)
    lines.withUnsafeBufferPointer { lines in
      var start = 0
      while start < lines.count {
        let end = lines[start...].firstIndex(of: 0x0A) ?? lines.count
        let isReturned = end > start && lines[end - 1] == 0x0D
        parser.answer(UnsafeBufferPointer(rebasing: lines[start..<(isReturned ? end - 1 : end)]), into: &bytes)
        bytes.append(0x0A)
        start = end + 1
      }
    }
    return bytes
  }
}
