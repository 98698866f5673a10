import COpenSSL

/// The SM4 block cipher (GB/T 32907-2016) with one key, usable from any thread.
///
/// Neither mode authenticates: data at rest goes through ``KeyRing``'s sealed boxes. CBC is for exchange formats that
/// prescribe it. (OpenSSL 3.0 has no SM4-GCM; it came with 3.1.)
package final class SM4: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
  // Unchecked: the prepared contexts are only ever copied from.
  private let counter: OpaquePointer
  private let key: SecretBytes

  package static let keySize = 16
  package static let blockSize = 16

  /// - Throws: ``CryptoFailure`` `malformed` unless the key has 16 bytes.
  package init(key: SecretBytes) throws(CryptoFailure) {
    guard key.count == SM4.keySize else { throw CryptoFailure(.malformed, "sm4", "key of \(key.count) bytes") }
    self.key = key
    counter = try SM4.context(Mode.ctr, key, iv: nil, encrypt: true)
  }

  deinit { EVP_CIPHER_CTX_free(counter) }

  /// Counter mode; encrypting and decrypting are the same. An initial counter must never be used twice with one key.
  package func ctr(_ bytes: [UInt8], iv: [UInt8]) throws(CryptoFailure) -> [UInt8] {
    guard iv.count == SM4.blockSize else { throw CryptoFailure(.malformed, "sm4-ctr", "iv of \(iv.count) bytes") }
    guard let context = EVP_CIPHER_CTX_new() else { throw .library("sm4-ctr") }
    defer { EVP_CIPHER_CTX_free(context) }
    guard EVP_CIPHER_CTX_copy(context, counter) == 1, EVP_EncryptInit_ex2(context, nil, nil, iv, nil) == 1 else {
      throw .library("sm4-ctr")
    }
    return try SM4.run(context, bytes, "sm4-ctr")
  }

  /// Cipher block chaining with PKCS #7 padding.
  package func encryptCBC(_ plain: [UInt8], iv: [UInt8]) throws(CryptoFailure) -> [UInt8] {
    try cbc(plain, iv: iv, encrypt: true)
  }

  /// - Throws: ``CryptoFailure`` when the length or the padding is wrong. Never let a stranger see which.
  package func decryptCBC(_ cipher: [UInt8], iv: [UInt8]) throws(CryptoFailure) -> [UInt8] {
    try cbc(cipher, iv: iv, encrypt: false)
  }

  private func cbc(_ bytes: [UInt8], iv: [UInt8], encrypt: Bool) throws(CryptoFailure) -> [UInt8] {
    guard iv.count == SM4.blockSize else { throw CryptoFailure(.malformed, "sm4-cbc", "iv of \(iv.count) bytes") }
    let context = try SM4.context(Mode.cbc, key, iv: iv, encrypt: encrypt)
    defer { EVP_CIPHER_CTX_free(context) }
    return try SM4.run(context, bytes, "sm4-cbc")
  }

  /// Encrypts one block `rounds` times over, as the second example of the standard does.
  package func encryptBlock(_ block: [UInt8], rounds: Int = 1) throws(CryptoFailure) -> [UInt8] {
    guard block.count == SM4.blockSize else { throw CryptoFailure(.malformed, "sm4", "block of \(block.count) bytes") }
    let context = try SM4.context(Mode.ecb, key, iv: nil, encrypt: true)
    defer { EVP_CIPHER_CTX_free(context) }
    EVP_CIPHER_CTX_set_padding(context, 0)
    var block = block
    var written: Int32 = 0
    for _ in 0..<rounds {
      let input = block
      guard EVP_CipherUpdate(context, &block, &written, input, Int32(SM4.blockSize)) == 1 else { throw .library("sm4") }
    }
    return block
  }

  package var description: String { "SM4" }
  package var customMirror: Mirror { Mirror(self, children: []) }

  private struct Mode: @unchecked Sendable {
    // Unchecked: an EVP_CIPHER is immutable once fetched and lives as long as the process.
    let cipher: OpaquePointer

    init(_ name: String) {
      guard let cipher = EVP_CIPHER_fetch(nil, name, nil) else { preconditionFailure("libcrypto has no \(name)") }
      self.cipher = cipher
    }

    static let ctr = Mode("SM4-CTR")
    static let cbc = Mode("SM4-CBC")
    static let ecb = Mode("SM4-ECB")
  }

  private static func context(
    _ mode: Mode, _ key: SecretBytes, iv: [UInt8]?, encrypt: Bool
  ) throws(CryptoFailure) -> OpaquePointer {
    guard let context = EVP_CIPHER_CTX_new() else { throw .library("sm4") }
    guard EVP_CipherInit_ex2(context, mode.cipher, key.bytes, iv, encrypt ? 1 : 0, nil) == 1 else {
      EVP_CIPHER_CTX_free(context)
      throw .library("sm4")
    }
    return context
  }

  private static func run(
    _ context: OpaquePointer, _ bytes: [UInt8], _ operation: String
  ) throws(CryptoFailure) -> [UInt8] {
    guard bytes.count < Int(Int32.max) - blockSize else { throw CryptoFailure(.malformed, operation, "too long") }
    var failed = false
    let output = [UInt8](unsafeUninitializedCapacity: bytes.count + blockSize) { buffer, count in
      var first: Int32 = 0
      var last: Int32 = 0
      guard let start = buffer.baseAddress,
        EVP_CipherUpdate(context, start, &first, bytes, Int32(bytes.count)) == 1,
        EVP_CipherFinal_ex(context, start + Int(first), &last) == 1
      else {
        failed = true
        count = 0
        return
      }
      count = Int(first + last)
    }
    if failed { throw .library(operation) }
    return output
  }
}
