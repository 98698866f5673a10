import Core
import Testing
import YAML

@Suite struct YAMLWriterTests {
  @Test func documentsAreWrittenAsPeopleWriteThem() {
    let node = YAMLNode.mapping([
      ("entity", .string("building")), ("label", .string("楼栋")), ("personal", .plain("false")),
      (
        "fields",
        .sequence([
          .mapping([("name", .string("code")), ("label", .string("编码: 一")), ("max", .plain("32"))]),
          .mapping([("name", .string("on")), ("default", .string("'x'")), ("limits", .sequence([]))]),
        ])
      ),
      ("list", .mapping([("columns", .sequence([.string("code"), .string("12"), .string("")]))])),
    ])
    #expect(
      node.write() == """
        entity: building
        label: 楼栋
        personal: false
        fields:
          - name: code
            label: "编码: 一"
            max: 32
          - name: on
            default: "'x'"
            limits: []
        list:
          columns: [code, "12", ""]

        """)
  }

  @Test func whatIsWrittenReadsBackEqual() throws {
    var random = SeededRandom(seed: 4)
    for round in 0..<3000 {
      let node = YAMLWriterTests.node(&random, depth: 0)
      let text = node.write()
      let back = try YAMLNode(parsing: text, file: "round-\(round)")
      #expect(back == node, "\(text)")
    }
  }

  private static let pieces = [
    "a", "楼", " ", ":", "#", "'", "\"", "\\", "\n", "\t", "-", "1", ".5", "e3", "null", "true", "~", "{", "]", ",", "*",
    "&",
    "!", "|", ">", "%", "@", "`", "\u{85}", "\u{2028}", "\u{FEFF}", "😀", "\u{1}", "？", "　", "é", "e\u{301}", "=", "<<",
  ]

  private static func text(_ random: inout SeededRandom) -> String {
    (0..<random.below(6)).map { _ in random.pick(pieces) }.joined()
  }

  private static func node(_ random: inout SeededRandom, depth: Int) -> YAMLNode {
    switch depth > 3 ? random.below(2) : random.below(5) {
    case 0: return .string(text(&random))
    case 1: return .plain(random.pick(["null", "true", "false", "0", "-12", "3.5"]))
    case 2, 3:
      var keys: Set<String> = []
      var entries: [(String, YAMLNode)] = []
      for _ in 0..<random.below(5) {
        let key = text(&random)
        if keys.insert(key).inserted { entries.append((key, node(&random, depth: depth + 1))) }
      }
      return .mapping(entries)
    default: return .sequence((0..<random.below(5)).map { _ in node(&random, depth: depth + 1) })
    }
  }
}
