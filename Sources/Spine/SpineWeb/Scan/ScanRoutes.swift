import Access
package import Addresses
package import Core
import Documents
package import Entities
import HTML
package import HTTP
package import SQL
import Shell
package import Site

/// Scanning a plate: the public page, its data as JSON, its QR code.
package struct ScanRoutes: Sendable {
  let site: Site
  let database: Database
  let catalogs: LiveCatalog
  let pages: RenderedPages
  let counter: DailyCounts<Int64>
  let reader: PublicAddresses
  let faces: Loader<String, PublicAddress>
  let staff: StaffView
  let rules: QRRules
  let suspicions: PlateSuspicions
  let limiter: RateLimiter
  let clock: WallClock

  package init(
    site: Site, database: Database, catalogs: LiveCatalog, store: RecordStore, pages: RenderedPages,
    counter: DailyCounts<Int64>, contacts: PublicContacts, rules: QRRules, limiter: RateLimiter, clock: WallClock
  ) {
    self.site = site
    self.catalogs = catalogs
    self.pages = pages
    self.counter = counter
    self.rules = rules
    suspicions = PlateSuspicions(store: store)
    self.database = database
    self.limiter = limiter
    self.clock = clock
    staff = StaffView(store: store)
    let reader = PublicAddresses(database: database, contacts: contacts, clock: clock)
    self.reader = reader
    faces = Loader(maximumBatch: 200) { try await reader.load($0) }
  }

  package func register(in router: inout Router) {
    router.onImmediate(.get, "/d/{code}") { request in kept(request) }
    router.on(.get, "/d/{code}", at: site) { visit in try await page(visit) }
    router.on(.post, "/d/{code}/household", at: site) { visit in try await household(visit) }
    router.on(.get, "/d/{code}/qr.svg", at: site) { visit in try await qrCode(visit, isVector: true) }
    router.on(.get, "/d/{code}/qr.png", at: site) { visit in try await qrCode(visit, isVector: false) }
    router.onGathered(.get, "/api/lookup/{code}") { requests in await lookUp(requests) }
  }

  /// The page of somebody without a session in standard text size, when it is kept already; with a proof under the whole
  /// target, so that only proofs that were found genuine are.
  private func kept(_ request: Request) -> Response? {
    guard !request.headers.contains("cookie"), let code = request.parameters["code"],
      limiter.take(request.remoteAddress) == nil, let kept = pages.page(request.query.isEmpty ? code : request.target)
    else { return nil }
    counter.count(kept.addressID)
    return kept.response
  }

  private func face(_ code: String) async throws -> PublicAddress {
    guard code.utf8.count <= Self.longestCode, let face = try await faces.load(code) else { throw unknown(code) }
    return face
  }

  /// No code is longer, in bytes; what is longer need not be looked for.
  private static let longestCode = 32

  private func unknown(_ code: String) -> Refusal {
    Refusal(.notFound, "address-unknown", "没有编码为“\(code.prefix(32))”的地址。请确认门牌完整无损，或联系社区核实。")
  }

  private func page(_ visit: Visit) async throws -> Response {
    try limit(visit.request)
    let code = try visit.request.parameter("code")
    let generation = pages.generation
    let verdict = visit.request.query.isEmpty ? .foreign : rules.judge(target: visit.request.target)
    guard code.utf8.count <= Self.longestCode, let face = try await faces.load(code) else {
      return try await missing(code, verdict, visit)
    }
    counter.count(face.id)
    if case .forged = verdict { try await suspicions.note(.forged, code: code, text: visit.request.target) }
    var frame = try await visit.frame()
    if visit.principal.kind == .stranger {
      frame.requestID = ""
      frame.environment.formToken = ""
    }
    let staffPart = try await staff.summary(of: face, for: visit)
    let keeping = try await Favourites(store: staff.store).control(for: visit, at: face.id, code: face.code)
    let bytes = ScanPage(
      address: face, catalog: catalogs.current, frame: frame, staff: staffPart, keeping: keeping, verdict: verdict
    ).render()
    var response = try visit.html(bytes)
    guard visit.principal.kind == .stranger, visit.textSize == .standard, !visit.request.headers.contains("cookie")
    else { return response }
    let key: String
    switch verdict {
    case .genuine: key = visit.request.target
    case .foreign where visit.request.query.isEmpty, .unsigned: key = code
    case .foreign, .forged: return response
    }
    response.headers["Cache-Control"] = "public, max-age=60"
    response.body = .shared(SharedBytes(bytes))
    pages.keep(response, bytes.count + 512, as: key, of: face.id, since: generation)
    return response
  }

  /// A code without an address: taken back, made up, or mistyped. Only what claims to be a plate is entered, so that a
  /// mistyped code makes nobody go out.
  private func missing(_ code: String, _ verdict: QRRules.Verdict, _ visit: Visit) async throws -> Response {
    let isOrphan = try await AddressCodeLedger.isOrphan(code, in: database)
    if isOrphan {
      try await suspicions.note(.withdrawn, code: code, text: visit.request.target)
      throw Refusal(
        .gone, "address-code-withdrawn", "编码“\(code.prefix(32))”的地址已经撤销，编码不再使用。这块门牌已失效，请联系社区或派出所核实。")
    }
    switch verdict {
    case .forged, .genuine:
      try await suspicions.note(.unknown, code: code, text: visit.request.target)
      throw Refusal(
        .notFound, "plate-forged", "没有编码为“\(code.prefix(32))”的地址，这块门牌可能是伪造的，已登记，待民警核查。请不要通过它付款或填写个人信息。")
    case .foreign, .unsigned: throw unknown(code)
    }
  }

  private func household(_ visit: Visit) async throws -> Response {
    let face = try await face(try visit.request.parameter("code"))
    let form = try await visit.request.body.form()
    let part = try await staff.household(of: face, purpose: LookPurpose.stated(form), for: visit)
    let frame = try await visit.frame()
    return try visit.html(
      ScanPage(address: face, catalog: catalogs.current, frame: frame, staff: part, verdict: .foreign).render())
  }

  private func limit(_ request: Request) throws {
    try limiter.require(request.remoteAddress, toDo: "查询")
  }

  private func qrCode(_ visit: Visit, isVector: Bool) async throws -> Response {
    // A list of addresses shows many at once to those who may see them all.
    if !visit.principal.may(Permission("address", "view")) { try limit(visit.request) }
    let face = try await face(try visit.request.parameter("code"))
    // A signed code is what makes a plate: only those who have to do with addresses get one.
    let isStaff = visit.principal.may(Permission("address", "view"))
    let code = try QRCode(isStaff ? try rules.content(for: face.code) : "\(rules.origin)/d/\(face.code)", level: .high)
    if isVector { return .bytes(Array(code.svg().utf8), type: "image/svg+xml") }
    let scale = visit.request.query.first("scale").flatMap { Int($0) } ?? 8
    guard (1...40).contains(scale) else {
      throw Refusal(.invalid, "qr-scale", "二维码每格 1 到 40 像素，没有生成。请改小或改大 scale。", field: "scale")
    }
    return .bytes(code.png(scale: scale), type: "image/png")
  }

  /// The public faces as JSON, the address read from the database every time; look-ups that arrive together share one query.
  private func lookUp(_ requests: [Request]) async -> [Result<Response, any Error>] {
    let asked = requests.map { request in
      Result { () throws -> String in
        try limit(request)
        let code = try request.parameter("code")
        guard code.utf8.count <= Self.longestCode else { throw unknown(code) }
        return code
      }
    }
    do {
      let found = try await reader.load(Array(Set(asked.compactMap { try? $0.get() })), surroundings: false)
      return asked.map { code in
        code.flatMap { code in found[code].map { .success(.json($0.json)) } ?? .failure(unknown(code)) }
      }
    } catch {
      return asked.map { code in code.flatMap { _ in .failure(error) } }
    }
  }
}

extension PublicAddress {
  /// The public face as the interface gives it out.
  var json: JSON {
    var members: [(key: String, value: JSON)] = [
      ("code", .string(code)), ("fullName", .string(fullName)), ("kind", .string(kind)), ("status", .string(status)),
      ("region", .string(region)), ("divisionCode", .string(divisionCode)),
    ]
    if let longitude, let latitude {
      members.append(("location", ["type": "Point", "coordinates": [.double(longitude), .double(latitude)]]))
    }
    members.append(
      (
        "contacts",
        .array(
          contacts.map { contact in
            [
              "role": .string(contact.role), "name": .string(contact.name), "unit": .string(contact.unit),
              "phone": contact.phone.map { .string($0) } ?? .null,
            ]
          })
      ))
    return .object(members)
  }
}
