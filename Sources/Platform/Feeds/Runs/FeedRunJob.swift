package import Access
package import Audit
package import Core
import Foundation
package import Jobs
import SQL

/// A run of a feed beside the requests: it reports progress, can be cancelled, and goes on after a crash.
package struct FeedRunJob: JobPayload {
  package static let kind = "feed-run"

  /// The id of the ``FeedRun``.
  package let run: Int64

  package init(run: Int64) { self.run = run }

  package init(json: JSON) throws {
    guard let run = json["run"]?.int else { throw Fault("job-payload", "feed-run") }
    self.run = run
  }

  package var json: JSON { ["run": .int(run)] }
}

extension FeedService {
  /// Lets `kinds` do ``FeedRunJob``.
  package func register(in kinds: inout JobKinds) {
    kinds.register(FeedRunJob.self, policy: RetryPolicy(maximumAttempts: 5, firstDelay: 15)) { payload, context in
      do {
        let done = try await run(
          payload.run,
          committing: { run, transaction in
            try await context.checkpoint(
              ["position": run.position.map { .string($0) } ?? .null], done: Int64(run.tally.total), in: transaction)
          },
          progress: { run in
            try await context.report(done: Int64(run.tally.total), message: run.tally.words)
          })
        if let path = done.path, done.state == .done { try? FileManager.default.removeItem(atPath: path) }
        return done.tally.json
      } catch is CancellationError {
        // Cancelled by somebody, or for the next process to go on with.
        if !Task.isCancelled { try await fail(payload.run, .cancelled, "有人停止了这次同步；已收到的保留，下次从停下的地方继续。") }
        throw CancellationError()
      } catch let refusal as Refusal {
        let isLast = context.job.attempt >= context.job.maximumAttempts
        if refusal.kind != .unavailable || isLast { try await fail(payload.run, .failed, refusal.message) }
        throw refusal
      }
    }
  }

  /// Enters a run and queues its job.
  package func queue(
    _ name: String, _ mode: FeedRun.Mode, from source: Source, by principal: Principal, origin: Origin = .inside,
    on jobs: JobQueue
  ) async throws -> FeedRun {
    let run = try await begin(name, mode, from: source, by: principal, origin: origin, on: jobs)
    try await resume(run, by: principal, on: jobs)
    return run
  }

  /// Queues the job of a run that is under way.
  package func resume(_ run: FeedRun, by principal: Principal, on jobs: JobQueue) async throws {
    let feed = try feed(run.feed)
    let job = try await jobs.add(
      FeedRunJob(run: run.id), label: "同步\(feed.label)（\(run.mode.label)）", by: principal,
      uniqueKey: "feed:\(feed.name)")
    try await assign(job, to: run.id, in: database)
  }

  /// Begins what is due; several nodes doing so begin each once.
  package func startDue(on jobs: JobQueue) async throws {
    for feed in try await due() {
      do { _ = try await queue(feed.name, .incremental, from: .connector, by: .system, on: jobs) } catch let refusal
        as Refusal
        where refusal.code == "feed-busy"
      { continue }
    }
  }
}
