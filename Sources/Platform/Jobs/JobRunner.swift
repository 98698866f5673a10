package import Core
import SQL

/// Takes jobs from the queue and does them, several at a time. Any number of runners, in any number of processes, share
/// one queue.
package final class JobRunner: Sendable {
  package struct Configuration: Sendable {
    /// Names this process in the history.
    package var worker: String
    package var concurrency = 2
    /// Seconds a worker may be silent before its job is given to another; it reports three times as often.
    package var lease: Int64 = 60
    /// How long a runner sleeps at most between two looks into the queue; notifications wake it sooner.
    package var poll: Duration = .seconds(5)
    package var log: Log
    package var metrics: Metrics?

    package init(worker: String, log: Log = Log(), metrics: Metrics? = nil) {
      self.worker = worker
      self.log = log
      self.metrics = metrics
    }
  }

  package let queue: JobQueue
  private let configuration: Configuration

  package init(queue: JobQueue, configuration: Configuration) {
    self.queue = queue
    self.configuration = configuration
  }

  /// Works until the task is cancelled. Jobs that run then are told so, and go back into the queue to be taken up by the
  /// next process from their last checkpoint.
  package func run() async {
    let loop = WorkLoop(
      "job", concurrency: configuration.concurrency, poll: configuration.poll, log: configuration.log)
    await loop.run(on: queue.database, channel: JobQueue.readyChannel) { _ in
      try await self.queue.enqueueDue()
    } next: {
      try await self.runNext() ? .more : .nothing
    }
  }

  /// Takes the next job that is due and does it; false when there is none.
  package func runNext() async throws -> Bool {
    let claimed = try await queue.claim(
      kinds: queue.kinds.names, worker: configuration.worker, lease: configuration.lease)
    guard let job = claimed else { return false }
    let context = JobContext(
      job: job, database: queue.database, clock: queue.clock, worker: configuration.worker)
    let began = ContinuousClock.now
    let ending = await perform(context)
    let seconds = began.duration(to: .now)
    configuration.metrics?.observe(
      "lifang_job_seconds", "kind=\"\(job.kind)\"",
      seconds: Double(seconds.components.seconds) + Double(seconds.components.attoseconds) / 1e18)
    // A task of its own: writing the end down must not fail because the runner is being cancelled.
    await Task { [queue, log = configuration.log] in
      do {
        try await queue.end(context, ending)
      } catch {
        log.fault(error, "job-end", ["job": .int(job.id)])
      }
    }.value
    return true
  }

  /// Runs the job beside its heartbeat; whichever ends first ends the other.
  private func perform(_ context: JobContext) async -> JobQueue.Ending {
    enum Part: Sendable {
      case job(JobQueue.Ending)
      case lease(JobQueue.Lease)
    }
    return await withTaskGroup(of: Part.self) { group in
      group.addTask { .job(await self.call(context)) }
      group.addTask { .lease(await self.keep(context)) }
      var lease: JobQueue.Lease?
      var ending = JobQueue.Ending.released
      for await part in group {
        switch part {
        case .job(let own): ending = own
        case .lease(let state): lease = state
        }
        group.cancelAll()
      }
      if case .cancelled = lease, case .released = ending { return .cancelled }
      return ending
    }
  }

  private func call(_ context: JobContext) async -> JobQueue.Ending {
    guard let entry = queue.kinds.entries[context.job.kind] else { return .released }
    if context.job.isCancelRequested { return .cancelled }
    // Claimed while the runner was told to end: for the next process to begin.
    if Task.isCancelled { return .released }
    do {
      return .done(try await entry.body(context.job.payload, context))
    } catch let refusal as Refusal {
      return .failed(message: refusal.message, repeatable: refusal.kind == .unavailable)
    } catch is CancellationError {
      // Either the runner ends, or the job was cancelled, or it is another worker's now and nothing will be written.
      return Task.isCancelled ? .released : .cancelled
    } catch {
      configuration.log.fault(
        error, "job-failed",
        ["job": .int(context.job.id), "kind": .string(context.job.kind), "attempt": .int(Int64(context.job.attempt))])
      return .failed(message: "系统内部错误，已记录。", repeatable: true)
    }
  }

  private func keep(_ context: JobContext) async -> JobQueue.Lease {
    while true {
      do {
        try await Task.sleep(for: .seconds(max(configuration.lease, 3)) / 3)
        let lease = try await queue.renew(context, lease: configuration.lease)
        if case .kept = lease { continue }
        return lease
      } catch {
        if Task.isCancelled { return .kept }
        configuration.log.fault(error, "job-heartbeat", ["job": .int(context.job.id)])
      }
    }
  }
}
