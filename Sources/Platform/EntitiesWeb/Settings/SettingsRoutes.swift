import Access
import Core
package import Entities
package import HTTP
package import SQL
import Shell
package import Site

/// The administrators' pages: dictionaries (数据字典), parameters (系统参数) and registers (登记表).
///
/// Everything works by keyboard and without scripts; each change carries a form token, is checked again by the store and
/// is audited there.
package struct SettingsRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let settings: RuntimeSettings
  let parameters: Parameters
  /// A pool that may change tables.
  let owner: Database
  /// What says a parameter of the installation's own, in words: 消息模板“…”.
  let parameterUses: @Sendable (String) -> [String]

  package init(
    site: Site, store: RecordStore, settings: RuntimeSettings, parameters: Parameters, owner: Database,
    parameterUses: @escaping @Sendable (String) -> [String] = { _ in [] }
  ) {
    self.parameterUses = parameterUses
    self.site = site
    self.store = store
    self.settings = settings
    self.parameters = parameters
    self.owner = owner
  }

  package func register(in router: inout Router) {
    registerDictionaries(in: &router)
    registerParameters(in: &router)
    registerSeries(in: &router)
    registerRegisters(in: &router)
  }

  private func registerDictionaries(in router: inout Router) {
    let base = "/settings/dictionaries"
    router.on(.get, base, at: site) { visit in try await dictionaries(visit) }
    router.on(.get, "\(base)/{name}", at: site) { visit in try await dictionary(visit) }
    router.on(.get, "\(base)/{name}/new", at: site) { visit in try await newCode(visit) }
    router.on(.post, "\(base)/{name}/new", at: site) { visit in try await saveCode(visit, isNew: true) }
    router.on(.get, "\(base)/{name}/codes/{code}", at: site) { visit in try await code(visit) }
    router.on(.post, "\(base)/{name}/codes/{code}", at: site) { visit in try await saveCode(visit, isNew: false) }
    router.on(.post, "\(base)/{name}/codes/{code}/move", at: site) { visit in try await moveCode(visit) }
    router.on(.get, "\(base)/{name}/codes/{code}/remove", at: site) { visit in try await askRemoveCode(visit) }
    router.on(.post, "\(base)/{name}/codes/{code}/remove", at: site) { visit in try await removeCode(visit) }
  }

  private func registerParameters(in router: inout Router) {
    router.on(.get, "/settings/parameters", at: site) { visit in try await parameterList(visit) }
    router.on(.get, "/settings/parameters/new", at: site) { visit in try await newParameter(visit) }
    router.on(.post, "/settings/parameters/new", at: site) { visit in try await addParameter(visit) }
    router.on(.get, "/settings/parameters/{name}/definition", at: site) { visit in
      try await parameterDefinition(visit)
    }
    router.on(.post, "/settings/parameters/{name}/definition", at: site) { visit in
      try await saveParameterDefinition(visit)
    }
    router.on(.get, "/settings/parameters/{name}/remove", at: site) { visit in try await askRemoveParameter(visit) }
    router.on(.post, "/settings/parameters/{name}/remove", at: site) { visit in try await removeParameter(visit) }
    router.on(.get, "/settings/parameters/{name}", at: site) { visit in try await parameter(visit) }
    router.on(.post, "/settings/parameters/{name}", at: site) { visit in try await saveParameter(visit) }
  }

  private func registerRegisters(in router: inout Router) {
    let base = "/settings/registers"
    router.on(.get, base, at: site) { visit in try await registers(visit) }
    router.on(.get, "\(base)/new", at: site) { visit in try await newRegister(visit) }
    router.on(.post, "\(base)/new", at: site) { visit in try await declareRegister(visit) }
    router.on(.get, "\(base)/{name}", at: site) { visit in try await registerDetail(visit) }
    router.on(.get, "\(base)/{name}/fields/new", at: site) { visit in try await newField(visit) }
    router.on(.post, "\(base)/{name}/fields/new", at: site) { visit in try await declareField(visit) }
    router.on(.get, "/settings/declarations/{name}/withdraw", at: site) { visit in try await askWithdraw(visit) }
    router.on(.post, "/settings/declarations/{name}/withdraw", at: site) { visit in try await withdraw(visit) }
  }

  // MARK: What all of them need

  var catalog: Catalog { settings.catalogs.current }

  /// Who last changed something, and when: `王芳，2026-11-21 14:05`.
  func text(of change: SettingChange?) async throws -> String {
    guard let change else { return "" }
    let name = try await store.actorName(change.by, store.database) ?? "系统"
    return "\(name)，\(change.at.display)"
  }

  static func label(of origin: DeclarationOrigin) -> Badge {
    switch origin {
    case .shipped: Badge("随产品交付", .neutral)
    case .city: Badge("城市定制", .info)
    case .runtime: Badge("运行期新增", .success)
    }
  }

  /// The words of a search box, each of which must occur in what is listed.
  static func matches(_ query: String, _ texts: [String]) -> Bool {
    let haystack = texts.joined(separator: "\n").lowercased()
    return query.lowercased().split(whereSeparator: \.isWhitespace).allSatisfy { haystack.contains($0) }
  }
}
