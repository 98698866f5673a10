import Access
import Core
import Entities
import Operations
import SQL
import Synchronization
import Testing

/// Rules of analysis and their prompts (A-004), over orders, which stand for any register.
@Suite struct PromptTests {
  private func rule(_ city: OperationsFixture, _ changes: [String: Value] = [:]) async throws -> Record {
    try await city.system.insert(
      PromptRule.register,
      [
        "name": .text("重大工单"), "register": .text("incident_order"),
        "condition": .text("level == 'major' and state == 'open'"),
        "level": .text("serious"), "within_days": .integer(3),
      ].merging(changes) { $1 })
  }

  private func order(_ city: OperationsFixture, _ level: String) async throws -> Record {
    try await city.records().insert(
      "incident_order", ["name": .text("机房断电"), "description": .text("全部停机"), "level": .text(level)])
  }

  private func prompts(_ city: OperationsFixture) async throws -> [Record] {
    try await city.all(PromptSweep.register).sorted { $0.id < $1.id }
  }

  private func set(_ city: OperationsFixture, _ order: Record, _ values: [String: Value]) async throws {
    try await city.system.update("incident_order", order.id, version: nil, values, input: .code)
  }

  private func sweep(_ city: OperationsFixture) async throws -> Int {
    try await PromptSweep(store: city.store).run(log: .silent)
  }

