/// Cuts addresses into labelled parts (地址解析) with a trained model.
///
/// Keeps its working memory from address to address; each thread has its own. The model is shared.
package struct AddressParser {
  package let model: ParserModel
  private var units = AddressUnits()
  private var features = FeatureExtractor()
  private var scorer = UnitScorer()
  private let decoder = LabelDecoder()
  private var tags: [UInt8] = []

  package init(_ model: ParserModel) { self.model = model }

  /// The parts of an address; they cover its text. An empty text has none.
  package mutating func parse(_ text: some StringProtocol) -> LabelledAddress {
    parse(scalars: text.unicodeScalars.map(\.value))
  }

  /// Likewise for Unicode scalars.
  package mutating func parse(scalars: [UInt32]) -> LabelledAddress {
    var parts: [AddressPart] = []
    var start = 0
    // An address has some twenty characters; a text of many thousands is read piece by piece.
    while start < scalars.count {
      let end = min(scalars.count, start + AddressUnits.longest)
      append(scalars[start..<end], at: start, to: &parts)
      start = end
    }
    return LabelledAddress(scalars: scalars, parts: parts)
  }

  private mutating func append(_ piece: ArraySlice<UInt32>, at start: Int, to parts: inout [AddressPart]) {
    units.read(piece)
    features.extract(units, names: model.names)
    scorer.score(features, model)
    let count = units.count
    scorer.scores.withUnsafeBufferPointer { scores in
      model.transitions.withUnsafeBufferPointer { transitions in
        decoder.decode(scores, units: count, transitions: transitions, into: &tags)
      }
    }
    var first = 0
    for unit in 1...count where unit == count || Int(tags[unit]) < LabelHistory.inside {
      let label = AddressLabel(rawValue: tags[first] % UInt8(LabelHistory.inside)) ?? .redundant
      parts.append(AddressPart(label, (start + units.starts[first])..<(start + units.starts[unit])))
      first = unit
    }
  }
}
