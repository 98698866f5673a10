import Core
import Entities
import Foundation
import Testing
import YAML

/// Whatever is done to a valid declaration, loading ends with findings or a catalog and never crashes.
@Suite struct DeclarationMutationTests {
  static let texts: [(name: String, text: String)] = {
    let files = FileManager.default.enumerator(atPath: Samples.root)?.compactMap { $0 as? String } ?? []
    return files.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix("cities") }.sorted().compactMap { name in
      guard let text = try? String(contentsOfFile: "\(Samples.root)/\(name)", encoding: .utf8) else { return nil }
      return (name, text)
    }
  }()

  static let pieces = [
    "{", "}", "[", "]", ":", "'", "\"", ",", "- ", "null", "true", "12", "-1", "&a ", "*a", "\n", "  ", "(", ")", "==",
    " and ",
    "not ", "fields", "computed: ", "encrypted: true", "extend_entity: dwelling\n", "房", "\u{0}", "!!int ", "|", ">",
    "#", "{seq:9}",
    "999999999999999999999", "type: ref", "name: ", "today()", "%", "\t", "parent: a",
  ]

  static func mutated(_ text: String, _ random: inout SeededRandom) -> String {
    var scalars = Array(text.unicodeScalars)
    for _ in 0...random.below(3) {
      let at = random.below(scalars.count)
      switch random.below(6) {
      case 0: scalars.remove(at: at)
      case 1: scalars.insert(contentsOf: random.pick(pieces).unicodeScalars, at: at)
      case 2: scalars.removeSubrange(at..<min(at + random.below(30), scalars.count))
      case 3: scalars.swapAt(at, random.below(scalars.count))
      case 4:
        let end = min(at + random.below(40), scalars.count)
        scalars.insert(contentsOf: scalars[at..<end], at: random.below(scalars.count))
      default:
        var lines = String(String.UnicodeScalarView(scalars)).split(separator: "\n", omittingEmptySubsequences: false)
        lines.swapAt(random.below(lines.count), random.below(lines.count))
        scalars = Array(lines.joined(separator: "\n").unicodeScalars)
      }
      if scalars.isEmpty { scalars = ["x"] }
    }
    return String(String.UnicodeScalarView(scalars))
  }

  @Test(arguments: 0..<8) func aMutatedDeclarationNeverCrashesTheLoader(_ stream: UInt64) {
    #expect(DeclarationMutationTests.texts.count > 10)
    var random = SeededRandom(seed: 31).stream(stream)
    var refused = 0
    for _ in 0..<40 {
      var texts = DeclarationMutationTests.texts
      let index = random.below(texts.count)
      texts[index].text = DeclarationMutationTests.mutated(texts[index].text, &random)
      let findings = CatalogReading(texts: texts).allFindings()
      if findings.hasErrors { refused += 1 }
      #expect(findings.allSatisfy { $0.position.line > 0 && $0.position.column > 0 && !$0.message.isEmpty })
    }
    #expect(refused > 10)
  }
}
