import CPrefetch
import Glibc

/// The weights of features by their keys, laid out for the processor (权重表).
///
/// A line of 64 bytes, as long as a line of the cache, holds the 48 weights of a feature and its key. Which line is a
/// key's is found without probing (“hash, displace, and compress”, Belazzougui, Botelho and Dietzfelbinger 2009): a
/// part of the key chooses a number of ``seeds``, which makes the whole key a place that no other key of the table has.
/// Eight bits of the key in ``tags`` tell nearly always whether it is there at all. Both are small and stay near, and
/// no branch depends on them; only the lines themselves are far away, and reading them is what an address costs. So
/// they are named and sent for first (``find(_:into:)``) and added up when they have come (``sum(_:into:)``).
///
/// The memory is raw since lines must begin on lines of the cache and large tables should lie on large pages: an
/// array promises neither.
final class WeightTable: @unchecked Sendable {
  // Unchecked: memory is written by the initialiser only and lives as long as the table.
  private let seeds: UnsafeMutablePointer<UInt8>
  private let tags: UnsafeMutablePointer<UInt8>
  private let lines: UnsafeMutableRawPointer
  private let bucketMask: UInt64
  private let lineCount: UInt64

  private static let line = 64
  private static let keyOffset = 48
  private static let largePage = 2 << 20

  /// - Parameters:
  ///   - keys: well mixed; of equal ones the first counts.
  ///   - weights: ``LabelHistory/width`` whole numbers from −127 to 127 for each key; places without a label hold −128.
  init(keys: [UInt64], weights: [Int8]) {
    precondition(weights.count == keys.count * LabelHistory.width, "every key has its weights")
    var buckets = 1
    while buckets * 3 < keys.count { buckets *= 2 }
    let members = Members(keys, buckets)
    var count = keys.count + keys.count / 4 + 8
    var found = WeightTable.displace(keys, members, count)
    // Fewer than one table in a million needs more room.
    while found == nil {
      precondition(count < 4 * keys.count + 64, "keys are not mixed")
      count += count / 8
      found = WeightTable.displace(keys, members, count)
    }
    let (chosen, places) = found ?? ([], [])
    bucketMask = UInt64(buckets - 1)
    lineCount = UInt64(count)
    let used = count * (WeightTable.line + 1) + buckets
    let isLarge = used >= WeightTable.largePage
    let unit = isLarge ? WeightTable.largePage : WeightTable.line
    let size = (used + unit - 1) / unit * unit
    lines = .allocate(byteCount: size, alignment: unit)
    // A wish: where the kernel has no large pages to give, the table is slower and otherwise the same.
    if isLarge { madvise(lines, size, MADV_HUGEPAGE) }
    // An empty line has the weights nought, whatever key should meet it.
    memset(lines, 0x80, size)
    tags = (lines + count * WeightTable.line).bindMemory(to: UInt8.self, capacity: count)
    seeds = (lines + count * (WeightTable.line + 1)).bindMemory(to: UInt8.self, capacity: buckets)
    seeds.update(from: chosen, count: buckets)
    for index in keys.indices where places[index] >= 0 {
      tags[places[index]] = WeightTable.tag(keys[index])
      let target = lines + places[index] * WeightTable.line
      for label in 0..<LabelHistory.inside {
        for part in 0..<2 {
          let weight = weights[index * LabelHistory.width + part * LabelHistory.inside + label]
          target.storeBytes(of: UInt8(Int(weight) + 128), toByteOffset: 2 * label + part, as: UInt8.self)
        }
      }
      target.storeBytes(of: keys[index], toByteOffset: WeightTable.keyOffset, as: UInt64.self)
    }
  }

  deinit { lines.deallocate() }

  /// Which keys fall into which bucket.
  private struct Members {
    /// Numbers of keys, bucket by bucket.
    private var order: [Int32]
    private var starts: [Int32]

    init(_ keys: [UInt64], _ buckets: Int) {
      let mask = UInt64(buckets - 1)
      starts = [Int32](repeating: 0, count: buckets + 1)
      for key in keys { starts[Int(key & mask) + 1] += 1 }
      for bucket in 0..<buckets { starts[bucket + 1] += starts[bucket] }
      order = [Int32](repeating: 0, count: keys.count)
      var next = starts
      for (index, key) in keys.enumerated() {
        let bucket = Int(key & mask)
        order[Int(next[bucket])] = Int32(index)
        next[bucket] += 1
      }
    }

    var bucketCount: Int { starts.count - 1 }

    subscript(bucket: Int) -> ArraySlice<Int32> { order[Int(starts[bucket])..<Int(starts[bucket + 1])] }

    /// Buckets by their sizes, the largest first.
    var largestFirst: [Int32] {
      var bySize: [[Int32]] = []
      for bucket in 0..<bucketCount {
        let size = self[bucket].count
        while bySize.count <= size { bySize.append([]) }
        bySize[size].append(Int32(bucket))
      }
      return Array(bySize.reversed().joined())
    }
  }

