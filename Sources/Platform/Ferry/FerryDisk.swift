import Core
import Glibc

/// Plain reads and writes of small files.
enum FerryDisk {
  static func fault(_ what: String, _ path: String) -> Fault {
    Fault("ferry-\(what)", "\(path): \(String(cString: strerror(errno)))")
  }

  /// The content of a regular file; a link is not followed.
  ///
  /// - Throws: ``FerryFailure`` `not-a-file`, `too-large`; `Fault`.
  static func read(_ path: String, limit: Int) throws -> [UInt8] {
    let file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ELOOP || errno == ENXIO { throw FerryFailure(.notAFile) }
      throw fault("read", path)
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw fault("read", path) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw FerryFailure(.notAFile) }
    guard status.st_size <= limit else { throw FerryFailure(.tooLarge, "\(status.st_size)") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Int(status.st_size))
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(file, &chunk, chunk.count)
      if count < 0 { throw fault("read", path) }
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
      if bytes.count > limit { throw FerryFailure(.tooLarge, "\(bytes.count)") }
    }
  }

  /// Writes beside the target, flushes, then renames: a reader sees all of it or nothing.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(Fault) {
    let temporary = "\(path).part"
    unlink(temporary)
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard file >= 0 else { throw fault("write", path) }
    var rest = bytes[...]
    var isComplete = true
    while !rest.isEmpty && isComplete {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count <= 0 { isComplete = false } else { rest = rest.dropFirst(count) }
    }
    isComplete = isComplete && fsync(file) == 0
    close(file)
    guard isComplete, rename(temporary, path) == 0 else {
      let problem = fault("write", path)
      unlink(temporary)
      throw problem
    }
  }
}

/// One of the two folders that the device between the networks reads and fills (摆渡目录), on a thread where waiting for
/// the disk stops nobody else.
actor FerryFolder {
  /// A file that lies there.
  struct Entry: Sendable {
    let name: String
    /// Seconds since it was last written to.
    let age: Int64
  }

  private let executor = ThreadExecutor(name: "ferry")

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  deinit { executor.stop() }

  /// The XML files in the order of their names, at most `limit`.
  ///
  /// - Throws: ``Refusal`` `ferry-folder` when it cannot be opened.
  func list(_ path: String, limit: Int) throws(Refusal) -> [Entry] {
    guard let directory = opendir(path) else {
      throw Refusal(.unavailable, "ferry-folder", "摆渡目录 \(path) 打不开（\(String(cString: strerror(errno)))）。请检查参数和目录权限。")
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasSuffix(".xml"), !name.hasPrefix(".") { names.append(name) }
    }
    let now = time(nil)
    return names.sorted().prefix(limit).map { name in
      var status = stat()
      let age = lstat(path + "/" + name, &status) == 0 ? Int64(now - status.st_mtim.tv_sec) : 0
      return Entry(name: name, age: age)
    }
  }

  func read(_ path: String, limit: Int) throws -> [UInt8] { try FerryDisk.read(path, limit: limit) }

  func write(_ bytes: [UInt8], to path: String) throws { try FerryDisk.write(bytes, to: path, mode: 0o640) }

  func remove(_ path: String) { unlink(path) }

  /// Whether a folder can be written to.
  func isWritable(_ path: String) -> Bool { access(path, W_OK | X_OK) == 0 }
}
