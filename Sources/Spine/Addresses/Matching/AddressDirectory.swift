package import Core
package import SQL
import Synchronization

/// The base that addresses are matched against, read from the register and kept as the register is (标准地址库).
///
/// Read whole when it is first asked for; after that, what changed since is read again before the next match, so that a
/// match sees every change that was committed before it began.
package final class AddressDirectory: Sendable {
  private let database: Database
  private let gazetteer: Gazetteer
  private let likeness: CharacterLikeness
  private let clock: WallClock

  private struct State {
    /// The base as it was read last, being read, or not yet asked for.
    var base: Task<Reading, any Error>?
    /// Whether something changed since ``matcher`` was made.
    var isStale = true
    var matcher: AddressMatcher?
    /// The last row that was written when ``matcher`` was made.
    var newest: String?
  }

  private struct Reading: Sendable {
    let base: AddressBase
    /// What was committed when it was read, as PostgreSQL writes it (`pg_snapshot`).
    let snapshot: String
    /// When it was read; only rows changed since, or shortly before, need to be looked at.
    let since: Instant
  }

  private let state = Mutex(State())
  /// Transactions that were open while the base was read commit with an earlier time, but not by more than this (s).
  private static let overlap: Int64 = 3600
  /// More changes than this are worth reading everything again.
  private static let mostChanges = 50_000

  package init(database: Database, gazetteer: Gazetteer, likeness: CharacterLikeness, clock: WallClock) {
    self.database = database
    self.gazetteer = gazetteer
    self.likeness = likeness
    self.clock = clock
  }

  /// A matcher over the register as it is now.
  package func matcher() async throws -> AddressMatcher {
    let reading = state.withLock { state in
      if let base = state.base { return base }
      let task = Task { try await self.read() }
      state.base = task
      return task
    }
    let base: Reading
    do {
      base = try await reading.value
    } catch {
      state.withLock { $0.base = nil }
      throw error
    }
    let newest = try await newest()
    let known = state.withLock { $0.isStale || $0.newest != newest ? nil : $0.matcher }
    if let known { return known }
    // Changes that come while this reads make the result stale again.
    state.withLock { $0.isStale = false }
    let matcher: AddressMatcher
    do {
      matcher = try await self.matcher(over: base)
    } catch {
      state.withLock { $0.isStale = true }
      throw error
    }
    state.withLock { state in
      state.matcher = matcher
      state.newest = newest
    }
    return matcher
  }

  /// The last row that was written: asked for, since a notification may be behind the request that follows a change.
  private func newest() async throws -> String {
    try await database.first("select id || ':' || xmin from address order by updated_at desc, id desc limit 1")?.get(0)
      ?? ""
  }

  /// Takes note of a change told by the register's notifications (`address:12`, `road:*`; empty: some were missed).
  package func note(_ payload: String) {
    if payload.isEmpty || payload.hasPrefix("address:") {
      state.withLock { $0.isStale = true }
    } else if payload.hasPrefix("road:") || payload.hasPrefix("compound:") {
      // Other names of roads and compounds are part of the base.
      state.withLock { state in
        state.base = nil
        state.isStale = true
      }
    }
  }

  private func matcher(over reading: Reading) async throws -> AddressMatcher {
    var outdated: Set<Int64> = []
    var builder = AddressBaseBuilder(gazetteer: gazetteer)
    var count = 0
    // A row's own transaction number has 32 bits; the snapshot's have 64.
    let rows = try await database.query(
      """
      with now as (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint as top)
      select id, canonical_key, status <> 'cancelled' as stands from address t, now,
        lateral (select (top >> 32 << 32) + t.xmin::text::bigint as wide) w
      where updated_at >= \(reading.since + -AddressDirectory.overlap)
        and not pg_visible_in_snapshot(
          (case when wide > top then wide - 4294967296 else wide end)::text::xid8, \(reading.snapshot)::pg_snapshot)
      limit \(AddressDirectory.mostChanges + 1)
      """)
    for row in rows {
      let id = try row.get("id", as: Int64.self)
      outdated.insert(id)
      guard try row.get("stands", as: Bool.self), let key = try row.get("canonical_key", as: String?.self) else {
        continue
      }
      if builder.add(id: id, key: key) { count += 1 }
    }
    if rows.count > AddressDirectory.mostChanges {
      let whole = try await read()
      state.withLock { $0.base = Task { whole } }
      return AddressMatcher(base: whole.base, likeness: likeness)
    }
    if outdated.isEmpty { return AddressMatcher(base: reading.base, likeness: likeness) }
    return AddressMatcher(
      reading.base, changed: count > 0 ? builder.finish() : nil, outdated: outdated, likeness: likeness)
  }

  private func read() async throws -> Reading {
    let since = clock.now()
    return try await database.transaction(.repeatableRead) { [gazetteer] transaction in
      let snapshot = try await transaction.query("select pg_current_snapshot()::text as snapshot")
      var builder = AddressBaseBuilder(gazetteer: gazetteer)
      try await AddressDirectory.readAliases(&builder, from: transaction)
      var rest: [UInt8] = []
      try await transaction.copyOut(
        "select id, canonical_key from address where status <> 'cancelled' and canonical_key is not null order by id",
        format: .text
      ) { bytes in
        rest.append(contentsOf: bytes)
        var start = rest.startIndex
        while let end = rest[start...].firstIndex(of: 0x0A) {
          AddressDirectory.add(rest[start..<end], to: &builder)
          start = end + 1
        }
        rest.removeSubrange(..<start)
      }
      return Reading(
        base: builder.finish(), snapshot: try snapshot[0].get("snapshot"), since: since)
    }
  }

  /// Aliases and former names of roads and compounds (别名, 曾用名).
  private static func readAliases(_ builder: inout AddressBaseBuilder, from transaction: Transaction) async throws {
    for entity in ["road", "compound"] {
      let rows = try await transaction.query(
        """
        select distinct name, concat_ws('/', alias, old_name) as others from \(identifier: entity)
        where alias is not null or old_name is not null
        """)
      for row in rows {
        let name = try row.get("name", as: String.self)
        for other in try row.get("others", as: String.self).split(separator: "/") {
          if entity == "road" {
            builder.add(alias: String(other), road: name)
          } else {
            builder.add(alias: String(other), compound: name)
          }
        }
      }
    }
  }

  /// A line of PostgreSQL's text format: the id, a tab, the key; keys hold nothing that is escaped there.
  private static func add(_ line: ArraySlice<UInt8>, to builder: inout AddressBaseBuilder) {
    guard let tab = line.firstIndex(of: 0x09) else { return }
    var id: Int64 = 0
    for digit in line[..<tab] { id = id * 10 + Int64(digit) - 0x30 }
    builder.add(id: id, key: line[(tab + 1)...])
  }
}