  /// The seed of each bucket and the line of each key, −1 for one that repeats another; large buckets choose first.
  private static func displace(
    _ keys: [UInt64], _ members: Members, _ count: Int
  ) -> (seeds: [UInt8], places: [Int])? {
    var seeds = [UInt8](repeating: 0, count: members.bucketCount)
    var places = [Int](repeating: -1, count: keys.count)
    var isTaken = [Bool](repeating: false, count: count)
    var different: [Int] = []
    var chosen: [Int] = []
    for bucket in members.largestFirst {
      different.removeAll(keepingCapacity: true)
      for index in members[Int(bucket)] where !different.contains(where: { keys[$0] == keys[Int(index)] }) {
        different.append(Int(index))
      }
      var isPlaced = false
      for seed in UInt8.min...UInt8.max {
        chosen.removeAll(keepingCapacity: true)
        for index in different {
          let place = place(keys[index], seed, UInt64(count))
          if isTaken[place] || chosen.contains(place) { break }
          chosen.append(place)
        }
        guard chosen.count == different.count else { continue }
        seeds[Int(bucket)] = seed
        for (index, place) in zip(different, chosen) {
          isTaken[place] = true
          places[index] = place
        }
        isPlaced = true
        break
      }
      if !isPlaced { return nil }
    }
    return (seeds, places)
  }

  @inline(__always)
  private static func place(_ key: UInt64, _ seed: UInt8, _ count: UInt64) -> Int {
    let mixed = key &* ((UInt64(seed) << 1 | 1) &* 0x9E37_79B9_7F4A_7C15)
    return Int(truncatingIfNeeded: ((mixed >> 32) &* count) >> 32)
  }

  @inline(__always)
  private static func tag(_ key: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: key >> 40) }

  @inline(__always)
  private func place(of key: UInt64) -> Int {
    WeightTable.place(key, seeds[Int(truncatingIfNeeded: key & bucketMask)], lineCount)
  }

  /// The weight of a key of the table.
  func weight(_ key: UInt64, _ label: Int) -> Int8 {
    let offset = label < LabelHistory.inside ? 2 * label : 2 * (label - LabelHistory.inside) + 1
    let line = lines + place(of: key) * WeightTable.line
    return Int8(truncatingIfNeeded: Int(line.load(fromByteOffset: offset, as: UInt8.self)) - 128)
  }

  /// A key and the line where it stands if the table has it.
  struct Candidate {
    var key: UInt64 = 0
    var line: Int = 0
  }

  /// Names the lines of those keys that may be in the table, and has them fetched.
  ///
  /// - Parameter found: has room for as many as there are keys.
  /// - Returns: how many there are.
  @inline(__always)
  func find(_ keys: UnsafeBufferPointer<UInt64>, into found: UnsafeMutablePointer<Candidate>) -> Int {
    for index in 0..<keys.count { found[index].line = place(of: keys[index]) }
    var count = 0
    for index in 0..<keys.count {
      let key = keys[index]
      let place = found[index].line
      found[count] = Candidate(key: key, line: place &<< 6)
      count &+= tags[place] == WeightTable.tag(key) ? 1 : 0
    }
    // A loop of its own, which waits for nothing.
    for index in 0..<count { lifang_prefetch(lines + found[index].line) }
    return count
  }

  /// Adds up the weights of those candidates that are in the table indeed.
  ///
  /// - Parameters:
  ///   - found: at most ``FeatureExtractor/mostKeys``, so that no sum leaves 16 bits.
  ///   - scores: receives ``LabelHistory/width`` numbers.
  @inline(__always)
  func sum(_ found: UnsafeBufferPointer<Candidate>, into scores: UnsafeMutablePointer<Int16>) {
    typealias Lane = SIMD8<UInt16>
    // Beginnings are the lower bytes of pairs, continuations the upper ones. Pairs are added as they are, and the upper
    // bytes once more alone: what the pairs are more than these is the sum of the lower ones, modulo 2¹⁶.
    var pairs = (Lane(), Lane(), Lane())
    var high = (Lane(), Lane(), Lane())
    var hits: UInt16 = 0
    for one in found {
      let line = lines + one.line
      guard line.load(fromByteOffset: WeightTable.keyOffset, as: UInt64.self) == one.key else { continue }
      let first = line.load(as: Lane.self)
      let second = line.load(fromByteOffset: 16, as: Lane.self)
      let third = line.load(fromByteOffset: 32, as: Lane.self)
      pairs.0 &+= first
      pairs.1 &+= second
      pairs.2 &+= third
      high.0 &+= first &>> 8
      high.1 &+= second &>> 8
      high.2 &+= third &>> 8
      hits &+= 1
    }
    let zero = Lane(repeating: hits &* 128)
    let target = UnsafeMutableRawPointer(scores)
    target.storeBytes(of: pairs.0 &- high.0 &<< 8 &- zero, as: Lane.self)
    target.storeBytes(of: pairs.1 &- high.1 &<< 8 &- zero, toByteOffset: 16, as: Lane.self)
    target.storeBytes(of: pairs.2 &- high.2 &<< 8 &- zero, toByteOffset: 32, as: Lane.self)
    target.storeBytes(of: high.0 &- zero, toByteOffset: 48, as: Lane.self)
    target.storeBytes(of: high.1 &- zero, toByteOffset: 64, as: Lane.self)
    target.storeBytes(of: high.2 &- zero, toByteOffset: 80, as: Lane.self)
  }
}
