import Core
import SQL
import Synchronization

/// Keeps the log in the database as well (系统日志, C-257, C-551), a few seconds later.
///
/// The log itself goes to standard error as ever; what cannot be kept because the database is away is dropped after
/// ``capacity`` lines.
final class RunLog: Sendable {
  private struct Line: Sendable {
    let at: Instant
    let level: String
    let event: String
    let request: String?
    let detail: String
  }

  /// Requests are counted (`/metrics`), and what they did stands in the audit: a row for each would bury the rest.
  private static let request = "request"
  private static let capacity = 2000
  private static let largest = 4000
  private let lines = Mutex<[Line]>([])
  private let node: String
  private let clock: WallClock

  init(node: String, clock: WallClock = .system) {
    self.node = node
    self.clock = clock
  }

  /// A log whose lines are kept too, but for those that help with debugging.
  func log(minimum: Log.Level) -> Log {
    Log(minimum: minimum, clock: clock) { [self] bytes in
      Log.writeToStandardError(bytes)
      take(bytes)
    }
  }

  private func take(_ bytes: [UInt8]) {
    guard let json = try? JSON(parsing: bytes), let level = json["level"]?.string,
      ["info", "warning", "error"].contains(level),
      let event = json["event"]?.string, event != RunLog.request
    else { return }
    let rest = (json.object ?? []).filter { !["time", "level", "event", "request"].contains($0.key) }
    let line = Line(
      at: clock.now(), level: level, event: event, request: json["request"]?.string,
      detail: String(JSON.object(rest).text.prefix(RunLog.largest)))
    lines.withLock { if $0.count < RunLog.capacity { $0.append(line) } }
  }

  /// Writes what has come together, and forgets what is old.
  func flush(to database: Database) async throws {
    let waiting = lines.withLock { lines in
      defer { lines = [] }
      return lines
    }
    for (index, line) in waiting.enumerated() {
      do {
        try await database.execute(
          """
          insert into run_event (at, node, level, event, request, detail)
          values (\(line.at), \(node), \(line.level), \(line.event), \(line.request), \(line.detail))
          """)
      } catch {
        // The next time, before what has come since.
        lines.withLock { $0 = Array((waiting[index...] + $0).prefix(RunLog.capacity)) }
        throw error
      }
    }
  }

  func purge(_ database: Database) async throws {
    let now = clock.now()
    try await database.execute("delete from run_event where at < \(now + -90 * 86_400)")
    try await database.execute("delete from run_sample where at < \(now + -30 * 86_400)")
  }

  /// Keeps the log and a sample of every minute, until the task is cancelled.
  func run(with web: WebApplication) async {
    let deployment = web.deployment
    let sampler = RunSampler(
      database: deployment.database, metrics: deployment.metrics, folder: deployment.configuration.data, node: node,
      clock: deployment.clock)
    var rounds = 0
    while !Task.isCancelled {
      do {
        try await flush(to: deployment.database)
        if rounds % 12 == 0 { try await sampler.sample() }
        if rounds % 720 == 0 { try await purge(deployment.database) }
      } catch {
        // The log says so on standard error; keeping that would fail in the same way.
        if !Task.isCancelled { Log().fault(error, "run-log-failed") }
      }
      rounds += 1
      try? await Task.sleep(for: .seconds(5))
    }
  }
}
