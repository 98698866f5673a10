import Access
import Audit
import Core
import Crypto
import Entities
import SQL
import TestSupport
import Testing

@Suite struct StorePrivacyTests {
  static let born = CivilDate("1990-01-01") ?? CivilDate(daysSinceEpoch: 0)
  static let number = ResidentID(region: 511702, birthDate: born, sequence: 123)?.text ?? ""

  static func people() async throws -> (city: StoreFixture, id: Int64) {
    let city = try await StoreFixture.make()
    let made = try await city.system.insert(
      "citizen",
      [
        "name": .text("欧阳娜娜"), "id_number": .text(number), "phone": .text("13812345678"),
        "division_code": .text("511702001"), "born": .date(born),
      ])
    return (city, made.id)
  }

  @Test(arguments: [
    ("张三", FieldDeclaration.Mask.name, "张*"), ("欧阳修", .name, "欧阳*"), ("王", .name, "*"), ("", .name, ""),
    ("13812345678", .phone, "138****5678"), ("0818-2345678", .phone, "****5678"),
    ("511702199001011238", .id, "511702********1238"),
    ("E12345678", .id, "E********"), ("达州市通川区朝阳路18号3栋501室", .address, "达州市通川区朝阳路****"), ("x", .all, "******"),
  ])
  func masksFollowPractice(_ text: String, _ mask: FieldDeclaration.Mask, _ masked: String) {
    #expect(Masking.masked(text, by: mask) == masked)
  }

  @Test func peopleSeeMasksAndProgramsWhatTheyAreClearedFor() async throws {
    let (city, id) = try await Self.people()
    let grants: [(String, DataScope)] = [("citizen.view", .all)]
    // People lift masks with a purpose, whatever their clearance; programs need the clearance.
    for reader in [
      StoreFixture.user(7, grants), StoreFixture.user(8, grants, clearance: .secret),
      StoreFixture.user(9, grants, kind: .key),
    ] {
      let record = try await city.store.records(as: reader).get("citizen", id)
      #expect(record["name"] == .text("欧阳**"))
      #expect(record["id_number"] == .text("511702********" + Self.number.suffix(4)))
      #expect(record["phone"] == .text("138****5678"))
      #expect(record["born"] == .null)
      #expect(record.masked == ["name", "id_number", "phone", "born"])
    }
    let program = StoreFixture.user(9, grants, clearance: .secret, kind: .key)
    let clear = try await city.store.records(as: program).get("citizen", id)
    #expect(clear["id_number"] == .text(Self.number) && clear.masked.isEmpty)
  }

