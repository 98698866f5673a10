package import Core
import SQL

/// A message in somebody's box.
package struct BoxedMessage: Sendable, Hashable {
  package let id: Int64
  package let label: String
  package let priority: MessagePriority
  package let title: String
  package let text: String
  /// The path of the page it leads to.
  package let link: String?
  package let createdAt: Instant
  package let readAt: Instant?
}

/// The message box of a user (我的消息).
extension MessageCenter {
  package struct BoxQuery: Sendable, Hashable {
    package var isUnreadOnly = false
    /// The name of a template.
    package var template: String?
    package var page = 1
    package var size = 20

    package init() {}
  }

  package struct BoxContents: Sendable {
    /// Unread ones first, then the newest.
    package let messages: [BoxedMessage]
    package let count: Int
    package let unread: Int
    /// The kinds of messages the box holds, for its filter.
    package let kinds: [(template: String, label: String)]
  }

  /// One page of the box.
  package func box(_ query: BoxQuery, of user: Int64) async throws -> BoxContents {
    var condition: SQL = "in_box and user_id = \(user)"
    if query.isUnreadOnly { condition += " and read_at is null" }
    if let template = query.template { condition += " and template = \(template)" }
    let offset = (max(query.page, 1) - 1) * query.size
    let answers = try await database.pipeline([
      """
      select id, label, priority, recipient, content, created_at, read_at from message where \(condition)
      order by (read_at is null) desc, created_at desc, id desc limit \(query.size) offset \(offset)
      """,
      "select count(*) as count from message where \(condition)",
      """
      select template, max(label) as label, count(*) filter (where read_at is null) as unread from message
      where in_box and user_id = \(user) group by 1 order by 2
      """,
    ])
    return BoxContents(
      messages: try answers[0].map(message), count: try answers[1].first?.get("count") ?? 0,
      unread: try answers[2].values(of: "unread", as: Int.self).reduce(0, +),
      kinds: try answers[2].map { (try $0.get("template"), try $0.get("label")) })
  }

  private func message(_ row: Row) throws -> BoxedMessage {
    let (content, _) = try open(try row.get("content"), of: try row.get("recipient"))
    return BoxedMessage(
      id: try row.get("id"), label: try row.get("label"),
      priority: MessagePriority(rawValue: try row.get("priority")) ?? .normal, title: content.title, text: content.text,
      link: content.link, createdAt: try row.get("created_at"), readAt: try row.get("read_at"))
  }

  /// How many messages a user has not read, counted up to a hundred.
  package func unread(of user: Int64) async throws -> Int {
    let rows = try await database.query(
      """
      select count(*) as count from (
        select 1 from message where in_box and user_id = \(user) and read_at is null limit 100) m
      """)
    return try rows.first?.get("count") ?? 0
  }

  /// Marks one message as read and returns it.
  ///
  /// - Throws: ``Refusal`` `message-missing` when it is not in this user's box.
  package func read(_ id: Int64, by user: Int64) async throws -> BoxedMessage {
    let rows = try await database.query(
      """
      update message set read_at = coalesce(read_at, \(clock.now()))
      where id = \(id) and user_id = \(user) and in_box
      returning id, label, priority, recipient, content, created_at, read_at
      """)
    guard let row = rows.first else {
      throw Refusal(.notFound, "message-missing", "没有找到这条消息：可能已过保存期限。请从消息列表重新进入。")
    }
    return try message(row)
  }

  /// Marks everything in the box as read; returns how much that was.
  package func readAll(by user: Int64) async throws -> Int {
    try await database.execute(
      "update message set read_at = \(clock.now()) where user_id = \(user) and in_box and read_at is null")
  }
}
