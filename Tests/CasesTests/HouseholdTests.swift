import Access
import Cases
import Core
import Entities
import Households
import Processes
import SQL
import Testing

/// What completed cases change in households (户) and persons, against the shipped declarations.
@Suite struct HouseholdTests {
  let registers: @Sendable (CaseFixture) -> Records = { $0.store.records(as: .system, purpose: "核对") }

  // MARK: Births

  @Test func aNewbornGetsANumberAndJoinsTheMothersHousehold() async throws {
    let city = try await CaseFixture()
    let mother = "511702199603071223"
    let number = try await household(city, head: "马晓梅", mother)
    let form: [String: Value] = [
      "child_name": .text("罗一诺"), "child_sex": .text("female"), "child_ethnicity": .text("01"),
      "mother_resident_id": .text(mother), "household_kind": .text("family"), "household_head_name": .text("马晓梅"),
      "relation_to_head": .text("daughter"), "collective_name": .null,
    ]
    let done = try await complete(city, "hukou_001", form, subject: ("罗一诺", nil), golden: 2)
    #expect(done.map { String($0.prefix(6)) } == ["已登入人口", "已编制公民身", "已入户 51"])
    #expect(try await who(city, in: number) == ["马晓梅": "head", "罗一诺": "daughter"])
    let child = try await one(city, "罗一诺")
    let assigned = try #require(child["resident_id"].text.flatMap { ResidentID($0) })
    #expect(assigned.region == 511702)
    #expect(assigned.birthDate == child["birth_date"].date)
    #expect(assigned.sex == .female)
    #expect(child["document_kind"] == .text("resident_id"))
    #expect(child["document_number"].isBlank)
    try await expectSound(city)
  }

