import Access
import Cases
import Core
import Entities
import Files
import HTTP
import Site

/// Files that records hold, for those who may see a record that holds them.
struct FileRoutes: Sendable {
  let site: Site
  let files: FileStore
  let store: RecordStore
  let images: PageImages

  func register(in router: inout Router) {
    router.on(.get, "/files/{key}", at: site) { visit in try await download(visit) }
  }

  private func download(_ visit: Visit) async throws -> Response {
    guard visit.principal.kind == .user else {
      throw Refusal(.unauthenticated, "sign-in-required", "请先登录，再查看文件。")
    }
    let file = try await files.find(try visit.request.parameter("key"))
    if let owner = file.owner, FileRoutes.ofCases.contains(owner.entity) { return try await toCase(file, owner, visit) }
    guard try await mayRead(file, visit) else {
      throw Refusal(.notFound, "file-missing", "没有找到这个文件，可能已被清理。")
    }
    if let size = visit.request.query.first("size"), let longest = FileRoutes.sizes[size],
      let picture = try await picture(of: file, longest: longest)
    {
      return picture
    }
    let files = files
    var response = Response.stream(type: file.contentType) { writer in
      try await files.read(file) { try await writer.write($0) }
    }
    response.attach(as: file.name)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
  }

  /// Longer sides in pixels, twice of what lists show.
  private static let sizes = ["thumb": 256, "page": 1600]

  /// An image drawn anew, which the browser may show; `nil` for what cannot be drawn, which is given as it is.
  private func picture(of file: StoredFile, longest: Int) async throws -> Response? {
    guard file.contentType.hasPrefix("image/"), PageImages.canDraw(file) else { return nil }
    do {
      var response = Response.bytes(try await images.jpeg(of: file, page: 1, longest: longest), type: "image/jpeg")
      response.headers["Content-Disposition"] = "inline"
      response.headers["X-Content-Type-Options"] = "nosniff"
      return response
    } catch is Refusal { return nil }
  }

  /// Registers whose files are seen in their case alone, where it is asked why and every look is audited.
  private static let ofCases: Set = [ServiceCase.material, ServiceCase.signature]

  /// Sends whoever may read the record on to its case, which judges whether they may see the file.
  private func toCase(_ file: StoredFile, _ owner: FileOwner, _ visit: Visit) async throws -> Response {
    let record = try? await store.records(as: visit.principal, purpose: "查看文件", origin: visit.request.origin)
      .get(owner.entity, owner.record, columns: [ServiceCase.reference])
    guard let id = record?[ServiceCase.reference].integer else {
      throw Refusal(.notFound, "file-missing", "没有找到这个文件，可能已被清理。")
    }
    return .redirect(to: "/cases/\(id)/files/\(file.key)")
  }

  /// Whoever sent a file may read it; others when a record in their scope holds it in a field they may read.
  private func mayRead(_ file: StoredFile, _ visit: Visit) async throws -> Bool {
    if file.createdBy == visit.principal.actor { return true }
    guard let owner = file.owner, let field = store.catalog.entity(owner.entity)?.field(owner.field),
      field.classification <= visit.principal.clearance
    else { return false }
    do {
      _ = try await store.records(as: visit.principal, purpose: "查看文件", origin: visit.request.origin)
        .get(owner.entity, owner.record, columns: [])
      return true
    } catch is Refusal {
      return false
    }
  }
}
