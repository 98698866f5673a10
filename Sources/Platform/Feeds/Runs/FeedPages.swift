import Access
import Connectors
import Core
import Documents
import Entities
import Foundation

/// A page of rows, and where reading goes on behind it.
struct FeedPage: Sendable {
  var rows: [FeedSourceRow] = []
  var position: String
  var isLast: Bool
}

extension FeedService {
  /// The page of changes behind `cursor`, from the connector.
  ///
  /// - Throws: ``Refusal`` `feed-source` with what the other side said; worth another try when it was out of reach.
  func page(_ feed: Feed, behind cursor: String?, isFull: Bool, from number: Int) async throws -> FeedPage {
    let values: [String: Value] = [
      "cursor": cursor.map { .text($0) } ?? .null, "size": .integer(Int64(feed.page)), "full": .boolean(isFull),
    ]
    let answer = try await client.call(
      feed.connector, feed.operation, values, purpose: "同步：\(feed.label)", by: .system)
    guard !answer.outcome.isFailure, answer.outcome != .off, answer.outcome != .incomplete else {
      let isWorthWaiting = [.timeout, .failed, .open, .quota].contains(answer.outcome)
      throw Refusal(
        isWorthWaiting ? .unavailable : .conflict, "feed-source", "没有读到数据：\(answer.reason ?? "对方没有答复")。已读到的不受影响。")
    }
    let next = answer.values["cursor"]?.text ?? cursor
    let more = answer.values["more"]?.boolean ?? false
    guard let next, !more || next != cursor else {
      throw Refusal(.conflict, "feed-source", "对方的答复没有往下的位置（cursor），没有继续。请联系对方核对接口约定。")
    }
    return FeedPage(
      rows: answer.rows.enumerated().map { FeedSourceRow(number: number + $0.offset, $0.element) }, position: next,
      isLast: !more)
  }

  /// - Throws: ``Refusal`` for a file that cannot be read as rows of the feed.
  package func prove(_ feed: Feed, path: String) throws { _ = try FeedFile(feed, path: path) }

  /// How many records the other side has, by division; empty when it does not tell.
  func counts(_ feed: Feed) async throws -> [String: Int64] {
    guard let counts = feed.counts else { return [:] }
    let answer = try await client.call(
      feed.connector, counts.operation, [:], purpose: "对账：\(feed.label)", by: .system)
    var found: [String: Int64] = [:]
    for case .success(let row) in answer.rows {
      guard let text = row[counts.division]?.text, let count = row[counts.count]?.integer else { continue }
      found[division(text) ?? text, default: 0] += count
    }
    return found
  }
}

/// The rows of a feed in a file: JSON lines, CSV or XLSX, the columns headed by name or label of the contract.
///
/// Not `Sendable`: one task reads it from front to back.
final class FeedFile {
  private enum Content {
    case lines(LineReader)
    case table(TableReader, [(position: Int, field: ConnectorField)])
  }

  private let feed: Feed
  private let content: Content
  private var number = 0

  /// - Throws: ``Refusal`` `feed-file` for a file that has not the feed's key; what ``TableReader`` says of others.
  init(_ feed: Feed, path: String) throws {
    self.feed = feed
    if let lines = try LineReader(path: path), lines.startsWithObject {
      content = .lines(lines)
      return
    }
    let table = try TableReader(.file(path))
    var columns: [(position: Int, field: ConnectorField)] = []
    for (position, heading) in table.header.cells.enumerated() {
      let plain = TextForms.trimmed(heading)
      if let field = feed.rows.first(where: { $0.name == plain || $0.label == plain }) {
        columns.append((position, field))
      }
    }
    guard columns.contains(where: { $0.field.name == feed.key }) else {
      let label = feed.rows.first { $0.name == feed.key }?.label ?? feed.key
      throw Refusal(
        .unprocessable, "feed-file", "表头里没有“\(label)”（\(feed.key)）列，不知道每一行是对方的哪一条。请按接口约定的字段名或名称写表头。", field: "file")
    }
    content = .table(table, columns)
  }

  /// The next rows, at most a page of them, behind row `position`.
  func page(behind position: Int) throws -> FeedPage {
    var page = FeedPage(position: String(position), isLast: false)
    while page.rows.count < feed.page {
      guard let row = try next() else {
        page.isLast = true
        break
      }
      if row.number > position { page.rows.append(row) }
    }
    if let last = page.rows.last { page.position = String(last.number) }
    return page
  }

  private func next() throws -> FeedSourceRow? {
    switch content {
    case .lines(let lines):
      while let line = try lines.next() {
        number += 1
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
        let feed = feed
        return FeedSourceRow(
          number: number, Result { () throws(Refusal) in try feed.rows.read(try JSON(parsing: line)) })
      }
      return nil
    case .table(let table, let columns):
      guard let row = try table.next() else { return nil }
      return FeedSourceRow(number: row.number, Result { () throws(Refusal) in try FeedFile.values(row.cells, columns) })
    }
  }

  private static func values(_ cells: [String], _ columns: [(position: Int, field: ConnectorField)])
    throws(Refusal) -> [String: Value]
  {
    var values: [String: Value] = [:]
    for (position, field) in columns where position < cells.count {
      let cell = TextForms.trimmed(cells[position])
      if cell.isEmpty { continue }
      values[field.name] = try field.read(cell: cell)
    }
    return values
  }
}

extension ConnectorField {
  /// A cell of a table as a value of this kind.
  fileprivate func read(cell: String) throws(Refusal) -> Value {
    switch type {
    case .integer:
      guard let number = Int64(cell) else { throw Refusal(.unprocessable, "feed-value", "“\(label)”应是整数") }
      return .integer(number)
    case .boolean: return .boolean(["true", "1", "是"].contains(cell))
    case .date:
      guard let date = TextForms.date(cell) else { throw Refusal(.unprocessable, "feed-value", "“\(label)”应是日期") }
      return .date(date)
    default: return try value(.string(cell))
    }
  }
}

/// The lines of a file, read piece by piece.
private final class LineReader {
  private let file: FileHandle
  private var buffer: [UInt8] = []
  private var start = 0
  private var isAtEnd = false

  /// `nil` when the file cannot be opened.
  init?(path: String) throws {
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    self.file = file
    try fill()
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
  }

  deinit { try? file.close() }

  var startsWithObject: Bool {
    buffer[start...].first { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 } == UInt8(ascii: "{")
  }

  private func fill() throws {
    buffer.removeFirst(start)
    start = 0
    let more = try file.read(upToCount: 1 << 18) ?? Data()
    if more.isEmpty { isAtEnd = true } else { buffer += more }
  }

  func next() throws -> [UInt8]? {
    var searched = start
    while true {
      if let end = buffer[searched...].firstIndex(of: 0x0A) {
        defer { start = end + 1 }
        return Array(buffer[start..<end])
      }
      if isAtEnd {
        guard start < buffer.count else { return nil }
        defer { start = buffer.count }
        return Array(buffer[start...])
      }
      let open = buffer.count - start
      try fill()
      searched = open
    }
  }
}
