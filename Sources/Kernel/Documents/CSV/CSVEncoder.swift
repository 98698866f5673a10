/// Writes rows as RFC 4180 bytes.
package struct CSVEncoder: Sendable {
  /// Without the mark Excel on Chinese Windows reads a UTF-8 file as GBK.
  package var byteOrderMark = true
  package var delimiter = UInt8(ascii: ",")
  /// Writes `'` before a cell that a spreadsheet would run as a formula (OWASP CSV injection).
  package var guardsFormulas = true

  package init() {}

  /// What stands before the first row.
  package func begin(into bytes: inout [UInt8]) {
    if byteOrderMark { bytes.append(contentsOf: [0xEF, 0xBB, 0xBF]) }
  }

  /// Appends one row with its line end (CR LF).
  package func encode(_ cells: some Sequence<String>, into bytes: inout [UInt8]) {
    var first = true
    for cell in cells {
      if !first { bytes.append(delimiter) }
      first = false
      encode(cell: cell, into: &bytes)
    }
    bytes.append(contentsOf: [13, 10])
  }

  private func encode(cell: String, into bytes: inout [UInt8]) {
    let utf8 = cell.utf8
    let dangerous = guardsFormulas && CSVEncoder.isFormula(cell)
    let needsQuotes = utf8.contains {
      $0 == delimiter || $0 == UInt8(ascii: "\"") || $0 == 10 || $0 == 13
    }
    let edgeSpace = utf8.first == 32 || utf8.last == 32
    guard needsQuotes || edgeSpace || dangerous else {
      bytes.append(contentsOf: utf8)
      return
    }
    bytes.append(UInt8(ascii: "\""))
    if dangerous { bytes.append(UInt8(ascii: "'")) }
    for byte in utf8 {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Whether a spreadsheet may run the text: it starts with `=`, `+`, `-`, `@`, a tab, a line end or the full-width form
  /// of a sign, and is not merely a number.
  package static func isFormula(_ cell: String) -> Bool {
    guard let first = cell.unicodeScalars.first else { return false }
    switch first {
    case "=", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠": return true
    case "+", "-": return !isNumber(cell.utf8.dropFirst())
    default: return false
    }
  }

  private static func isNumber(_ text: Substring.UTF8View) -> Bool {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return (1...2).contains(parts.count)
      && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
  }
}
