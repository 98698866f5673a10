import COpenSSL

/// An `EVP_PKEY` of the SM2 curve, freed with its last reference.
final class SM2Handle: @unchecked Sendable {
  // Unchecked: an EVP_PKEY is reference-counted and internally locked; every operation makes a context of its own.
  let pointer: OpaquePointer

  init(adopting pointer: OpaquePointer) { self.pointer = pointer }

  deinit { EVP_PKEY_free(pointer) }

  /// A key from an uncompressed point and, for a private key, its scalar.
  convenience init(point: [UInt8], scalar: SecretBytes?) throws(CryptoFailure) {
    var number: OpaquePointer?
    if let scalar {
      number = BN_bin2bn(scalar.bytes, Int32(scalar.count), nil)
      guard number != nil else { throw .library("sm2-key") }
    }
    defer { BN_clear_free(number) }
    guard let key = lifang_sm2_key(point, point.count, number) else { throw .library("sm2-key") }
    self.init(adopting: key)
    guard let check = EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { throw .library("sm2-key") }
    defer { EVP_PKEY_CTX_free(check) }
    guard EVP_PKEY_public_check(check) == 1 else { throw CryptoFailure(.malformed, "sm2-key", "point off the curve") }
  }

  /// The public point, `04 ‖ x ‖ y`.
  func point() throws(CryptoFailure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 65)
    var count = 0
    guard EVP_PKEY_get_octet_string_param(pointer, OSSL_PKEY_PARAM_PUB_KEY, &bytes, 65, &count) == 1, count == 65,
      bytes[0] == 4
    else { throw .library("sm2-key") }
    return bytes
  }

  /// Whether the key is on the SM2 curve, which a PEM text of another kind is not.
  func requireSM2() throws(CryptoFailure) {
    guard EVP_PKEY_is_a(pointer, "SM2") == 1 else { throw CryptoFailure(.malformed, "sm2-key", "not an SM2 key") }
  }
}

/// Runs `body` on a memory BIO and returns what was written to it.
func writtenToMemory(_ operation: String, _ body: (OpaquePointer) -> Int32) throws(CryptoFailure) -> String {
  guard let bio = BIO_new(BIO_s_mem()) else { throw .library(operation) }
  defer { BIO_free(bio) }
  guard body(bio) == 1 else { throw .library(operation) }
  var bytes = [UInt8](repeating: 0, count: 16384)
  let count = BIO_read(bio, &bytes, Int32(bytes.count))
  defer { OPENSSL_cleanse(&bytes, bytes.count) }
  guard count > 0, Int(count) < bytes.count else { throw .library(operation) }
  return String(decoding: bytes.prefix(Int(count)), as: UTF8.self)
}
