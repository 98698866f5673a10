import COpenSSL

/// The message digests Lifang uses: SM3 (GB/T 32905-2016) for everything of its own, the SHA family where an outside
/// protocol prescribes it.
package enum DigestAlgorithm: String, Sendable, CaseIterable {
  case sm3 = "SM3"
  case sha1 = "SHA1"
  case sha256 = "SHA256"
  case sha512 = "SHA512"

  /// Bytes of a digest.
  package var size: Int {
    switch self {
    case .sm3, .sha256: 32
    case .sha1: 20
    case .sha512: 64
    }
  }

  /// Bytes of an input block, which HMAC pads keys to.
  var blockSize: Int { self == .sha512 ? 128 : 64 }

  fileprivate var implementation: OpaquePointer {
    switch self {
    case .sm3: Fetched.sm3.pointer
    case .sha1: Fetched.sha1.pointer
    case .sha256: Fetched.sha256.pointer
    case .sha512: Fetched.sha512.pointer
    }
  }

  private struct Fetched: @unchecked Sendable {
    // Unchecked: an EVP_MD is immutable once fetched and lives as long as the process.
    let pointer: OpaquePointer

    init(_ name: String) {
      guard let pointer = EVP_MD_fetch(nil, name, nil) else { preconditionFailure("libcrypto has no \(name)") }
      self.pointer = pointer
    }

    static let sm3 = Fetched("SM3")
    static let sha1 = Fetched("SHA1")
    static let sha256 = Fetched("SHA256")
    static let sha512 = Fetched("SHA512")
  }
}

/// A digest computed piece by piece.
///
/// One task at a time may use it. `copy()` branches: the digest of a common beginning is computed once.
package final class Digest {
  private let context: OpaquePointer
  package let algorithm: DigestAlgorithm

  package init(_ algorithm: DigestAlgorithm = .sm3) {
    self.algorithm = algorithm
    context = Digest.newContext()
    Digest.expect(EVP_DigestInit_ex2(context, algorithm.implementation, nil))
  }

  private init(copying other: Digest) {
    algorithm = other.algorithm
    context = Digest.newContext()
    Digest.expect(EVP_MD_CTX_copy_ex(context, other.context))
  }

  deinit { EVP_MD_CTX_free(context) }

  package func copy() -> Digest { Digest(copying: self) }

  package func update(_ bytes: [UInt8]) { Digest.expect(EVP_DigestUpdate(context, bytes, bytes.count)) }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    Digest.expect(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count))
  }

  package func update(_ text: String) {
    var text = text
    text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
  }

  /// The digest; nothing may be added afterwards.
  package func finish() -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: algorithm.size) { buffer, count in
      Digest.expect(EVP_DigestFinal_ex(context, buffer.baseAddress, nil))
      count = algorithm.size
    }
  }

  /// The SM3 digest of `bytes`.
  package static func sm3(_ bytes: [UInt8]) -> [UInt8] { hash(bytes, .sm3) }

  package static func hash(_ bytes: [UInt8], _ algorithm: DigestAlgorithm) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: algorithm.size) { buffer, count in
      expect(EVP_Digest(bytes, bytes.count, buffer.baseAddress, nil, algorithm.implementation, nil))
      count = algorithm.size
    }
  }

  private static func newContext() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("libcrypto is out of memory") }
    return context
  }

  /// Digesting can fail for want of memory only.
  private static func expect(_ status: Int32) { precondition(status == 1, "libcrypto is out of memory") }
}