  @Test func revealingNeedsThePermissionAndAPurposeAndIsAudited() async throws {
    let (city, id) = try await Self.people()
    let clerk = StoreFixture.user(7, [("citizen.view", .all)])
    let trusted = StoreFixture.user(8, [("citizen.view", .all), ("citizen.reveal", .all)])
    await #expect(throws: Refusal.self) {
      try await city.store.records(as: clerk, purpose: "核对").get("citizen", id, reveal: true)
    }
    let missing = await #expect(throws: Refusal.self) {
      try await city.store.records(as: trusted).get("citizen", id, reveal: true)
    }
    #expect(missing?.code == "purpose-missing")
    let record = try await city.store.records(as: trusted, purpose: "核对户籍").get("citizen", id, reveal: true)
    #expect(record["phone"] == .text("13812345678"))
    let rows = try await city.database.query(
      "select action, purpose, record_id from audit_entry where action = 'citizen.reveal'")
    #expect(rows.count == 1)
    #expect(try rows.first?.get("purpose", as: String.self) == "核对户籍")
    #expect(try rows.first?.get("record_id", as: Int64.self) == id)
  }

  @Test func theDatabaseHoldsNeitherNumberNorPhone() async throws {
    let (city, id) = try await Self.people()
    try await city.system.update("citizen", id, version: 1, ["phone": .text("13900001111")])
    for table in ["citizen", "citizen_history"] {
      let text: String = try await city.database.value(
        "select set_config('lifang.scope_citizen', '{\"all\":true}', false)")
      #expect(!text.isEmpty)
      let dump: String = try await city.database.transaction { transaction in
        try await transaction.execute("select set_config('lifang.scope_citizen', '{\"all\":true}', true)")
        return try await transaction.value(
          "select coalesce(string_agg(t::text, ' '), '') from \(identifier: table) t")
      }
      #expect(dump.contains("欧阳"))
      for secret in [Self.number, "13812345678", "13900001111"] {
        #expect(!dump.contains(secret))
        let hex = secret.utf8.map { "3" + String($0 - 48, radix: 16) }.joined()
        #expect(!dump.contains(hex))
      }
    }
  }

  @Test func theWholeValueFindsAnEncryptedField() async throws {
    let (city, id) = try await Self.people()
    let clerk = city.store.records(as: StoreFixture.user(7, [("citizen.view", .all)]))
    for filter in [
      ListFilter("phone", .equals(.text("+86 138-1234-5678"))), ListFilter("id_number", .equals(.text(Self.number))),
    ] {
      #expect(try await clerk.list(ListQuery("citizen", filters: [filter])).records.map(\.id) == [id])
    }
    #expect(try await clerk.list(ListQuery("citizen", search: "13812345678")).records.map(\.id) == [id])
    #expect(try await clerk.list(ListQuery("citizen", search: "1381234567")).records.isEmpty)
  }

  @Test func maskedValuesCannotBeFoundOutByQueries() async throws {
    let (city, _) = try await Self.people()
    let clerk = city.store.records(as: StoreFixture.user(7, [("citizen.view", .all)]))
    for test in [
      ListFilter.Test.prefix("欧"), .contains("娜"), .range(from: .text("欧"), to: nil),
    ] {
      let refusal = await #expect(throws: Refusal.self) {
        try await clerk.list(ListQuery("citizen", filters: [ListFilter("name", test)]))
      }
      #expect(refusal?.code == "filter-masked")
    }
    let date = await #expect(throws: Refusal.self) {
      try await clerk.list(
        ListQuery("citizen", filters: [ListFilter("born", .range(from: .date(CivilDate("1980-01-01")!), to: nil))]))
    }
    #expect(date?.code == "filter-masked")
    let day = await #expect(throws: Refusal.self) {
      try await clerk.list(
        ListQuery("citizen", filters: [ListFilter("born", .equals(.date(CivilDate("1980-01-01")!)))]))
    }
    #expect(day?.code == "filter-masked", "every day of a life can be tried")
    let phone = await #expect(throws: Refusal.self) {
      try await clerk.list(ListQuery("citizen", filters: [ListFilter("phone", .prefix("138"))]))
    }
    #expect(phone?.code == "filter-encrypted")
  }

  @Test func whatComesBackMaskedIsNotWritten() async throws {
    let (city, id) = try await Self.people()
    let clerk = city.store.records(as: StoreFixture.user(7, [("citizen.view", .all), ("citizen.update", .all)]))
    let seen = try await clerk.get("citizen", id)
    try await clerk.update(
      "citizen", id, version: 1,
      ["name": seen["name"], "phone": seen["phone"], "id_number": seen["id_number"], "watched": .boolean(true)])
    let truth = try await city.system.get("citizen", id)
    #expect(truth["name"] == .text("欧阳娜娜") && truth["phone"] == .text("13812345678"))
    #expect(truth["watched"] == .boolean(true))
    try await clerk.update("citizen", id, version: 2, ["phone": .text("13900001111")])
    #expect(try await city.system.get("citizen", id)["phone"] == .text("13900001111"))
  }

  @Test func namesOfPeopleOutOfScopeAreMaskedWhereTheyAreReferredTo() async throws {
    let (city, id) = try await Self.people()
    let building = try await city.system.insert("building", ["name": .text("甲"), "division_code": .text("511702")])
    let room = try await city.system.insert(
      "room", ["building_id": .integer(building.id), "number": .text("101"), "owner_id": .integer(id)])
    let grants: [(String, DataScope)] = [("room.view", .all), ("citizen.view", .division([]))]
    let inside = StoreFixture.user(7, grants, division: "511702", clearance: .secret, kind: .key)
    let outside = StoreFixture.user(8, grants, division: "511703", clearance: .secret, kind: .key)
    let person = StoreFixture.user(7, grants, division: "511702", clearance: .secret)
    #expect(try await city.store.records(as: person).get("room", room.id).titles["owner_id"] == "欧阳**")
    #expect(try await city.store.records(as: inside).get("room", room.id).titles["owner_id"] == "欧阳娜娜")
    #expect(try await city.store.records(as: outside).get("room", room.id).titles["owner_id"] == "欧阳**")
  }
}
