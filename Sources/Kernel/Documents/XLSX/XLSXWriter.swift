import CXLSXWriter
import Core
import Glibc

/// Writes an XLSX file through libxlsxwriter in its constant-memory mode: each row goes to disk as it is appended.
final class XLSXWriter {
  private let path: String
  private var title: String
  private var columns: [TableColumn]
  private var workbook: UnsafeMutablePointer<lxw_workbook>?
  private var sheet: UnsafeMutablePointer<lxw_worksheet>?
  private let formats: Formats
  private var sheets = 0
  private var row: UInt32 = 0
  /// Pictures are read only when the workbook is closed, so their bytes stay until then.
  private var images: [[UInt8]] = []

  /// A worksheet holds 2^20 rows (Excel's limit), the header included.
  static let sheetRows: UInt32 = 1_048_576
  static let cellUnits = 32_767

  private struct Formats {
    let header, date, time, money: UnsafeMutablePointer<lxw_format>?
    let decimals: [UnsafeMutablePointer<lxw_format>?]

    init(_ workbook: UnsafeMutablePointer<lxw_workbook>) {
      func format(_ code: String) -> UnsafeMutablePointer<lxw_format>? {
        let format = workbook_add_format(workbook)
        format_set_num_format(format, code)
        return format
      }
      header = workbook_add_format(workbook)
      format_set_bold(header)
      format_set_bg_color(header, 0xE8EEF7)
      format_set_bottom(header, UInt8(LXW_BORDER_THIN.rawValue))
      format_set_align(header, UInt8(LXW_ALIGN_VERTICAL_CENTER.rawValue))
      format_set_text_wrap(header)
      date = format("yyyy-mm-dd")
      time = format("yyyy-mm-dd hh:mm:ss")
      money = format("#,##0.00")
      decimals = (0...9).map { format($0 == 0 ? "0" : "0." + String(repeating: "0", count: $0)) }
    }
  }

  init(path: String, sheet: String, columns: [TableColumn], created: Instant) throws {
    self.path = path
    title = XLSXWriter.sheetName(sheet)
    self.columns = columns
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let opened = folder.withCString { folder in
      var options = lxw_workbook_options(
        constant_memory: 1, tmpdir: UnsafeMutablePointer(mutating: folder), use_zip64: 0)
      return workbook_new_opt(path, &options)
    }
    guard let opened else { throw Fault("xlsx-unwritable", "no workbook for \(path)") }
    workbook = opened
    formats = Formats(opened)
    var properties = lxw_doc_properties()
    properties.created = time_t(created.seconds)
    workbook_set_properties(opened, &properties)
    try addSheet()
  }

  deinit { if let workbook { lxw_workbook_free(workbook) } }

  private func addSheet() throws {
    sheets += 1
    let suffix = sheets == 1 ? "" : " (\(sheets))"
    let name = title.prefix(31 - suffix.count) + suffix
    guard let workbook, let added = workbook_add_worksheet(workbook, String(name)) else {
      throw Fault("xlsx-unwritable", "no worksheet \(name)")
    }
    sheet = added
    for (index, column) in columns.enumerated() {
      try check(worksheet_set_column(added, UInt16(index), UInt16(index), column.width, nil))
    }
    worksheet_freeze_panes(added, 1, 0)
    if !columns.isEmpty {
      try check(worksheet_autofilter(added, 0, 0, XLSXWriter.sheetRows - 1, UInt16(columns.count - 1)))
    }
    for (index, column) in columns.enumerated() {
      try check(worksheet_write_string(added, 0, UInt16(index), column.title, formats.header))
    }
    row = 1
  }

  /// Begins a further worksheet with columns of its own.
  func begin(sheet name: String, columns: [TableColumn]) throws {
    title = XLSXWriter.sheetName(name)
    self.columns = columns
    sheets = 0
    try addSheet()
  }

  func append(_ cells: [TableValue]) throws {
    if row == XLSXWriter.sheetRows { try addSheet() }
    guard let sheet else { throw Fault("xlsx-unwritable", "\(path) is finished") }
    for (index, cell) in cells.enumerated() { try check(write(cell, sheet, UInt16(index))) }
    row += 1
  }

