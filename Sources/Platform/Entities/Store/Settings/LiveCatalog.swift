import Core
package import SQL
import Synchronization
import YAML

/// The catalog in force: what is shipped, with what administrators have added in the database laid over it.
///
/// Everybody who works for more than a moment takes ``current`` once and keeps it; a change makes a new one.
package final class LiveCatalog: Sendable {
  private struct State {
    var base: Catalog
    var codes: [RuntimeCode]
    var current: Catalog
  }

  private let state: Mutex<State>

  package init(_ base: Catalog) { state = Mutex(State(base: base, codes: [], current: base)) }

  package var current: Catalog { state.withLock { $0.current } }

  /// Takes other declarations, such as after a register was made in the browser; codes of the database stay.
  package func replace(_ base: Catalog) {
    state.withLock { state in
      state.base = base
      state.current = base.adding(state.codes)
    }
  }

  /// Reads the codes that administrators have added or changed.
  package func refresh(from session: any SQLSession) async throws {
    let codes = try await session.query(
      "select dictionary, code, label, parent, retired, help from dictionary_code order by dictionary, position"
    ).map(RuntimeCode.init)
    state.withLock { state in
      state.codes = codes
      state.current = state.base.adding(codes)
    }
  }
}

/// A code that was added or changed at run time.
struct RuntimeCode: Sendable, Hashable {
  let dictionary: String
  let code: String
  let label: String
  let parent: String?
  let retired: Bool
  let help: String?

  init(_ row: Row) throws {
    dictionary = try row.get("dictionary")
    code = try row.get("code")
    label = try row.get("label")
    parent = try row.get("parent")
    retired = try row.get("retired")
    help = try row.get("help")
  }
}

extension Catalog {
  /// This catalog with `codes` in its dictionaries: a code of the same name is replaced where it stands, others follow.
  fileprivate func adding(_ codes: [RuntimeCode]) -> Catalog {
    guard !codes.isEmpty else { return self }
    let added = Dictionary(grouping: codes, by: \.dictionary)
    return Catalog(
      entities: entities, dictionaries: dictionaries.map { $0.adding(added[$0.name] ?? []) }, parameters: parameters,
      roles: roles, menus: menus, permissions: permissions)
  }
}

extension DictionaryDeclaration {
  fileprivate func adding(_ added: [RuntimeCode]) -> DictionaryDeclaration {
    guard !added.isEmpty else { return self }
    var codes = codes
    for code in added {
      let declared = Code(
        code: code.code, label: code.label, parent: code.parent, retired: code.retired, help: code.help,
        position: SourcePosition(file: "database", line: 1, column: 1))
      if let index = codes.firstIndex(where: { $0.code == code.code }) {
        codes[index] = declared
      } else {
        codes.append(declared)
      }
    }
    return DictionaryDeclaration(
      name: name, label: label, source: source, codes: codes, origin: origin, position: position)
  }
}
