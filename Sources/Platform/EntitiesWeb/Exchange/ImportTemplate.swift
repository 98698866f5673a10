import Documents
import Core
import Entities

/// An empty table to fill in: the headings an import recognises, required ones marked with a star, and in a workbook a
/// second sheet that says what goes into each column.
struct ImportTemplate {
  let entity: EntityDeclaration
  let catalog: Catalog

  /// What a form would ask for; fields that the system fills are left out.
  private var fields: [FieldDeclaration] { ImportSpec.fields(of: entity).filter(\.editable) }

  private var headings: [String] { fields.map(ImportTemplate.heading) }

  /// `面积（㎡）*`.
  static func heading(_ field: FieldDeclaration) -> String {
    let unit = field.unit.map { "（\($0)）" } ?? ""
    return "\(field.label)\(unit)\(isNeeded(field) ? "*" : "")"
  }

  /// Whether a new record is refused without it.
  static func isNeeded(_ field: FieldDeclaration) -> Bool {
    field.required && field.editable && field.defaultValue == nil
  }

  var csv: [UInt8] {
    let encoder = CSVEncoder()
    var bytes: [UInt8] = []
    encoder.begin(into: &bytes)
    encoder.encode(headings, into: &bytes)
    return bytes
  }

  /// - Throws: ``Fault`` `xlsx-unwritable`.
  func writeWorkbook(to path: String, created: Instant) throws {
    let writer = try TableWriter(
      path: path, format: .xlsx(sheet: entity.label, created: created), columns: headings.map { TableColumn($0) })
    try writer.begin(
      sheet: "填写说明",
      columns: [
        TableColumn("列", width: 20), TableColumn("必填", width: 8), TableColumn("填写要求", width: 48),
        TableColumn("可选值", width: 24), TableColumn("代码", width: 16),
      ])
    for field in fields {
      let choices = field.dictionary.flatMap { catalog.dictionary($0) }?.codes.filter { !$0.retired } ?? []
      let first = choices.first
      try writer.append([
        .text(field.label), .text(ImportTemplate.isNeeded(field) ? "必填" : ""), .text(rule(field)),
        .text(first?.label ?? ""), .text(first?.code ?? ""),
      ])
      for choice in choices.dropFirst() {
        try writer.append([.text(field.label), .empty, .empty, .text(choice.label), .text(choice.code)])
      }
    }
    try writer.finish()
  }

  private func rule(_ field: FieldDeclaration) -> String {
    var parts = [form(field)]
    if let longest = field.maximumLength { parts.append("不超过 \(longest) 字") }
    switch (field.minimum, field.maximum) {
    case (let low?, let high?): parts.append("\(low) 至 \(high)")
    case (let low?, nil): parts.append("不小于 \(low)")
    case (nil, let high?): parts.append("不大于 \(high)")
    case (nil, nil): break
    }
    if field.unique { parts.append("不能重复") }
    if let help = field.help { parts.append(help) }
    return parts.joined(separator: "；")
  }

  private func form(_ field: FieldDeclaration) -> String {
    switch field.type {
    case .code: field.multiple ? "从可选值中选，几个之间用顿号隔开" : "从可选值中选一个，写名称或代码"
    case .ref(let target): "\(catalog.entity(target)?.label ?? "所指记录")的编码或名称，须已登记"
    case .boolean: "是或否"
    case .date: "日期，如 2026-11-21"
    case .instant: "日期和时间，如 2026-11-21 14:05"
    case .money: "金额（元），如 1234.50"
    case .division: "行政区划的名称或代码，如 通川区、511702"
    case .point: "经度,纬度，如 107.4680,31.2090"
    case .line, .polygon: "GeoJSON 图形"
    default: field.type.label
    }
  }
}
