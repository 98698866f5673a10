import COpenSSL

/// The SM2 elliptic-curve algorithms (GB/T 32918-2016) on the recommended curve of part 5.
package enum SM2 {
  /// The signer's distinguishing identifier that everybody uses unless told otherwise (GM/T 0009-2012 §10).
  package static let defaultUserID = "1234567812345678"
}

/// An SM2 signature: the two numbers r and s, 32 bytes each.
package struct SM2Signature: Sendable, Hashable {
  /// `r ‖ s`, 64 bytes.
  package let raw: [UInt8]

  /// - Throws: ``CryptoFailure`` `malformed` unless there are 64 bytes.
  package init(raw: [UInt8]) throws(CryptoFailure) {
    guard raw.count == 64 else { throw CryptoFailure(.malformed, "sm2-signature", "\(raw.count) bytes") }
    self.raw = raw
  }

  /// Reads `SEQUENCE { r INTEGER, s INTEGER }`.
  package init(der: [UInt8]) throws(CryptoFailure) {
    guard let items = DER.decode(der), items.count == 2, case .integer(let r) = items[0],
      case .integer(let s) = items[1], r.count <= 32, s.count <= 32
    else { throw CryptoFailure(.malformed, "sm2-signature", "\(der.count) bytes of DER") }
    raw = r.padded(to: 32) + s.padded(to: 32)
  }

  package var der: [UInt8] { DER.encode([.integer(Array(raw.prefix(32))), .integer(Array(raw.suffix(32)))]) }
}

/// A cipher text of SM2 encryption.
package struct SM2CipherText: Sendable, Hashable {
  /// C1 (`04 ‖ x ‖ y`), C3 (SM3 digest) and C2 (as long as the plain text), in the order of GB/T 32918.4-2016.
  package let c1c3c2: [UInt8]

  package init(c1c3c2: [UInt8]) throws(CryptoFailure) {
    guard c1c3c2.count > 97, c1c3c2[0] == 4 else {
      throw CryptoFailure(.malformed, "sm2-cipher-text", "\(c1c3c2.count) bytes")
    }
    self.c1c3c2 = c1c3c2
  }

  /// Reads `SEQUENCE { x INTEGER, y INTEGER, C3 OCTET STRING, C2 OCTET STRING }` (GM/T 0009-2012 §7.2).
  package init(der: [UInt8]) throws(CryptoFailure) {
    guard let items = DER.decode(der), items.count == 4, case .integer(let x) = items[0],
      case .integer(let y) = items[1], case .octets(let c3) = items[2], case .octets(let c2) = items[3],
      x.count <= 32, y.count <= 32, c3.count == 32, !c2.isEmpty
    else { throw CryptoFailure(.malformed, "sm2-cipher-text", "\(der.count) bytes of DER") }
    c1c3c2 = [4] + x.padded(to: 32) + y.padded(to: 32) + c3 + c2
  }

  package var der: [UInt8] {
    DER.encode([
      .integer(Array(c1c3c2[1..<33])), .integer(Array(c1c3c2[33..<65])), .octets(Array(c1c3c2[65..<97])),
      .octets(Array(c1c3c2[97...])),
    ])
  }
}

extension [UInt8] {
  fileprivate func padded(to count: Int) -> [UInt8] {
    [UInt8](repeating: 0, count: Swift.max(0, count - self.count)) + self
  }
}

/// A public key: verifies and encrypts.
package struct SM2PublicKey: Sendable, CustomStringConvertible {
  let handle: SM2Handle
  /// `04 ‖ x ‖ y`, 65 bytes.
  package let point: [UInt8]

  /// - Parameter point: 65 bytes beginning with 04, or the 64 that follow it.
  package init(point: [UInt8]) throws(CryptoFailure) {
    let point = point.count == 64 ? [4] + point : point
    guard point.count == 65, point[0] == 4 else { throw CryptoFailure(.malformed, "sm2-key", "\(point.count) bytes") }
    handle = try SM2Handle(point: point, scalar: nil)
    self.point = point
  }

  /// Reads `-----BEGIN PUBLIC KEY-----`.
  package init(pem: String) throws(CryptoFailure) {
    let bytes = Array(pem.utf8)
    guard let bio = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { throw .library("sm2-key") }
    defer { BIO_free(bio) }
    guard let key = PEM_read_bio_PUBKEY(bio, nil, nil, nil) else { throw .library("sm2-key") }
    handle = SM2Handle(adopting: key)
    try handle.requireSM2()
    point = try handle.point()
  }

  package func pem() throws(CryptoFailure) -> String {
    try writtenToMemory("sm2-pem") { PEM_write_bio_PUBKEY($0, handle.pointer) }
  }

  /// Whether the holder of the private key signed `message` under `userID`.
  package func isValid(
    _ signature: SM2Signature, of message: [UInt8], userID: String = SM2.defaultUserID
  ) throws(CryptoFailure) -> Bool {
    let context = try SM2Operation(handle, userID: userID, signing: false)
    let der = signature.der
    let status = EVP_DigestVerify(context.pointer, der, der.count, message, message.count)
    ERR_clear_error()
    return status == 1
  }

  /// Encrypts a short text, such as a key or a password; long ones belong in a box.
  package func encrypt(_ plain: [UInt8]) throws(CryptoFailure) -> SM2CipherText {
    guard !plain.isEmpty else { throw CryptoFailure(.malformed, "sm2-encrypt", "nothing to encrypt") }
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, handle.pointer, nil) else { throw .library("sm2-encrypt") }
    defer { EVP_PKEY_CTX_free(context) }
    var count = plain.count + 256
    var output = [UInt8](repeating: 0, count: count)
    guard EVP_PKEY_encrypt_init(context) == 1,
      EVP_PKEY_encrypt(context, &output, &count, plain, plain.count) == 1
    else { throw .library("sm2-encrypt") }
    return try SM2CipherText(der: Array(output.prefix(count)))
  }

  /// The point, which is no secret.
  package var description: String { "SM2PublicKey(\(Hex.encode(point)))" }
}

