import Documents
import Entities
import YAML

/// Reads the pieces of a document, one mapping each with one key that says what it is.
struct DocumentBodyReader {
  private let reader: DocumentReader
  private let scope: DocumentScope
  private let lookups: [DocumentLookup]

  private static let kinds = [
    "title", "text", "grid", "table", "sign", "verify", "cut", "space", "page", "slot", "signature", "pages",
  ]
  private static let options = ["when", "size", "align", "indent", "columns", "height", "at", "rows", "body"]

  private enum Alignment: String, CaseIterable {
    case left, center, right, justified

    var alignment: PDFTextStyle.Alignment {
      switch self {
      case .left: .left
      case .center: .centre
      case .right: .right
      case .justified: .justified
      }
    }
  }

  init(_ reader: DocumentReader, scope: DocumentScope, lookups: [DocumentLookup]) {
    self.reader = reader
    self.scope = scope
    self.lookups = lookups
  }

  func blocks(_ nodes: [YAMLNode]) -> [DocumentBlock] { nodes.compactMap(block) }

  private func block(_ node: YAMLNode) -> DocumentBlock? {
    let item = MappingReader(
      node, "文书内容", keys: DocumentBodyReader.kinds + DocumentBodyReader.options, reader.collector)
    let found = DocumentBodyReader.kinds.filter { item.has($0) }
    guard found.count == 1, let content = item.node(found[0]) else {
      reader.collector.error(
        node.position, "每段内容应恰好有一个：\(DocumentBodyReader.kinds.joined(separator: "、"))")
      return nil
    }
    guard let kind = kind(found[0], content, item) else { return nil }
    return DocumentBlock(
      kind: kind, when: item.node("when").flatMap { reader.condition($0, scope) }, size: number(item, "size"))
  }

  private func kind(_ name: String, _ content: YAMLNode, _ item: MappingReader) -> DocumentBlock.Kind? {
    let alignment = item.choice("align", Alignment.self)?.alignment
    switch name {
    case "title": return reader.text(content, scope).map { .title($0) }
    case "text":
      let indent = number(item, "indent") ?? (alignment == nil ? 2 : 0)
      return reader.text(content, scope).map { .text($0, alignment ?? .justified, indent: indent) }
    case "cut": return reader.text(content, scope).map { .cut($0) }
    case "grid": return grid(content, item)
    case "table": return table(content, item)
    case "sign": return sign(content)
    case "verify": return verify(content)
    case "space": return number(item, "space").map { .space($0) }
    case "page": return .newPage
    case "slot": return content.text.map { .slot($0) }
    case "signature": return content.text.map { .signature($0) }
    default:
      guard let lookup = lookup(content) else { return nil }
      let inner = DocumentBodyReader(reader, scope: rowScope(lookup), lookups: lookups)
      return .pages(lookup.name, inner.blocks(item.nodes("body")))
    }
  }

  /// A lookup of several records.
  private func lookup(_ node: YAMLNode) -> DocumentLookup? {
    let names = lookups.filter(\.isMany).map(\.name)
    if let name = node.text, let lookup = lookups.first(where: { $0.name == name && $0.isMany }) { return lookup }
    let advice = Suggestion.text(for: node.text ?? "", among: names)
    reader.collector.error(node.position, "没有名为“\(node.text ?? "")”的多条关联记录（with 里写 many: true）\(advice)")
    return nil
  }

  private func rowScope(_ lookup: DocumentLookup) -> DocumentScope {
    var inner = scope
    if let register = reader.catalog.entity(lookup.register) { inner.add(register, prefix: "\(lookup.name)_") }
    inner.add("\(lookup.name)_index", "序号", .integer)
    return inner
  }

  // MARK: Grids and tables

