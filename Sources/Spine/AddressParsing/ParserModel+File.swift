package import Core
import Crypto

/// The model as a file. All numbers are little-endian:
///
/// | bytes | content |
/// |---|---|
/// | 8 | `LIFANGAP` |
/// | 4 | version |
/// | 4 × 3 | how many names, features, states |
/// | 4 | what one step of a weight is worth, IEEE 754 |
/// | 10 each | names: key (8), kinds (2), in ascending order |
/// | 8 each | keys of features, the most used first |
/// | 42 each | weights of features: beginnings of the 21 labels, continuations |
/// | 84 each | transitions of states: 21 numbers, IEEE 754 |
/// | 32 | SM3 digest of all before |
extension ParserModel {
  private static let magic = Array("LIFANGAP".utf8)
  private static let head = 28
  private static let labels = LabelHistory.labels

  /// The bytes of the file.
  package var file: [UInt8] {
    var bytes = ParserModel.magic
    func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.littleEndian) { bytes += $0 } }
    append(ParserModel.version)
    append(UInt32(names.entries.count))
    append(UInt32(keys.count))
    append(UInt32(LabelHistory.states))
    append(step.bitPattern)
    for entry in names.entries {
      append(entry.key)
      append(entry.kinds)
    }
    for key in keys { append(key) }
    for key in keys {
      for label in 0..<ParserModel.labels { append(table.weight(key, label)) }
      for label in 0..<ParserModel.labels { append(table.weight(key, LabelHistory.inside + label)) }
    }
    for state in 0..<LabelHistory.states {
      for label in 0..<ParserModel.labels { append(transitions[state * 24 + label].bitPattern) }
    }
    return bytes + Digest.sm3(bytes)
  }

  /// Reads a file.
  ///
  /// - Throws: ``Refusal`` `model-format`, `model-version` or `model-damaged`.
  package init(file bytes: [UInt8]) throws(Refusal) {
    guard bytes.count >= ParserModel.head + 32, bytes.starts(with: ParserModel.magic) else {
      throw Refusal(.unprocessable, "model-format", "这不是地址解析模型文件。请指定 lifang address train 生成的文件。")
    }
    var place = ParserModel.magic.count
    func next<Value: FixedWidthInteger>(_: Value.Type) -> Value {
      defer { place += MemoryLayout<Value>.size }
      return bytes.withUnsafeBytes { Value(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Value.self)) }
    }
    let version = next(UInt32.self)
    guard version == ParserModel.version else {
      throw Refusal(
        .unprocessable, "model-version",
        "模型文件是第 \(version) 版，本程序用第 \(ParserModel.version) 版。请用 lifang address train 重新训练。")
    }
    let nameCount = Int(next(UInt32.self))
    let featureCount = Int(next(UInt32.self))
    let states = Int(next(UInt32.self))
    let step = Float(bitPattern: next(UInt32.self))
    let size =
      ParserModel.head + nameCount * 10 + featureCount * (8 + 2 * ParserModel.labels) + states * 4 * ParserModel.labels
    guard states == LabelHistory.states, bytes.count == size + 32,
      Digest.sm3(Array(bytes.prefix(size)))[...] == bytes.suffix(32)
    else {
      throw Refusal(.unprocessable, "model-damaged", "模型文件不完整或被改动，校验和不符，没有载入。请重新安装或重新训练。")
    }
    var entries: [(key: UInt64, kinds: UInt16)] = []
    entries.reserveCapacity(nameCount)
    for _ in 0..<nameCount { entries.append((next(UInt64.self), next(UInt16.self))) }
    var keys: [UInt64] = []
    keys.reserveCapacity(featureCount)
    for _ in 0..<featureCount { keys.append(next(UInt64.self)) }
    var weights = [Int8](repeating: 0, count: featureCount * LabelHistory.width)
    for feature in 0..<featureCount {
      let row = feature * LabelHistory.width
      for label in 0..<ParserModel.labels { weights[row + label] = Int8(bitPattern: bytes[place + label]) }
      for label in 0..<ParserModel.labels {
        weights[row + LabelHistory.inside + label] = Int8(bitPattern: bytes[place + ParserModel.labels + label])
      }
      place += 2 * ParserModel.labels
    }
    var transitions = [Float](repeating: 0, count: LabelHistory.states * 24)
    for state in 0..<LabelHistory.states {
      for label in 0..<ParserModel.labels { transitions[state * 24 + label] = Float(bitPattern: next(UInt32.self)) }
    }
    self.init(
      names: PlaceNames(entries: entries), keys: keys, weights: weights, step: step, transitions: transitions)
  }
}
