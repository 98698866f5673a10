import Access
import Cases
import Connectors
import Core
import Entities
import Peers
import SQL
import Testing

/// Materials are verified with whoever issued them, people are screened, and nothing stops when nobody answers.
@Suite struct VerificationTests {
  private func city(_ body: (CaseFixture, PeerCity) async throws -> Void) async throws {
    let city = try await CaseFixture()
    let peers = PeerCity(secret: "geheim", clock: city.time.clock)
    let connected = try await city.connected(to: peers, secret: "geheim")
    do {
      try await body(connected, peers)
    } catch {
      await peers.stop()
      throw error
    }
    await peers.stop()
  }

  private func certificate(_ city: CaseFixture, _ id: Int64) async throws -> Record {
    try #require(
      try await city.store.records(as: .system).attached(ServiceCase.material, to: id)
        .first { $0["requirement"].text == "birth_certificate" })
  }

  private func application(
    _ city: CaseFixture, number: String, channel: CaseChannel = .online
  ) throws -> CaseApplication {
    var application = try city.application(channel: channel)
    application.content.form["birth_certificate_number"] = .text(number)
    return application
  }

  @Test func aMaterialIsVerifiedWhenTheApplicationIsSent() async throws {
    try await city { city, peers in
      let id = try await city.cases.start(
        try application(city, number: "S510034567"), by: try city.person("resident")
      ).id
      let material = try await certificate(city, id)
      #expect(material["verification"].text == "match" && material["verified_at"].instant == CaseFixture.start)
      let view = try await city.cases.view(id, as: try city.person("resident"))
      #expect(view.shownEvents.contains { $0.action == "verify" && $0.target?.hasSuffix("核验一致") == true })
      #expect(peers.seen.contains { $0.path == "/birth-certificates/compare" })
      // The log knows the case, though the call went out before it had a number.
      let calls = try await city.database.query(
        "select 1 from connector_call where subject_entity = 'service_case' and subject_id = \(id)")
      #expect(calls.count == peers.seen.count)
    }
  }

  @Test func aMismatchIsRefusedOnLineAndShownAtTheWindow() async throws {
    try await city { city, _ in
      let resident = try city.person("resident")
      #expect(
        try await city.refusal {
          try await city.cases.start(try application(city, number: "S510034569"), by: resident)
        } == "material-mismatch")
      #expect(try await city.database.query("select 1 from case_process").isEmpty)
      let id = try await city.cases.start(
        try application(city, number: "S510034569", channel: .window), by: try city.person("officer")
      ).id
      #expect(try await certificate(city, id)["verification"].text == "mismatch")
    }
  }

  @Test func withoutAnAnswerItGoesOnByHandAndSaysSo() async throws {
    try await city { city, peers in
      peers.mode = .status(500)
      let id = try await city.cases.start(
        try application(city, number: "S510034569"), by: try city.person("resident")
      ).id
      let material = try await certificate(city, id)
      #expect(material["verification"].text == "unknown")
      #expect(material["verification_note"].text?.contains("人工核验") == true)
      // Back again: whoever has the task asks once more.
      peers.mode = .well
      let aux = try city.person("aux")
      #expect(try await city.cases.verify(material: material.id, of: id, by: aux).result == .mismatch)
      #expect(
        try await city.refusal {
          try await city.cases.confirm(material: material.id, of: id, matches: true, note: " ", by: aux)
        } == "opinion-missing")
      try await city.cases.confirm(material: material.id, of: id, matches: true, note: "已核对原件", by: aux)
      let after = try await certificate(city, id)
      #expect(after["verification"].text == "match" && after["verified_by"].text == "吴辅警")
    }
  }

  @Test func onlyWhoeverHasTheTaskMayVerify() async throws {
    try await city { city, _ in
      let id = try await city.start()
      let material = try await certificate(city, id)
      for account in ["resident", "county"] {
        let person = try city.person(account)
        let code = try await city.refusal {
          try await city.cases.verify(material: material.id, of: id, by: person)
        }
        #expect(code == "verify-foreign", "\(account)")
      }
      let stranger = try city.person("neighbour")
      #expect(
        try await city.refusal { try await city.cases.verify(material: material.id, of: id, by: stranger) }
          == "case-missing")
    }
  }

  @Test func newPapersAreVerifiedAnew() async throws {
    try await city { city, _ in
      let id = try await city.start()
      try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "编号不清楚，请补正")
      var content = CaseContent()
      content.form = ["birth_certificate_number": .text("S510034569")]
      try await city.answer(id, by: "resident", content: content)
      #expect(try await certificate(city, id)["verification"].text == "mismatch")
    }
  }

  @Test func aHitOnTheWantedListIsSeenByOfficersOnly() async throws {
    try await city { city, peers in
      var application = try application(city, number: "S510034567")
      application.content.form["father_resident_id"] = .text("51170219700803404X")
      let id = try await city.cases.start(application, by: try city.person("resident")).id
      let officer = try await city.cases.view(id, as: try city.person("aux"))
      #expect(officer.alerts.count == 1 && officer.alerts.first?["label"].text == "在逃人员比对命中")
      #expect(officer.alerts.first?["person"].text == "父亲（养父）")
      #expect(officer.shownEvents.contains { $0.action == "alert" })
      // Whoever reads the log of calls does not learn of it.
      let logged = try await city.database.query(
        "select distinct outcome, response, reason from connector_call where purpose like '%比对'")
      let outcome: String? = try logged.first?.get("outcome")
      let response: String? = try logged.first?.get("response")
      #expect(logged.count == 1 && outcome == "answered" && (response ?? "").isEmpty)
      let applicant = try await city.cases.view(id, as: try city.person("resident"))
      #expect(applicant.alerts.isEmpty && !applicant.shownEvents.contains { $0.action == "alert" })
      // Each person once: applicant and mother are the same.
      #expect(peers.seen.filter { $0.path == "/fugitives/screen" }.count == 2)
    }
  }

  @Test func whoeverHandlesAHitLooksUpWhereThePersonWasLastRegistered() async throws {
    try await city { city, _ in
      var application = try application(city, number: "S510034567")
      application.content.form["father_resident_id"] = .text("51170219700803404X")
      let system = city.store.records(as: .system, purpose: "试验")
      let address = try await system.insert(
        "address",
        [
          "full_name": .text("达州市通川区荷叶街28号"), "kind": .text("roadside"), "status": .text("confirmed"),
          "road": .text("荷叶街"), "house_number": .text("28号"),
          "division_code": .text("511702001001"), "plate_status": .text("none"),
        ], input: .code)
      let person = try await system.insert(
        "person",
        [
          "name": application.content.form["father_name"] ?? .text("张某"),
          "resident_id": .text("51170219700803404X"), "sex": .text("female"),
          "birth_date": .date(try #require(CivilDate("1970-08-03"))), "residency": .text("registered"),
          "division_code": .text("511702001001"),
        ], input: .code)
      try await system.insert(
        "residence",
        [
          "person_id": .integer(person.id), "address_id": .integer(address.id), "division_code": .text("511702001001"),
          "kind": .text("floating"), "since": .date(try #require(CivilDate("2026-06-01"))),
          "until": .date(try #require(CivilDate("2026-11-02"))), "state": .text("confirmed"),
        ], input: .code)
      let resident = try city.person("resident")
      let id = try await city.cases.start(application, by: resident).id
      let officer = try city.person("officer")
      let view = try await city.cases.view(id, as: officer)
      let alert = try #require(view.alerts.first { $0["label"].text?.hasSuffix("命中") == true }).id
      let seen = try await city.cases.whereabouts(of: alert, in: view, purpose: "案件办理", by: officer)
      #expect(seen.contains { $0.kind == "居住登记（已搬离）" && $0.on.description == "2026-11-02" })
      #expect(seen.map(\.on) == seen.map(\.on).sorted(by: >))
      let looks = try await city.database.query(
        """
        select 1 from audit_entry where principal_id = \(officer.id) and entity in ('person', 'residence')
          and purpose = '案件办理'
        """)
      #expect(!looks.isEmpty)
      // Neither who applied nor who only watches, nor by another case's alert.
      let own = try await city.cases.view(id, as: resident)
      #expect(
        try await city.refusal { try await city.cases.whereabouts(of: alert, in: own, purpose: "x", by: resident) }
          == "alert-missing")
      let aux = try city.person("aux")
      let watched = try await city.cases.view(id, as: aux)
      #expect(
        try await city.refusal { try await city.cases.whereabouts(of: alert, in: watched, purpose: "x", by: aux) }
          == "alert-missing")
      #expect(
        try await city.refusal { try await city.cases.whereabouts(of: alert + 99, in: view, purpose: "x", by: officer) }
          == "alert-missing")
    }
  }

  @Test func whatIsTypedIsComparedWithTheRegisterOfPopulation() async throws {
    let city = try await CaseFixture()
    try await city.store.records(as: .system).insert(
      "person",
      [
        "name": .text("刘芬"), "resident_id": .text("511702199603071223"), "sex": .text("female"),
        "birth_date": .date(try #require(CivilDate("1996-03-07"))), "residency": .text("registered"),
        "division_code": .text("511702001001"),
      ], input: .code)
    let application = try city.application()
    let resident = try city.person("resident")
    do {
      _ = try await city.cases.start(application, by: resident)
      Issue.record("accepted")
    } catch let refusal as Refusal {
      #expect(([refusal] + refusal.others).map(\.code).allSatisfy { $0 == "population-name" })
      #expect(Set(([refusal] + refusal.others).map(\.field)) == ["applicant_name", "mother_name"])
      // What the register says is not told.
      #expect(!refusal.message.contains("刘芬"))
    }
  }

  /// 程在册, registered at a home of the eastern district, who is to be cancelled.
  ///
  /// - Parameter user: the account that is linked to 程在册.
  private func cancellation(
    _ city: CaseFixture, address: String, household: String, channel: CaseChannel, of user: Int64? = nil
  ) async throws -> CaseApplication {
    try await city.store.records(as: .system).insert(
      "person",
      [
        "name": .text("程在册"), "resident_id": .text("511702199401016234"), "sex": .text("male"),
        "birth_date": .date(try #require(CivilDate("1994-01-01"))), "residency": .text("registered"),
        "division_code": .text("511702001001"), "registered_address": .text("达州市通川区荷叶街28号"),
        "household_number": .text("511702000123"), "user_id": user.map { .integer($0) } ?? .null,
      ].filter { !$0.value.isNull }, input: .code)
    var application = try city.application("hukou_084", channel: channel, delivery: "window")
    application.content.values["subject_name"] = .text("程在册")
    application.content.values["subject_document"] = .text("511702199401016234")
    application.content.form["registered_address"] = .text(address)
    application.content.form["household_number"] = .text(household)
    return application
  }

  @Test(
    arguments: [
      ("通川区荷叶街２８号", "511702000123", []), ("达州市 通川区荷叶街28号", "511702000123", []),
      ("达州市通川区荷叶街29号", "511702000123", ["registered_address"]),
      ("达州市通川区荷叶街28号", "511702000124", ["household_number"]),
    ] as [(String, String, [String])])
  func addressesAndHouseholdsBesideANumberAgreeWithTheRegister(
    _ address: String, _ household: String, _ wrong: [String]
  ) async throws {
    let city = try await CaseFixture()
    let resident = vouched(try city.person("resident"))
    let application = try await cancellation(
      city, address: address, household: household, channel: .online, of: resident.id)
    do {
      _ = try await city.cases.start(application, by: resident)
      #expect(wrong.isEmpty)
    } catch let refusal as Refusal {
      let all = [refusal] + refusal.others
      #expect(all.map(\.code).allSatisfy { $0 == "population-differs" })
      #expect(all.compactMap(\.field) == wrong)
      #expect(!all.contains { $0.message.contains("28号") || $0.message.contains("511702000123") })
    }
  }

  /// The same account, signed in by real name.
  private func vouched(_ principal: Principal) -> Principal {
    Principal(
      kind: principal.kind, id: principal.id, name: principal.name, unit: principal.unit, grants: principal.grants,
      clearance: principal.clearance, assurance: .realName)
  }

  @Test(arguments: [(true, false), (false, true), (false, false)])
  func nobodyLearnsFromAnAnswerWhereSomebodyElseLives(_ isVouched: Bool, _ isLinked: Bool) async throws {
    let city = try await CaseFixture()
    let account = try city.person("resident")
    let resident = isVouched ? vouched(account) : account
    let application = try await cancellation(
      city, address: "达州市通川区大北街6号", household: "511702000124", channel: .online, of: isLinked ? account.id : nil)
    let id = try await city.cases.start(application, by: resident).id
    let alerts = try await city.store.records(as: .system).attached("case_alert", to: id)
    #expect(alerts.map { $0["label"].text } == ["与登记不一致", "与登记不一致"])
    let seen = try await city.cases.view(id, as: resident)
    #expect(seen.alerts.isEmpty && !seen.shownEvents.contains { $0.action == "alert" })
    // Everybody named is asked for once: every look is audited.
    let looks = try await city.database.query(
      "select 1 from audit_entry where purpose = '核对申请内容' and entity = 'person' and action = 'person.view'")
    #expect(looks.count <= 2)
  }

  @Test func whatComesByTheFerryIsNeverRefusedForADifference() async throws {
    let city = try await CaseFixture()
    let resident = vouched(try city.person("resident"))
    var application = try await cancellation(
      city, address: "达州市通川区大北街6号", household: "511702000123", channel: .online, of: resident.id)
    application.content.values["subject_name"] = .text("程再册")
    let arrival = CaseArrival(number: "W2026000001", submittedAt: CaseFixture.start)
    let id = try await city.cases.start(application, by: resident, arrival: arrival).id
    let alerts = try await city.store.records(as: .system).attached("case_alert", to: id)
    #expect(alerts.count == 2 && alerts.allSatisfy { $0["label"].text == "与登记不一致" })
    #expect(alerts.contains { $0["message"].text?.contains("姓名不同") == true })
  }

  @Test(
    arguments: [
      ("荷叶街28号", "达州市通川区荷叶街28号", true), ("28号2单元", "达州市通川区荷叶街128号2单元", false),
      ("荷叶街12-3号", "荷叶街123号", false), ("荷叶街12－3号", "荷叶街12-3号", true), ("荷叶街12—3号", "荷叶街12-3号", true),
      ("3号2单元", "荷叶街12-3号2单元", false), ("街6号", "大北街6号", false),
    ] as [(String, String, Bool)])
  func addressesAgreeWhenOnlyLargerDivisionsAreLeftOut(_ typed: String, _ registered: String, _ agree: Bool) {
    #expect(KnownValue.agree(.text(typed), .text(registered), isAddress: true) == agree)
    #expect(KnownValue.agree(.text(registered), .text(typed), isAddress: true) == agree)
  }

  @Test func whatIsNotAskedForIsNotCompared() async throws {
    let outcomes = try CaseFixture.services()
    let known =
      (outcomes.outcome(of: "hukou_move_in")?.known ?? []) + (outcomes.outcome(of: "hukou_cancel")?.known ?? [])
    let compared = known.filter(\.isCompared)
    #expect(compared.count == 4)
    let context = EvaluationContext(now: CaseFixture.start, principal: .system)
    for one in compared {
      // From elsewhere the old address is not registered here; of a double registration the wrong one is.
      let elsewhere: [String: Value] = ["origin": .text("outside"), "reason": .text("duplicate")]
      let here: [String: Value] = ["origin": .text("city"), "reason": .text("abroad")]
      #expect(try one.when?.holds(in: context) { elsewhere[$0] ?? .null } == false)
      #expect(try one.when?.holds(in: context) { here[$0] ?? .null } == true)
    }
  }

  @Test func atTheWindowADifferenceIsToldToWhoReviewsAndRefusesNothing() async throws {
    let city = try await CaseFixture()
    let application = try await cancellation(
      city, address: "达州市通川区大北街6号", household: "511702000123", channel: .window)
    let id = try await city.cases.start(application, by: try city.person("officer")).id
    let alerts = try await city.store.records(as: .system).attached("case_alert", to: id)
    #expect(alerts.map { $0["label"].text } == ["与登记不一致"])
    #expect(alerts.first?["message"].text?.contains("荷叶街") == false)
  }
}

/// Materials that stay valid for some months only.
@Suite struct ValidityTests {
  private func start(_ issued: String?) async throws -> String {
    let city = try await CaseFixture()
    var application = try city.application("hukou_022")
    application.content.materials = application.content.materials.map { material in
      guard material.requirement == "overseas_settlement_permit" else { return material }
      return HandedMaterial(
        requirement: material.requirement, kind: material.kind, way: material.way,
        issuedOn: issued.flatMap { CivilDate($0) })
    }
    let resident = try city.person("resident")
    return try await city.refusal { try await city.cases.start(application, by: resident) }
  }

  @Test(
    arguments: [
      (nil, "material-date"), ("2026-05-17", "material-expired"), ("2026-05-18", "none"), ("2026-11-18", "none"),
      ("2026-11-19", "material-date"),
    ] as [(String?, String)])
  func anExpiredPaperIsRefused(_ issued: String?, _ code: String) async throws {
    #expect(try await start(issued) == code)
  }

  @Test func monthsEndWhereTheMonthEnds() throws {
    for (date, months, result) in [
      ("2026-08-31", 6, "2027-02-28"), ("2027-08-31", 6, "2028-02-29"), ("2026-01-15", 12, "2027-01-15"),
      ("2026-12-01", 1, "2027-01-01"),
    ] {
      #expect(try #require(CivilDate(date)).adding(months: months).description == result)
    }
  }
}