  @Test func whatOneRecordDecidesIsPromptedAsItIsWritten() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["officer_field": .text("handler_id")])
    _ = try await order(city, "general")
    #expect(try await prompts(city).isEmpty)
    let bad = try await order(city, "major")
    let first = try #require(try await prompts(city).first)
    #expect(first["subject"].text == "机房断电" && first["subject_id"].integer == bad.id)
    #expect(first["due_on"].date == CivilDate("2026-11-21") && first["state"].text == "open")
    // It stands once, whoever looks; it ends by itself; what comes back is another.
    #expect(try await sweep(city) == 0)
    try await set(city, bad, ["level": .text("general")])
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
    try await set(city, bad, ["level": .text("major")])
    #expect(try await prompts(city).map { $0["state"].text } == ["ended", "open"])
  }

  @Test func whatIsAnsweredStaysAnsweredWhileItGoesOn() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city)
    let bad = try await order(city, "major")
    let first = try #require(try await prompts(city).first)
    try await city.system.perform(
      "answer", on: PromptSweep.register, first.id, version: nil,
      asked: ["answer": .text("known"), "note": .text("计划停电")])
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map { $0["state"].text } == ["handled"])
    try await set(city, bad, ["level": .text("general")])
    #expect(try await prompts(city).map { $0["state"].text } == ["handled"])
    try await set(city, bad, ["level": .text("major")])
    #expect(try await prompts(city).map { $0["state"].text } == ["handled", "open"])
  }

  @Test func anotherOccasionIsAnotherPromptAndLateOnesAreMarked() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city, ["condition": .text("due_at != null"), "occasion_field": .text("due_at")])
    let one = try await order(city, "general")
    try await set(city, one, ["due_at": .instant(try #require(Instant("2026-11-20 10:00")))])
    try await set(city, one, ["due_at": .instant(try #require(Instant("2026-11-22 10:00")))])
    #expect(try await prompts(city).map { $0["state"].text } == ["ended", "open"])
    let keys = try await prompts(city).compactMap { $0["key"].text }
    #expect(Set(keys).count == 2 && !keys.contains { $0.contains("2026") }, "occasions are kept as digests")
    city.time.advance(seconds: 4 * 86_400)
    _ = try await sweep(city)
    #expect(try await prompts(city).map { $0["is_late"].boolean } == [false, true])
  }

  @Test func recordsAreGatheredByWhatTheyReferTo() async throws {
    let city = try await OperationsFixture()
    let known = try await rule(
      city, ["condition": .text("level == 'major'"), "group_field": .text("unit_id"), "at_least": .integer(2)])
    _ = try await order(city, "major")
    #expect(try await sweep(city) == 0)
    _ = try await order(city, "major")
    #expect(try await sweep(city) == 1)
    _ = try await order(city, "major")
    #expect(try await sweep(city) == 0)
    let prompt = try #require(try await prompts(city).first)
    #expect(prompt["subject"].text == "市公安局" && prompt["amount"].integer == 3 && prompt["register"].text == "unit")
    try await city.system.update(
      PromptRule.register, known.id, version: nil, ["distinct_field": .text("level")], input: .code)
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"], "all three are of one level")
  }

  private let crowded: [String: Value] = [
    "register": .text("room"), "condition": .text("state == 'occupied'"), "group_field": .text("address_id"),
    "at_least": .integer(3),
  ]

  private func room(_ city: OperationsFixture, _ number: Int, in division: String) async throws {
    try await city.database.execute(
      """
      insert into room (version, created_at, created_by, updated_at, updated_by, name, address_id, division_code,
        room_number, usage, state)
      values (1, now(), 0, now(), 0, '房屋', 1, \(division), \(String(number)), 'residence', 'occupied')
      """)
  }

  /// An address with a room in each of these divisions.
  private func house(_ city: OperationsFixture, _ divisions: [String]) async throws {
    try await city.database.execute(
      """
      insert into address (id, version, created_at, created_by, updated_at, updated_by, full_name, kind, status,
        division_code, plate_status)
      overriding system value
      values (1, 1, now(), 0, now(), 0, '朝阳路1号', 'roadside', 'active', '511702001001', 'none')
      """)
    for (number, division) in divisions.enumerated() { try await room(city, number, in: division) }
  }

  /// Prompts were told apart without their division, and two delivered rules ended theirs after 30 days.
  @Test func anUpgradePromptsNothingAnewThatStandsOrWasAnswered() async throws {
    let city = try await OperationsFixture()
    try await house(city, ["511702001001", "511702001001", "511702001001"])
    _ = try await rule(city, crowded)
    let risk = try await rule(city)
    _ = try await order(city, "major")
    #expect(try await sweep(city) == 1)
    let told = try await prompts(city)
    let answered = try #require(told.first { $0["register"].text == "incident_order" })
    let gathered = try #require(told.first { $0["register"].text == "address" })
    try await city.system.perform(
      "answer", on: PromptSweep.register, answered.id, version: nil,
      asked: ["answer": .text("known"), "note": .text("已报告")])
    // As an earlier version left them.
    func put(_ register: String, _ id: Int64, _ values: [String: Value]) async throws {
      try await city.system.update(register, id, version: nil, values, input: .code)
    }
    try await put(PromptRule.register, risk.id, ["code": .text("key_at_risk")])
    try await put(PromptSweep.register, answered.id, ["standing": .boolean(false)])
    let key = try #require(gathered["key"].text)
    try await put(PromptSweep.register, gathered.id, ["key": .text(String(key.dropLast("511702001001".count)))])
    let upgrade = try #require(OperationsSchema.migrations.first { $0.id == "0176-prompt-keys" })
    try await city.database.execute("delete from lifang_migration where id = \(upgrade.id)")
    _ = try await Migrator(log: .silent).run([upgrade], on: city.database)
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map(\.id) == told.map(\.id))
    #expect(try await city.system.get(PromptSweep.register, gathered.id)["key"].text == key)
  }

  @Test func whatIsGatheredFromSeveralDivisionsIsToldToEach() async throws {
    let city = try await OperationsFixture()
    try await house(city, ["511702001001", "511702001001", "511703001001"])
    _ = try await rule(city, crowded)
    #expect(try await sweep(city) == 2)
    let told = try await prompts(city)
    #expect(told.map { $0["division_code"].text } == ["511702001001", "511703001001"])
    #expect(told.map { $0["amount"].integer } == [3, 3] && told.map { $0["subject_id"].integer } == [1, 1])
    // What one of them answers is answered there; what leaves a division ends there only.
    try await city.system.perform(
      "answer", on: PromptSweep.register, told[0].id, version: nil,
      asked: ["answer": .text("known"), "note": .text("已核实")])
    try await room(city, 3, in: "511702001001")
    try await city.database.execute("update room set state = 'vacant' where division_code = '511703001001'")
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map { $0["state"].text } == ["handled", "ended"])
  }

  @Test func whatNobodyAnsweredInTimeStaysCountedWhenItsReasonIsGone() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city)
    let (marked, unmarked) = (try await order(city, "major"), try await order(city, "major"))
    city.time.advance(seconds: 4 * 86_400)
    // One ends after the night has marked it, one before.
    try await set(city, unmarked, ["level": .text("general")])
    _ = try await sweep(city)
    try await set(city, marked, ["level": .text("general")])
    #expect(try await prompts(city).map { $0["state"].text } == ["ended", "ended"])
    #expect(try await prompts(city).map { $0["is_late"].boolean } == [true, true])
    let soon = try await order(city, "major")
    try await set(city, soon, ["level": .text("general")])
    #expect(try await prompts(city).map { $0["is_late"].boolean } == [true, true, false])
  }

  @Test func recordsArePromptedBesideThoseOfAnotherRegister() async throws {
    let city = try await OperationsFixture()
    let bare = try await order(city, "major")
    func alarm(_ order: Record) async throws {
      try await city.system.insert(
        "alarm",
        [
          "name": .text("断电"), "origin": .text("metric"), "key": .text("k \(order.id)"), "level": .text("serious"),
          "detail": .text("断电"), "raised_at": .instant(city.time.clock.now()), "order_id": .integer(order.id),
        ], input: .code)
    }
    let known = try await rule(
      city,
      [
        "beside_register": .text("alarm"), "beside_field": .text("order_id"),
        "beside_condition": .text("state == 'raised'"),
        "beside_missing": .boolean(true),
      ])
    #expect(try await sweep(city) == 1)
    try await alarm(bare)
    #expect(try await sweep(city) == 0)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
    try await city.system.update(
      PromptRule.register, known.id, version: nil, ["beside_missing": .boolean(false)], input: .code)
    #expect(try await sweep(city) == 1)
  }

  @Test func aRuleThatCannotBeWorkedOutIsRefusedWithTheFieldAtFault() async throws {
    let city = try await OperationsFixture()
    let wrong: [([String: Value], String)] = [
      (["condition": .text("level = ")], "condition"), (["condition": .text("due_at")], "condition"),
      (["condition": .text("nothing == 1")], "condition"), (["officer_field": .text("unit_id")], "officer_field"),
      (["occasion_field": .text("overdue")], "occasion_field"),
      (["group_field": .text("level"), "at_least": .integer(2)], "group_field"),
      (["beside_register": .text("incident_order"), "beside_field": .text("unit_id")], "beside_field"),
      (["register": .text("person"), "condition": .text("phone == '13800000000'")], "condition"),
      (["register": .text("person"), "condition": .text("marital_status == 'married'")], "condition"),
      (["occasion_field": .text("description")], "occasion_field"),
      (
        ["register": .text("person"), "condition": .text("name != null"), "occasion_field": .text("birth_date")],
        "occasion_field"
      ),
      (
        [
          "register": .text("person"), "condition": .text("name != null"), "group_field": .text("address_id"),
          "at_least": .integer(2), "distinct_field": .text("marital_status"),
        ], "distinct_field"
      ),
    ]
    for (changes, field) in wrong {
      do {
        _ = try await rule(city, changes)
        Issue.record("\(changes) was kept")
      } catch let refusal as Refusal {
        #expect(refusal.code == "prompt-rule-wrong" && refusal.field == field, "\(refusal)")
      }
    }
    // What is sensitive may be asked for where only those see it who have to.
    _ = try await rule(
      city,
      [
        "register": .text("person"), "condition": .text("marital_status == 'married'"), "restricted": .boolean(true),
      ])
  }

  @Test func aFieldIsNamedByItsLabelTooAndARefusalNamesThoseThatCanBeUsed() async throws {
    let city = try await OperationsFixture()
    let gathered: [String: Value] = [
      "register": .text("room"), "condition": .text("state == 'occupied'"), "group_field": .text("标准地址"),
      "at_least": .integer(2), "distinct_field": .text("用途"),
    ]
    let known = try await rule(city, gathered)
    #expect(known["group_field"].text == "address_id" && known["distinct_field"].text == "usage")
    let changed = try await city.system.update(
      PromptRule.register, known.id, version: nil, ["distinct_field": .text("室号")], input: .code)
    #expect(changed["distinct_field"].text == "room_number")
    func message(_ changes: [String: Value]) async throws -> String {
      do {
        _ = try await rule(city, gathered.merging(changes) { $1 })
        return ""
      } catch let refusal as Refusal { return refusal.message }
    }
    let grouping = try await message(["group_field": .text("房间")])
    #expect(grouping.contains("address_id（标准地址）") && !grouping.contains("usage"))
    #expect(try await message(["condition": .text("status == 'x'")]).contains("state（使用状态）"))
    #expect(try await message(["condition": .text("state == ")]).contains("可以用：") == false)
  }

  @Test func aRuleSomebodyStopsEndsWhatItPrompted() async throws {
    let city = try await OperationsFixture()
    let known = try await rule(city)
    _ = try await order(city, "major")
    let admin = try city.person("admin")
    let trusted = city.store.records(as: admin.entrusted(with: [PromptRule.register, "incident_order"]))
    try await trusted.perform("disable", on: PromptRule.register, known.id, version: nil)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
    try await trusted.perform("enable", on: PromptRule.register, known.id, version: nil)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended", "open"])
    let again = try await city.system.get(PromptRule.register, known.id)
    #expect(again["found"].integer == 1 && again["swept_at"].instant == city.time.clock.now())
  }

  @Test func whereThereAreJobsARuleIsWorkedOutByOneAndStoppedAtOnce() async throws {
    let city = try await OperationsFixture()
    let asked = Asked()
    city.prompts.begin { rule, _ in asked.rules.withLock { $0.append(rule) } }
    _ = try await order(city, "major")
    let trusted = try author(city, of: ["incident_order"])
    let made = try await trusted.insert(
      PromptRule.register,
      [
        "name": .text("重大工单"), "register": .text("incident_order"), "condition": .text("level == 'major'"),
        "level": .text("serious"), "within_days": .integer(3),
      ])
    try await trusted.perform("sweep", on: PromptRule.register, made.id, version: nil)
    #expect(asked.rules.withLock(\.self) == [made.id, made.id])
    #expect(try await prompts(city).isEmpty)
    let work = PromptSweep(store: city.store)
    #expect(try await work.work(made.id, log: .silent) == 1)
    #expect(try await work.work(made.id, log: .silent) == 0)
    try await trusted.perform("disable", on: PromptRule.register, made.id, version: nil)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
    #expect(asked.rules.withLock(\.count) == 2)
    // One that was deleted before its turn is nothing to be told of.
    #expect(try await work.work(made.id + 1000, log: .silent) == 0)
  }

  private final class Asked: Sendable {
    let rules = Mutex<[Int64]>([])
  }

  @Test func aRuleWhoseRegisterHasChangedCanStillBeStopped() async throws {
    let city = try await OperationsFixture()
    let known = try await rule(city)
    _ = try await order(city, "major")
    try await city.database.execute(
      "update prompt_rule set condition = 'gone == 1' where id = \(known.id)")
    let admin = try city.person("admin")
    let trusted = city.store.records(as: admin.entrusted(with: [PromptRule.register]))
    try await trusted.perform("disable", on: PromptRule.register, known.id, version: nil)
    #expect(try await prompts(city).map { $0["state"].text } == ["ended"])
  }

  /// Somebody who may write rules, and see these registers.
  private func author(
    _ city: OperationsFixture, of registers: [String], _ clearance: Classification = .inner, scope: DataScope = .all
  ) throws -> Records {
    let admin = try city.person("admin")
    let grants =
      [Grants.Grant(Permission(PromptRule.register, "*"), .all)]
      + registers.map { Grants.Grant(Permission($0, "view"), scope) }
    return city.store.records(
      as: Principal(
        kind: .user, id: admin.id, name: admin.name, unit: admin.unit, grants: Grants(grants), clearance: clearance))
  }

  private func refusal(_ body: () async throws -> Void) async throws -> String? {
    do {
      try await body()
      return nil
    } catch let refusal as Refusal {
      return "\(refusal.code) \(refusal.field ?? "")"
    }
  }

  @Test func nobodyAsksByARuleForWhatTheyMayNotRead() async throws {
    let city = try await OperationsFixture()
    func write(_ author: Records, _ values: [String: Value]) async throws -> String? {
      try await refusal {
        _ = try await author.insert(
          PromptRule.register,
          ["name": .text("试探"), "level": .text("general"), "within_days": .integer(3)].merging(values) { $1 })
      }
    }
    let listed: [String: Value] = [
      "register": .text("key_object"), "condition": .text("subject == '张三' and category == 'mental'"),
    ]
    let married: [String: Value] = [
      "register": .text("person"), "condition": .text("marital_status == 'married'"), "restricted": .boolean(true),
    ]
    let beside: [String: Value] = [
      "register": .text("room"), "condition": .text("is_let == false"), "beside_register": .text("residence"),
      "beside_field": .text("room_id"), "beside_condition": .text("until == null"),
    ]
    #expect(try await write(try author(city, of: ["room"]), listed) == "prompt-rule-unseen register")
    #expect(
      try await write(try author(city, of: ["person"], .secret, scope: .division([])), married)
        == "prompt-rule-unseen register", "part of a register is not all of it")
    #expect(try await write(try author(city, of: ["person"]), married) == "prompt-rule-masked register")
    #expect(try await write(try author(city, of: ["room"]), beside) == "prompt-rule-unseen beside_register")
    #expect(try await city.all(PromptRule.register).isEmpty)
    #expect(try await write(try author(city, of: ["person"], .sensitive), married) == nil)
    #expect(try await write(try author(city, of: ["room", "residence"]), beside) == nil)
  }

  @Test func whoMayNotReadItStopsARuleAndDoesNotStartOrChangeIt() async throws {
    let city = try await OperationsFixture()
    let known = try await rule(city)
    let stranger = try author(city, of: [])
    #expect(
      try await refusal {
        _ = try await stranger.update(
          PromptRule.register, known.id, version: nil, ["condition": .text("level == 'general'")])
      } == "prompt-rule-unseen register")
    try await stranger.perform("disable", on: PromptRule.register, known.id, version: nil)
    #expect(
      try await refusal {
        _ = try await stranger.perform("enable", on: PromptRule.register, known.id, version: nil)
      } == "prompt-rule-unseen register")
  }

  @Test func rulesOverKeyObjectsAreRestrictedWhateverWasTicked() async throws {
    let city = try await OperationsFixture()
    let known = try await rule(
      city,
      ["register": .text("key_object"), "condition": .text("category == 'mental'"), "restricted": .boolean(false)])
    #expect(known["restricted"].boolean == true)
    let changed = try await city.system.update(
      PromptRule.register, known.id, version: nil, ["restricted": .boolean(false)], input: .code)
    #expect(changed["restricted"].boolean == true)
    let open = try await rule(city)
    #expect(open["restricted"].boolean == false)
  }

  @Test func anOpenPromptFollowsItsRecordAndItsRuleUnlessSomebodyTookItOver() async throws {
    let city = try await OperationsFixture()
    func id(_ account: String) throws -> Value { .integer(try city.person(account).id) }
    let known = try await rule(city, ["officer_field": .text("handler_id")])
    let bad = try await order(city, "major")
    let past = try await order(city, "major")
    try await set(city, past, ["level": .text("general")])
    try await set(city, bad, ["handler_id": try id("one")])
    #expect(try await prompts(city).first?["officer_id"] == id("one"))
    try await set(city, bad, ["handler_id": try id("two")])
    #expect(try await prompts(city).first?["officer_id"] == id("two"))

    try await city.system.update(
      PromptRule.register, known.id, version: nil,
      ["level": .text("major"), "advice": .text("立即到场"), "restricted": .boolean(true)], input: .code)
    _ = try await sweep(city)
    let now = try await prompts(city)
    #expect(now.first?["level"].text == "major" && now.first?["advice"].text == "立即到场")
    #expect(now.map { $0["restricted"].boolean } == [true, true], "what is over is hidden as well")

    let first = try #require(now.first)
    let admin = city.store.records(as: try city.person("admin").entrusted(with: [PromptSweep.register]))
    try await admin.perform(
      "pass_on", on: PromptSweep.register, first.id, version: nil, asked: ["officer_id": try id("three")])
    try await set(city, bad, ["handler_id": try id("one")])
    #expect(try await prompts(city).first?["officer_id"] == id("three"))
  }

  @Test func aPromptIsPassedOnToStaffWhoWorkOnly() async throws {
    let city = try await OperationsFixture()
    _ = try await rule(city)
    _ = try await order(city, "major")
    let prompt = try #require(try await prompts(city).first)
    try await city.database.execute(
      """
      insert into app_user (version, created_at, created_by, updated_at, updated_by, account, name, clearance, status)
      values (1, now(), 0, now(), 0, 'citizen', '居民', 'open', 'active')
      """)
    let citizen: Int64 = try #require(
      try await city.database.query("select id from app_user where account = 'citizen'").first
    ).get("id")
    let admin = city.store.records(as: try city.person("admin").entrusted(with: [PromptSweep.register]))
    #expect(
      try await refusal {
        _ = try await admin.perform(
          "pass_on", on: PromptSweep.register, prompt.id, version: nil, asked: ["officer_id": .integer(citizen)])
      } == "prompt-officer-unknown officer_id")
    #expect(try await prompts(city).first?["officer_id"].isNull == true)
  }
}
