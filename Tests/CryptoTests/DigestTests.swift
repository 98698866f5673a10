import Core
import Crypto
import Testing

/// GB/T 32905-2016 annex A and RFC 4231 / RFC 2202.
@Suite struct DigestTests {
  @Test(arguments: [
    ("abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
    (
      String(repeating: "abcd", count: 16), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    ),
    ("", "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b"),
  ])
  func sm3GivesThePublishedDigest(message: String, expected: String) {
    #expect(Hex.encode(Digest.sm3(Array(message.utf8))) == expected)
  }

  @Test func piecesOfAnySizeGiveTheDigestOfTheWhole() {
    let message = RandomSource.seeded(1).bytes(1000)
    for size in [1, 7, 63, 64, 65, 999] {
      let digest = Digest()
      for start in stride(from: 0, to: message.count, by: size) {
        digest.update(Array(message[start..<min(start + size, message.count)]))
      }
      #expect(digest.finish() == Digest.sm3(message))
    }
  }

  @Test func aBranchedDigestLeavesTheOtherAlone() {
    let common = Digest()
    common.update("里坊")
    let branch = common.copy()
    branch.update("甲")
    #expect(branch.finish() == Digest.sm3(Array("里坊甲".utf8)))
    #expect(common.finish() == Digest.sm3(Array("里坊".utf8)))
  }

  @Test func hmacGivesThePublishedTags() {
    let key = SecretBytes([UInt8](repeating: 0x0b, count: 20))
    #expect(
      Hex.encode(HMAC(key: key, .sha256).authenticate("Hi There"))
        == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
    #expect(Hex.encode(HMAC(key: key, .sha1).authenticate("Hi There")) == "b617318655057264e28bc0b6fb378c8ef146be00")
    let long = SecretBytes([UInt8](repeating: 0xaa, count: 131))
    #expect(
      Hex.encode(
        HMAC(key: long, .sha512).authenticate("Test Using Larger Than Block-Size Key - Hash Key First"))
        == "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598"
    )
  }

  @Test func shortMACTakesLookAlikesAndRefusesAnyOtherText() {
    let mac = ShortMAC(key: SecretBytes(RandomSource.seeded(2).bytes(32)), label: "plate")
    for number in 0..<200 {
      let code = mac.code(for: "5117\(number)")
      #expect(code.utf8.count == 8)
      #expect(mac.isValid(code.lowercased(), for: "5117\(number)"))
      #expect(
        mac.isValid(
          code.split(separator: "0", omittingEmptySubsequences: false).joined(separator: "o"), for: "5117\(number)"))
      #expect(!mac.isValid(code, for: "5117\(number + 1)"))
    }
    let other = ShortMAC(key: SecretBytes(RandomSource.seeded(2).bytes(32)), label: "receipt")
    #expect(other.code(for: "1") != mac.code(for: "1"))
  }

  @Test(arguments: [0, 1, 2, 3, 4, 5, 31, 32, 33]) func encodingsComeBack(count: Int) {
    let bytes = RandomSource.seeded(3).bytes(count)
    #expect(Hex.decode(Hex.encode(bytes).uppercased()) == bytes)
    #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
    #expect(Base32.decode(Base32.encode(bytes).lowercased()) == bytes)
  }

  /// RFC 4648 §10.
  @Test func encodingsGiveThePublishedTexts() {
    #expect(Base64URL.encode(Array("foobar".utf8)) == "Zm9vYmFy")
    #expect(Base64URL.encode([0xfb, 0xff]) == "-_8")
    #expect(Base32.encode(Array("foob".utf8)) == "MZXW6YQ")
    #expect(Base64URL.decode("Zg==") == nil)
    #expect(Base64URL.decode("Zh") == nil, "stray bits")
    #expect(Hex.decode("abc") == nil)
  }
}
