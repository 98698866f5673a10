import Access
package import AddressParsing
import Addresses
import Core
import Documents
import HTML
package import HTTP
import Shell
package import Site

/// 地址解析: written addresses in, their labelled parts out; a page, a file and an interface (D1-193).
package struct ParseRoutes: Sendable {
  let site: Site
  let source: ParserSource

  package init(site: Site, source: ParserSource) {
    self.site = site
    self.source = source
  }

  package func register(in router: inout Router) {
    router.on(.get, "/parse", at: site) { visit in try await page(visit, text: "", answers: nil, error: nil) }
    router.on(.post, "/parse", maximumBody: 20 << 20, at: site) { visit in try await answer(visit) }
    router.on(.post, "/api/address/parse", at: site) { visit in try await interface(visit) }
  }

  func require(_ visit: Visit) throws {
    try visit.principal.require(Permission("address", "view"), toDo: "解析地址")
  }

  /// `{"addresses":["…"]}` → `{"items":[{"text":…,"parts":[{"label":…,"text":…}]}]}`, in the order asked.
  private func interface(_ visit: Visit) async throws -> Response {
    try require(visit)
    let body = try await visit.request.body.json()
    let lines = try AskedAddresses.lines(of: body)
    return .json(["items": .array(try await parse(lines).map(\.json))])
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
    return try await page(visit, text: text, answers: try await parse(lines), error: nil)
  }

  /// A list of addresses comes back as CSV: each row in its parts, and these sorted into columns.
  private func table(_ upload: UploadedFile, _ visit: Visit) async throws -> Response {
    let entries: [AddressFile.Entry]
    do { entries = try AskedAddresses.entries(of: upload) } catch let refusal as Refusal {
      return try await page(visit, text: "", answers: nil, error: refusal.message, isFile: true)
    }
    let encoder = CSVEncoder()
    var bytes: [UInt8] = []
    encoder.begin(into: &bytes)
    encoder.encode(["行", "地址", "分段"] + AddressLabel.allCases.map(\.title), into: &bytes)
    for (entry, parsed) in zip(entries, try await parse(entries.map(\.text))) {
      var columns = [[String]](repeating: [], count: AddressLabel.count)
      for part in parsed.parts { columns[Int(part.label.rawValue)].append(parsed.text(of: part)) }
      let reading = parsed.parts.map { "\(parsed.text(of: $0))/\($0.label.title)" }.joined(separator: " ")
      encoder.encode(
        [String(entry.row), entry.text, reading] + columns.map { $0.joined(separator: "；") }, into: &bytes)
    }
    var response = Response.bytes(bytes, type: "text/csv; charset=utf-8")
    response.attach(as: "地址解析结果.csv")
    return response
  }

  /// Shares the lines out among a few tasks, each with a parser of its own.
  private func parse(_ lines: [String]) async throws -> [LabelledAddress] {
    let model = try source.get()
    return await AskedAddresses.answers(to: lines, atLeast: 256) { part in
      var parser = AddressParser(model)
      return part.map { parser.parse($0) }
    }
  }
}