/// A private key: signs and decrypts. Prints as its public key.
package struct SM2PrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
  private let handle: SM2Handle
  package let publicKey: SM2PublicKey

  /// A fresh key pair.
  package static func generate(_ random: RandomSource = .system) throws(CryptoFailure) -> SM2PrivateKey {
    // Nearly every 32 bytes are below the order; those that are not are refused and drawn again.
    for _ in 0..<64 {
      if let key = try? SM2PrivateKey(scalar: SecretBytes(random.bytes(32))) { return key }
    }
    throw CryptoFailure(.library, "sm2-generate", "no scalar in range")
  }

  /// - Parameter scalar: 32 bytes, 1 to n − 2.
  package init(scalar: SecretBytes) throws(CryptoFailure) {
    let point = try SM2PrivateKey.point(of: scalar)
    handle = try SM2Handle(point: point, scalar: scalar)
    publicKey = try SM2PublicKey(point: point)
  }

  /// Reads `-----BEGIN PRIVATE KEY-----` (PKCS #8, not encrypted).
  package init(pem: SecretBytes) throws(CryptoFailure) {
    let bytes = pem.bytes
    guard let bio = BIO_new_mem_buf(bytes, Int32(bytes.count)) else { throw .library("sm2-key") }
    defer { BIO_free(bio) }
    guard let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil) else { throw .library("sm2-key") }
    handle = SM2Handle(adopting: key)
    try handle.requireSM2()
    publicKey = try SM2PublicKey(point: try handle.point())
  }

  /// PKCS #8 text, not encrypted: keep it in the key ring.
  package func pem() throws(CryptoFailure) -> SecretBytes {
    let text = try writtenToMemory("sm2-pem") {
      PEM_write_bio_PKCS8PrivateKey($0, handle.pointer, nil, nil, 0, nil, nil)
    }
    return SecretBytes(Array(text.utf8))
  }

  package func sign(
    _ message: [UInt8], userID: String = SM2.defaultUserID
  ) throws(CryptoFailure) -> SM2Signature {
    let context = try SM2Operation(handle, userID: userID, signing: true)
    var count = 128
    var output = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSign(context.pointer, &output, &count, message, message.count) == 1 else {
      throw .library("sm2-sign")
    }
    return try SM2Signature(der: Array(output.prefix(count)))
  }

  /// - Throws: ``CryptoFailure`` `notAuthentic` when the text was altered or is for another key.
  package func decrypt(_ cipher: SM2CipherText) throws(CryptoFailure) -> [UInt8] {
    guard let context = EVP_PKEY_CTX_new_from_pkey(nil, handle.pointer, nil) else { throw .library("sm2-decrypt") }
    defer { EVP_PKEY_CTX_free(context) }
    let der = cipher.der
    var count = der.count
    var output = [UInt8](repeating: 0, count: count)
    guard EVP_PKEY_decrypt_init(context) == 1, EVP_PKEY_decrypt(context, &output, &count, der, der.count) == 1 else {
      ERR_clear_error()
      throw CryptoFailure(.notAuthentic, "sm2-decrypt")
    }
    return Array(output.prefix(count))
  }

  package var description: String { "SM2PrivateKey of \(publicKey)" }
  package var customMirror: Mirror { Mirror(self, children: []) }

  private static func point(of scalar: SecretBytes) throws(CryptoFailure) -> [UInt8] {
    guard scalar.count == 32 else { throw CryptoFailure(.malformed, "sm2-key", "scalar of \(scalar.count) bytes") }
    guard let group = EC_GROUP_new_by_curve_name(NID_sm2) else { throw .library("sm2-key") }
    defer { EC_GROUP_free(group) }
    guard let number = BN_bin2bn(scalar.bytes, 32, nil), let limit = BN_dup(EC_GROUP_get0_order(group)) else {
      throw .library("sm2-key")
    }
    defer {
      BN_clear_free(number)
      BN_free(limit)
    }
    BN_set_flags(number, BN_FLG_CONSTTIME)
    guard BN_sub_word(limit, 1) == 1, BN_is_zero(number) == 0, BN_cmp(number, limit) < 0 else {
      throw CryptoFailure(.malformed, "sm2-key", "scalar out of range")
    }
    guard let point = EC_POINT_new(group) else { throw .library("sm2-key") }
    defer { EC_POINT_clear_free(point) }
    var bytes = [UInt8](repeating: 0, count: 65)
    guard EC_POINT_mul(group, point, number, nil, nil, nil) == 1,
      EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, &bytes, 65, nil) == 65
    else { throw .library("sm2-key") }
    return bytes
  }
}

/// A digest context prepared to sign or verify with SM3 and a user id.
private final class SM2Operation {
  let pointer: OpaquePointer

  init(_ key: SM2Handle, userID: String, signing: Bool) throws(CryptoFailure) {
    guard let pointer = EVP_MD_CTX_new() else { throw .library("sm2") }
    self.pointer = pointer
    var keyContext: OpaquePointer?
    let id = Array(userID.utf8)
    let status =
      signing
      ? EVP_DigestSignInit_ex(pointer, &keyContext, "SM3", nil, nil, key.pointer, nil)
      : EVP_DigestVerifyInit_ex(pointer, &keyContext, "SM3", nil, nil, key.pointer, nil)
    guard status == 1, EVP_PKEY_CTX_set1_id(keyContext, id, Int32(id.count)) == 1 else { throw .library("sm2") }
  }

  deinit { EVP_MD_CTX_free(pointer) }
}
