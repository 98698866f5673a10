package import Access
package import Audit
package import Core
package import SQL

/// A delivery as administrators see it: how it stands, and nothing of what it says.
package struct LoggedDelivery: Sendable, Hashable {
  package enum State: String, Sendable, Hashable, CaseIterable {
    case queued, sent, delivered, failed, expired, skipped

    package var label: String {
      switch self {
      case .queued: "待发送"
      case .sent: "已发送"
      case .delivered: "已送达"
      case .failed: "发送失败"
      case .expired: "已过期"
      case .skipped: "未发送"
      }
    }
  }

  package let id: Int64
  package let template: String
  package let label: String
  package let channel: MessageChannelKind
  package let state: State
  /// Whether a worker is at it now.
  package let isUnderWay: Bool
  package let priority: MessagePriority
  package let attempts: Int
  package let reason: String?
  /// `138****5678`; empty while nothing is known.
  package let address: String
  /// Whom it is for; `nil` for people without an account.
  package let user: Int64?
  /// The code of the gateway that took it over, where the channel has several.
  package let via: String?
  package let createdAt: Instant
  /// When it is tried next.
  package let runAt: Instant?
  package let sentAt: Instant?
  /// When it was opened in the message box.
  package let readAt: Instant?
}

/// A try of a delivery.
package struct LoggedAttempt: Sendable, Hashable {
  package let number: Int
  package let worker: String
  package let finishedAt: Instant
  package let outcome: String
  package let reason: String?
}

/// The record of messages for administrators (消息记录).
extension MessageCenter {
  package struct LogQuery: Sendable, Hashable {
    package var state: LoggedDelivery.State?
    package var channel: MessageChannelKind?
    package var template: String?
    /// The code of the gateway that took it over.
    package var via: String?
    /// Whom it is for.
    package var user: Int64?
    /// Whether the recipient has opened it in the box; says something of in-site messages only (签收, B4-271).
    package var isRead: Bool?
    /// Days on which it was made, both counted, by China Standard Time.
    package var from: CivilDate?
    package var to: CivilDate?
    /// What one sending of a template was called.
    package var key: String?
    package var page = 1
    package var size = 50

    package init() {}
  }

  /// Rows counted at most.
  package static let countLimit = 10_000

  package func log(_ query: LogQuery) async throws -> (entries: [LoggedDelivery], count: Int) {
    var conditions: [SQL] = ["true"]
    if let state = query.state { conditions.append("d.state = \(state.rawValue)") }
    if let channel = query.channel { conditions.append("d.channel = \(channel.rawValue)") }
    if let template = query.template { conditions.append("m.template = \(template)") }
    if let via = query.via { conditions.append("d.via = \(via)") }
    if let user = query.user { conditions.append("m.user_id = \(user)") }
    if let isRead = query.isRead { conditions.append("d.channel = 'site' and (m.read_at is not null) = \(isRead)") }
    if let from = query.from { conditions.append("m.created_at >= \(from.start)") }
    if let to = query.to { conditions.append("m.created_at < \(to.adding(days: 1).start)") }
    if let key = query.key { conditions.append("m.dedupe = \(key)") }
    let source: SQL = """
      from message_delivery d join message m on m.id = d.message_id
      where \(SQL.join(conditions, separator: " and "))
      """
    let answers = try await database.pipeline([
      """
      select \(MessageCenter.logColumns) \(source)
      order by d.id desc limit \(query.size) offset \((max(query.page, 1) - 1) * query.size)
      """,
      "select count(*) as count from (select 1 \(source) limit \(MessageCenter.countLimit)) c",
    ])
    return (try answers[0].map(logged), try answers[1].first?.get("count") ?? 0)
  }

  /// One delivery with its tries.
  ///
  /// - Throws: ``Refusal`` `delivery-missing`.
  package func delivery(_ id: Int64) async throws -> (entry: LoggedDelivery, attempts: [LoggedAttempt]) {
    let answers = try await database.pipeline([
      """
      select \(MessageCenter.logColumns) from message_delivery d join message m on m.id = d.message_id
      where d.id = \(id)
      """,
      """
      select attempt, worker, finished_at, outcome, reason from message_attempt where delivery_id = \(id)
      order by attempt
      """,
    ])
    guard let row = answers[0].first else { throw MessageCenter.deliveryMissing }
    let attempts = try answers[1].map { row in
      LoggedAttempt(
        number: try row.get("attempt"), worker: try row.get("worker"), finishedAt: try row.get("finished_at"),
        outcome: try row.get("outcome"), reason: try row.get("reason"))
    }
    return (try logged(row), attempts)
  }

