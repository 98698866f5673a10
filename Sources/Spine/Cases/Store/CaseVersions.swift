package import Core
import Crypto
package import Entities
import Processes
package import SQL
import Synchronization
import YAML

/// The definitions that cases are started with, kept for as long as any case stays on them.
///
/// What is in force is published at every start of the server: a definition that changed becomes a new version, one that
/// was taken back becomes the old version again.
package final class CaseVersions: Sendable {
  /// A published definition.
  package struct Version: Sendable, Hashable {
    package let id: Int64
    package let number: Int
  }

  /// What new cases start with.
  package struct Current: Sendable {
    package let services: ServiceCatalog
    let processes: [String: Version]
    let items: [String: Version]
  }

  private struct State {
    var current: Current
    var processes: [Int64: RunnableProcess] = [:]
    var items: [Int64: ServiceItem] = [:]
  }

  private let catalogs: LiveCatalog
  private let state: Mutex<State>

  package init(_ services: ServiceCatalog, catalogs: LiveCatalog) {
    self.catalogs = catalogs
    state = Mutex(State(current: Current(services: services, processes: [:], items: [:])))
  }

  package var current: Current { state.withLock { $0.current } }

  package var services: ServiceCatalog { current.services }

  /// Enters what is in force into the database, as far as it is new there.
  ///
  /// - Parameter given: puts these in force instead; cases that run stay on what they began with.
  package func publish(_ given: ServiceCatalog? = nil, on database: Database, at now: Instant) async throws {
    let services = given ?? services
    let (processes, items) = try await database.transaction { transaction in
      // A node that publishes and those that hear of it come at once; who waited finds the versions there.
      try await transaction.execute("select pg_advisory_xact_lock(hashtext('case_versions'))")
      var processes: [String: Version] = [:]
      // What is called first: a version names those it calls.
      let ordered = services.processes.sorted { ($0.value.callees.count, $0.key) < ($1.value.callees.count, $1.key) }
      for (name, process) in ordered {
        let calls = process.callees.keys.sorted().compactMap { callee in processes[callee].map { (callee, $0.id) } }
        processes[name] = try await CaseVersions.publish(
          "process", name, content: process.source.bpmn, column: "xml", calls: calls, at: now, in: transaction)
      }
      var items: [String: Version] = [:]
      for item in services.items {
        guard let content = services.itemContents[item.code] else { continue }
        items[item.code] = try await CaseVersions.publish(
          "item", item.code, content: content, column: "content", at: now, in: transaction)
      }
      return (processes, items)
    }
    state.withLock { state in
      state.current = Current(services: services, processes: processes, items: items)
      for (name, version) in processes { state.processes[version.id] = services.processes[name] }
      for (code, version) in items { state.items[version.id] = services.item(code) }
    }
  }

  /// - Parameter calls: the versions of the processes that it calls, which it is another version with others of.
  private static func publish(
    _ kind: String, _ name: String, content: String, column: String, calls: [(String, Int64)] = [], at now: Instant,
    in transaction: Transaction
  ) async throws -> Version {
    let called = calls.map { "\n\($0) \($1)" }.joined()
    let digest = Digest.sm3(Array((content + called).utf8))
    let table = "\(kind)_version"
    if let row = try await transaction.query(
      "select id, version from \(identifier: table) where \(identifier: kind) = \(name) and digest = \(digest)"
    ).first {
      return Version(id: try row.get("id"), number: try row.get("version"))
    }
    let rows = try await transaction.query(
      """
      insert into \(identifier: table) (\(identifier: kind), version, digest, \(identifier: column), published_at)
      select \(name), coalesce(max(version), 0) + 1, \(digest), \(content), \(now)
      from \(identifier: table) where \(identifier: kind) = \(name)
      returning id, version
      """)
    guard let row = rows.first else { throw Fault("version-without-row", name) }
    for (callee, version) in calls {
      try await transaction.execute(
        """
        insert into process_version_call (version_id, process, called_id)
        values (\(try row.get("id", as: Int64.self)), \(callee), \(version))
        """)
    }
    return Version(id: try row.get("id"), number: try row.get("version"))
  }

  // MARK: Those of running cases

  func process(_ id: Int64, in session: some SQLSession) async throws -> RunnableProcess {
    if let known = state.withLock({ $0.processes[id] }) { return known }
    guard let row = try await session.query("select process, xml from process_version where id = \(id)").first else {
      throw Fault("process-version-missing", String(id))
    }
    let name: String = try row.get("process")
    let xml: String = try row.get("xml")
    let callees = try await session.query(
      """
      select c.process, v.xml from process_version_call c join process_version v on v.id = c.called_id
      where c.version_id = \(id)
      """
    ).map { (name: try $0.get("process", as: String.self), xml: try $0.get("xml", as: String.self)) }
    let process: RunnableProcess
    do {
      var library: [String: ProcessDefinition] = [:]
      for callee in callees {
        library[callee.name] = try ProcessDefinition(bpmn: Array(callee.xml.utf8), file: callee.name)
      }
      process = try RunnableProcess(ProcessDefinition(bpmn: Array(xml.utf8), file: name), calling: library)
    } catch {
      throw Fault("process-version-broken", name, cause: error)
    }
    state.withLock { $0.processes[id] = process }
    return process
  }

  /// - Throws: ``Refusal`` when the item as it was no longer fits the declarations of today.
  func item(_ id: Int64, in session: some SQLSession) async throws -> ServiceItem {
    if let known = state.withLock({ $0.items[id] }) { return known }
    guard let row = try await session.query("select item, content from item_version where id = \(id)").first else {
      throw Fault("item-version-missing", String(id))
    }
    let name: String = try row.get("item")
    let collector = FindingCollector()
    guard let document = DeclarationDocument(text: try row.get("content"), named: name, collector),
      let item = ItemReader(document, catalog: catalogs.current, materials: services.materials, collector).item()
    else {
      throw Refusal(.unprocessable, "item-version", "这件事申请时的事项定义已不能使用。请联系系统管理员检查事项“\(name)”。")
    }
    state.withLock { $0.items[id] = item }
    return item
  }
}
