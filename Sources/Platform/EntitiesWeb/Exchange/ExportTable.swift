import Core
import Documents
import Entities

/// How records become the rows of a table file: codes and references by what they are called, so that the file reads
/// like the list and can be imported again.
struct ExportTable: Sendable {
  let fields: [FieldDeclaration]
  let catalog: Catalog

  func cells(of record: Record) -> [TableValue] { fields.map { cell($0, of: record) } }

  private func cell(_ field: FieldDeclaration, of record: Record) -> TableValue {
    switch record[field.name] {
    case .null: return .empty
    case .integer(let number): return record.titles[field.name].map { .text($0) } ?? .integer(number)
    case .decimal(let number): return ExportTable.decimal(number)
    case .money(let money): return .decimal(money.fen, scale: 2)
    case .boolean(let flag): return .boolean(flag)
    case .date(let date): return .date(date)
    case .instant(let instant): return .time(instant)
    case .geometry(let geometry): return .text(place(geometry) ?? geometry.text)
    case .list where field.type == .file || field.type == .image, .text, .list, .json:
      return .text(FieldDisplay(catalog: catalog).text(field, of: record))
    }
  }

  /// With no more decimals than it has.
  private static func decimal(_ number: FixedDecimal) -> TableValue {
    var (unscaled, scale) = (number.millionths, 6)
    while scale > 0, unscaled % 10 == 0 { (unscaled, scale) = (unscaled / 10, scale - 1) }
    return .decimal(unscaled, scale: scale)
  }

  /// `经度,纬度`, as an import reads it.
  private func place(_ geometry: JSON) -> String? {
    guard geometry["type"]?.string == "Point", let pair = geometry["coordinates"]?.array, pair.count >= 2 else {
      return nil
    }
    return "\(pair[0].text),\(pair[1].text)"
  }
}
