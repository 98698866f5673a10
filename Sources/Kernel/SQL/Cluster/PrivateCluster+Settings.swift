import Core
import Glibc

extension PrivateCluster {
  /// Writes the server's settings and who may connect; an administrator's own go into `local.conf` beside them.
  func writeSettings(_ user: SystemUser, _ socketFolder: String) throws {
    try FileSystem.write(
      settings(socketFolder), to: data + "/postgresql.conf", user: user.user, group: user.group)
    try FileSystem.write(
      """
      # The kernel says which user of this machine connects; pg_ident.conf says which role that user may take.
      local all all peer map=lifang
      local replication all peer map=lifang

      """, to: data + "/pg_hba.conf", user: user.user, group: user.group)
    let names = Set([user.name] + [SystemUser(user: geteuid())?.name].compactMap { $0 }).sorted()
    let maps = names.flatMap { name in
      [Self.administrator, Self.owner].map { "lifang \"\(name)\" \($0)\n" }
    }
    try FileSystem.write(maps.joined(), to: data + "/pg_ident.conf", user: user.user, group: user.group)
  }

  private func settings(_ socketFolder: String) -> String {
    let memory = Self.memoryMegabytes
    func share(_ part: Int, _ least: Int, _ most: Int) -> String { "\(min(max(memory / part, least), most))MB" }
    func quoted(_ text: String) -> String { "'" + text.split(separator: "'").joined(separator: "''") + "'" }
    return """
      # Written by lifang at every start. Your own settings belong into local.conf in this folder.
      listen_addresses = ''
      port = 5432
      unix_socket_directories = \(quoted(socketFolder))
      unix_socket_permissions = 0700
      max_connections = \(configuration.maximumConnections)
      password_encryption = scram-sha-256

      shared_buffers = \(share(8, 64, 1024))
      effective_cache_size = \(share(2, 128, 65536))
      maintenance_work_mem = \(share(32, 32, 512))
      work_mem = \(share(512, 4, 32))
      random_page_cost = 1.1
      effective_io_concurrency = 100
      jit = off
      max_parallel_workers_per_gather = 1

      max_wal_size = 4GB
      min_wal_size = 256MB
      checkpoint_timeout = 15min
      checkpoint_completion_target = 0.9
      \(configuration.isTemporary ? "fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n" : "")
      timezone = 'Asia/Shanghai'
      log_timezone = 'Asia/Shanghai'
      lc_messages = 'C'
      default_text_search_config = 'simple'

      # One file a weekday, overwritten after a week. Statements and details may hold personal data: keep them out.
      logging_collector = on
      log_directory = '../log'
      log_filename = 'postgresql-%u.log'
      log_rotation_age = 1d
      log_truncate_on_rotation = on
      log_line_prefix = '%m [%p] %q%a '
      log_error_verbosity = terse
      log_min_error_statement = panic

      include_if_exists = 'local.conf'

      """
  }

  /// What this machine, or the control group this process is in, has of memory.
  private static var memoryMegabytes: Int {
    let total = FileSystem.text("/proc/meminfo")?.split(separator: "\n").first?.split(separator: " ")
      .dropFirst().first.flatMap { Int($0) }
    let machine = (total ?? 2_097_152) / 1024
    let group = FileSystem.text("/sys/fs/cgroup/memory.max")?.split(separator: "\n").first.flatMap { Int($0) }
    return min(machine, (group ?? Int.max) / 1_048_576)
  }
}
