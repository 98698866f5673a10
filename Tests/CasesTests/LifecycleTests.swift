import Access
import Cases
import Core
import Entities
import Processes
import SQL
import Testing

/// A case from the application to the courier.
@Suite struct LifecycleTests {
  @Test func anApplicationGoesFromThePhoneOverTwoDesksToTheCourier() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let begun = try await city.state(id)
    #expect(begun["state"] == .text("active"))
    #expect(begun["step"] == .text("网上预审"))
    #expect(begun["number"].text?.hasPrefix("51170220261118") == true)
    #expect(begun["unit_id"] == .integer(3))
    #expect(begun["due_at"] == .instant(Instant("2026-11-19 17:30") ?? CaseFixture.start))
    // Both auxiliaries of the station see it in their inbox at once, and nobody else.
    for account in ["aux", "two"] { #expect(try await city.todo(account).map(\.step) == ["网上预审"]) }
    for account in ["officer", "west", "chief", "resident"] { #expect(try await city.todo(account).isEmpty) }
    try await city.answer(id, by: "aux", ["review": "passed"])
    // The birth certificate is to be brought or sent: the clock of the case stands still meanwhile.
    #expect(try await city.todo("two").map(\.step) == ["收件核验原件"])
    try await city.answer(id, by: "two", ["receipt": "matched"])
    #expect(try await city.todo("officer").map(\.step) == ["民警审核"])
    try await city.answer(id, by: "officer", ["review": "passed"])
    try await city.answer(id, by: "aux", ["courier_company": "ems", "courier_number": "EA123456789CN"])
    let over = try await city.state(id)
    #expect(over["state"] == .text("completed"))
    #expect(over["courier_number"] == .text("EA123456789CN"))
    #expect(over["finished_at"] == .instant(CaseFixture.start))
    #expect(over["step"] == .null)
    let view = try await city.cases.view(id, as: try city.person("resident"))
    #expect(view.access == .applicant)
    #expect(view.events.map(\.label) == ["提交申请", "办理", "办理", "办理", "办理", "落实登记", "落实登记", "落实登记"])
    #expect(view.events.prefix(6).map(\.result) == [nil, "通过", "与上传材料一致", "通过", "中国邮政速递", "已登入人口"])
    #expect(view.events[6].result?.hasPrefix("已编制公民身份号码") == true)
    #expect(view.form?["child_name"] == .text("张小满"))
    #expect(view.tasks.allSatisfy { $0.state == .done })
    #expect(try await city.store.database.value("select count(*) from case_timer", as: Int.self) == 0)
  }

  /// 待审核、已审核待办结、办结、终止 of the overview of business on line (C-321).
  @Test func whatWasReviewedAndWaitsForItsEndIsCountedApart() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    var stages = [try await city.state(id)["stage"].text]
    for (account, values) in [
      ("aux", ["review": "passed"]), ("two", ["receipt": "matched"]), ("officer", ["review": "passed"]),
      ("aux", ["courier_company": "ems", "courier_number": "EA123456789CN"]),
    ] {
      try await city.answer(id, by: account, values)
      stages.append(try await city.state(id)["stage"].text)
    }
    #expect(stages == ["review", "review", "review", "reviewed", "completed"])
    let asked = try await city.start()
    try await city.answer(asked, by: "aux", ["review": "supplement"], opinion: "请补照片")
    #expect(try await city.state(asked)["stage"].text == "review")
    try await city.cases.move(asked, .void, opinion: "不办了", by: try city.person("chief"))
    #expect(try await city.state(asked)["stage"].text == "ended")
    // The numbers of the overview are those of the lists that they open.
    let system = city.store.records(as: .system, purpose: "核对")
    for (stage, count) in [("completed", 1), ("ended", 1), ("review", 0), ("reviewed", 0)] {
      let listed = try await system.count(
        ListQuery(ServiceCase.entity, filters: [ListFilter("stage", .equals(.text(stage)))]))
      #expect(listed.value == count, "\(stage)")
    }
  }

