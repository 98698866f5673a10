import Access
import Addresses
import Audit
import Cases
import Connectors
import Core
import Crypto
import Definitions
import DoorPlates
import Entities
import Feeds
import Ferry
import Files
import Foundation
import Identity
import IdentityWeb
import Jobs
import Messaging
import Operations
import Papers
import Portal
import Reports
import Residences
import SQL
import SignOn
import SpineWeb

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
  let designs: PlateDesigns
  let plans: WorkPlans
  let alarms: AlarmDesk
  let imports: AddressImporter
  let reports: ReportOffice
  let audits: AuditOffice
  let sharing: ResourceSharing
  let office: DocumentOffice
  let images: PageImages
  let authenticator: Authenticator
  let talks: Talks
  /// What stands before `/d/<code>`: the address of this installation as its users type it.
  let origin: String
  let messagingSettings: @Sendable () throws -> MessagingSettings

  init(_ deployment: Deployment) async throws {
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
    self.imports = imports
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
    self.reports = reports
    try await reports.publish(ReportDefinitions(deployment.catalogs.declared))
    let reportPlans = ReportPlans(office: reports, messages: messages) { try await identity.principal(actor: $0) }
    ReportPlanJob.register(in: &kinds, plans: reportPlans, log: deployment.log)
    let audits = AuditOffice(
      store: store, files: files, owner: deployment.owner, keys: auditKeys, parameters: parameters, messages: messages
    ) { transaction in
      try await Responsibility(clock: deployment.clock).everyone(with: AuditOffice.report, in: transaction)
    }
    self.audits = audits
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
    self.origin = origin
    let qrRules = try QRRules(proofs: try PlateProofs(ring: deployment.keys), origin: origin)
    try await qrRules.refresh(from: deployment.database)
    self.qrRules = qrRules
    sharing = ResourceSharing(SharedResources(deployment.catalogs.declared), store: store)
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
    self.office = office
    let cases = CaseStore(
      store: store, versions: versions, parameters: parameters, messages: messages, office: office,
      connectors: connectors, ferry: ferry)
    self.cases = cases
    corrections.begin(cases)
    designs = PlateDesigns(deployment.catalogs.declared)
    if designs.findings.hasErrors {
      throw Refusal(
        .unprocessable, "declarations-wrong", designs.findings.map(\.description).joined(separator: "\n"))
    }
    plates.begin(
      rules: qrRules, designs: designs, pinyin: deployment.pinyin, parameters: parameters, messages: messages,
      cases: cases)
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
    messagingSettings = { try MessagingSettings(parameters, secrets: secrets) }
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

    talks = Talks(store)
    let signOn = SignOn(identity: identity, store: store, origin: origin) {
      (try? parameters.integer("sign_on.key_days")) ?? 90
    }
    self.signOn = signOn
    logouts = LogoutRunner(
      signOn, worker: "node-\(ProcessInfo.processInfo.processIdentifier)", log: deployment.log,
      metrics: deployment.metrics
    ) { (try? parameters.integer("sign_on.retry_hours")) ?? 24 }
    images = PageImages(files: files)
    catalogues = ArchiveCatalogues(store: store, messages: messages, parameters: parameters)
    let log = deployment.log
    inspection = ImageInspection(
      store: store, measures: FileMeasures(images) { log.fault($0, "file-not-measured") }, parameters: parameters)
    let stranger = Principal(
      kind: .stranger, id: 0, name: "访客", unit: nil,
      grants: Grants(deployment.catalogs.current.role("public")?.access ?? []), clearance: .open)
    authenticator = Authenticator(
      identity: identity, keys: apiKeys, stranger: stranger, resident: deployment.catalogs.current.role("resident"))
  }
}
