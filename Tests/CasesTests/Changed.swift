import Cases
import Core
import Entities
import Foundation

/// The shipped processes with one word of one of them changed.
enum Changed {
  static func services(in folder: String, from old: String, to new: String) throws -> ServiceCatalog {
    let source = CaseFixture.resources + "/household/processes/hukou_on_site.bpmn"
    let text = try String(contentsOfFile: source, encoding: .utf8).replacingOccurrences(of: old, with: new)
    let target = folder + "/household/processes"
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try text.write(toFile: target + "/hukou_on_site.bpmn", atomically: true, encoding: .utf8)
    return ServiceCatalog(try CaseFixture.catalog.get(), folders: [CaseFixture.resources, folder])
  }
}

extension Value {
  /// A date as it is written; none when it is none.
  static func day(_ text: String) -> Value { CivilDate(text).map { .date($0) } ?? .null }
}
