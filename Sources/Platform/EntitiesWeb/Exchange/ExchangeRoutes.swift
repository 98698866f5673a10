import Access
import Core
package import Entities
package import Files
package import HTTP
package import Jobs
package import Site

/// How tables go out of every declared register and come into it (导出, 批量导入).
package struct ExchangeRoutes: Sendable {
  let site: Site
  let store: RecordStore
  let files: FileStore
  let jobs: JobQueue
  let pages: RecordRoutes

  /// - Parameter jobs: must know ``RecordImportJob``, which
  ///   ``RecordStore/registerImports(in:files:principal:)`` teaches it.
  package init(site: Site, store: RecordStore, files: FileStore, jobs: JobQueue) {
    self.site = site
    self.store = store
    self.files = files
    self.jobs = jobs
    pages = RecordRoutes(site: site, store: store, files: FieldFiles(files: files))
  }

  /// A table that is sent, in bytes.
  static let maximumBody = 200 << 20

  package func register(in router: inout Router) {
    router.on(.get, "/r/{entity}/export", at: site) { visit in try await askExport(visit) }
    router.on(.post, "/r/{entity}/export", at: site) { visit in try await export(visit) }
    router.on(.get, "/r/{entity}/import", at: site) { visit in try await askFile(visit) }
    router.on(.post, "/r/{entity}/import", maximumBody: ExchangeRoutes.maximumBody, at: site) { visit in
      try await receive(visit)
    }
    router.on(.get, "/r/{entity}/import/template", at: site) { visit in try await template(visit) }
    router.on(.get, "/r/{entity}/import/preview/{file}", at: site) { visit in try await preview(visit) }
    router.on(.post, "/r/{entity}/import/start/{file}", at: site) { visit in try await start(visit) }
    router.on(.get, "/r/{entity}/import/{run}", at: site) { visit in try await result(visit) }
    router.on(.get, "/r/{entity}/import/{run}/rows.csv", at: site) { visit in try await rows(visit) }
  }

  /// Where the outcome of a job stands, if it is an import of a register.
  package static func resultPath(of job: Job) -> String? {
    guard job.kind == RecordImportJob.kind, let payload = try? RecordImportJob(json: job.payload) else { return nil }
    return "/r/\(payload.entity)/import/\(payload.run)"
  }

  /// A new file of its own for what is put together on disk before it is sent.
  func temporaryFile() throws -> TemporaryFile { try TemporaryFile(in: files.folder) }
}

extension EntityDeclaration {
  /// The page that imports this register; `nil` when its declaration forbids it or leaves nothing for people to fill in.
  var importPath: String? {
    switch imports {
    case .closed: nil
    case .page(let path): path
    case .standard: ImportSpec.fields(of: self).contains(where: \.editable) ? "/r/\(name)/import" : nil
    }
  }
}
