import Access
package import Core
package import Entities
import Documents
import HTML
package import HTTP
package import SQL
import Shell
package import Site

/// Scanning a plate: the public page, its data as JSON, its QR code.
package struct ScanRoutes: Sendable {
  let site: Site
  let catalogs: LiveCatalog
  let pages: RenderedPages
  let counter: ScanCounter
  let reader: PublicAddresses
  let faces: Loader<String, PublicAddress>
  let staff: StaffView
  /// What stands before `/d/<code>` in a QR code, such as `https://menpai.example.gov.cn`.
  let publicOrigin: String
  let limiter: RateLimiter
  let clock: WallClock

  package init(
    site: Site, database: Database, catalogs: LiveCatalog, store: RecordStore, pages: RenderedPages,
    counter: ScanCounter, publicOrigin: String, limiter: RateLimiter, clock: WallClock
  ) {
    self.site = site
    self.catalogs = catalogs
    self.pages = pages
    self.counter = counter
    self.publicOrigin = publicOrigin
    self.limiter = limiter
    self.clock = clock
    staff = StaffView(store: store)
    let reader = PublicAddresses(database: database)
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

  /// The page of somebody without a session in standard text size, when it is kept already.
  private func kept(_ request: Request) -> Response? {
    guard !request.headers.contains("cookie"), let code = request.parameters["code"],
      limiter.take(request.remoteAddress) == nil, let kept = pages.page(code)
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
    let face = try await face(code)
    counter.count(face.id)
    var frame = try await visit.frame()
    if visit.principal.kind == .stranger {
      frame.requestID = ""
      frame.environment.formToken = ""
    }
    let staffPart = try await staff.summary(of: face, for: visit)
    let bytes = ScanPage(address: face, catalog: catalogs.current, frame: frame, staff: staffPart).render()
    var response = try visit.html(bytes)
    guard visit.principal.kind == .stranger, visit.textSize == .standard, !visit.request.headers.contains("cookie")
    else { return response }
    response.headers["Cache-Control"] = "public, max-age=60"
    response.body = .shared(SharedBytes(bytes))
    pages.keep(response, bytes.count + 512, as: code, of: face.id, since: generation)
    return response
  }

  private func household(_ visit: Visit) async throws -> Response {
    let face = try await face(try visit.request.parameter("code"))
    let form = try await visit.request.body.form()
    let part = try await staff.household(of: face, purpose: form.first("purpose") ?? "", for: visit)
    let frame = try await visit.frame()
    return try visit.html(
      ScanPage(address: face, catalog: catalogs.current, frame: frame, staff: part).render())
  }

  private func limit(_ request: Request) throws {
    try limiter.require(request.remoteAddress, toDo: "查询")
  }

  private func qrCode(_ visit: Visit, isVector: Bool) async throws -> Response {
    try limit(visit.request)
    let face = try await face(try visit.request.parameter("code"))
    let code = try QRCode("\(publicOrigin)/d/\(face.code)", level: .high)
    if isVector { return .bytes(Array(code.svg().utf8), type: "image/svg+xml") }
    return .bytes(code.png(scale: 8), type: "image/png")
  }

  /// The public faces as JSON, read from the database every time; look-ups that arrive together share one query.
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
