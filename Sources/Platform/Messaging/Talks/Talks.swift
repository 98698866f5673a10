package import Access
package import Audit
package import Core
package import Entities
package import SQL

/// Conversations of two officers (内部通讯, C-546): lines of the register `talk_line`, which both see and nobody else.
package struct Talks: Sendable {
  package static let entity = "talk_line"
  package static let write = Permission(entity, "create")

  let store: RecordStore

  package init(_ store: RecordStore) { self.store = store }

  /// Somebody one talks with.
  package struct Partner: Sendable, Hashable {
    package let user: Int64
    package let name: String
    package let unit: String
  }

  /// A conversation as the list shows it.
  package struct Summary: Sendable, Hashable {
    package let partner: Partner
    package let text: String
    package let isOwn: Bool
    package let at: Instant
    package let unread: Int
  }

  /// One thing that was said, as one of the two sees it (C-546).
  package struct Line: Sendable, Hashable {
    package let id: Int64
    package let isOwn: Bool
    package let text: String
    /// The key of a picture.
    package let picture: String?
    package let at: Instant
    /// When the other one saw it; `nil` until then.
    package let readAt: Instant?
  }

  /// So many lines stand on a page.
  package static let page = 60

  private static let openScope: SQL = """
    select set_config('lifang.scope_talk_line', '{"all":true}', true)
    """

  static func pair(_ one: Int64, _ other: Int64) -> String { "\(min(one, other))-\(max(one, other))" }

  private func rows(_ query: SQL) async throws -> Rows {
    try await store.database.transaction { try await $0.pipeline([Talks.openScope, query])[1] }
  }

  /// Active or not: what was said before somebody left can still be read.
  ///
  /// - Throws: ``Refusal`` `talk-partner`.
  package func partner(_ user: Int64) async throws -> Partner {
    let row = try await store.database.query(
      "select u.id, u.name, n.name as unit from app_user u join unit n on n.id = u.unit_id where u.id = \(user)"
    ).first
    guard let row else { throw Talks.noPartner }
    return Partner(user: try row.get("id"), name: try row.get("name"), unit: try row.get("unit"))
  }

  static let noPartner = Refusal(
    .unprocessable, "talk-partner", "没有这位同事，或其账号已停用，没有发送。请从“找同事”里重新选择。", field: "receiver_id")

  /// The conversations of a user, the latest first.
  package func overview(of user: Int64) async throws -> [Summary] {
    try await rows(
      """
      select p.id, p.name, n.name as unit, l.text, l.sender_id, l.at, l.picture is not null as pictured,
        (select count(*) from talk_line x where x.pair = l.pair and x.receiver_id = \(user) and x.read_at is null) as unread
      from (
        select distinct on (pair) * from talk_line where sender_id = \(user) or receiver_id = \(user)
        order by pair, at desc, id desc) l
        join app_user p on p.id = case when l.sender_id = \(user) then l.receiver_id else l.sender_id end
        join unit n on n.id = p.unit_id
      order by l.at desc limit 200
      """
    ).map { row in
      let text = try row.get("text", as: String?.self) ?? ""
      let pictured: Bool = try row.get("pictured")
      return Summary(
        partner: Partner(user: try row.get("id"), name: try row.get("name"), unit: try row.get("unit")),
        text: text.isEmpty && pictured ? "［图片］" : text,
        isOwn: try row.get("sender_id", as: Int64.self) == user, at: try row.get("at"), unread: try row.get("unread"))
    }
  }

  /// The lines of a conversation, oldest first: the last ones, or those before one of them.
  package func lines(of user: Int64, with partner: Int64, before: Int64? = nil) async throws -> [Line] {
    let earlier: SQL = before.map { "and id < \($0)" } ?? ""
    return try await rows(
      """
      select id, sender_id, text, picture, at, read_at from talk_line
      where pair = \(Talks.pair(user, partner)) \(earlier) order by id desc limit \(Talks.page)
      """
    ).map {
      Line(
        id: try $0.get("id"), isOwn: try $0.get("sender_id", as: Int64.self) == user,
        text: try $0.get("text", as: String?.self) ?? "", picture: try $0.get("picture"), at: try $0.get("at"),
        readAt: try $0.get("read_at"))
    }.reversed()
  }

  /// What is open before `user` has been read by them.
  package func markRead(by user: Int64, from partner: Int64) async throws {
    _ = try await rows(
      """
      update talk_line set read_at = \(store.clock.now()), version = version + 1,
        updated_at = greatest(\(store.clock.now()), updated_at), updated_by = \(user)
      where pair = \(Talks.pair(user, partner)) and receiver_id = \(user) and read_at is null
      """)
  }

  /// How many lines wait for a user, counted up to a hundred.
  package func unread(of user: Int64) async throws -> Int {
    try await rows(
      """
      select count(*) as count from (
        select 1 from talk_line where receiver_id = \(user) and read_at is null limit 100) l
      """
    ).first?.get("count") ?? 0
  }

  /// What a page follows: the newest line of a conversation and how much of it was read.
  package func state(of user: Int64, with partner: Int64) async throws -> String {
    let row = try await rows(
      """
      select coalesce(max(id), 0) as last, count(*) filter (where read_at is null) as open from talk_line
      where pair = \(Talks.pair(user, partner))
      """
    ).first
    return "\(try row?.get("last", as: Int64.self) ?? 0).\(try row?.get("open", as: Int64.self) ?? 0)"
  }

  /// Sends a line.
  ///
  /// - Throws: ``Refusal`` `permission-missing`, `talk-partner`, `talk-oneself`, and when there is neither text nor picture.
  @discardableResult
  package func send(
    _ text: String, picture: String?, to partner: Int64, by principal: Principal, origin: Origin
  ) async throws -> Int64 {
    var values: [String: Value] = ["receiver_id": .integer(partner)]
    let text = TextForms.trimmed(text)
    if !text.isEmpty { values["text"] = .text(text) }
    if let picture { values["picture"] = .text(picture) }
    return try await store.records(as: principal, purpose: "同事沟通", origin: origin).insert(
      Talks.entity, values, input: .code
    )
    .id
  }

  /// Forgets what is older; works as the owner of the tables.
  package static func purge(before time: Instant, on database: Database) async throws -> Int {
    try await database.transaction { transaction in
      _ = try await transaction.query(openScope)
      let count = try await transaction.execute("delete from talk_line where at < \(time)")
      try await transaction.execute("delete from talk_line_history where at < \(time)")
      return count
    }
  }
}

