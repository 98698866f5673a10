import Core
import Crypto
import Testing

/// GB/T 32907-2016 annex A and the modes' examples of draft-ribose-cfrg-sm4.
@Suite struct CipherTests {
  private let key = SecretBytes(bytes("0123456789abcdeffedcba9876543210"))

  @Test func sm4GivesThePublishedBlocks() throws {
    let sm4 = try SM4(key: key)
    let block = bytes("0123456789abcdeffedcba9876543210")
    #expect(Hex.encode(try sm4.encryptBlock(block)) == "681edf34d206965e86b3e94f536e4246")
    #expect(Hex.encode(try sm4.encryptBlock(block, rounds: 1_000_000)) == "595298c7c6fd271f0402f804c33d3f66")
  }

  @Test func counterModeGivesThePublishedText() throws {
    let plain = bytes(
      "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        + "eeeeeeeeeeeeeeeeffffffffffffffffaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb")
    let cipher = try SM4(key: key).ctr(plain, iv: bytes("000102030405060708090a0b0c0d0e0f"))
    #expect(
      Hex.encode(cipher) == "ac3236cb970cc20791364c395a1342d1a3cbc1878c6f30cd074cce385cdd70c7"
        + "f234bc0e24c11980fd1286310ce37b926e02fcd0faa0baf38b2933851d824514")
  }

  @Test func chainingGivesThePublishedText() throws {
    let sm4 = try SM4(key: key)
    let iv = bytes("0123456789abcdeffedcba9876543210")
    let cipher = try sm4.encryptCBC(bytes("0123456789abcdeffedcba9876543210"), iv: iv)
    #expect(Hex.encode(cipher.prefix(16)) == "2677f46b09c122cc975533105bd4a22a")
    for count in 0...33 {
      let plain = RandomSource.seeded(4).bytes(count)
      #expect(try sm4.decryptCBC(try sm4.encryptCBC(plain, iv: iv), iv: iv) == plain)
    }
    #expect(throws: CryptoFailure.self) { try sm4.decryptCBC(Array(cipher.dropLast()), iv: iv) }
  }

  @Test func wrongSizesAreRefused() {
    #expect(throws: CryptoFailure.self) { try SM4(key: SecretBytes([1, 2, 3])) }
    #expect(throws: CryptoFailure.self) { try SM4(key: key).ctr([1], iv: [0]) }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 1000]) func aBoxOpensOnlyAsItWasSealed(count: Int) throws {
    let random = RandomSource.seeded(UInt64(count))
    let box = try BoxKey(id: 7, key: SecretBytes(random.bytes(32)))
    let plain = random.bytes(count)
    let sealed = try box.seal(plain, associated: Array("person.phone".utf8), random: random)
    #expect(sealed.count == count + BoxKey.overhead)
    #expect(try box.open(sealed, associated: Array("person.phone".utf8)) == plain)
    #expect(throws: CryptoFailure(.notAuthentic, "box-open")) {
      try box.open(sealed, associated: Array("person.name".utf8))
    }
    for position in stride(from: 5, to: sealed.count, by: max(1, sealed.count / 40)) {
      var altered = sealed
      altered[position] ^= 1
      #expect(throws: CryptoFailure(.notAuthentic, "box-open")) {
        try box.open(altered, associated: Array("person.phone".utf8))
      }
    }
    #expect(throws: CryptoFailure.self) { try box.open(Array(sealed.dropLast()), associated: []) }
  }

  @Test func sealingTwiceNeverLooksAlike() throws {
    let box = try BoxKey(id: 1, key: SecretBytes(RandomSource.seeded(5).bytes(32)))
    #expect(try box.seal([1, 2, 3]) != box.seal([1, 2, 3]))
  }
}

func bytes(_ hex: String) -> [UInt8] { Hex.decode(hex) ?? [] }
