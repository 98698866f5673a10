package import Core
package import SQL
import Synchronization
import YAML

/// The catalog in force: what is shipped, with what administrators have added in the database laid over it.
///
/// Everybody who works for more than a moment takes ``current`` once and keeps it; a change makes a new one.
package final class LiveCatalog: Sendable {
  private struct State {
    /// What is shipped, before anything of the database.
    let shipped: Catalog
    var declarations: [RuntimeDeclaration] = []
    var codes: [RuntimeCode] = []
    var current: Catalog
  }

  private let state: Mutex<State>

  package init(_ shipped: Catalog) { state = Mutex(State(shipped: shipped, current: shipped)) }

  package var current: Catalog { state.withLock { $0.current } }

  /// Reads what administrators have declared and which codes they have added or changed. Nothing is done when that is
  /// what is in force already.
  ///
  /// - Throws: ``DeclarationFailure`` when a kept declaration no longer fits what is shipped; the catalog in force stays.
  package func refresh(from session: any SQLSession) async throws {
    let declarations = try await session.query(
      "select origin, yaml from runtime_declaration order by position"
    ).map(RuntimeDeclaration.init)
    let codes = try await session.query(
      "select dictionary, code, label, parent, retired, help from dictionary_code order by dictionary, position"
    ).map(RuntimeCode.init)
    let (shipped, isKnown) = state.withLock { state in
      (state.shipped, state.declarations == declarations && state.codes == codes)
    }
    if isKnown { return }
    var catalog = shipped
    for declaration in declarations {
      catalog = try catalog.adding(yaml: declaration.yaml, origin: declaration.origin)
    }
    let current = catalog.adding(codes)
    state.withLock { state in
      state.declarations = declarations
      state.codes = codes
      state.current = current
    }
  }

  /// Keeps the catalog up to date with what any process changes, until the task is cancelled.
  package func run(on database: Database, log: Log) async {
    for await payload in database.listen(RecordChangeFeed.channel)
    where payload.isEmpty || payload.hasPrefix("dictionary:") || payload.hasPrefix("declaration:") {
      // An empty payload says that notifications may have been missed.
      do {
        try await refresh(from: database)
      } catch {
        log.fault(error, "catalog-refresh")
      }
    }
  }
}

/// A declaration made in the browser, as its YAML text.
struct RuntimeDeclaration: Sendable, Hashable {
  let origin: String
  let yaml: String

  init(_ row: Row) throws {
    origin = try row.get("origin")
    yaml = try row.get("yaml")
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
      roles: roles, menus: menus, permissions: permissions, documents: documents)
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
