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

  /// Addresses that one question may have: on the page, by the interface, in a file.
  static let mostOnPage = 200
  static let mostInInterface = 1000
  private static let mostInFile = 100_000
  /// Characters of one address.
  static let longest = 500

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
    guard let texts = body["addresses"]?.array?.map(\.string), !texts.isEmpty,
      texts.count <= ParseRoutes.mostInInterface, !texts.contains(nil)
    else {
      throw Refusal(
        .unprocessable, "parse-addresses", "addresses 应为 1 到 \(ParseRoutes.mostInInterface) 条地址文本的数组。",
        field: "addresses")
    }
    let lines = texts.compactMap(\.self)
    if let refusal = ParseRoutes.tooLong(lines) { throw refusal }
    return .json(["items": .array(try await parse(lines).map(\.json))])
  }

  private static func tooLong(_ lines: [String]) -> Refusal? {
    guard let index = lines.firstIndex(where: { $0.unicodeScalars.count > longest }) else { return nil }
    return Refusal(
      .unprocessable, "parse-too-long", "第 \(index + 1) 条超过 \(longest) 字，不像一条地址。请拆开后再解析。", field: "addresses")
  }

  private func answer(_ visit: Visit) async throws -> Response {
    try require(visit)
    let form = try await visit.request.body.form()
    if let file = form.file("file"), file.size > 0 { return try await table(file, visit) }
    let text = form.first("text") ?? ""
    let lines = text.split(whereSeparator: \.isNewline).map { String($0) }.filter { !$0.allSatisfy(\.isWhitespace) }
    guard !lines.isEmpty else { return try await page(visit, text: text, answers: nil, error: "请填写地址，每行一条。") }
    guard lines.count <= ParseRoutes.mostOnPage else {
      return try await page(
        visit, text: text, answers: nil, error: "一次最多 \(ParseRoutes.mostOnPage) 条，现有 \(lines.count) 条；更多的请用文件。")
    }
    if let refusal = ParseRoutes.tooLong(lines) {
      return try await page(visit, text: text, answers: nil, error: refusal.message)
    }
    return try await page(visit, text: text, answers: try await parse(lines), error: nil)
  }

  /// A list of addresses comes back as CSV: each row in its parts, and these sorted into columns.
  private func table(_ upload: UploadedFile, _ visit: Visit) async throws -> Response {
    let file: AddressFile
    do { file = try AddressFile(path: upload.path) } catch let refusal as Refusal {
      return try await page(visit, text: "", answers: nil, error: refusal.message, isFile: true)
    }
    var entries: [AddressFile.Entry] = []
    while let entry = try file.next() {
      entries.append(entry)
      guard entries.count <= ParseRoutes.mostInFile else {
        return try await page(
          visit, text: "", answers: nil, error: "文件超过 \(ParseRoutes.mostInFile) 行，请分成几个文件。", isFile: true)
      }
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
    let share = max(256, (lines.count + 3) / 4)
    return await withTaskGroup(of: (Int, [LabelledAddress]).self) { group in
      for start in stride(from: 0, to: lines.count, by: share) {
        let part = lines[start..<min(start + share, lines.count)]
        group.addTask {
          var parser = AddressParser(model)
          var parsed: [LabelledAddress] = []
          for line in part { parsed.append(parser.parse(line)) }
          return (start, parsed)
        }
      }
      var parts: [(Int, [LabelledAddress])] = []
      for await part in group { parts.append(part) }
      return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }
  }
}
