/// Adds up the weights of the features of each unit.
///
/// Keys are looked up for the whole address first and rows added afterwards, so that the memory of one look-up is
/// fetched while the next is under way.
struct UnitScorer {
  private(set) var scores: [Float] = []
  private var found: [Int32] = []
  private var probes: [UInt64] = []
  private var ends: [Int] = []

  mutating func score(_ features: borrowing FeatureExtractor, _ model: borrowing ParserModel) {
    let count = features.offsets.count - 1
    if scores.count < count * LabelHistory.width {
      scores = [Float](repeating: 0, count: max(64, count * 2) * LabelHistory.width)
    }
    if found.count < features.keys.count { found = [Int32](repeating: 0, count: features.keys.count * 2) }
    if probes.count < features.keys.count { probes = [UInt64](repeating: 0, count: features.keys.count * 2) }
    ends.removeAll(keepingCapacity: true)
    let mask = model.table.mask
    var filled = 0
    features.keys.withUnsafeBufferPointer { keys in
      features.offsets.withUnsafeBufferPointer { offsets in
        model.table.slots.withUnsafeBufferPointer { slots in
          found.withUnsafeMutableBufferPointer { found in
            // First what stands in each key's own slot: without a branch that waits for memory, many are fetched at once.
            probes.withUnsafeMutableBufferPointer { probes in
              for index in 0..<keys.count { probes[index] = slots[Int(truncatingIfNeeded: keys[index]) & mask] }
              for unit in 0..<count {
                for index in offsets[unit]..<offsets[unit + 1] {
                  let probe = probes[index]
                  if probe == 0 { continue }
                  if (probe ^ keys[index]) >> 32 == 0 {
                    found[filled] = Int32(truncatingIfNeeded: Int(probe & 0xFFFF_FFFF) - 1)
                    filled += 1
                  } else if let row = KeyTable.find(keys[index], in: slots, mask: mask) {
                    found[filled] = Int32(truncatingIfNeeded: row)
                    filled += 1
                  }
                }
                ends.append(filled)
              }
            }
          }
        }
      }
    }
    add(count, model)
  }

  private mutating func add(_ count: Int, _ model: borrowing ParserModel) {
    typealias Lane = SIMD8<UInt16>
    let step = model.step
    let skip = model.skip
    model.rows.withUnsafeBytes { rows in
      guard let base = rows.baseAddress else { return }
      scores.withUnsafeMutableBufferPointer { scores in
        found.withUnsafeBufferPointer { found in
          var next = 0
          for unit in 0..<count {
            // Pairs of bytes are added as numbers of 16 bits, the lower and the upper ones apart.
            var low = (Lane(), Lane(), Lane())
            var high = (Lane(), Lane(), Lane())
            let begin = next
            while next < ends[unit] {
              let row = base + (skip + Int(found[next]) * ParserModel.line)
              let first = row.load(as: Lane.self)
              let second = row.load(fromByteOffset: 16, as: Lane.self)
              let third = row.load(fromByteOffset: 32, as: Lane.self)
              low.0 &+= first & 0xFF
              low.1 &+= second & 0xFF
              low.2 &+= third & 0xFF
              high.0 &+= first &>> 8
              high.1 &+= second &>> 8
              high.2 &+= third &>> 8
              next += 1
            }
            let zero = Int32(128 * (next - begin))
            let target = unit * LabelHistory.width
            for lane in 0..<8 {
              scores[target + 2 * lane] = Float(Int32(low.0[lane]) - zero) * step
              scores[target + 2 * lane + 1] = Float(Int32(high.0[lane]) - zero) * step
              scores[target + 16 + 2 * lane] = Float(Int32(low.1[lane]) - zero) * step
              scores[target + 16 + 2 * lane + 1] = Float(Int32(high.1[lane]) - zero) * step
              scores[target + 32 + 2 * lane] = Float(Int32(low.2[lane]) - zero) * step
              scores[target + 32 + 2 * lane + 1] = Float(Int32(high.2[lane]) - zero) * step
            }
          }
        }
      }
    }
  }
}
