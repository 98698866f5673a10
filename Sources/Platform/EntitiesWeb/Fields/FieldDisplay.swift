import Core
import Geo
package import Entities
package import HTML
package import Shell

/// How a stored value reads on a page: codes by label, references by title and link, masked values as their mask.
package struct FieldDisplay {
  let catalog: Catalog

  package init(catalog: Catalog) { self.catalog = catalog }

  /// The value as a person reads it; empty text when there is none.
  package func text(_ field: FieldDeclaration, of record: Record) -> String {
    switch (field.type, record[field.name]) {
    case (.point, .geometry):
      guard let place = record[field.name].point else { return "已标注位置" }
      return "\(FieldDisplay.degrees(place.longitude)), \(FieldDisplay.degrees(place.latitude))"
    case (_, .geometry): return "已绘制图形"
    default: return catalog.text(field, of: record)
    }
  }

  /// A state as a badge; `nil` for other fields and where there is none.
  package func badge(_ field: FieldDeclaration, of record: Record) -> Badge? {
    guard case .code = field.type, isState(field) else { return nil }
    let text = text(field, of: record)
    return text.isEmpty ? nil : Badge(text, tone(record[field.name].text ?? ""))
  }

  /// The value in a table cell.
  ///
  /// - Parameter isLinked: the cell is a link already and holds none of its own.
  package func cell(_ field: FieldDeclaration, of record: Record, isLinked: Bool = false) -> HTML {
    let text = text(field, of: record)
    if text.isEmpty {
      // A date or a number has no mask of its own that would say something is there.
      if record.masked.contains(field.name) { return "******" }
      return span(.class("blank"), .aria(.label, "未填写")) { "—" }
    }
    if let picture = picture(field, of: record, width: 64, isLinked: isLinked) { return picture }
    if let image = image(field, of: record, isLinked: isLinked) { return image }
    return badge(field, of: record)?.html ?? .text(text)
  }

  /// The picture that the text is the path of, leading to itself; nothing outside of this site.
  private func picture(_ field: FieldDeclaration, of record: Record, width: Int, isLinked: Bool = false) -> HTML? {
    guard field.picture, !record.masked.contains(field.name), let path = record[field.name].text, path.hasPrefix("/"),
      !path.hasPrefix("//")
    else { return nil }
    let picture = img(
      .src(path), .alt(isLinked ? field.label : "下载\(field.label)"), .custom("width", String(width)),
      .custom("height", String(width)), .custom("loading", "lazy"))
    return isLinked ? picture : a(.class("picture"), .href(path), .download()) { picture }
  }

  /// The one image of a record, small, leading to it in full; nothing of what is masked. Faces (人像) are cut to their frame.
  private func image(_ field: FieldDeclaration, of record: Record, isLinked: Bool = false) -> HTML? {
    guard field.type == .image, !field.multiple, !record.masked.contains(field.name),
      let file = record[field.name].text, !file.isEmpty
    else { return nil }
    let image = img(
      .class(field.portrait ? "photo" : "scene"), .src("/files/\(file)?size=thumb"),
      .alt(isLinked ? field.label : "打开\(field.label)"), .custom("loading", "lazy"))
    return isLinked ? image : a(.class("picture"), .href("/files/\(file)?size=page")) { image }
  }

  /// The value in a detail list, with a link to what it refers to and a way to reveal what is masked.
  package func detail(_ field: FieldDeclaration, of record: Record, mayReveal: Bool) -> DetailItem {
    let text = text(field, of: record)
    var reveal: DetailItem.Reveal?
    if record.masked.contains(field.name), mayReveal {
      reveal = DetailItem.Reveal(path: "/r/\(record.entity)/\(record.id)/reveal?field=\(field.name)")
    }
    if let picture = picture(field, of: record, width: 112) ?? image(field, of: record) {
      return DetailItem(field.label, picture)
    }
    let isWide = [FieldType.longtext, .json].contains(field.type)
    if let target = field.target, let id = record[field.name].integer, !text.isEmpty {
      return DetailItem(field.label, a(.href("/r/\(target)/\(id)")) { text }, isWide: isWide)
    }
    if let badge = badge(field, of: record) { return DetailItem(field.label, badge.html) }
    if !record.masked.contains(field.name), let files = files(field, of: record), !files.isEmpty {
      return DetailItem(field.label, .joined(files.map(fileLink), separator: "、"), isWide: true)
    }
    let shown = field.unit.map { text.isEmpty ? text : "\(text) \($0)" } ?? text
    return DetailItem(field.label, text: shown, isCode: isCode(field), isWide: isWide, reveal: reveal)
  }

  private func files(_ field: FieldDeclaration, of record: Record) -> [String]? {
    switch (field.type, record[field.name]) {
    case (.file, .text(let file)), (.image, .text(let file)): [file]
    case (.file, .list(let files)), (.image, .list(let files)): files
    default: nil
    }
  }

  private func fileLink(_ id: String) -> HTML { a(.href("/files/\(id)")) { "查看文件" } }

  /// A field named as a state, whose codes say how things stand; a family status does not.
  private func isState(_ field: FieldDeclaration) -> Bool {
    if field.name == "status" || field.name == "state" { return true }
    guard field.name.hasSuffix("_status"), let dictionary = field.dictionary.flatMap(catalog.dictionary) else {
      return false
    }
    return dictionary.codes.contains { tone($0.code) != .neutral }
  }

  private func isCode(_ field: FieldDeclaration) -> Bool {
    switch field.type {
    case .residentID, .creditCode, .phone, .division, .integer, .decimal, .money, .date, .instant, .point: true
    case .text: field.name == "code" || field.name.hasSuffix("_code") || field.name.hasSuffix("_number")
    default: false
    }
  }

  /// States are coloured by what their code says; colour is never the only sign, the label stands beside it.
  private func tone(_ code: String) -> Tone {
    switch code {
    case "active", "normal", "valid", "confirmed", "enabled", "published", "installed", "completed", "verified":
      .success
    case "pending", "draft", "waiting", "unverified", "inspecting", "submitted", "held", "promised": .info
    case "suspended", "expired", "locked", "doubtful", "damaged", "supplement", "shelved": .warning
    case "abolished", "cancelled", "rejected", "cleared", "scrapped", "disabled", "refused", "void": .danger
    default: .neutral
    }
  }

  /// The kind of column a field makes in a table.
  package func column(_ field: FieldDeclaration) -> Column.Kind {
    switch field.type {
    case .integer, .decimal, .money: .number
    case .date, .instant: .date
    case .residentID, .creditCode, .phone, .division: .code
    case .code: isState(field) ? .state : .text
    case .longtext: .wide
    case .text: isCode(field) ? .code : field.maximumLength.map { $0 > 60 } == true ? .wide : .text
    default: .text
    }
  }

  private static func degrees(_ value: Double) -> String {
    let scaled = (abs(value) * 1_000_000).rounded()
    let whole = Int(scaled) / 1_000_000
    let fraction = String(Int(scaled) % 1_000_000)
    return "\(value < 0 ? "-" : "")\(whole).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
  }
}
