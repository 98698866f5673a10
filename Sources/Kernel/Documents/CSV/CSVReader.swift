import Core
import Glibc

/// Reads delimited text (RFC 4180) row by row from UTF-8 bytes, with memory independent of the file's length.
///
/// Beyond the RFC it takes what spreadsheets write: LF and CR line ends, a byte order mark, tabs or semicolons, a
/// leading `sep=` line, and a quote inside an unquoted cell. Lines without any content are skipped. Not `Sendable`:
/// one task reads it from front to back.
package final class CSVReader {
  package let encoding: TextEncoding
  package private(set) var delimiter: UInt8
  private let input: UTF8Input
  private let limits: TableLimits
  private var buffer: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  private var start = 0
  private var end = 0
  private var inputEnded = false
  /// Up to here the buffer is well-formed UTF-8; a broken character stands here if `isBroken`.
  private var checked = 0
  private var isBroken = false
  private var line = 1
  private var rows = 0
  private var fields: [Field] = []

  private struct Field {
    var start: Int
    var end: Int
    var doubledQuotes: Bool
  }

  private enum Scan {
    case record(next: Int, lines: Int)
    case incomplete
  }

  private static let quote = UInt8(ascii: "\"")
  private static let lineFeed: UInt8 = 10
  private static let carriageReturn: UInt8 = 13
  private static let chunk = 256 * 1024

  /// - Parameters:
  ///   - encoding: `nil` finds it from the byte order mark or the content.
  ///   - delimiter: `nil` finds comma, tab or semicolon from the first lines.
  /// - Throws: ``Refusal`` `not-text`, `file-missing`; ``Fault``.
  package init(
    _ source: ByteSource, encoding: TextEncoding? = nil, delimiter: UInt8? = nil, limits: TableLimits = TableLimits()
  ) throws {
    input = try UTF8Input(source, encoding: encoding)
    self.encoding = input.encoding
    self.delimiter = delimiter ?? UInt8(ascii: ",")
    self.limits = limits
    capacity = CSVReader.chunk
    buffer = .allocate(capacity: capacity)
    try refill()
    if delimiter == nil {
      let head = UnsafeBufferPointer(start: buffer, count: min(end, 64 * 1024))
      if let declared = CSVDelimiter.declared(head) {
        self.delimiter = declared.delimiter
        start = declared.length
        line = 2
      } else {
        self.delimiter = CSVDelimiter.guess(head)
      }
    }
  }

  deinit { buffer.deallocate() }

  /// Share of the file that has been read, from 0 to 1.
  package var fractionRead: Double { input.fractionRead }

  /// The next row with content, or `nil` at the end.
  ///
  /// - Throws: ``Refusal`` naming line and column: `text-malformed`, `csv-quote-open`, `csv-quote-misplaced`,
  ///   `cell-too-large`, `row-too-large`, `too-many-columns`, `too-many-rows`; ``Fault``.
  package func next() throws -> TableRow? {
    while true {
      if start == end, inputEnded { return nil }
      guard case .record(let next, let lines) = try scan() else {
        try refill()
        continue
      }
      defer {
        start = next
        line += lines
      }
      if fields.count == 1, fields[0].start == fields[0].end { continue }
      rows += 1
      guard rows <= limits.rows else { throw TableRefusal.tooManyRows(limits.rows) }
      return TableRow(number: line, cells: try cells())
    }
  }

  /// Finds the cells of the record at `start`.
  private func scan() throws -> Scan {
    // A local array: each access to a property of a class is checked for exclusivity.
    var fields = self.fields
    self.fields = []
    fields.removeAll(keepingCapacity: true)
    defer { self.fields = fields }
    let bytes = buffer
    let limit = end
    let ended = inputEnded
    let delimiter = delimiter
    let pattern = UInt64(delimiter) &* CSVReader.ones
    var position = start
    var lines = 0
    while true {
      var field = Field(start: position, end: position, doubledQuotes: false)
      if position < limit, bytes[position] == CSVReader.quote {
        guard try scanQuoted(&field, column: fields.count + 1, lines: &lines) else { return .incomplete }
        position = field.end + 1
      } else {
        position = CSVReader.cellEnd(bytes, from: position, to: limit, pattern)
        field.end = position
      }
      if position == limit, !ended { return .incomplete }
      fields.append(field)
      if position == limit { return .record(next: limit, lines: lines) }
      switch bytes[position] {
      case delimiter:
        position += 1
        guard fields.count < limits.columns else {
          throw TableRefusal.tooManyColumns(line: line, limit: limits.columns)
        }
      case CSVReader.lineFeed:
        return .record(next: position + 1, lines: lines + 1)
      default:
        if position + 1 == limit, !ended { return .incomplete }
        let pair = position + 1 < limit && bytes[position + 1] == CSVReader.lineFeed
        return .record(next: position + (pair ? 2 : 1), lines: lines + 1)
      }
    }
  }

  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// The next delimiter or line end, found eight bytes at a time.
  ///
  /// - Parameter pattern: the delimiter in each byte.
  private static func cellEnd(_ bytes: UnsafePointer<UInt8>, from start: Int, to limit: Int, _ pattern: UInt64) -> Int {
    let raw = UnsafeRawPointer(bytes)
    var position = start
    while position + 8 <= limit {
      let word = raw.loadUnaligned(fromByteOffset: position, as: UInt64.self).littleEndian
      let hits = zeroBytes(word ^ pattern) | zeroBytes(word ^ (ones &* 10)) | zeroBytes(word ^ (ones &* 13))
      if hits != 0 { return position + hits.trailingZeroBitCount / 8 }
      position += 8
    }
    while position < limit {
      let byte = bytes[position]
      if byte == UInt8(truncatingIfNeeded: pattern) || byte == lineFeed || byte == carriageReturn { break }
      position += 1
    }
    return position
  }

  /// The high bit of each zero byte; bits above the lowest of them may be set in vain.
  private static func zeroBytes(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & (ones &* 0x80) }

  /// Finds the end of a quoted cell; false when more bytes are needed first.
  private func scanQuoted(_ field: inout Field, column: Int, lines: inout Int) throws -> Bool {
    let opened = line + lines
    field.start += 1
    var cursor = field.start
    while true {
      guard let found = memchr(buffer + cursor, Int32(CSVReader.quote), end - cursor) else {
        guard inputEnded else { return false }
        throw TableRefusal.quoteOpen(line: opened, column: column)
      }
      cursor = found - UnsafeMutableRawPointer(buffer)
      if cursor + 1 == end {
        guard inputEnded else { return false }
        break
      }
      guard buffer[cursor + 1] == CSVReader.quote else { break }
      field.doubledQuotes = true
      cursor += 2
    }
    field.end = cursor
    lines += lineEnds(from: field.start, to: field.end)
    if cursor + 1 < end {
      let after = buffer[cursor + 1]
      guard after == delimiter || after == CSVReader.lineFeed || after == CSVReader.carriageReturn else {
        throw TableRefusal.quoteMisplaced(line: line + lines, column: column)
      }
    }
    return true
  }

  private func lineEnds(from start: Int, to end: Int) -> Int {
    var count = 0
    for index in start..<end {
      let byte = buffer[index]
      if byte == CSVReader.lineFeed {
        count += 1
      } else if byte == CSVReader.carriageReturn, index + 1 == end || buffer[index + 1] != CSVReader.lineFeed {
        count += 1
      }
    }
    return count
  }

  private func cells() throws -> [String] {
    var cells: [String] = []
    cells.reserveCapacity(fields.count)
    for (index, found) in fields.enumerated() {
      var field = found
      guard field.end - field.start <= limits.cellBytes else {
        throw TableRefusal.cellTooLarge(row: line, column: index + 1, limit: limits.cellBytes)
      }
      if isBroken, checked < field.end {
        let place = line + lineEnds(from: start, to: field.start)
        throw TableRefusal.malformed(line: place, column: index + 1, encoding: encoding)
      }
      if field.doubledQuotes { field.end = undouble(field) }
      let bytes = UnsafeBufferPointer(start: buffer + field.start, count: field.end - field.start)
      cells.append(String(decoding: bytes, as: UTF8.self))
    }
    return cells
  }

  /// Halves doubled quotes where the cell stands, since its record is not scanned again; returns the new end.
  private func undouble(_ field: Field) -> Int {
    var target = field.start
    var source = field.start
    while source < field.end {
      let byte = buffer[source]
      buffer[target] = byte
      target += 1
      source += byte == CSVReader.quote ? 2 : 1
    }
    return target
  }

  /// Moves the unread bytes to the front and reads on, growing the buffer up to the row limit.
  private func refill() throws {
    if start > 0 {
      memmove(buffer, buffer + start, end - start)
      end -= start
      checked -= start
      start = 0
    }
    guard end < limits.rowBytes else { throw TableRefusal.rowTooLarge(line: line, limit: limits.rowBytes) }
    if end == capacity {
      let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
      memcpy(larger, buffer, end)
      buffer.deallocate()
      buffer = larger
      capacity *= 2
    }
    let count = try input.read(into: UnsafeMutableRawBufferPointer(start: buffer + end, count: capacity - end))
    end += count
    inputEnded = count == 0
    if !isBroken { (checked, isBroken) = UTF8Validator.scan(buffer, from: checked, to: end, complete: inputEnded) }
  }
}