/// What the register of conversations does by itself: who wrote a line and when is never typed, and it goes to a colleague.
package struct TalkRules: RecordRules {
  /// Whether somebody may be written to by somebody of a unit.
  let isColleague: @Sendable (Int64, Int64, any SQLSession) async throws -> Bool

  package init(isColleague: @escaping @Sendable (Int64, Int64, any SQLSession) async throws -> Bool) {
    self.isColleague = isColleague
  }

  package func addHooks(to hooks: inout RecordHooks) {
    hooks.beforeInsert(Talks.entity) { drafts, records in
      guard let transaction = records.transaction else { throw Fault("hook-without-transaction", Talks.entity) }
      let sender = records.principal
      for index in drafts.indices where drafts[index].refusal == nil {
        let receiver = drafts[index]["receiver_id"].integer ?? 0
        guard sender.kind == .user, let unit = sender.unit?.id,
          try await isColleague(receiver, unit, transaction)
        else {
          drafts[index].refuse(Talks.noPartner)
          continue
        }
        guard receiver != sender.id else {
          drafts[index].refuse(Refusal(.unprocessable, "talk-oneself", "不能发给自己。请选择一位同事。", field: "receiver_id"))
          continue
        }
        drafts[index]["sender_id"] = .integer(sender.id)
        drafts[index]["pair"] = .text(Talks.pair(sender.id, receiver))
        drafts[index]["at"] = .instant(records.store.clock.now())
        drafts[index]["read_at"] = .null
      }
    }
  }
}
