import Core
import Glibc

/// Writes a new file through a buffer; an unfinished file is removed with the sink.
final class FileSink {
  private let path: String
  private var descriptor: Int32
  private var buffer: [UInt8] = []

  /// - Throws: ``Fault`` `file-unwritable`.
  init(path: String) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Fault("file-unwritable", "open \(path): errno \(errno)") }
    buffer.reserveCapacity(72 * 1024)
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(path)
  }

  /// Lets `body` append bytes, then writes them out when enough have gathered.
  func append(_ body: (inout [UInt8]) -> Void) throws {
    body(&buffer)
    if buffer.count >= 64 * 1024 { try flush() }
  }

  /// Writes the rest and closes the file, which then stays.
  func finish() throws {
    try flush()
    let open = descriptor
    descriptor = -1
    guard close(open) == 0 else { throw Fault("file-unwritable", "close \(path): errno \(errno)") }
  }

  private func flush() throws {
    try buffer.withUnsafeBytes { bytes in
      var written = 0
      while written < bytes.count {
        let count = write(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
        if count < 0 {
          if errno == EINTR { continue }
          throw Fault("file-unwritable", "write \(path): errno \(errno)")
        }
        written += count
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }
}
