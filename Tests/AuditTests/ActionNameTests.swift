import Entities
import Foundation
import Testing

/// The log of operations speaks Chinese: whatever the product writes into it has a name.
@Suite struct ActionNameTests {
  static let root = #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" }

  /// Actions that stand in the sources as text, `subject.verb` behind the beginning of an entry.
  static func written() throws -> Set<String> {
    var found: Set<String> = []
    let files = FileManager.default.enumerator(atPath: "\(root)/Sources")
    while let file = files?.nextObject() as? String {
      guard file.hasSuffix(".swift") else { continue }
      let text = try String(contentsOfFile: "\(root)/Sources/\(file)", encoding: .utf8)
      for start in text.components(separatedBy: "AuditEntry(").dropFirst() {
        let pieces = start.prefix(160).split(separator: "\"", omittingEmptySubsequences: false)
        guard pieces.count > 2, !pieces[0].contains(":"), !pieces[0].contains("{") else { continue }
        found.insert(String(pieces[1]))
      }
    }
    return found.filter { action in action.contains(".") && !action.contains("\\") }
  }

  @Test func everyActionWrittenIntoTheLogHasAName() throws {
    let catalog = try Catalog.load(resources: "\(ActionNameTests.root)/Resources")
    let written = try ActionNameTests.written()
    #expect(written.count > 25, "the search finds what is there")
    for action in written { #expect(catalog.label(ofAction: action) != nil, "\(action)") }
    for action in ["draft", "discard", "try", "publish", "rollback"] {
      #expect(catalog.label(ofAction: "definition.\(action)") != nil, "definition.\(action)")
    }
    for action in [
      "unit.import", "app_user.import", "platform.start", "platform.stop", "person.list", "address.confirm",
    ] {
      #expect(catalog.label(ofAction: action) != nil, "\(action)")
    }
    #expect(catalog.label(ofAction: "address.conjure") == nil)
  }
}
