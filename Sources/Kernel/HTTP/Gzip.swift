import Compression
import Glibc
import Synchronization

/// Compresses with zlib in the gzip format; the working memory of finished compressions is used again.
enum Gzip {
  /// A page of 20 kB costs some 0.2 ms and becomes 3.4 kB; level 6 costs half as much again and saves 0.5 kB.
  static let level: Int32 = 2
  /// For what is compressed once and sent often.
  static let best: Int32 = 9

  private static let pool = Mutex<[Deflater]>([])

  /// Compresses into memory of `malloc`, which the caller frees; `nil` when it would not become smaller.
  static func compress(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawBufferPointer? {
    let known = pool.withLock { $0.popLast() }
    guard let deflater = known ?? Deflater(level: level, .gzip) else { return nil }
    defer { pool.withLock { if $0.count < 16 { $0.append(deflater) } } }
    return deflater.compress(bytes)
  }

  /// Compresses once and as well as possible; `nil` when it would not become smaller.
  static func compressBest(_ bytes: [UInt8]) -> [UInt8]? {
    guard let deflater = Deflater(level: best, .gzip), let memory = bytes.withUnsafeBytes({ deflater.compress($0) })
    else {
      return nil
    }
    defer { memory.baseAddress.map { free($0) } }
    return Array(memory)
  }

  /// A compression that is fed piece by piece.
  static func stream() -> Deflater? { Deflater(level: level, .gzip) }
}
