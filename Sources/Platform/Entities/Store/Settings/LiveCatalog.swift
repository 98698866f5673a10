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
    var orders: [RuntimeOrder] = []
    var declared: Catalog
    var current: Catalog
    /// Counts the changes.
    var revision = 0
    var labelFindings: [Finding] = []
  }

  private let state: Mutex<State>

  package init(_ shipped: Catalog) {
    state = Mutex(State(shipped: shipped, declared: shipped, current: shipped))
  }

  package var current: Catalog { state.withLock { $0.current } }

  /// The catalog in force with a number that changes when it does: for what is made of it and kept.
  package var revised: (catalog: Catalog, revision: Int) { state.withLock { ($0.current, $0.revision) } }

  /// What is declared, shipped or at run time, without the codes that were added, changed or put in another order since.
  package var declared: Catalog { state.withLock { $0.declared } }

  /// What sensitive labels (敏感标记) and the declarations of today have against each other; the labels hold all the same.
  package var labelFindings: [Finding] { state.withLock { $0.labelFindings } }

  /// The code as the product or the city's folder declares it: what it means is not an administrator's to change.
  /// `nil` for codes that were made at run time.
  package func fixedCode(_ code: String, in dictionary: String) -> DictionaryDeclaration.Code? {
    guard let declaration = declared.dictionary(dictionary) else { return nil }
    if case .runtime = declaration.origin { return nil }
    return declaration.code(code)
  }

  /// Reads what administrators have declared and which codes they have added or changed. Nothing is done when that is
  /// what is in force already.
  ///
  /// - Throws: ``DeclarationFailure`` when a kept declaration no longer fits what is shipped; the catalog in force stays.
  ///   Labels always fit (``labelFindings``).
  package func refresh(from session: any SQLSession) async throws {
    let declarations = try await session.query(
      "select origin, yaml from runtime_declaration order by position"
    ).map(RuntimeDeclaration.init)
    let codes = try await session.query(
      "select dictionary, code, label, parent, retired, help from dictionary_code order by dictionary, position"
    ).map(RuntimeCode.init)
    let orders = try await session.query("select dictionary, codes from dictionary_order order by dictionary").map(
      RuntimeOrder.init)
    let (shipped, isKnown) = state.withLock { state in
      (state.shipped, state.declarations == declarations && state.codes == codes && state.orders == orders)
    }
    if isKnown { return }
    var declared = shipped
    for declaration in declarations where !RuntimeSettings.isLabels(declaration.origin) {
      declared = try declared.adding(yaml: declaration.yaml, origin: declaration.origin)
    }
    let labels = declarations.filter { RuntimeSettings.isLabels($0.origin) }
    let laid = declared.labelled(labels.map { (origin: $0.origin, yaml: $0.yaml) })
    let current = laid.catalog.adding(codes, in: orders)
    state.withLock { state in
      state.labelFindings = laid.findings
      state.declarations = declarations
      state.codes = codes
      state.orders = orders
      state.declared = laid.catalog
      state.current = current
      state.revision += 1
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

/// The order in which an administrator wants the codes of a dictionary.
struct RuntimeOrder: Sendable, Hashable {
  let dictionary: String
  let codes: [String]

  init(_ row: Row) throws {
    dictionary = try row.get("dictionary")
    codes = try row.get("codes")
  }
}

extension Catalog {
  /// This catalog with `codes` in its dictionaries: a code of the same name is replaced where it stands, others follow;
  /// then what has an order is put into it.
  fileprivate func adding(_ codes: [RuntimeCode], in orders: [RuntimeOrder]) -> Catalog {
    guard !codes.isEmpty || !orders.isEmpty else { return self }
    let added = Dictionary(grouping: codes, by: \.dictionary)
    let order = Dictionary(orders.map { ($0.dictionary, $0.codes) }, uniquingKeysWith: { first, _ in first })
    var catalog = Catalog(
      entities: entities,
      dictionaries: dictionaries.map { $0.adding(added[$0.name] ?? [], in: order[$0.name] ?? []) },
      parameters: parameters, roles: roles, menus: menus, permissions: permissions, others: others,
      documents: documents)
    catalog.accepted = accepted
    return catalog
  }
}

extension DictionaryDeclaration {
  fileprivate func adding(_ added: [RuntimeCode], in order: [String]) -> DictionaryDeclaration {
    guard !added.isEmpty || !order.isEmpty else { return self }
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
    if !order.isEmpty {
      let places = Dictionary(order.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
      // Codes that came after the order was given stay behind the others, as they are declared.
      codes = codes.enumerated().sorted { a, b in
        (places[a.element.code] ?? .max, a.offset) < (places[b.element.code] ?? .max, b.offset)
      }.map(\.element)
    }
    return DictionaryDeclaration(
      name: name, label: label, source: source, codes: codes, origin: origin, position: position)
  }
}
