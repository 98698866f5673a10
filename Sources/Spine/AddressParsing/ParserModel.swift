/// What was learned (解析模型): the features that matter with their weights, the weights of transitions, and the names
/// known beforehand. An immutable value; any number of threads may read it.
package struct ParserModel: Sendable {
  /// The version of templates, labels and file layout together.
  static let version: UInt32 = 1

  /// Names of divisions.
  let names: PlaceNames
  /// Keys of features, the most used first.
  let keys: [UInt64]
  /// What one step of a weight of ``table`` is worth.
  let step: Float
  /// 24 numbers for each state of ``LabelHistory``: one for each label, at ``LabelHistory/best`` the largest of them.
  let transitions: [Float]
  let table: WeightTable

  /// - Parameter weights: ``LabelHistory/width`` whole numbers from −127 to 127 for each key.
  init(names: PlaceNames, keys: [UInt64], weights: [Int8], step: Float, transitions: [Float]) {
    precondition(transitions.count == LabelHistory.states * 24, "every state has its transitions")
    self.names = names
    self.keys = keys
    var weights = weights
    // What is no label is never the best.
    for row in stride(from: 0, to: weights.count, by: LabelHistory.width) {
      for label in LabelHistory.labels..<LabelHistory.inside {
        weights[row + label] = -128
        weights[row + LabelHistory.inside + label] = -128
      }
    }
    self.step = step
    var transitions = transitions
    for row in stride(from: 0, to: transitions.count, by: 24) {
      transitions[row + LabelHistory.best] = transitions[row..<(row + LabelHistory.labels)].reduce(-.infinity, max)
    }
    self.transitions = transitions
    table = WeightTable(keys: keys, weights: weights)
  }

  /// How many features have weights.
  package var featureCount: Int { keys.count }
}
