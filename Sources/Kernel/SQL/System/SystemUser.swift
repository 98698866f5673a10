import Core
import Glibc

/// An operating-system user that the database server runs as.
struct SystemUser: Sendable, Hashable {
  let name: String
  let user: uid_t
  let group: gid_t

  init?(name: String) { self.init(getpwnam(name)) }

  init?(user: uid_t) { self.init(getpwuid(user)) }

  private init?(_ entry: UnsafeMutablePointer<passwd>?) {
    guard let entry = entry?.pointee else { return nil }
    name = String(cString: entry.pw_name)
    user = entry.pw_uid
    group = entry.pw_gid
  }

  /// The command line that runs `arguments` as this user.
  func command(_ arguments: [String]) -> [String] {
    guard user != geteuid() else { return arguments }
    if let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].first(where: FileSystem.isProgram) {
      return [setpriv, "--reuid=\(user)", "--regid=\(group)", "--init-groups", "--"] + arguments
    }
    return ["/usr/sbin/runuser", "-u", name, "--"] + arguments
  }
}
