import Core
import Glibc

/// Runs a program to its end and keeps what it printed.
enum Subprocess {
  struct Outcome {
    /// The exit status; 128 and the signal's number when a signal ended the program.
    let status: Int32
    let output: String
  }

  /// Runs `arguments[0]` in a session of its own, in `/`, with no open files but the standard ones.
  ///
  /// The output goes to a file and not through a pipe: a daemon that the program leaves behind would keep a pipe open.
  ///
  /// - Throws: ``Fault`` `program-not-started`.
  static func run(_ arguments: [String], environment: [String] = defaultEnvironment) throws(Fault) -> Outcome {
    let output = try FileSystem.nameless()
    defer { close(output) }
    let process = try spawn(arguments, environment: environment, input: nil, output: output)
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    return Outcome(status: signal == 0 ? (status >> 8) & 0xFF : 128 + signal, output: content(of: output))
  }

  /// Starts a program without waiting for it.
  static func spawn(
    _ arguments: [String], environment: [String] = defaultEnvironment, input: Int32?, output: Int32?
  ) throws(Fault) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    if let output {
      posix_spawn_file_actions_adddup2(&actions, output, 1)
    } else {
      posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    for file in FileSystem.entries("/proc/self/fd").compactMap({ Int32($0) }) where file > 2 {
      // One that is closed meanwhile is no error (glibc ignores EBADF here).
      posix_spawn_file_actions_addclose(&actions, file)
    }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    // A session of its own keeps the terminal's Ctrl-C, meant for this process, away from the database.
    let setsid: Int32 = 0x80  // POSIX_SPAWN_SETSID of <spawn.h>, a GNU extension that Swift does not see
    let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | setsid
    posix_spawnattr_setflags(&attributes, Int16(flags))

    let inRoot = ["/bin/sh", "-c", #"cd / && exec "$@""#, "sh"] + arguments
    let argv = inRoot.map { strdup($0) } + [nil]
    let envp = environment.map { strdup($0) } + [nil]
    defer {
      for text in argv + envp { free(text) }
    }
    var process = pid_t()
    let error = posix_spawn(&process, inRoot[0], &actions, &attributes, argv, envp)
    guard error == 0 else { throw Fault("program-not-started", "\(arguments[0]): \(String(cString: strerror(error)))") }
    return process
  }

  /// Only what PostgreSQL's programs need: a `PGDATA` or `PGHOST` of the caller must not reach them.
  static let defaultEnvironment = ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8"]

  private static func content(of file: Int32) -> String {
    lseek(file, 0, SEEK_SET)
    return String(decoding: FileSystem.readAll(file), as: UTF8.self)
  }
}
