import Addresses

/// What the parser remembers of the labels before a place (标注历史).
///
/// First-order models forget at a dash what stood before it. Here redundant and assisting parts are transparent: the
/// memory is the last label that was neither, whether one of the two came since, and whether a point of interest
/// or a road has been seen at all, since both decide what a later name is.
///
/// A state is `(mode × flags + flag) × rows + last`; `last` is ``start`` before the first label.
enum LabelHistory {
  static let modes = 3
  static let flags = 4
  static let rows = 21
  static let start = 20
  static let perMode = flags * rows
  static let states = modes * perMode

  static let redundant = Int(AddressLabel.redundant.rawValue)
  static let assist = Int(AddressLabel.assist.rawValue)

  /// As many as ``AddressLabel`` has, as a constant of this module, which loops are made from.
  static let labels = 21

  /// Scores of one unit: beginnings at 0…20, continuations at 24…44.
  static let width = 48
  static let inside = 24

  /// Where the largest transition of a state stands beside those of the labels.
  static let best = 23

  /// The flag that a label sets.
  @inline(__always)
  static func flag(_ label: Int) -> Int {
    switch label {
    case 11, 12: 1  // poi, subpoi
    case 7, 9: 2  // road, subroad
    default: 0
    }
  }

  /// The label of the part that a state is in.
  @inline(__always)
  static func label(_ state: Int) -> Int {
    let mode = state / perMode
    return mode == 0 ? state % rows : mode == 1 ? redundant : assist
  }

  /// The state behind a part that begins with `label` in `state`.
  @inline(__always)
  static func next(_ state: Int, _ label: Int) -> Int {
    let memory = state % perMode
    if label == redundant { return perMode + memory }
    if label == assist { return 2 * perMode + memory }
    return (memory / rows | flag(label)) * rows + label
  }
}
