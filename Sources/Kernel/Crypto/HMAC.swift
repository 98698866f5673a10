/// A keyed hash (RFC 2104; with SM3 GB/T 15852.2) whose key is prepared once and used from any thread.
package final class HMAC: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
  // Unchecked: the two prepared digests are only ever copied from, which libcrypto allows from several threads.
  private let inner: Digest
  private let outer: Digest
  package let algorithm: DigestAlgorithm

  package init(key: SecretBytes, _ algorithm: DigestAlgorithm = .sm3) {
    self.algorithm = algorithm
    var block = key.count > algorithm.blockSize ? Digest.hash(key.bytes, algorithm) : key.bytes
    block += [UInt8](repeating: 0, count: algorithm.blockSize - block.count)
    inner = Digest(algorithm)
    inner.update(block.map { $0 ^ 0x36 })
    outer = Digest(algorithm)
    outer.update(block.map { $0 ^ 0x5c })
  }

  package func authenticate(_ bytes: [UInt8]) -> [UInt8] { authenticate { $0.update(bytes) } }

  package func authenticate(_ text: String) -> [UInt8] { authenticate { $0.update(text) } }

  /// The tag over everything that `feed` adds.
  package func authenticate(_ feed: (Digest) -> Void) -> [UInt8] {
    let first = inner.copy()
    feed(first)
    let second = outer.copy()
    second.update(first.finish())
    return second.finish()
  }

  /// Whether `tag` is the full tag of `bytes`, compared in constant time.
  package func isValid(_ tag: [UInt8], for bytes: [UInt8]) -> Bool { constantTimeEqual(tag, authenticate(bytes)) }

  /// A separate key for one use, so that tags of one use never pass for another's.
  package func derivedKey(_ label: String) -> SecretBytes { SecretBytes(authenticate("lifang-derive-1\u{0}" + label)) }

  package var description: String { "HMAC(\(algorithm))" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A short printable code that proves where a text comes from, for what is printed or typed (QR plates, receipts).
///
/// The code is the beginning of HMAC-SM3 in Crockford's Base32 (digits and capitals without I, L, O and U), five bits a
/// character: 8 characters are guessed with probability 2⁻⁴⁰ a try, so a verifier must limit tries.
package struct ShortMAC: Sendable {
  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
  private let mac: HMAC
  private let length: Int

  /// - Parameters:
  ///   - label: what the codes are for; codes of different labels are unrelated.
  ///   - length: characters, 4 to 32.
  package init(key: SecretBytes, label: String, length: Int = 8) {
    precondition((4...32).contains(length), "a short MAC has 4 to 32 characters")
    self.mac = HMAC(key: HMAC(key: key).derivedKey("short-mac/" + label))
    self.length = length
  }

  package func code(for text: String) -> String {
    let characters = mac.authenticate(text).prefix(length).map { ShortMAC.alphabet[Int($0 & 31)] }
    return String(decoding: characters, as: UTF8.self)
  }

  /// Takes lower case and the look-alikes `O`, `I` and `L`.
  package func isValid(_ code: String, for text: String) -> Bool {
    let read = code.uppercased().map { character -> Character in
      switch character {
      case "O": "0"
      case "I", "L": "1"
      default: character
      }
    }
    return constantTimeEqual(String(read), self.code(for: text))
  }
}
