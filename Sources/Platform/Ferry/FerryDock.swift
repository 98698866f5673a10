package import Core
package import Crypto
package import SQL
import Synchronization

/// One side's end of the ferry (摆渡口): writes what waits in the outbox as signed and numbered files, reads those of the
/// other side, applies each once and in order, and tells by receipts how far it has come.
///
/// Whatever of files, processes or machines ends at any moment: a number is applied in one transaction with what it
/// changes, and what was not acknowledged is sent again, so that nothing is lost or doubled.
package struct FerryDock: Sendable {
  package let database: Database
  package let post: FerryPost
  package let keyFolder: FerryKeyFolder
  let receivers: [String: FerryReceiver]
  let log: Log
  let metrics: Metrics
  let clock: WallClock
  let random: RandomSource
  let folder = FerryFolder()
  /// Told once when something has not got through for too long.
  let alarm: @Sendable (String, Transaction) async throws -> Void

  /// Who may write files or read them at one time, over all nodes: "lifang-f" as a number.
  static let lock: Int64 = 0x6c69_6661_6e67_2d66

  package init(
    database: Database, post: FerryPost, keyFolder: FerryKeyFolder, receivers: [FerryReceiver], log: Log = .silent,
    metrics: Metrics = Metrics(), clock: WallClock = .system, random: RandomSource = .system,
    alarm: @escaping @Sendable (String, Transaction) async throws -> Void = { _, _ in }
  ) {
    self.database = database
    self.post = post
    self.keyFolder = keyFolder
    self.receivers = Dictionary(receivers.map { ($0.kind, $0) }, uniquingKeysWith: { first, _ in first })
    self.log = log
    self.metrics = metrics
    self.clock = clock
    self.random = random
    self.alarm = alarm
  }

  /// What a kind of message is called.
  package func label(of kind: String) -> String { receivers[kind]?.label ?? kind }

  /// Ferries every second, and at once when something is put into the outbox, until the task is cancelled.
  package func run() async {
    describeMetrics()
    var problem = ""
    var rounds = 0
    while !Task.isCancelled {
      do {
        if rounds % 3600 == 0 { try await purge() }
        rounds += 1
        if try await pass() > 0 { continue }
        problem = ""
      } catch is CancellationError {
        return
      } catch let refusal as Refusal {
        // Said once, not every second.
        if problem != refusal.code { log(.warning, "ferry-stopped", ["reason": .string(refusal.message)]) }
        problem = refusal.code
      } catch {
        if !Task.isCancelled { log.fault(error, "ferry-failed") }
      }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  /// Reads all that lies there and writes all that is due, once.
  ///
  /// - Returns: how many messages came or went.
  /// - Throws: ``Refusal`` `ferry-keys` while keys are missing, `ferry-folder` when a folder cannot be used.
  @discardableResult
  package func pass() async throws -> Int {
    guard let settings = post.current else { return 0 }
    guard let keys = try keyFolder.open() else {
      throw Refusal(.unprocessable, "ferry-keys", "摆渡还没有密钥。请在两侧运行 lifang ferry keys 并交换公钥。")
    }
    guard await folder.isWritable(settings.outgoing) else {
      throw Refusal(.unavailable, "ferry-folder", "摆渡目录 \(settings.outgoing) 不能写入。请检查参数和目录权限。")
    }
    let taken = try await read(settings, keys)
    let applied = try await apply(settings)
    let written = try await write(settings, keys)
    try await sendReceipt(settings, keys)
    try await watch(settings)
    return taken + applied + written
  }

  private func describeMetrics() {
    metrics.describe("lifang_ferry_sent_total", "Envelopes written to the outgoing folder")
    metrics.describe("lifang_ferry_applied_total", "Messages of the other side applied")
    metrics.describe("lifang_ferry_held_total", "Messages held back for somebody to look at")
    metrics.describe("lifang_ferry_rejected_total", "Files refused, by reason")
    metrics.describe("lifang_ferry_duplicates_total", "Messages that came again")
    metrics.describe("lifang_ferry_unacknowledged", "Messages the other side has not acknowledged")
    metrics.describe("lifang_ferry_oldest_seconds", "Age of the oldest message that is not acknowledged")
    metrics.describe("lifang_ferry_delay_seconds", "From the change on the other side to its being applied here")
  }

  /// Forgets what was through half a year ago, and parts of files that nothing came to claim.
  package func purge() async throws {
    let now = clock.now()
    let old = now + -180 * 86_400
    try await database.execute("delete from ferry_outbox where acknowledged_at < \(old)")
    try await database.execute(
      "delete from ferry_inbox where state in ('applied', 'rejected') and received_at < \(old)")
    try await database.execute("delete from ferry_stray where state = 'rejected' and at < \(old)")
    try await database.execute("delete from ferry_part where received_at < \(now + -30 * 86_400)")
  }

  // MARK: Watching

  /// Sets the gauges, and raises the alarm when something waits for too long: at most once an hour.
  private func watch(_ settings: FerrySettings) async throws {
    let status = try await status()
    metrics.set("lifang_ferry_unacknowledged", to: Double(status.waitingOut))
    metrics.set("lifang_ferry_oldest_seconds", to: status.oldestAge)
    metrics.set("lifang_ferry_held", to: Double(status.held))
    guard let words = status.alarm(settings) else { return }
    let now = clock.now()
    try await database.transaction { transaction in
      let due = try await transaction.query(
        """
        update ferry_state set alarmed_at = \(now) where alarmed_at is null or alarmed_at < \(now + -3600)
        returning 1
        """)
      guard !due.isEmpty else { return }
      log(.warning, "ferry-alarm", ["reason": .string(words)])
      try await alarm(words, transaction)
    }
  }
}
