import Access
package import Addresses
import Core
import Documents
package import Entities
import Geo
import HTML
package import HTTP
import SQL
import Shell
package import Site

/// 地址匹配: written addresses in, the standard ones they mean out; a page, a file and an interface (A-018, D1-193).
package struct MatchRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let directory: AddressDirectory

  package init(site: Site, store: RecordStore, directory: AddressDirectory) {
    self.site = site
    self.store = store
    self.directory = directory
  }

  package func register(in router: inout Router) {
    router.on(.get, "/match", at: site) { visit in try await page(visit, text: "", answers: nil, error: nil) }
    router.on(.post, "/match", maximumBody: 20 << 20, at: site) { visit in try await answer(visit) }
    router.on(.post, "/api/address/match", at: site) { visit in try await interface(visit) }
    router.on(.get, "/api/address/at", at: site) { visit in try await reverse(visit) }
  }

  private func require(_ visit: Visit) throws {
    try visit.principal.require(Permission("address", "view"), toDo: "匹配地址")
  }

  /// `{"addresses":["…"]}` → `{"items":[…]}`, in the order asked.
  private func interface(_ visit: Visit) async throws -> Response {
    try require(visit)
    let body = try await visit.request.body.json()
    let lines = try AskedAddresses.lines(of: body)
    let (matches, names) = try await match(lines, visit)
    return .json(["items": .array(zip(lines, matches).map { AddressMatchJSON.value($0, $1, names) })])
  }

  private func answer(_ visit: Visit) async throws -> Response {
    try require(visit)
    let form = try await visit.request.body.form()
    if let file = form.file("file"), file.size > 0 { return try await table(file, visit) }
    let text = form.first("text") ?? ""
    let lines: [String]
    do { lines = try AskedAddresses.lines(typed: text) } catch {
      return try await page(visit, text: text, answers: nil, error: error.message)
    }
    let (matches, names) = try await match(lines, visit)
    return try await page(visit, text: text, answers: zip(lines, matches).map { Answer($0, $1, names) }, error: nil)
  }

  /// A list of addresses comes back as CSV: each row with what it was found to be.
  private func table(_ upload: UploadedFile, _ visit: Visit) async throws -> Response {
    let entries: [AddressFile.Entry]
    do { entries = try AskedAddresses.entries(of: upload) } catch let refusal as Refusal {
      return try await page(visit, text: "", answers: nil, error: refusal.message, isFile: true)
    }
    let encoder = CSVEncoder()
    var bytes: [UInt8] = []
    encoder.begin(into: &bytes)
    encoder.encode(["行", "地址", "结论", "地址编码", "标准地址", "可信度", "说明", "其他候选"], into: &bytes)
    for start in stride(from: 0, to: entries.count, by: 5000) {
      let part = entries[start..<min(start + 5000, entries.count)]
      let lines = part.map(\.text)
      let (matches, names) = try await match(lines, visit)
      for ((entry, line), match) in zip(zip(part, lines), matches) {
        let answer = Answer(line, match, names)
        encoder.encode(
          [
            String(entry.row), line, answer.label, answer.code, answer.fullName, answer.confidence, answer.reasons,
            answer.others.joined(separator: "；"),
          ], into: &bytes)
      }
    }
    var response = Response.bytes(bytes, type: "text/csv; charset=utf-8")
    response.attach(as: "地址匹配结果.csv")
    return response
  }

  /// Matches, and the names of those candidates that the visitor may see.
  private func match(
    _ lines: [String], _ visit: Visit
  ) async throws -> (matches: [AddressMatch], names: [Int64: AddressMatchJSON.Name]) {
    let matcher = try await directory.matcher()
    let matches = await AskedAddresses.answers(to: lines, atLeast: 64) { $0.map { matcher.match($0) } }
    let ids = Array(Set(matches.flatMap { $0.candidates.map(\.id) }))
    let entity = try store.entity("address")
    let scope = ScopePredicate.compile(visit.principal, Permission("address", "view"), entity, alias: "t")
    let rows = try await store.database.query(
      """
      select t.id, t.code, t.full_name, st_x(t.location) as x, st_y(t.location) as y
      from address t where t.id = any(\(ids)) and t.status <> 'cancelled' and (\(scope))
      """)
    var names: [Int64: AddressMatchJSON.Name] = [:]
    for row in rows { names[try row.get("id")] = try AddressMatchJSON.Name(row) }
    return (matches, names)
  }

  /// 逆地理编码: the standard addresses at a place, nearest first; inside a building its own address and its rooms come
  /// first (D1-195).
  ///
  /// `GET /api/address/at?lon=…&lat=…&radius=…`, degrees of CGCS2000 and metres.
  private func reverse(_ visit: Visit) async throws -> Response {
    try require(visit)
    let query = visit.request.query
    guard let x = query.first("lon").flatMap(Double.init), let y = query.first("lat").flatMap(Double.init),
      let place = try? Coordinate(longitude: x, latitude: y)
    else { throw Refusal(.unprocessable, "place", "请用 lon 和 lat 给出经纬度。", field: "lon") }
    let radius = query.first("radius").map { Double($0) ?? 0 } ?? 200
    guard (1...2000).contains(radius) else {
      throw Refusal(.unprocessable, "radius", "radius 应为 1 到 2000 米。", field: "radius")
    }
    let entity = try store.entity("address")
    let scope = ScopePredicate.compile(visit.principal, Permission("address", "view"), entity, alias: "t")
    let point: SQL = "st_setsrid(st_makepoint(\(place.longitude), \(place.latitude)), 4490)"
    let inside = try await store.database.query(
      """
      with recursive own as (
        select b.address_id as id, 0 as depth from building b
        where b.footprint && \(point) and st_intersects(b.footprint, \(point)) and b.address_id is not null
        union all select a.id, o.depth + 1 from own o join address a on a.parent_id = o.id where o.depth < 3)
      select t.id, t.code, t.full_name, st_x(t.location) as x, st_y(t.location) as y, 0::float8 as metres
      from own join address t on t.id = own.id where t.status <> 'cancelled' and (\(scope))
      order by own.depth, t.full_name limit 500
      """)
    let near = try await NearbyAddresses(store: store).around(place, within: radius, for: visit.principal)
    func item(_ row: Row) throws -> JSON {
      let name = try AddressMatchJSON.Name(row)
      return .object(
        [("id", .int(try row.get("id")))] + name.members
          + [("metres", .double((try row.get("metres", as: Double.self) * 10).rounded() / 10))])
    }
    return .json(["inside": .array(try inside.map(item)), "near": .array(try near.map(item))])
  }
}

