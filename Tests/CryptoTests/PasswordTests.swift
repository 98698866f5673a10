import Core
@testable import Crypto
import Testing

@Suite struct PasswordTests {
  private let ring: KeyRing
  private let cheap = PasswordHash.Cost(logN: 4)

  init() throws {
    ring = KeyRing(random: .seeded(20))
    try ring.rotate(.pepper, at: Instant(seconds: 0))
  }

  /// RFC 7914 §12.
  @Test func scryptGivesThePublishedKey() throws {
    let key = try Scrypt.derive(
      Array("password".utf8), salt: Array("NaCl".utf8), cost: .init(logN: 10, r: 8, p: 16), count: 64)
    #expect(
      Hex.encode(key)
        == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
    )
  }

  @Test func aPasswordMatchesItsHashOnly() throws {
    let passwords = PasswordHash(ring: ring, cost: cheap)
    let stored = try passwords.make("里坊 Secret-1")
    #expect(stored.hasPrefix("$scrypt-sm3$ln=4,r=8,p=1$1$"))
    #expect(try passwords.verify("里坊 Secret-1", against: stored) == .match(rehash: false))
    #expect(try passwords.verify("里坊 Secret-2", against: stored) == .mismatch)
    #expect(try passwords.make("里坊 Secret-1") != stored, "every hash has a salt of its own")
  }

  @Test func outdatedCostOrPepperAsksForANewHash() throws {
    let stored = try PasswordHash(ring: ring, cost: cheap).make("a")
    #expect(try PasswordHash(ring: ring, cost: .init(logN: 5)).verify("a", against: stored) == .match(rehash: true))
    try ring.rotate(.pepper, at: Instant(seconds: 1))
    #expect(try PasswordHash(ring: ring, cost: cheap).verify("a", against: stored) == .match(rehash: true))
  }

  @Test func anotherPepperNeverMatches() throws {
    let stored = try PasswordHash(ring: ring, cost: cheap).make("a")
    let other = KeyRing(random: .seeded(21))
    try other.rotate(.pepper, at: Instant(seconds: 0))
    #expect(try PasswordHash(ring: other, cost: cheap).verify("a", against: stored) == .mismatch)
  }

  @Test(arguments: [
    "", "plain", "$scrypt-sm3$ln=30,r=8,p=1$1$AAAAAAAAAAAAAAAAAAAAAA$AAAA", "$scrypt-sm3$ln=4,r=8,p=1$1$$", "$$$$$",
  ])
  func aForgedTextNeverMatches(stored: String) {
    #expect(throws: CryptoFailure(.malformed, "password-hash")) {
      try PasswordHash(ring: ring, cost: cheap).verify("", against: stored)
    }
  }

  /// RFC 6238 appendix B.
  @Test(arguments: [
    (Int64(59), "94287082", "46119246", "90693936"), (1_111_111_109, "07081804", "68084774", "25091201"),
    (1_234_567_890, "89005924", "91819424", "93441116"), (20_000_000_000, "65353130", "77737706", "47863826"),
  ])
  func totpGivesThePublishedCodes(seconds: Int64, sha1: String, sha256: String, sha512: String) {
    let digits = Array("1234567890".utf8)
    func code(_ algorithm: DigestAlgorithm, _ count: Int) -> String {
      let secret = SecretBytes((0..<count).map { digits[$0 % 10] })
      return TOTP(secret: secret, algorithm: algorithm, digits: 8).code(step: TOTP.step(Instant(seconds: seconds)))
    }
    #expect(code(.sha1, 20) == sha1)
    #expect(code(.sha256, 32) == sha256)
    #expect(code(.sha512, 64) == sha512)
  }

  @Test func aCodeWorksOnceAndOnlyAroundItsTime() throws {
    let totp = TOTP(secret: TOTP.newSecret(.seeded(22)))
    let now = Instant(seconds: 1_800_000_000)
    let code = totp.code(step: TOTP.step(now))
    let step = try #require(totp.accept(code, at: now, last: nil))
    #expect(totp.accept(code, at: now, last: step) == nil)
    #expect(totp.accept(code, at: now + 30, last: nil) == step)
    #expect(totp.accept(code, at: now + 60, last: nil) == nil)
    #expect(totp.accept(code, at: now + -60, last: nil) == nil)
  }

  @Test func enrolmentNamesIssuerAccountAndSecret() {
    let totp = TOTP(secret: SecretBytes(Array("12345678901234567890".utf8)))
    #expect(
      totp.enrolmentURI(issuer: "里坊", account: "li.si")
        == "otpauth://totp/%E9%87%8C%E5%9D%8A:li.si?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        + "&issuer=%E9%87%8C%E5%9D%8A&algorithm=SHA1&digits=6&period=30")
  }

  @Test func seededRandomnessRepeatsAndTheSystemsDoesNot() {
    #expect(RandomSource.seeded(1).bytes(100) == RandomSource.seeded(1).bytes(100))
    #expect(RandomSource.seeded(1).bytes(100) != RandomSource.seeded(2).bytes(100))
    #expect(RandomSource.system.bytes(32) != RandomSource.system.bytes(32))
    let digits = RandomSource.seeded(3).digits(6)
    #expect(digits.utf8.count == 6 && digits.allSatisfy(\.isNumber))
  }
}
