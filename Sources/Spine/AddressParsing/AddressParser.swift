import Addresses

/// Cuts addresses into labelled parts (地址解析) with a trained model.
///
/// Keeps its working memory from address to address and so cannot be copied; each thread has its own. The model is
/// shared.
package struct AddressParser: ~Copyable {
  package let model: ParserModel
  private var units = AddressUnits()
  private var features = FeatureExtractor()
  private let decoder = LabelDecoder()
  private let scores: UnsafeMutablePointer<Int16>
  private let tags: UnsafeMutablePointer<UInt8>
  private(set) var cuts: [AddressPart] = []
  var plain = PlainText()
  /// ``FeatureExtractor/mostKeys`` places for each unit, and how many of them are used.
  private let found: UnsafeMutablePointer<WeightTable.Candidate>
  private let foundCounts: UnsafeMutablePointer<Int>

  package init(_ model: ParserModel) {
    self.model = model
    scores = .allocate(capacity: AddressUnits.longest * LabelHistory.width)
    tags = .allocate(capacity: AddressUnits.longest)
    found = .allocate(capacity: AddressUnits.longest * FeatureExtractor.mostKeys)
    foundCounts = .allocate(capacity: AddressUnits.longest)
  }

  deinit {
    scores.deallocate()
    tags.deallocate()
    found.deallocate()
    foundCounts.deallocate()
  }

  /// The parts of an address; they cover its text. An empty text has none.
  package mutating func parse(_ text: some StringProtocol) -> LabelledAddress {
    parse(scalars: text.unicodeScalars.map(\.value))
  }

  /// Likewise for Unicode scalars.
  package mutating func parse(scalars: [UInt32]) -> LabelledAddress {
    scalars.withUnsafeBufferPointer { cut($0) }
    return LabelledAddress(scalars: scalars, parts: cuts)
  }

  /// Finds the parts of an address: ``cuts`` then has them.
  mutating func cut(_ scalars: UnsafeBufferPointer<UInt32>) {
    cuts.removeAll(keepingCapacity: true)
    // An address has some twenty characters; a text of many thousands is read piece by piece.
    for start in stride(from: 0, to: scalars.count, by: AddressUnits.longest) {
      label(UnsafeBufferPointer(rebasing: scalars[start..<min(scalars.count, start + AddressUnits.longest)]))
      let count = units.count
      var first = 0
      for unit in 1...count where unit == count || Int(tags[unit]) < LabelHistory.inside {
        let label = AddressLabel(rawValue: tags[first] % UInt8(LabelHistory.inside)) ?? .redundant
        cuts.append(AddressPart(label, (start + units.starts[first])..<(start + units.starts[unit])))
        first = unit
      }
    }
  }

  /// Finds the tags of a piece that is not empty.
  private mutating func label(_ piece: UnsafeBufferPointer<UInt32>) {
    units.read(piece)
    features.read(units, names: model.names)
    let count = units.count
    for unit in 0..<count {
      let keys = features.keys(of: unit, in: units)
      foundCounts[unit] = model.table.find(keys, into: found + unit * FeatureExtractor.mostKeys)
    }
    for unit in 0..<count {
      let candidates = UnsafeBufferPointer(start: found + unit * FeatureExtractor.mostKeys, count: foundCounts[unit])
      model.table.sum(candidates, into: scores + unit * LabelHistory.width)
    }
    model.transitions.withUnsafeBufferPointer { transitions in
      decoder.decode(scores, units: count, step: model.step, transitions: transitions, into: tags)
    }
  }
}
