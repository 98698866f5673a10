import Audit
import Core
import Crypto
import Entities
import HTTP
import Identity
import IdentityWeb
import Jobs
import SQL
import SignOn
import SignOnWeb
import Site

/// The pages and interfaces by which people come in, and that keep who they are: signing in here and to other systems,
/// accounts, rights, menus and logs. What the rest of the pages needs of it is made before.
struct AccountPages {
  let deployment: Deployment
  let site: Site
  let store: RecordStore
  let identity: IdentityService
  let federation: Federation
  let signOn: SignOn
  let logouts: LogoutRunner
  let authenticator: Authenticator
  let jobs: JobQueue
  let auditKeys: AuditKeys
  /// Of this site, as browsers know it.
  let origin: String
  /// Offered on the sign-in page; empty outside of the demo city, which brings a provider and a system of its own.
  let demoAccounts: [(name: String, role: String)]

  func register(in router: inout Router) async throws {
    if !demoAccounts.isEmpty { try await registerDemo(in: &router) }
    let signOnRoutes = SignOnRoutes(site: site, signOn: signOn, authenticator: authenticator)
    signOnRoutes.register(in: &router)
    ClientApplicationRoutes(site: site, signOn: signOn, runner: logouts, authenticator: authenticator)
      .register(in: &router)
    RightsInterface(site: site, rights: AccountRights(signOn)).register(in: &router)
    SignInRoutes(
      site: site, identity: identity, federation: federation,
      takesCertificates: deployment.configuration.takesCertificates, demoAccounts: demoAccounts,
      target: { await signOnRoutes.target(ofReturn: $0) }
    ).register(in: &router)
    FederationRoutes(site: site, federation: federation, authenticator: authenticator).register(in: &router)
    AccountRoutes(site: site, identity: identity, authenticator: authenticator).register(in: &router)
    PeopleRoutes(site: site, identity: identity, authenticator: authenticator, database: deployment.database)
      .register(in: &router)
    MenuRoutes(site: site, editor: MenuEditor(identity: identity, store: store), database: deployment.database)
      .register(in: &router)
    LogRoutes(site: site, database: deployment.owner, keys: auditKeys, catalogs: deployment.catalogs)
      .register(in: &router)
  }

  private func registerDemo(in router: inout Router) async throws {
    let provider = try await DemoIdentity.provider(deployment, origin: origin)
    try await DemoPortal.refresh(deployment, store)
    try await DemoFaults.inspect(store, jobs)
    try await DemoGrids.inspect(jobs)
    try await VisitHouseholdJob.begin(on: jobs)
    try await PromptJob.begin(on: jobs)
    DemoProviderRoutes(provider: provider, assets: site.assets).register(in: &router)
    guard let system = try await DemoSystem.make(signOn, origin: origin) else { return }
    DemoSystemRoutes(system: system, assets: site.assets, isSecure: site.secureCookies).register(in: &router)
  }
}