  private func write(_ cell: TableValue, _ sheet: UnsafeMutablePointer<lxw_worksheet>, _ column: UInt16) -> lxw_error {
    switch cell {
    case .empty: return LXW_NO_ERROR
    case .text(let text): return text.isEmpty ? LXW_NO_ERROR : write(XLSXWriter.fitting(text), sheet, column)
    case .integer(let value):
      // Doubles hold 53 bits and Excel shows 15 digits: longer numbers are identifiers and stay text.
      guard value.magnitude < 1_000_000_000_000_000 else { return write(String(value), sheet, column) }
      return worksheet_write_number(sheet, row, column, Double(value), nil)
    case .number(let value):
      return value.isFinite ? worksheet_write_number(sheet, row, column, value, nil) : LXW_NO_ERROR
    case .decimal(let unscaled, let scale):
      guard unscaled.magnitude < 1_000_000_000_000_000, (0...9).contains(scale) else {
        return write(cell.text, sheet, column)
      }
      let format = scale == 2 ? formats.money : formats.decimals[scale]
      return worksheet_write_number(sheet, row, column, Double(cell.text) ?? 0, format)
    case .date(let date):
      return worksheet_write_number(sheet, row, column, XLSXWriter.serial(date), formats.date)
    case .time(let instant):
      let (date, second) = instant.chinaTime
      return worksheet_write_number(
        sheet, row, column, XLSXWriter.serial(date) + Double(second) / 86400, formats.time)
    case .boolean(let value): return write(value ? "是" : "否", sheet, column)
    case .image(let png, let alternative): return insert(png, alternative, sheet, column)
    }
  }

  private func write(_ text: String, _ sheet: UnsafeMutablePointer<lxw_worksheet>, _ column: UInt16) -> lxw_error {
    worksheet_write_string(sheet, row, column, text, nil)
  }

  private func insert(
    _ png: [UInt8], _ alternative: String, _ sheet: UnsafeMutablePointer<lxw_worksheet>, _ column: UInt16
  ) -> lxw_error {
    images.append(png)
    let height = XLSXWriter.pngHeight(png)
    let status = worksheet_set_row(sheet, row, Double(height) * 0.75 + 3, nil)
    guard status == LXW_NO_ERROR else { return status }
    return alternative.withCString { alternative in
      var options = lxw_image_options()
      options.x_offset = 2
      options.y_offset = 2
      options.x_scale = 1
      options.y_scale = 1
      options.description = UnsafeMutablePointer(mutating: alternative)
      return worksheet_insert_image_buffer_opt(sheet, row, column, png, png.count, &options)
    }
  }

  func finish() throws {
    guard let closing = workbook else { return }
    workbook = nil
    sheet = nil
    try check(workbook_close(closing))
    images = []
  }

  private func check(_ status: lxw_error) throws {
    guard status == LXW_NO_ERROR else {
      throw Fault("xlsx-unwritable", "\(path): \(lxw_strerror(status).map { String(cString: $0) } ?? "")")
    }
  }

  /// Days since the end of 1899, as Excel counts; dates before March 1900 differ by Excel's invented leap day.
  static func serial(_ date: CivilDate) -> Double {
    let days = date.daysSinceEpoch + 25569
    return Double(days < 61 ? days - 1 : days)
  }

  /// Excel refuses longer cells; the cut is said in the cell.
  static func fitting(_ text: String) -> String {
    let clean = text.utf8.contains(0) ? text.filter { $0 != "\0" } : text
    guard clean.utf8.count > cellUnits, clean.unicodeScalars.count > cellUnits else { return clean }
    let mark = "…（超过单元格上限，已截断）"
    return String(String.UnicodeScalarView(clean.unicodeScalars.prefix(cellUnits - mark.unicodeScalars.count))) + mark
  }

  /// Excel forbids `[]:*?/\` and more than 31 characters.
  static func sheetName(_ name: String) -> String {
    let kept = name.unicodeScalars.filter { !"[]:*?/\\'".unicodeScalars.contains($0) && $0.value >= 32 }
    return kept.isEmpty ? "数据" : String(String.UnicodeScalarView(kept.prefix(31)))
  }

  /// The height in pixels from the header chunk (PNG specification §11.2.1).
  static func pngHeight(_ png: [UInt8]) -> Int {
    guard png.count >= 24 else { return 0 }
    return png[20..<24].reduce(0) { $0 << 8 | Int($1) }
  }
}
