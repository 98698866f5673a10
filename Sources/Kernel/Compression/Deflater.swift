import CZlib
import Glibc

/// One zlib stream that compresses.
package final class Deflater: @unchecked Sendable {
  // Unchecked: a stream is used by one task at a time; zlib keeps a pointer to it, so it has memory of its own.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

  /// What stands around the compressed bytes.
  package enum Format: Int32, Sendable {
    /// RFC 1950, as in PDF.
    case zlib = 15
    /// RFC 1952, as in HTTP.
    case gzip = 31
  }

  /// - Parameter level: from 1, fast, to 9, small.
  package init?(level: Int32, _ format: Format) {
    stream.initialize(to: z_stream())
    let status = deflateInit2_(
      stream, level, Z_DEFLATED, format.rawValue, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
      Int32(MemoryLayout<z_stream>.size))
    guard status == Z_OK else { return nil }
  }

  deinit {
    deflateEnd(stream)
    stream.deinitialize(count: 1)
    stream.deallocate()
  }

  /// Compresses into memory of `malloc`, which the caller frees; `nil` when it would not become smaller.
  package func compress(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawBufferPointer? {
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
  package enum Then: Int32 {
    /// `Z_NO_FLUSH`: more, so that zlib may keep what it has.
    case more = 0
    /// `Z_SYNC_FLUSH`: nothing for now, so that all must come out.
    case flush = 2
    /// `Z_FINISH`: nothing any more.
    case finish = 4
  }

  /// Takes more input; what it already gives is appended to `output`.
  package func add(_ bytes: [UInt8], into output: inout [UInt8], _ what: Then) {
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