extension MatchRoutes {
  /// What became of one address, in words.
  private struct Answer {
    let text: String
    let label: String
    let tone: Tone
    let id: Int64?
    let code: String
    let fullName: String
    let confidence: String
    let reasons: String
    let others: [String]

    init(_ text: String, _ match: AddressMatch, _ names: [Int64: AddressMatchJSON.Name]) {
      self.text = text
      let shown = match.candidates.filter { names[$0.id] != nil }
      let first = match.candidates.first.flatMap { names[$0.id] }
      let isAccepted = match.outcome == .accepted && first != nil
      (label, tone) = isAccepted ? ("采纳", .success) : shown.isEmpty ? ("无匹配", .neutral) : ("存疑", .warning)
      id = isAccepted ? shown.first?.id : nil
      code = isAccepted ? first?.code ?? "" : ""
      fullName = isAccepted ? first?.fullName ?? "" : ""
      confidence = first == nil ? "" : "\((match.confidence * 1000).rounded() / 10)%"
      let hidden = match.candidates.isEmpty || !shown.isEmpty ? [] : ["地址不在您的数据范围内"]
      reasons = (isAccepted ? [] : match.reasons.map(\.message) + hidden).joined(separator: "；")
      others = shown.dropFirst(isAccepted ? 1 : 0).compactMap { names[$0.id]?.fullName }
    }

    var row: Shell.TableRow {
      let standard: HTML =
        if let id {
          a(.href("/r/address/\(id)")) { fullName }
        } else {
          div {
            if !reasons.isEmpty { span(.class("muted")) { reasons } }
            if !others.isEmpty { ul(.class("plain-list")) { for other in others.prefix(3) { li { other } } } }
          }
        }
      return Shell.TableRow(
        id: "", name: text, path: nil, cells: [.text(text), Badge(label, tone).html, standard, .text(confidence)])
    }
  }

  private func page(
    _ visit: Visit, text: String, answers: [Answer]?, error: String?, isFile: Bool = false
  ) async throws -> Response {
    try require(visit)
    return try await visit.page(
      "地址匹配", status: error == nil ? 200 : 422, crumbs: [Crumb("标准地址", "/r/address")],
      subtitle: "把各种写法的地址对应到标准地址；拿不准的列出候选，由人来定"
    ) {
      if let answers {
        Card("结果", isFlush: true) {
          DataTable(
            caption: "匹配结果",
            columns: [
              Column("地址", .wide), Column("结论", .state), Column("标准地址", .wide), Column("可信度", .number),
            ], rows: answers.map(\.row), opensPanel: false, empty: .empty("没有结果", ""))
        }
      }
      FormView(
        path: "/match",
        sections: [
          FormSection(
            id: "addresses", "要匹配的地址",
            fields: [
              Shell.Field(
                "text", "地址", .longText(text, rows: 8),
                help: "每行一条，最多 \(AskedAddresses.mostOnPage) 条。省市区、街道可以不写，错别字、曾用名、别名、顺序颠倒也能认。",
                error: isFile ? nil : error),
              Shell.Field(
                "file", "或者选择文件",
                .file(
                  Control.FileField(accept: ".csv,.xlsx,.txt", limit: "CSV、XLSX 或每行一条地址的文本，不超过 20 MB")),
                help: "结果作为 CSV 文件下载：每行的结论、地址编码、标准地址和候选。", error: isFile ? error : nil),
            ])
        ], errors: error.map { [FieldError(isFile ? "file" : "text", $0)] } ?? [],
        submit: Action("匹配", .submit(name: nil, value: nil), style: .primary), cancelPath: nil, isMultipart: true,
        note: "只查不改：匹配不会写入任何数据。")
    }
  }
}
