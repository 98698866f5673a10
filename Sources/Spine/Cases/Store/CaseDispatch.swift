import Core
import Identity
import Processes
import SQL
import Synchronization

/// Chooses who of a pool is asked where a step says so (派单): in turn, or whoever has the fewest open tasks.
///
/// What it knows is read before a move and what it has chosen is written with it; the turns of a process are locked
/// meanwhile, so that two moves at once ask two people.
final class CaseDispatch: Sendable {
  private struct Turn: Hashable {
    let step: String
    let pool: String
  }

  private struct State {
    var last: [Turn: Int64]
    var load: [Int64: Int]
    var changed: Set<Turn> = []
  }

  private let process: String
  private let members: [Participant: [Int64]]
  private let applicant: Int64?
  private let state: Mutex<State>

  /// - Parameters:
  ///   - members: of every pool that may be asked.
  ///   - applicant: is not asked about their own application while anybody else can be.
  init(
    _ process: RunnableProcess, members: [Participant: [Int64]], applicant: Int64?, in session: some SQLSession
  ) async throws {
    self.process = process.definition.id
    self.members = members
    self.applicant = applicant
    let kinds = process.definition.nodes.compactMap { node -> Dispatch? in
      if case .step(let rule) = node.kind { rule.dispatch } else { nil }
    }
    var last: [Turn: Int64] = [:]
    if kinds.contains(.roundRobin) {
      for row in try await session.query(
        """
        select step, pool, user_id from case_turn where process = \(process.definition.id) order by step, pool
        for update
        """)
      {
        last[Turn(step: try row.get("step"), pool: try row.get("pool"))] = try row.get("user_id", as: Int64.self)
      }
    }
    var load: [Int64: Int] = [:]
    if kinds.contains(.least) {
      let people = Set(members.values.joined()).sorted().map(String.init)
      for row in try await session.query(
        """
        select user_id, count(*)::int as open from case_task
        where state = 'open' and user_id = any(\(people)::bigint[]) group by user_id
        """)
      {
        load[try row.get("user_id", as: Int64.self)] = try row.get("open", as: Int.self)
      }
    }
    state = Mutex(State(last: last, load: load))
  }

  /// Who is asked; `nil` when nobody is known of the pool.
  func choose(_ step: String, _ pool: Participant, _ dispatch: Dispatch) -> Participant? {
    let everybody = (members[pool] ?? []).sorted()
    let others = everybody.filter { $0 != applicant }
    let people = others.isEmpty ? everybody : others
    guard let first = people.first else { return nil }
    let user = state.withLock { state -> Int64 in
      switch dispatch {
      case .pool: return first
      case .roundRobin:
        let turn = Turn(step: step, pool: pool.name)
        let last = state.last[turn]
        let next = last.flatMap { last in people.first { $0 > last } } ?? first
        state.last[turn] = next
        state.changed.insert(turn)
        return next
      case .least:
        let next = people.min { (state.load[$0] ?? 0, $0) < (state.load[$1] ?? 0, $1) } ?? first
        state.load[next, default: 0] += 1
        return next
      }
    }
    return dispatch == .pool ? nil : CaseParticipant.user(user).participant
  }

  /// Keeps whose turn it was.
  func save(at now: Instant, in transaction: Transaction) async throws {
    let turns = state.withLock { state in
      state.changed.sorted { ($0.step, $0.pool) < ($1.step, $1.pool) }.map { ($0, state.last[$0] ?? 0) }
    }
    for (turn, user) in turns {
      try await transaction.execute(
        """
        insert into case_turn (process, step, pool, user_id, changed_at)
        values (\(process), \(turn.step), \(turn.pool), \(user), \(now))
        on conflict (process, step, pool) do update set user_id = excluded.user_id, changed_at = excluded.changed_at
        """)
    }
  }
}
