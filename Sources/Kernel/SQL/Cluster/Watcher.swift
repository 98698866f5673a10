import Core
import Glibc

/// A small process that outlives this one by a moment, to stop and delete a temporary cluster.
///
/// It waits for the end of a pipe that only this process holds, which the kernel closes however the process ends.
final class Watcher: Sendable {
  private let pipe: Int32

  init(_ folder: String, data: String, socketFolder: String, _ programs: Programs, _ user: SystemUser) throws {
    let ends = try FileSystem.pipe()
    pipe = ends.write
    defer { Glibc.close(ends.read) }
    let stop = user.command([programs.path("pg_ctl"), "-D", data, "-m", "immediate", "-t", "10", "-w", "stop"])
    _ = try Subprocess.spawn(
      [
        "/bin/sh", "-c", #"cat > /dev/null; socket=$1; shift; "$@"; rm -rf -- "$0" "$socket""#, folder, socketFolder,
      ] + stop, input: ends.read, output: nil)
  }

  deinit { close(pipe) }
}
