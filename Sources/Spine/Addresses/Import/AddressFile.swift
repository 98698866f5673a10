import Core
import Documents
import Foundation

/// A list of addresses as people send it: a table with a header, a plain text with an address a line, or a labelled
/// corpus (a character or number and its label a line).
package final class AddressFile {
  /// One address of the file, with what other columns say of it.
  package struct Entry: Sendable {
    /// The row of the file, from 1; a line of a text, the address's number in a corpus.
    package let row: Int
    package let text: String
    package var hints = AddressHints()
    package var longitude: Double?
    package var latitude: Double?

    package init(row: Int, text: String) {
      self.row = row
      self.text = text
    }
  }

  /// What a column of a table holds.
  package enum Meaning: String, Sendable, Hashable, CaseIterable {
    case address, division, province, city, district, town, community, longitude, latitude

    package var label: String {
      switch self {
      case .address: "地址"
      case .division: "区划代码"
      case .province: "省"
      case .city: "市"
      case .district: "区县"
      case .town: "街道乡镇"
      case .community: "社区（村）"
      case .longitude: "经度"
      case .latitude: "纬度"
      }
    }

    fileprivate var headings: [String] {
      switch self {
      case .address: ["地址", "标准地址", "详细地址", "地址全称", "门牌地址", "full_name", "address"]
      case .division: ["区划代码", "行政区划代码", "区划编码", "division_code", "division"]
      case .province: ["省", "省份", "province"]
      case .city: ["市", "地市", "城市", "city"]
      case .district: ["区县", "县区", "县（区）", "区（县）", "县", "区", "district", "county"]
      case .town: ["街道", "乡镇", "街道乡镇", "乡镇街道", "town"]
      case .community: ["社区", "村", "社区（村）", "村社区", "community"]
      case .longitude: ["经度", "lon", "lng", "longitude", "x"]
      case .latitude: ["纬度", "lat", "latitude", "y"]
      }
    }
  }

  private enum Source {
    case table(TableReader, [Meaning: Int])
    case lines([String])
  }

  private let source: Source
  private var index = 0
  /// The table's headings; empty for a text.
  package let headings: [String]
  package let mapping: [Meaning: Int]

  /// - Parameter mapping: which column holds what; `nil` goes by the headings.
  /// - Throws: ``Refusal`` for a file that is no list of addresses or has no address column.
  package init(path: String, mapping asked: [Meaning: Int]? = nil) throws {
    if let lines = try AddressFile.corpus(path) ?? AddressFile.plainLines(path) {
      source = .lines(lines)
      headings = []
      mapping = [:]
      return
    }
    let reader = try TableReader(.file(path))
    headings = reader.header.cells
    let mapping = asked ?? AddressFile.guess(reader.header.cells)
    guard mapping[.address] != nil else {
      throw Refusal(
        .unprocessable, "address-column",
        "表头里没有找到地址列（现有：\(reader.header.cells.joined(separator: "、").prefix(200))）。请指明哪一列是地址。",
        field: "address")
    }
    self.mapping = mapping
    source = .table(reader, mapping)
  }

  /// Columns by their headings, exact names before parts of names.
  package static func guess(_ headings: [String]) -> [Meaning: Int] {
    var found: [Meaning: Int] = [:]
    for meaning in Meaning.allCases {
      let names = meaning.headings
      let exact = headings.firstIndex { names.contains($0.lowercased()) }
      let part = headings.firstIndex { heading in names.contains { $0.count > 1 && heading.contains($0) } }
      if let column = exact ?? part, !found.values.contains(column) { found[meaning] = column }
    }
    return found
  }

  /// The share of the file that has been read, 0 to 1.
  package var fractionRead: Double {
    switch source {
    case .table(let reader, _): reader.fractionRead
    case .lines(let lines): lines.isEmpty ? 1 : Double(index) / Double(lines.count)
    }
  }

  package func next() throws -> Entry? {
    switch source {
    case .lines(let lines):
      guard index < lines.count else { return nil }
      index += 1
      return Entry(row: index, text: lines[index - 1])
    case .table(let reader, let mapping):
      guard let row = try reader.next() else { return nil }
      func cell(_ meaning: Meaning) -> String? {
        guard let column = mapping[meaning] else { return nil }
        let text = TableReader.trimmed(row[column])
        return text.isEmpty ? nil : text
      }
      var entry = Entry(row: row.number, text: cell(.address) ?? "")
      entry.hints.division = cell(.division).flatMap { DivisionCode($0) }
      entry.hints.province = cell(.province)
      entry.hints.city = cell(.city)
      entry.hints.district = cell(.district)
      entry.hints.town = cell(.town)
      entry.hints.community = cell(.community)
      entry.longitude = cell(.longitude).flatMap { Double($0) }
      entry.latitude = cell(.latitude).flatMap { Double($0) }
      return entry
    }
  }

  // MARK: Texts

  /// The first bytes of a file as text lines; `nil` when it is no UTF-8 text.
  private static func head(_ path: String) throws -> [Substring]? {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw Refusal(.notFound, "file-missing", "找不到文件 \(path)，或没有读取权限。")
    }
    let bytes = Array(try file.read(upToCount: 8192) ?? Data())
    try file.close()
    guard !bytes.isEmpty, !bytes.contains(0) else { return nil }
    var end = bytes.count
    if end == 8192 { while end > 0, bytes[end - 1] != 0x0A { end -= 1 } }
    guard let text = String(validating: bytes[..<end], as: UTF8.self) else { return nil }
    return parts(of: text)
  }

  /// The lines of a text; the end of a line on Windows is one character to Swift, and no `\n`.
  private static func parts(of text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
  }

  /// A labelled corpus (CoNLL): addresses part at empty lines, an underscore stands for a space.
  private static func corpus(_ path: String) throws -> [String]? {
    guard let head = try head(path) else { return nil }
    let labelled = head.filter { !$0.isEmpty }
    guard labelled.count > 2, labelled.allSatisfy({ isLabelled($0) }) else { return nil }
    var addresses: [String] = []
    var current = ""
    for line in try lines(path) {
      if line.isEmpty {
        if !current.isEmpty { addresses.append(current) }
        current = ""
      } else if let token = line.split(separator: " ").first {
        current += token.map { $0 == "_" ? " " : String($0) }.joined()
      }
    }
    if !current.isEmpty { addresses.append(current) }
    return addresses
  }

  private static func isLabelled(_ line: Substring) -> Bool {
    let parts = line.split(separator: " ")
    return parts.count == 2
      && (parts[1] == "O" || parts[1].hasPrefix("B-") || parts[1].hasPrefix("I-") || parts[1].hasPrefix("E-")
        || parts[1].hasPrefix("S-"))
  }

  /// An address a line: a text whose first line names no column and holds no separator.
  private static func plainLines(_ path: String) throws -> [String]? {
    guard let head = try head(path), let first = head.first else { return nil }
    let names = Set(Meaning.allCases.flatMap(\.headings))
    guard !first.contains(where: { ",\t;\"".contains($0) }),
      !names.contains(TableReader.trimmed(String(first)).lowercased())
    else { return nil }
    return try lines(path).filter { !$0.isEmpty }
  }

  private static func lines(_ path: String) throws -> [String] {
    guard let text = String(validating: Array(try Data(contentsOf: URL(filePath: path))), as: UTF8.self) else {
      throw Refusal(.unsupported, "text-encoding", "文件不是 UTF-8 文本。请另存为 UTF-8 或用 CSV、XLSX 表格。")
    }
    return parts(of: text).map { TableReader.trimmed(String($0)) }
  }
}
