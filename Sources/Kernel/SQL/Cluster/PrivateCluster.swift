import CLibPQ
package import Core
import Glibc

/// A PostgreSQL server of this installation's own: made, started, adopted and stopped by Lifang.
///
/// It listens on a Unix socket only, in a folder that only its user can enter, and lets nobody in but the operating
/// system's users that run Lifang (`peer` authentication, checked by the kernel), so there is no password to keep.
/// It never runs as root: when Lifang does, the server runs as the user `postgres`. It survives the death of Lifang;
/// the next start adopts it.
package actor PrivateCluster {
  package struct Configuration: Sendable {
    /// Everything of the cluster is in here: data, socket, log.
    package var folder: String
    package var database = "lifang"
    /// Extensions that the application's database is given; they take a superuser to install.
    package var extensions = ["postgis", "pg_trgm", "btree_gist"]
    package var maximumConnections = 64
    /// True gives up durability for speed, and stops and deletes the cluster when this process ends, in whatever way
    /// it does: for tests and measurements.
    package var isTemporary = false
    package var log: Log

    package init(folder: String, log: Log = Log()) {
      self.folder = folder
      self.log = log
    }
  }

  /// The superuser of the cluster, used to make roles, databases and extensions.
  static let administrator = "lifang_admin"
  /// The owner of the application's database, without any further right.
  package static let owner = "lifang"
  /// Longest path of a Unix socket on Linux, in bytes (`sockaddr_un.sun_path` less its end).
  static let longestSocketPath = 107

  private let executor = ThreadExecutor(name: "private-cluster")
  package nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  let configuration: Configuration
  let folder: String
  var data: String { folder + "/data" }
  /// Held shared for as long as this process uses the cluster.
  private var usage: FileLock?
  private var isWanted = false
  var watcher: Watcher?

  package init(_ configuration: Configuration) {
    self.configuration = configuration
    var path = configuration.folder
    if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
      path = String(cString: current) + "/" + path
      free(current)
    }
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    folder = path
  }

  package init(folder: String, log: Log = Log()) { self.init(Configuration(folder: folder, log: log)) }

  deinit { executor.stop() }

  /// Makes the cluster when there is none, starts it when it does not run, and waits until it answers.
  ///
  /// - Returns: how to reach the application's database.
  /// - Throws: ``Refusal`` with what the administrator can do (`cluster-…`), ``Fault`` for the rest.
  package func start() throws -> String {
    try FileSystem.makeFolders(folder)
    let user = try serverUser()
    try claimFolder(for: user)
    let guardLock = try FileLock(folder + "/start.lock")
    guardLock.take(exclusively: true)
    let programs = try Programs.find(for: dataVersion)
    if configuration.isTemporary, watcher == nil {
      watcher = try Watcher(folder, data: data, socketFolder: newSocketFolder(), programs, user)
    }
    if dataVersion == nil { try create(programs, user) }
    let socketFolder = try run(programs, user)
    try prepareDatabase(conninfo(database: "postgres", socketFolder, user))
    if usage == nil {
      let lock = try FileLock(folder + "/users.lock")
      lock.take(exclusively: false)
      usage = consume lock
    }
    isWanted = true
    return conninfo(role: Self.owner, database: configuration.database, socketFolder, user)
  }

  /// How the superuser reaches a database of the running cluster: backups, extensions, tests.
  package func administratorConninfo(database: String = "postgres") throws -> String {
    let user = try serverUser()
    return conninfo(database: database, try runningSocketFolder(), user)
  }

  /// Stops the server, unless another process uses it too. Sessions are ended, nothing that was committed is lost.
  package func stop() throws {
    isWanted = false
    guard FileSystem.exists(folder + "/start.lock") else { return }
    let guardLock = try FileLock(folder + "/start.lock")
    guardLock.take(exclusively: true)
    usage = nil
    let users = try FileLock(folder + "/users.lock")
    guard users.take(exclusively: true, wait: false) else {
      configuration.log(.info, "cluster-left-running", ["folder": .string(folder)])
      return
    }
    guard postmaster() != nil else { return }
    let user = try serverUser()
    let programs = try Programs.find(for: dataVersion)
    let command = user.command([programs.path("pg_ctl"), "-D", data, "-m", "fast", "-t", "60", "-w", "stop"])
    let outcome = try Subprocess.run(command)
    guard outcome.status == 0 || postmaster() == nil else { throw Fault("cluster-not-stopped", outcome.output) }
    configuration.log(.info, "cluster-stopped", ["folder": .string(folder)])
  }

  /// Whether the server's main process is there.
  package var isRunning: Bool { postmaster() != nil }

  /// The process id of the server's main process.
  package var processID: Int32? { postmaster()?.process }

  /// Starts the server again whenever its main process has died, until the task is cancelled or ``stop()`` called.
  package func supervise() async {
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(1))
      guard isWanted else { return }
      guard !Task.isCancelled, postmaster() == nil else { continue }
      configuration.log(.error, "cluster-died", ["folder": .string(folder)])
      do { _ = try start() } catch { configuration.log.fault(error, "cluster-not-restarted") }
    }
  }

  // MARK: Who and where

  /// The user that the server runs as: the owner of existing data, else this user, else `postgres` in root's place.
  func serverUser() throws -> SystemUser {
    let mine = geteuid()
    if let owner = FileSystem.owner(data), owner.user != 0 || mine != 0 {
      guard owner.user == mine || mine == 0, let user = SystemUser(user: owner.user) else {
        throw Refusal(
          .forbidden, "cluster-other-owner",
          "数据目录 \(data) 属于系统用户 \(SystemUser(user: owner.user)?.name ?? String(owner.user))。没有改动任何文件。请用该用户运行，或换一个数据目录。"
        )
      }
      return user
    }
    guard let user = mine == 0 ? SystemUser(name: "postgres") : SystemUser(user: mine) else {
      throw Refusal(
        .unavailable, "cluster-no-user", "系统里没有用户 postgres，数据库不能以 root 身份运行。请先安装 postgresql-15（bin/setup）。")
    }
    return user
  }

  private func claimFolder(for user: SystemUser) throws {
    if let owner = FileSystem.owner(folder), owner.user != user.user, !FileSystem.exists(data) {
      guard chown(folder, user.user, user.group) == 0 else { throw FileSystem.failure(folder) }
    }
    guard chmod(folder, 0o700) == 0 else { throw FileSystem.failure(folder) }
    let reachable = try Subprocess.run(user.command(["/usr/bin/test", "-w", folder])).status == 0
    guard reachable else {
      throw Refusal(
        .unavailable, "cluster-folder-unreachable",
        "系统用户 \(user.name) 进不了数据目录 \(folder)。没有改动任何数据。请把数据目录设在 /var/lib/lifang 这样的位置，或对它的各级上级目录执行 chmod o+x。")
    }
  }

  var dataVersion: String? {
    FileSystem.text(data + "/PG_VERSION").map { String($0.prefix { $0.isNumber }) }
  }

  /// The folder of the socket: inside ``folder``, or a short one under `/tmp` when the path would be too long.
  func newSocketFolder() -> String {
    let inside = folder + "/run"
    guard (inside + "/.s.PGSQL.5432.lock").utf8.count > Self.longestSocketPath else { return inside }
    // FNV-1a of the folder's path: the same folder always finds the same socket.
    let hash = FileSystem.canonical(folder).utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return "/tmp/lifang-" + String(hash, radix: 16)
  }

  private func conninfo(
    role: String = PrivateCluster.administrator, database: String, _ socketFolder: String, _ user: SystemUser
  ) -> String {
    func quoted(_ text: String) -> String {
      "'" + text.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
    }
    // `requirepeer` makes the client check who runs the server, as the server checks who connects.
    return "host=\(quoted(socketFolder)) port=5432 user=\(role) dbname=\(quoted(database)) requirepeer=\(user.name)"
  }
}

