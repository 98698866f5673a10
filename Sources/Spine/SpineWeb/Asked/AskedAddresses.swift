import Addresses
import Core
import HTTP

/// Written addresses that somebody asks about (地址清单): by the interface, typed line by line, or in a file. How many and
/// how long they may be is the same for matching and parsing.
enum AskedAddresses {
  static let mostOnPage = 200
  static let mostInInterface = 1000
  private static let mostInFile = 100_000
  /// Characters of one address.
  static let longest = 500

  /// `{"addresses":["…"]}`.
  ///
  /// - Throws: ``Refusal`` `addresses-asked` for anything else, too many or too long ones, at `addresses`.
  static func lines(of body: JSON) throws(Refusal) -> [String] {
    guard let texts = body["addresses"]?.array?.map(\.string), !texts.isEmpty, texts.count <= mostInInterface,
      !texts.contains(nil)
    else {
      throw refusal("addresses 应为 1 到 \(mostInInterface) 条地址文本的数组。")
    }
    let lines = texts.compactMap(\.self)
    if let index = lines.firstIndex(where: isTooLong) { throw tooLong(index + 1, "条") }
    return lines
  }

  /// One a line; blank lines do not count.
  ///
  /// - Throws: ``Refusal`` `addresses-asked` for none, too many, or too long ones.
  static func lines(typed text: String) throws(Refusal) -> [String] {
    let lines = text.split(whereSeparator: \.isNewline).map { String($0) }.filter { !$0.allSatisfy(\.isWhitespace) }
    guard !lines.isEmpty else { throw refusal("请填写地址，每行一条。") }
    guard lines.count <= mostOnPage else { throw refusal("一次最多 \(mostOnPage) 条，现有 \(lines.count) 条；更多的请用文件。") }
    if let index = lines.firstIndex(where: isTooLong) { throw tooLong(index + 1, "条") }
    return lines
  }

  /// The rows of a list, CSV, XLSX or text.
  ///
  /// - Throws: ``Refusal`` for a file that is none, or has too many or too long ones.
  static func entries(of upload: UploadedFile) throws -> [AddressFile.Entry] {
    let file = try AddressFile(path: upload.path)
    var entries: [AddressFile.Entry] = []
    while let entry = try file.next() {
      guard !isTooLong(entry.text) else { throw tooLong(entry.row, "行") }
      entries.append(entry)
      guard entries.count <= mostInFile else { throw refusal("文件超过 \(mostInFile) 行，请分成几个文件。") }
    }
    return entries
  }

  /// Shares many lines out among a few tasks; the answers are in the order asked.
  static func answers<Answer: Sendable>(
    to lines: [String], atLeast least: Int, _ answer: @escaping @Sendable (ArraySlice<String>) -> [Answer]
  ) async -> [Answer] {
    let share = max(least, (lines.count + 3) / 4)
    return await withTaskGroup(of: (Int, [Answer]).self) { group in
      for start in stride(from: 0, to: lines.count, by: share) {
        let part = lines[start..<min(start + share, lines.count)]
        group.addTask { (start, answer(part)) }
      }
      var parts: [(Int, [Answer])] = []
      for await part in group { parts.append(part) }
      return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
    }
  }

  private static func isTooLong(_ line: String) -> Bool {
    line.utf8.count > longest && line.unicodeScalars.count > longest
  }

  private static func tooLong(_ number: Int, _ unit: String) -> Refusal {
    refusal("第 \(number) \(unit)超过 \(longest) 字，不像一条地址。请拆开后重试。")
  }

  private static func refusal(_ message: String) -> Refusal {
    Refusal(.unprocessable, "addresses-asked", message, field: "addresses")
  }
}
