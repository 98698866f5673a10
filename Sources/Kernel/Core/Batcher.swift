import Synchronization

/// Works on things that come at the same time together.
///
/// Nothing is delayed: what finds the batcher idle is worked on at once and alone, and whatever comes while a batch is
/// worked on makes up the next one. Under load, when a batch of a hundred costs little more than one of a single
/// thing, this multiplies what can be done. A further batch beside others begins only when as many things wait as are
/// worked on: else those just answered, who ask again one by one, would be served by twos and threes. A batch that takes
/// longer than usual holds nobody up.
package final class Batcher<Item: Sendable>: Sendable {
  private struct State {
    /// What no work has begun on, in the order it came.
    var waiting: [Item] = []
    var running = 0
    /// How many things the running batches hold.
    var held = 0
    /// When the newest batch began.
    var began = ContinuousClock.now
  }

  /// After so long the running batches are not waited for.
  private static var patience: Duration { .milliseconds(20) }

  private let maximum: Int
  private let parallel: Int
  private let now: @Sendable () -> ContinuousClock.Instant
  private let work: @Sendable ([Item]) async -> Void
  private let state = Mutex(State())

  /// - Parameters:
  ///   - maximum: the most things in one batch.
  ///   - parallel: the most batches worked on at the same time.
  ///   - now: tells the time.
  ///   - work: answers everybody whose thing is in the batch, also when it fails.
  package init(
    maximum: Int, parallel: Int = 1, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    work: @escaping @Sendable ([Item]) async -> Void
  ) {
    self.maximum = maximum
    self.parallel = parallel
    self.now = now
    self.work = work
  }

  package func add(_ item: Item) {
    let batch = state.withLock { state in
      state.waiting.append(item)
      return next(&state)
    }
    if let batch { Task.detached { await self.drain(batch) } }
  }

  private func drain(_ first: [Item]) async {
    var batch: [Item]? = first
    while let now = batch {
      await work(now)
      batch = state.withLock { state in
        state.running -= 1
        state.held -= now.count
        return next(&state)
      }
    }
  }

  /// The batch to work on now; `nil` when whoever works on another will ask again.
  private func next(_ state: inout State) -> [Item]? {
    guard state.running < parallel, !state.waiting.isEmpty,
      state.waiting.count >= min(state.held, maximum) || now() - state.began > Self.patience
    else { return nil }
    let batch = Array(state.waiting.prefix(maximum))
    state.waiting.removeFirst(batch.count)
    state.running += 1
    state.held += batch.count
    state.began = now()
    return batch
  }
}
