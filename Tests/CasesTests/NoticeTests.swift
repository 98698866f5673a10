import Access
import Audit
import Core
import Entities
import Messaging
import Portal
import SQL
import TestSupport
import Testing

/// Public notices stand and fall with their merchant, and reports about them with the notice.
@Suite struct NoticeTests {
  /// A city with one authenticated merchant of the resident's.
  private struct Market {
    let city: CaseFixture
    let store: RecordStore
    let merchant: Int64

    init() async throws {
      city = try await CaseFixture()
      var hooks = CaseFixture.hooks
      MerchantRules(messages: MessageLine()).addHooks(to: &hooks)
      NoticeRules(messages: MessageLine()).addHooks(to: &hooks)
      store = city.store(hooks: hooks)
      let records = store.records(as: .system, purpose: "试验")
      let address = try await records.insert(
        "address",
        [
          "full_name": .text("达州市通川区荷叶街28号"), "kind": .text("roadside"), "status": .text("confirmed"),
          "house_number": .text("28号"),
          "division_code": .text("511702001001"),
        ], input: .code)
      merchant = try await records.insert(
        MerchantRules.merchant,
        [
          "name": .text("荷叶早餐"), "credit_code": .text("91350100M000100Y43"), "address_id": .integer(address.id),
          "phone": .text("13800138000"), "user_id": .integer(try city.person("resident").id),
          "state": .text("approved"),
        ], input: .code
      ).id
    }

    /// Who may everything of notices, merchants and reports.
    func reviewer() throws -> Records {
      store.records(
        as: try city.person("officer").entrusted(with: [
          NoticeRules.entity, NoticeRules.report, MerchantRules.merchant,
        ]), purpose: "审核")
    }

    func send(_ title: String = "早餐八折") async throws -> Int64 {
      try await HandIn.notice.insert(
        [
          "kind": .text("promotion"), "title": .text(title), "content": .text("本周早餐八折"),
          "shown_until": .date(city.time.clock.today().adding(days: 6)), "merchant_id": .integer(merchant),
        ], by: try city.person("resident"), purpose: "发布便民信息", origin: .inside, in: store
      ).id
    }

    func report(_ notice: Int64) async throws -> Int64 {
      try await HandIn.noticeReport.insert(
        ["notice_id": .integer(notice), "reason": .text("fraud")], by: try city.person("neighbour"),
        purpose: "举报便民信息", origin: .inside, in: store
      ).id
    }

    func states() async throws -> [String] {
      try await city.database.query("select state from public_notice order by id").values(as: String.self)
    }
  }

  @Test func aNoticeThatIsSentWhileItsMerchantIsRevokedIsRefused() async throws {
    let market = try await Market()
    let earlier = try await market.send()
    let sending = try await market.city.database.transaction { transaction in
      let own = try await transaction.value("select pg_backend_pid()", as: Int.self)
      try await market.reviewer().within(transaction).perform(
        "revoke", on: MerchantRules.merchant, market.merchant, version: nil, asked: ["review_note": .text("执照已注销")])
      let sending = Task { try await market.city.refusal { try await market.send("再来八折") } }
      let isWaiting = try await eventually {
        try await market.city.database.value(
          "select count(*) from pg_stat_activity where \(own) = any(pg_blocking_pids(pid))", as: Int64.self) > 0
      }
      #expect(isWaiting)
      return sending
    }
    #expect(try await sending.value == "merchant-unproved")
    #expect(try await market.states() == ["withdrawn"], "notice \(earlier) was taken back with the merchant")
  }

  @Test func aNoticeOfAMerchantThatIsAuthenticatedNoMoreIsNotApproved() async throws {
    let market = try await Market()
    let notice = try await market.send()
    func approve() async throws -> String {
      try await market.city.refusal {
        try await market.reviewer().perform("approve", on: NoticeRules.entity, notice, version: nil)
      }
    }
    try await market.city.database.execute("update merchant set state = 'revoked'")
    #expect(try await approve() == "merchant-unproved")
    #expect(try await market.states() == ["pending"])
    try await market.city.database.execute("update merchant set state = 'approved'")
    #expect(try await approve() == "none")
    #expect(try await market.states() == ["approved"])
  }

  @Test func aDeletedNoticeTakesItsAnsweredReportsAlongAndWaitsForOpenOnes() async throws {
    let market = try await Market()
    let notice = try await market.send()
    let reviewer = try market.reviewer()
    try await reviewer.perform("approve", on: NoticeRules.entity, notice, version: nil)
    let report = try await market.report(notice)
    func delete() async throws -> String {
      try await market.city.refusal { try await reviewer.delete(NoticeRules.entity, notice, version: nil) }
    }
    #expect(try await delete() == "notice-reported-open")
    #expect(try await market.states() == ["approved"])
    try await reviewer.perform(
      "dismiss", on: NoticeRules.report, report, version: nil, asked: ["answer": .text("价格属实")])
    #expect(try await delete() == "none")
    #expect(try await market.states().isEmpty)
    let system = market.store.records(as: .system, purpose: "核对")
    #expect(try await system.count(ListQuery(NoticeRules.report)).value == 0)
    // What was said and answered is still told by the history, and who took it away by the audit.
    let versions = try await system.versions(NoticeRules.report, report)
    #expect(versions.first?.ending == .deleted && versions.first?.record["answer"].text == "价格属实")
    let officer = try market.city.person("officer").id
    #expect(
      try await market.city.database.query(
        "select principal_id from audit_entry where action = 'notice_report.delete' and record_id = \(report)"
      ).values(as: Int64.self) == [officer])
  }
}
