package import Core

/// One record as one principal may see it: typed values, with what is above the principal's clearance masked.
package struct Record: Sendable {
  package let entity: String
  package let id: Int64
  /// Counts up with every change; a writer names the version it has seen.
  package let version: Int
  package let createdAt: Instant
  /// See ``Principal/actor``.
  package let createdBy: Int64
  package let updatedAt: Instant
  package let updatedBy: Int64
  /// The chosen fields, stored and computed; what is empty is `.null`, what was not chosen is absent.
  package var values: [String: Value]
  /// Fields that hold something this principal may not read. Text shows its mask (`138****1234`), the rest is `.null`.
  package var masked: Set<String>
  /// What references and codes are called: by field the title of the record referred to, or the label of the code.
  package var titles: [String: String]

  package init(
    entity: String, id: Int64, version: Int, createdAt: Instant, createdBy: Int64, updatedAt: Instant,
    updatedBy: Int64, values: [String: Value], masked: Set<String> = [], titles: [String: String] = [:]
  ) {
    self.entity = entity
    self.id = id
    self.version = version
    self.createdAt = createdAt
    self.createdBy = createdBy
    self.updatedAt = updatedAt
    self.updatedBy = updatedBy
    self.values = values
    self.masked = masked
    self.titles = titles
  }

  /// The value of a declared or system field; `.null` for a field that was not read.
  package subscript(_ field: String) -> Value { values[field] ?? systemValue(field) ?? .null }

  /// The typed value; `nil` when it is empty, masked or was not read.
  package subscript<T>(_ field: Field<T>) -> T? { masked.contains(field.name) ? nil : T(value: self[field.name]) }

  private func systemValue(_ field: String) -> Value? {
    switch field {
    case "id": .integer(id)
    case "version": .integer(Int64(version))
    case "created_at": .instant(createdAt)
    case "created_by": .integer(createdBy)
    case "updated_at": .instant(updatedAt)
    case "updated_by": .integer(updatedBy)
    default: nil
    }
  }
}

/// One version of a record, from its history (历史版本).
package struct RecordVersion: Sendable {
  package enum Ending: String, Sendable {
    /// It still stands.
    case current
    case updated = "update"
    case deleted = "delete"
  }

  package let record: Record
  package let validFrom: Instant
  /// `nil` while it stands.
  package let validTo: Instant?
  package let ending: Ending
  /// Who ended it; `nil` while it stands.
  package let endedBy: Int64?
}

/// What a record is called where something refers to it.
package struct RecordTitle: Sendable, Hashable {
  package let id: Int64
  package let title: String

  package init(id: Int64, title: String) {
    self.id = id
    self.title = title
  }
}
