package import Core
import Glibc

/// Where an installation keeps its keys: `master.key` (64 hex digits, mode 0600) and the wrapped ring, `ring.json`.
///
/// Back the two up apart from each other; the ring without the master key opens nothing. Several nodes share both files.
package struct KeyFolder: Sendable {
  package let path: String

  private var masterPath: String { path + "/master.key" }
  private var ringPath: String { path + "/ring.json" }

  package init(path: String) { self.path = path }

  /// The ring, made at the first start together with its master key, with a key for each of `purposes` that has none.
  ///
  /// - Throws: ``CryptoFailure`` `keyFile` when a file cannot be read or others may read the master key.
  package func open(
    purposes: [KeyPurpose] = [.data, .index, .pepper, .audit, .plate, .document], clock: WallClock = .system,
    random: RandomSource = .system
  ) throws(CryptoFailure) -> KeyRing {
    mkdir(path, 0o700)
    if access(masterPath, F_OK) != 0 {
      guard access(ringPath, F_OK) != 0 else { throw failure("master.key is missing beside an existing ring.json") }
      try KeyFolder.write(Hex.encode(random.bytes(32)) + "\n", to: masterPath, replacing: false)
    }
    let master = try master()
    let ring: KeyRing
    if access(ringPath, F_OK) == 0 {
      guard let encoded = try? JSON(parsing: try KeyFolder.read(ringPath)) else {
        throw failure("ring.json is no JSON")
      }
      ring = try KeyRing(encoded: encoded, master: master, random: random)
    } else {
      ring = KeyRing(random: random)
    }
    var changed = false
    for purpose in purposes where ring.currentID(purpose) == nil {
      try ring.rotate(purpose, at: clock.now())
      changed = true
    }
    if changed { try save(ring) }
    return ring
  }

  /// Writes the ring after a rotation: a new file, flushed, then renamed over the old one.
  package func save(_ ring: KeyRing) throws(CryptoFailure) {
    try KeyFolder.write(try ring.encoded(under: try master()).text + "\n", to: ringPath, replacing: true)
  }

  private func master() throws(CryptoFailure) -> SecretBytes {
    var status = stat()
    guard stat(masterPath, &status) == 0 else { throw failure("master.key cannot be read") }
    guard status.st_mode & 0o077 == 0 else { throw failure("master.key may be read by others; chmod 600 it") }
    guard status.st_uid == geteuid() || geteuid() == 0 else { throw failure("master.key belongs to another user") }
    let text = String(decoding: try KeyFolder.read(masterPath), as: UTF8.self).filter { !$0.isWhitespace }
    guard let bytes = Hex.decode(text), bytes.count == 32 else { throw failure("master.key needs 64 hex digits") }
    return SecretBytes(bytes)
  }

  private func failure(_ detail: String) -> CryptoFailure { CryptoFailure(.keyFile, "key-folder", detail) }

  private static func read(_ path: String) throws(CryptoFailure) -> [UInt8] {
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw CryptoFailure(.keyFile, "key-folder", "\(path): \(String(cString: strerror(errno)))") }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count <= 0 { break }
      bytes += chunk.prefix(count)
    }
    return bytes
  }

  /// Without `replacing`, a file that another process made meanwhile is left as it is.
  private static func write(_ text: String, to path: String, replacing: Bool) throws(CryptoFailure) {
    let temporary = "\(path).\(getpid()).new"
    unlink(temporary)
    let file = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw CryptoFailure(.keyFile, "key-folder", "\(path): \(String(cString: strerror(errno)))") }
    let bytes = Array(text.utf8)
    let complete = Glibc.write(file, bytes, bytes.count) == bytes.count && fsync(file) == 0
    close(file)
    defer { unlink(temporary) }
    let placed =
      replacing ? rename(temporary, path) == 0 : link(temporary, path) == 0 || errno == EEXIST
    guard complete, placed else { throw CryptoFailure(.keyFile, "key-folder", "\(path) cannot be written") }
  }
}
