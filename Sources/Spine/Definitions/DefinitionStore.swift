package import Access
package import Audit
package import Cases
package import Core
package import Entities
import Messaging
import Processes
package import SQL
import Synchronization
import YAML

/// Drafts and versions of what administrators design (流程、事项、日历、消息模板): kept as texts, proved as the files are, put in
/// force and taken back without a restart.
package struct DefinitionStore: Sendable {
  /// What was published and is in force.
  struct Released: Sendable, Hashable {
    let version: Int
    let content: String
  }

  final class State: Sendable {
    let released = Mutex<[DefinitionKey: Released]>([:])
    /// Those that were read last, with those that were left out.
    let seen = Mutex<[DefinitionKey: Released]>([:])
    /// What the checks say of everything in force, which a draft is not blamed for.
    let standing = Mutex<(released: [DefinitionKey: Released], findings: Set<Finding>)?>(nil)
  }

  package let database: Database
  package let cases: CaseStore
  let catalogs: LiveCatalog
  /// What came with the product and the city's folder.
  let delivered: ServiceCatalog
  let folders: [String]
  let audit: Audit
  let clock: WallClock
  let state = State()

  /// - Parameters:
  ///   - database: a pool that may write versions of processes and items.
  ///   - delivered: what was loaded from `folders`.
  package init(
    database: Database, cases: CaseStore, delivered: ServiceCatalog, folders: [String], catalogs: LiveCatalog,
    audit: Audit, clock: WallClock
  ) {
    self.database = database
    self.cases = cases
    self.delivered = delivered
    self.folders = folders
    self.catalogs = catalogs
    self.audit = audit
    self.clock = clock
  }

  /// Tells every process that another version is in force.
  package static let changePrefix = "definition:"

  // MARK: In force

  var released: [DefinitionKey: Released] { state.released.withLock { $0 } }

  /// What the checks say of everything as it is in force.
  func standingFindings() -> Set<Finding> {
    let released = released
    if let known = state.standing.withLock({ $0 }), known.released == released { return known.findings }
    let findings = Set(Candidate(self, released: released).findings)
    state.standing.withLock { $0 = (released, findings) }
    return findings
  }

  /// The version in force; `nil` for what was never published nor delivered.
  package func version(of key: DefinitionKey) -> Int? {
    released[key]?.version ?? (deliveredText(of: key) == nil ? nil : 0)
  }

  /// The text in force.
  package func text(of key: DefinitionKey) -> String? { released[key]?.content ?? deliveredText(of: key) }

  /// The text that came with the product or the city's folder.
  package func deliveredText(of key: DefinitionKey) -> String? {
    guard let kind = key.kind.document else { return delivered.processes[key.name]?.source.bpmn }
    return catalogs.current.others.first { $0.kind == kind && $0.name == key.name }?.node.write()
  }

  /// Reads which versions are in force and puts them there.
  ///
  /// - Parameter anew: also when nothing was published, since fields or their labels may have changed.
  /// - Returns: what is wrong with published ones that do not go with the declarations of today; of those what was
  ///   delivered is in force.
  /// - Throws: ``Refusal`` `definitions-broken` when they do not go together even without those; what was in force stays.
  @discardableResult
  package func refresh(anew: Bool = false) async throws -> [Finding] {
    var found: [DefinitionKey: Released] = [:]
    for row in try await database.query(
      """
      select f.kind, f.name, f.version, r.content
      from (select distinct on (kind, name) kind, name, version from definition_force order by kind, name, id desc) f
        join definition_release r on r.kind = f.kind and r.name = f.name and r.version = f.version
      """)
    {
      guard let kind = DefinitionKind(rawValue: try row.get("kind")) else { continue }
      found[DefinitionKey(kind, try row.get("name"))] = Released(
        version: try row.get("version"), content: try row.get("content"))
    }
    if found == state.seen.withLock({ $0 }), !anew { return [] }
    let broken = Candidate(self, released: found).findings.filter { $0.severity == .error }
    // One that no longer goes with the declarations must not take the others out of force.
    let sound = found.filter { key, _ in !broken.contains { $0.position.file == key.file } }
    let candidate = Candidate(self, released: sound)
    if candidate.findings.hasErrors {
      let what = candidate.findings.filter { $0.severity == .error }.map(\.description).joined(separator: "\n")
      throw Refusal(.unprocessable, "definitions-broken", "已发布的流程、事项、日历或消息模板与现在的声明不相符：\n\(what)")
    }
    try await cases.versions.publish(candidate.services, on: database, at: clock.now())
    cases.messages.adopt(candidate.templates)
    state.released.withLock { $0 = sound }
    state.seen.withLock { $0 = found }
    state.standing.withLock { $0 = nil }
    return broken
  }

  /// Keeps what is in force up to date with what any process publishes, until the task is cancelled.
  package func run(log: Log) async {
    for await payload in database.listen(RecordChangeFeed.channel)
    where payload.isEmpty || payload.hasPrefix(DefinitionStore.changePrefix) || payload.hasPrefix("declaration:") {
      do {
        let isOfDeclarations = payload.hasPrefix("declaration:")
        if isOfDeclarations { try await catalogs.refresh(from: database) }
        DefinitionStore.tell(try await refresh(anew: isOfDeclarations), log)
      } catch { log.fault(error, "definition-refresh") }
    }
  }

  /// Notes in the log which published definitions are left out.
  package static func tell(_ broken: [Finding], _ log: Log) {
    for finding in broken { log(.error, "definition-left-out", ["finding": .string(finding.description)]) }
  }

  // MARK: Rights

  static let view = Permission("definition", "view")
  static let draft = Permission("definition", "draft")
  static let publish = Permission("definition", "publish")

  /// Whether somebody may draft and try out (起草).
  package func mayDraft(_ principal: Principal) -> Bool { principal.may(DefinitionStore.draft) }
  /// Whether somebody may publish and roll back (发布).
  package func mayPublish(_ principal: Principal) -> Bool { principal.may(DefinitionStore.publish) }

  /// - Throws: ``Refusal`` `permission-missing` for whoever may not see designs.
  package func requireView(_ principal: Principal) throws(Refusal) {
    try principal.require(DefinitionStore.view, toDo: "查看流程、事项、日历和消息模板的设计")
  }

  package static let missing = Refusal(.notFound, "definition-missing", "没有这个设计，可能已被删除。请从设计列表重新进入。")

  func note(
    _ action: String, _ key: DefinitionKey, version: Int? = nil, by principal: Principal, _ origin: Origin,
    in transaction: Transaction
  ) async throws {
    var details: [(String, JSON)] = [("kind", .string(key.kind.rawValue)), ("name", .string(key.name))]
    if let version { details.append(("version", .int(Int64(version)))) }
    try await audit.append(
      AuditEntry(principal, "definition.\(action)", origin: origin, details: .object(details)), in: transaction)
  }
}

/// All definitions as they would be with what was released and one draft.
struct Candidate {
  let catalog: Catalog
  let services: ServiceCatalog
  let templates: MessageTemplates
  let findings: [Finding]

  /// - Parameter draft: laid over everything.
  init(
    _ store: DefinitionStore, released: [DefinitionKey: DefinitionStore.Released],
    draft: (key: DefinitionKey, content: String)? = nil
  ) {
    var texts = released.mapValues(\.content)
    if let draft { texts[draft.key] = draft.content }
    let sorted = texts.sorted { ($0.key.kind.rawValue, $0.key.name) < ($1.key.kind.rawValue, $1.key.name) }
    let laid = store.catalogs.current.laying(
      sorted.filter { $0.key.kind != .process }.map { (file: $0.key.file, yaml: $0.value) })
    catalog = laid.catalog
    services = ServiceCatalog(
      laid.catalog, folders: store.folders,
      designed: Dictionary(
        sorted.filter { $0.key.kind == .process }.map { ($0.key.name, $0.value) },
        uniquingKeysWith: { first, _ in first }))
    templates = MessageTemplates(laid.catalog)
    findings = laid.findings + services.findings + templates.findings
  }
}
