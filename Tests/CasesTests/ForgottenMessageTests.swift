import Access
import Core
import Messaging
import SQL
import Testing

@Suite struct ForgottenMessageTests {
  @Test func messagesAboutOneThingLeaveTheBoxAndTheLogAndOthersStay() async throws {
    let city = try await CaseFixture()
    let resident = try city.person("resident").id
    try await city.database.transaction { transaction in
      for key in ["case 12 review", "case 12 task 3", "case 120 review", "city-wide 12 done", "phone 12 1"] {
        try await city.messages.send(
          "phone_changed", to: [.user(resident)], ["ending": "5678"], key: key, in: transaction)
      }
    }
    #expect(try await city.messages.forget(["case 12", "city-wide 12"]) == 3)
    #expect(try await city.messages.unread(of: resident) == 2)
    let kept = try await city.database.query("select dedupe from message order by id").map {
      try $0.get("dedupe", as: String.self)
    }
    #expect(kept == ["case 120 review", "phone 12 1"])
    #expect(
      try await city.database.value("select count(distinct message_id) from message_delivery", as: Int.self) == 2)
    #expect(try await city.messages.forget([]) == 0)
  }
}