  private func grid(_ content: YAMLNode, _ item: MappingReader) -> DocumentBlock.Kind? {
    let columns = numbers(item, "columns")
    if columns.isEmpty { reader.collector.error(item.position, "grid 应写明各栏的宽度 columns（毫米）") }
    guard let rows = content.sequence else {
      reader.collector.error(content.position, "grid 应是行的列表")
      return nil
    }
    let cells = rows.map { row -> [DocumentGrid.Cell] in
      let cells = (row.sequence ?? []).compactMap(cell)
      let width = cells.reduce(0) { $0 + $1.span }
      if width != columns.count, !columns.isEmpty {
        reader.collector.error(row.position, "这一行占 \(width) 栏，应占 \(columns.count) 栏；跨栏写 {text: …, span: 2}")
      }
      return cells
    }
    let place = numbers(item, "at")
    if !place.isEmpty, place.count != 2 { reader.collector.error(item.place("at"), "at 应是距左、距上的毫米数") }
    return .grid(
      DocumentGrid(
        columns: columns, rows: cells, height: number(item, "height") ?? 9,
        place: place.count == 2 ? (place[0], place[1]) : nil))
  }

  private func cell(_ node: YAMLNode) -> DocumentGrid.Cell? {
    if node.mapping == nil {
      if node.isNull { return DocumentGrid.Cell(text: DocumentText([]), span: 1, alignment: nil) }
      return reader.text(node, scope).map { DocumentGrid.Cell(text: $0, span: 1, alignment: nil) }
    }
    let item = MappingReader(node, "单元格", keys: ["text", "span", "align"], reader.collector)
    let text = item.node("text").flatMap { reader.text($0, scope) } ?? DocumentText([])
    return DocumentGrid.Cell(
      text: text, span: item.integer("span", in: 1...20) ?? 1,
      alignment: item.choice("align", Alignment.self)?.alignment)
  }

  private func table(_ content: YAMLNode, _ item: MappingReader) -> DocumentBlock.Kind? {
    guard let lookup = lookup(content) else { return nil }
    let inner = rowScope(lookup)
    let columns = item.nodes("columns").compactMap { node -> DocumentTable.Column? in
      let column = MappingReader(node, "表格的栏", keys: ["label", "text", "width"], reader.collector)
      guard let text = column.node("text").flatMap({ reader.text($0, inner) }) else { return nil }
      return DocumentTable.Column(
        label: column.label(fallback: ""), text: text, width: number(column, "width") ?? 20)
    }
    if columns.isEmpty { reader.collector.error(item.position, "表格没有栏（columns）") }
    return .table(
      DocumentTable(lookup: lookup.name, columns: columns, least: item.integer("rows", in: 0...60) ?? 0))
  }

  // MARK: The end

  private func sign(_ content: YAMLNode) -> DocumentBlock.Kind? {
    let item = MappingReader(content, "落款", keys: ["unit", "date", "officer", "seal"], reader.collector)
    let unit = item.node("unit") ?? .string("{paper_unit}", at: content.position)
    let date = item.node("date") ?? .string("{paper_date|chinese}", at: content.position)
    guard let unit = reader.text(unit, scope), let date = reader.text(date, scope) else { return nil }
    return .sign(
      DocumentSign(
        unit: unit, date: date, officer: item.node("officer").flatMap { reader.text($0, scope) },
        seal: item.text("seal", limit: 30)))
  }

  private func verify(_ content: YAMLNode) -> DocumentBlock.Kind? {
    let item = MappingReader(content, "验真二维码", keys: ["at", "side"], reader.collector)
    let place = numbers(item, "at")
    guard place.count == 2 else {
      reader.collector.error(content.position, "verify 应写明位置 at（距左、距上的毫米数）")
      return nil
    }
    return .verify(x: place[0], y: place[1], side: number(item, "side") ?? 18)
  }

  // MARK: Numbers

  private func number(_ item: MappingReader, _ key: String) -> Double? {
    guard let node = item.node(key) else { return nil }
    if let number = node.text.flatMap({ Double($0) }), number.isFinite, (0...2000).contains(number) { return number }
    reader.collector.error(node.position, "\(item.what)的 \(key) 应是 0 到 2000 的数")
    return nil
  }

  private func numbers(_ item: MappingReader, _ key: String) -> [Double] {
    item.nodes(key).compactMap { node in
      if let number = node.text.flatMap({ Double($0) }), (0...2000).contains(number) { return number }
      reader.collector.error(node.position, "\(item.what)的 \(key) 应是毫米数")
      return nil
    }
  }
}
