import Access
import AddressParsing
import Addresses
import Audit
import Cases
import CasesWeb
import Connectors
import ConnectorsWeb
import Core
import Crypto
import Definitions
import DefinitionsWeb
import DoorPlates
import DoorPlatesWeb
import Entities
import EntitiesWeb
import Feeds
import FeedsWeb
import Ferry
import FerryWeb
import Files
import Foundation
import Geo
import HTML
import HTTP
import Identity
import IdentityWeb
import Jobs
import Messaging
import MessagingWeb
import Operations
import Papers
import PapersWeb
import Portal
import PortalWeb
import Reports
import ReportsWeb
import Residences
import SQL
import Shell
import SignOn
import SignOnWeb
import Site
import SpineWeb
import Transport

/// The pages and interfaces of a node, by what they are about.
extension WebApplication {
  /// - Parameter demoAccounts: offered on the sign-in page; empty outside of the demo city.
  func application(demoAccounts: [(name: String, role: String)] = []) async throws -> Application {
    let assets = try Assets(folder: deployment.configuration.installation.web)
    let site = try site(assets)
    var router = Router()
    assets.register(on: &router)
    for name in assets.names where name.hasPrefix("root/") {
      router.onImmediate(.get, "/" + name.dropFirst("root/".count)) { assets.response(name, for: $0) }
    }
    try await registerPlatform(in: &router, site, demoAccounts)
    registerMessages(in: &router, site)
    registerExchange(in: &router, site)
    registerCases(in: &router, site)
    registerPapers(in: &router, site)
    let limiter = limiter(120, every: 0.5)
    let search = PlaceSearch(database: deployment.database, store: store, gazetteer: deployment.gazetteer)
    registerAddresses(in: &router, site, search, limiter)
    registerPlates(in: &router, site, search, limiter)
    registerPortal(in: &router, site, limiter)
    registerRecords(in: &router, site)
    router.use { request, next in
      do {
        return try await next(request)
      } catch let demanded as Demanded {
        if Site.wantsJSON(request) { throw Refusal(.forbidden, "session-demand", demanded.message) }
        return .redirect(to: demanded.path)
      }
    }
    let usage = usage
    return Application(
      router,
      renderRefusal: { request, refusal, number in
        WebApplication.plainRefusal(request, refusal, number, site.city.name, assets: site.assets)
      }, log: deployment.log,
      observe: { request, response in
        guard request.method == .get, response.status == 200 else { return }
        // Bytes, not characters: this runs for every page that is kept in memory too.
        let area = Substring(request.path.utf8.dropFirst().prefix { $0 != UInt8(ascii: "/") })
        if area == "assets" { return }
        usage.visit(
          area: area.isEmpty ? "home" : String(area),
          visitor: request.headers.contains("cookie") && request.cookies[Authenticator.cookie] != nil
            ? "user" : "stranger")
      })
  }

  private var photos: FieldPhotos {
    FieldPhotos(files: deployment.files, images: images, database: deployment.database)
  }

  /// Limits of strangers, which one machine that plays a crowd does not meet.
  private func limiter(_ capacity: Int, every interval: Double) -> RateLimiter {
    let isFree = deployment.configuration.isBenchmark
    return RateLimiter(capacity: isFree ? 1_000_000_000 : capacity, interval: isFree ? 0.000001 : interval)
  }

  /// Operation, accounts, files, reports and settings.
  private func registerPlatform(
    in router: inout Router, _ site: Site, _ demoAccounts: [(name: String, role: String)]
  ) async throws {
    OperationRoutes(deployment: deployment, jobs: jobs).register(in: &router, site: site)
    let outside = GatewayClient(name: "identity-provider")
    let federation = Federation(identity: identity, store: store, origin: origin) { url, headers, body in
      let answer = try await outside.ask(url, headers: headers, body: body.map { Array($0.utf8) })
      return OpenIDClient.Answer(status: answer.status, body: answer.body)
    }
    try await AccountPages(
      deployment: deployment, site: site, store: store, identity: identity, federation: federation, signOn: signOn,
      logouts: logouts, authenticator: authenticator, jobs: jobs, auditKeys: auditKeys, origin: origin,
      demoAccounts: demoAccounts
    ).register(in: &router)
    ApplicationInterface(site: site, cases: cases, files: deployment.files, federation: federation).register(
      in: &router)
    PromptFieldRoutes(site: site, store: store).register(in: &router)
    FileRoutes(site: site, files: deployment.files, store: store, images: images).register(in: &router)
    MonitorRoutes(site: site, deployment: deployment, dock: dock, startedAt: deployment.clock.now())
      .register(in: &router)
    RunLogRoutes(site: site, deployment: deployment).register(in: &router)
    ReportRoutes(site: site, office: reports).register(in: &router)
    AuditReportRoutes(site: site, office: audits).register(in: &router)
    let settings = RuntimeSettings(
      database: deployment.owner, catalogs: deployment.catalogs, audit: store.audit, clock: deployment.clock)
    SettingsRoutes(
      site: site, store: store, settings: settings, parameters: parameters, owner: deployment.owner,
      parameterUses: { name in messages.templates.saying(name).map { "消息模板“\($0)”" } }
    ).register(in: &router)
    LabelRoutes(site: site, identity: identity, settings: settings, store: store).register(in: &router)
  }

