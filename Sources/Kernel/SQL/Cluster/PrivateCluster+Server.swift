import Core
import Glibc

extension PrivateCluster {
  /// The server's main process as its lock file tells.
  struct Postmaster {
    let process: pid_t
    let socketFolder: String
    let status: String
  }

  /// The running server of these data; `nil` when there is none, also when a stale lock file names another process.
  func postmaster() -> Postmaster? {
    guard let lines = lockFile(), let first = lines.first, let process = pid_t(first), process > 0,
      isServer(process)
    else { return nil }
    return Postmaster(
      process: process, socketFolder: lines.count > 4 ? lines[4] : "",
      status: lines.count > 7 ? lines[7].filter { $0 != " " } : "starting")
  }

  func runningSocketFolder() throws -> String {
    guard let server = postmaster() else { throw Fault("cluster-not-running", folder) }
    return server.socketFolder
  }

  private func lockFile() -> [String]? {
    FileSystem.text(data + "/postmaster.pid")?.split(separator: "\n", omittingEmptySubsequences: false)
      .map { String($0) }
  }

  /// All of PostgreSQL's processes work in their data folder, which tells them from a stranger with a recycled id.
  private func isServer(_ process: pid_t) -> Bool {
    FileSystem.linkTarget("/proc/\(process)/cwd") == FileSystem.canonical(data)
  }

  private var serverProcesses: [pid_t] {
    FileSystem.entries("/proc").compactMap { pid_t($0) }.filter(isServer)
  }

  // MARK: Making

  /// Makes the data folder under another name first, so that a half-made one is never taken for a cluster.
  func create(_ programs: Programs, _ user: SystemUser) throws {
    let new = data + ".new"
    _ = try Subprocess.run(["/bin/rm", "-rf", "--", new])
    var arguments = [
      programs.path("initdb"), "--pgdata=\(new)", "--username=\(Self.administrator)", "--encoding=UTF8",
      "--locale=C.UTF-8", "--auth=peer", "--data-checksums",
    ]
    if configuration.isTemporary { arguments.append("--no-sync") }
    let outcome = try Subprocess.run(user.command(arguments))
    guard outcome.status == 0 else { throw Fault("cluster-not-made", outcome.output) }
    guard rename(new, data) == 0 else { throw FileSystem.failure(data) }
    configuration.log(.info, "cluster-made", ["folder": .string(folder)])
  }

  // MARK: Running

  /// Adopts the running server or starts it; returns its socket folder.
  func run(_ programs: Programs, _ user: SystemUser) throws -> String {
    for _ in 0..<600 {
      guard let server = postmaster() else { break }
      if server.status == "ready" { return server.socketFolder }
      usleep(100_000)
    }
    if postmaster() != nil { throw Fault("cluster-busy", "the server neither becomes ready nor ends: \(folder)") }
    try clearRemains()
    let socketFolder = newSocketFolder()
    try FileSystem.makePrivateFolder(socketFolder, user: user.user, group: user.group)
    try writeSettings(user, socketFolder)
    let outcome = try Subprocess.run(
      user.command([
        programs.path("pg_ctl"), "-D", data, "-l", folder + "/start.log", "-t", "60", "-w", "start",
      ]))
    guard outcome.status == 0, let server = postmaster() else {
      let log = FileSystem.text(folder + "/start.log")?.suffix(2000) ?? ""
      throw Fault("cluster-not-started", outcome.output + log)
    }
    configuration.log(.info, "cluster-started", ["folder": .string(folder), "process": .int(Int64(server.process))])
    return server.socketFolder
  }

  /// After a crash: waits for the server's last children, then removes a lock file whose process id has gone to
  /// somebody else, which PostgreSQL would take for a running server.
  private func clearRemains() throws {
    for step in 0..<150 {
      let orphans = serverProcesses
      if orphans.isEmpty { break }
      // Children notice that their parent is gone when they next wait; a long computation may need to be told.
      if step == 50 { for process in orphans { kill(process, SIGQUIT) } }
      usleep(100_000)
    }
    guard serverProcesses.isEmpty else { throw Fault("cluster-orphans", "server processes remain: \(folder)") }
    guard let lines = lockFile() else { return }
    if let first = lines.first, let process = pid_t(first), process > 0, kill(process, 0) == 0 || errno == EPERM {
      configuration.log(.warning, "cluster-stale-lock", ["folder": .string(folder), "process": .int(Int64(process))])
      unlink(data + "/postmaster.pid")
      if lines.count > 4 {
        unlink(lines[4] + "/.s.PGSQL.5432.lock")
        unlink(lines[4] + "/.s.PGSQL.5432")
      }
    }
  }
}
