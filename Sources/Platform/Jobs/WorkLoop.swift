package import Core
package import SQL

/// What a worker found in a queue.
package enum WorkLook: Sendable, Hashable {
  case nothing
  /// Something, and nothing else was ready beside it: nobody has to look before the next notification.
  case last
  /// Something, and there may be more.
  case more
}

/// Workers that take things from a queue in the database until they are told to end.
///
/// A notification wakes one of them, and whoever finds that there is more wakes the next: a full queue is worked off by all,
/// and one new entry costs one look and not one for each worker.
package struct WorkLoop: Sendable {
  /// What faults of the loop are called in the log: `job` gives `job-claim` and `job-watch`.
  let name: String
  let concurrency: Int
  /// How long a worker sleeps at most between two looks.
  let poll: Duration
  let log: Log
  private let wake = WakeSignal()

  package init(_ name: String, concurrency: Int, poll: Duration, log: Log) {
    self.name = name
    self.concurrency = max(concurrency, 1)
    self.poll = poll
    self.log = log
  }

  /// Works until the task is cancelled.
  ///
  /// - Parameters:
  ///   - channel: of the notifications that something is ready.
  ///   - watch: done once in `poll` beside the work, with the number of the round from 0.
  ///   - next: takes the next thing and sees to it.
  package func run(
    on database: Database, channel: String, watch: @escaping @Sendable (_ round: Int) async throws -> Void,
    next: @escaping @Sendable () async throws -> WorkLook
  ) async {
    await withDiscardingTaskGroup { group in
      for _ in 0..<concurrency { group.addTask { await work(next) } }
      group.addTask { await look(watch) }
      group.addTask { for await _ in database.listen(channel) { wake.signal() } }
    }
  }

  private func work(_ next: @Sendable () async throws -> WorkLook) async {
    while !Task.isCancelled {
      let seen = wake.generation
      do {
        if try await next() == .more {
          wake.signal()
          continue
        }
      } catch {
        if Task.isCancelled { return }
        log.fault(error, "\(name)-claim")
      }
      await wake.wait(after: seen, timeout: poll)
    }
  }

  private func look(_ watch: @Sendable (Int) async throws -> Void) async {
    var round = 0
    while !Task.isCancelled {
      do {
        try await watch(round)
        round += 1
      } catch {
        if !Task.isCancelled { log.fault(error, "\(name)-watch") }
      }
      try? await Task.sleep(for: poll)
    }
  }
}
