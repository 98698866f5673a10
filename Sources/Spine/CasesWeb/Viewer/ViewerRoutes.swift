import Access
package import Cases
import Core
import Entities
import EntitiesWeb
package import Files
import HTML
package import HTTP
import Shell
package import Site

/// Looking at the papers of a case: registering why, the viewer, and its pictures (C-080, C-197, C-296, C-315).
package struct ViewerRoutes: Sendable {
  let site: Site
  let cases: CaseStore
  let files: FileStore
  let images: PageImages

  package init(site: Site, cases: CaseStore, files: FileStore, images: PageImages) {
    self.site = site
    self.cases = cases
    self.files = files
    self.images = images
  }

  package func register(in router: inout Router) {
    router.on(.get, "/cases/{id}/read", at: site) { visit in try await ask(visit) }
    router.on(.post, "/cases/{id}/read", at: site) { visit in try await enter(visit) }
    router.on(.get, "/cases/{id}/view", at: site) { visit in try await show(visit) }
    router.on(.get, "/cases/{id}/pages/{key}/{page}", at: site) { visit in try await picture(visit) }
  }

  // MARK: Registering

  private func ask(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    return try await visit.confirmation(question(view, visit, FormInput(["days": ["1"], "basis": ["duty"]]), []))
  }

  private func view(_ visit: Visit) async throws -> CaseView {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再查看材料。")
    }
    return try await cases.view(try visit.request.integer("id"), as: visit.principal, origin: visit.request.origin)
  }

  private func question(_ view: CaseView, _ visit: Visit, _ typed: FormInput, _ errors: [FieldError]) -> Confirmation {
    let mayLook = visit.principal.may(CaseReadings.right) && view.access != .reading
    let codes = cases.store.catalog.dictionary("case_reading_basis")?.codes ?? []
    return Confirmation(
      title: mayLook ? "登记后查看材料影像" : "申请调阅材料影像",
      consequences: [
        mayLook ? "您有查阅权限，登记后当即可看。" : "由办件所属单位批准后才能看，结果在“档案调阅”里。",
        "每一页都带您的姓名、单位和时间，每次查看都记入审计。",
      ],
      fields: [
        Shell.Field(
          "basis", "调阅依据", .select(typed.first("basis"), codes.map { Choice($0.code, $0.label) }, blank: nil),
          isRequired: true, error: errors["basis"]),
        Shell.Field(
          "basis_document", "文书编号", .text(typed.first("basis_document"), .init(maximum: 60)),
          help: "依据协查函或介绍信的要写", error: errors["basis_document"]),
        Shell.Field(
          "purpose", "调阅事由", .longText(typed.first("purpose"), rows: 2, maximum: 500), isRequired: true,
          error: errors["purpose"]),
        Shell.Field(
          "days", "调阅天数", .number(typed.first("days"), unit: "天", minimum: "1", maximum: "30"), isRequired: true,
          error: errors["days"]),
      ],
      errors: errors, path: "/cases/\(view.id)/read", submit: mayLook ? "登记并查看" : "提交申请",
      cancelPath: "/cases/\(view.id)")
  }

  private func enter(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let form = try await visit.request.body.form()
    let typed = FormInput(form)
    let records = cases.store.records(as: visit.principal, origin: visit.request.origin)
    func text(_ name: String) -> Value {
      let text = String(typed.first(name).drop(while: \.isWhitespace))
      return text.isEmpty ? .null : .text(text)
    }
    do {
      let reading = try await records.insert(
        CaseReading.entity,
        [
          "case_number": view.record["number"], "basis": text("basis"), "basis_document": text("basis_document"),
          "purpose": text("purpose"), "days": Int64(typed.first("days")).map { .integer($0) } ?? .null,
        ].filter { !$0.value.isNull })
      if reading["state"].text == "granted" {
        return try visit.redirect(to: "/cases/\(view.id)/view", saying: "已登记调阅 \(reading["number"].text ?? "")。")
      }
      return try visit.redirect(to: "/r/\(CaseReading.entity)/\(reading.id)", saying: "已提交调阅申请，批准后可以查看。")
    } catch let refusal as Refusal where [.invalid, .unprocessable].contains(refusal.kind) {
      let errors = [FieldError](refusal)
      return try await visit.confirmation(question(view, visit, typed, errors), status: refusal.kind.status)
    }
  }

  // MARK: The viewer

  private func show(_ visit: Visit) async throws -> Response {
    let view = try await view(visit)
    let shown = try await shownFiles(view)
    let crumbs = [Crumb("办件 \(view.record["number"].text ?? "")", "/cases/\(view.id)")]
    if view.materials.contains(where: { $0.masked.contains("files") }) {
      return try visit.redirect(to: "/cases/\(view.id)/read")
    }
    guard !shown.isEmpty else {
      return try await visit.page("材料影像", crumbs: crumbs) {
        StateView.empty("没有影像", "这件办件没有提交电子文件，或材料都是免提交、交原件的。")
      }
    }
    let query = visit.request.query
    let current = shown.firstIndex { $0.file.key == query.first("file") } ?? 0
    let file = shown[current].file
    var pages = 1
    var problem: String?
    do {
      pages = try await images.pageCount(of: file)
      if !PageImages.canDraw(file) { problem = "“\(file.name)”不是 JPEG、PNG 或 PDF。" }
    } catch let refusal as Refusal {
      problem = refusal.message
    }
    let page = query.first("page") == "last" ? pages : min(max(Int(query.first("page") ?? "") ?? 1, 1), pages)
    let access = try await cases.openFile(
      file.key, of: view.id, .none, as: visit.principal, origin: visit.request.origin)
    var note: String?
    if case .reading(let reading) = access.ground {
      note = "调阅 \(reading.number)，可看至 \(reading.validUntil.display)。每一页都带您的姓名、单位和时间。"
    }
    let viewer = ViewerPage(
      path: "/cases/\(view.id)/view", files: shown.map(\.shown), current: current, page: page, pages: pages,
      zoom: min(max(Int(query.first("zoom") ?? "") ?? 1, 1), 3), turn: (Int(query.first("turn") ?? "") ?? 0) & 3,
      note: note, download: access.givesOriginal ? "/cases/\(view.id)/files/\(file.key)" : nil, problem: problem)
    var response = try await visit.page(
      "材料影像", layout: .wide, crumbs: crumbs, subtitle: "\(view.item.label)，\(shown.count) 份文件"
    ) { viewer.html }
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }

  private func shownFiles(_ view: CaseView) async throws -> [(file: StoredFile, shown: ViewerFile)] {
    var shown: [(file: StoredFile, shown: ViewerFile)] = []
    func add(_ key: String, _ label: String) async throws {
      guard let file = try? await files.find(key) else { return }
      shown.append(
        (file, ViewerFile(key: key, label: label, name: file.name, canDraw: PageImages.canDraw(file))))
    }
    for material in view.materials where !material.masked.contains("files") {
      for key in material["files"].list ?? [] {
        try await add(key, material["label"].text ?? "")
      }
    }
    for signature in view.signatures {
      if let sheet = signature.sheet { try await add(sheet, "申请表（已签名）") }
    }
    for added in try await cases.addedFiles(of: view.id) { try await add(added.key, added.label) }
    return shown
  }

  // MARK: Pictures

  /// Longer sides in pixels.
  private static let sizes = ["thumb": 160, "page": 1400, "large": 2200, "full": 3200]

  private func picture(_ visit: Visit) async throws -> Response {
    let key = try visit.request.parameter("key")
    let page = Int(try visit.request.integer("page"))
    let size = visit.request.query.first("size") ?? "page"
    guard let longest = ViewerRoutes.sizes[size], (1...5000).contains(page) else {
      throw Refusal(.notFound, "page-missing", "没有这一页。请从材料影像重新打开。")
    }
    let access = try await cases.openFile(
      key, of: try visit.request.integer("id"), size == "thumb" ? .thumbnail : .page(page), as: visit.principal,
      origin: visit.request.origin)
    let file = try await files.find(key)
    var mark: String?
    if case .reading(let reading) = access.ground {
      let unit = visit.principal.unit.map { "\($0.name) " } ?? ""
      mark = "\(unit)\(visit.principal.name)\n\(cases.store.clock.now().display) \(reading.number)"
    }
    let picture = try await images.jpeg(
      of: file, page: page, longest: longest, quarters: (Int(visit.request.query.first("turn") ?? "") ?? 0) & 3,
      watermark: mark)
    var response = Response.bytes(picture, type: "image/jpeg")
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }
}
