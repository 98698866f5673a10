/// A key that seals byte strings: SM4-CTR, then HMAC-SM3 over everything (encrypt-then-MAC).
///
/// A box is `0x01 ‖ key id (4, big endian) ‖ initial counter (16, random) ‖ cipher text ‖ tag (32)`. The tag is HMAC-SM3
/// over `"lifang-box-1" ‖ count of associated data (8, big endian) ‖ associated data ‖ box without its tag`. The
/// associated data says where the box belongs (`person.phone`), is not stored, and must be given again to open it, so a
/// box moved elsewhere does not open. Both working keys are derived from the one key by HMAC-SM3.
package final class BoxKey: Sendable, CustomStringConvertible, CustomReflectable {
  package let id: UInt32
  private let cipher: SM4
  private let mac: HMAC

  /// Bytes that a box is longer than its content.
  package static let overhead = headerSize + tagSize
  static let headerSize = 1 + 4 + SM4.blockSize
  static let tagSize = 32
  static let version: UInt8 = 1

  /// - Parameter key: 32 bytes.
  /// - Throws: ``CryptoFailure`` `malformed` for another length.
  package init(id: UInt32, key: SecretBytes) throws(CryptoFailure) {
    guard key.count == 32 else { throw CryptoFailure(.malformed, "box-key", "key of \(key.count) bytes") }
    self.id = id
    let root = HMAC(key: key)
    cipher = try SM4(key: SecretBytes(root.derivedKey("box/cipher").bytes.prefix(SM4.keySize)))
    mac = HMAC(key: root.derivedKey("box/tag"))
  }

  package func seal(
    _ plain: [UInt8], associated: [UInt8] = [], random: RandomSource = .system
  ) throws(CryptoFailure) -> [UInt8] {
    let counter = random.bytes(SM4.blockSize)
    var box: [UInt8] = []
    box.reserveCapacity(plain.count + BoxKey.overhead)
    box.append(BoxKey.version)
    box += id.bigEndianBytes
    box += counter
    box += try cipher.ctr(plain, iv: counter)
    box += tag(box[...], associated)
    return box
  }

  /// - Throws: ``CryptoFailure`` `malformed` when this is no box, `unknownKey` when another key sealed it,
  ///   `notAuthentic` when it was altered or belongs to other associated data.
  package func open(_ box: [UInt8], associated: [UInt8] = []) throws(CryptoFailure) -> [UInt8] {
    guard try BoxKey.keyID(of: box) == id else { throw CryptoFailure(.unknownKey, "box-open") }
    let body = box.dropLast(BoxKey.tagSize)
    guard constantTimeEqual(tag(body, associated), Array(box.suffix(BoxKey.tagSize))) else {
      throw CryptoFailure(.notAuthentic, "box-open")
    }
    return try cipher.ctr(Array(body.dropFirst(BoxKey.headerSize)), iv: Array(box[5..<BoxKey.headerSize]))
  }

  /// The id of the key that sealed `box`.
  package static func keyID(of box: [UInt8]) throws(CryptoFailure) -> UInt32 {
    guard box.count >= overhead, box[0] == version, let id = UInt32(bigEndianBytes: box[1..<5]) else {
      throw CryptoFailure(.malformed, "box-open", "\(box.count) bytes")
    }
    return id
  }

  private func tag(_ body: ArraySlice<UInt8>, _ associated: [UInt8]) -> [UInt8] {
    mac.authenticate { digest in
      digest.update("lifang-box-1")
      digest.update(UInt64(associated.count).bigEndianBytes)
      digest.update(associated)
      body.withUnsafeBytes { digest.update($0) }
    }
  }

  package var description: String { "BoxKey(\(id))" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