  private static let logColumns: SQL = """
    d.id, m.template, m.label, d.channel, d.state, d.lease_until, m.priority, d.attempt, d.reason, d.masked_address,
    m.user_id, m.created_at, d.run_at, d.sent_at, m.read_at, d.via
    """

  private func logged(_ row: Row) throws -> LoggedDelivery {
    let user: Int64? = try row.get("user_id")
    let masked: String? = try row.get("masked_address")
    let channel = MessageChannelKind(rawValue: try row.get("channel")) ?? .site
    let state = LoggedDelivery.State(rawValue: try row.get("state")) ?? .queued
    let lease: Instant? = try row.get("lease_until")
    let shown = masked.flatMap { $0.isEmpty ? nil : $0 }
    return LoggedDelivery(
      id: try row.get("id"), template: try row.get("template"), label: try row.get("label"), channel: channel,
      state: state, isUnderWay: lease.map { $0 > clock.now() } ?? false,
      priority: MessagePriority(rawValue: try row.get("priority")) ?? .normal, attempts: try row.get("attempt"),
      reason: try row.get("reason"), address: shown ?? "", user: user, via: try row.get("via"),
      createdAt: try row.get("created_at"), runAt: state == .queued ? try row.get("run_at") : nil,
      sentAt: try row.get("sent_at"), readAt: channel == .site ? try row.get("read_at") : nil)
  }

  /// What a message says, to somebody who states why they look (查看事由); the audit keeps that, and whom it was for.
  ///
  /// - Throws: ``Refusal`` `delivery-missing`, `message-code` for codes, which prove who somebody is; or when the principal
  ///   may not read what messages say.
  package func content(
    of id: Int64, for purpose: String, by principal: Principal, audit: Audit, origin: Origin,
    in transaction: Transaction
  ) async throws -> (content: MessageContent, user: Int64?) {
    try principal.require(Permission("message", "reveal"), toDo: "查看消息内容")
    let rows = try await transaction.query(
      """
      select m.id, m.template, m.recipient, m.user_id, m.content from message_delivery d join message m on m.id = d.message_id
      where d.id = \(id)
      """)
    guard let row = rows.first else { throw MessageCenter.deliveryMissing }
    if templates.template(try row.get("template"))?.variable("code") != nil {
      throw Refusal(.forbidden, "message-code", "验证码只给本人，不能查看。请让本人重新获取。")
    }
    let user: Int64? = try row.get("user_id")
    try await audit.append(
      AuditEntry(
        principal, "message.reveal", entity: "message", record: try row.get("id"), purpose: purpose, origin: origin,
        details: ["user": user.map { .int($0) } ?? .null]), in: transaction)
    return (try open(try row.get("content"), of: try row.get("recipient")).content, user)
  }

  /// Puts a delivery that failed or was not sent back into the queue, with all its tries before it;
  /// the record of the earlier ones is kept.
  ///
  /// - Throws: ``Refusal`` `delivery-missing`, `delivery-done`, `delivery-expired`.
  package func retry(_ id: Int64, by principal: Principal, audit: Audit, origin: Origin) async throws {
    try principal.require(Permission("message", "retry"), toDo: "重发消息")
    let now = clock.now()
    try await database.transaction { transaction in
      let rows = try await transaction.query(
        "select state, expires_at, channel from message_delivery where id = \(id) for update")
      guard let row = rows.first else { throw MessageCenter.deliveryMissing }
      let state: String = try row.get("state")
      let expiry: Instant? = try row.get("expires_at")
      if state == "expired" || expiry.map({ $0 <= now }) == true {
        throw Refusal(.conflict, "delivery-expired", "这条消息已过有效期，重发也没有意义。需要时请重新办理产生它的业务。")
      }
      guard state == "failed" || state == "skipped" else {
        throw Refusal(.conflict, "delivery-done", "这条消息已发送或正在等待发送，不用重发。请刷新页面查看状态。")
      }
      try await transaction.execute(
        """
        update message_delivery set state = 'queued', run_at = \(now), earlier = attempt, reason = null, finished_at = null
        where id = \(id)
        """)
      try await audit.append(
        AuditEntry(
          principal, "message.retry", entity: "message_delivery", record: id, origin: origin,
          details: ["channel": .string(try row.get("channel"))]), in: transaction)
      transaction.notify(MessageCenter.readyChannel)
    }
  }

  private static let deliveryMissing = Refusal(
    .notFound, "delivery-missing", "没有找到这条发送记录：可能已过保存期限。请从消息记录重新进入。")
}
