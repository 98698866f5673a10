import COpenSSL

/// Key material that is wiped from memory when the last reference goes, and never printed.
package final class SecretBytes: @unchecked Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  // Unchecked: the buffer is written in the initialiser only and freed in deinit.
  private let buffer: UnsafeMutableRawBufferPointer

  /// Takes a copy; the caller's array is not wiped.
  package init(_ bytes: some Collection<UInt8>) {
    buffer = .allocate(byteCount: max(bytes.count, 1), alignment: 16)
    length = bytes.count
    buffer.copyBytes(from: bytes)
  }

  private let length: Int

  deinit {
    OPENSSL_cleanse(buffer.baseAddress, buffer.count)
    buffer.deallocate()
  }

  package var count: Int { length }

  /// A copy of the bytes, for the moment of use.
  package var bytes: [UInt8] { Array(buffer.prefix(length)) }

  package var description: String { "SecretBytes(\(length))" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
package func constantTimeEqual(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
}

/// Whether two texts are equal byte by byte, in a time that depends on their lengths only.
package func constantTimeEqual(_ a: String, _ b: String) -> Bool {
  constantTimeEqual(Array(a.utf8), Array(b.utf8))
}
