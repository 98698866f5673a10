import CZlib
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
    guard let deflater = known ?? Deflater(level: level) else { return nil }
    defer { pool.withLock { if $0.count < 16 { $0.append(deflater) } } }
    return deflater.compress(bytes)
  }

  /// Compresses once and as well as possible; `nil` when it would not become smaller.
  static func compressBest(_ bytes: [UInt8]) -> [UInt8]? {
    guard let deflater = Deflater(level: best), let memory = bytes.withUnsafeBytes({ deflater.compress($0) }) else {
      return nil
    }
    defer { memory.baseAddress.map { free($0) } }
    return Array(memory)
  }

  /// A compression that is fed piece by piece.
  static func stream() -> Deflater? { Deflater(level: level) }
}

/// One zlib stream.
final class Deflater: @unchecked Sendable {
  // Unchecked: a stream is used by one task at a time; zlib keeps a pointer to it, so it has memory of its own.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

  init?(level: Int32) {
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { return nil }
  }

  deinit {
    deflateEnd(stream)
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  func compress(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawBufferPointer? {
    deflateReset(stream)
    let capacity = bytes.count - 1
    guard capacity > 0, bytes.count < Int(UInt32.max), let memory = malloc(capacity) else { return nil }
    set(input: bytes)
    stream.pointee.next_out = memory.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(capacity)
    guard deflate(stream, Z_FINISH) == Z_STREAM_END else {
      free(memory)
      return nil
    }
    return UnsafeMutableRawBufferPointer(start: memory, count: capacity - Int(stream.pointee.avail_out))
  }

  /// What comes after a piece of input.
  enum Then: Int32 {
    /// `Z_NO_FLUSH`: more, so that zlib may keep what it has.
    case more = 0
    /// `Z_SYNC_FLUSH`: nothing for now, so that all must come out.
    case flush = 2
    /// `Z_FINISH`: nothing any more.
    case finish = 4
  }

  /// Takes more input; what it already gives is appended to `output`.
  func add(_ bytes: [UInt8], into output: inout [UInt8], _ what: Then) {
    bytes.withUnsafeBytes { raw in
      set(input: raw)
      repeat {
        var full = false
        output.append(
          contentsOf: [UInt8](unsafeUninitializedCapacity: 16 << 10) { buffer, count in
            stream.pointee.next_out = buffer.baseAddress
            stream.pointee.avail_out = UInt32(buffer.count)
            _ = deflate(stream, what.rawValue)
            count = buffer.count - Int(stream.pointee.avail_out)
            full = stream.pointee.avail_out == 0
          })
        if !full { break }
      } while true
    }
  }

  private func set(input: UnsafeRawBufferPointer) {
    // zlib's interface lacks `const`: it only reads the input.
    stream.pointee.next_in = UnsafeMutablePointer(
      mutating: input.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.pointee.avail_in = UInt32(input.count)
  }
}
