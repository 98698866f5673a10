package import Access
import Synchronization

/// How many requests a node works on at a time, and who gives way when it is full (B5-282): residents and officers at work come
/// before interfaces of other systems, these before exports and reports. A least share is everybody's, however full it is.
///
/// What gives way waits and is not refused, until too many wait already. Of those that wait, the more important go first, and
/// among them whoever has least under way. Strangers have no place to share: what they see is kept ready in memory, and
/// their addresses are limited (``HTTP/RateLimiter``), so that a crowd at the door is never turned away.
package final class ServerLoad: Sendable {
  /// What gives way to what: the earlier goes first (服务优先级).
  package enum Priority: Int, Sendable, CaseIterable {
    /// Pages and forms: residents, windows, officers in the street.
    case people
    /// Interfaces, by keys of other systems.
    case interfaces
    /// Exports, imports, reports and statistics to take away.
    case bulk
  }

  /// What there is to share out, as administrators have set it.
  package struct Room: Sendable, Hashable {
    /// Requests that a node works on at a time; 0: any number.
    package let atOnce: Int
    /// So many of one user or key are worked on even when it is full (最低份额).
    package let least: Int

    package init(atOnce: Int, least: Int) {
      self.atOnce = atOnce
      self.least = least
    }

    /// Up to how many under way a request may begin: the last quarter is for people, the last half for whoever waits
    /// for an answer.
    func limit(of priority: Priority) -> Int {
      switch priority {
      case .people: atOnce
      case .interfaces: max(1, atOnce * 3 / 4)
      case .bulk: max(1, atOnce / 2)
      }
    }

    /// How many may wait for a place: people four times as many as are worked on, all else as many.
    func waiting(of priority: Priority) -> Int { priority == .people ? atOnce * 4 : atOnce }
  }

  private enum Answer: Sendable { case enters, full, leaves }

  private struct Request: Sendable {
    let number: Int
    let who: UserLoad.Who
    let priority: Priority
    let room: Room
    let answer: CheckedContinuation<Answer, Never>
  }

  private struct State {
    var total = 0
    var own: [UserLoad.Who: Int] = [:]
    var bulk = 0
    var waiting: [Request] = []
    var numbers = 0
    var refused = 0
    /// Those whose client went away before they could wait.
    var gone: Set<Int> = []

    func fits(_ who: UserLoad.Who, _ priority: Priority, _ room: Room) -> Bool {
      if room.atOnce == 0 || total < room.limit(of: priority) { return true }
      // Bulk gives way, yet one at a time always goes on.
      if priority == .bulk { return bulk == 0 }
      return own[who, default: 0] < room.least
    }

    mutating func take(_ who: UserLoad.Who, _ priority: Priority) {
      total += 1
      own[who, default: 0] += 1
      if priority == .bulk { bulk += 1 }
    }

    mutating func giveBack(_ who: UserLoad.Who, _ priority: Priority) {
      total -= 1
      let left = own[who, default: 1] - 1
      own[who] = left > 0 ? left : nil
      if priority == .bulk { bulk -= 1 }
    }

    /// Lets in whoever fits now, the most important first, then who has least under way, then who came first.
    mutating func admit() -> [Request] {
      var admitted: [Request] = []
      while true {
        let fitting = waiting.indices.filter { fits(waiting[$0].who, waiting[$0].priority, waiting[$0].room) }
        let next = fitting.min { a, b in rank(waiting[a]) < rank(waiting[b]) }
        guard let next else { return admitted }
        let request = waiting.remove(at: next)
        take(request.who, request.priority)
        admitted.append(request)
      }
    }

    private func rank(_ request: Request) -> (Int, Int, Int) {
      (request.priority.rawValue, own[request.who, default: 0], request.number)
    }
  }

  private let state = Mutex(State())

  package init() {}

  /// How a node stands.
  package struct Figures: Sendable, Hashable {
    /// Requests that are worked on.
    package let working: Int
    /// Requests that wait for a place.
    package let waiting: Int
    /// Requests that were turned away since the start, too many waiting already.
    package let refused: Int

    package init(working: Int, waiting: Int, refused: Int) {
      (self.working, self.waiting, self.refused) = (working, waiting, refused)
    }
  }

  package var figures: Figures {
    state.withLock { Figures(working: $0.total, waiting: $0.waiting.count, refused: $0.refused) }
  }

  /// Takes a place for a request of `principal`, waiting until there is one.
  ///
  /// - Returns: `nil` when too many of this importance wait already.
  /// - Throws: `CancellationError` when the client has gone meanwhile.
  package func enter(_ principal: Principal, _ priority: Priority, _ room: Room) async throws -> UserLoad.Place? {
    guard let who = UserLoad.who(principal) else { return UserLoad.Place {} }
    let entersAtOnce = state.withLock { state in
      guard state.fits(who, priority, room) else { return false }
      state.take(who, priority)
      return true
    }
    if entersAtOnce { return UserLoad.Place { [self] in leave(who, priority) } }
    let number = state.withLock { state in
      state.numbers += 1
      return state.numbers
    }
    let answer = await withTaskCancellationHandler {
      await withCheckedContinuation { answer in
        let now = state.withLock { state -> Answer? in
          if state.gone.remove(number) != nil { return .leaves }
          if state.fits(who, priority, room) {
            state.take(who, priority)
            return .enters
          }
          if state.waiting.count(where: { $0.priority == priority }) >= room.waiting(of: priority) {
            state.refused += 1
            return .full
          }
          state.waiting.append(Request(number: number, who: who, priority: priority, room: room, answer: answer))
          return nil
        }
        if let now { answer.resume(returning: now) }
      }
    } onCancel: {
      let left = state.withLock { state -> Request? in
        guard let place = state.waiting.firstIndex(where: { $0.number == number }) else {
          state.gone.insert(number)
          return nil
        }
        return state.waiting.remove(at: place)
      }
      left?.answer.resume(returning: .leaves)
    }
    _ = state.withLock { $0.gone.remove(number) }
    switch answer {
    case .enters: return UserLoad.Place { [self] in leave(who, priority) }
    case .full: return nil
    case .leaves: throw CancellationError()
    }
  }

  private func leave(_ who: UserLoad.Who, _ priority: Priority) {
    let admitted = state.withLock { state -> [Request] in
      state.giveBack(who, priority)
      return state.waiting.isEmpty ? [] : state.admit()
    }
    for request in admitted { request.answer.resume(returning: .enters) }
  }
}
