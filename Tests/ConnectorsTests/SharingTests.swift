import Access
import Audit
import Connectors
import Core
import Entities
import SQL
import Testing

/// Shared information: only what was approved, for whom it was approved, while it is approved.
@Suite struct SharingTests {
  static let key = Principal(
    kind: .key, id: 41, name: "民政接口", unit: nil, grants: Grants([]), clearance: .secret)

  private func sharing(_ city: ConnectorFixture) async throws -> ResourceSharing {
    let sharing = ResourceSharing(SharedResources(city.store.catalog), store: city.store)
    try await sharing.publish()
    for (number, id) in [("0001", "511702199603071223"), ("0002", "511702199401016234")] {
      try await city.store.records(as: .system).insert(
        "person",
        [
          "name": .text("张\(number)"), "resident_id": .text(id), "sex": .text("female"),
          "birth_date": .date(try #require(CivilDate("1996-03-07"))), "residency": .text("registered"),
          "division_code": .text("511702001001"), "phone": .text("13800138000"),
        ], input: .code)
    }
    return sharing
  }

  private func approve(_ city: ConnectorFixture, _ resource: String, key: Int64 = 41, until: String = "2026-12-31")
    async throws -> Int64
  {
    let records = city.store.records(as: .system)
    let entry = try #require(try await records.find("shared_resource", where: "name", equals: .text(resource)))
    let unit = try await unit(city)
    // A key with the number that the test speaks of.
    try await city.database.execute(
      """
      insert into api_key (id, version, created_at, created_by, updated_at, updated_by, name, role_id, status)
      overriding system value
      select \(key), 1, now(), 0, now(), 0, 'k', r.id, 'active' from role r limit 1 on conflict (id) do nothing
      """)
    return try await records.insert(
      "share_application",
      [
        "resource_id": .integer(entry.id), "unit_id": .integer(unit), "purpose": .text("核对"), "basis": .text("某办法"),
        "contact": .text("王 110"), "until": .date(try #require(CivilDate(until))), "state": .text("approved"),
        "api_key_id": .integer(key),
      ], input: .code
    ).id
  }

  private func unit(_ city: ConnectorFixture) async throws -> Int64 {
    let records = city.store.records(as: .system)
    if let known = try await records.find("unit", where: "code", equals: .text("MZ")) { return known.id }
    try await records.insert(
      "role", ["code": .text("resource_user"), "name": .text("资源使用方"), "clearance": .text("secret")], input: .code)
    return try await records.insert(
      "unit", ["code": .text("MZ"), "name": .text("民政局"), "kind": .text("government")], input: .code
    ).id
  }

  private func query(
    _ sharing: ResourceSharing, _ filters: [String: String], by principal: Principal = SharingTests.key
  )
    async throws -> [Record]
  {
    try await sharing.query("resident", filters: filters, limit: 20, offset: 0, by: principal, origin: .inside).1
  }

  private func code(_ body: () async throws -> some Any) async throws -> String {
    do {
      _ = try await body()
      return "none"
    } catch let refusal as Refusal { return refusal.code }
  }

  @Test func theShippedCatalogueHasNothingWrongAndAllItsResources() throws {
    let resources = SharedResources(try ConnectorFixture.catalog.get())
    #expect(resources.findings.isEmpty, "\(resources.findings)")
    #expect(resources.all.map(\.position).sorted() == Array(1...15) + Array(17...23))
    #expect(
      resources.all.filter { $0.position <= 20 }.allSatisfy {
        $0.share == .conditional && $0.branch == "治安" && $0.terms == "业务协同"
      })
  }

  @Test func aKeyReadsWhatWasApprovedAndNothingElse() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let sharing = try await sharing(city)
      let filter = ["resident_id": "511702199603071223"]
      #expect(try await code { try await query(sharing, filter) } == "resource-unapproved")
      let application = try await approve(city, "resident")
      let found = try await query(sharing, filter)
      #expect(found.map { $0["name"].text } == ["张0001"] && found[0]["resident_id"].text == "511702199603071223")
      // The telephone is no field of the resource, neither shown nor asked for.
      #expect(found[0]["phone"].isNull)
      #expect(try await code { try await query(sharing, ["phone": "13800138000"]) } == "filter-unknown")
      // Nobody copies the register.
      #expect(try await code { try await query(sharing, [:]) } == "filter-missing")
      // Nor piece by piece: half of all people are women.
      #expect(try await code { try await query(sharing, ["sex": "female"]) } == "filter-missing")
      #expect(try await code { try await query(sharing, ["birth_date": "1996-03-07"]) } == "filter-missing")
      #expect(try await query(sharing, ["sex": "female", "name": "张0002"]).count == 1)
      #expect(try await sharing.available(to: SharingTests.key).map(\.name) == ["resident"])
      // Another key, and people, have nothing of it.
      let other = Principal(kind: .key, id: 42, name: "别人", unit: nil, grants: Grants([]), clearance: .secret)
      #expect(try await code { try await query(sharing, filter, by: other) } == "resource-unapproved")
      #expect(try await code { try await query(sharing, filter, by: ConnectorFixture.clerk) } == "resource-key")
      try await city.store.records(as: .system).perform(
        "revoke", on: "share_application", application, version: nil, asked: [:])
      #expect(try await code { try await query(sharing, filter) } == "resource-unapproved")
    }
  }

  @Test func whoLivesApartFromTheRegisteredHouseholdIsToldWithHowFar() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let sharing = try await sharing(city)
      _ = try await approve(city, "residence")
      let registered = [
        ("511702199603071223", "511702002001", "county"), ("511702199401016234", "511703001001", "city"),
      ]
      let records = city.store.records(as: .system)
      for (id, division, _) in registered {
        let person = try #require(try await records.find("person", where: "resident_id", equals: .text(id)))
        try await records.update(
          "person", person.id, version: nil, ["registered_division": .text(division), "residency": .text("permanent")],
          input: .code)
      }
      for (id, _, apart) in registered {
        let found = try await sharing.query(
          "residence", filters: ["resident_id": id], limit: 20, offset: 0, by: SharingTests.key, origin: .inside
        ).1
        #expect(found.map { $0["apart"].text } == [apart])
      }
      // Whose registration is not known, but who lives here without one, lives apart too.
      let floating = try #require(
        try await records.find("person", where: "resident_id", equals: .text(registered[1].0)))
      for (residency, count) in [("floating", 1), ("permanent", 0)] {
        try await records.update(
          "person", floating.id, version: nil, ["registered_division": .null, "residency": .text(residency)],
          input: .code)
        let found = try await sharing.query(
          "residence", filters: ["resident_id": registered[1].0], limit: 20, offset: 0, by: SharingTests.key,
          origin: .inside
        ).1
        #expect(found.count == count)
      }
      // Who lives where the household is, or whose registration has ended, is not among them.
      let first = try #require(
        try await records.find("person", where: "resident_id", equals: .text(registered[0].0)))
      for change: [String: Value] in [
        ["registered_division": .text("511702001001")],
        ["registered_division": .text("511702002001"), "registration_ended_on": .date(city.time.clock.today())],
      ] {
        try await records.update("person", first.id, version: nil, change, input: .code)
        let found = try await sharing.query(
          "residence", filters: ["resident_id": registered[0].0], limit: 20, offset: 0, by: SharingTests.key,
          origin: .inside
        ).1
        #expect(found.isEmpty)
      }
    }
  }

  @Test func aPageIsFilledByWhatCountsAndNotByWhatWasRead() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let laid = try city.store.catalog.laying([
        (
          file: "bodies.yaml",
          yaml: """
          resources: bodies
          label: 机构
          share: open
          items:
            - {name: sections, number: 40, label: 科室, register: unit, when: "contains(name, '科')", fields: [code, name]}
          """
        )
      ])
      let resources = SharedResources(laid.catalog)
      #expect(resources.findings.isEmpty, "\(resources.findings)")
      let sharing = ResourceSharing(resources, store: city.store)
      try await sharing.publish()
      for number in 1...9 {
        try await city.store.records(as: .system).insert(
          "unit",
          [
            "code": .text("KS\(number)"), "name": .text(number % 2 == 0 ? "\(number)局" : "\(number)科"),
            "kind": .text("government"),
          ], input: .code)
      }
      func names(_ limit: Int, from offset: Int) async throws -> [String?] {
        try await sharing.query(
          "sections", filters: [:], limit: limit, offset: offset, by: SharingTests.key, origin: .inside
        ).1.map { $0["name"].text }
      }
      let all = try await names(100, from: 0)
      #expect(Set(all) == ["1科", "3科", "5科", "7科", "9科"] && all.count == 5)
      for offset in 0...5 {
        #expect(try await names(2, from: offset) == Array(all.dropFirst(offset).prefix(2)), "from \(offset)")
      }
    }
  }

  @Test func thePictureOfOnePersonIsGivenToAnApprovedKeyAndAudited() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let sharing = try await sharing(city)
      func picture(_ field: String, _ filters: [String: String]) async throws -> String {
        try await sharing.picture("photo", field: field, filters: filters, by: SharingTests.key, origin: .inside)
      }
      let filter = ["resident_id": "511702199603071223"]
      #expect(try await code { try await picture("photo", filter) } == "resource-unapproved")
      _ = try await approve(city, "photo")
      #expect(try await code { try await picture("photo", filter) } == "picture-missing")
      #expect(try await code { try await picture("name", filter) } == "picture-field")
      #expect(try await code { try await picture("photo", ["name": "没有这个人"]) } == "picture-missing")
      #expect(try await code { try await picture("photo", [:]) } == "filter-missing")
      // A second person of the same name: the name alone does not tell whose picture is meant.
      let records = city.store.records(as: .system)
      let other = try #require(
        try await records.find("person", where: "resident_id", equals: .text("511702199401016234")))
      try await records.update("person", other.id, version: nil, ["name": .text("张0001")], input: .code)
      #expect(try await code { try await picture("photo", ["name": "张0001"]) } == "picture-several")
      let first = try #require(
        try await records.find("person", where: "resident_id", equals: .text("511702199603071223")))
      try await city.database.transaction { transaction in
        _ = try await transaction.query("select set_config('lifang.scope_person', '{\"all\":true}', true)")
        try await transaction.execute("update person set photo = 'a-key' where id = \(first.id)")
      }
      #expect(try await picture("photo", filter) == "a-key")
      let entries = try await city.database.query(
        "select record_id, purpose from audit_entry where action = 'shared_resource.picture'")
      #expect(try entries.map { try $0.get("record_id", as: Int64.self) } == [first.id])
      // Below the level of the field there is nothing to see.
      let low = Principal(kind: .key, id: 41, name: "民政接口", unit: nil, grants: Grants([]), clearance: .inner)
      #expect(
        try await code {
          try await sharing.picture("photo", field: "photo", filters: filter, by: low, origin: .inside)
        } == "picture-missing")
    }
  }

  @Test func anApprovalEndsWithItsTerm() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let sharing = try await sharing(city)
      _ = try await approve(city, "resident", until: "2026-11-18")
      let filter = ["resident_id": "511702199603071223"]
      #expect(try await query(sharing, filter).count == 1)
      city.time.advance(seconds: 86_400)
      #expect(try await code { try await query(sharing, filter) } == "resource-unapproved")
    }
  }

  @Test func whatIsSwitchedOffIsSharedNoMore() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      let sharing = try await sharing(city)
      _ = try await approve(city, "resident")
      let records = city.store.records(as: .system)
      let entry = try #require(try await records.find("shared_resource", where: "name", equals: .text("resident")))
      try await records.update("shared_resource", entry.id, version: nil, ["active": .boolean(false)], input: .code)
      // It stays so when the server starts again.
      try await sharing.publish()
      #expect(try await code { try await query(sharing, ["resident_id": "511702199603071223"]) } == "resource-closed")
    }
  }

  @Test func anApprovalNeedsAKey() async throws {
    try await ConnectorFixture.run(configured: false) { city in
      _ = try await sharing(city)
      let records = city.store.records(as: .system)
      let entry = try #require(try await records.find("shared_resource", where: "name", equals: .text("road")))
      let made = try await records.insert(
        "share_application",
        [
          "resource_id": .integer(entry.id), "unit_id": .integer(try await unit(city)), "purpose": .text("核对"),
          "basis": .text("某办法"), "contact": .text("王 110"), "until": .date(try #require(CivilDate("2026-12-31"))),
        ], input: .code)
      await #expect(throws: Refusal.self) {
        try await records.perform(
          "approve", on: "share_application", made.id, version: nil, asked: ["note": .text("同意")])
      }
    }
  }
}
