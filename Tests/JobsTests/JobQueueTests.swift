import Access
import Core
import Jobs
import SQL
import Synchronization
import TestSupport
import Testing

@Suite struct JobQueueTests {
  @Test func jobsGoByPriorityThenTimeThenAge() async throws {
    let jobs = try await JobFixture.make()
    _ = try await jobs.add("later", at: JobFixture.start + 100)
    _ = try await jobs.add("first of two")
    _ = try await jobs.add("second of two")
    _ = try await jobs.add("urgent", priority: 5)
    #expect(try await jobs.drain() == 3)
    #expect(jobs.diary.all == ["urgent", "first of two", "second of two"])
    jobs.clock.advance(seconds: 100)
    #expect(try await jobs.drain() == 1)
    #expect(jobs.diary.all.last == "later")
  }

  @Test func aJobStandsInTheQueueExactlyWhenItsTransactionCommits() async throws {
    struct Undone: Error {}
    let jobs = try await JobFixture.make()
    await #expect(throws: Undone.self) {
      try await jobs.database.transaction { transaction in
        _ = try await jobs.add("never", in: transaction)
        throw Undone()
      }
    }
    _ = try await jobs.database.transaction { transaction in try await jobs.add("once", in: transaction) }
    try await jobs.drain()
    #expect(jobs.diary.all == ["once"])
  }

  @Test func whatAJobReturnsAndReportsIsKept() async throws {
    let jobs = try await JobFixture.make { _, context, _ in
      try await context.report(done: 3, total: 10, message: "第三步")
      try await context.report(done: 7)
      return ["made": 7]
    }
    let id = try await jobs.add("a")
    let waiting = try await jobs.queue.get(id)
    #expect(waiting.state == .waiting && waiting.progress.fraction == nil)
    try await jobs.drain()
    let done = try await jobs.queue.get(id)
    #expect(done.state == .done && done.result == ["made": 7])
    #expect(done.progress == JobProgress(done: 10, total: 10, message: "第三步"))
    #expect(done.startedAt == JobFixture.start && done.finishedAt == JobFixture.start)
    #expect(try await jobs.queue.attempts(of: id).map(\.outcome) == ["done"])
  }

  @Test func followersSeeEveryStepToTheEnd() async throws {
    let jobs = try await JobFixture.make { _, context, _ in
      try await context.report(done: 1, total: 2)
      return nil
    }
    let id = try await jobs.add("a")
    let seen = Mutex<[Job]>([])
    let following = Task {
      for await job in jobs.queue.follow(id) { seen.withLock { $0.append(job) } }
    }
    // The first comes at once, the second when notifications are heard.
    #expect(try await eventually { seen.withLock { $0.count } >= 2 })
    try await jobs.drain()
    await following.value
    let jobsSeen = seen.withLock { $0 }
    #expect(jobsSeen.first?.state == .waiting && jobsSeen.last?.state == .done && jobsSeen.last?.progress.total == 2)
  }

  @Test func aFailedJobComesBackLaterAndLater() async throws {
    struct Trouble: Error {}
    let policy = RetryPolicy(maximumAttempts: 3, firstDelay: 3, longestDelay: 60)
    let jobs = try await JobFixture.make(policy: policy) { chore, _, diary in
      diary.note(chore.name)
      throw Trouble()
    }
    let id = try await jobs.add("a")
    var delays: [Double] = []
    for _ in 0..<3 {
      try await jobs.drain()
      let job = try await jobs.queue.get(id)
      if job.state == .failed { break }
      #expect(job.state == .waiting && job.error == "系统内部错误，已记录。")
      delays.append(job.runAt - jobs.clock.clock.now())
      #expect(try await jobs.drain() == 0, "too early")
      jobs.clock.advance(seconds: Int64(delays.last ?? 0))
    }
    #expect(delays.count == 2 && delays[0] == 3 && delays[1] >= 6 && delays[1] < 8)
    #expect(try await jobs.queue.get(id).state == .failed)
    #expect(jobs.diary.all.count == 3)
    #expect(try await jobs.queue.attempts(of: id).map(\.outcome) == ["failed", "failed", "failed"])
    try await jobs.queue.restart(id)
    try await jobs.drain()
    #expect(jobs.diary.all.count == 4)
  }

  @Test func aRefusalIsFinalAndSaysWhy() async throws {
    let jobs = try await JobFixture.make { _, _, _ in throw Refusal(.unprocessable, "bad", "文件没有表头。") }
    let id = try await jobs.add("a")
    try await jobs.drain()
    let job = try await jobs.queue.get(id)
    #expect(job.state == .failed && job.error == "文件没有表头。" && job.attempt == 1)
  }

  @Test func aJobIsCancelledWhileItWaitsAndWhileItRuns() async throws {
    let jobs = try await JobFixture.make { chore, context, diary in
      for step in 1...5 {
        diary.note("\(chore.name) \(step)")
        if step == 2 {
          try await JobQueue(database: context.database, kinds: JobKinds(), clock: context.clock).cancel(context.job.id)
        }
        try await context.report(done: Int64(step))
      }
      return nil
    }
    let waiting = try await jobs.add("waiting")
    #expect(try await jobs.queue.cancel(waiting).state == .cancelled)
    let running = try await jobs.add("running")
    try await jobs.drain()
    #expect(try await jobs.queue.get(running).state == .cancelled)
    #expect(jobs.diary.all == ["running 1", "running 2"])
    #expect(try await jobs.queue.cancel(running).state == .cancelled)
  }

  @Test func oneJobOfAKeyWaitsOrRunsAtATime() async throws {
    let jobs = try await JobFixture.make()
    let first = try await jobs.add("a", uniqueKey: "k")
    #expect(try await jobs.add("b", uniqueKey: "k") == first)
    try await jobs.drain()
    #expect(try await jobs.add("c", uniqueKey: "k") != first)
    try await jobs.drain()
    #expect(jobs.diary.all == ["a", "c"])
  }

  @Test func schedulesQueueEachRunOnceAndMakeNoMissedOnesUp() async throws {
    let jobs = try await JobFixture.make()
    try await jobs.queue.schedule("hourly", Chore("h"), label: "每小时", .every(seconds: 3600))
    // Noon has passed today; the next is tomorrow's.
    try await jobs.queue.schedule("noon", Chore("n"), label: "每天中午", .daily(hour: 12, minute: 0))
    async let first = jobs.queue.enqueueDue()
    async let second = jobs.queue.enqueueDue()
    #expect(try await first + second == 1)
    try await jobs.drain()
    #expect(jobs.diary.all == ["h"])
    jobs.clock.advance(seconds: 3600 * 5 + 7)
    #expect(try await jobs.queue.enqueueDue() == 1)
    #expect(try await jobs.queue.enqueueDue() == 0)
    // Still waiting: no second run piles up behind it.
    jobs.clock.advance(seconds: 3600)
    try await jobs.queue.enqueueDue()
    #expect(try await jobs.drain() == 1)
    jobs.clock.advance(seconds: 86400)
    try await jobs.queue.setSchedule("hourly", enabled: false)
    try await jobs.queue.enqueueDue()
    try await jobs.drain()
    #expect(jobs.diary.all == ["h", "h", "n"])
    let views = try await jobs.queue.schedules()
    #expect(views.map(\.name) == ["hourly", "noon"] && views.map(\.isEnabled) == [false, true])
    #expect(views[1].nextRun.chinaTime.secondOfDay == 12 * 3600)
    // Setting an unchanged schedule up again, as every start does, keeps its time.
    try await jobs.queue.schedule("noon", Chore("n"), label: "每天中午", .daily(hour: 12, minute: 0))
    #expect(try await jobs.queue.schedules()[1].nextRun == views[1].nextRun)
  }

  @Test func listsAreFilteredAndPruned() async throws {
    let jobs = try await JobFixture.make()
    let user = Principal(kind: .user, id: 7, name: "甲", unit: nil, grants: Grants([]), clearance: .open)
    let own = try await jobs.queue.add(Chore("own"), label: "own", by: user)
    let other = try await jobs.add("other")
    #expect(try await jobs.queue.list().map(\.id) == [other, own])
    #expect(try await jobs.queue.list(creator: 7).map(\.id) == [own])
    #expect(try await jobs.queue.list(states: [.done]).isEmpty)
    #expect(try await jobs.queue.list(limit: 1, before: other).map(\.id) == [own])
    try await jobs.drain()
    #expect(try await jobs.queue.prune(before: JobFixture.start) == 0)
    #expect(try await jobs.queue.prune(before: JobFixture.start + 1) == 2)
    await #expect(throws: Refusal.self) { try await jobs.queue.get(own) }
  }
}
