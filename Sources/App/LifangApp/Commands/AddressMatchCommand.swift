import Addresses
import Core
import Foundation
import SQL
import Search

/// `lifang address match`: written addresses in, the standard ones they mean out, an address a line.
///
/// Against the register of the data folder, or with `--base` against any list of addresses, which needs no database.
enum AddressMatchCommand {
  /// Lines that are matched side by side before their answers are written.
  private static let batch = 8192

  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(
      words, valued: Configuration.valued.union(["base", "threads", "figures"]), flagged: [])
    guard arguments.operands.count <= 1 else {
      throw Refusal(.invalid, "command-unknown", "请写 address match [文件]；不写文件时从标准输入读，每行一条地址。")
    }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    let threads = try arguments.integer("threads", in: 1...256, default: cores)
    let configuration = try Configuration(arguments)
    let begin = ContinuousClock.now
    let base: Base
    if let path = arguments.value("base") {
      base = try Base(file: path, configuration)
    } else {
      base = try await Base(configuration)
    }
    let loaded = ContinuousClock.now
    let reader = try LineReader(arguments.operands.first)
    var figures = Figures()
    while let lines = try reader.next(AddressMatchCommand.batch) {
      let matches = await matches(lines, base.matcher, threads: threads)
      let ids = Set(matches.flatMap { $0.match.candidates.map(\.id) })
      let known = try await base.names(ids)
      var out = ""
      for (line, timed) in zip(lines, matches) {
        figures.take(timed)
        out += AddressMatchJSON.text(line, timed.match, known) + "\n"
      }
      try FileHandle.standardOutput.write(contentsOf: Data(out.utf8))
    }
    await base.close()
    let text = figures.json(loading: loaded - begin, matching: ContinuousClock.now - loaded).text + "\n"
    if let path = arguments.value("figures") {
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    return 0
  }

  struct Timed: Sendable {
    let match: AddressMatch
    let time: Duration
  }

  private static func matches(_ lines: [String], _ matcher: AddressMatcher, threads: Int) async -> [Timed] {
    let share = max(1, (lines.count + threads - 1) / threads)
    return await withTaskGroup(of: (Int, [Timed]).self) { group in
      for start in stride(from: 0, to: lines.count, by: share) {
        let part = lines[start..<min(start + share, lines.count)]
        group.addTask {
          (
            start,
            part.map { line in
              let begin = ContinuousClock.now
              let match = matcher.match(line)
              return Timed(match: match, time: ContinuousClock.now - begin)
            }
          )
        }
      }
      var parts: [(Int, [Timed])] = []
      for await part in group { parts.append(part) }
      return parts.sorted { $0.0 < $1.0 }.flatMap { $0.1 }
    }
  }

  /// What a run came to; for measuring.
  private struct Figures {
    private var times: [Double] = []
    private var outcomes: [String: Int64] = [:]

    mutating func take(_ timed: Timed) {
      times.append(timed.time / .milliseconds(1))
      outcomes[timed.match.outcome.rawValue, default: 0] += 1
    }

    func json(loading: Duration, matching: Duration) -> JSON {
      let sorted = times.sorted()
      func percentile(_ share: Double) -> JSON {
        sorted.isEmpty ? .null : .double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))])
      }
      return [
        "addresses": .int(Int64(times.count)), "loadSeconds": .double(loading / .seconds(1)),
        "seconds": .double(matching / .seconds(1)), "p50": percentile(0.5), "p99": percentile(0.99),
        "outcomes": .object(outcomes.sorted { $0.key < $1.key }.map { ($0.key, .int($0.value)) }),
      ]
    }
  }
}

extension AddressMatchCommand {
  /// The addresses to match against, from the register or from a file.
  private struct Base {
    let matcher: AddressMatcher
    private let deployment: Deployment?
    /// The lines of the file by number.
    private let lines: [Int64: String]

    init(_ configuration: Configuration) async throws {
      let deployment = try await Deployment.open(configuration)
      matcher = try await deployment.addressDirectory().matcher()
      self.deployment = deployment
      lines = [:]
    }

    init(file path: String, _ configuration: Configuration) throws {
      let resources = configuration.installation.resources
      let gazetteer = try Gazetteer.load(folder: resources + "/spine/divisions")
      let pinyin = try PinyinTable(try String(contentsOfFile: resources + "/search/pinyin.tsv", encoding: .utf8))
      let classifier = AddressClassifier(gazetteer: gazetteer)
      let file = try AddressFile(path: path)
      var builder = AddressBaseBuilder(gazetteer: gazetteer)
      var lines: [Int64: String] = [:]
      while let entry = try file.next() {
        guard let standard = classifier.read(entry.text, hints: entry.hints).standard else { continue }
        builder.add(id: Int64(entry.row), key: standard.canonicalKey)
        lines[Int64(entry.row)] = entry.text
      }
      guard !lines.isEmpty else {
        throw Refusal(.unprocessable, "match-base", "\(path) 里没有一条可用作标准地址的地址。")
      }
      matcher = AddressMatcher(base: builder.finish(), likeness: CharacterLikeness(pinyin: pinyin))
      deployment = nil
      self.lines = lines
    }

    /// Code and name of addresses; of a file its lines, without codes.
    func names(_ ids: Set<Int64>) async throws -> [Int64: AddressMatchJSON.Name] {
      guard let deployment else {
        return ids.reduce(into: [:]) { $0[$1] = AddressMatchJSON.Name(code: nil, fullName: lines[$1] ?? "") }
      }
      let rows = try await deployment.owner.query(
        """
        select id, code, full_name, st_x(location) as x, st_y(location) as y from address
        where id = any(\(Array(ids)))
        """)
      var names: [Int64: AddressMatchJSON.Name] = [:]
      for row in rows { names[try row.get("id")] = try AddressMatchJSON.Name(row) }
      return names
    }

    func close() async { await deployment?.close() }
  }
}

/// Reads lines of a file or of standard input without holding them all.
private final class LineReader {
  private let file: FileHandle
  private var rest: [UInt8] = []
  private var isDone = false

  /// - Throws: ``Refusal`` `file-unreadable`.
  init(_ path: String?) throws(Refusal) {
    guard let path, path != "-" else {
      file = .standardInput
      return
    }
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw Refusal(.notFound, "file-unreadable", "无法读取 \(path)。请检查路径和权限。")
    }
    self.file = file
  }

  /// At most `count` lines; `nil` at the end.
  func next(_ count: Int) throws -> [String]? {
    var lines: [String] = []
    var start = 0
    while lines.count < count {
      if let end = rest[start...].firstIndex(of: 0x0A) {
        lines.append(line(rest[start..<end]))
        start = end + 1
      } else if isDone {
        if start < rest.count { lines.append(line(rest[start...])) }
        start = rest.count
        break
      } else {
        rest.removeSubrange(..<start)
        start = 0
        let more = try file.read(upToCount: 1 << 18) ?? Data()
        if more.isEmpty { isDone = true } else { rest += more }
      }
    }
    rest.removeSubrange(..<start)
    return lines.isEmpty && isDone ? nil : lines
  }

  private func line(_ bytes: ArraySlice<UInt8>) -> String {
    String(decoding: bytes.last == 0x0D ? bytes.dropLast() : bytes, as: UTF8.self)
  }
}
