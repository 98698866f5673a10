import Core
import Crypto
import Testing

/// GB/T 32918.5-2017 annexes A (signature) and C (encryption), on the recommended curve.
@Suite struct SM2Tests {
  private static let scalar = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
  private static let point =
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    + "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
  private let key: SM2PrivateKey

  init() throws { key = try SM2PrivateKey(scalar: SecretBytes(bytes(SM2Tests.scalar))) }

  @Test func thePublishedScalarHasThePublishedPoint() {
    #expect(Hex.encode(key.publicKey.point) == SM2Tests.point)
  }

  @Test func thePublishedSignatureIsValidForItsMessageOnly() throws {
    let signature = try SM2Signature(
      raw: bytes(
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
          + "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"))
    #expect(try key.publicKey.isValid(signature, of: Array("message digest".utf8)))
    #expect(try !key.publicKey.isValid(signature, of: Array("message digesT".utf8)))
    #expect(try !key.publicKey.isValid(signature, of: Array("message digest".utf8), userID: "ALICE123@YAHOO.COM"))
  }

  @Test func thePublishedCipherTextDecrypts() throws {
    let cipher = try SM2CipherText(
      c1c3c2: bytes(
        "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73e8"
          + "58f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
          + "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766"
          + "21886ca989ca9c7d58087307ca93092d651efa"))
    #expect(try key.decrypt(cipher) == Array("encryption standard".utf8))
    #expect(try SM2CipherText(der: cipher.der) == cipher)
  }

  @Test func ownSignaturesAreValidAndAlteredOnesAreNot() throws {
    for number in 0..<20 {
      let message = RandomSource.seeded(UInt64(number)).bytes(number * 3)
      let signature = try key.sign(message)
      #expect(try key.publicKey.isValid(signature, of: message))
      #expect(try SM2Signature(der: signature.der) == signature)
      var raw = signature.raw
      raw[number] ^= 1
      #expect(try !key.publicKey.isValid(try SM2Signature(raw: raw), of: message))
      #expect(try !key.publicKey.isValid(signature, of: message + [0]))
    }
  }

  @Test func encryptionComesBackAndAlterationIsNoticed() throws {
    for count in [1, 2, 31, 32, 33, 500] {
      let plain = RandomSource.seeded(UInt64(count)).bytes(count)
      let cipher = try key.publicKey.encrypt(plain)
      #expect(try key.decrypt(cipher) == plain)
      var altered = cipher.c1c3c2
      altered[altered.count - 1] ^= 1
      let forged = try SM2CipherText(c1c3c2: altered)
      #expect(throws: CryptoFailure(.notAuthentic, "sm2-decrypt")) { try key.decrypt(forged) }
    }
  }

  @Test func keysComeBackFromPEM() throws {
    let fresh = try SM2PrivateKey.generate(.seeded(6))
    let read = try SM2PrivateKey(pem: try fresh.pem())
    #expect(read.publicKey.point == fresh.publicKey.point)
    let signature = try read.sign([1, 2, 3])
    let publicKey = try SM2PublicKey(pem: try fresh.publicKey.pem())
    #expect(try publicKey.isValid(signature, of: [1, 2, 3]))
  }

  @Test func badKeysAreRefused() throws {
    var off = key.publicKey.point
    off[64] ^= 1
    #expect(throws: CryptoFailure.self) { try SM2PublicKey(point: off) }
    #expect(throws: CryptoFailure.self) {
      try SM2PublicKey(pem: "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")
    }
    #expect(throws: CryptoFailure.self) { try SM2PrivateKey(scalar: SecretBytes([UInt8](repeating: 0, count: 32))) }
    #expect(throws: CryptoFailure.self) { try SM2PrivateKey(scalar: SecretBytes([UInt8](repeating: 0xff, count: 32))) }
    #expect(throws: CryptoFailure.self) { try SM2Signature(der: [0x30, 0x02, 0x02, 0x00]) }
  }

  @Test func nothingPrintsAPrivateKey() throws {
    let secret = SecretBytes(bytes(SM2Tests.scalar))
    var dumped = ""
    dump(key, to: &dumped)
    dump(secret, to: &dumped)
    dump(try BoxKey(id: 1, key: secret), to: &dumped)
    dump(HMAC(key: secret), to: &dumped)
    let printed = "\(key) \(secret) \(String(reflecting: secret)) \(dumped)"
    #expect(!printed.contains(SM2Tests.scalar))
    #expect(!printed.contains("57, 69, 32, 143"), "the bytes in decimal")
  }
}
