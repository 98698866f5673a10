import Access
import Cases
import Core
import Entities
import Households
import Processes
import SQL
import Testing

/// 户籍变动台账 and its restoration (C-469, C-472, C-473).
@Suite struct HouseholdLedgerTests {
  private let people = HouseholdTests()

  /// The lines of the ledger, oldest first.
  func lines(_ city: CaseFixture, _ query: String? = nil) async throws -> [Record] {
    var items: [(name: String, value: String)] = [("sort", "number")]
    if let query {
      let entity = try #require(city.store.catalog.entity("household_change"))
      items += try #require(entity.list.query(query)).conditions.map { ($0.name, $0.value) }
    }
    let entity = try city.store.entity("household_change")
    var asked = try ListQuery(entity, items: items)
    asked.columns = entity.fields.filter(\.isStored).map(\.name)
    return try await people.registers(city).list(asked).records
  }

  @Test func aDeathIsOneLineOfTheFourAndWhoFollowsIsAChangeOfMembers() async throws {
    let city = try await CaseFixture()
    let (he, she) = (try people.id("1936-03-07", 11), try people.id("1938-05-01", 12))
    let number = try await people.household(city, head: "张老汉", he)
    try await people.person(city, "李大娘", she, in: number, .spouse, married: true)
    #expect(try await lines(city).isEmpty)
    try await people.complete(
      city, "hukou_083", ["is_head": .boolean(true), "others_remain": .boolean(true), "new_head_name": .text("李大娘")],
      subject: ("张老汉", he))
    let four = try await lines(city, "four")
    #expect(four.count == 1)
    let dead = try #require(four.first)
    #expect(dead["kind"] == .text("death"))
    #expect(dead["person_name"] == .text("张老汉"))
    #expect(dead["membership"] == .text("left"))
    #expect(dead["number_before"] == .text(number))
    #expect(dead["number_after"].isNull)
    #expect(dead["head_before"] == .text("张老汉"))
    #expect(dead["summary"].text?.contains("死亡日期 （空） →") == true)
    #expect(dead["state"] == .text("effective"))
    let members = try await lines(city, "members")
    #expect(
      Dictionary(uniqueKeysWithValues: members.map { ($0["person_name"].text ?? "", $0["kind"].text ?? "") }) == [
        "张老汉": "death", "李大娘": "member",
      ])
    // The household itself has another head, which is no change of its kind.
    #expect(try await lines(city, "household_kind").isEmpty)
    #expect(try await lines(city).map { $0["service_case_id"] }.allSatisfy { !$0.isNull })
  }

  @Test func aChangeOfTheKindOfAHouseholdShowsBothKinds() async throws {
    let city = try await CaseFixture()
    let he = try people.id("1960-03-07", 11)
    try await people.household(city, head: "孙一", he)
    try await people.complete(
      city, "hukou_119",
      ["household_kind_after": .text("temple"), "collective_name_after": .text("真佛寺")], subject: ("孙一", he))
    let changed = try #require(try await lines(city, "household_kind").first)
    #expect(changed["kind_before"] == .text("family"))
    #expect(changed["kind_after"] == .text("temple"))
    #expect(changed["head_before"] == .text("孙一"))
    #expect(changed["head_after"] == .text("真佛寺"))
  }

  @Test func aDeathOfTheWrongPersonIsPutBackWithTheWholeHousehold() async throws {
    let city = try await CaseFixture()
    let (he, she) = (try people.id("1936-03-07", 11), try people.id("1938-05-01", 12))
    let number = try await people.household(city, head: "张老汉", he)
    try await people.person(city, "李大娘", she, in: number, .spouse, married: true)
    try await people.complete(
      city, "hukou_083", ["is_head": .boolean(true), "others_remain": .boolean(true), "new_head_name": .text("李大娘")],
      subject: ("张老汉", he))
    let change = try #require(try await lines(city, "four").first?["number"].text)
    let done = try await people.complete(
      city, "hukou_revert", ["change_number": .text(change), "reason": .text("wrong_person")], subject: ("张老汉", he))
    #expect(done == ["已恢复变动 \(change)：恢复 3 项。"])
    #expect(try await people.who(city, in: number) == ["张老汉": "head", "李大娘": "spouse"])
    let back = try await people.one(city, "张老汉")
    #expect(back["deceased_on"].isNull)
    #expect(back["registration_ended_on"].isNull)
    #expect(try await people.row(city, number)["head_name"] == .text("张老汉"))
    try await people.expectSound(city)
    let all = try await lines(city)
    #expect(all.filter { $0["kind"] == .text("revert") }.count == 3)
    #expect(all.filter { $0["kind"] != .text("revert") }.allSatisfy { $0["state"] == .text("restored") })
    // What was restored is not restored again, nor is a restoration.
    for line in all {
      let refused = await #expect(throws: Refusal.self) {
        try await city.store.database.transaction { transaction in
          _ = try await HouseholdBook(
            people.registers(city).within(transaction), place: .init(division: "511702001001", unit: 3, address: nil)
          ).revert(line["number"].text ?? "", for: "试")
        }
      }
      #expect(["change-restored", "change-final"].contains(refused?.code))
    }
  }

  @Test func whatWasChangedAgainSinceIsNotPutBack() async throws {
    let city = try await CaseFixture()
    let (he, she) = (try people.id("1936-03-07", 11), try people.id("1938-05-01", 12))
    let number = try await people.household(city, head: "张老汉", he)
    try await people.person(city, "李大娘", she, in: number, .spouse, married: true)
    try await people.person(city, "张小满", try people.id("2015-05-12", 13), in: number, .grandchild)
    try await people.complete(
      city, "hukou_083", ["is_head": .boolean(true), "others_remain": .boolean(true), "new_head_name": .text("李大娘")],
      subject: ("张老汉", he))
    let first = try #require(try await lines(city, "four").first?["number"].text)
    try await people.complete(
      city, "hukou_083", ["is_head": .boolean(true), "others_remain": .boolean(true), "new_head_name": .text("张小满")],
      subject: ("李大娘", she))
    let refused = await #expect(throws: Refusal.self) {
      try await people.complete(
        city, "hukou_revert", ["change_number": .text(first), "reason": .text("wrong_person")], subject: ("张老汉", he))
    }
    #expect(refused?.code == "change-overtaken")
    #expect(try await people.who(city, in: number) == ["张小满": "head"])
    try await people.expectSound(city)
  }

  /// Somebody of the west is moved into a household of the east; `note` is what an officer writes down afterwards.
  private func moveInByMistake(_ city: CaseFixture, note: String? = nil) async throws -> (person: Int64, change: String)
  {
    let (host, mover) = (try people.id("1960-03-07", 12), try people.id("1985-03-07", 15))
    try await people.household(city, head: "周敏", host)
    let person = try await registers(city).insert(
      "person",
      [
        "name": .text("郭志明"), "document_kind": .text("resident_id"), "resident_id": .text(mover),
        "sex": .text("male"), "birth_date": .date(try #require(CivilDate("1985-03-07"))),
        "residency": .text("permanent"), "division_code": .text("511702002001"), "note": .text("西城老户"),
        "moved_in_on": .date(try #require(CivilDate("1999-05-01"))), "phone": .text("13800138001"),
      ], input: .code
    ).id
    try await people.complete(
      city, "hukou_046",
      [
        "origin": .text("city"), "household_kind": .text("family"), "relation_to_head": .text("spouse"),
        "head_name": .text("周敏"), "head_resident_id": .text(host),
      ], subject: ("郭志明", mover))
    #expect(try await registers(city).get("person", person)["division_code"] == .text("511702001001"))
    if let note {
      try await registers(city).update("person", person, version: nil, ["note": .text(note)], input: .code)
    }
    let line = try #require(try await lines(city).first { $0["person_id"] == .integer(person) })
    return (person, line["number"].text ?? "")
  }

  private func putBack(_ city: CaseFixture, _ number: String) async throws -> [String] {
    try await people.complete(
      city, "hukou_revert", ["change_number": .text(number), "reason": .text("wrong_person")],
      subject: ("周敏", try people.id("1960-03-07", 12)))
  }

  private func registers(_ city: CaseFixture) -> Records { people.registers(city) }

  @Test func aWrongMoveInIsPutBackWithTheScopeAndEverythingElseOfIt() async throws {
    let city = try await CaseFixture()
    let (person, change) = try await moveInByMistake(city)
    _ = try await putBack(city, change)
    let back = try await registers(city).get("person", person)
    #expect(back["division_code"] == .text("511702002001"))
    #expect(back["note"] == .text("西城老户"))
    #expect(back["moved_in_on"] == .date(try #require(CivilDate("1999-05-01"))))
    #expect(back["household_number"].isNull)
    #expect(back["phone"] == .text("13800138001"))
    try await people.expectSound(city)
  }

  @Test func aNoteThatWasWrittenSinceStaysAndIsNamed() async throws {
    let city = try await CaseFixture()
    let (person, change) = try await moveInByMistake(city, note: "错迁，待恢复")
    let done = try await putBack(city, change)
    #expect(done.first?.contains("郭志明的备注在变动之后又改过，保留现在的内容") == true)
    let back = try await registers(city).get("person", person)
    #expect(back["note"] == .text("错迁，待恢复"))
    #expect(back["division_code"] == .text("511702002001"))
  }

  @Test func whoWasGivenAnotherDivisionSinceIsNotPutBack() async throws {
    let city = try await CaseFixture()
    let (person, change) = try await moveInByMistake(city)
    try await registers(city).update(
      "person", person, version: nil, ["division_code": .text("511702001002")], input: .code)
    let refused = await #expect(throws: Refusal.self) { try await putBack(city, change) }
    #expect(refused?.code == "change-overtaken")
  }

  @Test func aCaseOfMoreLinesThanArePutBackAtOnceIsRefused() async throws {
    let city = try await CaseFixture()
    let (_, change) = try await moveInByMistake(city)
    try await city.database.transaction { transaction in
      _ = try await transaction.query(
        "select set_config('lifang.scope_household_change', '{\"all\":true}', true)")
      try await transaction.execute(
        """
        insert into household_change overriding system value
        select (jsonb_populate_record(null::household_change,
          to_jsonb(c) || jsonb_build_object('id', 100000 + n, 'number', 'X' || n))).*
        from household_change c, generate_series(1, 500) n where c.number = \(change)
        """)
    }
    let refused = await #expect(throws: Refusal.self) { try await putBack(city, change) }
    #expect(refused?.code == "change-large")
  }

  @Test func anotherStationIsToldNothingOfAChange() async throws {
    let city = try await CaseFixture()
    let (person, change) = try await moveInByMistake(city)
    try await registers(city).update(
      "person", person, version: nil, ["division_code": .text("511702001002")], input: .code)
    var application = try city.application(
      "hukou_revert", channel: .window, delivery: "window", division: "511702002001")
    application.content.form["change_number"] = .text(change)
    application.content.form["reason"] = .text("wrong_person")
    let refused = await #expect(throws: Refusal.self) {
      try await city.cases.start(application, by: try city.person("west"))
    }
    #expect(refused?.code == "change-foreign")
    #expect(refused?.message.contains("郭志明") == false)
  }

  @Test func aNewbornThatWasNeverBornHereIsEndedAndKeepsItsNumber() async throws {
    let city = try await CaseFixture()
    let mother = "511702199603071223"
    let number = try await people.household(city, head: "马晓梅", mother)
    try await people.complete(
      city, "hukou_001",
      [
        "child_name": .text("罗一诺"), "child_sex": .text("female"), "child_ethnicity": .text("01"),
        "mother_resident_id": .text(mother), "household_kind": .text("family"), "household_head_name": .text("马晓梅"),
        "relation_to_head": .text("daughter"), "collective_name": .null,
      ], subject: ("罗一诺", nil), golden: 2)
    let birth = try #require(try await lines(city, "four").first)
    #expect(birth["kind"] == .text("birth"))
    #expect(birth["membership"] == .text("joined"))
    #expect(birth["number_after"] == .text(number))
    let given = try await people.one(city, "罗一诺")["resident_id"]
    try await people.complete(
      city, "hukou_revert", ["change_number": birth["number"], "reason": .text("invalid_basis")],
      subject: ("马晓梅", mother))
    let child = try await people.one(city, "罗一诺")
    #expect(child["registration_end_reason"] == .text("revoked"))
    #expect(child["resident_id"] == given)
    #expect(try await people.who(city, in: number) == ["马晓梅": "head"])
    try await people.expectSound(city)
  }

  @Test func whatAnOfficerChangesByHandIsALineOfItsOwn() async throws {
    let city = try await CaseFixture()
    let he = try people.id("1960-03-07", 11)
    let number = try await people.household(city, head: "孙一", he)
    let kin = try await people.person(city, "孙二", try people.id("1990-03-07", 12), in: number, .son)
    try await people.registers(city).update(
      "person", kin, version: nil, ["relation_to_head": .text("other")], input: .code)
    let line = try #require(try await lines(city).first)
    #expect(line["kind"] == .text("edit"))
    #expect(line["membership"] == .text("relation"))
    #expect(line["relation_before"] == .text("son"))
    #expect(line["relation_after"] == .text("other"))
    #expect(line["service_case_id"].isNull)
    // A telephone number is no change of registration.
    try await people.registers(city).update("person", kin, version: nil, ["occupation": .text("教师")], input: .code)
    #expect(try await lines(city).count == 1)
  }
}
