/// Work that comes round: what falls due by the calendar, or was left by a node that died.
///
/// Every node goes its rounds by itself; what there is to do, and that two nodes do not both do it, the database says.
package struct Rounds: Sendable {
  /// How many times as often as usual rounds are made: 1, or more where somebody waits for what falls due (a rehearsal, a
  /// test).
  package let pace: Double
  package let log: Log

  package init(log: Log, pace: Double = 1) {
    self.log = log
    self.pace = max(1, pace)
  }

  /// Does `work` now and again after each pause, until the task is cancelled.
  ///
  /// What it throws is logged as `event`, and the next round tries again.
  package nonisolated(nonsending) func every(
    _ pause: Duration, _ event: String, _ work: nonisolated(nonsending) () async throws -> Void
  ) async {
    while !Task.isCancelled {
      do { try await work() } catch {
        if !Task.isCancelled { log.fault(error, event) }
      }
      try? await Task.sleep(for: pause / pace)
    }
  }
}
