import Core
import Crypto
import Glibc
import Testing

@Suite struct KeyRingTests {
  private let time = Instant(seconds: 1_800_000_000)
  private let master = SecretBytes(RandomSource.seeded(10).bytes(32))

  private func ring() throws -> KeyRing {
    let ring = KeyRing(random: .seeded(11))
    for purpose in [KeyPurpose.data, .index, .pepper] { try ring.rotate(purpose, at: time) }
    return ring
  }

  @Test func oldBoxesStayReadableAfterRotation() throws {
    let ring = try ring()
    let old = try ring.seal([1, 2, 3], associated: "person.phone")
    #expect(!ring.isStale(old))
    let id = try ring.rotate(.data, at: time)
    let new = try ring.seal([1, 2, 3], associated: "person.phone")
    #expect(try BoxKey.keyID(of: new) == id)
    #expect(ring.isStale(old))
    #expect(try ring.open(old, associated: "person.phone") == [1, 2, 3])
    #expect(try ring.open(new, associated: "person.phone") == [1, 2, 3])
  }

  @Test func aRingComesBackUnderItsMasterKeyOnly() throws {
    let ring = try ring()
    let box = try ring.seal([9], associated: "a")
    try ring.rotate(.data, at: time)
    let encoded = try JSON(parsing: try ring.encoded(under: master).text)
    let read = try KeyRing(encoded: encoded, master: master)
    #expect(try read.open(box, associated: "a") == [9])
    #expect(read.currentID(.data) == ring.currentID(.data))
    #expect(read.inventory.map(\.purpose) == [.data, .index, .pepper, .data])
    #expect(throws: CryptoFailure(.notAuthentic, "key-ring")) {
      try KeyRing(encoded: encoded, master: SecretBytes(RandomSource.seeded(12).bytes(32)))
    }
  }

  @Test func anEditedRingIsRefused() throws {
    let text = try ring().encoded(under: master).text
    let edited = text.split(separator: "\"purpose\":\"index\"", omittingEmptySubsequences: false)
      .joined(separator: "\"purpose\":\"pepper\"")
    #expect(edited != text)
    #expect(throws: CryptoFailure(.notAuthentic, "key-ring")) {
      try KeyRing(encoded: try JSON(parsing: edited), master: master)
    }
  }

  @Test func aNewMasterKeyReplacesTheOld() throws {
    let ring = try ring()
    let box = try ring.seal([5], associated: "a")
    let other = SecretBytes(RandomSource.seeded(13).bytes(32))
    let read = try KeyRing(encoded: try ring.encoded(under: other), master: other)
    #expect(try read.open(box, associated: "a") == [5])
  }

  @Test func aFolderKeepsItsRingAndRefusesALooseMasterKey() throws {
    let path = "/tmp/lifang-keys-\(getpid())-\(RandomSource.system.token(bytes: 8))"
    defer { ["master.key", "ring.json"].forEach { unlink("\(path)/\($0)") }; rmdir(path) }
    let folder = KeyFolder(path: path)
    let first = try folder.open()
    let box = try first.seal([7], associated: "a")
    try first.rotate(.data, at: time)
    try folder.save(first)
    let second = try folder.open()
    #expect(try second.open(box, associated: "a") == [7])
    #expect(second.currentID(.data) == first.currentID(.data))
    var status = stat()
    #expect(stat(path + "/master.key", &status) == 0 && status.st_mode & 0o777 == 0o600)
    chmod(path + "/master.key", 0o644)
    #expect(throws: CryptoFailure.self) { try folder.open() }
    unlink(path + "/master.key")
    #expect(throws: CryptoFailure.self, "a lost master key is never replaced silently") { try folder.open() }
  }

  @Test(arguments: [
    (BlindIndex.Normalisation.phone, ["13800138000", "138 0013 8000", "+86-138-0013-8000", "００８６１３８００１３８０００"]),
    (.code, ["51170219900101123x", "511702 19900101 123X", "５１１７０２１９９００１０１１２３Ｘ"]),
    (.text, ["Zhang San", "  zhang   san ", "ＺＨＡＮＧ　san"]),
  ])
  func equalValuesHaveOneFingerprint(normalisation: BlindIndex.Normalisation, forms: [String]) throws {
    let index = try ring().blindIndex("person.field", normalisation)
    #expect(Set(forms.map { index.fingerprint($0) }).count == 1)
    #expect(index.fingerprint(forms[0])?.count == BlindIndex.size)
    #expect(index.fingerprint(forms[0] + "7") != index.fingerprint(forms[0]))
    #expect(index.fingerprint(" 　") == nil)
  }

  @Test func fieldsDoNotShareFingerprints() throws {
    let ring = try ring()
    #expect(
      try ring.blindIndex("person.phone", .phone).fingerprint("13800138000")
        != ring.blindIndex("contact.phone", .phone).fingerprint("13800138000"))
  }
}
