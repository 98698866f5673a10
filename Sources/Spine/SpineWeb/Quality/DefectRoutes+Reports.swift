import Access
import Addresses
import Core
import HTTP
import Site

extension DefectRoutes {
  /// `{"code":"…"` or `"text":"…","kind":"house_number","problem":"…","proposed":"…","reference":"…"}` → 201
  /// `{"id":12,"state":"open"}`; 200 for one that was reported before under the same `reference`.
  func report(_ visit: Visit) async throws -> Response {
    try visit.principal.require(AddressReports.permission, toDo: "上报地址错误")
    let report = try DefectRoutes.report(try await visit.request.body.json())
    let (id, isNew) = try await reports.take(report, by: visit.principal)
    var response = Response.json(
      try await reports.answer(id, to: visit.principal).json, status: isNew ? 201 : 200)
    response.headers["Location"] = "/api/address/reports/\(id)"
    return response
  }

  /// `{"id":12,"state":"open|fixed|kept","answer":"…","settledAt":"…","reference":"…","address":{"code","fullName","status"}}`
  func answer(_ visit: Visit) async throws -> Response {
    .json(try await reports.answer(try visit.request.integer("id"), to: visit.principal).json)
  }

  private static func report(_ body: JSON) throws(Refusal) -> AddressReports.Report {
    func text(_ name: String, _ label: String, most: Int, isRequired: Bool = false) throws(Refusal) -> String? {
      let text = body[name]?.string?.filter { !$0.isNewline }
      guard let text, !text.allSatisfy(\.isWhitespace) else {
        if isRequired { throw Refusal(.unprocessable, "report-form", "请用 \(name) 写明\(label)。", field: name) }
        return nil
      }
      guard text.count <= most else {
        throw Refusal(.unprocessable, "report-form", "\(name)（\(label)）最多 \(most) 个字。", field: name)
      }
      return text
    }
    guard let kind = try text("kind", "错误类型", most: 40, isRequired: true),
      let problem = try text("problem", "哪里不对", most: 500, isRequired: true)
    else { throw Refusal(.unprocessable, "report-form", "请写明 kind 和 problem。", field: "problem") }
    return AddressReports.Report(
      code: try text("code", "地址编码", most: 64), text: try text("text", "地址", most: 200), kind: kind, problem: problem,
      proposed: try text("proposed", "建议改为", most: 200), reference: try text("reference", "贵方编号", most: 60))
  }
}
