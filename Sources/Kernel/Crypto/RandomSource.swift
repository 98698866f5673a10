import COpenSSL
import Synchronization

/// Where random bytes come from: libcrypto's generator in production, a seeded stream in tests and the demo city.
package struct RandomSource: Sendable {
  private let fill: @Sendable (Int) -> [UInt8]

  package init(_ fill: @escaping @Sendable (Int) -> [UInt8]) { self.fill = fill }

  /// `count` random bytes.
  package func bytes(_ count: Int) -> [UInt8] { fill(count) }

  /// An unguessable token of `count` random bytes (16 at least for anything that opens something), as Base64url text.
  package func token(bytes count: Int = 32) -> String { Base64URL.encode(fill(count)) }

  /// A number of `digits` decimal digits (at most 18), leading zeros included, without bias.
  package func digits(_ digits: Int) -> String {
    var text: [UInt8] = []
    while text.count < digits {
      text += fill(digits).filter { $0 < 250 }.map { UInt8(ascii: "0") + $0 % 10 }
    }
    return String(decoding: text.prefix(digits), as: UTF8.self)
  }

  /// `RAND_bytes`; the process ends when the system has no randomness to give, since nothing could be safe after that.
  package static let system = RandomSource { count in
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialised in
      let status = RAND_bytes(buffer.baseAddress, Int32(count))
      precondition(status == 1, "libcrypto has no random bytes")
      initialised = count
    }
  }

  /// The same bytes for the same seed: SM3 over the seed and a counter. Never for real keys.
  package static func seeded(_ seed: UInt64) -> RandomSource {
    let stream = SeededStream(seed: seed)
    return RandomSource { stream.next($0) }
  }
}

private final class SeededStream: Sendable {
  private let seed: UInt64
  private let state = Mutex<(counter: UInt64, left: [UInt8])>((0, []))

  init(seed: UInt64) { self.seed = seed }

  func next(_ count: Int) -> [UInt8] {
    state.withLock { state in
      while state.left.count < count {
        state.left += Digest.sm3(seed.bigEndianBytes + state.counter.bigEndianBytes)
        state.counter += 1
      }
      defer { state.left.removeFirst(count) }
      return Array(state.left.prefix(count))
    }
  }
}

extension FixedWidthInteger {
  /// The bytes of the value, most significant first.
  package var bigEndianBytes: [UInt8] { withUnsafeBytes(of: bigEndian) { Array($0) } }

  /// Reads as many bytes as the type has, most significant first; `nil` for another count.
  package init?(bigEndianBytes bytes: some Collection<UInt8>) {
    guard bytes.count == Self.bitWidth / 8 else { return nil }
    self = bytes.reduce(0) { $0 << 8 | Self($1) }
  }
}
