package import Core
package import Crypto
package import SQL

/// What a user wants and where they can be reached (消息接收设置).
package struct MessagePreferences: Sendable, Hashable {
  /// Channels switched off for all but urgent messages.
  package let refused: Set<MessageChannelKind>
  /// The confirmed e-mail address.
  package let email: EmailAddress?
  /// An address that waits for the code that was sent to it.
  package let claimed: EmailAddress?
  /// Whether the account is tied to a follower of the official account.
  package let hasWeChat: Bool
  package let mobile: PhoneNumber?
}

extension MessageCenter {
  /// Wrong codes before a new one must be asked for.
  static let codeTries = 5
  static let codeMinutes: Int64 = 30
  /// The template that carries the code to an e-mail address.
  package static let codeTemplate = "email_code"

  package func preferences(of user: Int64) async throws -> MessagePreferences {
    let answers = try await database.pipeline([
      "select channel from message_refusal where user_id = \(user)",
      "select channel, address from message_address where user_id = \(user)",
      """
      select address from message_address_claim
      where user_id = \(user) and channel = 'email' and expires_at > \(clock.now())
      """,
    ])
    var addresses: [String: String] = [:]
    for row in answers[1] {
      let channel: String = try row.get("channel")
      addresses[channel] = try openAddress(try row.get("address"), channel, user)
    }
    let claimed = try answers[2].first.map { try openAddress(try $0.get("address"), "email", user) }
    return MessagePreferences(
      refused: Set(try answers[0].values(as: String.self).compactMap { MessageChannelKind(rawValue: $0) }),
      email: addresses["email"].flatMap { EmailAddress($0) }, claimed: claimed.flatMap { EmailAddress($0) },
      hasWeChat: addresses["wechat"] != nil, mobile: try await mobile(user, database))
  }

  /// Switches channels off and the others on. Urgent messages come all the same, and the box stays.
  package func refuse(_ channels: Set<MessageChannelKind>, of user: Int64) async throws {
    let names = channels.filter { $0 != .site }.map(\.rawValue).sorted()
    try await database.transaction { transaction in
      try await transaction.execute("delete from message_refusal where user_id = \(user)")
      try await transaction.execute(
        "insert into message_refusal (user_id, channel) select \(user), unnest(\(names)::text[])")
    }
  }

  // MARK: E-mail

  /// Sends a code to an address that a user says is theirs.
  package func claim(_ address: EmailAddress, by user: Int64, random: RandomSource = .system) async throws {
    let now = clock.now()
    let drawn = random.bytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    let digits = String(drawn % 1_000_000)
    let code = String(repeating: "0", count: 6 - digits.count) + digits
    let sealed = try sealAddress(address.text, "email", user)
    let hash = try codeHash(code, user)
    try await database.transaction { transaction in
      let recent = try await transaction.query(
        """
        select 1 from message_address_claim
        where user_id = \(user) and channel = 'email' and expires_at > \(now + (MessageCenter.codeMinutes * 60 - 60))
        """)
      guard recent.isEmpty else {
        throw Refusal(.tooMany, "code-too-soon", "验证码刚刚发出。请稍等一分钟，没有收到再重新发送。", field: "email")
      }
      try await transaction.execute(
        """
        insert into message_address_claim (user_id, channel, address, code_hash, expires_at)
        values (\(user), 'email', \(sealed), \(hash), \(now + MessageCenter.codeMinutes * 60))
        on conflict (user_id, channel) do update set address = excluded.address, code_hash = excluded.code_hash,
          failures = 0, expires_at = excluded.expires_at
        """)
      try await send(
        MessageCenter.codeTemplate, to: [.email(address)],
        ["code": code, "minutes": String(MessageCenter.codeMinutes)], key: "\(user) \(now.microseconds)",
        in: transaction)
    }
  }

  /// Takes the address over when the code is the one that was sent there.
  ///
  /// - Throws: ``Refusal`` `code-wrong`, `code-expired`.
  package func confirmEmail(code: String, by user: Int64) async throws {
    let now = clock.now()
    let hash = try codeHash(code.filter(\.isASCII), user)
    let isRight = try await database.transaction { transaction -> Bool? in
      let rows = try await transaction.query(
        """
        select address, code_hash, failures from message_address_claim
        where user_id = \(user) and channel = 'email' and expires_at > \(now) for update
        """)
      guard let row = rows.first, try row.get("failures", as: Int.self) < MessageCenter.codeTries else { return nil }
      guard constantTimeEqual(try row.get("code_hash", as: [UInt8].self), hash) else {
        try await transaction.execute(
          "update message_address_claim set failures = failures + 1 where user_id = \(user) and channel = 'email'")
        return false
      }
      let address: [UInt8] = try row.get("address")
      try await transaction.execute(
        """
        insert into message_address (user_id, channel, address, confirmed_at)
        values (\(user), 'email', \(address), \(now))
        on conflict (user_id, channel) do update set address = excluded.address, confirmed_at = excluded.confirmed_at
        """)
      try await transaction.execute(
        "delete from message_address_claim where user_id = \(user) and channel = 'email'")
      return true
    }
    switch isRight {
    case true?: return
    case false?:
      throw Refusal(.unprocessable, "code-wrong", "验证码不对。请核对邮件里的 6 位数字后重新填写。", field: "code")
    case nil:
      throw Refusal(.unprocessable, "code-expired", "验证码已过期或输错次数过多。请重新发送验证码。", field: "code")
    }
  }

  /// Forgets the e-mail address of a user.
  package func removeEmail(of user: Int64) async throws {
    try await database.transaction { transaction in
      try await transaction.execute("delete from message_address where user_id = \(user) and channel = 'email'")
      try await transaction.execute("delete from message_address_claim where user_id = \(user)")
    }
  }

  // MARK: WeChat

  /// Ties a user to a follower of the official account (openid), or unties them with `nil`.
  package func bindWeChat(_ openID: String?, to user: Int64, in session: some SQLSession) async throws {
    guard let openID else {
      try await session.execute("delete from message_address where user_id = \(user) and channel = 'wechat'")
      return
    }
    let sealed = try sealAddress(openID, "wechat", user)
    try await session.execute(
      """
      insert into message_address (user_id, channel, address, confirmed_at)
      values (\(user), 'wechat', \(sealed), \(clock.now()))
      on conflict (user_id, channel) do update set address = excluded.address, confirmed_at = excluded.confirmed_at
      """)
  }

  // MARK: Addresses

  private func sealAddress(_ address: String, _ channel: String, _ user: Int64) throws -> [UInt8] {
    try keys.seal(Array(address.utf8), associated: "message.address/\(channel)/\(user)")
  }

  private func openAddress(_ sealed: [UInt8], _ channel: String, _ user: Int64) throws -> String {
    String(decoding: try keys.open(sealed, associated: "message.address/\(channel)/\(user)"), as: UTF8.self)
  }

  private func codeHash(_ code: String, _ user: Int64) throws -> [UInt8] {
    HMAC(key: HMAC(key: try keys.secret(.index)).derivedKey("message/code")).authenticate("\(user) \(code)")
  }

  /// Where a user is reached by a channel now; `nil` for nowhere.
  func address(of user: Int64, by channel: MessageChannelKind) async throws -> String? {
    switch channel {
    case .site: return nil
    case .sms: return try await mobile(user, database)?.text
    case .email, .wechat:
      let rows = try await database.query(
        "select address from message_address where user_id = \(user) and channel = \(channel.rawValue)")
      return try rows.first.map { try openAddress(try $0.get("address"), channel.rawValue, user) }
    }
  }
}
