import Addresses
import Glibc
import Testing

@Suite struct SegmenterCorpusTests {
  /// Rules alone; the published neural result on the reserved test split is 0.899.
  @Test(
    .enabled(if: Corpus.folder != nil, "the corpus is absent"), arguments: [("train.txt", 0.83), ("dev.txt", 0.83)])
  func spansOfRealAddressesAreFound(_ file: String, _ least: Double) throws {
    let corpus = try Corpus(file: "\(Corpus.folder ?? "")/\(file)")
    let segmenter = try Fixtures.segmenter()
    var total = SpanScore()
    var byLabel: [String: SpanScore] = [:]
    var confusions: [String: [String]] = [:]
    for address in corpus.addresses {
      let result = segmenter.segment(address.text)
      let found = Set(result.segments.map { Corpus.Span(label: $0.label.name, range: $0.range) })
      let expected = Set(address.spans)
      total.expected += expected.count
      total.found += found.count
      total.right += expected.intersection(found).count
      for span in expected { byLabel[span.label, default: SpanScore()].expected += 1 }
      for span in found { byLabel[span.label, default: SpanScore()].found += 1 }
      for span in expected.intersection(found) { byLabel[span.label, default: SpanScore()].right += 1 }
      guard getenv("LIFANG_ADDRESS_CORPUS_TRACE") != nil else { continue }
      let line = Self.trace(address, result)
      for span in expected.subtracting(found) {
        let overlap = result.segments.filter { $0.range.overlaps(span.range) }
        let what = overlap.map { $0.range == span.range ? $0.label.name : "~" + $0.label.name }.joined(
          separator: "+")
        confusions["\(span.label) → \(what)", default: []].append(line)
      }
    }
    print("span F1 \(file): \(total.f1) precision \(total.precision) recall \(total.recall)")
    for (label, score) in byLabel.sorted(by: { $0.value.expected > $1.value.expected }) {
      print("  \(label) \(score.f1) p \(score.precision) r \(score.recall) n \(score.expected)")
    }
    for (name, lines) in confusions.sorted(by: { $0.value.count > $1.value.count }).prefix(60) {
      print("## \(name) \(lines.count)")
      for line in lines.prefix(12) { print("     \(line)") }
    }
    #expect(total.f1 >= least)
  }

  private static func trace(_ address: Corpus.Address, _ result: SegmentedAddress) -> String {
    let scalars = Array(address.text.unicodeScalars)
    func text(_ range: Range<Int>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[range])
      return String(view)
    }
    let expected = address.spans.map { "\(text($0.range))/\($0.label)" }.joined(separator: " ")
    let found = result.segments.map { "\(text($0.range))/\($0.label.name)" }.joined(separator: " ")
    return "\(expected)\n       = \(found)"
  }
}
