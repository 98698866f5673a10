import Access
package import Core
package import Entities
import SQL

/// Messages that a person writes to many (群发消息, B4-273…276): drafted by one, reviewed by another, sent when it is time,
/// and followed until they expire.
package struct Broadcasts: Sendable {
  /// The register of broadcasts (群发消息).
  package static let entity = "broadcast"
  static let template = "broadcast"
  /// Recipients in one transaction.
  static let batch = 500

  /// Where they stand.
  package let store: RecordStore
  let center: MessageCenter

  package init(store: RecordStore, center: MessageCenter) {
    self.store = store
    self.center = center
  }

  /// What one sending is called in the record of messages.
  package static func key(_ id: Int64) -> String { "broadcast \(id)" }

  // MARK: Sending

  /// Sends what was approved and is due, and ends what has expired. Goes on where it was cut off, and nobody is sent the
  /// same twice.
  ///
  /// - Returns: how many people were sent something.
  @discardableResult
  package func run(log: Log) async throws -> Int {
    let now = center.clock.now()
    let due = try await store.database.query(
      """
      select id from broadcast where state = 'sending' or state = 'approved' and (send_at is null or send_at <= \(now))
      order by id limit 100
      """
    ).values(of: "id", as: Int64.self)
    var count = 0
    for id in due {
      // One that cannot be sent holds no other up.
      do {
        while let sent = try await sendBatch(of: id) { count += sent }
      } catch { log.fault(error, "broadcast-failed", ["broadcast": .int(id)]) }
    }
    let over = try await store.database.query(
      "select id from broadcast where state = 'sent' and expires_at <= \(now) order by id limit 100"
    ).values(of: "id", as: Int64.self)
    for id in over { try await expire(id) }
    return count
  }

  /// - Returns: how many people were sent it; `nil` when nobody was left.
  private func sendBatch(of id: Int64) async throws -> Int? {
    try await store.database.transaction { transaction in
      let system = store.records(as: .system, purpose: "群发消息").within(transaction)
      let row = try await transaction.query(
        "select state, reached from broadcast where id = \(id) for update"
      ).first
      guard let row, ["approved", "sending"].contains(try row.get("state", as: String.self)) else { return nil }
      let broadcast = try await system.get(Broadcasts.entity, id)
      if let expiry = broadcast["expires_at"].instant, expiry <= center.clock.now() {
        try await system.update(
          Broadcasts.entity, id, version: nil, ["state": .text("expired"), "reached": .null], input: .code)
        return nil
      }
      let users = try await audience(of: broadcast, behind: try row.get("reached") ?? 0, in: transaction)
      guard let last = users.last, let (template, content) = try message(broadcast) else {
        try await system.update(
          Broadcasts.entity, id, version: nil,
          ["state": .text("sent"), "sent_at": .instant(center.clock.now()), "reached": .null], input: .code)
        return nil
      }
      let sent = try await center.send(
        template, content, to: users.map { .user($0) }, until: broadcast["expires_at"].instant, key: Broadcasts.key(id),
        in: transaction)
      try await system.update(
        Broadcasts.entity, id, version: nil,
        [
          "state": .text("sending"), "reached": .integer(last),
          "recipients": .integer((broadcast["recipients"].integer ?? 0) + Int64(sent)),
        ], input: .code)
      return sent
    }
  }

  /// Active users whom it is for, the next by number.
  private func audience(
    of broadcast: Record, behind reached: Int64, in transaction: Transaction
  ) async throws -> [Int64] {
    let today = center.clock.today()
    func holds(_ role: Int64?) -> SQL {
      """
      exists (select 1 from user_role r where r.user_id = u.id and (\(role)::bigint is null or r.role_id = \(role))
        and (r.effective_on is null or r.effective_on <= \(today)) and (r.expires_on is null or r.expires_on >= \(today)))
      """
    }
    var condition: SQL
    if broadcast["audience"].text == "resident" {
      condition = "not \(holds(nil)) and u.unit_id is null and u.separation is null"
    } else {
      // Somebody without a role works here when they belong to a unit.
      condition = "(u.unit_id is not null or u.separation is not null or \(holds(nil)))"
      if let role = broadcast["role_id"].integer { condition += " and \(holds(role))" }
      if let unit = broadcast["to_unit_id"].integer {
        condition += """
           and u.unit_id in (
            select b.id from unit a join unit b on b.id = a.id or strpos('.' || b.path, '.' || a.id || '.') > 0
            where a.id = \(unit))
          """
      }
    }
    return try await transaction.query(
      """
      select u.id from app_user u where u.status = 'active' and u.id > \(reached) and \(condition)
      order by u.id limit \(Broadcasts.batch)
      """
    ).values(of: "id", as: Int64.self)
  }

  /// What it says and how it goes; `nil` when the template was taken away.
  private func message(_ broadcast: Record) throws -> (MessageTemplate, MessageContent)? {
    guard var template = center.templates.template(Broadcasts.template) else { return nil }
    let sms = broadcast["sms"].text
    let byEmail = broadcast["by_email"].boolean == true
    template.channels = template.channels.filter { channel in
      switch channel {
      case .site: true
      case .sms: sms != nil
      case .email: byEmail
      case .wechat: false
      }
    }
    template.priority = broadcast["priority"].text.flatMap(MessagePriority.init(rawValue:)) ?? .normal
    template.holdsAtNight = template.priority != .urgent
    let sender = broadcast.titles["unit_id"] ?? broadcast.titles["author_id"] ?? ""
    let worded = MessageContent(
      template, ["title": broadcast["title"].text ?? "", "text": broadcast["text"].text ?? "", "sender": sender],
      link: nil)
    // Somebody reviewed every word of it, so none is cut.
    return (template, MessageContent(title: worded.title, text: worded.text, sms: sms))
  }

  // MARK: When it expires

  private func expire(_ id: Int64) async throws {
    try await store.database.transaction { transaction in
      let system = store.records(as: .system, purpose: "群发消息过期").within(transaction)
      let row = try await transaction.query("select state from broadcast where id = \(id) for update").first
      guard let row, try row.get("state", as: String.self) == "sent" else { return }
      let broadcast = try await system.get(Broadcasts.entity, id)
      switch broadcast["on_expiry"].text {
      case "withdraw":
        try await transaction.execute(
          """
          update message set in_box = false where template = \(Broadcasts.template) and dedupe = \(Broadcasts.key(id))
          """)
      case "tell":
        let counts = try await Broadcasts.counts(of: id, in: transaction)
        if let author = broadcast["author_id"].integer {
          try await center.send(
            "broadcast_expired", to: [.user(author)],
            [
              "title": broadcast["title"].text ?? "", "number": broadcast["number"].text ?? "",
              "recipients": String(counts.recipients), "unread": String(counts.recipients - counts.read),
            ], link: "\(id)", key: Broadcasts.key(id), in: transaction)
        }
      default: break
      }
      try await system.update(Broadcasts.entity, id, version: nil, ["state": .text("expired")], input: .code)
    }
  }

  // MARK: How it went

  /// How far a broadcast has come.
  package struct Counts: Sendable, Hashable {
    /// How many people it is for.
    package var recipients = 0
    /// Those who opened it in their box.
    package var read = 0
    /// By channel and state.
    package var deliveries: [MessageChannelKind: [LoggedDelivery.State: Int]] = [:]

    /// Deliveries of one channel in any of these states.
    package func count(_ channel: MessageChannelKind, _ states: LoggedDelivery.State...) -> Int {
      states.reduce(0) { $0 + (deliveries[channel]?[$1] ?? 0) }
    }
  }

  /// How far a broadcast has come, counted now.
  package func counts(of id: Int64) async throws -> Counts {
    try await store.database.transaction { try await Broadcasts.counts(of: id, in: $0) }
  }

  private static func counts(of id: Int64, in transaction: Transaction) async throws -> Counts {
    var counts = Counts()
    let whole = try await transaction.query(
      """
      select count(*) as recipients, count(read_at) as read from message
      where template = \(template) and dedupe = \(key(id))
      """
    ).first
    if let whole { (counts.recipients, counts.read) = (try whole.get("recipients"), try whole.get("read")) }
    for row in try await transaction.query(
      """
      select d.channel, d.state, count(*) as count from message m join message_delivery d on d.message_id = m.id
      where m.template = \(template) and m.dedupe = \(key(id)) group by 1, 2
      """)
    {
      guard let channel = MessageChannelKind(rawValue: try row.get("channel")),
        let state = LoggedDelivery.State(rawValue: try row.get("state"))
      else { continue }
      counts.deliveries[channel, default: [:]][state] = try row.get("count")
    }
    return counts
  }
}
