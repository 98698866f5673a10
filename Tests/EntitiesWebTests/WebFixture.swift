import Access
import Audit
import Core
import Crypto
import Entities
import EntitiesWeb
import HTTP
import SQL
import Shell
import Site
import TestSupport
import Testing

/// The settings pages and the feature interface over a fresh database, with people who come by a header.
struct WebFixture: Sendable {
  let database: Database
  let store: RecordStore
  let catalogs: LiveCatalog
  let parameters: Parameters
  let settings: RuntimeSettings
  let application: Application

  static func make() async throws -> WebFixture {
    let database = try await TestDatabase.make()
    _ = try await Migrator(log: .silent).run(AuditSchema.migrations + StoreMigrations.all, on: database)
    let catalogs = LiveCatalog(try Catalog.load(texts: declarations))
    try await SchemaPlan.apply(catalogs.current, to: database)
    let keys = KeyRing(random: .seeded(7))
    try keys.rotate(.data, at: Instant(seconds: 1_795_233_600))
    try keys.rotate(.index, at: Instant(seconds: 1_795_233_600))
    let audit = Audit(clock: .system)
    let store = RecordStore(database: database, catalogs: catalogs, keys: keys, audit: audit)
    let settings = RuntimeSettings(database: database, catalogs: catalogs, audit: audit)
    let parameters = Parameters(catalogs)
    let city = try City(name: "达州市", longitude: 107.468, latitude: 31.209)
    let site = Site(
      city: { city }, assets: "/assets", clock: .system, secureCookies: false, key: SecretBytes([1, 2, 3]),
      authenticate: { request in
        switch request.headers["X-Test-User"] {
        case "admin":
          (
            person(1, ["dictionary.*", "parameter.*", "entity.*", "*.view", "team.import", "journal.import"], .inner),
            session
          )
        case "clerk": (person(2, ["stall.view", "camera.view"], .inner), session)
        case "guard": (person(3, ["camera.view"], .open), session)
        case "district":
          (person(4, ["camera.view"], .inner, scope: .division(["511702"])), session)
        default: (.stranger, nil)
        }
      }, menu: { _ in [] }, unreadMessages: { _ in 0 })
    var router = Router()
    SettingsRoutes(site: site, store: store, settings: settings, parameters: parameters, owner: database)
      .register(in: &router)
    FeatureRoutes(site: site, store: store).register(in: &router)
    RecordInterface(site: site, store: store).register(in: &router)
    return WebFixture(
      database: database, store: store, catalogs: catalogs, parameters: parameters, settings: settings,
      application: Application(router))
  }

  private static let session = Visit.Session(id: 1, formToken: "token", account: "a", roles: [], otherUnits: [])

  private static func person(
    _ id: Int64, _ permissions: [String], _ clearance: Classification, scope: DataScope = .all
  ) -> Principal {
    Principal(
      kind: .user, id: id, name: "用户\(id)", unit: nil,
      grants: Grants(permissions.compactMap { Permission($0) }.map { Grants.Grant($0, scope) }), clearance: clearance)
  }

  // MARK: Requests

  struct Answer: Sendable {
    let status: Int
    let headers: Headers
    let text: String

    var json: JSON { (try? JSON(parsing: text)) ?? .null }
  }

  func get(_ target: String, as user: String? = "admin") async throws -> Answer {
    try await send(.get, target, user: user, body: .empty)
  }

  /// Sends a form with the token that the page would carry.
  func post(_ target: String, _ fields: [(String, String)], as user: String? = "admin", token: String = "token")
    async throws -> Answer
  {
    let items = (fields + [(CrossSiteGuard.field, token)]).map {
      "\(PercentEncoding.encode($0.0))=\(PercentEncoding.encode($0.1))"
    }
    let body = Body(Array(items.joined(separator: "&").utf8), contentType: "application/x-www-form-urlencoded")
    return try await send(.post, target, user: user, body: body)
  }

  /// Sends a document as programs do, with the session's token.
  func send(_ target: String, _ document: JSON, as user: String? = "admin") async throws -> Answer {
    try await send(.post, target, user: user, body: Body(Array(document.text.utf8), contentType: "application/json"))
  }

  private func send(_ method: Method, _ target: String, user: String?, body: Body) async throws -> Answer {
    var headers: Headers = ["Host": "lifang.test"]
    headers["X-Test-User"] = user
    if body.contentType?.essence == "application/json" { headers[CrossSiteGuard.header] = "token" }
    let response = await application.respond(
      to: try Request(method, target, headers: headers, body: body))
    var text = ""
    if case .bytes(let bytes) = response.body { text = String(decoding: bytes, as: UTF8.self) }
    return Answer(status: response.status, headers: response.headers, text: text)
  }

  func insertCameras(_ count: Int) async throws {
    let records = store.records(as: .system)
    for index in 0..<count {
      try await records.insert(
        "camera",
        [
          "name": .text("探头\(index)"), "kind": .text(index % 2 == 0 ? "dome" : "bullet"),
          "division_code": .text(index < 3 ? "511702001" : "511703001"),
          "height": .decimal(FixedDecimal(millionths: 3_500_000)),
          "phone": .text("13812345678"),
          "location": .geometry(["type": "Point", "coordinates": [.double(107.5 + Double(index) / 100), 31.2]]),
        ])
    }
  }

  // MARK: Declarations

  private static let declarations: [(name: String, text: String)] = [
    ("camera.yaml", camera), ("notice.yaml", notice), ("team.yaml", team), ("journal.yaml", journal),
    ("kind.yaml", kind), ("limits.yaml", limits),
  ]

  private static let camera = """
    entity: camera
    label: 探头
    area: runtime
    title: name
    scope: {division: division_code, point: location}
    fields:
      - {name: name, label: 名称, type: text, max: 60, required: true}
      - {name: kind, label: 类型, type: code, dictionary: camera_kind, default: "'dome'"}
      - {name: division_code, label: 区划, type: division}
      - {name: height, label: 高度, type: decimal, unit: 米}
      - {name: phone, label: 联系电话, type: phone, classification: sensitive, mask: phone, encrypted: true}
      - {name: location, label: 位置, type: point}
      - {name: view, label: 视域, type: polygon}
    list: {columns: [name, kind, height], filters: [kind], sort: name, search: [name]}
    """

  private static let notice = """
    entity: notice
    label: 公告
    area: runtime
    title: name
    fields: [{name: name, label: 标题, type: text, max: 60}]
    """

  private static let team = """
    entity: team
    label: 班组
    area: runtime
    title: name
    fields:
      - {name: code, label: 编码, type: text, max: 20, required: true, unique: true}
      - {name: name, label: 名称, type: text, max: 60, required: true}
      - {name: parent_id, label: 上级班组, type: ref, entity: team}
      - {name: size, label: 人数, type: integer, min: 0}
      - {name: path, label: 路径, type: text, max: 60, editable: false}
    """

  private static let journal = """
    entity: journal
    label: 日志
    area: runtime
    title: name
    import: false
    fields: [{name: name, label: 标题, type: text, max: 60}]
    """

  private static let kind = """
    dictionary: camera_kind
    label: 探头类型
    codes: [{code: dome, label: 球机}, {code: bullet, label: 枪机}]
    """

  private static let limits = """
    parameters: camera
    label: 探头设置
    items:
      - {name: keep_days, label: 录像保存天数, type: integer, min: 7, max: 365, default: 30, unit: 天}
      - {name: kind, label: 默认类型, type: code, dictionary: camera_kind, default: dome}
      - {name: alarm, label: 自动报警, type: boolean, default: false}
    """
}
