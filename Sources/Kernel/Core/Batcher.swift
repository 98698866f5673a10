import Synchronization

/// Works on things that come at the same time together.
///
/// Nothing is delayed: what finds the batcher idle is worked on at once and alone, and whatever comes while a batch is
/// worked on makes up the next one. Under load, when a batch of a hundred costs little more than one of a single
/// thing, this multiplies what can be done.
package final class Batcher<Item: Sendable>: Sendable {
  private struct State {
    /// What no work has begun on, in the order it came.
    var waiting: [Item] = []
    var running = 0
  }

  private let maximum: Int
  private let parallel: Int
  private let work: @Sendable ([Item]) async -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - maximum: the most things in one batch.
  ///   - parallel: the most batches worked on at the same time.
  ///   - work: answers everybody whose thing is in the batch, also when it fails.
  package init(maximum: Int, parallel: Int = 1, work: @escaping @Sendable ([Item]) async -> Void) {
    self.maximum = maximum
    self.parallel = parallel
    self.work = work
  }

  package func add(_ item: Item) {
    let mustStart = state.withLock { state -> Bool in
      state.waiting.append(item)
      guard state.running < parallel else { return false }
      state.running += 1
      return true
    }
    if mustStart { Task.detached { await self.drain() } }
  }

  private func drain() async {
    while let batch = next() { await work(batch) }
  }

  private func next() -> [Item]? {
    state.withLock { state in
      guard !state.waiting.isEmpty else {
        state.running -= 1
        return nil
      }
      guard state.waiting.count > maximum else {
        defer { state.waiting = [] }
        return state.waiting
      }
      defer { state.waiting.removeFirst(maximum) }
      return Array(state.waiting.prefix(maximum))
    }
  }
}
