import Cases
import Core
import Entities
import Households
import Processes
import Testing

/// What completed cases leave over for people to enter (常口续办, C-341).
@Suite struct UnfinishedEntryTests {
  private let people = HouseholdTests()

  private func entries(_ city: CaseFixture) async throws -> [Record] {
    try await people.registers(city).all(
      ListQuery("unfinished_entry", columns: ["label", "reason", "register", "state"]))
  }

  /// A death of somebody, taken at the window by an auxiliary and granted by an officer.
  private func death(_ city: CaseFixture, _ name: String, _ id: String, _ form: [String: Value]) async throws -> Int64 {
    var application = try city.application("hukou_083", golden: 2, channel: .window, delivery: "window")
    application.content.form.merge(form) { $1 }
    application.content.form = application.content.form.filter { !$0.value.isNull }
    application.content.values["subject_name"] = .text(name)
    application.content.values["subject_document"] = .text(id)
    let number = try await city.cases.start(application, by: try city.person("aux")).id
    try await people.finish(city, number)
    return number
  }

  @Test func whatTheRegistersAskPeopleToCheckIsOnTheList() async throws {
    let city = try await CaseFixture()
    let (he, she) = (try people.id("1936-03-07", 11), try people.id("1938-05-01", 12))
    let number = try await people.household(city, head: "张老汉", he)
    try await people.person(city, "李大娘", she, in: number, .spouse, married: true)
    try await people.person(city, "张小满", try people.id("2015-05-12", 13), in: number)
    _ = try await death(
      city, "张老汉", he,
      ["is_head": .boolean(true), "others_remain": .boolean(true), "new_head_name": .text("李二娘")])
    let left = try await entries(city)
    #expect(left.map { $0["register"].text } == ["household", "person"])
    #expect(left.first?["reason"].text?.contains("由李大娘任户主，请核对") == true)
    #expect(left.last?["reason"].text?.contains("在人口登记中填写：张小满") == true)
    #expect(left.allSatisfy { $0["state"].text == "open" })
  }

  @Test func whatALaterCompletionEntersComesOffTheListAndWhatStillFailsStandsOnce() async throws {
    let city = try await CaseFixture()
    let he = try people.id("1936-03-07", 11)
    let id = try await death(
      city, "张老汉", he, ["is_head": .boolean(true), "others_remain": .boolean(false), "new_head_name": .null])
    let left = try await entries(city)
    #expect(!left.isEmpty && left.allSatisfy { $0["state"].text == "open" })
    func again() async throws {
      try await city.cases.move(id, .reopen(at: "officer_review"), opinion: "补办登记", by: try city.person("chief"))
      try await people.finish(city, id)
    }
    try await again()
    #expect(try await entries(city).map(\.id) == left.map(\.id), "what still fails is not noted twice")
    #expect(try await entries(city).map(\.version) == left.map(\.version))
    try await people.household(city, head: "张老汉", he)
    try await again()
    let now = try await entries(city)
    #expect(now.map(\.id) == left.map(\.id) && now.allSatisfy { $0["state"].text == "done" })
    #expect(try await people.one(city, "张老汉")["deceased_on"] != .null)
  }
}
