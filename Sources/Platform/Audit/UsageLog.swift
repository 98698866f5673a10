package import Core
package import SQL
import Synchronization

/// One call of the API by an integrator (接口调用日志).
package struct APICall: Sendable {
  package let time: Instant
  package let key: Int64
  package let method: String
  /// The route's pattern, `/api/address/{id}`, so that calls can be counted by it.
  package let route: String
  package let status: Int
  package let milliseconds: Double
  package let remoteAddress: String
  package let requestID: String

  package init(
    time: Instant, key: Int64, method: String, route: String, status: Int, milliseconds: Double,
    remoteAddress: String, requestID: String
  ) {
    self.time = time
    self.key = key
    self.method = method
    self.route = route
    self.status = status
    self.milliseconds = milliseconds
    self.remoteAddress = remoteAddress
    self.requestID = requestID
  }
}

/// Counts visits by day and area (系统访问量, A-080) and keeps the API call log, in memory first and flushed every few
/// seconds: a page view costs no write of its own. What a crash loses is those seconds.
package final class UsageLog: Sendable {
  private struct Key: Hashable {
    let day: CivilDate
    let area: String
    let visitor: String
  }

  private struct State {
    var visits: [Key: Int64] = [:]
    var calls: [APICall] = []
    var dropped: UInt64 = 0
  }

  private let state = Mutex(State())
  private let clock: WallClock
  private let metrics: Metrics?
  /// Calls held at most while the database does not take them.
  private static let capacity = 20_000

  package init(clock: WallClock = .system, metrics: Metrics? = nil) {
    self.clock = clock
    self.metrics = metrics
  }

  /// - Parameters:
  ///   - area: the part of the system, such as `addresses` or `scan`.
  ///   - visitor: the principal's kind.
  package func visit(area: String, visitor: String) {
    let key = Key(day: clock.today(), area: area, visitor: visitor)
    state.withLock { $0.visits[key, default: 0] += 1 }
  }

  package func call(_ call: APICall) {
    let kept = state.withLock { state in
      guard state.calls.count < UsageLog.capacity else { return false }
      state.calls.append(call)
      return true
    }
    if !kept { metrics?.count("lifang_api_calls_unlogged_total") }
  }

  /// Writes what was counted; on a failure it is kept for the next time.
  package func flush(to database: Database) async throws {
    let (visits, calls) = state.withLock { state in
      defer { (state.visits, state.calls) = ([:], []) }
      return (state.visits, state.calls)
    }
    if visits.isEmpty && calls.isEmpty { return }
    do {
      try await database.transaction { transaction in
        try await UsageLog.write(visits, in: transaction)
        try await UsageLog.write(calls, in: transaction)
      }
    } catch {
      state.withLock { state in
        state.visits.merge(visits, uniquingKeysWith: +)
        state.calls = calls + state.calls
      }
      throw error
    }
  }

  private static func write(_ visits: [Key: Int64], in transaction: Transaction) async throws {
    // In one order everywhere, so that two nodes do not wait for each other in a circle.
    let rows = visits.sorted { ($0.key.day, $0.key.area, $0.key.visitor) < ($1.key.day, $1.key.area, $1.key.visitor) }
    guard !rows.isEmpty else { return }
    try await transaction.execute(
      """
      insert into visit_daily (day, area, visitor, visits)
      select d::date, a, v, n from unnest(\(rows.map(\.key.day.description))::text[], \(rows.map(\.key.area))::text[],
        \(rows.map(\.key.visitor))::text[], \(rows.map(\.value))::bigint[]) as row(d, a, v, n)
      on conflict (day, area, visitor) do update set visits = visit_daily.visits + excluded.visits
      """)
  }

  private static func write(_ calls: [APICall], in transaction: Transaction) async throws {
    guard !calls.isEmpty else { return }
    let rows = JSON.array(
      calls.map { call in
        [
          "t": .string(call.time.iso8601), "k": .int(call.key), "m": .string(call.method), "r": .string(call.route),
          "s": .int(Int64(call.status)), "d": .double(call.milliseconds), "ip": .string(call.remoteAddress),
          "q": .string(call.requestID),
        ]
      }
    ).text
    try await transaction.execute(
      """
      insert into api_call (occurred_at, key_id, method, route, status, milliseconds, remote_address, request_id)
      select * from json_to_recordset(\(rows)::json) as row(t timestamptz, k bigint, m text, r text, s bigint,
        d double precision, ip text, q text)
      """)
  }
}

extension UsageLog {
  /// Visits by day and area between two dates, both included.
  package static func visits(
    from: CivilDate, to: CivilDate, in session: some SQLSession
  ) async throws -> [(day: CivilDate, area: String, visitor: String, visits: Int64)] {
    try await session.query(
      "select day, area, visitor, visits from visit_daily where day between \(from) and \(to) order by 1, 2, 3"
    ).map { (try $0.get("day"), try $0.get("area"), try $0.get("visitor"), try $0.get("visits")) }
  }

  /// Calls, errors and mean time by route between two instants.
  package static func calls(
    from: Instant, to: Instant, key: Int64? = nil, in session: some SQLSession
  ) async throws -> [(route: String, calls: Int64, errors: Int64, milliseconds: Double)] {
    let one: SQL = key.map { "and key_id = \($0)" } ?? ""
    return try await session.query(
      """
      select route, count(*) as calls, count(*) filter (where status >= 400) as errors, avg(milliseconds) as mean
      from api_call where occurred_at >= \(from) and occurred_at < \(to) \(one) group by route order by calls desc, route
      """
    ).map { (try $0.get("route"), try $0.get("calls"), try $0.get("errors"), try $0.get("mean")) }
  }
}
