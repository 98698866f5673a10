import Core
import Glibc
import Synchronization

/// The temporary folder of one request's uploads, made when the first file comes and removed when the request ends.
final class SpoolFolder: Sendable {
  private struct State {
    var made = false
    var removed = false
    var files = 0
  }

  private let path: String
  private let state = Mutex(State())

  /// - Parameter path: where the folder will be; its parent must exist.
  init(path: String) { self.path = path }

  deinit { remove() }

  /// A folder of its own below the system's temporary folder, for requests made by hand.
  static func standalone() -> SpoolFolder {
    SpoolFolder(path: "/tmp/lifang-form-\(getpid())-\(UInt64.random(in: 0...UInt64.max))")
  }

  /// Creates the next file and opens it for writing.
  ///
  /// - Throws: ``Fault`` `spool` when the disk refuses.
  func createFile() throws(Fault) -> (path: String, descriptor: Int32) {
    let number = try state.withLock { state throws(Fault) -> Int in
      if state.removed { throw Fault("spool", "the request is over") }
      if !state.made {
        guard mkdir(path, 0o700) == 0 else { throw Fault("spool", "errno \(errno) making \(path)") }
        state.made = true
      }
      state.files += 1
      return state.files
    }
    let file = "\(path)/\(number)"
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Fault("spool", "errno \(errno) creating \(file)") }
    return (file, descriptor)
  }

  /// Deletes the folder with what the handler has not moved away.
  func remove() {
    let files = state.withLock { state -> Int? in
      defer { state.removed = true }
      return state.made && !state.removed ? state.files : nil
    }
    guard let files else { return }
    for number in 1...max(1, files) { unlink("\(path)/\(number)") }
    rmdir(path)
  }
}

/// The folder below which one server keeps its requests' uploads; locked as long as the server lives, so that others know
/// which were left behind.
final class SpoolRoot: Sendable {
  let path: String
  /// Holds the lock, which the kernel gives up with the process.
  private let lock: Int32

  /// Makes the folder of this server, below `parent`, which is made too where it is missing, and removes those that killed
  /// servers left behind.
  ///
  /// - Throws: ``Fault`` `spool` when it cannot be made.
  init(below parent: String) throws(Fault) {
    guard mkdir(parent, 0o700) == 0 || errno == EEXIST else { throw Fault("spool", "errno \(errno) making \(parent)") }
    SpoolRoot.removeAbandoned(below: parent)
    for _ in 0..<3 {
      let path = "\(parent)/\(SpoolRoot.prefix)\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
      guard mkdir(path, 0o700) == 0 else { throw Fault("spool", "errno \(errno) making \(path)") }
      // Another server that starts may take it for abandoned until it is locked.
      if let lock = SpoolRoot.seize(path), access(path, F_OK) == 0 {
        self.path = path
        self.lock = lock
        return
      }
    }
    throw Fault("spool", "another server removed the folder below \(parent)")
  }

  deinit { close(lock) }

  func folder(for requestID: String) -> SpoolFolder { SpoolFolder(path: "\(path)/\(requestID)") }

  func remove() { rmdir(path) }

  private static let prefix = "lifang-uploads-"

  /// - Returns: `nil` while a server that lives has it.
  private static func seize(_ path: String) -> Int32? {
    let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return nil }
    if flock(folder, LOCK_EX | LOCK_NB) == 0 { return folder }
    close(folder)
    return nil
  }

  /// Of a process that is gone, or had the number of this one, as the only process of a container has each time.
  private static func removeAbandoned(below parent: String) {
    for name in entries(of: parent) where name.hasPrefix(prefix) {
      guard let process = pid_t(name.dropFirst(prefix.count).prefix { $0 != "-" }),
        process == getpid() || kill(process, 0) != 0 && errno == ESRCH, let lock = seize("\(parent)/\(name)")
      else { continue }
      defer { close(lock) }
      let root = "\(parent)/\(name)"
      for folder in entries(of: root) {
        for file in entries(of: "\(root)/\(folder)") { unlink("\(root)/\(folder)/\(file)") }
        rmdir("\(root)/\(folder)")
      }
      rmdir(root)
    }
  }

  private static func entries(of folder: String) -> [String] { Directory.entries(of: folder) ?? [] }
}

/// Reads folders.
enum Directory {
  /// The names in a folder, sorted, without `.` and `..`; `nil` when it cannot be read.
  static func entries(of folder: String) -> [String]? {
    guard let stream = opendir(folder) else { return nil }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
