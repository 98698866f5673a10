import Core
import Crypto
import SQL

/// Carries the values of fields to their columns and back.
struct FieldCodec: Sendable {
  let entity: EntityDeclaration
  let keys: KeyRing

  // MARK: Reading

  /// What a query selects for `field`.
  func selection(of field: FieldDeclaration, alias: String) -> SQL {
    let column: SQL = "\(identifier: alias).\(identifier: field.name)"
    return field.type.isGeometry && !field.encrypted ? "st_asgeojson(\(column), 8, 0)" : column
  }

  /// The value in clear; an encrypted field is opened.
  ///
  /// - Throws: `CryptoFailure` when a box was altered, moved or sealed by an unknown key.
  func value(of field: FieldDeclaration, in cell: Cell) throws -> Value {
    if cell.isNull { return .null }
    if field.encrypted {
      let plain = try keys.open(try [UInt8].decode(cell), associated: domain(field))
      return FieldCodec.value(fromPlain: String(decoding: plain, as: UTF8.self), kind: field.valueKind)
    }
    switch field.valueKind {
    case .text: return .text(try String.decode(cell))
    case .integer: return .integer(try Int64.decode(cell))
    case .decimal: return FixedDecimal(try String.decode(cell)).map { .decimal($0) } ?? .null
    case .money: return .money(Money(fen: try Int64.decode(cell)))
    case .boolean: return .boolean(try Bool.decode(cell))
    case .date: return .date(try CivilDate.decode(cell))
    case .instant: return .instant(try Instant.decode(cell))
    case .list: return .list(try [String].decode(cell))
    case .geometry: return .geometry(try JSON.decode(cell))
    case .json: return .json(try JSON.decode(cell))
    }
  }

  // MARK: Writing

  /// The columns that hold `field`, with what to bind; geometry is bound as EWKB.
  ///
  /// - Throws: ``Refusal`` `geometry-kind`; `CryptoFailure`.
  func columns(of field: FieldDeclaration, _ value: Value) throws -> [(name: String, value: SQLValue)] {
    guard let indexColumn = field.indexColumn else { return [(field.name, try plain(value, of: field))] }
    guard !value.isNull else { return [(field.name, .null), (indexColumn, .null)] }
    let text = value.plainForm
    return [
      (field.name, .bytes(try keys.seal(Array(text.utf8), associated: domain(field)))),
      (indexColumn, try fingerprint(text, of: field).map { .bytes($0) } ?? .null),
    ]
  }

  /// The stored form of a value that is not encrypted.
  func plain(_ value: Value, of field: FieldDeclaration) throws -> SQLValue {
    switch value {
    case .null: .null
    case .text(let text): .text(text)
    case .integer(let number): .int(number)
    case .decimal(let number): .text(number.description)
    case .money(let money): .int(money.fen)
    case .boolean(let flag): .bool(flag)
    case .date(let date): .date(date)
    case .instant(let instant): .instant(instant)
    case .list(let texts): .textArray(texts)
    case .geometry(let json): .bytes(try GeometryForm.stored(json, for: field))
    case .json(let json): .json(json.text)
    }
  }

  /// A bound value as an expression of the column's type.
  static func expression(_ value: SQLValue, of field: FieldDeclaration?) -> SQL {
    guard let field, !field.encrypted else { return "\(value)" }
    if field.type.isGeometry { return "\(value)::geometry" }
    if field.type == .decimal { return "\(value)::numeric" }
    return "\(value)"
  }

  // MARK: Encrypted fields

  /// The blind index of `text`; `nil` when nothing is left of it.
  func fingerprint(_ text: String, of field: FieldDeclaration) throws -> [UInt8]? {
    try keys.blindIndex(domain(field), field.normalisation).fingerprint(text)
  }

  /// Where a box or fingerprint belongs.
  func domain(_ field: FieldDeclaration) -> String { "\(entity.name).\(field.name)" }

  private static func value(fromPlain text: String, kind: ValueKind) -> Value {
    switch kind {
    case .text: .text(text)
    case .integer: Int64(text).map { .integer($0) } ?? .null
    case .decimal: FixedDecimal(text).map { .decimal($0) } ?? .null
    case .money: Int64(text).map { .money(Money(fen: $0)) } ?? .null
    case .boolean: .boolean(text == "true")
    case .date: CivilDate(text).map { .date($0) } ?? .null
    case .instant: Int64(text).map { .instant(Instant(microseconds: $0)) } ?? .null
    case .list: (try? JSON(parsing: text))?.array.map { .list($0.compactMap(\.string)) } ?? .null
    case .geometry: (try? JSON(parsing: text)).map { .geometry($0) } ?? .null
    case .json: (try? JSON(parsing: text)).map { .json($0) } ?? .null
    }
  }
}

extension Value {
  /// What is sealed for an encrypted field: it reads back as the same value, which ``plainText`` need not.
  fileprivate var plainForm: String {
    switch self {
    case .money(let money): String(money.fen)
    case .boolean(let flag): flag ? "true" : "false"
    case .instant(let instant): String(instant.microseconds)
    case .list(let texts): JSON.array(texts.map { .string($0) }).text
    default: plainText
    }
  }
}

extension FieldDeclaration {
  /// What counts as the same value in the blind index.
  var normalisation: BlindIndex.Normalisation {
    switch type {
    case .phone: .phone
    case .residentID, .creditCode: .code
    default: .text
    }
  }
}
