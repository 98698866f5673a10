import Core
import Glibc
import XML

/// Reads one worksheet of an XLSX file (ECMA-376) row by row, with memory independent of its length except for the
/// table of distinct texts.
///
/// Cells come as text: dates by their style (`2026-11-21`), numbers without exponent, booleans as TRUE or FALSE,
/// formulas as their stored result. Rows without content are skipped. Not `Sendable`: one task reads it.
package final class XLSXReader {
  package let sheets: [Worksheet]
  package let sheet: Worksheet
  private let entry: ZipEntry
  private let stream: XMLStream
  private let handler: SheetHandler
  private let limits: TableLimits
  private var rows = 0

  /// - Parameter sheet: a sheet's name; `nil` takes the first visible one.
  /// - Throws: ``Refusal`` `archive-broken`, `archive-too-large`, `archive-encrypted`, `sheet-missing`; ``Fault``.
  package init(_ source: ByteSource, sheet name: String? = nil, limits: TableLimits = TableLimits()) throws {
    self.limits = limits
    let archive = try ZipArchive(source, limits: limits)
    let root = RelationsHandler()
    try XLSXReader.parse(archive, "_rels/.rels", root)
    let workbookPart = RelationsHandler.resolve(root.byType["officeDocument"] ?? "xl/workbook.xml", from: "")
    let workbook = WorkbookHandler()
    guard try XLSXReader.parse(archive, workbookPart, workbook) else { throw ZipArchive.broken }
    sheets = workbook.sheets
    let found =
      name.map { name in workbook.sheets.first { $0.name == name } }
      ?? workbook.sheets.first { !$0.isHidden } ?? workbook.sheets.first
    guard let sheet = found else {
      let names = workbook.sheets.map(\.name).joined(separator: "、")
      throw Refusal(.invalid, "sheet-missing", "文件里没有名为“\(name ?? "")”的工作表，只有：\(names)。请改正名称后重新上传。")
    }
    self.sheet = sheet

    let relations = RelationsHandler()
    let (folder, file) = XLSXReader.split(workbookPart)
    try XLSXReader.parse(archive, folder + "_rels/" + file + ".rels", relations)
    func part(_ type: String, _ usual: String) -> String {
      RelationsHandler.resolve(relations.byType[type] ?? usual, from: workbookPart)
    }
    let styles = StylesHandler()
    try XLSXReader.parse(archive, part("styles", "styles.xml"), styles)
    let texts = SharedTexts(limit: limits.sharedTextBytes)
    try XLSXReader.parse(archive, part("sharedStrings", "sharedStrings.xml"), texts)
    guard let target = relations.targets[sheet.relation],
      let entry = try archive.entry(RelationsHandler.resolve(target, from: workbookPart))
    else { throw ZipArchive.broken }
    self.entry = entry
    handler = SheetHandler(
      texts: texts, kinds: styles.kinds, startsIn1904: workbook.startsIn1904, limits: limits)
    stream = try XMLStream(entry, handler)
  }

  /// Share of the worksheet that has been read, from 0 to 1.
  package var fractionRead: Double { entry.size == 0 ? 1 : min(1, Double(entry.read) / Double(entry.size)) }

  /// The next row with content, or `nil` at the end.
  ///
  /// - Throws: ``Refusal`` `archive-broken`, `archive-too-large`, `cell-too-large`, `too-many-columns`,
  ///   `too-many-rows`; ``Fault``.
  package func next() throws -> TableRow? {
    while true {
      if let row = handler.takeRow() {
        rows += 1
        guard rows <= limits.rows else { throw TableRefusal.tooManyRows(limits.rows) }
        return row
      }
      guard !stream.ended else { return nil }
      try stream.advance()
    }
  }

  @discardableResult
  private static func parse(_ archive: ZipArchive, _ part: String, _ handler: any XMLHandler) throws -> Bool {
    guard let entry = try archive.entry(part) else { return false }
    try XMLStream(entry, handler).run()
    return true
  }

  private static func split(_ part: String) -> (folder: String, file: String) {
    guard let slash = part.lastIndex(of: "/") else { return ("", part) }
    return (String(part[...slash]), String(part[part.index(after: slash)...]))
  }
}

/// `xl/worksheets/*.xml`: gathers rows from cells.
private final class SheetHandler: XMLHandler {
  private enum CellType { case number, shared, inline, boolean, text }

