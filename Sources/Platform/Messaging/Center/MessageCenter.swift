package import Core
package import Crypto
import Jobs
package import SQL

/// Sends messages to people (消息中心).
///
/// What is sent stands in the outbox when the caller's transaction commits, and nothing does when it is rolled back. The
/// in-site part can be read at once; a ``MessageRunner`` delivers the rest, at least once.
package struct MessageCenter: Sendable {
  package let database: Database
  private let live: LiveTemplates
  package let keys: KeyRing
  package let clock: WallClock
  /// The mobile number of a user, from the register that holds it; `nil` for none and for users who are not active.
  let mobile: @Sendable (_ user: Int64, _ session: any SQLSession) async throws -> PhoneNumber?
  /// The value of a parameter of the installation's own, as people read it.
  let setting: @Sendable (String) -> String?

  /// The templates in force.
  package var templates: MessageTemplates { live.current }

  /// Words what is sent from now on anew; what has been sent stays as it was.
  package func adopt(_ templates: MessageTemplates) { live.adopt(templates) }

  /// Tells runners that something waits.
  static let readyChannel = "lifang_message_ready"

  package init(
    database: Database, templates: MessageTemplates, keys: KeyRing, clock: WallClock = .system,
    mobile: @escaping @Sendable (_ user: Int64, _ session: any SQLSession) async throws -> PhoneNumber?,
    setting: @escaping @Sendable (String) -> String? = { _ in nil }
  ) {
    self.setting = setting
    self.database = database
    live = LiveTemplates(templates)
    self.keys = keys
    self.clock = clock
    self.mobile = mobile
  }

  /// Sends a template to somebody.
  ///
  /// - Parameters:
  ///   - name: of the template.
  ///   - values: one for each of its variables.
  ///   - link: what `{id}` stands for in the link of the template.
  ///   - key: of several sendings of one template to one recipient with one key only the first counts:
  ///     `case 12 event 34`.
  ///   - attachments: keys of kept files that go along by e-mail; whoever reads the message in site follows its link.
  /// - Returns: how many recipients had not been sent it before.
  /// - Throws: ``Fault`` when there is no such template, or a value is missing or of no variable: an error of the caller.
  @discardableResult
  package func send(
    _ name: String, to recipients: [MessageRecipient], _ values: [String: String], link: String? = nil, key: String,
    attachments: [String] = [], in transaction: Transaction
  ) async throws -> Int {
    guard let template = templates.template(name) else { throw Fault("message-template", name) }
    for variable in template.variables where values[variable.name] == nil {
      throw Fault("message-variable", "\(name).\(variable.name) is missing")
    }
    for variable in values.keys where template.variable(variable) == nil {
      throw Fault("message-variable", "\(name) has no \(variable)")
    }
    var said = values
    for name in template.settings { said[name] = setting(name) }
    var content = MessageContent(template, said, link: link)
    content.attachments = attachments
    let keyed = Dictionary(
      try recipients.map { (try $0.key(keys), $0) }, uniquingKeysWith: { first, _ in first })
    var count = 0
    var waits = false
    // In one order, so that two senders of the same never wait for each other in a circle.
    for (recipientKey, recipient) in keyed.sorted(by: { $0.key < $1.key }) {
      let channels = recipient.channels(of: template)
      guard try await add(template, content, recipient, recipientKey, channels, key: key, in: transaction) else {
        continue
      }
      count += 1
      waits = waits || channels.contains { $0 != .site }
    }
    if waits { transaction.notify(MessageCenter.readyChannel) }
    return count
  }

  /// False when it was there already.
  private func add(
    _ template: MessageTemplate, _ content: MessageContent, _ recipient: MessageRecipient, _ recipientKey: String,
    _ channels: [MessageChannelKind], key: String, in transaction: Transaction
  ) async throws -> Bool {
    let now = clock.now()
    let json = content.json(address: recipient.address)
    let sealed = try keys.seal(Array(json.text.utf8), associated: MessageCenter.domain(recipientKey))
    let expiry = template.expires.map { now + Int64($0) * 3600 }
    // A template without words for this kind of address leaves a trace in the log all the same.
    let isSpeechless = channels.isEmpty
    let names = isSpeechless ? [recipient.onlyChannel.rawValue] : channels.map(\.rawValue)
    let reason = isSpeechless ? "模板没有\(recipient.onlyChannel.label)渠道" : nil
    return try await !transaction.query(
      """
      with added as (
        insert into message (template, label, priority, recipient, user_id, dedupe, content, holds_at_night, in_box,
          created_at)
        values (\(template.name), \(template.label), \(template.priority.rawValue), \(recipientKey), \(recipient.user),
          \(key), \(sealed), \(template.holdsAtNight), \(channels.contains(.site)), \(now))
        on conflict (template, dedupe, recipient) do nothing returning id
      )
      insert into message_delivery (message_id, channel, state, rank, run_at, expires_at, reason, sent_at, finished_at)
      select added.id, c.name, case when \(isSpeechless) then 'skipped' when c.name = 'site' then 'delivered'
          else 'queued' end,
        \(template.priority.rank), \(now), case when c.name <> 'site' then \(expiry)::timestamptz end, \(reason)::text,
        case when c.name = 'site' then \(now)::timestamptz end,
        case when c.name = 'site' or \(isSpeechless) then \(now)::timestamptz end
      from added, unnest(\(names)::text[]) with ordinality as c (name, place) order by c.place
      returning id
      """
    ).isEmpty
  }

  /// What a sealed content belongs to, so that it opens nowhere else.
  static func domain(_ recipient: String) -> String { "message.content/\(recipient)" }

  /// Opens what ``send(_:to:_:link:key:in:)`` sealed.
  func open(_ sealed: [UInt8], of recipient: String) throws -> (content: MessageContent, address: String?) {
    let plain = try keys.open(sealed, associated: MessageCenter.domain(recipient))
    let json = try JSON(parsing: plain)
    return (MessageContent(json), json["address"]?.string)
  }
}
