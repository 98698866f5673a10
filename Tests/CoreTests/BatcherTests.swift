import Core
import Synchronization
import Testing

/// Things that come at the same time, worked on together.
struct BatcherTests {
  /// Holds every batch until it is let go, and notes what was in it.
  private final class Gate: Sendable {
    private struct State {
      var held: [(items: [Int], waiter: CheckedContinuation<Void, Never>)] = []
      var watchers: [(count: Int, waiter: CheckedContinuation<Void, Never>)] = []
      var begun: [[Int]] = []
    }

    private let state = Mutex(State())

    func work(_ items: [Int]) async {
      await withCheckedContinuation { waiter in
        let met = state.withLock { state in
          state.held.append((items, waiter))
          state.begun.append(items)
          let met = state.watchers.filter { $0.count <= state.begun.count }
          state.watchers.removeAll { $0.count <= state.begun.count }
          return met
        }
        for watcher in met { watcher.waiter.resume() }
      }
    }

    /// Returns when so many batches have begun.
    func begun(_ count: Int) async -> [[Int]] {
      await withCheckedContinuation { waiter in
        let isMet = state.withLock { state in
          if state.begun.count >= count { return true }
          state.watchers.append((count, waiter))
          return false
        }
        if isMet { waiter.resume() }
      }
      return state.withLock { $0.begun }
    }

    func finish(_ items: [Int]) {
      let waiter = state.withLock { state in
        let index = state.held.firstIndex { $0.items == items }
        return index.map { state.held.remove(at: $0).waiter }
      }
      waiter?.resume()
    }
  }

  @Test func whatComesAloneIsWorkedOnAtOnceAndTheRestTogether() async {
    let gate = Gate()
    let batcher = Batcher<Int>(maximum: 100) { await gate.work($0) }
    batcher.add(1)
    #expect(await gate.begun(1) == [[1]])
    for item in 2...9 { batcher.add(item) }
    gate.finish([1])
    #expect(await gate.begun(2) == [[1], Array(2...9)])
    gate.finish(Array(2...9))
  }

  @Test func aSecondBatchBeginsWhenAsManyWaitAsAreWorkedOn() async {
    let gate = Gate()
    let start = ContinuousClock.now
    let batcher = Batcher<Int>(maximum: 100, parallel: 2, now: { start }) { await gate.work($0) }
    batcher.add(1)
    _ = await gate.begun(1)
    batcher.add(2)
    #expect(await gate.begun(2) == [[1], [2]])
    for item in 3...6 { batcher.add(item) }
    // [2] is still worked on, and more wait than that.
    gate.finish([1])
    #expect(await gate.begun(3).last == [3, 4, 5, 6])
    // One alone does not begin beside four; it goes with what comes until they are answered.
    batcher.add(7)
    gate.finish([2])
    batcher.add(8)
    gate.finish([3, 4, 5, 6])
    #expect(await gate.begun(4).last == [7, 8])
    gate.finish([7, 8])
  }

  @Test(.timeLimit(.minutes(1))) func batchesThatTakeLongHoldNobodyUp() async {
    let gate = Gate()
    let time = Mutex(ContinuousClock.now)
    let batcher = Batcher<Int>(maximum: 100, parallel: 3, now: { time.withLock { $0 } }) { await gate.work($0) }
    for item in 1...2 {
      batcher.add(item)
      _ = await gate.begun(item)
    }
    // One waits where two are worked on, but not for long.
    time.withLock { $0 += .milliseconds(25) }
    batcher.add(3)
    #expect(await gate.begun(3).last == [3])
    for item in 1...3 { gate.finish([item]) }
  }

  @Test func noBatchIsLargerThanTheMostAndNothingIsLost() async {
    let seen = Mutex<[[Int]]>([])
    let (numbers, source) = AsyncStream<Int>.makeStream()
    let batcher = Batcher<Int>(maximum: 7, parallel: 3) { items in
      await Task.yield()
      seen.withLock { $0.append(items) }
      for item in items { source.yield(item) }
    }
    for item in 0..<500 { batcher.add(item) }
    var found: Set<Int> = []
    for await number in numbers {
      found.insert(number)
      if found.count == 500 { break }
    }
    #expect(found == Set(0..<500))
    #expect(seen.withLock { $0.allSatisfy { $0.count <= 7 } })
  }
}
