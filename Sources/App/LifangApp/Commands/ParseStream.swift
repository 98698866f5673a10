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
    var lines = block.split(separator: 0x0A, omittingEmptySubsequences: false)
    if block.last == 0x0A { lines.removeLast() }
    if threads == 1 || lines.count < threads { return [ParseStream.answer(lines[...], model)] }
    let share = (lines.count + threads - 1) / threads
    let model = model
    return await withTaskGroup(of: (Int, [UInt8]).self) { group in
      for index in 0..<threads {
        let part = lines[min(lines.count, index * share)..<min(lines.count, (index + 1) * share)]
        group.addTask { (index, ParseStream.answer(part, model)) }
      }
      var answers = [[UInt8]](repeating: [], count: threads)
      for await (index, answer) in group { answers[index] = answer }
      return answers
    }
  }

  /// The answers to some lines, with a parser of their own: making one costs little beside a block of lines.
  private static func answer(_ lines: ArraySlice<ArraySlice<UInt8>>, _ model: ParserModel) -> [UInt8] {
    var parser = AddressParser(model)
    var bytes: [UInt8] = []
    for line in lines {
      let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
      parser.parse(text).write(into: &bytes)
      bytes.append(0x0A)
    }
    return bytes
  }
}
