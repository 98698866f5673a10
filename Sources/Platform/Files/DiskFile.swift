import Core
import Crypto
import Glibc

/// One open file, on a thread where waiting for the disk stops nobody else.
actor DiskFile {
  private let executor: ThreadExecutor
  nonisolated let path: String
  private var descriptor: Int32 = -1
  private(set) var size: Int64 = 0
  private let digest = Digest(.sm3)

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(path: String, on executor: ThreadExecutor) {
    self.path = path
    self.executor = executor
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  // MARK: Writing

  /// Makes the file, which must not exist.
  func create() throws {
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor < 0 { throw Disk.fault("create", path) }
  }

  func append(_ bytes: [UInt8]) throws {
    try Disk.write(bytes, to: descriptor, path)
    digest.update(bytes)
    size += Int64(bytes.count)
  }

  /// Appends the whole of another file, at most `limit` bytes; false when there is more.
  func append(contentsOf source: String, limit: Int64) throws -> Bool {
    let input = open(source, O_RDONLY | O_CLOEXEC)
    guard input >= 0 else { throw Disk.fault("open", source) }
    defer { close(input) }
    while true {
      let chunk = try Disk.read(input, Disk.chunkSize, source)
      if chunk.isEmpty { return true }
      if size + Int64(chunk.count) > limit { return false }
      try append(chunk)
    }
  }

  /// Waits until the content is on the disk; returns its SM3.
  func finish() throws -> [UInt8] {
    if fsync(descriptor) != 0 { throw Disk.fault("fsync", path) }
    return digest.finish()
  }

  /// Writes the sealed form of this file as `target`.
  func seal(as target: String, with keys: KeyRing) throws {
    let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw Disk.fault("create", target) }
    defer { close(output) }
    lseek(descriptor, 0, SEEK_SET)
    let sealer = SealedFrames(size: size, keys: keys)
    try Disk.write(sealer.header, to: output, target)
    for index in 0..<sealer.frameCount {
      let plain = try Disk.read(descriptor, SealedFrames.plainSize, path)
      try Disk.write(try sealer.seal(plain, index: index), to: output, target)
    }
    if fsync(output) != 0 { throw Disk.fault("fsync", target) }
  }

  // MARK: Reading

  func openForReading() throws {
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw Disk.fault("open", path) }
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw Disk.fault("stat", path) }
    size = Int64(status.st_size)
  }

  /// At most `count` bytes from `offset`; empty at the end.
  func read(at offset: Int64, _ count: Int) throws -> [UInt8] {
    lseek(descriptor, off_t(offset), SEEK_SET)
    return try Disk.read(descriptor, count, path)
  }
}

/// Calls of the operating system that several parts share.
enum Disk {
  static let chunkSize = 256 * 1024

  static func fault(_ operation: String, _ path: String) -> Fault {
    Fault("file-\(operation)", "\(path): \(String(cString: strerror(errno)))")
  }

  static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let count = Glibc.write(descriptor, buffer.baseAddress.map { $0 + written }, buffer.count - written)
        if count < 0 {
          if errno == EINTR { continue }
          throw fault("write", path)
        }
        written += count
      }
    }
  }

  /// Reads until `count` bytes have come or the file ends.
  static func read(_ descriptor: Int32, _ count: Int, _ path: String) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled)
        if got == 0 { return }
        if got < 0 {
          if errno == EINTR { continue }
          throw fault("read", path)
        }
        filled += got
      }
    }
  }

  static func makeFolder(_ path: String) throws {
    var partial = ""
    for part in path.split(separator: "/", omittingEmptySubsequences: true) {
      partial += (partial.isEmpty && !path.hasPrefix("/") ? "" : "/") + part
      if mkdir(partial, 0o700) != 0, errno != EEXIST { throw fault("mkdir", partial) }
    }
  }

  /// Moves a finished file to its place and makes the move last through a power cut.
  static func place(_ temporary: String, at final: String) throws {
    let folder = final.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    try makeFolder(folder)
    if rename(temporary, final) != 0 { throw fault("rename", final) }
    let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw fault("open", folder) }
    defer { close(directory) }
    if fsync(directory) != 0 { throw fault("fsync", folder) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func remove(_ path: String) { unlink(path) }

  /// Names in a folder, with the time of their last change; a folder that is missing has none.
  static func list(_ folder: String) -> [(name: String, isFolder: Bool, changed: Instant)] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var entries: [(name: String, isFolder: Bool, changed: Instant)] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name == "." || name == ".." { continue }
      var status = stat()
      guard lstat(folder + "/" + name, &status) == 0 else { continue }
      let changed = Instant(seconds: Int64(status.st_mtim.tv_sec))
      entries.append((name, status.st_mode & S_IFMT == S_IFDIR, changed))
    }
    return entries.sorted { $0.name < $1.name }
  }
}
