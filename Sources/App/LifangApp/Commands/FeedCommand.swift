import Access
import Connectors
import Core
import DoorPlates
import Entities
import Feeds
import Portal
import Jobs

/// `lifang feed`: lists the feeds, synchronises one from its connector, or loads a file of its rows (A-158).
enum FeedCommand {
  static func run(_ words: [String]) async throws -> Int32 {
    let arguments = try Arguments(words, valued: Configuration.valued, flagged: ["json", "full"])
    let deployment = try await Deployment.open(try Configuration(arguments))
    let operands = arguments.operands
    let parameters = Parameters(deployment.catalogs)
    try await parameters.refresh(from: deployment.database)
    let store = deployment.makeStore(following: [CorrectionRule(), DoorPlateRules()])
    let client = ConnectorClient(Connectors(deployment.catalogs.declared), store: store, log: deployment.log)
    let service = try deployment.feedService(store, client, parameters)
    let isJSON = arguments.flag("json")
    let mode: FeedRun.Mode = arguments.flag("full") ? .full : .incremental
    let status: Int32
    switch (operands.first, operands.count) {
    case ("list", 1): status = try await list(service, isJSON)
    case ("run", 2): status = try await run(operands[1], mode, .connector, service, deployment, isJSON)
    case ("load", 3):
      try service.prove(try service.feed(operands[1]), path: operands[2])
      let name = operands[2].split(separator: "/").last.map(String.init) ?? operands[2]
      status = try await run(operands[1], mode, .file(path: operands[2], name: name), service, deployment, isJSON)
    default:
      throw Refusal(
        .invalid, "command-unknown", "请写 feed list、feed run 名称 [--full] 或 feed load 名称 文件 [--full]。")
    }
    await deployment.close()
    return status
  }

  private static func list(_ service: FeedService, _ isJSON: Bool) async throws -> Int32 {
    for standing in try await service.standings() {
      if isJSON {
        let line: JSON = [
          "feed": .string(standing.feed.name), "label": .string(standing.feed.label),
          "register": .string(standing.feed.register), "connected": .bool(standing.isConnected),
          "state": standing.last.map { .string($0.state.rawValue) } ?? .null,
          "synced": standing.syncedAt.map { .string($0.iso8601) } ?? .null, "records": .int(standing.records),
          "pending": .int(standing.pending), "differences": .int(standing.differences),
        ]
        print(line.text)
      } else {
        print(
          "\(standing.feed.name)  \(standing.feed.label)　\(standing.last?.state.label ?? "没有同步过")，"
            + "\(standing.syncedAt.map { "最近一致 \($0.display)" } ?? "从未一致")，记录 \(standing.records)，待重试 \(standing.pending)，待定差异 \(standing.differences)"
        )
      }
    }
    return 0
  }

  /// Status 2 when the run stopped to ask.
  private static func run(
    _ name: String, _ mode: FeedRun.Mode, _ source: FeedService.Source, _ service: FeedService,
    _ deployment: Deployment, _ isJSON: Bool
  ) async throws -> Int32 {
    let jobs = JobQueue(database: deployment.database, kinds: JobKinds(), clock: deployment.clock)
    let begun = try await service.begin(name, mode, from: source, by: .system, on: jobs)
    let start = deployment.clock.now()
    let done: FeedRun
    do {
      done = try await service.run(
        begun.id, progress: { run in if !isJSON { CommandLineTool.complain(run.tally.words) } })
    } catch let refusal as Refusal {
      try await service.fail(begun.id, .failed, refusal.message)
      throw refusal
    }
    let seconds = ((deployment.clock.now() - start) * 10).rounded() / 10
    if isJSON {
      let line: JSON = [
        "run": .int(done.id), "state": .string(done.state.rawValue), "seconds": .double(seconds),
        "received": .int(Int64(done.tally.total)), "outcome": done.tally.json,
      ]
      print(line.text)
    } else {
      print("\(done.state.label)：收到 \(done.tally.total) 条，用时 \(seconds) 秒")
      if !done.tally.words.isEmpty { print("  \(done.tally.words)") }
      if let message = done.message { print("  \(message)") }
    }
    return done.state == .asking ? 2 : 0
  }
}
