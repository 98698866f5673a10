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
  private let slots: UnsafeMutablePointer<Int32>
  /// The labels that may begin at a unit, and what each is worth there.
  private let labels: UnsafeMutablePointer<Int32>
  private let worths: UnsafeMutablePointer<Float>
  /// The label of each state and what it becomes behind each label: small, so that they stay near.
  private let labelOf: UnsafeMutablePointer<UInt8>
  private let nextOf: UnsafeMutablePointer<Int16>
  /// The place of the best among the live states of the last unit.
  private var best = 0

  /// How far behind the best a path or the score of a label may fall, in natural logarithms of odds.
  private static let pathMargin: Float = 5
  private static let labelMargin: Float = 7.5

  init() {
    live = .allocate(capacity: (AddressUnits.longest + 1) * LabelHistory.states)
    slots = .allocate(capacity: LabelHistory.states)
    slots.initialize(repeating: -1, count: LabelHistory.states)
    labels = .allocate(capacity: LabelHistory.labels + 1)
    worths = .allocate(capacity: LabelHistory.labels + 1)
    labelOf = .allocate(capacity: LabelHistory.states)
    nextOf = .allocate(capacity: LabelHistory.states * 24)
    nextOf.initialize(repeating: 0, count: LabelHistory.states * 24)
    for state in 0..<LabelHistory.states {
      labelOf[state] = UInt8(LabelHistory.label(state))
      for label in 0..<LabelHistory.labels {
        nextOf[state * 24 + label] = Int16(LabelHistory.next(state, label))
      }
    }
  }

  deinit {
    live.deallocate()
    slots.deallocate()
    labels.deallocate()
    worths.deallocate()
    labelOf.deallocate()
    nextOf.deallocate()
  }

  /// - Parameters:
  ///   - scores: ``LabelHistory/width`` whole numbers for each unit.
  ///   - units: at most ``AddressUnits/longest``.
  ///   - step: what one of `scores` is worth.
  ///   - transitions: 24 numbers for each state, one a label that may begin there, and the largest at
  ///     ``LabelHistory/best``.
  ///   - tags: receives for each unit the label, plus ``LabelHistory/inside`` where it continues a part.
  func decode(
    _ scores: UnsafePointer<Int16>, units: Int, step: Float, transitions: UnsafeBufferPointer<Float>,
    into tags: UnsafeMutablePointer<UInt8>
  ) {
    precondition(units <= AddressUnits.longest && transitions.count == LabelHistory.states * 24)
    guard units > 0, let transitions = transitions.baseAddress else { return }
    live[0] = Live(score: 0, state: Int16(LabelHistory.start), isInside: false, previous: -1)
    var before = 0..<1
    best = 0
    for unit in 0..<units {
      let scores = scores + unit * LabelHistory.width
      let end = advance(before, scores, step, transitions, isFirst: unit == 0)
      before = before.upperBound..<end
    }
    var best = best
    for unit in (0..<units).reversed() {
      let one = live[best]
      tags[unit] = labelOf[Int(one.state)] + (one.isInside ? UInt8(LabelHistory.inside) : 0)
      best = Int(one.previous)
    }
  }

  /// Goes on by a unit; the states that stay alive stand behind those of `before`, up to the place returned.
  @inline(__always)
  private func advance(
    _ before: Range<Int>, _ scores: UnsafePointer<Int16>, _ step: Float, _ transitions: UnsafePointer<Float>,
    isFirst: Bool
  ) -> Int {
    let first = before.upperBound
    let inside = scores + LabelHistory.inside
    let least = Float(LabelDecoder.largest(scores)) * step - LabelDecoder.labelMargin
    var labelCount = 0
    // Without a branch: which labels are left over cannot be guessed.
    for label in 0..<LabelHistory.labels {
      let worth = Float(scores[label]) * step
      labels[labelCount] = Int32(truncatingIfNeeded: label)
      worths[labelCount] = worth
      labelCount += worth >= least || isFirst ? 1 : 0
    }
    var count = first
    // What the best state leads to is a bound that spares most other states their labels.
    var top = -Float.infinity
    var largest = -Float.infinity
    let leader = Int(live[best].state)
    for choice in 0..<labelCount {
      largest = max(largest, worths[choice])
      top = max(top, live[best].score + transitions[leader * 24 + Int(labels[choice])] + worths[choice])
    }
    for index in before {
      let one = live[index]
      let state = Int(one.state)
      let row = transitions + state * 24
      let own = Float(inside[Int(labelOf[state])]) * step
      if !isFirst, own >= least || labelCount == 0 { put(one.state, true, one.score + own, index, &top, &count) }
      // The bound is a little wide, since sums are rounded.
      if one.score + row[LabelHistory.best] + largest + 0.01 < top - LabelDecoder.pathMargin { continue }
      let next = nextOf + state * 24
      for choice in 0..<labelCount {
        let label = Int(labels[choice])
        put(next[label], false, one.score + row[label] + worths[choice], index, &top, &count)
      }
    }
    // Nothing fits: rather go on within the parts begun than have no reading at all.
    if count == first {
      for index in before {
        let one = live[index]
        let own = Float(inside[Int(labelOf[Int(one.state)])]) * step
        put(one.state, true, one.score + own, index, &top, &count)
      }
    }
    var kept = first
    best = -1
    for index in first..<count {
      let one = live[index]
      slots[Int(one.state)] = -1
      guard one.score >= top - LabelDecoder.pathMargin else { continue }
      // Scores are kept near zero, so that long addresses lose no precision.
      live[kept] = Live(score: one.score - top, state: one.state, isInside: one.isInside, previous: one.previous)
      if best < 0, one.score == top { best = kept }
      kept += 1
    }
    return kept
  }

  /// The largest score of a unit.
  @inline(__always)
  private static func largest(_ scores: UnsafePointer<Int16>) -> Int16 {
    typealias Lane = SIMD8<Int16>
    let raw = UnsafeRawPointer(scores)
    func lane(_ place: Int) -> Lane { raw.loadUnaligned(fromByteOffset: place * 16, as: Lane.self) }
    let begin = pointwiseMax(pointwiseMax(lane(0), lane(1)), lane(2))
    return pointwiseMax(begin, pointwiseMax(pointwiseMax(lane(3), lane(4)), lane(5))).max()
  }

  @inline(__always)
  private func put(
    _ state: Int16, _ isInside: Bool, _ score: Float, _ previous: Int, _ top: inout Float, _ count: inout Int
  ) {
    if score < top - LabelDecoder.pathMargin { return }
    if score > top { top = score }
    let slot = Int(slots[Int(state)])
    let one = Live(score: score, state: state, isInside: isInside, previous: Int32(truncatingIfNeeded: previous))
    if slot < 0 {
      slots[Int(state)] = Int32(truncatingIfNeeded: count)
      live[count] = one
      count += 1
    } else if live[slot].score < score {
      live[slot] = one
    }
  }
}
