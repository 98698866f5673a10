package import Access
package import Audit
package import Core
package import Entities
import Messaging
import SQL

/// What people keep of themselves in their account (个人信息维护, C-263): the telephone, once a code that went there came back,
/// and the address to which things are sent. Whatever the population register owns is changed by applying for it.
package struct OwnParticulars: Sendable {
  package struct Known: Sendable {
    package let phone: PhoneNumber?
    package let address: String?
    /// Of the population register, or of who vouched for them.
    package let person: KnownPerson
  }

  private static let account = "app_user"

  let store: RecordStore
  let codes: PhoneCodes

  package init(store: RecordStore, codes: PhoneCodes) {
    self.store = store
    self.codes = codes
  }

  package func known(of principal: Principal) async throws -> Known {
    let account = try await store.records(as: .system, purpose: "本人查看账号").get(
      OwnParticulars.account, principal.id, columns: ["phone", "contact_address"])
    return Known(
      phone: account["phone"].text.flatMap { PhoneNumber($0) }, address: account["contact_address"].text,
      person: try await KnownPerson.of(user: principal.id, in: store, purpose: "本人查看账号"))
  }

  /// Sends a code to the number that is to be the account's.
  ///
  /// - Throws: ``Refusal`` `phone-wrong`, `code-too-soon`.
  package func sendCode(to text: String, by principal: Principal) async throws {
    try await codes.send(
      .account, to: try OwnParticulars.mobile(text), subject: OwnParticulars.subject(principal), isWanted: true,
      values: ["purpose": "更换账号的手机号码"])
  }

  /// Takes the code and changes the number; the account and the number before are told.
  ///
  /// - Throws: ``Refusal`` `phone-wrong`, `code-wrong`.
  package func changePhone(
    to text: String, code: String, by principal: Principal, origin: Origin = .inside
  ) async throws {
    let phone = try OwnParticulars.mobile(text)
    try await codes.redeem(.account, code, phone: phone, subject: OwnParticulars.subject(principal))
    let before = try await known(of: principal).phone
    try await store.database.transaction { transaction in
      try await own(principal, origin).within(transaction).update(
        OwnParticulars.account, principal.id, version: nil, ["phone": .text(phone.text)], input: .code)
      let told = before.flatMap { $0 != phone && $0.kind == .mobile ? MessageRecipient.phone($0) : nil }
      try await codes.messages.send(
        "phone_changed", to: [.user(principal.id)] + [told].compactMap(\.self),
        ["ending": String(phone.text.suffix(4))],
        key: "phone \(principal.id) \(store.clock.now().microseconds)", in: transaction)
    }
  }

  /// - Parameter text: empty takes it away.
  /// - Throws: ``Refusal`` of the register's rules.
  package func changeAddress(to text: String, by principal: Principal, origin: Origin = .inside) async throws {
    let address = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    try await own(principal, origin).update(
      OwnParticulars.account, principal.id, version: nil,
      ["contact_address": address.isEmpty ? .null : .text(address)], input: .code)
  }

  /// The account's own record, and nothing else of it than this asks for.
  private func own(_ principal: Principal, _ origin: Origin) -> Records {
    store.records(as: principal.entrusted(with: [OwnParticulars.account]), purpose: "本人维护账号", origin: origin)
  }

  private static func subject(_ principal: Principal) -> String { "user \(principal.id)" }

  private static func mobile(_ text: String) throws(Refusal) -> PhoneNumber {
    guard let phone = PhoneNumber(text), phone.kind == .mobile else {
      throw Refusal(.unprocessable, "phone-wrong", "这不是手机号码，没有发送验证码。请填写 11 位手机号码。", field: "phone")
    }
    return phone
  }
}
