import Access
import Core
import Entities
import EntitiesWeb
package import Files
import HTML
package import HTTP
package import Papers
import Shell
package import Site

/// Issuing documents of a record at the counter, and printing issued ones (证照打印).
package struct PaperRoutes: Sendable {
  let site: Site
  let office: DocumentOffice

  package init(site: Site, office: DocumentOffice) {
    self.site = site
    self.office = office
  }

  package func register(in router: inout Router) {
    router.on(.get, "/papers/{document}/{register}/{id}", at: site) { visit in try await ask(visit) }
    router.on(.post, "/papers/{document}/{register}/{id}", at: site) { visit in try await issue(visit) }
    router.on(.get, "/issued/{id}/print", at: site) { visit in try await askPrint(visit) }
    router.on(.post, "/issued/{id}/print", at: site) { visit in try await print(visit) }
    router.on(.get, "/issued/{id}/{way}/file", at: site) { visit in try await file(visit) }
  }

  // MARK: Issuing

  private func ask(_ visit: Visit) async throws -> Response {
    let template = try office.template(try visit.request.parameter("document"))
    let id = try visit.request.integer("id")
    try await office.require(template, from: try visit.request.parameter("register"), id, visit.principal)
    return try await visit.confirmation(question(template, visit, id, nil))
  }

  private func question(
    _ template: DocumentTemplate, _ visit: Visit, _ id: Int64, _ refusal: Refusal?, typed: String = ""
  )
    throws -> Confirmation
  {
    let register = try visit.request.parameter("register")
    let path = "/r/\(register)/\(id)"
    var fields = [
      Shell.Field(
        "purpose", "用途", .text(typed, .init(maximum: 200, placeholder: "例如：本人办理入学报名")), isRequired: true,
        error: refusal?.field == "purpose" ? refusal?.message : nil)
    ]
    if template.hasFixedPlaces { fields.append(PaperRoutes.wayField("print")) }
    var consequences = ["签发后编号、签名并记入证照台账，内容不能再改；用途会记入审计，本人可以看到。"]
    if template.isSingle { consequences.append("以前签发、仍然有效的同一证件随之作废，请收回旧证。") }
    return Confirmation(
      title: "打印\(template.label)", consequences: consequences, fields: fields,
      errors: refusal.map { [FieldError($0.field, $0.message)] } ?? [],
      path: "/papers/\(template.name)/\(register)/\(id)",
      submit: "签发并打印", cancelPath: path)
  }

  private static func wayField(_ chosen: String) -> Shell.Field {
    Shell.Field(
      "way", "纸张", .radio(chosen, [Choice("print", "空白纸，连同表格一起打印"), Choice("overlay", "印制好的证件内页，只打印内容（套打）")]))
  }

  private func issue(_ visit: Visit) async throws -> Response {
    let template = try office.template(try visit.request.parameter("document"))
    let id = try visit.request.integer("id")
    let form = try await visit.request.body.form()
    let purpose = form.first("purpose") ?? ""
    let entry: Record
    do {
      entry = try await office.issue(
        template.name, from: try visit.request.parameter("register"), id, for: purpose, by: visit.principal,
        origin: visit.request.origin)
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) {
      if visit.wantsJSON { throw refusal }
      return try await visit.confirmation(
        try question(template, visit, id, refusal, typed: purpose), status: refusal.kind.status)
    }
    if visit.wantsJSON { return .json(["id": .int(entry.id), "number": .string(entry["number"].text ?? "")]) }
    return try await printed(entry.id, way(form.first("way")), "", visit)
  }

  // MARK: Printing

  private func way(_ text: String?) -> DocumentOffice.Way { text == "overlay" ? .overlay : .print }

  private func entry(_ visit: Visit) async throws -> Record {
    try await office.store.records(as: visit.principal, origin: visit.request.origin)
      .get(IssuedDocument.entity, try visit.request.integer("id"))
  }

  private func askPrint(_ visit: Visit) async throws -> Response {
    try visit.principal.require(Permission("paper", "print"), toDo: "打印证照")
    return try await visit.confirmation(try await printQuestion(visit, nil))
  }

  private func printQuestion(_ visit: Visit, _ refusal: Refusal?, typed: String = "") async throws -> Confirmation {
    let entry = try await entry(visit)
    let prints = entry[IssuedDocument.prints] ?? 0
    var fields: [Shell.Field] = []
    if prints > 0 {
      fields.append(
        Shell.Field(
          "reason", "再次打印的原因", .text(typed, .init(maximum: 200, placeholder: "例如：打印机卡纸，第一份已销毁")), isRequired: true,
          error: refusal?.field == "reason" ? refusal?.message : nil))
    }
    if office.templates.template(entry[IssuedDocument.template] ?? "")?.hasFixedPlaces == true {
      fields.append(PaperRoutes.wayField("print"))
    }
    return Confirmation(
      title: "打印\(entry[IssuedDocument.label] ?? "证照") \(entry[IssuedDocument.number] ?? "")",
      consequences: [prints == 0 ? "这是第一次打印，会记入台账。" : "已打印 \(prints) 次，这次打印和原因会记入台账。"], fields: fields,
      errors: refusal.map { [FieldError($0.field, $0.message)] } ?? [], path: "/issued/\(entry.id)/print",
      submit: "打印", cancelPath: "/r/\(IssuedDocument.entity)/\(entry.id)")
  }

  private func print(_ visit: Visit) async throws -> Response {
    let id = try visit.request.integer("id")
    let form = try await visit.request.body.form()
    let reason = form.first("reason") ?? ""
    do {
      return try await printed(id, way(form.first("way")), reason, visit)
    } catch let refusal as Refusal where refusal.kind == .invalid && !visit.wantsJSON {
      return try await visit.confirmation(
        try await printQuestion(visit, refusal, typed: reason), status: refusal.kind.status)
    }
  }

  /// Notes the printing and leads to the file, which can be fetched for a few minutes and prints as often as the printer
  /// jams.
  private func printed(_ id: Int64, _ way: DocumentOffice.Way, _ reason: String, _ visit: Visit) async throws
    -> Response
  {
    try await office.print(id, way, reason: reason, by: visit.principal, origin: visit.request.origin)
    return .redirect(to: "/issued/\(id)/\(way.rawValue)/file")
  }

  private func file(_ visit: Visit) async throws -> Response {
    guard let way = DocumentOffice.Way(rawValue: try visit.request.parameter("way")), way != .download else {
      throw Refusal(.notFound, "document-unknown", "没有这个文件。请回到证照页面重新打印。")
    }
    let file = try await office.file(try visit.request.integer("id"), way, visit.principal)
    return PaperRoutes.response(file, office.files)
  }

  /// The PDF, shown in the browser so that it can be printed from there.
  package static func response(_ file: StoredFile, _ files: FileStore) -> Response {
    var response = Response.stream(type: file.contentType) { writer in
      try await files.read(file) { try await writer.write($0) }
    }
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }
}
