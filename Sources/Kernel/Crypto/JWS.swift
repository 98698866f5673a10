import COpenSSL
package import Core

/// The signature algorithms of tokens that Lifang takes (RFC 7518 §3.1); `none` and the symmetric ones are none of them.
package enum JWSAlgorithm: String, Sendable, Hashable, CaseIterable {
  /// RSASSA-PKCS1-v1_5 with SHA-256.
  case rs256 = "RS256"
  /// ECDSA on P-256 with SHA-256.
  case es256 = "ES256"
}

/// A public key that signs tokens, from a JSON Web Key (RFC 7517).
package struct JWSPublicKey: Sendable, CustomStringConvertible {
  /// `kid`, by which a token names its key.
  package let id: String?
  /// The one algorithm it is for: a key never verifies under another.
  package let algorithm: JWSAlgorithm
  private let handle: PublicKeyHandle

  /// The shortest modulus taken, in bits (NIST SP 800-131A).
  package static let minimumRSA = 2048

  /// - Throws: ``CryptoFailure`` `malformed` for a key of another kind or use, one too short and a point off the curve.
  package init(jwk: JSON) throws(CryptoFailure) {
    func bytes(_ name: String) throws(CryptoFailure) -> [UInt8] {
      guard let bytes = jwk[name]?.string.flatMap({ Base64URL.decode($0) }), !bytes.isEmpty else {
        throw CryptoFailure(.malformed, "jwk", name)
      }
      return bytes
    }
    if let use = jwk["use"]?.string, use != "sig" { throw CryptoFailure(.malformed, "jwk", "use \(use)") }
    id = jwk["kid"]?.string
    switch (jwk["kty"]?.string, jwk["crv"]?.string) {
    case ("RSA", _):
      algorithm = .rs256
      let n = Array(try bytes("n").drop { $0 == 0 })
      let e = try bytes("e")
      guard n.count * 8 >= JWSPublicKey.minimumRSA, n.count <= 2048, e.count <= 8, e != [1] else {
        throw CryptoFailure(.malformed, "jwk", "RSA of \(n.count * 8) bits")
      }
      guard let key = lifang_rsa_key(n, Int32(n.count), e, Int32(e.count)) else { throw .library("jwk") }
      handle = PublicKeyHandle(adopting: key)
    case ("EC", "P-256"):
      algorithm = .es256
      let x = try bytes("x")
      let y = try bytes("y")
      guard x.count == 32, y.count == 32 else { throw CryptoFailure(.malformed, "jwk", "point") }
      let point = [4] + x + y
      guard let key = lifang_p256_key(point, point.count) else {
        ERR_clear_error()
        throw CryptoFailure(.malformed, "jwk", "point off the curve")
      }
      handle = PublicKeyHandle(adopting: key)
    default: throw CryptoFailure(.malformed, "jwk", "kty \(jwk["kty"]?.string ?? "")")
    }
    if let named = jwk["alg"]?.string, named != algorithm.rawValue {
      throw CryptoFailure(.malformed, "jwk", "alg \(named)")
    }
  }

  /// Whether the holder of the private key signed `message`.
  ///
  /// - Parameter signature: as tokens carry it: of ES256 the two numbers r and s, 32 bytes each.
  package func isValid(_ signature: [UInt8], of message: [UInt8]) throws(CryptoFailure) -> Bool {
    var signature = signature
    if algorithm == .es256 {
      guard signature.count == 64 else { return false }
      signature = DER.encode([.integer(Array(signature.prefix(32))), .integer(Array(signature.suffix(32)))])
    }
    guard let context = EVP_MD_CTX_new() else { throw .library("jws-verify") }
    defer { EVP_MD_CTX_free(context) }
    guard EVP_DigestVerifyInit_ex(context, nil, "SHA256", nil, nil, handle.pointer, nil) == 1 else {
      throw .library("jws-verify")
    }
    let status = EVP_DigestVerify(context, signature, signature.count, message, message.count)
    ERR_clear_error()
    return status == 1
  }

  package var description: String { "JWSPublicKey(\(id ?? ""), \(algorithm.rawValue))" }
}

