import Core
import Entities
import SQL

/// A line of an archive's catalogue (卷内目录): a paper with its files.
struct ArchiveLine: Sendable {
  let position: Int64
  let kind: String
  let label: String
  var documentNumber = ""
  let note: String
  /// `[{key, digest, size, type}]`.
  let entries: JSON
  let fileCount: Int64

  /// What the digest over the archive takes of it: no name of anybody, but what each file is.
  var digested: String {
    var text = "\(position)\t\(kind)\t\(label)\t\(documentNumber)\t\(note)"
    for entry in entries.array ?? [] {
      text += "\t\(entry["digest"]?.string ?? "") \(entry["size"]?.int ?? 0) \(entry["type"]?.string ?? "")"
    }
    return text + "\n"
  }

  /// The values of its record.
  func values(of archive: Int64, _ record: Record) -> [String: Value] {
    let values: [String: Value] = [
      "archive_id": .integer(archive), "position": .integer(position), "kind": .text(kind), "label": .text(label),
      "document_number": documentNumber.isEmpty ? .null : .text(documentNumber), "entries": .json(entries),
      "file_count": .integer(fileCount), "note": note.isEmpty ? .null : .text(note),
      "division_code": record["division_code"], "unit_id": record["unit_id"],
    ]
    return values.filter { !$0.value.isNull }
  }
}

extension ArchiveLine {
  /// A row with `position`, `kind`, `label`, `document_number`, `note` and `entries` as `jsonb`.
  init(_ row: Row) throws {
    let entries: JSON = try row.get("entries")
    self.init(
      position: try row.get("position", as: Int64?.self) ?? 0, kind: try row.get("kind"), label: try row.get("label"),
      documentNumber: try row.get("document_number", as: String?.self) ?? "",
      note: try row.get("note", as: String?.self) ?? "", entries: entries, fileCount: Int64(entries.array?.count ?? 0))
  }
}
