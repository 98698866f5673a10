import Core
import Crypto

/// The form of an encrypted file: a header and frames of equal size, each a box of its own, so that a part can be read
/// without the rest and memory stays flat.
///
/// Header: `LFSEAL01`, a random id of 16 bytes, the size of the content (8 bytes, big endian). Each frame is a
/// `BoxKey` box over at most 256 KiB, bound to id, content size and its own number, so that frames can be neither
/// swapped nor cut off.
struct SealedFrames {
  static let plainSize = 256 * 1024
  static let headerSize = 32
  private static let magic = Array("LFSEAL01".utf8)

  let size: Int64
  private let id: [UInt8]
  private let keys: KeyRing

  /// For a new file.
  init(size: Int64, keys: KeyRing, random: RandomSource = .system) {
    self.size = size
    self.keys = keys
    id = random.bytes(16)
  }

  /// For a file that begins with `header`.
  ///
  /// - Throws: ``Fault`` `file-not-sealed`.
  init(header: [UInt8], keys: KeyRing) throws {
    guard header.count == SealedFrames.headerSize, header.starts(with: SealedFrames.magic),
      let size = UInt64(bigEndianBytes: header[24..<32])
    else { throw Fault("file-not-sealed") }
    self.keys = keys
    self.size = Int64(clamping: size)
    id = Array(header[8..<24])
  }

  var header: [UInt8] { SealedFrames.magic + id + UInt64(size).bigEndianBytes }

  /// An empty file has one empty frame, so that its header is authenticated too.
  var frameCount: Int { max(1, Int((size + Int64(SealedFrames.plainSize) - 1) / Int64(SealedFrames.plainSize))) }

  func seal(_ plain: [UInt8], index: Int) throws -> [UInt8] { try keys.seal(plain, associated: associated(index)) }

  func open(_ frame: [UInt8], index: Int) throws -> [UInt8] { try keys.open(frame, associated: associated(index)) }

  /// Where frame `index` lies in the file.
  func place(of index: Int) -> (offset: Int64, count: Int) {
    let whole = SealedFrames.plainSize + BoxKey.overhead
    let plain = min(Int64(SealedFrames.plainSize), size - Int64(index) * Int64(SealedFrames.plainSize))
    return (Int64(SealedFrames.headerSize) + Int64(index) * Int64(whole), Int(plain) + BoxKey.overhead)
  }

  private func associated(_ index: Int) -> String { "file/\(Hex.encode(id))/\(size)/\(index)" }
}
