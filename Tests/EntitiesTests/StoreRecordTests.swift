import Access
import Audit
import Core
import Crypto
import Entities
import SQL
import Synchronization
import TestSupport
import Testing

@Suite struct StoreRecordTests {
  static let plot: JSON = [
    "type": "Polygon",
    "coordinates": [[[107.5, 31.2], [107.51, 31.2], [107.51, 31.21], [107.5, 31.21], [107.5, 31.2]]],
  ]

  @Test func everyKindOfValueComesBackAsItWasWritten() async throws {
    let city = try await StoreFixture.make()
    let units = try await city.makeUnits()
    let values: [String: Value] = [
      "name": .text("朝阳'栋\"\\"), "kind": .text("office"), "tags": .list(["school", "office"]),
      "division_code": .text("511702001"), "unit_id": .integer(units.child), "keeper": .integer(9),
      "storeys": .integer(33), "area": .decimal(try #require(FixedDecimal("1234.567891"))),
      "value": .money(Money(fen: 123_456_789)), "built": .date(try #require(CivilDate("1998-02-28"))),
      "inspected": .instant(Instant(microseconds: 1_795_233_600_123_456)), "vacant": .boolean(false),
      "location": .geometry(["type": "Point", "coordinates": [107.5012345, 31.2]]),
      "footprint": .geometry(Self.plot), "remark": .text("第一行\n第二行"),
      "extra": .json(["a": [1, 2.5, "三", .null]]),
    ]
    let made = try await city.system.insert("building", values)
    let read = try await city.system.get("building", made.id)
    for (name, value) in values where name != "footprint" { #expect(read[name] == value, "\(name)") }
    #expect(read["footprint"].geometry?["type"] == "MultiPolygon")
    #expect(read["age"] == .integer(28))
    #expect(read["code"] == .text("B511702-0001"))
    #expect(read.titles["unit_id"] == "东城街道")
    #expect(read.titles["kind"] == "写字楼")
    #expect(read.titles["tags"] == "学校、写字楼")
    #expect(read.version == 1 && read.createdAt == StoreFixture.noon)
  }

  @Test func numbersAreHandedOutOnceAndBySeries() async throws {
    let city = try await StoreFixture.make()
    let codes = try await withThrowingTaskGroup(of: String.self) { group in
      for index in 0..<24 {
        group.addTask {
          let division = index % 2 == 0 ? "511702" : "511703"
          let made = try await city.system.insert(
            "building", ["name": .text("栋\(index)"), "division_code": .text(division)])
          return made["code"].text ?? ""
        }
      }
      return try await group.reduce(into: [String]()) { $0.append($1) }
    }
    let expected = ["511702", "511703"].flatMap { prefix in
      (1...12).map { "B\(prefix)-00\($0 < 10 ? "0" : "")\($0)" }
    }
    #expect(codes.sorted() == expected)
  }

  @Test func everyFaultOfTheValuesIsToldAtOnce() async throws {
    let city = try await StoreFixture.make()
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.insert(
        "building", ["storeys": .integer(0), "kind": .text("castle"), "division_code": .text("51")])
    }
    let fields = ([refusal?.field] + (refusal?.others.map(\.field) ?? [])).compactMap(\.self)
    #expect(Set(fields) == ["name", "storeys", "kind"])
    #expect(try await city.system.count(ListQuery("building")).value == 0)
  }

  @Test func aFormMaySetNeitherUnknownNorComputedNorSystemFields() async throws {
    let city = try await StoreFixture.make()
    for (field, code) in [
      ("nothing", "field-unknown"), ("age", "field-computed"), ("id", "field-unknown"),
      ("status", "field-not-editable"),
    ] {
      let refusal = await #expect(throws: Refusal.self) {
        try await city.system.insert(
          "building", ["name": .text("甲"), "division_code": .text("5117"), field: .text("1")])
      }
      #expect(refusal?.code == code)
    }
  }

  @Test func aSecondRecordWithAUniqueValueIsRefusedByName() async throws {
    let city = try await StoreFixture.make()
    let values: [String: Value] = ["name": .text("张三"), "id_number": .text("511702199001011238")]
    let id = try #require(ResidentID(region: 511702, birthDate: CivilDate("1990-01-01")!, sequence: 123)).text
    try await city.system.insert("citizen", values.merging(["id_number": .text(id)]) { $1 })
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.insert("citizen", ["name": .text("李四"), "id_number": .text(id)])
    }
    #expect(refusal?.code == "duplicate" && refusal?.field == "id_number")
    #expect(refusal?.message.contains("身份证号") == true)
  }

