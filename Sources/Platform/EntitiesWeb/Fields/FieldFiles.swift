import Access
import Core
import Entities
package import Files
import HTTP

/// Files that come with forms: kept by the file store, named in the record by key.
package struct FieldFiles: Sendable {
  /// A form with files, in bytes.
  package static let maximumBody = 64 << 20

  package let files: FileStore

  package init(files: FileStore) { self.files = files }

  /// The value of a file field after a form: what stays, and what was sent.
  func value(_ field: FieldDeclaration, _ form: FormData, record: Record?, by principal: Principal) async throws
    -> Value?
  {
    let sent = form.files(field.name).filter { $0.size > 0 }
    let removed = Set(form.all("\(field.name).remove"))
    guard !sent.isEmpty || !removed.isEmpty else { return nil }
    var keys = FieldFiles.keys(record?[field.name] ?? .null).filter { !removed.contains($0) }
    for file in sent {
      let policy: FilePolicy = field.type == .image ? .images : .documents
      let stored = try await files.put(
        path: file.path, name: file.filename, classification: field.classification, policy: policy, by: principal)
      if field.multiple { keys.append(stored.key) } else { keys = [stored.key] }
    }
    if field.multiple { return .list(keys) }
    return keys.first.map { .text($0) } ?? .null
  }

  static func keys(_ value: Value) -> [String] { value.list ?? value.text.map { [$0] } ?? [] }
}
