import Core
import Crypto
import Foundation
import Testing

/// Cross-checks with `gmssl` of PyPI, an independent implementation in Python; and with the `openssl` command.
@Suite struct PeerTests {
  /// The interpreter of `LIFANG_PYTHON`, else the system's, when it has the package.
  private static let python: String? = {
    let path = ProcessInfo.processInfo.environment["LIFANG_PYTHON"] ?? "/usr/bin/python3"
    return (try? run(path, ["-c", "import gmssl"])) == nil ? nil : path
  }()

  @Test func gmsslAgreesOnDigestCipherSignatureAndEncryption() throws {
    guard let python = PeerTests.python else {
      try Test.cancel("python3 has no gmssl: the cross-check did not run")
    }
    let random = RandomSource.seeded(30)
    let key = try SM2PrivateKey.generate(random)
    let scalar = try PeerTests.scalar(of: key)
    let message = random.bytes(77)
    let sm4Key = random.bytes(16)
    let iv = random.bytes(16)
    let script = """
      import sys
      from gmssl import sm2, sm3, sm4, func
      private, public, message, signature, cipher, key, iv = [bytes.fromhex(a) for a in sys.argv[1:]]
      print(sm3.sm3_hash(list(message)))
      c = sm4.CryptSM4(); c.set_key(key, sm4.SM4_ENCRYPT)
      print(c.crypt_cbc(iv, message).hex())
      s = sm2.CryptSM2(private_key=private.hex(), public_key=public.hex(), mode=1)
      print(s.verify_with_sm3(signature.hex(), message))
      print(s.decrypt(cipher).hex())
      print(s.sign_with_sm3(message))
      print(s.encrypt(message).hex())
      """
    let output = try run(
      python,
      [
        "-c", script, Hex.encode(scalar), Hex.encode(key.publicKey.point.dropFirst()), Hex.encode(message),
        Hex.encode(try key.sign(message).raw), Hex.encode(try key.publicKey.encrypt(message).c1c3c2.dropFirst()),
        Hex.encode(sm4Key), Hex.encode(iv),
      ])
    let lines = output.split(separator: "\n").map(String.init)
    try #require(lines.count == 6)
    #expect(lines[0] == Hex.encode(Digest.sm3(message)))
    #expect(lines[1] == Hex.encode(try SM4(key: SecretBytes(sm4Key)).encryptCBC(message, iv: iv)))
    #expect(lines[2] == "True")
    #expect(lines[3] == Hex.encode(message))
    #expect(try key.publicKey.isValid(try SM2Signature(raw: Hex.decode(lines[4]) ?? []), of: message))
    #expect(try key.decrypt(try SM2CipherText(c1c3c2: [4] + (Hex.decode(lines[5]) ?? []))) == message)
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "the openssl command is absent"))
  func theOpenSSLCommandAgreesOnHMAC() throws {
    let key = RandomSource.seeded(31).bytes(32)
    let file = "/tmp/lifang-hmac-\(RandomSource.system.token(bytes: 8))"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try Data("里坊".utf8).write(to: URL(fileURLWithPath: file))
    let output = try run(
      "/usr/bin/openssl", ["dgst", "-sm3", "-mac", "HMAC", "-macopt", "hexkey:\(Hex.encode(key))", "-r", file])
    #expect(
      output.split(separator: " ").first.map(String.init) == Hex.encode(HMAC(key: SecretBytes(key)).authenticate("里坊")))
  }

  /// The private scalar stands in PKCS #8 as a 32-byte octet string after version 1 (RFC 5915).
  private static func scalar(of key: SM2PrivateKey) throws -> [UInt8] {
    let text = String(decoding: try key.pem().bytes, as: UTF8.self)
    let body = text.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
    let der = try [UInt8](#require(Data(base64Encoded: body)))
    let marker: [UInt8] = [0x02, 0x01, 0x01, 0x04, 0x20]
    let start = try #require((0..<der.count - 37).first { Array(der[$0..<$0 + 5]) == marker })
    return Array(der[start + 5..<start + 37])
  }
}

private struct CommandFailed: Error {}

private func run(_ program: String, _ arguments: [String]) throws -> String {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: program)
  process.arguments = arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw CommandFailed() }
  return String(decoding: data, as: UTF8.self)
}