  /// Messages, talks and broadcasts.
  private func registerMessages(in router: inout Router, _ site: Site) {
    BoxRoutes(
      site: site, center: messages, talks: talks, publicOrigin: origin, settings: messagingSettings
    ).register(in: &router)
    TalkRoutes(
      site: site, store: store, files: deployment.files,
      limiter: limiter(20, every: 2)
    ).register(in: &router)
    MessageLogRoutes(site: site, center: messages, runner: messageRunner, store: store).register(in: &router)
    SMSGatewayRoutes(
      site: site, gateways: gateways, limiter: RateLimiter(capacity: 5, interval: 12), settings: messagingSettings
    ).register(in: &router)
    ReceiptRoutes(center: messages, gateways: gateways).register(in: &router)
    BroadcastRoutes(site: site, broadcasts: broadcasts).register(in: &router)
  }

  /// Other systems and the other network.
  private func registerExchange(in router: inout Router, _ site: Site) {
    ConnectorRoutes(site: site, client: connectors).register(in: &router)
    QueryRoutes(site: site, client: connectors).register(in: &router)
    SharedRoutes(site: site, sharing: sharing, files: deployment.files).register(in: &router)
    SubscriptionRoutes(site: site, runner: pushes, audit: store.audit).register(in: &router)
    FerryRoutes(site: site, dock: dock, audit: store.audit, published: { try await registers.status(store) }) {
      try await registers.publishAll(store)
    }.register(in: &router)
    FeedRoutes(site: site, service: feeds, jobs: jobs, folder: deployment.configuration.data).register(in: &router)
  }

  /// Items, cases, archives and the designs they run on.
  private func registerCases(in router: inout Router, _ site: Site) {
    ServiceRoutes(site: site, cases: cases, files: deployment.files, inspection: inspection).register(in: &router)
    CaseRoutes(site: site, cases: cases, files: deployment.files, inspection: inspection).register(in: &router)
    ViewerRoutes(site: site, cases: cases, files: deployment.files, images: images).register(in: &router)
    let confirming = PhoneCodes(messages: messages)
    SigningRoutes(
      site: site, cases: cases, images: images,
      codes: SigningCodes(
        send: { phone, subject in
          try await confirming.send(
            .signature, to: phone, subject: subject, isWanted: true, values: ["purpose": "在申请表上签名"])
        },
        redeem: { code, phone, subject in
          try await confirming.redeem(.signature, code, phone: phone, subject: subject)
        }), limiter: RateLimiter(capacity: 20, interval: 30)
    ).register(in: &router)
    ArchiveRoutes(site: site, store: store, files: deployment.files, images: images, cases: cases).register(in: &router)
    CityWideRoutes(site: site, cases: cases).register(in: &router)
    InboxRoutes(site: site, cases: cases).register(in: &router)
    DefinitionRoutes(site: site, store: definitions).register(in: &router)
  }

  /// Certificates, and whether they and signatures are genuine.
  private func registerPapers(in router: inout Router, _ site: Site) {
    PaperRoutes(site: site, office: office).register(in: &router)
    let verifying = limiter(20, every: 3)
    let proofs = SignatureProofRoutes(site: site, cases: cases, limiter: verifying)
    proofs.register(in: &router)
    VerifyRoutes(site: site, office: office, limiter: verifying) { code, visit in try await proofs.page(code, visit) }
      .register(in: &router)
  }

  /// Addresses: imports, quality, scanning, searching, maps.
  private func registerAddresses(in router: inout Router, _ site: Site, _ search: PlaceSearch, _ limiter: RateLimiter) {
    AddressImportRoutes(
      site: site, importer: imports, jobs: jobs, database: deployment.database, store: store, directory: directory,
      folder: deployment.configuration.data
    )
    .register(in: &router)
    QualityPage(AddressQualityJob.self, of: .addresses, site: site, store: store, jobs: jobs).register(in: &router)
    QualityPage(GridQualityJob.self, of: .grids, site: site, store: store, jobs: jobs).register(in: &router)
    GridDefectRoutes(site: site, store: store).register(in: &router)
    DefectRoutes(site: site, store: store, reports: AddressReports(store: store, directory: directory))
      .register(in: &router)
    ScanRoutes(
      site: site, database: deployment.database, catalogs: deployment.catalogs, store: store, pages: pages,
      counter: counter, contacts: contacts, rules: qrRules, limiter: limiter, clock: deployment.clock
    ).register(in: &router)
    LookupRoutes(
      site: site, places: search, limiter: limiter, searching: RateLimiter(capacity: 20, interval: 3)
    ).register(in: &router)
    PlaceRoutes(
      site: site, places: PublicPlaces(store: store), search: search, files: deployment.files, limiter: limiter
    ).register(in: &router)
    MapRoutes(
      site: site, database: deployment.database, store: store, places: search, limiter: limiter
    ).register(in: &router)
    ScanStatisticsRoutes(site: site, store: store).register(in: &router)
    MatchRoutes(site: site, store: store, directory: directory).register(in: &router)
    let installation = deployment.configuration.installation
    let parser = ParserSource { () throws(Refusal) in try ParserModel(installation: installation) }
    ParseRoutes(site: site, source: parser).register(in: &router)
    AddressReportRoutes(
      site: site, store: store, photos: photos, limiter: limiter, writing: RateLimiter(capacity: 5, interval: 120)
    ).register(in: &router)
    AddressCodeInterface(site: site, store: store, codes: AddressQR(rules: qrRules)).register(in: &router)
  }

