package import Access
package import Core
package import Documents
import SQL

/// A stored file as a record refers to it (附件).
package struct StoredFile: Sendable, Hashable {
  /// The value of a file field: an unguessable name of this one use of the content.
  package let key: String
  /// SM3 of the content, in hexadecimal.
  package let digest: String
  /// In bytes.
  package let size: Int64
  /// Found out from the content, never from what the browser claims.
  package let contentType: String
  /// As the person called it, without a folder.
  package let name: String
  package let classification: Classification
  /// Encrypted on disk.
  package let isSealed: Bool
  package let createdAt: Instant
  package let createdBy: Int64
  /// The record it belongs to; `nil` while it is only uploaded.
  package let owner: FileOwner?

  let location: String
}

/// The field of a record that a file belongs to.
package struct FileOwner: Sendable, Hashable {
  package let entity: String
  package let record: Int64
  package let field: String

  package init(entity: String, record: Int64, field: String) {
    self.entity = entity
    self.record = record
    self.field = field
  }
}

/// What may be uploaded somewhere.
package struct FilePolicy: Sendable {
  /// In bytes.
  package var maximumSize: Int64
  package var accepts: @Sendable (FileKind) -> Bool
  /// What is accepted, for the refusal.
  package var description: String

  package init(maximumSize: Int64, description: String, accepts: @escaping @Sendable (FileKind) -> Bool) {
    self.maximumSize = maximumSize
    self.description = description
    self.accepts = accepts
  }

  /// 附件: documents, pictures, films and archives, up to 200 MB.
  package static let documents = FilePolicy(
    maximumSize: 200 << 20, description: "PDF、图片、视频、Office 文档、压缩包或文本文件"
  ) { kind in
    if case .unknown = kind { false } else { true }
  }

  /// 扫描件: pictures and PDF of papers, up to 20 MB.
  package static let scans = FilePolicy(maximumSize: 20 << 20, description: "JPEG、PNG、WebP 图片或 PDF") { kind in
    switch kind {
    case .png, .jpeg, .webp, .gif, .pdf: true
    default: false
    }
  }

  /// 图片, up to 20 MB.
  package static let images = FilePolicy(maximumSize: 20 << 20, description: "PNG、JPEG、WebP 或 GIF 图片") { kind in
    switch kind {
    case .png, .jpeg, .webp, .gif: true
    default: false
    }
  }
}

extension StoredFile {
  static let columns: SQL = """
    r.key, o.digest, o.size, o.content_type, r.name, r.classification, o.sealed, r.created_at, r.created_by, \
    r.entity, r.record_id, r.field, o.location
    """

  init(_ row: Row) throws {
    key = try row.get("key")
    digest = try row.get("digest")
    size = try row.get("size")
    contentType = try row.get("content_type")
    name = try row.get("name")
    classification = Classification(rawValue: try row.get("classification")) ?? .secret
    isSealed = try row.get("sealed")
    createdAt = try row.get("created_at")
    createdBy = try row.get("created_by")
    location = try row.get("location")
    if let entity = try row.get("entity", as: String?.self), let record = try row.get("record_id", as: Int64?.self) {
      owner = FileOwner(entity: entity, record: record, field: try row.get("field", as: String?.self) ?? "")
    } else {
      owner = nil
    }
  }
}
