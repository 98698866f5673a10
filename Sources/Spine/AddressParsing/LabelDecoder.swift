/// Finds the best sequence of labels for scored units (Viterbi over ``LabelHistory``).
///
/// A class with memory of its own, which it keeps from address to address; one thread at a time may use it. Labels and
/// states that fall far behind the best are left, which changes no result in practice and leaves a handful to look at.
final class LabelDecoder {
  /// A state that some path reaches.
  private struct Live {
    var score: Float
    var state: Int16
    var isInside: Bool
    /// Place in the list of live states of the unit before.
    var previous: Int32
  }

  private let live: UnsafeMutablePointer<Live>
  private let firsts: UnsafeMutablePointer<Int>
  private let slots: UnsafeMutablePointer<Int32>
  private let labels: UnsafeMutablePointer<Int>
  /// The label of each state and what it becomes behind each label.
  private let labelOf: UnsafeMutablePointer<Int>
  private let nextOf: UnsafeMutablePointer<Int>
  private var count = 0

  /// How far behind the best a path or the score of a label may fall, in natural logarithms of odds.
  private static let pathMargin: Float = 5
  private static let labelMargin: Float = 7.5

  init() {
    live = .allocate(capacity: (AddressUnits.longest + 1) * LabelHistory.states)
    firsts = .allocate(capacity: AddressUnits.longest + 2)
    slots = .allocate(capacity: LabelHistory.states)
    slots.initialize(repeating: -1, count: LabelHistory.states)
    labels = .allocate(capacity: AddressLabel.count)
    labelOf = .allocate(capacity: LabelHistory.states)
    nextOf = .allocate(capacity: LabelHistory.states * 24)
    nextOf.initialize(repeating: 0, count: LabelHistory.states * 24)
    for state in 0..<LabelHistory.states {
      labelOf[state] = LabelHistory.label(state)
      for label in 0..<AddressLabel.count { nextOf[state * 24 + label] = LabelHistory.next(state, label) }
    }
  }

  deinit {
    live.deallocate()
    firsts.deallocate()
    slots.deallocate()
    labels.deallocate()
    labelOf.deallocate()
    nextOf.deallocate()
  }

  /// - Parameters:
  ///   - scores: ``LabelHistory/width`` numbers for each unit.
  ///   - units: at most ``AddressUnits/longest``.
  ///   - transitions: 24 numbers for each state, one a label that may begin there.
  ///   - tags: for each unit the label, plus ``LabelHistory/inside`` where it continues a part.
  func decode(
    _ scores: UnsafeBufferPointer<Float>, units: Int, transitions: UnsafeBufferPointer<Float>, into tags: inout [UInt8]
  ) {
    precondition(units <= AddressUnits.longest && scores.count >= units * LabelHistory.width)
    tags.removeAll(keepingCapacity: true)
    guard units > 0, let scores = scores.baseAddress, let transitions = transitions.baseAddress else { return }
    live[0] = Live(score: 0, state: Int16(LabelHistory.start), isInside: false, previous: -1)
    firsts[0] = 0
    count = 1
    for unit in 0..<units {
      firsts[unit + 1] = count
      step(firsts[unit]..<count, scores + unit * LabelHistory.width, transitions, isFirst: unit == 0)
    }
    var best = firsts[units]
    for index in best..<count where live[index].score > live[best].score { best = index }
    for _ in 0..<units {
      let one = live[best]
      tags.append(UInt8(labelOf[Int(one.state)] + (one.isInside ? LabelHistory.inside : 0)))
      best = Int(one.previous)
    }
    tags.reverse()
  }

  @inline(__always)
  private func step(
    _ before: Range<Int>, _ scores: UnsafePointer<Float>, _ transitions: UnsafePointer<Float>, isFirst: Bool
  ) {
    let first = count
    var most = scores[0]
    for label in 0..<AddressLabel.count { most = max(most, scores[label], scores[LabelHistory.inside + label]) }
    let least = most - LabelDecoder.labelMargin
    var labelCount = 0
    for label in 0..<AddressLabel.count where scores[label] >= least || isFirst {
      labels[labelCount] = label
      labelCount += 1
    }
    var top = -Float.infinity
    for index in before {
      let one = live[index]
      let state = Int(one.state)
      let row = transitions + state * 24
      let own = scores[LabelHistory.inside + labelOf[state]]
      if !isFirst, own >= least || labelCount == 0 { put(state, true, one.score + own, index, &top) }
      for choice in 0..<labelCount {
        let label = labels[choice]
        put(nextOf[state * 24 + label], false, one.score + row[label] + scores[label], index, &top)
      }
    }
    // Nothing fits: rather go on within the parts begun than have no reading at all.
    if count == first {
      for index in before {
        let state = Int(live[index].state)
        put(state, true, live[index].score + scores[LabelHistory.inside + labelOf[state]], index, &top)
      }
    }
    var kept = first
    for index in first..<count {
      slots[Int(live[index].state)] = -1
      guard live[index].score >= top - LabelDecoder.pathMargin else { continue }
      live[kept] = live[index]
      // Scores are kept near zero, so that long addresses lose no precision.
      live[kept].score -= top
      kept += 1
    }
    count = kept
  }

  @inline(__always)
  private func put(_ state: Int, _ isInside: Bool, _ score: Float, _ previous: Int, _ top: inout Float) {
    if score < top - LabelDecoder.pathMargin { return }
    if score > top { top = score }
    let slot = Int(slots[state])
    if slot < 0 {
      slots[state] = Int32(truncatingIfNeeded: count)
      live[count] = Live(score: score, state: Int16(state), isInside: isInside, previous: Int32(previous))
      count += 1
    } else if live[slot].score < score {
      live[slot] = Live(score: score, state: Int16(state), isInside: isInside, previous: Int32(previous))
    }
  }
}