  /// Door plates, the field, and what stands behind a plate.
  private func registerPlates(
    in router: inout Router, _ site: Site, _ search: PlaceSearch, _ limiter: RateLimiter
  ) {
    let press = PlatePress(store: store, rules: qrRules, designs: designs, pinyin: deployment.pinyin)
    PlateDesignRoutes(site: site, press: press).register(in: &router)
    PlateBatchRoutes(site: site, press: press).register(in: &router)
    PlateReportRoutes(site: site, store: store).register(in: &router)
    InspectionRoutes(site: site, store: store, photos: photos).register(in: &router)
    HouseholdCheckRoutes(site: site, store: store).register(in: &router)
    VisitRoutes(
      site: site, store: store, photos: photos,
      visits: Visits(store: store, rules: plates.visits, codes: PhoneCodes(messages: messages))
    ).register(in: &router)
    MountRoutes(site: site, store: store, photos: photos, parameters: parameters).register(in: &router)
    PlateVerifyRoutes(site: site, rules: qrRules, store: store, limiter: limiter).register(in: &router)
    StoryRoutes(site: site, store: store, files: deployment.files, limiter: limiter, origin: origin).register(
      in: &router)
    MerchantRoutes(site: site, store: store, photos: photos, search: search).register(in: &router)
    NoticeRoutes(
      site: site, store: store, files: deployment.files, photos: photos, search: search, limiter: limiter,
      contacting: RateLimiter(capacity: 20, interval: 180)
    ).register(in: &router)
    FavouriteRoutes(site: site, store: store, places: search).register(in: &router)
  }

  /// Residents, and the workbench of everybody.
  private func registerPortal(in router: inout Router, _ site: Site, _ limiter: RateLimiter) {
    let home = PortalHome(cases: cases, appointments: appointments, files: deployment.files)
    home.register(in: &router, site: site)
    HomeRoutes(
      site: site, store: store, jobs: jobs, inbox: Inbox(cases), roster: DutyRoster(store: store),
      portal: { try await home.content($0) }
    ).register(in: &router)
    DutyRoutes(site: site, roster: DutyRoster(store: store)).register(in: &router)
    WindowRoutes(site: site, store: store, limiter: limiter).register(in: &router)
    AppointmentRoutes(site: site, appointments: appointments, cases: cases).register(in: &router)
    EvaluationRoutes(site: site, cases: cases).register(in: &router)
    DeskRoutes(site: site, store: store).register(in: &router)
    PortalStatisticsRoutes(site: site, store: store).register(in: &router)
    PortalManageRoutes(site: site, store: store).register(in: &router)
    InformationRoutes(site: site, store: store, limiter: limiter).register(in: &router)
    QuestionRoutes(site: site, store: store, limiter: limiter).register(in: &router)
    ProgressRoutes(site: site, cases: cases, codes: PhoneCodes(messages: messages), limiter: limiter)
      .register(in: &router)
    ProfileRoutes(
      site: site, particulars: OwnParticulars(store: store, codes: PhoneCodes(messages: messages)),
      limiter: RateLimiter(capacity: 5, interval: 120)
    ).register(in: &router)
    FeatureRoutes(site: site, store: store, publicOrigin: origin).register(in: &router)
  }

  /// Whatever is declared.
  private func registerRecords(in router: inout Router, _ site: Site) {
    ExchangeRoutes(site: site, store: store, files: deployment.files, jobs: jobs).register(in: &router)
    RecordInterface(site: site, store: store, parts: PublishedInterfaces.parts).register(in: &router)
    RecordRoutes(site: site, store: store, files: FieldFiles(files: deployment.files)).register(in: &router)
  }

  /// A refusal met before anybody knew who it was, as a page without a menu.
  private static func plainRefusal(
    _ request: Request, _ refusal: Refusal, _ number: String, _ city: String, assets: String
  )
    -> Response?
  {
    guard !Site.wantsJSON(request), request.headers["Accept"]?.contains("text/html") == true else { return nil }
    var frame = FrameModel(city: city, person: nil, path: request.path, requestID: number)
    frame.environment.assets = assets
    return .html(
      ErrorPage(status: refusal.kind.status, title: "不能这样做", message: refusal.message, visit: frame).render())
  }
}
