import Core
import Glibc

/// Where the bytes of a document come from: a file on disk, or memory.
package enum ByteSource: Sendable {
  case file(String)
  case bytes([UInt8])
}

/// Reads a source from front to back; the descriptor closes with the reader.
final class ByteReader {
  private let descriptor: Int32
  private let memory: [UInt8]
  private(set) var position = 0
  /// The size of the whole source in bytes.
  let size: Int

  /// - Throws: ``Refusal`` `file-missing`; ``Fault`` `file-unreadable`.
  init(_ source: ByteSource) throws {
    switch source {
    case .bytes(let bytes):
      descriptor = -1
      memory = bytes
      size = bytes.count
    case .file(let path):
      memory = []
      descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        if errno == ENOENT { throw Refusal(.notFound, "file-missing", "找不到这个文件，它可能已被清理。请重新上传。") }
        throw Fault("file-unreadable", "open \(path): errno \(errno)")
      }
      var status = stat()
      guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
        close(descriptor)
        throw Fault("file-unreadable", "\(path) is not a regular file")
      }
      size = Int(status.st_size)
      posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Fills as much of `target` as there is; 0 means the end.
  func read(into target: UnsafeMutableRawBufferPointer) throws -> Int {
    guard descriptor >= 0 else {
      let count = min(target.count, memory.count - position)
      guard count > 0 else { return 0 }
      memory.withUnsafeBytes { target.copyMemory(from: .init(rebasing: $0[position..<position + count])) }
      position += count
      return count
    }
    var filled = 0
    while filled < target.count {
      let count = Glibc.read(descriptor, target.baseAddress.map { $0 + filled }, target.count - filled)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR { continue }
        throw Fault("file-unreadable", "read: errno \(errno)")
      }
      filled += count
    }
    position += filled
    return filled
  }

  /// Goes back to `offset` bytes from the front.
  func rewind(to offset: Int = 0) {
    position = offset
    if descriptor >= 0 { lseek(descriptor, off_t(offset), SEEK_SET) }
  }

  /// The next bytes, at most `count`, without moving on.
  func peek(_ count: Int) throws -> [UInt8] {
    let before = position
    defer { rewind(to: before) }
    var bytes = [UInt8](repeating: 0, count: count)
    let filled = try bytes.withUnsafeMutableBytes { try read(into: $0) }
    return Array(bytes.prefix(filled))
  }
}