/// A private key on P-256 that signs tokens (ES256). Prints as its id.
package struct JWSPrivateKey: Sendable, CustomStringConvertible, CustomReflectable {
  package let id: String
  private let handle: PublicKeyHandle

  /// A fresh key pair.
  package static func generate(id: String) throws(CryptoFailure) -> JWSPrivateKey {
    guard let key = lifang_p256_generate() else { throw .library("jws-generate") }
    return JWSPrivateKey(id: id, handle: PublicKeyHandle(adopting: key))
  }

  /// The public half as others fetch it.
  package func jwk() throws(CryptoFailure) -> JSON {
    var point = [UInt8](repeating: 0, count: 65)
    var count = 0
    guard
      EVP_PKEY_get_octet_string_param(handle.pointer, OSSL_PKEY_PARAM_PUB_KEY, &point, 65, &count) == 1, count == 65
    else { throw .library("jwk") }
    return [
      "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": .string(id),
      "x": .string(Base64URL.encode(point[1..<33])), "y": .string(Base64URL.encode(point[33..<65])),
    ]
  }

  /// The key in DER (RFC 5915), to be sealed and kept.
  package func encoded() throws(CryptoFailure) -> SecretBytes {
    let count = Int(i2d_PrivateKey(handle.pointer, nil))
    guard count > 0 else { throw .library("jws-key") }
    var bytes = [UInt8](repeating: 0, count: count)
    let written = bytes.withUnsafeMutableBufferPointer { buffer in
      var start = buffer.baseAddress
      return Int(i2d_PrivateKey(handle.pointer, &start))
    }
    defer { OPENSSL_cleanse(&bytes, count) }
    guard written == count else { throw .library("jws-key") }
    return SecretBytes(bytes)
  }

  /// A token with these claims: header, claims and signature with dots between (RFC 7515 §7.1).
  ///
  /// - Parameter type: `typ`, by which a token of one use is none of another.
  package func token(_ claims: JSON, type: String = "JWT") throws(CryptoFailure) -> String {
    let header: JSON = ["alg": "ES256", "typ": .string(type), "kid": .string(id)]
    let text = Base64URL.encode(Array(header.text.utf8)) + "." + Base64URL.encode(Array(claims.text.utf8))
    let message = Array(text.utf8)
    guard let context = EVP_MD_CTX_new() else { throw .library("jws-sign") }
    defer { EVP_MD_CTX_free(context) }
    var count = 256
    var der = [UInt8](repeating: 0, count: count)
    guard EVP_DigestSignInit_ex(context, nil, "SHA256", nil, nil, handle.pointer, nil) == 1,
      EVP_DigestSign(context, &der, &count, message, message.count) == 1
    else { throw .library("jws-sign") }
    let raw = try SM2Signature(der: Array(der.prefix(count))).raw
    return text + "." + Base64URL.encode(raw)
  }

  package var description: String { "JWSPrivateKey(\(id))" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

extension JWSPrivateKey {
  /// Reads what ``encoded()`` wrote.
  ///
  /// - Throws: ``CryptoFailure`` `malformed` for anything else.
  package init(id: String, encoded: SecretBytes) throws(CryptoFailure) {
    let bytes = encoded.bytes
    let key = bytes.withUnsafeBufferPointer { buffer in
      var start = buffer.baseAddress
      return d2i_AutoPrivateKey(nil, &start, buffer.count)
    }
    guard let key else {
      ERR_clear_error()
      throw CryptoFailure(.malformed, "jws-key")
    }
    self.init(id: id, handle: PublicKeyHandle(adopting: key))
    _ = try jwk()
  }
}

/// An `EVP_PKEY`, freed with its last reference.
private final class PublicKeyHandle: @unchecked Sendable {
  // Unchecked: an EVP_PKEY is reference-counted and internally locked; every operation makes a context of its own.
  let pointer: OpaquePointer

  init(adopting pointer: OpaquePointer) { self.pointer = pointer }

  deinit { EVP_PKEY_free(pointer) }
}
