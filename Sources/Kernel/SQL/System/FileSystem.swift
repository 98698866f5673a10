import Core
import Glibc

/// The few file operations that the cluster manager needs, with failures that name the path.
enum FileSystem {
  struct Owner {
    let user: uid_t
    let group: gid_t
    let mode: mode_t
    let isFolder: Bool
  }

  static func readAll(_ file: Int32) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = read(file, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return bytes }
      bytes.append(contentsOf: chunk[..<count])
    }
  }

  /// The text of a small file, or `nil` when it cannot be read.
  static func text(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return String(decoding: readAll(file), as: UTF8.self)
  }

  /// Replaces a file as a whole: readers see the old text or the new one.
  static func write(_ text: String, to path: String, user: uid_t, group: gid_t, mode: mode_t = 0o600) throws(Fault) {
    let new = path + ".new"
    let file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard file >= 0 else { throw failure(new) }
    defer { close(file) }
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure(new) }
      bytes = bytes.dropFirst(count)
    }
    guard fchown(file, user, group) == 0, fsync(file) == 0, rename(new, path) == 0 else { throw failure(path) }
  }

  /// Owner and mode of what stands at `path` itself; a symbolic link is not followed.
  static func owner(_ path: String) -> Owner? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return Owner(
      user: status.st_uid, group: status.st_gid, mode: status.st_mode & 0o7777,
      isFolder: status.st_mode & S_IFMT == S_IFDIR)
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isProgram(_ path: String) -> Bool { access(path, X_OK) == 0 }

  /// Makes `path` and the folders above it.
  static func makeFolders(_ path: String) throws(Fault) {
    guard !exists(path) else { return }
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex { try makeFolders(String(path[..<slash])) }
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw failure(path) }
  }

  /// Makes `path` a folder that only one user can enter. Something else standing there is refused, not changed.
  static func makePrivateFolder(_ path: String, user: uid_t, group: gid_t) throws(Fault) {
    if mkdir(path, 0o700) == 0 {
      guard lchown(path, user, group) == 0 else { throw failure(path) }
      return
    }
    guard errno == EEXIST else { throw failure(path) }
    guard let owner = owner(path), owner.isFolder, owner.user == user, owner.mode & 0o077 == 0 else {
      throw Fault("cluster-folder-not-private", path)
    }
  }

  /// The path without symbolic links and dots; the path itself when it does not exist.
  static func canonical(_ path: String) -> String {
    guard let resolved = realpath(path, nil) else { return path }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// A pipe that no other program inherits.
  static func pipe() throws(Fault) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw failure("pipe") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// An empty file without a name, gone when it is closed.
  static func nameless() throws(Fault) -> Int32 {
    var template = Array("/tmp/lifang-XXXXXX".utf8CString)
    let file = mkstemp(&template)
    guard file >= 0 else { throw failure("/tmp") }
    unlink(template)
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    return file
  }

  static func linkTarget(_ path: String) -> String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count)
    return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static func entries(_ path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  static func failure(_ path: String) -> Fault {
    Fault("file-operation-failed", "\(path): \(String(cString: strerror(errno)))")
  }
}

/// A lock that several processes share, given up by the kernel when its holder dies.
struct FileLock: ~Copyable {
  private let file: Int32

  init(_ path: String) throws(Fault) {
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw FileSystem.failure(path) }
  }

  deinit { close(file) }

  /// Takes the lock; with `wait` false returns whether it could be had at once.
  @discardableResult
  func take(exclusively: Bool, wait: Bool = true) -> Bool {
    let operation = (exclusively ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB)
    while flock(file, operation) != 0 {
      guard errno == EINTR else { return false }
    }
    return true
  }

  func release() { flock(file, LOCK_UN) }
}
