import Core
import Crypto
import Glibc

/// A file that is put together on disk because its writer needs one, and read into memory.
enum SpooledFile {
  /// What `write` puts into a file of `folder`, which is gone afterwards.
  ///
  /// - Throws: ``Fault`` `folder-unwritable`, `file-unreadable`, and what `write` throws.
  static func content(in folder: String, _ write: (String) throws -> Void) throws -> [UInt8] {
    let spool = folder + "/spool"
    for folder in [folder, spool] where mkdir(folder, 0o700) != 0 && errno != EEXIST {
      throw Fault("folder-unwritable", "\(folder): errno \(errno)")
    }
    let path = spool + "/" + RandomSource.system.token(bytes: 16)
    defer { unlink(path) }
    try write(path)
    return try content(of: path)
  }

  private static func content(of path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Fault("file-unreadable", "open \(path): errno \(errno)") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    while true {
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw Fault("file-unreadable", "read \(path): errno \(errno)")
      }
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
    }
  }
}
