import Access
import Core
import Entities
import Jobs
import Operations

/// The nightly round of the rules of analysis (分析研判, A-004).
struct PromptJob: JobPayload {
  static let kind = "analysis-prompts"
  static let label = "分析研判"

  init() {}
  init(json: JSON) throws {}
  var json: JSON { .object([]) }

  static func register(in kinds: inout JobKinds, sweep: PromptSweep, log: Log) {
    kinds.register(PromptJob.self) { _, _ in ["raised": .int(Int64(try await sweep.run(log: log)))] }
  }

  static func schedule(on jobs: JobQueue) async throws {
    try await jobs.schedule(kind, PromptJob(), label: label, .daily(hour: 4, minute: 30))
  }

  /// The first round, before there is a night.
  static func begin(on jobs: JobQueue) async throws {
    guard try await jobs.list(kind: kind, limit: 1).isEmpty else { return }
    _ = try await jobs.add(PromptJob(), label: label, by: .system)
  }
}
