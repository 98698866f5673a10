import CLibPQ
import Core
import Glibc

/// The parameters of one statement in libpq's shape, in buffers that a connection uses again and again.
struct Parameters {
  private(set) var types: [Oid] = []
  private var bytes: [UInt8] = []
  /// Where each value starts in `bytes`; −1 for null.
  private var offsets: [Int] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []
  private var pointers: [UnsafePointer<CChar>?] = []

  var count: Int { types.count }

  func isNull(_ index: Int) -> Bool { offsets[index] < 0 }

  /// - Throws: ``Refusal`` `text-has-null-character` for text that PostgreSQL cannot store.
  mutating func load(_ binds: [SQL.Bind]) throws(Refusal) {
    types.removeAll(keepingCapacity: true)
    // One large document must not occupy every connection for good.
    bytes.removeAll(keepingCapacity: bytes.capacity < 1_048_576)
    offsets.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
    formats.removeAll(keepingCapacity: true)
    for bind in binds { try load(bind.value) }
  }

  private mutating func load(_ value: SQLValue) throws(Refusal) {
    let start = bytes.count
    switch value {
    case .null:
      types.append(OID.unknown)
      offsets.append(-1)
      lengths.append(0)
      formats.append(1)
      return
    case .text(let text):
      try append(text)
      finish(OID.unknown, start, isText: true)
    case .json(let text):
      try append(text)
      finish(OID.jsonb, start, isText: true)
    case .bool(let value):
      bytes.append(value ? 1 : 0)
      finish(OID.bool, start)
    case .int(let value):
      bytes.append(bigEndian: value)
      finish(OID.int8, start)
    case .double(let value):
      bytes.append(bigEndian: value.bitPattern)
      finish(OID.float8, start)
    case .bytes(let value):
      bytes.append(contentsOf: value)
      finish(OID.bytea, start)
    case .instant(let value):
      bytes.append(bigEndian: WireFormat.timestamp(value))
      finish(OID.timestamptz, start)
    case .date(let value):
      bytes.append(bigEndian: Int32(value.daysSinceEpoch - WireFormat.epochDays))
      finish(OID.date, start)
    case .textArray(let values):
      for value in values { try Parameters.check(value) }
      bytes.appendTextArray(values)
      finish(OID.textArray, start)
    case .intArray(let values):
      bytes.appendIntArray(values)
      finish(OID.int8Array, start)
    }
  }

  private mutating func append(_ text: String) throws(Refusal) {
    try Parameters.check(text)
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
  }

  private mutating func finish(_ type: Oid, _ start: Int, isText: Bool = false) {
    types.append(type)
    offsets.append(start)
    lengths.append(Int32(bytes.count - start))
    formats.append(isText ? 0 : 1)
  }

  /// PostgreSQL's text cannot hold the character U+0000, and libpq would cut the text there.
  static func check(_ text: String) throws(Refusal) {
    let found =
      text.utf8.withContiguousStorageIfAvailable { bytes in
        bytes.baseAddress.map { memchr($0, 0, bytes.count) != nil } ?? false
      } ?? text.utf8.contains(0)
    if found {
      throw Refusal(
        .invalid, "text-has-null-character", "提交的文字里有无法保存的空字符（U+0000）。数据没有改动，请删除该字符后重新提交。")
    }
  }

  /// Calls `body` with what `PQexecParams` and its kin take.
  mutating func withPointers<Result>(
    _ body: (
      Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?, UnsafePointer<Oid>?
    ) -> Result
  ) -> Result {
    pointers.removeAll(keepingCapacity: true)
    // One more byte, so that a parameter of no bytes still has an address: a nil pointer would be null.
    bytes.append(0)
    return bytes.withUnsafeBytes { raw in
      for offset in offsets {
        pointers.append(
          offset < 0 ? nil : raw.baseAddress.map { ($0 + offset).assumingMemoryBound(to: CChar.self) })
      }
      return pointers.withUnsafeBufferPointer { pointers in
        lengths.withUnsafeBufferPointer { lengths in
          formats.withUnsafeBufferPointer { formats in
            types.withUnsafeBufferPointer { types in
              body(
                Int32(pointers.count), pointers.baseAddress, lengths.baseAddress, formats.baseAddress,
                types.baseAddress)
            }
          }
        }
      }
    }
  }
}
