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
    kinds.register(PromptRuleJob.self) { job, _ in
      ["raised": .int(Int64(try await sweep.work(job.rule, log: log)))]
    }
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

/// One rule of analysis that somebody made, changed or asked for (立即研判, A-004).
struct PromptRuleJob: JobPayload {
  static let kind = "analysis-prompt-rule"
  static let label = "研判一条规则"

  let rule: Int64

  init(rule: Int64) { self.rule = rule }

  init(json: JSON) throws {
    guard let rule = json["rule"]?.int else { throw Fault("job-payload", PromptRuleJob.kind) }
    self.rule = rule
  }

  var json: JSON { ["rule": .int(rule)] }

  /// Rules are worked out behind the request that changes them, once it is committed.
  static func begin(_ rules: PromptRules, on jobs: JobQueue) {
    rules.begin { rule, records in
      _ = try await jobs.add(PromptRuleJob(rule: rule), label: label, by: records.principal, in: records.transaction)
    }
  }
}
