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

/// Everything a serving node is made of, put together once.
struct WebApplication: Sendable {
  let deployment: Deployment
  let store: RecordStore
  let identity: IdentityService
  let jobs: JobQueue
  let pages: RenderedPages
  let contacts: PublicContacts
  let counter: DailyCounts<Int64>
  let visits: DailyCounts<PageVisits.Key>
  let qrRules: QRRules
  let usage: UsageLog
  let auditKeys: AuditKeys
  let apiKeys: APIKeys
  let parameters: Parameters
  let cases: CaseStore
  let connectors: ConnectorClient
  let feeds: FeedService
  let definitions: DefinitionStore
  let messages: MessageCenter
  let messageRunner: MessageRunner
  let broadcasts: Broadcasts
  let gateways: SMSGateways
  let dock: FerryDock
  let pushes: PushRunner
  let signOn: SignOn
  let logouts: LogoutRunner
  let inspection: ImageInspection
  let catalogues: ArchiveCatalogues
  let registers: RegisterFerry
  let appointments: Appointments
  let booking: AppointmentFerry
  let directory: AddressDirectory
  let plates: DoorPlateRules
  let plans: WorkPlans
  let alarms: AlarmDesk
  let application: Application

  init(_ deployment: Deployment, demoAccounts: [(name: String, role: String)]) async throws {
    self.deployment = deployment
    let configuration = deployment.configuration
    let told = MessageLine()
    let problems = ProblemMessages(messages: told)
    let registers = RegisterFerry()
    self.registers = registers
    let corrections = CorrectionRule()
    let plates = DoorPlateRules()
    self.plates = plates
    let tenancies = TenancyRules(messages: told)
    let merchants = MerchantRules(messages: told)
    let notices = NoticeRules(messages: told)
    let configurations = ConfigurationRequests()
    let booking = AppointmentFerry()
    self.booking = booking
    let push = PushWiring()
    let operations = OperationsWiring()
    let colleagues = TalkRules { receiver, unit, session in
      try await Responsibility(clock: deployment.clock).staff(of: [receiver], near: unit, in: session).contains(
        receiver)
    }
    let store = deployment.makeStore(
      following: [
        problems, registers, corrections, plates, tenancies, merchants, notices, configurations, push, colleagues,
        operations, booking,
        MessageTriggers(line: told),
      ])
    self.store = store
    let identity = try deployment.identity(store)
    self.identity = identity
    let parameters = Parameters(deployment.catalogs)
    try await parameters.refresh(from: deployment.database)
    self.parameters = parameters
    identity.policy = IdentityPolicy(parameters)
    push.begin(identity, parameters)
    let delivered = Deployment.services(configuration, deployment.catalogs.declared)
    let versions = CaseVersions(delivered, catalogs: deployment.catalogs)
    try await versions.publish(on: deployment.owner, at: deployment.clock.now())
    let apiKeys = APIKeys(identity)
    self.apiKeys = apiKeys
    auditKeys = try AuditKeys(ring: deployment.keys)
    pages = RenderedPages()
    contacts = PublicContacts(deployment.database, deployment.catalogs)
    counter = ScanCounter.make(deployment.database, clock: deployment.clock)
    let visits = PageVisits.make(deployment.database, clock: deployment.clock)
    self.visits = visits
    usage = UsageLog(clock: deployment.clock, metrics: deployment.metrics)
    let imports = deployment.addressImporter()
    let directory = deployment.addressDirectory()
    self.directory = directory
    let templates = MessageTemplates(deployment.catalogs.declared)
    if templates.findings.hasErrors {
      throw Refusal(
        .unprocessable, "declarations-wrong", templates.findings.map(\.description).joined(separator: "\n"))
    }
    let messages = MessageCenter(
      database: deployment.database, templates: templates, keys: deployment.keys,
      clock: deployment.clock, mobile: { user, session in try await identity.mobile(of: user, in: session) },
      setting: { name in parameters.shown(name) })
    self.messages = messages
    try await ConnectorSettings.publish(versions.services.connectors, in: store)
    let connectors = ConnectorClient(
      versions.services.connectors, store: store, log: deployment.log, metrics: deployment.metrics)
    self.connectors = connectors
    let feeds = try deployment.feedService(store, connectors, parameters)
    self.feeds = feeds
    var kinds = JobKinds()
    feeds.register(in: &kinds)
    let placing = deployment.addressPlacing()
    AddressPlacingJob.register(in: &kinds, placing: placing)
    AddressImportJob.register(in: &kinds, importer: imports, placing: placing) {
      try await identity.principal(actor: $0)
    }
    deployment.registerQualityJobs(in: &kinds, store) { try await identity.principal(actor: $0) }
    let files = deployment.files
    store.registerImports(in: &kinds, files: files) { try await identity.principal(actor: $0) }
    let housekeeping = Housekeeping(
      database: deployment.owner, files: files, parameters: parameters, clock: deployment.clock)
    housekeeping.register(in: &kinds)
    VisitHouseholdJob.register(
      in: &kinds, households: VisitHouseholds(store: store), keyObjects: KeyObjectDues(store: store),
      parameters: parameters)
    StayReviewJob.register(in: &kinds, review: StayReview(store: store, messages: messages), parameters: parameters)
    PromptJob.register(in: &kinds, sweep: PromptSweep(store: store), log: deployment.log)
    let reports = ReportOffice(store: store, files: files)
    try await reports.publish(ReportDefinitions(deployment.catalogs.declared))
    let reportPlans = ReportPlans(office: reports, messages: messages) { try await identity.principal(actor: $0) }
    ReportPlanJob.register(in: &kinds, plans: reportPlans, log: deployment.log)
    let audits = AuditOffice(
      store: store, files: files, owner: deployment.owner, keys: auditKeys, parameters: parameters, messages: messages
    ) { transaction in
      try await Responsibility(clock: deployment.clock).everyone(with: AuditOffice.report, in: transaction)
    }
    AuditReportJob.register(in: &kinds, office: audits)
    jobs = JobQueue(database: deployment.database, kinds: kinds, clock: deployment.clock)
    try await housekeeping.schedule(on: jobs)
    try await AddressPlacingJob.schedule(on: jobs)
    try await StayReviewJob.schedule(on: jobs)
    try await ReportPlanJob.schedule(on: jobs)
    try await AuditReportJob.schedule(on: jobs)
    try await VisitHouseholdJob.schedule(on: jobs)
    try await PromptJob.schedule(on: jobs)
    PromptRuleJob.begin(deployment.prompts, on: jobs)
    try await jobs.schedule(
      "address-quality", AddressQualityJob(), label: AddressQualityJob.label, .daily(hour: 2, minute: 20))
    try await jobs.schedule("grid-quality", GridQualityJob(), label: GridQualityJob.label, .daily(hour: 2, minute: 10))

    let origin = configuration.publicOrigin ?? "http://\(configuration.address):\(configuration.port)"
    let qrRules = try QRRules(proofs: try PlateProofs(ring: deployment.keys), origin: origin)
    try await qrRules.refresh(from: deployment.database)
    self.qrRules = qrRules
    let sharing = ResourceSharing(SharedResources(deployment.catalogs.declared), store: store)
    try await sharing.publish()
    told.connect(messages)
    let ferry = deployment.caseFerry(parameters)
    registers.begin(ferry.post, parameters)
    configurations.begin(ferry.post, messages, clock: deployment.clock)
    booking.begin(ferry.post)
    let appointments = Appointments(store: store, parameters: parameters, messages: messages, ferry: booking)
    self.appointments = appointments
    let codes = AddressQR(rules: qrRules)
    pushes = push.runner(deployment, store, messages) { record in
      guard record.entity == "address" else { return [] }
      return [("qr", try codes.json(code: record["code"].text, status: record["status"].text))]
    }
    let office = DocumentOffice(
      store: store, templates: DocumentTemplates(deployment.catalogs.declared), files: files,
      keys: try SigningKeys(ring: deployment.keys, purpose: .document), publicOrigin: origin)
    let cases = CaseStore(
      store: store, versions: versions, parameters: parameters, messages: messages, office: office,
      connectors: connectors, ferry: ferry)
    self.cases = cases
    corrections.begin(cases)
    operations.begin(cases)
    plans = operations.plans(store, messages, identity)
    let alarms = AlarmDesk(store: store, messages: messages)
    self.alarms = alarms
    try await OperationsWiring.deliver(configuration, store)
    let dock = deployment.dock(
      ferry,
      receivers: cases.ferryReceivers() + [registers.receiver(store)] + configurations.receivers(store)
        + booking.receivers(appointments),
      messages: messages, alarms: alarms)
    self.dock = dock
    let definitions = DefinitionStore(
      database: deployment.owner, cases: cases, delivered: delivered, folders: Deployment.folders(configuration),
      catalogs: deployment.catalogs, audit: store.audit, clock: deployment.clock)
    do { DefinitionStore.tell(try await definitions.refresh(), deployment.log) } catch let refusal as Refusal {
      // What was delivered goes on; the list of designs says so, and the log why.
      deployment.log.fault(refusal, "definitions-broken")
    }
    self.definitions = definitions
    let secrets = try deployment.messagingSecrets()
    let messagingSettings: @Sendable () throws -> MessagingSettings = {
      try MessagingSettings(parameters, secrets: secrets)
    }
    let gateways = SMSGateways(store)
    self.gateways = gateways
    let messageRunner = MessageRunner(
      center: messages,
      channels: [
        .sms(clock: deployment.clock), .mail(clock: deployment.clock) { try await files.attachment($0) },
        .wechat(clock: deployment.clock),
      ],
      settings: { try MessagingSettings(parameters, secrets: secrets, sms: try await gateways.enabled()) },
      configuration: .init(
        worker: "node-\(ProcessInfo.processInfo.processIdentifier)", publicOrigin: origin, log: deployment.log,
        metrics: deployment.metrics))
    self.messageRunner = messageRunner
    broadcasts = Broadcasts(store: store, center: messages)

    let assets = try Assets(folder: configuration.installation.web)
    let stranger = Principal(
      kind: .stranger, id: 0, name: "访客", unit: nil,
      grants: Grants(deployment.catalogs.current.role("public")?.access ?? []), clearance: .open)
    let talks = Talks(store)
    let authenticator = Authenticator(
      identity: identity, keys: apiKeys, stranger: stranger, resident: deployment.catalogs.current.role("resident"))
    let menu = MenuBuilder(catalogs: deployment.catalogs, identity: identity)
    var site = Site(
      city: "达州市", assets: String(assets.url("").dropLast()), clock: deployment.clock,
      secureCookies: origin.hasPrefix("https://"),
      key: HMAC(key: try deployment.keys.secret(.index)).derivedKey("site"),
      authenticate: { try await authenticator.authenticate($0) }, menu: { try await menu.items(for: $0) },
      unreadMessages: { principal in
        let told = try await messages.unread(of: principal.id)
        return principal.may(Talks.write) ? told + (try await talks.unread(of: principal.id)) : told
      })
    if !configuration.isBenchmark {
      site.requestsPerUser = { identity.policy.requestsPerUser }
      site.room = {
        let policy = identity.policy
        return ServerLoad.Room(atOnce: policy.requestsAtOnce, least: policy.leastPerUser)
      }
    }
    let catalogs = deployment.catalogs
    site.isConfidential = { ConfidentialPages.holds($0, catalogs.current) }
    site.noteVisit = { visit, response in PortalPages.count(visit, response, in: visits) }
    let database = deployment.database
    let log = deployment.log
    site.noteRefusal = { visit, refusal in
      let entry = AuditEntry(
        visit.principal, "access.refuse", outcome: .refused, origin: visit.request.origin,
        details: [
          "path": .string(String(visit.request.path.prefix(200))), "method": .string(visit.request.method.rawValue),
          "reason": .string(refusal.code),
        ])
      do { try await store.audit.append(entry, in: database) } catch { log.fault(error, "audit-refusal-failed") }
    }
    var router = Router()
    assets.register(on: &router)
    for name in assets.names where name.hasPrefix("root/") {
      router.onImmediate(.get, "/" + name.dropFirst("root/".count)) { assets.response(name, for: $0) }
    }
    OperationRoutes(deployment: deployment, jobs: jobs).register(in: &router, site: site)
    let outside = GatewayClient(name: "identity-provider")
    let federation = Federation(identity: identity, store: store, origin: origin) { url, headers, body in
      let answer = try await outside.ask(url, headers: headers, body: body.map { Array($0.utf8) })
      return OpenIDClient.Answer(status: answer.status, body: answer.body)
    }
    let signOn = SignOn(identity: identity, store: store, origin: origin) {
      (try? parameters.integer("sign_on.key_days")) ?? 90
    }
    self.signOn = signOn
    logouts = LogoutRunner(
      signOn, worker: "node-\(ProcessInfo.processInfo.processIdentifier)", log: deployment.log,
      metrics: deployment.metrics
    ) { (try? parameters.integer("sign_on.retry_hours")) ?? 24 }
    try await AccountPages(
      deployment: deployment, site: site, store: store, identity: identity, federation: federation, signOn: signOn,
      logouts: logouts, authenticator: authenticator, jobs: jobs, auditKeys: auditKeys, origin: origin,
      demoAccounts: demoAccounts
    ).register(in: &router)
    let images = PageImages(files: files)
    catalogues = ArchiveCatalogues(store: store, messages: messages, parameters: parameters)
    inspection = ImageInspection(
      store: store, measures: FileMeasures(images) { log.fault($0, "file-not-measured") }, parameters: parameters)
    ServiceRoutes(site: site, cases: cases, files: files, inspection: inspection).register(in: &router)
    CaseRoutes(site: site, cases: cases, files: files, inspection: inspection).register(in: &router)
    ViewerRoutes(site: site, cases: cases, files: files, images: images).register(in: &router)
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
    ArchiveRoutes(site: site, store: store, files: files, images: images, cases: cases).register(in: &router)
    CityWideRoutes(site: site, cases: cases).register(in: &router)
    InboxRoutes(site: site, cases: cases).register(in: &router)
    DefinitionRoutes(site: site, store: definitions).register(in: &router)
    BoxRoutes(
      site: site, center: messages, talks: talks, publicOrigin: origin, settings: messagingSettings
    ).register(in: &router)
    TalkRoutes(
      site: site, store: store, files: files,
      limiter: RateLimiter(capacity: configuration.isBenchmark ? 1_000_000_000 : 20, interval: 2)
    ).register(in: &router)
    MessageLogRoutes(site: site, center: messages, runner: messageRunner, store: store).register(in: &router)
    SMSGatewayRoutes(
      site: site, gateways: gateways, limiter: RateLimiter(capacity: 5, interval: 12), settings: messagingSettings
    ).register(in: &router)
    ReceiptRoutes(center: messages, gateways: gateways).register(in: &router)
    BroadcastRoutes(site: site, broadcasts: broadcasts).register(in: &router)
    ConnectorRoutes(site: site, client: connectors).register(in: &router)
    QueryRoutes(site: site, client: connectors).register(in: &router)
    SharedRoutes(site: site, sharing: sharing, files: files).register(in: &router)
    SubscriptionRoutes(site: site, runner: pushes, audit: store.audit).register(in: &router)
    FerryRoutes(site: site, dock: dock, audit: store.audit, published: { try await registers.status(store) }) {
      try await registers.publishAll(store)
    }.register(in: &router)
    FeedRoutes(site: site, service: feeds, jobs: jobs, folder: configuration.data).register(in: &router)
    MonitorRoutes(site: site, deployment: deployment, dock: dock, startedAt: deployment.clock.now())
      .register(in: &router)
    RunLogRoutes(site: site, deployment: deployment).register(in: &router)
    let home = PortalHome(cases: cases, appointments: appointments, files: files)
    home.register(in: &router, site: site)
    HomeRoutes(
      site: site, store: store, jobs: jobs, inbox: Inbox(cases), roster: DutyRoster(store: store),
      portal: { try await home.content($0) }
    ).register(in: &router)
    DutyRoutes(site: site, roster: DutyRoster(store: store)).register(in: &router)
    AddressImportRoutes(
      site: site, importer: imports, jobs: jobs, database: deployment.database, store: store, directory: directory,
      folder: configuration.data
    )
    .register(in: &router)
    QualityPage(AddressQualityJob.self, of: .addresses, site: site, store: store, jobs: jobs).register(in: &router)
    QualityPage(GridQualityJob.self, of: .grids, site: site, store: store, jobs: jobs).register(in: &router)
    GridDefectRoutes(site: site, store: store).register(in: &router)
    DefectRoutes(site: site, store: store, reports: AddressReports(store: store, directory: directory))
      .register(in: &router)
    FileRoutes(site: site, files: files, store: store).register(in: &router)
    let limiter = RateLimiter(
      capacity: configuration.isBenchmark ? 1_000_000_000 : 120, interval: configuration.isBenchmark ? 0.000001 : 0.5)
    ScanRoutes(
      site: site, database: deployment.database, catalogs: deployment.catalogs, store: store, pages: pages,
      counter: counter, contacts: contacts, rules: qrRules, limiter: limiter, clock: deployment.clock
    ).register(in: &router)
    let designs = PlateDesigns(deployment.catalogs.declared)
    if designs.findings.hasErrors {
      throw Refusal(
        .unprocessable, "declarations-wrong", designs.findings.map(\.description).joined(separator: "\n"))
    }
    let press = PlatePress(store: store, rules: qrRules, designs: designs, pinyin: deployment.pinyin)
    plates.begin(
      rules: qrRules, designs: designs, pinyin: deployment.pinyin, parameters: parameters, messages: messages,
      cases: cases)
    PlateDesignRoutes(site: site, press: press).register(in: &router)
    PlateBatchRoutes(site: site, press: press).register(in: &router)
    PlateReportRoutes(site: site, store: store).register(in: &router)
    let photos = FieldPhotos(files: files, images: images, database: deployment.database)
    InspectionRoutes(site: site, store: store, photos: photos).register(in: &router)
    HouseholdCheckRoutes(site: site, store: store).register(in: &router)
    VisitRoutes(
      site: site, store: store, photos: photos,
      visits: Visits(store: store, rules: plates.visits, codes: PhoneCodes(messages: messages))
    ).register(in: &router)
    MountRoutes(site: site, store: store, photos: photos, parameters: parameters).register(in: &router)
    AddressReportRoutes(
      site: site, store: store, photos: photos, limiter: limiter, writing: RateLimiter(capacity: 5, interval: 120)
    ).register(in: &router)
    AddressCodeInterface(site: site, store: store, codes: AddressQR(rules: qrRules)).register(in: &router)
    PlateVerifyRoutes(site: site, rules: qrRules, store: store, limiter: limiter).register(in: &router)
    let centre = try Coordinate(longitude: 107.468, latitude: 31.209)
    let search = PlaceSearch(database: deployment.database, store: store, gazetteer: deployment.gazetteer)
    LookupRoutes(
      site: site, places: search, limiter: limiter, searching: RateLimiter(capacity: 20, interval: 3)
    ).register(in: &router)
    PlaceRoutes(
      site: site, places: PublicPlaces(store: store), search: search, files: files, centre: centre, limiter: limiter
    ).register(in: &router)
    StoryRoutes(site: site, store: store, files: files, limiter: limiter, origin: origin).register(in: &router)
    MerchantRoutes(site: site, store: store, photos: photos, search: search).register(in: &router)
    NoticeRoutes(
      site: site, store: store, files: files, photos: photos, search: search, limiter: limiter,
      contacting: RateLimiter(capacity: 20, interval: 180)
    ).register(in: &router)
    FavouriteRoutes(site: site, store: store, places: search).register(in: &router)
    ScanStatisticsRoutes(site: site, store: store).register(in: &router)
    MatchRoutes(site: site, store: store, directory: directory).register(in: &router)
    let installation = configuration.installation
    let parser = ParserSource { () throws(Refusal) in try ParserModel(installation: installation) }
    ParseRoutes(site: site, source: parser).register(in: &router)
    ReportRoutes(site: site, office: reports).register(in: &router)
    AuditReportRoutes(site: site, office: audits).register(in: &router)
    PaperRoutes(site: site, office: office).register(in: &router)
    let verifying = RateLimiter(
      capacity: configuration.isBenchmark ? 1_000_000_000 : 20, interval: configuration.isBenchmark ? 0.000001 : 3)
    let proofs = SignatureProofRoutes(site: site, cases: cases, limiter: verifying)
    proofs.register(in: &router)
    VerifyRoutes(site: site, office: office, limiter: verifying) { code, visit in try await proofs.page(code, visit) }
      .register(in: &router)
    MapRoutes(
      site: site, database: deployment.database, store: store, places: search, centre: centre, limiter: limiter
    ).register(in: &router)
    WindowRoutes(site: site, store: store, centre: centre, limiter: limiter).register(in: &router)
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
    let settings = RuntimeSettings(
      database: deployment.owner, catalogs: deployment.catalogs, audit: store.audit, clock: deployment.clock)
    SettingsRoutes(
      site: site, store: store, settings: settings, parameters: parameters, owner: deployment.owner,
      parameterUses: { name in messages.templates.saying(name).map { "消息模板“\($0)”" } }
    ).register(in: &router)
    LabelRoutes(site: site, identity: identity, settings: settings, store: store).register(in: &router)
    ExchangeRoutes(site: site, store: store, files: files, jobs: jobs).register(in: &router)
    RecordInterface(site: site, store: store, parts: PublishedInterfaces.parts).register(in: &router)
    ApplicationInterface(site: site, cases: cases, files: files, federation: federation).register(in: &router)
    RecordRoutes(site: site, store: store, files: FieldFiles(files: files)).register(in: &router)
    router.use { request, next in
      do {
        return try await next(request)
      } catch let demanded as Demanded {
        if Site.wantsJSON(request) { throw Refusal(.forbidden, "session-demand", demanded.message) }
        return .redirect(to: demanded.path)
      }
    }
    let usage = usage
    application = Application(
      router,
      renderRefusal: { request, refusal, number in
        WebApplication.plainRefusal(request, refusal, number, assets: String(assets.url("").dropLast()))
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

  /// A refusal met before anybody knew who it was, as a page without a menu.
  private static func plainRefusal(_ request: Request, _ refusal: Refusal, _ number: String, assets: String)
    -> Response?
  {
    guard !Site.wantsJSON(request), request.headers["Accept"]?.contains("text/html") == true else { return nil }
    var frame = FrameModel(city: "达州市", person: nil, path: request.path, requestID: number)
    frame.environment.assets = assets
    return .html(
      ErrorPage(status: refusal.kind.status, title: "不能这样做", message: refusal.message, visit: frame).render())
  }
}
