package import Core

/// A record that is about to be made, as hooks see and may change it.
package struct RecordDraft: Sendable {
  package let entity: String
  package var values: [String: Value]
  /// The row of the file it came from, counted from 1 below the header; `nil` outside imports.
  package let row: Int?
  /// Why it is not made. One draft of a batch can be refused without the others.
  package private(set) var refusal: Refusal?

  package init(entity: String, values: [String: Value], row: Int? = nil) {
    self.entity = entity
    self.values = values
    self.row = row
  }

  package subscript(_ field: String) -> Value {
    get { values[field] ?? .null }
    set { values[field] = newValue }
  }

  package subscript<T>(_ field: Field<T>) -> T? {
    get { T(value: self[field.name]) }
    set { values[field.name] = newValue?.value ?? .null }
  }

  /// Refuses the draft; the first refusal is kept and further ones are added to it.
  package mutating func refuse(_ refusal: Refusal) {
    self.refusal = self.refusal.flatMap { Refusal(all: [$0, refusal]) } ?? refusal
  }
}

/// A change of one record that is about to be made, as hooks see and may change it.
package struct RecordChange: Sendable {
  package let entity: String
  package let id: Int64
  /// Every stored value before the change, in clear.
  package let before: [String: Value]
  /// The fields that change and what they become.
  package var changes: [String: Value]
  package let row: Int?
  package private(set) var refusal: Refusal?

  package init(entity: String, id: Int64, before: [String: Value], changes: [String: Value], row: Int? = nil) {
    self.entity = entity
    self.id = id
    self.before = before
    self.changes = changes
    self.row = row
  }

  /// The value after the change.
  package subscript(_ field: String) -> Value {
    get { changes[field] ?? before[field] ?? .null }
    set { changes[field] = newValue }
  }

  package subscript<T>(_ field: Field<T>) -> T? {
    get { T(value: self[field.name]) }
    set { changes[field.name] = newValue?.value ?? .null }
  }

  /// Whether the change gives `field` another value.
  package func alters(_ field: String) -> Bool {
    guard let value = changes[field] else { return false }
    return value != before[field] ?? .null
  }

  package mutating func refuse(_ refusal: Refusal) {
    self.refusal = self.refusal.flatMap { Refusal(all: [$0, refusal]) } ?? refusal
  }

  /// Every stored value after the change.
  package var after: [String: Value] { before.merging(changes) { $1 } }
}

/// Something that has happened to a record inside the running transaction.
package struct RecordEvent: Sendable {
  package enum Kind: String, Sendable { case created, updated, deleted }

  package let kind: Kind
  package let entity: String
  package let id: Int64
  /// Stored values in clear; empty for a new record.
  package let before: [String: Value]
  /// Stored values in clear; empty for a deleted record.
  package let after: [String: Value]

  package init(kind: Kind, entity: String, id: Int64, before: [String: Value], after: [String: Value]) {
    self.kind = kind
    self.entity = entity
    self.id = id
    self.before = before
    self.after = after
  }

  /// The value after the event, or before it for a deleted record.
  package subscript(_ field: String) -> Value { (kind == .deleted ? before[field] : after[field]) ?? .null }
}