  @Test func theOfficerAtTheWindowCompletesAtOnce() async throws {
    let city = try await CaseFixture()
    let id = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    #expect(try await city.state(id)["state"] == .text("completed"))
    let view = try await city.cases.view(id, as: try city.person("officer"))
    #expect(view.tasks.isEmpty)
    // The child is in the register of persons, and the history says so.
    let people = try await city.store.records(as: .system, purpose: "核对").list(ListQuery("person"))
    #expect(people.records.map { $0["name"].text } == ["陈安安"])
    let child = try #require(people.records.first)
    let known = try await city.store.records(as: .system, purpose: "核对").get("person", child.id)
    #expect(known["registered_division"] == .text("511702001001"))
    #expect(view.events.prefix(2).map(\.result) == [nil, "已登入人口"])
    // Nobody has founded the collective household that the form names: it is left to be done by hand, by name.
    #expect(view.events.last?.result == "未能更新户信息")
    #expect(view.events.last?.opinion?.contains("手工") == true)
    // It stays on the list of the station until somebody has entered it (C-341).
    let officer = city.store.records(as: try city.person("officer"))
    let left = try #require(try await officer.list(ListQuery("unfinished_entry")).records.first)
    #expect(left["label"].text == "户信息" && left["state"].text == "open")
    let elsewhere = city.store.records(as: try city.person("west"))
    #expect(try await elsewhere.list(ListQuery("unfinished_entry")).records.isEmpty)
    await #expect(throws: Refusal.self, "what was done has to be said") {
      try await officer.perform("settle", on: "unfinished_entry", left.id, version: nil)
    }
    try await officer.perform(
      "settle", on: "unfinished_entry", left.id, version: nil, asked: ["note": .text("已立集体户并登入")])
    let settled = try await officer.get("unfinished_entry", left.id)
    #expect(settled["state"].text == "done")
    #expect(settled["settled_by"].integer == (try city.person("officer").id))
    // The register of births has it, within the scope of the station.
    let births = try await city.store.records(as: try city.person("officer")).list(ListQuery("hukou_birth"))
    #expect(births.records.map { $0["child_name"].text } == ["陈**"])
    let west = try await city.store.records(as: try city.person("west")).list(ListQuery("hukou_birth"))
    #expect(west.records.isEmpty)
  }

  @Test func whatIsWrongIsNamedAllAtOnceAndNothingIsKept() async throws {
    let city = try await CaseFixture()
    var application = try city.application()
    application.content.form["child_name"] = nil
    application.content.values["applicant_phone"] = .text("12")
    application.content.materials = []
    let refusal = try await #require(throws: Refusal.self) {
      try await city.cases.start(application, by: try city.person("resident"))
    }
    let all = [refusal] + refusal.others
    #expect(
      Set(all.compactMap(\.field)) == [
        "applicant_phone", "child_name", "material.mother_register", "material.birth_certificate",
      ])
    #expect(try await city.database.value("select count(*) from case_process", as: Int.self) == 0)
    #expect(try await city.database.value("select count(*) from hukou_birth", as: Int.self) == 0)
  }

  @Test func theConditionsOfAnItemAreAnsweredWithTheWayOut() async throws {
    let city = try await CaseFixture()
    var application = try city.application()
    application.content.form["mother_ethnicity"] = .text("03")
    let refusal = try await #require(throws: Refusal.self) {
      try await city.cases.start(application, by: try city.person("resident"))
    }
    #expect(refusal.code == "item-condition")
    #expect(refusal.message.contains("窗口"))
  }

  @Test func aSupplementStopsTheClockAndComesBackToTheReviewer() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let missing = try await city.refusal { try await city.answer(id, by: "aux", ["review": "supplement"]) }
    #expect(missing == "opinion-missing")
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "请补传母亲户口簿本人页")
    #expect(try await city.state(id)["state"] == .text("supplement"))
    #expect(try await city.todo("resident").map(\.step) == ["补正材料"])
    // Three working days later the applicant answers; the promise is three working days later too.
    try city.wait(until: "2026-11-23 10:00")
    var content = CaseContent()
    content.form["child_name"] = .text("张小满满")
    try await city.answer(id, by: "resident", content: content)
    let state = try await city.state(id)
    #expect(state["due_at"] == .instant(Instant("2026-11-24 17:30") ?? CaseFixture.start))
    #expect(try await city.todo("two").map(\.step) == ["网上预审"])
    let form = try await city.cases.view(id, as: try city.person("aux")).form
    #expect(form?["child_name"] == .text("张小满满"))
  }

  @Test func theFormMayBeChangedOnlyWhereTheStepSaysSo() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    var content = CaseContent()
    content.form["child_name"] = .text("改名")
    let code = try await city.refusal {
      try await city.answer(id, by: "aux", ["review": "passed"], content: content)
    }
    #expect(code == "content-closed")
    #expect(try await city.cases.view(id, as: try city.person("aux")).form?["child_name"] == .text("张小满"))
  }

  @Test func whatARegisterRefusesIsLeftToBeDoneByHand() async throws {
    let city = try await CaseFixture()
    let item = try #require(city.cases.services.item("hukou_083"))
    let golden = try #require(item.goldenCases.firstIndex { $0.channel == .window && $0.acceptedBy == "officer" })
    let records = city.store.records(as: .system, purpose: "核对")
    func started() async throws -> [CaseEvent] {
      var application = try city.application("hukou_083", golden: golden, channel: .window, delivery: "window")
      application.content.values["subject_name"] = .text("张老汉")
      application.content.values["subject_document"] = .text("511702193603071218")
      let id = try await city.cases.start(application, by: try city.person("officer")).id
      #expect(try await city.state(id)["state"] == .text("completed"))
      return try await city.cases.view(id, as: try city.person("officer")).events
    }
    let missing = try #require(try await started().last { $0.action == "register" })
    #expect(missing.result == "未能更新人口")
    #expect(missing.opinion?.contains("手工") == true)
    let person = try await records.insert(
      "person",
      [
        "name": .text("张老汉"), "resident_id": .text("511702193603071218"), "sex": .text("male"),
        "birth_date": .date(CivilDate("1936-03-07") ?? city.time.clock.now().chinaTime.date),
        "residency": .text("permanent"), "division_code": .text("511702001001"),
      ], input: .code)
    #expect(try await started().last { $0.action == "register" }?.result == "已更新人口")
    #expect(try await records.get("person", person.id)["deceased_on"] != .null)
  }

  @Test func refusalEndsTheCaseWithItsReason() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "refused"], opinion: "不在本所辖区")
    #expect(try await city.state(id)["state"] == .text("refused"))
    let events = try await city.cases.view(id, as: try city.person("resident")).events
    #expect(events.map(\.action) == ["submit", "complete", "issue"])
    #expect(events[1].opinion == "不在本所辖区" && events[2].result?.hasPrefix("已签发不予办理告知书") == true)
  }

  @Test func aCountyApprovalPassesThreeDesks() async throws {
    let city = try await CaseFixture()
    let golden = try #require(
      city.cases.services.item("hukou_025")?.goldenCases.firstIndex {
        $0.channel == .online && $0.acceptedBy == "auxiliary"
      } ?? 0)
    let id = try await city.start("hukou_025", golden: golden)
    try await city.answer(id, by: "aux", ["review": "passed"])
    try await city.answer(id, by: "officer", ["review": "passed"])
    #expect(try await city.todo("county").map(\.item) == [city.cases.services.item("hukou_025")?.label])
    try await city.answer(id, by: "county", ["review": "passed"])
    #expect(try await city.state(id)["step"].text?.isEmpty != true)
  }

  /// 网上迁移: only open districts take applications to move on line; at the window everybody is served (C-492).
  @Test func onlyOpenDistrictsTakeMovesOnLine() async throws {
    let city = try await CaseFixture()
    let registers = city.store.records(as: .system, purpose: "核对")
    let golden = try #require(
      city.cases.services.item("hukou_046")?.goldenCases.firstIndex { $0.channel == .online })
    // While no district is entered, nothing is asked.
    try await city.start("hukou_046", golden: golden)
    let district = try await registers.insert(
      "urban_district", ["name": .text("通川区"), "division_code": .text("511702")], input: .code)
    #expect(try await city.refusal { try await city.start("hukou_046", golden: golden) } == "migration-offline")
    try await city.start("hukou_046", by: "officer", channel: .window, golden: golden, delivery: "window")
    try await city.start("hukou_001")
    try await registers.perform("open", on: "urban_district", district.id, version: nil)
    try await city.start("hukou_046", golden: golden)
    try await registers.perform(
      "close", on: "urban_district", district.id, version: nil, asked: ["closed_reason": .text("系统升级")])
    #expect(try await city.refusal { try await city.start("hukou_046", golden: golden) } == "migration-offline")
  }
}