  @Test func twoBirthsAtOnceNeverGetTheSameNumberAndNoneIsGivenTwice() async throws {
    let city = try await CaseFixture()
    try await household(city, head: "马晓梅", "511702199603071223")
    // Somebody who was numbered before the register was kept.
    try await person(city, "老号", try id("2025-05-12", 4))
    let form: [String: Value] = [
      "mother_resident_id": .text("511702199603071223"), "household_kind": .text("family"),
      "household_head_name": .text("马晓梅"), "relation_to_head": .text("daughter"), "collective_name": .null,
    ]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 1...6 {
        group.addTask {
          try await complete(
            city, "hukou_001",
            form.merging(["child_name": .text("小\(index)"), "birth_certificate_number": .text("S51003456\(index)")]) {
              $1
            },
            subject: ("小\(index)", nil), golden: 2)
        }
      }
      try await group.waitForAll()
    }
    let numbers = try await registers(city).list(ListQuery("resident_number", columns: ["sequence"], limit: 50))
      .records.compactMap { $0["sequence"].integer }
    #expect(numbers.sorted() == [2, 6, 8, 10, 12, 14])
    try await expectSound(city)
  }

  @Test func aSegmentThatIsUsedUpIsNamedInTheHistory() async throws {
    let city = try await CaseFixture()
    try await household(city, head: "马晓梅", "511702199603071223")
    try await registers(city).insert(
      "resident_number_range", ["region": .text("511702"), "first": .integer(10), "last": .integer(11)], input: .code)
    let form: [String: Value] = [
      "mother_resident_id": .text("511702199603071223"), "household_kind": .text("family"),
      "household_head_name": .text("马晓梅"), "relation_to_head": .text("daughter"), "collective_name": .null,
    ]
    #expect(try await complete(city, "hukou_001", form, subject: ("甲", nil), golden: 2)[1].hasPrefix("已编制"))
    let second = try await complete(
      city, "hukou_001", form.merging(["birth_certificate_number": .text("S510034561")]) { $1 }, subject: ("乙", nil),
      golden: 2)
    #expect(second[1].contains("顺序码已用完"))
    #expect(second[2].hasPrefix("已入户"))
  }

  // MARK: Leaving

  @Test func whenTheHeadDiesTheSpouseFollowsAndTheLastCloses() async throws {
    let city = try await CaseFixture()
    let (he, she) = (try id("1936-03-07", 11), try id("1938-05-01", 12))
    let number = try await household(city, head: "张老汉", he)
    try await person(city, "李大娘", she, in: number, .spouse, married: true)
    try await person(city, "张小满", try id("2015-05-12", 13), in: number, .grandchild)
    let died = try await complete(
      city, "hukou_083", ["is_head": .boolean(true), "others_remain": .boolean(true), "new_head_name": .text("李大娘")],
      subject: ("张老汉", he))
    #expect(died.first?.hasPrefix("已离户") == true)
    #expect(try await who(city, in: number) == ["李大娘": "head", "张小满": "grandchild"])
    let dead = try await one(city, "张老汉")
    #expect(dead["deceased_on"] != .null)
    #expect(dead["registration_end_reason"] == .text("death"))
    #expect(try await row(city, number)["head_name"] == .text("李大娘"))
    try await expectSound(city)
    try await complete(city, "hukou_083", ["is_head": .boolean(false)], subject: ("张小满", try id("2015-05-12", 13)))
    let last = try await complete(
      city, "hukou_083", ["is_head": .boolean(true), "others_remain": .boolean(false)], subject: ("李大娘", she))
    #expect(last.first?.contains("已注销该户") == true)
    let closed = try await row(city, number)
    #expect(closed["state"] == .text("cancelled"))
    #expect(closed["cancel_reason"] == .text("deceased"))
    try await expectSound(city)
  }

  // MARK: Splitting, changing

  @Test func aSplitMakesANewHouseholdOfTheChosenMembers() async throws {
    let city = try await CaseFixture()
    let (father, son) = (try id("1955-03-07", 11), "511702198506121212")
    let number = try await household(city, head: "卢根生", father)
    try await person(city, "卢飞", son, in: number, .son, married: true)
    try await person(city, "陈燕", try id("1986-02-01", 22), in: number, .daughter, married: true)
    try await person(city, "卢小雨", try id("2012-02-01", 24), in: number, .grandchild)
    let form: [String: Value] = [
      "household_number": .text(number), "new_head_name": .text("卢飞"), "new_head_id": .text(son),
      "person_count": .integer(3), "members": .text("陈燕，配偶；卢小雨，女"),
    ]
    let done = try await complete(city, "hukou_044", form, subject: ("卢飞", son))
    #expect(done.first?.hasPrefix("已立户，户号 5117") == true)
    let new = try #require(try await one(city, "卢飞")["household_number"].text)
    #expect(new != number)
    #expect(try await who(city, in: new) == ["卢飞": "head", "陈燕": "spouse", "卢小雨": "daughter"])
    #expect(try await who(city, in: number) == ["卢根生": "head"])
    try await expectSound(city)
    // Whoever is not in the old household cannot be split from it, and nothing of it is done.
    let wrong = try await complete(
      city, "hukou_044", form.merging(["members": .text("路人甲，子")]) { $1 }, subject: ("卢飞", son))
    #expect(wrong.first?.contains("未能更新户信息") == true)
    #expect(try await who(city, in: new).count == 3)
    try await expectSound(city)
  }

  @Test func aNewHeadPutsEverybodysRelationRight() async throws {
    let city = try await CaseFixture()
    let (he, she) = (try id("1960-03-07", 11), "511702196512011226")
    let number = try await household(city, head: "王建国", he)
    let wife = try id("1965-12-01", 22)
    _ = she
    try await person(city, "李梅", wife, in: number, .spouse, married: true)
    try await person(city, "王小", try id("1990-12-01", 23), in: number, .son)
    let done = try await complete(
      city, "hukou_042",
      [
        "household_number": .text(number), "head_before_name": .text("王建国"), "head_after_name": .text("李梅"),
        "head_after_id": .text(wife), "head_after_relation": .text("spouse"),
      ], subject: ("李梅", wife))
    #expect(done == ["户号 \(number) 的户主已变更"])
    #expect(try await who(city, in: number) == ["李梅": "head", "王建国": "spouse", "王小": "son"])
    #expect(try await row(city, number)["head_resident_id"] == .text(wife))
    try await expectSound(city)
  }

  @Test func correctionsReachThePersonAndAHeadsNewNameTheHousehold() async throws {
    let city = try await CaseFixture()
    let he = try id("1980-03-07", 11)
    let number = try await household(city, head: "王建国", he)
    try await complete(
      city, "hukou_043", ["other_item": .text("employer"), "education_after": .null, "value_after": .text("铜陵有色")],
      subject: ("王建国", he))
    #expect(try await one(city, "王建国")["employer_name"] == .text("铜陵有色"))
    try await complete(
      city, "hukou_043", ["other_item": .text("phone"), "education_after": .null, "value_after": .text("13800138001")],
      subject: ("王建国", he))
    #expect(try await one(city, "王建国")["phone"] == .text("13800138001"))
    try await complete(
      city, "hukou_033", ["sex_before": .text("male"), "sex_after": .text("female")], subject: ("王建国", he))
    let person = try await one(city, "王建国")
    let new = try #require(person["resident_id"].text.flatMap { ResidentID($0) })
    #expect(new.sex == .female)
    #expect(new.text != he)
    #expect(try await row(city, number)["head_resident_id"] == person["resident_id"])
    let entry = try #require(try await registers(city).list(ListQuery("resident_number")).records.first)
    #expect(try await registers(city).get("resident_number", entry.id)["replaces"] == .text(he))
    try await expectSound(city)
  }

  // MARK: Moving

  @Test func aFamilyFromOutsideMovesInTogether() async throws {
    let city = try await CaseFixture()
    let host = try id("1960-03-07", 12)
    let number = try await household(city, head: "周敏", host)
    let mover = try id("1985-03-07", 15, region: 340705)
    let done = try await complete(
      city, "hukou_046",
      [
        "origin": .text("city"), "household_kind": .text("family"), "relation_to_head": .text("spouse"),
        "head_name": .text("周敏"), "head_resident_id": .text(host),
      ], subject: ("郭志明", mover))
    #expect(done.contains("已登入人口"))
    #expect(try await who(city, in: number) == ["周敏": "head", "郭志明": "spouse"])
    #expect(try await one(city, "郭志明")["sex"] == .text("male"))
    try await expectSound(city)
  }

  @Test func adoptedNumbersOfHouseholdsThatOnlyTheirPeopleKnowAreEntered() async throws {
    let city = try await CaseFixture()
    let host = try id("1960-03-07", 12)
    try await person(city, "周敏", host, in: "888001", .head, married: true)
    try await complete(
      city, "hukou_046",
      [
        "origin": .text("city"), "household_kind": .text("family"), "relation_to_head": .text("spouse"),
        "head_name": .text("周敏"), "head_resident_id": .text(host),
      ], subject: ("郭志明", try id("1985-03-07", 15, region: 340705)))
    #expect(try await row(city, "888001")["head_name"] == .text("周敏"))
    try await expectSound(city)
  }

  @Test func aWholeFamilyEstablishesAHouseholdAndMergesBack() async throws {
    let city = try await CaseFixture()
    let father = try id("1955-03-07", 11)
    let number = try await household(city, head: "钟有财", father)
    let (he, she) = (try id("1985-03-07", 15, region: 340705), try id("1986-03-07", 16, region: 340705))
    try await complete(
      city, "hukou_120",
      [
        "origin": .text("province"), "household_kind": .text("family"), "relation_to_head": .text("head"),
        "family_along": .boolean(true), "family_count": .integer(1), "family_members": .text("王芳，\(she)，配偶"),
      ], subject: ("李强", he))
    let new = try #require(try await one(city, "李强")["household_number"].text)
    #expect(try await who(city, in: new) == ["李强": "head", "王芳": "spouse"])
    try await expectSound(city)
    let merged = try await complete(
      city, "hukou_121", ["merge_into_number": .text(number), "members": .text("李强，女婿；王芳，女")], subject: ("李强", he))
    #expect(merged.first?.hasPrefix("户号 \(new) 已并入 \(number)") == true)
    #expect(try await who(city, in: number) == ["钟有财": "head", "李强": "son", "王芳": "daughter"])
    #expect(try await row(city, new)["cancel_reason"] == .text("merged"))
    try await expectSound(city)
  }

  @Test func aCollectiveHouseholdIsFoundedOnceAndTakesPeopleIn() async throws {
    let city = try await CaseFixture()
    let made = try await complete(city, "hukou_113", ["unit_name": .text("宏远机械")])
    #expect(made.first?.hasPrefix("已立集体户") == true)
    let twice = try await complete(city, "hukou_113", ["unit_name": .text("宏远机械")])
    #expect(twice.first?.contains("已有集体户") == true)
    let settled = try await complete(
      city, "hukou_020", ["unit_name": .text("宏远机械"), "household_number": .null], subject: ("郭志明", nil))
    #expect(settled.last?.hasPrefix("已入户") == true)
    let record = try #require(
      try await registers(city).find("household", where: "head_name", equals: .text("宏远机械")))
    #expect(record["kind"] == .text("unit"))
    #expect(record["member_count"] == .integer(1))
    try await expectSound(city)
  }

  @Test func aDuplicateIsOnlyDeletedWhenTheKeptRecordIsThere() async throws {
    let city = try await CaseFixture()
    let (kept, wrong) = (try id("1990-03-07", 11), try id("1991-03-07", 13))
    let number = try await household(city, head: "赵一", wrong)
    let form: [String: Value] = ["kept_resident_id": .text(kept)]
    let refused = try await complete(city, "hukou_110", form, subject: ("赵一", wrong))
    #expect(refused.allSatisfy { $0.hasPrefix("未能") })
    #expect(try await one(city, "赵一")["registration_end_reason"].isBlank)
    try await person(city, "赵壹", kept)
    try await complete(city, "hukou_110", form, subject: ("赵一", wrong))
    #expect(try await one(city, "赵一")["registration_end_reason"] == .text("duplicate"))
    #expect(try await row(city, number)["state"] == .text("cancelled"))
    try await expectSound(city)
  }

  @Test func whoeverIsRestoredAtHomeReopensTheHousehold() async throws {
    let city = try await CaseFixture()
    let he = try id("1990-03-07", 11)
    let number = try await household(city, head: "孙二", he)
    try await complete(
      city, "hukou_084", ["is_head": .boolean(true), "others_remain": .boolean(false)], subject: ("孙二", he))
    #expect(try await row(city, number)["state"] == .text("cancelled"))
    let item = try #require(
      city.cases.services.items.first { item in
        item.form == "hukou_restore" && item.goldenCases.contains { $0.given["settle"] == .text("origin") }
      })
    let golden = try #require(item.goldenCases.firstIndex { $0.given["settle"] == .text("origin") })
    let done = try await complete(
      city, item.code, ["head_resident_id": .null], subject: ("孙二", he), golden: golden)
    #expect(done.last?.hasPrefix("已恢复到户 \(number)") == true)
    #expect(try await who(city, in: number) == ["孙二": "head"])
    #expect(try await row(city, number)["state"] == .text("active"))
    #expect(try await one(city, "孙二")["registration_ended_on"].isBlank)
    try await expectSound(city)
  }

  // MARK: Any sequence

  @Test(arguments: [3, 17] as [UInt64]) func afterAnySequenceOfCompletedCasesHouseholdsAreSound(seed: UInt64)
    async throws
  {
    let city = try await CaseFixture()
    var random = SeededRandom(seed: seed)
    for index in 1...3 { try await household(city, head: "户主\(index)", try id("197\(index)-03-07", 11)) }
    for step in 1...14 {
      let people = try await registers(city).list(
        ListQuery(
          "person", filters: [ListFilter("household_number", .empty(false))],
          columns: ["name", "resident_id", "household_number", "relation_to_head"], limit: 200)
      ).records.filter { $0["resident_id"].text != nil }
      guard let one = people.randomElement(using: &random), let other = people.randomElement(using: &random),
        let name = one["name"].text, let document = one["resident_id"].text,
        let number = one["household_number"]
          .text
      else { break }
      let isHead = one["relation_to_head"] == .text("head")
      switch Int.random(in: 0..<6, using: &random) {
      case 0, 1:
        let heads = people.filter { $0["relation_to_head"] == .text("head") }
        guard let mother = heads.randomElement(using: &random) else { break }
        try await complete(
          city, "hukou_001",
          [
            "child_name": .text("娃\(step)"), "mother_resident_id": mother["resident_id"],
            "birth_certificate_number": .text("S5100345\(step + 10)"), "household_kind": .text("family"),
            "household_head_name": mother["name"], "relation_to_head": .text("daughter"), "collective_name": .null,
          ], subject: ("娃\(step)", nil), golden: 2)
      case 2:
        let others = people.filter { $0["household_number"].text == number && $0.id != one.id }
        try await complete(
          city, "hukou_083",
          [
            "is_head": .boolean(isHead), "others_remain": isHead ? .boolean(!others.isEmpty) : .null,
            "new_head_name": isHead && !others.isEmpty ? .text("没有这个人") : .null,
          ], subject: (name, document))
      case 3:
        try await complete(
          city, "hukou_046",
          [
            "origin": .text("city"), "household_kind": .text("family"), "relation_to_head": .text("spouse"),
            "head_name": other["name"], "head_resident_id": other["resident_id"],
          ], subject: (name, document))
      case 4:
        try await complete(
          city, "hukou_042",
          [
            "household_number": .text(number), "head_after_name": .text(name), "head_after_id": .text(document),
            "head_after_birth_date": .date(try #require(CivilDate("1970-01-01"))),
          ], subject: (name, document))
      default:
        try await complete(
          city, "hukou_044",
          [
            "household_number": .text(number), "new_head_name": .text(name), "new_head_id": .text(document),
            "person_count": .integer(1), "members": .null,
          ], subject: (name, document))
      }
      try await expectSound(city)
    }
  }
}
