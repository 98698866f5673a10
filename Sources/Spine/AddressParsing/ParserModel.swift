/// What was learned (解析模型): the features that matter with their weights, the weights of transitions, and the names
/// known beforehand. An immutable value; any number of threads may read it.
package struct ParserModel: Sendable {
  /// The version of templates, labels and file layout together.
  static let version: UInt32 = 1

  /// Names of divisions.
  let names: PlaceNames
  /// Keys of features, the most used first.
  let keys: [UInt64]
  /// ``LabelHistory/width`` whole numbers from −127 to 127 for each feature, kept wide so that they can be added as they are.
  let rows: [UInt8]
  /// What one step of ``rows`` is worth.
  let step: Float
  /// 24 numbers for each state of ``LabelHistory``.
  let transitions: [Float]
  let table: KeyTable
  /// Where the first row stands in ``rows``.
  let skip: Int
  /// Bytes from row to row.
  static let line = 64

  init(names: PlaceNames, keys: [UInt64], rows: [Int16], step: Float, transitions: [Float]) {
    self.names = names
    self.keys = keys
    // Rows are kept as bytes above zero in lines of 64, so that a row is one line of the cache.
    var padded = [UInt8](repeating: 128, count: keys.count * ParserModel.line + ParserModel.line)
    let place = padded.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
    skip = (ParserModel.line - place % ParserModel.line) % ParserModel.line
    for feature in 0..<keys.count {
      for label in 0..<LabelHistory.width {
        padded[skip + feature * ParserModel.line + label] =
          UInt8(clamping: rows[feature * LabelHistory.width + label] + 128)
      }
    }
    self.rows = padded
    self.step = step
    self.transitions = transitions
    table = KeyTable(keys)
  }

  /// How many features have weights.
  package var featureCount: Int { keys.count }
}
