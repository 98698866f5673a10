package import Core

/// A Swift type that one kind of field is read as.
package protocol FieldValue: Sendable {
  /// The kinds of value this type can stand for; the check compares them with the declaration.
  static var valueKinds: Set<ValueKind> { get }
  /// `nil` when the value has another kind or is null.
  init?(value: Value)
  var value: Value { get }
}

/// A typed token for a declared field: the one place where Swift code names it.
///
/// ```swift
/// enum LeaseContract { static let rent = Field<Money>("lease_contract", "rent") }
/// let rent: Money? = record[LeaseContract.rent]
/// ```
/// `lifang check` proves that tokens and declarations agree.
package struct Field<T: FieldValue>: Sendable, Hashable {
  package let entity: String
  package let name: String

  package init(_ entity: String, _ name: String) {
    self.entity = entity
    self.name = name
  }

  /// The token without its type, for the registry that the check goes through.
  package var token: FieldToken {
    FieldToken(entity: entity, name: name, valueKinds: T.valueKinds, type: "\(T.self)")
  }
}

/// A ``Field`` whose Swift type has been reduced to what the check needs.
package struct FieldToken: Sendable, Hashable {
  package let entity: String
  package let name: String
  package let valueKinds: Set<ValueKind>
  /// The Swift type's name, for messages.
  package let type: String
}

extension String: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.text]
  package init?(value: Value) {
    guard let text = value.text else { return nil }
    self = text
  }
  package var value: Value { .text(self) }
}

extension Int64: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.integer]
  package init?(value: Value) {
    guard let integer = value.integer else { return nil }
    self = integer
  }
  package var value: Value { .integer(self) }
}

extension FixedDecimal: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.decimal]
  package init?(value: Value) {
    guard let decimal = value.decimal else { return nil }
    self = decimal
  }
  package var value: Value { .decimal(self) }
}

extension Money: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.money]
  package init?(value: Value) {
    guard let money = value.money else { return nil }
    self = money
  }
  package var value: Value { .money(self) }
}

extension Bool: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.boolean]
  package init?(value: Value) {
    guard let boolean = value.boolean else { return nil }
    self = boolean
  }
  package var value: Value { .boolean(self) }
}

extension CivilDate: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.date]
  package init?(value: Value) {
    guard let date = value.date else { return nil }
    self = date
  }
  package var value: Value { .date(self) }
}

extension Instant: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.instant]
  package init?(value: Value) {
    guard let instant = value.instant else { return nil }
    self = instant
  }
  package var value: Value { .instant(self) }
}

extension [String]: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.list]
  package init?(value: Value) {
    guard let list = value.list else { return nil }
    self = list
  }
  package var value: Value { .list(self) }
}

extension JSON: FieldValue {
  package static let valueKinds: Set<ValueKind> = [.geometry, .json]
  package init?(value: Entities.Value) {
    switch value {
    case .geometry(let json), .json(let json): self = json
    default: return nil
    }
  }
  package var value: Entities.Value { .json(self) }
}
