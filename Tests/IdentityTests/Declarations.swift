import Foundation

/// The names of declared fields, read from the resources line by line.
enum Declarations {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appendingPathComponent("Resources/platform")

  static func fields(of entity: String) -> Set<String> {
    let file = folder.appendingPathComponent("entities/\(entity).yaml")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    let lines = text.split(separator: "\n").filter {
      $0.hasPrefix("  - {name: ") && $0.contains("type: ") && !$0.contains("gathered: ")
    }
    return Set(lines.compactMap { $0.dropFirst(11).split(separator: ",").first.map(String.init) })
  }

  /// The codes of a dictionary.
  static func codes(of dictionary: String) -> [String] {
    let file = folder.appendingPathComponent("dictionaries/\(dictionary).yaml")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").filter { $0.hasPrefix("  - {code: ") }.compactMap {
      $0.dropFirst(11).split(separator: ",").first.map(String.init)
    }
  }
}
