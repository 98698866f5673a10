import Access
package import Addresses
import Core
import Documents
package import Entities
import Foundation
package import HTTP
package import Site

/// Addresses with their QR codes for other systems: one as a picture or JSON, many page by page or as a ZIP.
///
/// Keys see the addresses of their scope; quota and log are those of all interfaces. ``AddressCodeDescription`` describes
/// it in OpenAPI.
package struct AddressCodeInterface: Sendable {
  let site: Site
  let store: RecordStore
  let codes: AddressQR

  /// Addresses in one answer.
  static let most = 200

  package init(site: Site, store: RecordStore, codes: AddressQR) {
    self.site = site
    self.store = store
    self.codes = codes
  }

  package func register(in router: inout Router) {
    router.on(.get, "/api/address/{code}/qr", at: site) { visit in try await one(visit) }
    router.on(.get, "/api/addresses/qr", at: site) { visit in try await many(visit) }
  }

  static let columns = ["code", "full_name", "kind", "status", "division_code", "plate_status", "updated_at"]

  private func scale(_ visit: Visit) throws -> Int {
    guard let text = visit.request.query.first("scale") else { return AddressQR.scale }
    guard let scale = Int(text), (1...40).contains(scale) else {
      throw Refusal(.invalid, "qr-scale", "二维码每格 1 到 40 像素，没有生成。请改小或改大 scale。", field: "scale")
    }
    return scale
  }

  private func json(_ record: Record, scale: Int) throws -> JSON {
    func text(_ name: String) -> JSON { record[name].text.map { .string($0) } ?? .null }
    return [
      "id": .int(record.id), "code": text("code"), "fullName": text("full_name"), "kind": text("kind"),
      "status": text("status"), "divisionCode": text("division_code"), "plateStatus": text("plate_status"),
      "updatedAt": .string(record.updatedAt.iso8601),
      "qr": try codes.json(code: record["code"].text, status: record["status"].text, scale: scale),
    ]
  }

  // MARK: One

  private func one(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("address", "view"), toDo: "查看标准地址")
    let scale = try scale(visit)
    let code = try visit.request.parameter("code")
    let record = try await store.records(as: visit.principal, origin: visit.request.origin)
      .find("address", where: "code", equals: .text(String(code.prefix(32))))
    guard let record, let code = record["code"].text else {
      throw Refusal(.notFound, "address-unknown", "没有这个编码的地址，或不在密钥的数据范围内。请核对编码。")
    }
    let format = visit.request.query.first("format") ?? "json"
    if format == "json" { return .json(try json(record, scale: scale)) }
    guard record["status"].text != "cancelled" else {
      throw Refusal(.gone, "address-cancelled", "这个地址已经注销，不再有二维码。请按并入的地址查询。")
    }
    let symbol = try codes.symbol(of: code).code
    switch format {
    case "png": return .bytes(symbol.png(scale: scale), type: AddressQR.mediaType)
    case "svg": return .bytes(Array(symbol.svg().utf8), type: "image/svg+xml")
    default: throw AddressCodeInterface.formatUnknown("json、png、svg")
    }
  }

  private static func formatUnknown(_ known: String) -> Refusal {
    Refusal(.invalid, "qr-format", "format 可以是 \(known)。请改正后重新请求。", field: "format")
  }

  // MARK: Many

  /// The filters of the list of addresses; `after` goes on behind the last page.
  private func many(_ visit: Visit) async throws -> Response {
    let entity = try store.entity("address")
    try visit.principal.require(Permission("address", "view"), toDo: "查看标准地址")
    let scale = try scale(visit)
    var query = try ListQuery(
      entity, items: visit.request.query.items.map { ($0.name, $0.value) }, ignoring: ["format", "scale", "key"])
    query.columns = AddressCodeInterface.columns
    query.limit = min(query.limit ?? 50, AddressCodeInterface.most)
    let page = try await store.records(as: visit.principal, origin: visit.request.origin).list(query)
    switch visit.request.query.first("format") ?? "json" {
    case "json":
      var members: [(key: String, value: JSON)] = [
        ("items", .array(try page.records.map { try json($0, scale: scale) })),
        ("count", .int(Int64(page.count.value))),
        ("countIsEstimate", .bool(page.count.isEstimate)),
      ]
      if let next = page.next { members.append(("next", .string(next.text))) }
      return .json(.object(members))
    case "zip":
      var response = Response.bytes(try zip(page.records, scale: scale), type: "application/zip")
      response.attach(as: "地址二维码.zip")
      if let next = page.next { response.headers["X-Next"] = next.text }
      return response
    default: throw AddressCodeInterface.formatUnknown("json、zip")
    }
  }

  /// A picture for each address that has one, named by its code, and `addresses.csv` with all of them.
  private func zip(_ records: [Record], scale: Int) throws -> [UInt8] {
    let path = NSTemporaryDirectory() + "lifang-qr-\(UUID().uuidString).zip"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let archive = try ZipWriter(path: path)
    let encoder = CSVEncoder()
    var list: [UInt8] = []
    encoder.begin(into: &list)
    encoder.encode(["地址编码", "标准地址", "状态", "二维码内容", "图片"], into: &list)
    for record in records {
      let code = record["code"].text ?? ""
      var (content, name) = ("", "")
      if !code.isEmpty, record["status"].text != "cancelled" {
        let symbol = try codes.symbol(of: code)
        (content, name) = (symbol.content, "\(code).png")
        try archive.add(name, symbol.code.png(scale: scale))
      }
      encoder.encode(
        [code, record["full_name"].text ?? "", record.titles["status"] ?? "", content, name], into: &list)
    }
    try archive.add("addresses.csv", list)
    try archive.finish()
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }
}
