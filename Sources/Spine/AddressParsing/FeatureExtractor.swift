/// Turns the units of an address into the keys of the features that hold at each (特征).
///
/// Keys are 64-bit mixtures of a template and what it sees: runs of characters and of their kinds around a unit, the
/// next and last characters that end names (the skeleton), where the unit stands in a run of numbers, whether it
/// repeats, and what names of divisions lie over it. No text is made. Templates are part of the model's format: a
/// change needs a new ``ParserModel/version``.
struct FeatureExtractor: ~Copyable {
  /// A unit has no more features than this.
  static let mostKeys = 80

  /// Raw memory: an array would be checked at each of the thousand keys of an address.
  private let keys: UnsafeMutablePointer<UInt64>
  private var count = 0

  private var shapes: [UInt64] = []
  private var kinds: [UInt64] = []
  private var marks: [UInt32] = []
  private var marked: [UInt64] = []
  private var skeleton: [UInt64] = []
  private var skeletonPlaces: [Int] = []
  private var skeletonAt: [Int] = []
  private var runs: [(key: UInt64, first: Int, end: Int)] = []

  private static let pad = 5

  @inline(__always)
  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let h = (a ^ b) &* 0xBF58_476D_1CE4_E5B9
    return h ^ h >> 31
  }

  /// The key of a template that sees `value`.
  @inline(__always)
  private static func key(_ template: UInt64, _ value: UInt64) -> UInt64 {
    let h = (value &+ template &* 0x9E37_79B9_7F4A_7C15) &* 0x94D0_49BB_1331_11EB
    return h ^ h >> 32
  }

  private static func spread(_ value: UInt64) -> UInt64 { mix(value, 0xD6E8_FEB8_6659_FD93) }

  init() {
    keys = .allocate(capacity: FeatureExtractor.mostKeys)
    keys.initialize(repeating: 0, count: FeatureExtractor.mostKeys)
  }

  deinit { keys.deallocate() }

  /// The keys of a unit of the address just read; they hold until the next call.
  @inline(__always)
  mutating func keys(of unit: Int, in units: borrowing AddressUnits) -> UnsafeBufferPointer<UInt64> {
    count = 0
    addRuns(unit)
    addSkeleton(unit, units.count)
    addNumbers(unit, units)
    addRepeats(unit, units)
    addNames(unit)
    return UnsafeBufferPointer(start: keys, count: count)
  }

  /// Takes the next address.
  mutating func read(_ units: borrowing AddressUnits, names: PlaceNames) {
    let count = units.count
    let pad = FeatureExtractor.pad
    shapes.removeAll(keepingCapacity: true)
    kinds.removeAll(keepingCapacity: true)
    marked.removeAll(keepingCapacity: true)
    for place in 0..<(count + 2 * pad) {
      let unit = place - pad
      if unit >= 0, unit < count {
        shapes.append(FeatureExtractor.spread(UInt64(units.shapes[unit]) + 16))
        kinds.append(FeatureExtractor.spread(UInt64(units.kinds[unit].rawValue) + 16))
      } else {
        // The unit before the first is another than those before it.
        let edge: UInt64 = unit == -1 ? 1 : unit < 0 ? 2 : 3
        shapes.append(FeatureExtractor.spread(edge))
        kinds.append(FeatureExtractor.spread(edge))
      }
    }
    if marks.count < count { marks = [UInt32](repeating: 0, count: count * 2) }
    units.codes.withUnsafeBufferPointer { codes in
      marks.withUnsafeMutableBufferPointer { names.mark(codes, into: $0) }
    }
    marked.append(FeatureExtractor.spread(1))
    for unit in 0..<count { marked.append(FeatureExtractor.spread(UInt64(marks[unit]) + 16)) }
    marked.append(FeatureExtractor.spread(2))

    skeleton.removeAll(keepingCapacity: true)
    skeletonPlaces.removeAll(keepingCapacity: true)
    skeletonAt.removeAll(keepingCapacity: true)
    runs.removeAll(keepingCapacity: true)
    for _ in 0..<4 { skeleton.append(FeatureExtractor.spread(1)) }
    var unit = 0
    for unit in 0..<count {
      skeletonAt.append(skeletonPlaces.count)
      let kind = units.kinds[unit]
      if kind.isCode || CharacterKind.isStrong(units.codes[unit]) {
        let value: UInt64 = kind.isFigures ? 3 : kind.isCode ? UInt64(kind.rawValue) : UInt64(units.codes[unit])
        skeleton.append(FeatureExtractor.spread(value + 16))
        skeletonPlaces.append(unit)
      }
    }
    for _ in 0..<4 { skeleton.append(FeatureExtractor.spread(2)) }
    while unit < count {
      guard units.kinds[unit].isInNumber else {
        runs.append((0, 0, 0))
        unit += 1
        continue
      }
      var end = unit
      var key: UInt64 = 17
      while end < count, units.kinds[end].isInNumber {
        let kind = units.kinds[end]
        key = FeatureExtractor.mix(key, kind.isFigures ? 3 : UInt64(kind.rawValue))
        end += 1
      }
      for _ in unit..<end { runs.append((key, unit, end)) }
      unit = end
    }
  }

  @inline(__always)
  private mutating func put(_ key: UInt64) {
    keys[count] = key
    count += 1
  }

  @inline(__always)
  private mutating func add(_ template: UInt64, _ value: UInt64) {
    put(FeatureExtractor.key(template, value))
  }

  @inline(__always)
  private mutating func add(_ template: UInt64, _ a: UInt64, _ b: UInt64) {
    put(FeatureExtractor.key(template, FeatureExtractor.mix(a &* 3, b)))
  }

  @inline(__always)
  private mutating func add(_ template: UInt64, _ a: UInt64, _ b: UInt64, _ c: UInt64) {
    let first = FeatureExtractor.mix(a &* 3, b)
    put(FeatureExtractor.key(template, FeatureExtractor.mix(first &* 3, c)))
  }

  @inline(__always)
  private mutating func add(_ template: UInt64, _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) {
    let first = FeatureExtractor.mix(FeatureExtractor.mix(a &* 3, b) &* 3, c)
    put(FeatureExtractor.key(template, FeatureExtractor.mix(first &* 3, d)))
  }

  @inline(__always)
  private mutating func add(
    _ template: UInt64, _ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64, _ e: UInt64
  ) {
    let first = FeatureExtractor.mix(FeatureExtractor.mix(FeatureExtractor.mix(a &* 3, b) &* 3, c) &* 3, d)
    put(FeatureExtractor.key(template, FeatureExtractor.mix(first &* 3, e)))
  }

  /// Runs of one to five characters, and of their kinds, around the unit.
  private mutating func addRuns(_ unit: Int) {
    let p = unit + FeatureExtractor.pad
    let s = (shapes[p - 3], shapes[p - 2], shapes[p - 1], shapes[p], shapes[p + 1], shapes[p + 2], shapes[p + 3])
    add(1, 0)
    add(11, s.1)
    add(12, s.2)
    add(13, s.3)
    add(14, s.4)
    add(15, s.5)
    add(21, s.1, s.2)
    add(22, s.2, s.3)
    add(23, s.3, s.4)
    add(24, s.4, s.5)
    add(31, s.1, s.2, s.3)
    add(32, s.2, s.3, s.4)
    add(33, s.3, s.4, s.5)
    add(40, s.0, s.1, s.2, s.3)
    add(41, s.1, s.2, s.3, s.4)
    add(42, s.2, s.3, s.4, s.5)
    add(43, s.3, s.4, s.5, s.6)
    add(45, s.1, s.2, s.3, s.4, s.5)
    add(50, s.2, s.4)
    add(52, s.3, s.5)
    let k = (kinds[p - 3], kinds[p - 3], kinds[p - 2], kinds[p - 1], kinds[p], kinds[p + 1], kinds[p + 2])
    add(60, k.3, k.4, k.5)
    add(61, k.2, k.3, k.4)
    add(62, k.4, k.5, k.6)
    add(63, k.2, k.3, k.4, k.5, k.6)
    add(64, k.4, k.5, k.6, kinds[p + 3])
    add(65, k.1, k.2, k.3, k.4)
    add(66, k.4, k.5, k.6, kinds[p + 3], kinds[p + 4])
  }

  /// The characters that end names before and behind the unit, and how far they are.
  private mutating func addSkeleton(_ unit: Int, _ count: Int) {
    let at = skeletonAt[unit]
    let next = at + 4
    let s = (
      skeleton[next - 3], skeleton[next - 2], skeleton[next - 1], skeleton[next], skeleton[next + 1],
      skeleton[next + 2], skeleton[next + 3]
    )
    let own = shapes[unit + FeatureExtractor.pad]
    let ahead = UInt64(min((at < skeletonPlaces.count ? skeletonPlaces[at] : count) - unit, 6))
    let behind = UInt64(min(unit - (at > 0 ? skeletonPlaces[at - 1] : -1), 6))
    add(70, s.3, ahead)
    add(71, s.2, behind)
    add(72, s.2, s.3, ahead << 4 | behind)
    add(73, s.3, s.4, ahead)
    add(74, s.2, s.1, behind)
    add(75, s.2, s.3, s.4)
    add(76, s.1, s.2, s.3, ahead)
    add(77, s.3, s.4, s.5, ahead)
    add(78, s.0, s.1, s.2, s.3, s.4)
    add(79, s.3, s.4, s.5, s.6, ahead)
    add(80, own, s.3, ahead)
    add(81, own, s.2, behind)
    add(82, own, s.2, s.3)
    add(83, own, shapes[unit + FeatureExtractor.pad + 1], s.3, ahead)
    add(90, UInt64(min(unit, 6)))
    add(91, UInt64(min(count - unit, 6)))
    add(92, own, UInt64(min(unit, 2)))
    add(93, own, UInt64(min(count - unit, 3)))
    if unit == 0 { add(94, s.3, s.4, ahead) }
  }

  /// Where the unit stands in a run of numbers, letters and dashes, and what is around the run.
  private mutating func addNumbers(_ unit: Int, _ units: borrowing AddressUnits) {
    if UInt64(units.codes[unit]) != UInt64(units.shapes[unit]) { add(2, UInt64(units.codes[unit])) }
    if unit > 0, units.codes[unit - 1] != units.shapes[unit - 1] { add(3, UInt64(units.codes[unit - 1])) }
    let run = runs[unit]
    guard run.end > 0 else { return }
    let place = UInt64(unit - run.first)
    let p = FeatureExtractor.pad
    let before = shapes[run.first - 1 + p]
    let after = shapes[run.end + p]
    let at = skeletonAt[run.first] + 4
    add(100, run.key, place)
    add(101, run.key, place, before, after)
    add(102, place << 8 | UInt64(run.end - unit), after, shapes[run.end + 1 + p])
    add(103, run.key, place, skeleton[at - 1], skeleton[at - 2], after)
    add(104, place, before, after)
    add(105, run.key, place, shapes[run.first - 2 + p], before)
  }

  /// Whether the pair that the unit begins or ends stands elsewhere in the address too.
  private mutating func addRepeats(_ unit: Int, _ units: borrowing AddressUnits) {
    guard units.kinds[unit].rawValue >= CharacterKind.sign.rawValue else { return }
    let code = units.codes[unit]
    let after = unit + 1 < units.count ? units.codes[unit + 1] : 0
    let before = unit > 0 ? units.codes[unit - 1] : 0
    var found: UInt64 = 0
    for other in 0..<units.count where units.codes[other] == code && other != unit {
      if after != 0, other + 1 < units.count, units.codes[other + 1] == after { found |= other < unit ? 1 : 2 }
      if before != 0, other > 0, units.codes[other - 1] == before { found |= other < unit ? 4 : 8 }
    }
    guard found != 0 else { return }
    let p = unit + FeatureExtractor.pad
    add(110, found)
    add(111, found, kinds[p], kinds[p + 1])
    add(112, found, shapes[p - 1])
    add(113, found, shapes[p])
    add(127, found, marked[unit + 1])
  }

  /// Names of divisions over the unit and beside it.
  private mutating func addNames(_ unit: Int) {
    let m = (marked[unit], marked[unit + 1], marked[unit + 2])
    let p = unit + FeatureExtractor.pad
    add(120, m.1)
    add(121, m.0, m.1)
    add(122, m.1, m.2)
    add(123, m.1, shapes[p])
    add(124, m.0, m.1, m.2)
    add(125, m.1, shapes[p - 1])
    add(126, m.1, shapes[p + 1])
  }
}
