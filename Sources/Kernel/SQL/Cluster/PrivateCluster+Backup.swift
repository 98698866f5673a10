import Core
import Glibc

/// The application's database as one file, and back (备份、恢复).
extension PrivateCluster {
  /// Whether the folder has a cluster already.
  package var hasData: Bool { dataVersion != nil }

  /// Writes the database to a new file in PostgreSQL's custom format, as of one moment, while the server works on.
  ///
  /// It is taken by the superuser: row-level security would hide people from anybody else.
  /// - Throws: ``Fault`` `dump-failed` with what `pg_dump` says.
  package func dump(to file: String) throws {
    let user = try serverUser()
    let programs = try Programs.find(for: dataVersion)
    // The server's user can write into the folder of the cluster, and perhaps nowhere else.
    let written = "\(folder)/dump-\(getpid())"
    defer { unlink(written) }
    let outcome = try Subprocess.run(
      user.command([
        programs.path("pg_dump"), "--format=custom", "--file=\(written)",
        "--dbname=\(try administratorConninfo(database: configuration.database))",
      ]))
    guard outcome.status == 0 else { throw Fault("dump-failed", outcome.output) }
    let moved = try Subprocess.run(["/bin/mv", "--", written, file])
    guard moved.status == 0 else { throw Fault("dump-failed", moved.output) }
    guard chown(file, geteuid(), getegid()) == 0, chmod(file, 0o600) == 0 else { throw FileSystem.failure(file) }
  }

  /// Reads a file of ``dump(to:)`` into the database of this cluster, which must be as ``start()`` makes it.
  ///
  /// - Throws: ``Fault`` `restore-failed` with what `pg_restore` says; the database is of no use then.
  package func restore(from file: String) throws {
    let user = try serverUser()
    let programs = try Programs.find(for: dataVersion)
    let readable = "\(folder)/restore-\(getpid())"
    defer { unlink(readable) }
    let copied = try Subprocess.run(["/bin/cp", "--reflink=auto", "--", file, readable])
    guard copied.status == 0 else { throw Fault("restore-failed", copied.output) }
    guard chown(readable, user.user, user.group) == 0, chmod(readable, 0o600) == 0 else {
      throw FileSystem.failure(readable)
    }
    let outcome = try Subprocess.run(
      user.command([
        programs.path("pg_restore"), "--exit-on-error",
        "--dbname=\(try administratorConninfo(database: configuration.database))", readable,
      ]))
    guard outcome.status == 0 else { throw Fault("restore-failed", outcome.output) }
  }
}
