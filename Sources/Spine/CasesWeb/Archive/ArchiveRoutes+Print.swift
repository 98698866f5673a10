import Access
import Audit
import Cases
import Core
import Documents
import Entities
import EntitiesWeb
import Files
import HTML
import HTTP
import PapersWeb
import SQL
import Shell
import Site

/// Archives on paper (纸质档案打印) and catalogues of what was filed (归档目录; C-504, C-513).
extension ArchiveRoutes {
  // MARK: The whole archive

  /// So many pages are bound at once; a larger archive is printed from the viewer.
  private static let largest = 300
  /// Pixels of the longer side of a page on paper: 150 dpi on A4.
  private static let longest = 1750
  /// Seconds in which somebody may fetch what they have just printed.
  private static let printingTime: Int64 = 900

  private func printable(_ visit: Visit) async throws -> Record {
    try visit.principal.require(Permission(Archive.entity, "print"), toDo: "打印纸质档案")
    let records = records(visit, "打印纸质档案")
    let id = try visit.request.integer("id")
    guard try await records.reaches(Archive.entity, id, action: "print") else {
      throw Refusal(.notFound, "archive-missing", "没有找到这份档案，或它不在您的打印范围内。请从电子档案重新进入。")
    }
    return try await records.get(Archive.entity, id)
  }

  /// Pages of materials are printed by whoever may look at them now: with a reading that says why.
  ///
  /// - Returns: where to register first; `nil` when nothing is due.
  private func readingDue(_ archive: Record, _ visit: Visit) async throws -> String? {
    guard let id = archive["service_case_id"].integer else { return nil }
    let view = try await cases.view(id, as: visit.principal, origin: visit.request.origin)
    return view.reading == nil && view.mine.isEmpty ? "/cases/\(id)/read" : nil
  }

  private func question(_ archive: Record, _ typed: String, _ error: String?) -> Confirmation {
    let number = archive["number"].text ?? ""
    return Confirmation(
      title: "打印纸质档案 \(number)",
      consequences: ["打印卷内目录和全部材料影像，一次成册；每页注明档号、页号和打印人。", "用途记入打印记录和审计。"],
      fields: [
        Shell.Field(
          "purpose", "用途", .text(typed, .init(maximum: 200, placeholder: "例如：纸质档案装订入盒")), isRequired: true, error: error
        )
      ], errors: error.map { [FieldError("purpose", $0)] } ?? [], path: "/archives/\(archive.id)/paper",
      submit: "打印纸质档案", cancelPath: "/r/\(Archive.entity)/\(archive.id)")
  }

  func askPaper(_ visit: Visit) async throws -> Response {
    let archive = try await printable(visit)
    if let due = try await readingDue(archive, visit) {
      return try visit.redirect(to: due, saying: "打印材料影像要先登记调阅事由。登记后再点“打印纸质档案”。", tone: .info)
    }
    return try await visit.confirmation(question(archive, "纸质档案装订入盒", nil))
  }

  func notePaper(_ visit: Visit) async throws -> Response {
    let archive = try await printable(visit)
    if let due = try await readingDue(archive, visit) { return try visit.redirect(to: due) }
    let purpose = TextForms.trimmed(try await visit.request.body.form().first("purpose") ?? "")
    guard !purpose.isEmpty else {
      return try await visit.confirmation(question(archive, "", "请写明用途，会记入打印记录。"), status: 422)
    }
    let writer = visit.principal.entrusted(with: [Archive.printing, Archive.entity])
    let values: [String: Value] = [
      "archive_id": .integer(archive.id), "purpose": .text(String(purpose.prefix(200))),
      "printed_by": .integer(visit.principal.id), "printed_at": .instant(store.clock.now()),
      "digest": archive["digest"],
      "division_code": archive["division_code"], "unit_id": archive["unit_id"],
    ]
    try await store.records(as: writer, purpose: "打印纸质档案：\(purpose)", origin: visit.request.origin).insert(
      Archive.printing, values.filter { !$0.value.isNull }, input: .code)
    return .redirect(to: "/archives/\(archive.id)/paper.pdf")
  }

  func paper(_ visit: Visit) async throws -> Response {
    let archive = try await printable(visit)
    let noted = try await records(visit, "打印纸质档案").attached(Archive.printing, to: archive.id).contains { record in
      guard let at = record["printed_at"].instant else { return false }
      return record["printed_by"].integer == visit.principal.id
        && at > store.clock.now() + -ArchiveRoutes.printingTime
    }
    guard noted, try await readingDue(archive, visit) == nil else {
      throw Refusal(.forbidden, "archive-not-printed", "打印链接已失效。请回到档案页面重新点“打印纸质档案”。")
    }
    let (lines, total) = try await lines(of: archive, records(visit, "打印纸质档案"))
    guard total <= ArchiveRoutes.largest else {
      throw Refusal(
        .unprocessable, "archive-too-long", "这份档案有 \(total) 页，一次最多打印 \(ArchiveRoutes.largest) 页。请在“查看影像”里分件打印。")
    }
    let sheets = try await sheets(of: lines)
    let (name, now, longest) = (visit.principal.name, store.clock.now(), ArchiveRoutes.longest)
    let bytes = try await images.bound(sheets.count + 1) { index in
      guard index > 0 else { return try ArchiveCatalogue.contents(archive, lines, total: total, by: name, at: now) }
      let sheet = sheets[index - 1]
      let picture = try await images.jpeg(of: sheet.file, page: sheet.page, longest: longest)
      return try ArchiveCatalogue.page(picture, archive, sheet.line, page: sheet.number, by: name, at: now)
    }
    var response = Response.bytes(bytes, type: "application/pdf")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }

