import Core
import SQL
import Synchronization

/// What division codes are called (行政区划), from the register that declares itself their source (`divisions: code`).
///
/// Held in memory, since every list shows some: a city has a few thousand. Read again after a minute, after a
/// change made by this process, and when a code is asked for that is not there.
package final class DivisionNames: Sendable {
  private struct State {
    var names: [String: String] = [:]
    var readAt: Instant?
  }

  private static let lifetime = 60.0
  private let state = Mutex(State())

  package init() {}

  /// Brings the names up to date when they have grown old, or lack one of `codes`.
  func refresh(
    lacking codes: some Sequence<String>, _ catalog: Catalog, _ clock: WallClock, from session: any SQLSession
  ) async throws {
    let now = clock.now()
    let isFresh = state.withLock { state -> Bool in
      guard let readAt = state.readAt else { return false }
      let age = now - readAt
      if age >= DivisionNames.lifetime || age < 0 { return false }
      return age < 1 || codes.allSatisfy { state.names[$0] != nil }
    }
    if isFresh { return }
    guard let register = catalog.divisionRegister, let code = register.divisions else { return }
    let title = register.field("name")?.name ?? register.title
    let rows = try await session.query(
      """
      select \(identifier: code) as code, \(identifier: title) as name from \(identifier: register.name)
      where \(identifier: code) is not null
      """)
    var names: [String: String] = [:]
    names.reserveCapacity(rows.count)
    for row in rows { names[try row.get("code", as: String.self)] = try row.get("name", as: String?.self) ?? "" }
    state.withLock { $0 = State(names: names, readAt: now) }
  }

  /// Has the names read again when they are next asked for.
  func forget() { state.withLock { $0.readAt = nil } }

  /// The names from the county down to the division itself (通川区东城街道百花社区), of a wider one its own; `nil` when
  /// the code is unknown.
  package func path(of code: String) -> String? { state.withLock { DivisionNames.path(of: code, $0.names) } }

  /// Divisions whose path holds `text` or whose code begins with it, wider ones first.
  package func suggest(_ text: String, limit: Int = 12) -> [(code: String, path: String)] {
    let names = state.withLock { $0.names }
    let found = names.keys.compactMap { code -> (code: String, path: String)? in
      guard let path = DivisionNames.path(of: code, names), text.isEmpty || code.hasPrefix(text) || path.contains(text)
      else { return nil }
      return (code, path)
    }
    return Array(
      found.sorted { ($0.code.utf8.count, $0.code) < ($1.code.utf8.count, $1.code) }.prefix(limit))
  }

  /// The code that somebody means who typed `text`: a code, or the one division of that name.
  package func code(meant text: String) -> String? {
    let text = text.filter { !$0.isWhitespace }
    if let code = ValueParser.division(text) { return code }
    let found = suggest(text, limit: 50)
    if let exact = found.first(where: { $0.path == text }) { return exact.code }
    let named = found.filter { $0.path.hasSuffix(text) }
    return named.count == 1 ? named[0].code : nil
  }

  private static func path(of code: String, _ names: [String: String]) -> String? {
    guard let own = names[code] else { return nil }
    if code.utf8.count <= 6 { return own }
    var path = ""
    for length in [6, 9, 12] where length < code.utf8.count { path += names[String(code.prefix(length))] ?? "" }
    return path + own
  }
}

extension Records {
  /// The names of divisions, fit to be asked for `codes`.
  package func divisionNames(for codes: some Sequence<String> = []) async throws -> DivisionNames {
    try await store.divisionNames.refresh(lacking: codes, store.catalog, store.clock, from: session)
    return store.divisionNames
  }
}
