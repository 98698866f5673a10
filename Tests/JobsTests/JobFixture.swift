import Access
import Core
import Jobs
import SQL
import Synchronization
import TestSupport

/// What the tests' jobs are given.
struct Chore: JobPayload {
  static let kind = "chore"
  let name: String

  init(_ name: String) { self.name = name }

  init(json: JSON) throws {
    guard let name = json["name"]?.string else { throw Fault("chore") }
    self.name = name
  }

  var json: JSON { ["name": .string(name)] }
}

/// Names in the order they were done.
final class Diary: Sendable {
  private let entries = Mutex<[String]>([])

  func note(_ entry: String) { entries.withLock { $0.append(entry) } }

  var all: [String] { entries.withLock { $0 } }
}

/// A queue in a fresh database, with a clock that is moved by hand.
struct JobFixture: Sendable {
  let database: Database
  let clock: ManualClock
  let queue: JobQueue
  let diary: Diary

  static let start = Instant(seconds: 1_795_233_600)

  static func make(
    policy: RetryPolicy = RetryPolicy(),
    _ body: @escaping @Sendable (Chore, JobContext, Diary) async throws -> JSON? = { chore, _, diary in
      diary.note(chore.name)
      return nil
    }
  ) async throws -> JobFixture {
    let database = try await TestDatabase.make(
      .init("jobs") { _ = try await Migrator(log: .silent).run(JobsSchema.migrations, on: $0) })
    let clock = ManualClock(start)
    let diary = Diary()
    var kinds = JobKinds()
    kinds.register(Chore.self, policy: policy) { chore, context in try await body(chore, context, diary) }
    return JobFixture(
      database: database, clock: clock, queue: JobQueue(database: database, kinds: kinds, clock: clock.clock),
      diary: diary)
  }

  func runner(_ name: String = "一号", lease: Int64 = 60, concurrency: Int = 1) -> JobRunner {
    var configuration = JobRunner.Configuration(worker: name, log: .silent)
    configuration.lease = lease
    configuration.concurrency = concurrency
    return JobRunner(queue: queue, configuration: configuration)
  }

  /// Does everything that is due; returns how much that was.
  @discardableResult
  func drain(_ runner: JobRunner? = nil) async throws -> Int {
    let runner = runner ?? self.runner()
    var count = 0
    while try await runner.runNext() { count += 1 }
    return count
  }

  func add(
    _ name: String, at: Instant? = nil, priority: Int = 0, uniqueKey: String? = nil, in session: (any SQLSession)? = nil
  ) async throws -> Int64 {
    try await queue.add(
      Chore(name), label: name, by: .system, at: at, priority: priority, uniqueKey: uniqueKey, in: session)
  }
}
