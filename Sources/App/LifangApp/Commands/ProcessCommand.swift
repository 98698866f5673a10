import Core
import Foundation
import Processes

/// `lifang process`: proves process definitions and lets one be tried out.
enum ProcessCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: ["set"], flagged: ["json"])
    switch arguments.operands.first {
    case "check" where arguments.operands.count > 1: return try check(Array(arguments.operands.dropFirst()))
    case "print" where arguments.operands.count == 2:
      print(try readable(arguments.operands[1]).bpmn, terminator: "")
      return 0
    case "simulate" where arguments.operands.count > 1:
      return try simulate(
        Array(arguments.operands.dropFirst()), arguments.value("set"), asJSON: arguments.flag("json"))
    default:
      throw Refusal(
        .invalid, "process-usage",
        "请写 lifang process check FILE…、lifang process print FILE 或 lifang process simulate FILE [被调用的流程 FILE…] [--set 变量=值,…] [--json]。"
      )
    }
  }

  private static func read(_ path: String) throws -> ProcessDefinition {
    guard let data = FileManager.default.contents(atPath: path), data.count <= 4 << 20 else {
      throw Refusal(.notFound, "file-unreadable", "读不到文件 \(path)，或它超过 4 MB。请检查路径和权限。")
    }
    return try ProcessDefinition(bpmn: Array(data), file: path)
  }

  /// The first of the files, which may call the others.
  private static func usable(_ paths: [String]) throws -> RunnableProcess {
    do {
      let all = try paths.map { try read($0) }
      return try RunnableProcess(all[0], calling: library(all))
    } catch let failure as ProcessFailure {
      throw failure.refusal
    }
  }

  private static func library(_ definitions: [ProcessDefinition]) -> [String: ProcessDefinition] {
    Dictionary(definitions.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// One file, whether or not what it calls is there.
  private static func readable(_ path: String) throws -> ProcessDefinition {
    do {
      return try read(path)
    } catch let failure as ProcessFailure {
      throw failure.refusal
    }
  }

  /// Proves each file; they may call one another.
  private static func check(_ paths: [String]) throws -> Int32 {
    var errors = 0
    var read: [(path: String, definition: ProcessDefinition)] = []
    func attempt(_ body: () throws -> Void) throws {
      do {
        try body()
      } catch let failure as ProcessFailure {
        errors += failure.problems.count
        for problem in failure.problems { print(problem) }
      }
    }
    for path in paths { try attempt { read.append((path, try self.read(path))) } }
    let library = library(read.map(\.definition))
    for (path, definition) in read {
      try attempt {
        _ = try RunnableProcess(definition, calling: library)
        print("\(path): “\(definition.name)”可以运行，\(definition.nodes.count) 个元素。")
      }
    }
    if errors > 0 { print("发现 \(errors) 处错误。") }
    return errors == 0 ? 0 : 2
  }

  /// Moves are read from standard input, a line each, until it ends.
  private static func simulate(_ paths: [String], _ set: String?, asJSON: Bool) throws -> Int32 {
    let process = try usable(paths)
    var values: [String: String] = [:]
    for pair in (set ?? "").split(separator: ",") {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else {
        throw Refusal(.invalid, "process-variable", "“\(pair)”应写成 变量=值，几个之间用逗号。")
      }
      values[parts[0]] = parts[1]
    }
    var simulation = try ProcessSimulation(process, values: values, now: WallClock.system.now())
    if !asJSON { print("“\(process.definition.name)”开始。") }
    var failed = false
    while true {
      for line in asJSON ? [simulation.json.text] : simulation.waiting.map({ "  " + $0 }) { print(line) }
      guard let line = readLine(), line != "quit" else { break }
      if line.isEmpty || line.hasPrefix("#") { continue }
      do {
        let told = try simulation.perform(line)
        if !asJSON { told.forEach { print($0) } }
      } catch {
        failed = true
        print(
          asJSON
            ? JSON.object([("refused", .string(error.code)), ("message", .string(error.message))]).text : error.message)
      }
    }
    return failed ? 2 : 0
  }
}
