import Access
import Cases
import Core
import Entities
import HTML
import HTTP
import Shell
import Site

/// Verifying a material again, or by hand (C-030).
extension CaseRoutes {
  func registerVerification(in router: inout Router) {
    router.on(.post, "/cases/{id}/materials/{material}/verify", at: site) { visit in try await verify(visit) }
    router.on(.get, "/cases/{id}/materials/{material}/confirm", at: site) { visit in try await askConfirm(visit) }
    router.on(.post, "/cases/{id}/materials/{material}/confirm", at: site) { visit in try await confirm(visit) }
  }

  private func verify(_ visit: Visit) async throws -> Response {
    try requireUser(visit)
    let id = try visit.request.integer("id")
    let found = try await cases.verify(
      material: try visit.request.integer("material"), of: id, by: visit.principal, origin: visit.request.origin)
    if visit.wantsJSON { return .json(["result": .string(found.result.rawValue), "note": .string(found.note)]) }
    return try visit.redirect(
      to: "/cases/\(id)", saying: "\(found.result.label)：\(found.note)", tone: CasePage.tone(found.result))
  }

  private func question(_ view: CaseView, _ visit: Visit, _ refusal: Refusal?, typed: FormData? = nil) throws
    -> Confirmation
  {
    let number = try visit.request.integer("material")
    guard let material = view.materials.first(where: { $0.id == number }) else {
      throw Refusal(.notFound, "material-unknown", "没有找到这份材料，可能已被替换。请刷新页面。")
    }
    return Confirmation(
      title: "人工核验：\(material["label"].text ?? "材料")", consequences: ["结果和您的姓名记入办理过程，申请人可以看到。"],
      fields: [
        Shell.Field(
          "result", "对照原件", .radio(typed?.first("result") ?? "", [Choice("match", "一致"), Choice("mismatch", "不一致")]),
          isRequired: true, error: refusal?.field == "result" ? refusal?.message : nil),
        Shell.Field(
          "reason", "怎样核验的", .longText(typed?.first("reason") ?? "", rows: 2, maximum: 200), isRequired: true,
          error: refusal?.field == "opinion" ? refusal?.message : nil),
      ],
      errors: refusal.map { [FieldError($0.field == "opinion" ? "reason" : $0.field, $0.message)] } ?? [],
      path: "/cases/\(view.id)/materials/\(number)/confirm", submit: "登记核验结果", cancelPath: "/cases/\(view.id)")
  }

  private func askConfirm(_ visit: Visit) async throws -> Response {
    try await visit.confirmation(try question(try await view(visit), visit, nil))
  }

  private func confirm(_ visit: Visit) async throws -> Response {
    let id = try visit.request.integer("id")
    let form = try await visit.request.body.form()
    do {
      guard let result = form.first("result"), ["match", "mismatch"].contains(result) else {
        throw Refusal(.invalid, "result-missing", "请选择一致还是不一致。", field: "result")
      }
      try requireUser(visit)
      try await cases.confirm(
        material: try visit.request.integer("material"), of: id, matches: result == "match",
        note: form.first("reason") ?? "", by: visit.principal, origin: visit.request.origin)
    } catch let refusal as Refusal where refusal.kind == .invalid {
      return try await visit.confirmation(
        try question(try await view(visit), visit, refusal, typed: form), status: refusal.kind.status)
    }
    return try visit.redirect(to: "/cases/\(id)", saying: "已登记核验结果。")
  }
}
