import Core
import SQL
import Testing

/// Lets a few databases be in use at a time.
actor DatabaseTurns {
  private struct Turn {
    let number: Int
    let test: Test.ID?
    /// False until the database is there.
    var isHeld = false
    weak var database: Database?

    var isOver: Bool { isHeld && database == nil }
  }

  /// More would only make each of them slower.
  private static let most = 8
  /// After this long without any database coming back, a test must be keeping more than it may; the others go on.
  private static let patience: Duration = .seconds(30)

  private var turns: [Turn] = []
  private var waiters: [(turn: Turn, continuation: CheckedContinuation<Void, Never>)] = []
  private var lastNumber = 0
  private var lastChange = ContinuousClock.now
  private var isWatching = false

  /// Waits for a turn. A test that has one gets another at once: tests shall not wait for each other in a circle.
  func take(for test: Test.ID?) async -> Int {
    lastNumber += 1
    let turn = Turn(number: lastNumber, test: test)
    turns.removeAll(where: \.isOver)
    let isFirst = test == nil || !turns.contains { $0.test == test }
    if isFirst, !waiters.isEmpty || turns.count >= Self.most {
      await withCheckedContinuation { continuation in
        waiters.append((turn, continuation))
        watch()
      }
    } else {
      turns.append(turn)
    }
    return turn.number
  }

  /// The turn lasts as long as the database.
  func hold(_ number: Int, _ database: Database) {
    guard let index = turns.firstIndex(where: { $0.number == number }) else { return }
    turns[index].isHeld = true
    turns[index].database = database
  }

  func giveBack(_ number: Int) { turns.removeAll { $0.number == number } }

  /// Nobody tells that a database is gone, so someone looks while tests wait.
  private func watch() {
    guard !isWatching else { return }
    isWatching = true
    lastChange = .now
    Task {
      while !waiters.isEmpty {
        admit()
        try? await Task.sleep(for: .milliseconds(5))
      }
      isWatching = false
    }
  }

  private func admit() {
    turns.removeAll(where: \.isOver)
    let isStuck = ContinuousClock.now - lastChange > Self.patience
    while let next = waiters.first, turns.count < Self.most || isStuck {
      waiters.removeFirst()
      turns.append(next.turn)
      lastChange = .now
      next.continuation.resume()
      if isStuck { break }
    }
  }
}