  private struct Sheet: Sendable {
    let line: ArchiveCatalogue.Line
    let file: StoredFile
    let page: Int
    /// 页号, counted through the archive.
    let number: Int
  }

  /// Every page of the papers that could be counted, in the order of the catalogue.
  private func sheets(of lines: [ArchiveCatalogue.Line]) async throws -> [Sheet] {
    var sheets: [Sheet] = []
    for line in lines {
      guard var number = line.pages?.lowerBound, line.files > 0 else { continue }
      for entry in try await entries(of: line.id) {
        guard let key = entry["key"]?.string else { continue }
        let file = try await files.find(key)
        for page in 1...(try await images.pageCount(of: file)) {
          sheets.append(Sheet(line: line, file: file, page: page, number: number))
          number += 1
        }
      }
    }
    return sheets
  }

  // MARK: Catalogues

  private func catalogueRecord(_ visit: Visit) async throws -> Record {
    try await records(visit, "归档目录").get(ArchiveCatalogues.entity, try visit.request.integer("id"))
  }

  func askCatalogue(_ visit: Visit) async throws -> Response {
    try visit.principal.require(ArchiveCatalogues.right, toDo: "打印归档目录")
    let record = try await catalogueRecord(visit)
    let prints = record["prints"].integer ?? 0
    return try await visit.confirmation(
      Confirmation(
        title: "打印归档目录 \(record["number"].text ?? "")",
        consequences: [
          "共 \(record["archive_count"].integer ?? 0) 件档案，\(record["file_count"].integer ?? 0) 份电子文件。",
          prints == 0 ? "打印出的目录留存，以后再打印是同一份。" : "已打印 \(prints) 次，这次打印的是同一份。",
        ], path: "/archives/catalogues/\(record.id)/print", submit: "打印目录",
        cancelPath: "/r/\(ArchiveCatalogues.entity)/\(record.id)"))
  }

  /// Sets the catalogue when it is printed for the first time and keeps it; each printing is counted.
  func printCatalogue(_ visit: Visit) async throws -> Response {
    try visit.principal.require(ArchiveCatalogues.right, toDo: "打印归档目录")
    let id = try visit.request.integer("id")
    let own = records(visit, "打印归档目录")
    guard try await own.reaches(ArchiveCatalogues.entity, id, action: "print") else {
      throw Refusal(.notFound, "catalogue-missing", "没有找到这份目录，或它不在您的打印范围内。请从归档目录重新进入。")
    }
    let writer = store.records(
      as: visit.principal.entrusted(with: [ArchiveCatalogues.entity, Archive.entity]), purpose: "打印归档目录",
      origin: visit.request.origin)
    let now = store.clock.now()
    try await store.database.transaction { transaction in
      try await transaction.execute("select pg_advisory_xact_lock(hashtextextended('archive_catalogue', -\(id)))")
      let records = writer.within(transaction)
      let record = try await records.get(ArchiveCatalogues.entity, id, reveal: true)
      var changes: [String: Value] = [
        "state": .text("printed"), "printed_at": .instant(now), "printed_by": .integer(visit.principal.id),
        "prints": .integer((record["prints"].integer ?? 0) + 1),
      ]
      if record["file"].isBlank {
        let listed = try await records.list(
          ListQuery(
            Archive.entity, filters: [ListFilter("catalogue_id", .equals(.integer(id)))],
            sort: [.init(field: "filed_at", descending: false)],
            columns: ["number", "item_label", "subject_name", "finished_at", "file_count", "state"],
            limit: ListQuery.maximumLimit)
        ).records
        let bytes = try ArchiveCatalogue.catalogue(record, listed, by: visit.principal.name, at: now)
        let file = try await files.put(
          bytes: bytes, name: "归档目录-\(record["number"].text ?? "").pdf", classification: .sensitive,
          by: visit.principal,
          in: transaction)
        changes["file"] = .text(file.key)
        changes["digest"] = .text(file.digest)
      }
      try await records.update(ArchiveCatalogues.entity, id, version: nil, changes, input: .code)
      try await store.audit.append(
        AuditEntry(
          visit.principal, "archive_catalogue.print", entity: ArchiveCatalogues.entity, record: id,
          purpose: "打印归档目录", origin: visit.request.origin), in: transaction)
    }
    return .redirect(to: "/archives/catalogues/\(id)/catalogue.pdf")
  }

  func catalogue(_ visit: Visit) async throws -> Response {
    try visit.principal.require(ArchiveCatalogues.right, toDo: "打印归档目录")
    let record = try await catalogueRecord(visit)
    let kept = try await store.records(
      as: visit.principal.entrusted(with: [ArchiveCatalogues.entity]), purpose: "打印归档目录", origin: visit.request.origin
    ).get(ArchiveCatalogues.entity, record.id, reveal: true)
    guard let key = kept["file"].text else {
      throw Refusal(.conflict, "catalogue-not-printed", "这份目录还没有打印过。请先在目录页面点“打印目录”。")
    }
    return PaperRoutes.response(try await files.find(key), files)
  }
}
