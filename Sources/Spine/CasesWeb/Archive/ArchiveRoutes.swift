import Access
package import Cases
import Core
package import Entities
import EntitiesWeb
package import Files
package import HTTP
import SQL
package import Site

/// Catalogues of archives as documents to print and bind (卷内目录、案卷目录; C-080, C-197).
package struct ArchiveRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let files: FileStore
  let images: PageImages
  let cases: CaseStore

  package init(site: Site, store: RecordStore, files: FileStore, images: PageImages, cases: CaseStore) {
    self.site = site
    self.store = store
    self.files = files
    self.images = images
    self.cases = cases
  }

  package func register(in router: inout Router) {
    router.on(.get, "/archives/{id}/catalogue.pdf", at: site) { visit in try await contents(visit) }
    router.on(.get, "/archives/{id}/add", at: site) { visit in try await askToAdd(visit) }
    router.on(.post, "/archives/{id}/add", maximumBody: FieldFiles.maximumBody, at: site) { visit in
      try await add(visit)
    }
    router.on(.post, "/archives/{id}/digitise", at: site) { visit in try await digitise(visit) }
    router.on(.get, "/archives/{id}/paper", at: site) { visit in try await askPaper(visit) }
    router.on(.post, "/archives/{id}/paper", at: site) { visit in try await notePaper(visit) }
    router.on(.get, "/archives/{id}/paper.pdf", at: site) { visit in try await paper(visit) }
    router.on(.get, "/archives/catalogues/{id}/print", at: site) { visit in try await askCatalogue(visit) }
    router.on(.post, "/archives/catalogues/{id}/print", at: site) { visit in try await printCatalogue(visit) }
    router.on(.get, "/archives/catalogues/{id}/catalogue.pdf", at: site) { visit in try await catalogue(visit) }
    router.on(.get, "/archives/boxes/{id}/catalogue.pdf", at: site) { visit in try await box(visit) }
  }

  func records(_ visit: Visit, _ purpose: String) -> Records {
    store.records(as: visit.principal, purpose: purpose, origin: visit.request.origin)
  }

  /// 卷内目录 of one archive, with the pages that each of its papers takes.
  private func contents(_ visit: Visit) async throws -> Response {
    let records = records(visit, "打印卷内目录")
    let archive = try await records.get(Archive.entity, try visit.request.integer("id"))
    let (lines, total) = try await lines(of: archive, records)
    return try pdf(
      try ArchiveCatalogue.contents(archive, lines, total: total, by: visit.principal.name, at: store.clock.now()),
      name: "卷内目录-\(archive["number"].text ?? "").pdf")
  }

  /// What stands in the catalogue of an archive, and how many pages that is.
  func lines(of archive: Record, _ records: Records) async throws -> (lines: [ArchiveCatalogue.Line], total: Int) {
    let items = try await records.attached(Archive.item, to: archive.id).sorted {
      ($0["position"].integer ?? 0) < ($1["position"].integer ?? 0)
    }
    var lines: [ArchiveCatalogue.Line] = []
    var next = 1
    for item in items {
      let pages = try await pages(of: item)
      lines.append(
        ArchiveCatalogue.Line(
          id: item.id, position: item["position"].integer ?? 0, label: item["label"].text ?? "",
          documentNumber: item["document_number"].text ?? "", source: item.titles["kind"] ?? "",
          date: item.createdAt.chinaTime.date, pages: pages.map { next...max(next, next + $0 - 1) },
          files: Int(item["file_count"].integer ?? 0),
          note: item["note"].text ?? ""))
      next += pages ?? 0
    }
    return (lines, next - 1)
  }

  /// How many pages the files of a line have; `nil` when one of them cannot be read, which the catalogue says.
  private func pages(of item: Record) async throws -> Int? {
    var pages = 0
    for entry in try await entries(of: item.id) {
      guard let key = entry["key"]?.string, let file = try? await files.find(key),
        let count = try? await images.pageCount(of: file)
      else { return nil }
      pages += count
    }
    return pages
  }

  func entries(of item: Int64) async throws -> [JSON] {
    try await ArchiveItems.entries(of: item, in: store)
  }

  /// 案卷目录 of a box.
  private func box(_ visit: Visit) async throws -> Response {
    let records = records(visit, "打印案卷目录")
    let box = try await records.get(Archive.box, try visit.request.integer("id"))
    let page = try await records.list(
      ListQuery(
        Archive.entity, filters: [ListFilter("box_id", .equals(.integer(box.id)))],
        sort: [.init(field: "position", descending: false)],
        columns: [
          "number", "item_label", "subject_name", "retention", "finished_at", "file_count", "position", "state",
        ], limit: ListQuery.maximumLimit))
    return try pdf(
      try ArchiveCatalogue.box(box, page.records, by: visit.principal.name, at: store.clock.now()),
      name: "案卷目录-\(box["number"].text ?? "").pdf")
  }

  func pdf(_ bytes: [UInt8], name: String) throws -> Response {
    var response = Response.bytes(bytes, type: "application/pdf")
    response.attach(as: name)
    response.headers["Cache-Control"] = "private, no-store"
    return response
  }
}
