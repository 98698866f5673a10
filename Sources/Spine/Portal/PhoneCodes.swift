package import Core
import Crypto
package import Messaging
import SQL

/// Codes by SMS that prove a telephone is at hand (手机验证码): six digits, ten minutes, five tries (C-022, C-071).
package struct PhoneCodes: Sendable {
  /// What a code is good for, and for nothing else.
  package enum Purpose: String, Sendable, Hashable {
    case progress
    /// 被访确认: the household tells an officer the code.
    case visit
    /// 更换手机号码: the number that is to be the account's.
    case account
    /// 签名确认: for one content of one case only.
    case signature

    /// The template by which it is sent.
    var message: String { self == .visit ? "visit_code" : "phone_code" }
  }

  static let minutes: Int64 = 10
  static let pause: Int64 = 60
  static let tries = 5

  let messages: MessageCenter

  package init(messages: MessageCenter) { self.messages = messages }

  private func hash(_ purpose: Purpose, _ text: String) throws -> [UInt8] {
    HMAC(key: HMAC(key: try messages.keys.secret(.index)).derivedKey("portal/phone-code"))
      .authenticate("\(purpose.rawValue)\u{0}\(text)")
  }

  /// What a code is kept under: the telephone with what it is about, so that somebody who knows only the telephone can
  /// neither use up nor replace the code of its owner.
  private func key(_ purpose: Purpose, _ phone: PhoneNumber, _ subject: String) throws -> [UInt8] {
    try hash(purpose, "\(phone.text)\u{0}\(subject)")
  }

  /// Forgets codes that are not valid any more.
  package func purge() async throws {
    try await messages.database.execute("delete from phone_code where expires_at <= \(messages.clock.now())")
  }

  /// Sends a code. `isWanted` false does all the same but sending, so that the answer does not tell who is known.
  ///
  /// - Parameter values: what the message says besides the code and how long it is good.
  /// - Throws: ``Refusal`` `code-too-soon`.
  package func send(
    _ purpose: Purpose, to phone: PhoneNumber, subject: String, isWanted: Bool,
    values: [String: String] = ["purpose": "查询办理进度"]
  ) async throws {
    let now = messages.clock.now()
    let code = RandomSource.system.digits(6)
    let digest = try hash(purpose, "\(phone.text) \(subject) \(code)")
    let key = try key(purpose, phone, subject)
    try await messages.database.transaction { transaction in
      let rows = try await transaction.query(
        """
        insert into phone_code (purpose, phone_hash, code_hash, sent_at, expires_at)
        values (\(purpose.rawValue), \(key), \(digest), \(now), \(now + PhoneCodes.minutes * 60))
        on conflict (purpose, phone_hash) do update set code_hash = excluded.code_hash, failures = 0,
          sent_at = excluded.sent_at, expires_at = excluded.expires_at
        where phone_code.sent_at <= \(now + -PhoneCodes.pause)
        returning 1
        """)
      guard !rows.isEmpty else {
        throw Refusal(.tooMany, "code-too-soon", "验证码刚刚发出，请等一分钟。没有收到的再重新发送。", field: "phone")
      }
      guard isWanted else { return }
      try await messages.send(
        purpose.message, to: [.phone(phone)],
        values.merging(["code": code, "minutes": String(PhoneCodes.minutes)]) { $1 },
        key: "\(purpose.rawValue) \(now.microseconds)", in: transaction)
    }
  }

  /// Takes a code, once.
  ///
  /// - Throws: ``Refusal`` `code-wrong`.
  package func redeem(_ purpose: Purpose, _ code: String, phone: PhoneNumber, subject: String) async throws {
    let now = messages.clock.now()
    let digest = try hash(purpose, "\(phone.text) \(subject) \(code.filter { $0.isASCII && $0.isNumber })")
    let key = try key(purpose, phone, subject)
    let isRight = try await messages.database.transaction { transaction -> Bool in
      let row = try await transaction.query(
        """
        select code_hash from phone_code where purpose = \(purpose.rawValue) and phone_hash = \(key)
          and expires_at > \(now) and failures < \(PhoneCodes.tries) for update
        """
      ).first
      guard let row else { return false }
      guard constantTimeEqual(try row.get("code_hash", as: [UInt8].self), digest) else {
        try await transaction.execute(
          "update phone_code set failures = failures + 1 where purpose = \(purpose.rawValue) and phone_hash = \(key)")
        return false
      }
      try await transaction.execute(
        "delete from phone_code where purpose = \(purpose.rawValue) and phone_hash = \(key)")
      return true
    }
    guard isRight else {
      throw Refusal(.unprocessable, "code-wrong", "验证码不对、已过期或输错次数过多。请核对短信，或重新获取验证码。", field: "code")
    }
  }
}