  private let texts: SharedTexts
  private let kinds: [NumberKind]
  private let startsIn1904: Bool
  private let limits: TableLimits
  private var ready: [TableRow] = []
  private var taken = 0
  private var rowNumber = 0
  private var column = -1
  private var cells: [String] = []
  private var type = CellType.number
  private var style = 0
  private var gathering = false
  private var phonetic = 0
  private var value: [UInt8] = []

  init(texts: SharedTexts, kinds: [NumberKind], startsIn1904: Bool, limits: TableLimits) {
    self.texts = texts
    self.kinds = kinds
    self.startsIn1904 = startsIn1904
    self.limits = limits
  }

  func takeRow() -> TableRow? {
    guard taken < ready.count else {
      ready.removeAll(keepingCapacity: true)
      taken = 0
      return nil
    }
    taken += 1
    return ready[taken - 1]
  }

  func start(_ name: XMLName, _ attributes: XMLAttributes) throws {
    if name == "c" {
      try startCell(attributes)
    } else if name == "v" || name == "t" {
      gathering = phonetic == 0
    } else if name == "row" {
      let number = attributes.int("r") ?? rowNumber + 1
      guard number > 0, number <= 1_048_576 else { throw ZipArchive.broken }
      rowNumber = number
      column = -1
      cells.removeAll(keepingCapacity: true)
    } else if name == "rPh" {
      phonetic += 1
    }
  }

  private func startCell(_ attributes: XMLAttributes) throws {
    column = attributes.bytes("r").flatMap(SheetHandler.column) ?? column + 1
    style = attributes.int("s") ?? 0
    value.removeAll(keepingCapacity: true)
    guard let kind = attributes.bytes("t") else {
      type = .number
      return
    }
    switch UInt8(bitPattern: kind[0]) {
    case UInt8(ascii: "s"): type = kind[1] == 0 ? .shared : .text
    case UInt8(ascii: "i"): type = .inline
    case UInt8(ascii: "b"): type = .boolean
    case UInt8(ascii: "n"): type = .number
    default: type = .text
    }
  }

  func end(_ name: XMLName) throws {
    if name == "v" || name == "t" {
      gathering = false
    } else if name == "c" {
      try endCell()
    } else if name == "row" {
      if cells.contains(where: { !$0.isEmpty }) { ready.append(TableRow(number: rowNumber, cells: cells)) }
    } else if name == "rPh" {
      phonetic -= 1
    }
  }

  private func endCell() throws {
    guard !value.isEmpty else { return }
    let text = cellText()
    guard !text.isEmpty else { return }
    guard column < limits.columns else {
      throw TableRefusal.tooManyColumns(line: rowNumber, limit: limits.columns)
    }
    guard text.utf8.count <= limits.cellBytes else {
      throw TableRefusal.cellTooLarge(row: rowNumber, column: column + 1, limit: limits.cellBytes)
    }
    while cells.count < column { cells.append("") }
    if cells.count == column { cells.append(text) } else { cells[column] = text }
  }

  private func cellText() -> String {
    switch type {
    case .shared: Int(String(decoding: value, as: UTF8.self)).flatMap { texts[$0] } ?? ""
    case .inline, .text: OfficeText.unescape(value)
    case .boolean: value == [UInt8(ascii: "1")] || value == Array("true".utf8) ? "TRUE" : "FALSE"
    case .number:
      (kinds.indices.contains(style) ? kinds[style] : .number)
        .text(String(decoding: value, as: UTF8.self), startsIn1904: startsIn1904)
    }
  }

  func text(_ text: UnsafeBufferPointer<UInt8>) throws {
    guard gathering else { return }
    value.append(contentsOf: text)
    guard value.count <= limits.cellBytes else {
      throw TableRefusal.cellTooLarge(row: rowNumber, column: column + 1, limit: limits.cellBytes)
    }
  }

  /// The zero-based column of a reference such as `AB12`.
  private static func column(_ reference: UnsafePointer<CChar>) -> Int? {
    var column = 0
    var index = 0
    while index < 4 {
      let letter = UInt8(bitPattern: reference[index]) & 0xDF
      guard (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(letter) else { break }
      column = column * 26 + Int(letter - 64)
      index += 1
    }
    return column > 0 && column <= 16384 ? column - 1 : nil
  }
}
