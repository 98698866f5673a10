import Access
import Core
import Crypto
import Entities
import Messaging
import Portal
import SQL
import Testing

/// What people keep of themselves in their account (C-263).
@Suite struct OwnParticularsTests {
  private func make(_ city: CaseFixture) -> OwnParticulars {
    OwnParticulars(store: city.store, codes: PhoneCodes(messages: city.messages))
  }

  /// The code of the last message by SMS, out of its sealed content.
  private func sent(_ city: CaseFixture) async throws -> String {
    let row = try #require(
      try await city.database.query(
        "select recipient, content from message where template = 'phone_code' order by id desc limit 1"
      ).first)
    let recipient: String = try row.get("recipient")
    let plain = try city.store.keys.open(try row.get("content"), associated: "message.content/\(recipient)")
    let text = try JSON(parsing: plain)["sms"]?.string ?? ""
    return String(text.drop { !($0.isASCII && $0.isNumber) }.prefix(6))
  }

  @Test func aTelephoneIsTheAccountsOnceItsCodeCameBack() async throws {
    let city = try await CaseFixture()
    let particulars = make(city)
    let resident = try city.person("resident")
    try await particulars.sendCode(to: "138 0013 8000", by: resident)
    let code = try await sent(city)
    #expect(
      try await city.refusal { try await particulars.changePhone(to: "13800138000", code: "000000", by: resident) }
        == "code-wrong")
    // The code is this account's and this number's.
    for (phone, account) in [("13800138000", "neighbour"), ("13900139000", "resident")] {
      #expect(
        try await city.refusal {
          try await particulars.changePhone(to: phone, code: code, by: try city.person(account))
        } == "code-wrong")
    }
    #expect(try await particulars.known(of: resident).phone?.text != "13800138000")
    try await particulars.changePhone(to: "13800138000", code: code, by: resident)
    #expect(try await particulars.known(of: resident).phone?.text == "13800138000")
    #expect(try await city.messages.unread(of: resident.id) == 1)
    #expect(
      try await city.refusal { try await particulars.changePhone(to: "13800138000", code: code, by: resident) }
        == "code-wrong")
  }

  @Test func theNumberBeforeIsToldOfAChange() async throws {
    let city = try await CaseFixture()
    let particulars = make(city)
    let resident = try city.person("resident")
    for phone in ["13800138000", "13900139000"] {
      try await particulars.sendCode(to: phone, by: resident)
      try await particulars.changePhone(to: phone, code: try await sent(city), by: resident)
      city.time.advance(seconds: 61)
    }
    let told = try await city.database.query(
      "select recipient from message where template = 'phone_changed' order by id"
    ).map { try $0.get("recipient", as: String.self) }
    // The account both times, and the first number when the second took its place.
    #expect(told.filter { $0 == "user:\(resident.id)" }.count == 2)
    #expect(told.filter { $0.hasPrefix("phone:") }.count == 1)
  }

  @Test func onlyMobilesGetCodes() async throws {
    let city = try await CaseFixture()
    let resident = try city.person("resident")
    for wrong in ["110", "0818-2123456", "abc", ""] {
      #expect(try await city.refusal { try await make(city).sendCode(to: wrong, by: resident) } == "phone-wrong")
    }
    #expect(try await city.database.value("select count(*) from message", as: Int.self) == 0)
  }

  @Test func anAddressIsKeptSealedAndTakenAway() async throws {
    let city = try await CaseFixture()
    let particulars = make(city)
    let resident = try city.person("resident")
    try await particulars.changeAddress(to: "  通川区 朝阳中路88号 ", by: resident)
    #expect(try await particulars.known(of: resident).address == "通川区 朝阳中路88号")
    let row = try #require(
      try await city.database.query("select contact_address from app_user where id = \(resident.id)").first)
    let sealed: [UInt8] = try row.get("contact_address")
    #expect(!String(decoding: sealed, as: UTF8.self).contains("朝阳"))
    try await particulars.changeAddress(to: "", by: resident)
    #expect(try await particulars.known(of: resident).address == nil)
    #expect(try await particulars.known(of: try city.person("neighbour")).address == nil)
  }
}