  @Test func aReferenceMustLeadSomewhere() async throws {
    let city = try await StoreFixture.make()
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.insert(
        "building", ["name": .text("甲"), "division_code": .text("5117"), "unit_id": .integer(404)])
    }
    #expect(refusal?.code == "reference-missing" && refusal?.field == "unit_id")
  }

  @Test func aCrossedOutlineIsRefused() async throws {
    let city = try await StoreFixture.make()
    let crossed: JSON = [
      "type": "Polygon", "coordinates": [[[107, 31], [108, 32], [108, 31], [107, 32], [107, 31]]],
    ]
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.insert(
        "building", ["name": .text("甲"), "division_code": .text("5117"), "footprint": .geometry(crossed)])
    }
    #expect(refusal?.field == "footprint")
  }

  @Test func theSecondWriterLearnsWhoWasFirst() async throws {
    let city = try await StoreFixture.make(actorName: { id, _ in id == 7 ? "王芳" : nil })
    let made = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    let grants: [(String, DataScope)] = [("building.view", .all), ("building.update", .all)]
    let first = city.store.records(as: StoreFixture.user(7, grants))
    let second = city.store.records(as: StoreFixture.user(8, grants))
    city.clock.advance(seconds: 60)
    let changed = try await first.update("building", made.id, version: 1, ["name": .text("乙")])
    #expect(changed.version == 2 && changed.updatedBy == 7 && changed.updatedAt == StoreFixture.noon + 60)
    let refusal = await #expect(throws: Refusal.self) {
      try await second.update("building", made.id, version: 1, ["name": .text("丙")])
    }
    #expect(refusal?.kind == .conflict && refusal?.message.contains("王芳") == true)
    #expect(try await second.get("building", made.id)["name"] == .text("乙"))
  }

  @Test func aChangeThatChangesNothingMakesNoVersion() async throws {
    let city = try await StoreFixture.make()
    let made = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    let same = try await city.system.update("building", made.id, version: 1, ["name": .text("甲")])
    #expect(same.version == 1)
    #expect(try await city.system.versions("building", made.id).count == 1)
  }

  @Test func historyTellsEveryVersionAndAnyDayCanBeAskedFor() async throws {
    let city = try await StoreFixture.make()
    let made = try await city.system.insert("building", ["name": .text("一"), "division_code": .text("511702")])
    for name in ["二", "三"] {
      city.clock.advance(seconds: 100)
      try await city.system.update("building", made.id, version: nil, ["name": .text(name)])
    }
    city.clock.advance(seconds: 100)
    try await city.system.delete("building", made.id, version: 3)
    let noon = StoreFixture.noon
    let versions = try await city.system.versions("building", made.id)
    #expect(versions.map { $0.record["name"] } == [.text("三"), .text("二"), .text("一")])
    #expect(versions.map(\.validFrom) == [noon + 200, noon + 100, noon])
    #expect(versions.map(\.validTo) == [noon + 300, noon + 200, noon + 100])
    #expect(versions.map(\.ending) == [.deleted, .updated, .updated])
    for (seconds, name) in [(0, "一"), (99, "一"), (100, "二"), (250, "三")] as [(Int64, String)] {
      let record = try await city.system.get("building", made.id, asOf: noon + seconds)
      #expect(record["name"] == .text(name), "after \(seconds) s")
      let page = try await city.system.list(ListQuery("building", search: name, asOf: noon + seconds))
      #expect(page.records.map(\.id) == [made.id])
    }
    await #expect(throws: Refusal.self) { try await city.system.get("building", made.id, asOf: noon + 300) }
    await #expect(throws: Refusal.self) { try await city.system.get("building", made.id, asOf: noon + -1) }
    #expect(try await city.system.list(ListQuery("building")).records.isEmpty)
  }

  @Test func aRepairOutsideOfTheStoreDoesNotHideWhoChangedARecordAfterIt() async throws {
    let city = try await StoreFixture.make()
    let made = try await city.system.insert("building", ["name": .text("一"), "division_code": .text("511702")])
    for division in ["511703", "511702"] {  // by hand: neither version nor time is counted on
      try await city.database.execute("update building set division_code = \(division) where id = \(made.id)")
    }
    city.clock.advance(seconds: 100)
    let officer = city.store.records(
      as: StoreFixture.user(7, [("building.view", .all), ("building.update", .all)]))
    try await officer.update("building", made.id, version: 1, ["name": .text("二")])
    let versions = try await city.system.versions("building", made.id)
    #expect(versions.map { $0.record["name"] } == [.text("二"), .text("一"), .text("一"), .text("一")])
    #expect(versions[1].endedBy == 7 && versions[1].validTo == StoreFixture.noon + 100)
  }

  @Test func whatIsReferredToIsNotDeleted() async throws {
    let city = try await StoreFixture.make()
    let building = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    let room = try await city.system.insert(
      "room", ["building_id": .integer(building.id), "number": .text("101")])
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.delete("building", building.id, version: nil)
    }
    #expect(refusal?.code == "referenced" && refusal?.message.contains("房屋的“楼栋”（1 条）") == true)
    try await city.system.delete("room", room.id, version: 1)
    try await city.system.delete("building", building.id, version: 1)
  }

  @Test func anActionSetsWhatItDeclaresWhileItsConditionHolds() async throws {
    let city = try await StoreFixture.make()
    let made = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    let done = try await city.system.perform(
      "demolish", on: "building", made.id, version: 1, asked: ["remark": .text("旧改")])
    #expect(done["status"] == .text("demolished") && done["remark"] == .text("旧改"))
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.perform("demolish", on: "building", made.id, version: 2)
    }
    #expect(refusal?.code == "action-not-now")
  }

  @Test func severalChangesStandOrFallTogetherAndBulkOnesAlone() async throws {
    let city = try await StoreFixture.make()
    await #expect(throws: Refusal.self) {
      try await city.store.transaction(as: .system) { records in
        try await records.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
        try await records.insert("building", ["name": .text("乙"), "division_code": .text("x")])
      }
    }
    #expect(try await city.system.count(ListQuery("building")).value == 0)
    var ids: [Int64] = []
    for storeys in [5, 50, 99] {
      ids.append(
        try await city.system.insert(
          "building",
          ["name": .text("甲"), "division_code": .text("511702"), "storeys": .integer(Int64(storeys))]
        ).id)
    }
    let outcome = try await city.system.updateAll("building", ids + [404], ["name": .text("乙")])
    #expect(outcome.done == ids && outcome.refused.map(\.id) == [404])
    #expect(try await city.system.deleteAll("building", ids).done == ids)
  }

  @Test func hooksShareTheTransactionAndSeeClearValues() async throws {
    let seen = Mutex<[String]>([])
    var hooks = RecordHooks()
    hooks.beforeInsert("building") { drafts, _ in
      for index in drafts.indices {
        drafts[index]["remark"] = .text("登记自\(drafts[index]["name"].text ?? "")")
        if drafts[index]["name"] == .text("禁") {
          drafts[index].refuse(Refusal(.unprocessable, "no", "名称不可用。", field: "name"))
        }
      }
    }
    hooks.beforeUpdate("building") { changes, _ in
      for index in changes.indices where changes[index].alters("name") { changes[index]["keeper"] = .integer(1) }
    }
    hooks.after("building") { events, records in
      seen.withLock { $0 += events.map { "\($0.kind.rawValue) \($0["name"].plainText)" } }
      if events.contains(where: { $0["name"] == .text("炸") }) { throw Fault("boom") }
      try await records.asSystem.insert("unit", ["name": .text("随附")])
    }
    let city = try await StoreFixture.make(hooks: hooks)
    let made = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    #expect(made["remark"] == .text("登记自甲"))
    let changed = try await city.system.update("building", made.id, version: 1, ["name": .text("乙")])
    #expect(changed["keeper"] == .integer(1))
    let refusal = await #expect(throws: Refusal.self) {
      try await city.system.insert("building", ["name": .text("禁"), "division_code": .text("511702")])
    }
    #expect(refusal?.code == "no")
    await #expect(throws: Fault.self) {
      try await city.system.insert("building", ["name": .text("炸"), "division_code": .text("511702")])
    }
    try await city.system.delete("building", made.id, version: nil)
    #expect(seen.withLock { $0 } == ["created 甲", "updated 乙", "created 炸", "deleted 乙"])
    #expect(try await city.system.count(ListQuery("unit")).value == 3)
  }

  @Test func everyWriteIsAuditedAndAnnounced() async throws {
    let city = try await StoreFixture.make()
    let changes = city.database.listen(RecordChangeFeed.channel)
    let isListening = Mutex(false)
    let heard = Task {
      var payloads: [String] = []
      for await payload in changes {
        isListening.withLock { $0 = true }
        payloads.append(payload)
        if payload.hasSuffix("end") { break }
      }
      return payloads.filter { $0.hasPrefix("unit") }
    }
    #expect(try await eventually { isListening.withLock { $0 } })
    let user = StoreFixture.user(7, [("unit.*", .all)])
    let records = city.store.records(
      as: user, origin: Origin(remoteAddress: "10.0.0.1", requestID: "r-1"))
    let made = try await records.insert("unit", ["name": .text("甲")])
    try await records.update("unit", made.id, version: 1, ["name": .text("乙")])
    try await records.delete("unit", made.id, version: 2)
    try await city.database.execute("select pg_notify('lifang_change', 'end')")
    #expect(await heard.value == Array(repeating: "unit:\(made.id)", count: 3))
    let rows = try await city.database.query(
      """
      select action, record_id, principal_id, remote_address, details::text as details from audit_entry
      where record_id is not null order by id
      """)
    #expect(try rows.map { try $0.get("action", as: String.self) } == ["unit.create", "unit.update", "unit.delete"])
    #expect(try rows.allSatisfy { try $0.get("record_id", as: Int64.self) == made.id })
    #expect(try rows.allSatisfy { try $0.get("remote_address", as: String.self) == "10.0.0.1" })
    #expect(try rows[1].get("details", as: String.self) == #"{"fields":["name"],"version":2}"#)
  }
}
