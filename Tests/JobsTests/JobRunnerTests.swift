import Access
import Core
import Jobs
import SQL
import Synchronization
import TestSupport
import Testing

@Suite struct JobRunnerTests {
  @Test func twoWorkersShareTheQueueAndDoEveryJobOnce() async throws {
    let jobs = try await JobFixture.make()
    for index in 0..<60 { _ = try await jobs.add("\(index)") }
    let counts = try await withThrowingTaskGroup(of: Int.self) { group in
      for name in ["一号", "二号", "三号"] { group.addTask { try await jobs.drain(jobs.runner(name)) } }
      return try await group.reduce(into: [Int]()) { $0.append($1) }
    }
    #expect(counts.reduce(0, +) == 60)
    #expect(Set(jobs.diary.all).count == 60 && jobs.diary.all.count == 60)
  }

  /// A worker that stops dead in the middle of its job: its task stays where it is until the test lets it go.
  final class Stall: Sendable {
    private let state = Mutex<(isOpen: Bool, waiting: CheckedContinuation<Void, Never>?)>((false, nil))
    private let reached = Mutex(false)

    var isReached: Bool { reached.withLock { $0 } }

    func wait() async {
      reached.withLock { $0 = true }
      await withCheckedContinuation { continuation in
        let isOpen = state.withLock { state in
          if !state.isOpen { state.waiting = continuation }
          return state.isOpen
        }
        if isOpen { continuation.resume() }
      }
    }

    func open() {
      let waiting = state.withLock { state in
        state.isOpen = true
        defer { state.waiting = nil }
        return state.waiting
      }
      waiting?.resume()
    }
  }

  @Test func aKilledWorkersJobIsResumedFromItsCheckpointAndTheDeadOneCanCommitNothing() async throws {
    let stall = Stall()
    let jobs = try await JobFixture.make { chore, context, diary in
      let first = (context.job.checkpoint?["step"]?.int ?? 0) + 1
      for step in first...4 {
        if step == 3, context.job.attempt == 1 { await stall.wait() }
        try await context.database.transaction { transaction in
          try await transaction.execute("insert into work (step, attempt) values (\(step), \(context.job.attempt))")
          try await context.checkpoint(["step": .int(step)], done: step, in: transaction)
        }
        diary.note("\(context.job.attempt):\(step)")
      }
      return ["steps": 4]
    }
    try await jobs.database.execute("create table work (step bigint primary key, attempt bigint)")
    let id = try await jobs.add("a")
    let dead = Task { try await jobs.runner("一号", lease: 60).runNext() }
    #expect(try await eventually { stall.isReached })
    // Before the lease ends nobody else may have it.
    jobs.clock.advance(seconds: 59)
    #expect(try await jobs.drain(jobs.runner("二号")) == 0)
    jobs.clock.advance(seconds: 2)
    #expect(try await jobs.drain(jobs.runner("二号")) == 1)
    #expect(jobs.diary.all == ["1:1", "1:2", "2:3", "2:4"])
    // The dead one wakes up: what it still tries is undone.
    stall.open()
    #expect(try await dead.value)
    #expect(jobs.diary.all == ["1:1", "1:2", "2:3", "2:4"])
    let work = try await jobs.database.query("select attempt from work order by step").values(as: Int.self)
    #expect(work == [1, 1, 2, 2])
    let job = try await jobs.queue.get(id)
    #expect(job.state == .done && job.result == ["steps": 4] && job.progress.done == 4)
    #expect(try await jobs.queue.attempts(of: id).map(\.outcome) == ["lost", "done"])
    #expect(try await jobs.queue.attempts(of: id).map(\.worker) == ["一号", "二号"])
  }

  @Test func aJobThatKillsEveryWorkerIsGivenUp() async throws {
    let stalls = [Stall(), Stall()]
    let jobs = try await JobFixture.make(policy: RetryPolicy(maximumAttempts: 2)) { _, context, _ in
      await stalls[context.job.attempt - 1].wait()
      return nil
    }
    let id = try await jobs.add("a")
    var workers: [Task<Bool, any Error>] = []
    for (index, stall) in stalls.enumerated() {
      workers.append(Task { try await jobs.runner("\(index)").runNext() })
      #expect(try await eventually { stall.isReached })
      jobs.clock.advance(seconds: 61)
    }
    #expect(try await jobs.drain() == 0)
    let job = try await jobs.queue.get(id)
    #expect(job.state == .failed && job.error?.contains("多次中断") == true)
    for stall in stalls { stall.open() }
    for worker in workers { _ = try await worker.value }
    #expect(try await jobs.queue.get(id).state == .failed)
  }

  @Test func theHeartbeatEndsAJobThatWasCancelled() async throws {
    let jobs = try await JobFixture.make { _, context, diary in
      diary.note("begun")
      // Reports nothing; only the cancelled task ends this.
      try await Task.sleep(for: .seconds(60))
      return nil
    }
    let id = try await jobs.add("a")
    let running = Task { try await jobs.runner(lease: 3).runNext() }
    #expect(try await eventually { jobs.diary.all == ["begun"] })
    try await jobs.queue.cancel(id)
    #expect(try await running.value)
    #expect(try await jobs.queue.get(id).state == .cancelled)
  }

  @Test func aRunnerThatIsShutDownGivesItsJobBack() async throws {
    let jobs = try await JobFixture.make { chore, context, diary in
      diary.note("\(context.job.attempt)")
      if context.job.attempt == 1 { try await Task.sleep(for: .seconds(60)) }
      return nil
    }
    let id = try await jobs.add("a")
    // One worker: a second may claim what the first gives back before it has heard of the end.
    let first = Task { await jobs.runner().run() }
    #expect(try await eventually { jobs.diary.all == ["1"] })
    first.cancel()
    await first.value
    let waiting = try await jobs.queue.get(id)
    #expect(waiting.state == .waiting && waiting.maximumAttempts == 6)
    let second = Task { await jobs.runner().run() }
    #expect(try await eventually { try await jobs.queue.get(id).state == .done })
    second.cancel()
    await second.value
    #expect(try await jobs.queue.attempts(of: id).map(\.outcome) == ["released", "done"])
  }

  @Test func aRunningRunnerHearsOfNewJobsAtOnce() async throws {
    let jobs = try await JobFixture.make()
    var configuration = JobRunner.Configuration(worker: "一号", log: .silent)
    configuration.poll = .seconds(600)
    let runner = JobRunner(queue: jobs.queue, configuration: configuration)
    let running = Task { await runner.run() }
    defer { running.cancel() }
    let id = try await jobs.add("a")
    #expect(try await eventually { try await jobs.queue.get(id).state == .done })
  }
}
