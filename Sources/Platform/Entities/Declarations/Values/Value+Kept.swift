package import Core

extension Value {
  /// The value with its kind, for documents that this program writes and reads again; `nil` for none.
  package var kept: JSON? {
    switch self {
    case .null: nil
    case .text(let text): ["text": .string(text)]
    case .integer(let number): ["integer": .int(number)]
    case .decimal(let number): ["decimal": .string(number.description)]
    case .money(let money): ["money": .int(money.fen)]
    case .boolean(let flag): ["boolean": .bool(flag)]
    case .date(let date): ["date": .string(date.description)]
    case .instant(let instant): ["instant": .int(instant.microseconds)]
    case .list(let texts): ["list": .array(texts.map { .string($0) })]
    case .geometry(let json): ["geometry": json]
    case .json(let json): ["json": json]
    }
  }

  /// Reads ``kept``.
  ///
  /// - Throws: ``Fault`` `value-kept` for anything else.
  package init(kept json: JSON) throws(Fault) {
    guard let (kind, value) = json.object?.first else { throw Fault("value-kept", json.text) }
    let read: Value? =
      switch kind {
      case "text": value.string.map { .text($0) }
      case "integer": value.int.map { .integer($0) }
      case "decimal": value.string.flatMap { FixedDecimal($0) }.map { .decimal($0) }
      case "money": value.int.map { .money(Money(fen: $0)) }
      case "boolean": value.bool.map { .boolean($0) }
      case "date": value.string.flatMap { CivilDate($0) }.map { .date($0) }
      case "instant": value.int.map { .instant(Instant(microseconds: $0)) }
      case "list": value.array.map { .list($0.compactMap(\.string)) }
      case "geometry": .geometry(value)
      case "json": .json(value)
      default: nil
      }
    guard let read else { throw Fault("value-kept", json.text) }
    self = read
  }
}
