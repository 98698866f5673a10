import Access
import Cases
import Core
import Documents
import Entities
import EntitiesWeb
import Files
import HTML
import HTTP
import Papers
import PapersWeb
import Shell
import Site

/// The papers of a case: the form to sign, and what it resulted in.
extension CaseRoutes {
  func registerDocuments(in router: inout Router) {
    router.on(.get, "/cases/{id}/form.pdf", at: site) { visit in try await printForm(visit) }
    router.on(.get, "/cases/{id}/papers/{paper}", at: site) { visit in try await download(paper: visit) }
  }

  /// 申请表: the same form as on the page, with the list of materials and the place to sign.
  private func printForm(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let page = try await CasePage.sheet(of: view, cases, visit)
    let bytes = try await cases.office.make(
      "application_form", of: view.id, slots: page.formSlots, signatures: try await signature(of: view, visit),
      purpose: "打印申请表", by: visit.principal, origin: visit.request.origin)
    var response = Response.bytes(bytes, type: "application/pdf")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }

  /// The latest signature, where it still covers what is printed; the strokes for whoever may see them, which is audited.
  private func signature(of view: CaseView, _ visit: Visit) async throws -> [String: DocumentSignature] {
    guard let last = view.signatures.first, last.verdict.holds, last.method != .paper else { return [:] }
    var strokes: (png: [UInt8], ratio: Double)?
    if let key = last.picture, view.access == .applicant || !view.mine.isEmpty {
      _ = try await cases.openFile(key, of: view.id, .page(1), as: visit.principal, origin: visit.request.origin)
      let png = try await files.bytes(of: try await files.find(key))
      let image = try RasterImage(png)
      strokes = (png, Double(image.width) / Double(image.height))
    }
    let note =
      "身份核对：\(store.catalog.signatureIdentity(last.identity))。\(CasePage.words(last.verdict) ?? "签名后申请内容和材料没有改动。")"
    return [
      CasePage.signaturePlace: DocumentSignature(
        picture: strokes, method: last.method.label, time: last.signedAt.display,
        note: "\(note)可凭验真码在验真页面核对。", digest: last.digest, code: last.code)
    ]
  }

  /// What the applicant's own case resulted in, as a signed file.
  private func download(paper visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let id = try visit.request.integer("paper")
    guard view.access == .applicant, view.documents.contains(where: { $0.id == id }) else {
      throw Refusal(.notFound, "document-missing", "没有找到这份证照，或它不是您的办件签发的。请从“我的办件”重新进入。")
    }
    let file = try await cases.office.download(id, by: visit.principal, origin: visit.request.origin)
    var response = PaperRoutes.response(file, files)
    response.attach(as: file.name)
    return response
  }
}
