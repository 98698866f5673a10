import Access
package import Core
import Crypto
import Entities
import Jobs
import SQL
import Transport

/// Tells other systems that sessions are over (OpenID Connect Back-Channel Logout 1.0, 单点注销, B1-309): at least once, again
/// after longer and longer pauses, until the other side takes it or the hours are over.
///
/// A trigger writes the notice with whatever ends a session, so that nothing can end one and forget to tell. Any number of
/// runners share the notices; each is held by one for as long as a request may take.
package final class LogoutRunner: Sendable {
  private let signOn: SignOn
  private let worker: String
  private let log: Log
  private let metrics: Metrics?
  /// Hours after which a notice that nobody takes is given up.
  private let hours: @Sendable () -> Int64
  private let gateway: GatewayClient

  /// Seconds the other side has to answer.
  private static let timeout: Int64 = 10
  private static let pauses = RetryPolicy(firstDelay: 5, longestDelay: 600)
  /// Where the database tells that there is something to tell.
  package static let channel = "lifang_logout_ready"
  /// The event of a logout token (§2.4).
  private static let event = "http://schemas.openid.net/event/backchannel-logout"

  package init(
    _ signOn: SignOn, worker: String, log: Log = .silent, metrics: Metrics? = nil,
    hours: @escaping @Sendable () -> Int64 = { 24 }
  ) {
    self.signOn = signOn
    self.worker = worker
    self.log = log
    self.metrics = metrics
    self.hours = hours
    gateway = GatewayClient(name: "logout", timeout: .seconds(LogoutRunner.timeout))
    metrics?.describe("lifang_logout_notices_total", "Notices to other systems that a session is over, by outcome")
  }

  /// Works until the task is cancelled.
  package func run() async {
    let loop = WorkLoop("logout", concurrency: 2, poll: .seconds(2), log: log)
    await loop.run(on: signOn.database, channel: LogoutRunner.channel) { _ in
    } next: {
      try await self.runNext() ? .more : .nothing
    }
  }

  private struct Notice: Sendable {
    let id: Int64
    let application: Int64
    let subject: String
    let sid: String
    let created: Instant
    let attempts: Int64
  }

  /// Sends the notice that has waited longest; false when none is due.
  package func runNext() async throws -> Bool {
    let now = signOn.now
    let row = try await signOn.database.query(
      """
      with candidate as (
        select id from logout_notice
        where ended_at is null and next_at <= \(now) and (leased_until is null or leased_until < \(now))
        order by next_at, id for update skip locked limit 1)
      update logout_notice n set worker = \(worker), leased_until = \(now + LogoutRunner.timeout * 2 + 10),
        attempts = attempts + 1
      from candidate c where n.id = c.id
      returning n.id, n.application_id, n.subject, n.sid, n.created_at, n.attempts
      """
    ).first
    guard let row else { return false }
    let notice = Notice(
      id: try row.get("id"), application: try row.get("application_id"), subject: try row.get("subject"),
      sid: try row.get("sid"), created: try row.get("created_at"), attempts: try row.get("attempts"))
    let problem = try await send(notice)
    // Written down whatever becomes of this task: the other side has it.
    try await Task { [self] in try await note(notice, problem) }.value
    return true
  }

  /// What kept the notice from being taken, or `nil`.
  private func send(_ notice: Notice) async throws -> String? {
    let application = ClientApplication(
      try await signOn.store.records(as: .system).plain.get(ClientApplication.entity, notice.application))
    guard application.isOn, let address = application.logoutAddress else { return "应用已停用，或不再要求通知" }
    let now = signOn.now.seconds
    // Each try has a number of its own: a receiver that answered into the void would take the same for a forgery.
    let token = try await signOn.keys.signing().token(
      [
        "iss": .string(signOn.issuer), "sub": .string(notice.subject), "aud": .string(application.code),
        "iat": .int(now), "exp": .int(now + 120), "jti": .string(signOn.random.token(bytes: 18)),
        "sid": .string(notice.sid), "events": .object([(LogoutRunner.event, .object([]))]),
      ], type: "logout+jwt")
    do {
      let answer = try await gateway.ask(
        address.url, headers: ["Content-Type: application/x-www-form-urlencoded"],
        body: Array("logout_token=\(token)".utf8))
      return (200..<300).contains(answer.status) ? nil : "对方没有收下（\(answer.status)）"
    } catch let fault as Fault {
      return "对方\(fault.detail)"
    }
  }

  private func note(_ notice: Notice, _ problem: String?) async throws {
    let now = signOn.now
    guard let problem else {
      metrics?.count("lifang_logout_notices_total", "outcome=\"sent\"")
      try await signOn.database.execute(
        """
        update logout_notice set ended_at = \(now), outcome = 'sent', problem = null, leased_until = null, worker = null
        where id = \(notice.id)
        """)
      return
    }
    let isOver = now - notice.created >= Double(hours() * 3600)
    metrics?.count("lifang_logout_notices_total", isOver ? "outcome=\"failed\"" : "outcome=\"retried\"")
    log(.warning, "logout-notice-refused", ["notice": .int(notice.id), "reason": .string(problem)])
    let ended: Instant? = isOver ? now : nil
    let outcome: String? = isOver ? "failed" : nil
    let delay = LogoutRunner.pauses.delay(after: Int(notice.attempts), job: notice.id)
    try await signOn.database.execute(
      """
      update logout_notice set problem = \(problem), leased_until = null, worker = null, next_at = \(now + delay),
        ended_at = \(ended), outcome = \(outcome)
      where id = \(notice.id)
      """)
  }

  // MARK: How it stands

  /// A notice as the page of its application shows it.
  package struct Entry: Sendable, Hashable {
    /// Of the notice.
    package let id: Int64
    /// When the session was over.
    package let created: Instant
    /// Why: a value of ``Identity/SessionEnd``.
    package let reason: String
    /// How often it was sent.
    package let attempts: Int64
    /// `sent`, `failed`, or `nil` while it is tried.
    package let outcome: String?
    /// Why the last attempt failed; `nil` when it did not.
    package let problem: String?
  }

  /// The latest notices to an application.
  package func latest(of application: Int64, limit: Int = 20) async throws -> [Entry] {
    try await signOn.database.query(
      """
      select id, created_at, reason, attempts, outcome, problem from logout_notice
      where application_id = \(application) order by id desc limit \(limit)
      """
    ).map { row in
      Entry(
        id: try row.get("id"), created: try row.get("created_at"), reason: try row.get("reason"),
        attempts: try row.get("attempts"), outcome: try row.get("outcome"), problem: try row.get("problem"))
    }
  }

  /// Sign-ins of the last week, open sessions and notices that wait or were given up.
  package func figures(of application: Int64) async throws -> (
    entered: Int64, open: Int64, waiting: Int64, failed: Int64
  ) {
    let row = try await signOn.database.first(
      """
      select count(*) filter (where begun_at > \(signOn.now + -7 * TokenKeys.day)) as entered,
        count(*) filter (where ended_at is null) as open,
        (select count(*) from logout_notice n where n.application_id = \(application) and n.ended_at is null) as waiting,
        (select count(*) from logout_notice n where n.application_id = \(application) and n.outcome = 'failed') as failed
      from client_session where application_id = \(application)
      """)
    guard let row else { return (0, 0, 0, 0) }
    return (try row.get("entered"), try row.get("open"), try row.get("waiting"), try row.get("failed"))
  }
}