/// Where PostgreSQL's programs are.
struct Programs {
  let folder: String

  func path(_ name: String) -> String { folder + "/" + name }

  /// The programs of the version that made the data, else of version 15, else of the newest that is installed.
  ///
  /// - Throws: ``Refusal`` `cluster-no-programs`
  static func find(for version: String?) throws -> Programs {
    let root = "/usr/lib/postgresql"
    let installed = FileSystem.entries(root).compactMap { Int($0) }.filter { $0 >= 15 }.sorted(by: >)
    var candidates = [version ?? "15"].map { "\(root)/\($0)/bin" }
    if version == nil { candidates += installed.map { "\(root)/\($0)/bin" } }
    for folder in candidates where FileSystem.isProgram(folder + "/postgres") { return Programs(folder: folder) }
    if let config = ["/usr/bin/pg_config", "/usr/local/bin/pg_config"].first(where: FileSystem.isProgram) {
      let folder =
        try Subprocess.run([config, "--bindir"]).output.split(separator: "\n").first.map { String($0) } ?? ""
      if FileSystem.isProgram(folder + "/postgres") {
        let name = try Subprocess.run([folder + "/postgres", "--version"]).output
        if version.map({ name.contains(") \($0).") }) ?? true { return Programs(folder: folder) }
      }
    }
    throw Refusal(
      .unavailable, "cluster-no-programs",
      "没有找到 PostgreSQL \(version ?? "15") 的程序。没有改动任何数据。请先安装 postgresql-\(version ?? "15") 和 postgis（bin/setup）。")
  }
}
