import Access
import Audit
import Cases
import Connectors
import Core
import Crypto
import Entities
import Foundation
import Papers
import Peers
import SQL
import Testing

/// What applicants sign is what stood there: a change shows, and nobody alters a signature or signs for somebody else.
@Suite struct SignatureTests {
  private static let sheet = Array("%PDF-1.4\n% Antrag\n".utf8)

  /// Signs as the page would: what it showed, with a sheet of some sort.
  @discardableResult
  private func sign(
    _ city: CaseFixture, _ id: Int64, by account: String = "resident", _ method: SignatureMethod = .phoneCode,
    sawDocument: Bool = false
  ) async throws -> String {
    let person = try city.person(account)
    let offer = try await city.cases.signing(id, as: person)
    var given = SignatureGiven(method, seen: offer.digest)
    given.sheet = SignatureTests.sheet
    given.sawDocument = sawDocument
    return try await city.cases.sign(offer, given, by: person)
  }

  /// The evidence with one text in place of another.
  private static func forged(_ json: JSON, _ from: String, _ to: String) throws -> JSON {
    try JSON(
      parsing: Array(json.text.split(separator: from, omittingEmptySubsequences: false).joined(separator: to).utf8))
  }

  /// An object with other members.
  private static func forged(_ json: JSON, _ members: [String: JSON]) -> JSON {
    .object((json.object ?? []).map { (key: $0.key, value: members[$0.key] ?? $0.value) })
  }

  /// Changes a kept signature as whoever owns the database could.
  private func forge(_ city: CaseFixture, _ id: Int64, _ change: SQL) async throws {
    try await city.database.transaction { transaction in
      _ = try await transaction.query("select set_config('lifang.scope_case_signature', '{\"all\":true}', true)")
      try await transaction.execute("alter table case_signature disable trigger case_signature_kept")
      try await transaction.execute("update case_signature set \(change) where id = \(id)")
      try await transaction.execute("alter table case_signature enable trigger case_signature_kept")
    }
  }

  private func signatures(_ city: CaseFixture, _ id: Int64) async throws -> [CaseSignature] {
    try await city.cases.view(id, as: try city.person("resident")).signatures
  }

  /// The latest signature of a case, and its evidence as the applicant takes it away.
  private func evidence(_ city: CaseFixture, _ id: Int64) async throws -> (kept: CaseSignature, json: JSON) {
    let resident = try city.person("resident")
    let view = try await city.cases.view(id, as: resident)
    let kept = try #require(view.signatures.first)
    return (kept, try await city.cases.signatureEvidence(kept.id, of: view, by: resident, origin: .inside))
  }

  /// The second golden case of the item demands a signature and comes on line.
  private func demanding(_ city: CaseFixture) async throws -> Int64 {
    try await city.start("hukou_112", golden: 1, delivery: "window")
  }

  /// Up to the decision, which is the last answer.
  private func answers(_ city: CaseFixture, _ id: Int64) async throws {
    try await city.answer(id, by: "aux", ["review": "passed"])
    for account in ["aux", "two"] {
      for task in try await city.tasks(id, of: account) {
        try await city.answer(id, by: account, task.step == "receive" ? ["receipt": "matched"] : ["review": "passed"])
      }
    }
  }

  @Test func aSignatureCoversWhatStandsAndALaterChangeIsNamed() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    #expect(try await signatures(city, id).isEmpty)
    try await sign(city, id)
    // An impatient second click is the same signature.
    try await sign(city, id)
    #expect(try await signatures(city, id).map(\.verdict) == [.whole])
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "姓名请核对")
    var content = CaseContent()
    content.form["child_name"] = .text("张大满")
    try await city.answer(id, by: "resident", opinion: "已改", content: content)
    let label = try #require(city.store.catalog.entity("hukou_birth")?.field("child_name")?.label)
    #expect(try await signatures(city, id).map(\.verdict) == [.altered([label])])
    // What was signed is signed anew; the earlier signature stays as it was.
    try await sign(city, id)
    #expect(try await signatures(city, id).map(\.verdict) == [.whole, .altered([label])])
  }

  @Test func nothingThatHasToBeSignedIsGrantedWithoutASignature() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    #expect(try await city.cases.view(id, as: try city.person("resident")).awaitsSignature)
    try await answers(city, id)
    #expect(
      try await city.refusal { try await city.answer(id, by: "officer", ["review": "passed"]) } == "signature-missing")
    #expect(try await city.state(id)["state"].text == "active")
    try await sign(city, id)
    try await city.answer(id, by: "officer", ["review": "passed"])
    #expect(try await city.state(id)["state"].text == "completed")
    let system = city.store.records(as: .system, purpose: "核对")
    let filed = try #require(
      try await system.find(Archive.entity, where: "service_case_id", equals: .integer(id)))
    let lines = try await system.attached(Archive.item, to: filed.id)
    #expect(lines.filter { $0["kind"].text == "signed" }.count == 1)
    #expect(try await city.refusal { try await sign(city, id) } == "signature-closed")
  }

  @Test func aSignatureThatNoLongerHoldsGrantsNothingEither() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    try await sign(city, id)
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "理由请写明")
    var content = CaseContent()
    content.form["reason"] = .text("购房后与父母分开生活")
    try await city.answer(id, by: "resident", content: content)
    try await answers(city, id)
    #expect(
      try await city.refusal { try await city.answer(id, by: "officer", ["review": "passed"]) } == "signature-outdated")
    // Signed on paper at the window, which whoever handles the case enters.
    try await sign(city, id, by: "officer", .paper)
    let kept = try #require(try await signatures(city, id).first)
    #expect(kept.method == .paper && kept.witness == "王民警" && kept.identity == "received" && kept.verdict == .whole)
    try await city.answer(id, by: "officer", ["review": "passed"])
  }

  /// What does not fit its seal is no change of the application, and is told as what it is.
  @Test func aSignatureThatDoesNotFitItsSealGrantsNothingUntilItIsGivenAnew() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    try await sign(city, id)
    try await forge(city, try #require(try await signatures(city, id).first).id, "identity = 'face'")
    #expect(try await city.cases.view(id, as: try city.person("resident")).awaitsSignature)
    try await answers(city, id)
    #expect(
      try await city.refusal { try await city.answer(id, by: "officer", ["review": "passed"]) } == "signature-broken")
    try await sign(city, id)
    #expect(try await signatures(city, id).map(\.verdict) == [.whole, .broken])
    try await city.answer(id, by: "officer", ["review": "passed"])
  }

  /// A field that an upgrade takes away, or closes to applicants, was not changed by anybody: it is named, and the signature holds.
  @Test func whatAnUpgradeTookAwayIsToldApartFromWhatWasChanged() async throws {
    let city = try await CaseFixture()
    let before = try city.declaring(
      "extend_entity: hukou_birth\nfields:\n  - {name: midwife, label: 接生医师, type: text, max: 20}\n")
    let id = try await city.start()
    try await city.database.execute("alter table hukou_birth add column midwife text default '周医师'")
    try await sign(before, id)
    #expect(try await signatures(before, id).map(\.verdict) == [.whole])
    #expect(try await signatures(city, id).map(\.verdict) == [.incomparable(gone: ["接生医师"], added: [])])
    #expect(try await signatures(city, id).first?.verdict.holds == true)
    let closed = try city.declaring("extend_entity: hukou_birth\nfields:\n  - {name: note, editable: false}\n")
    let noted = try await city.start()
    try await city.tamper("update hukou_birth set note = '无' where service_case_id = \(noted)")
    try await sign(city, noted)
    #expect(try await signatures(closed, noted).map(\.verdict) == [.incomparable(gone: ["备注"], added: [])])
    // What can still be compared is; and where the field is there, an answer that was taken out was taken out.
    try await city.tamper("update hukou_birth set child_name = '张大满' where service_case_id = \(id)")
    let name = try #require(city.store.catalog.entity("hukou_birth")?.field("child_name")?.label)
    #expect(try await signatures(city, id).map(\.verdict) == [.altered([name])])
    try await city.tamper("update hukou_birth set note = null where service_case_id = \(noted)")
    #expect(try await signatures(city, noted).map(\.verdict) == [.altered(["备注"])])
  }

  @Test func aRefusalNeedsNoSignature() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    try await city.answer(id, by: "aux", ["review": "refused"], opinion: "房屋不在本辖区。")
    #expect(try await city.state(id)["state"].text == "refused")
  }

  @Test func whatThePageShowedIsWhatIsSigned() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let resident = try city.person("resident")
    let offer = try await city.cases.signing(id, as: resident)
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "请补正")
    var content = CaseContent()
    content.form["birth_place"] = .text("四川省达州市达川区")
    try await city.answer(id, by: "resident", content: content)
    #expect(
      try await city.refusal {
        try await city.cases.sign(offer, SignatureGiven(.phoneCode, seen: offer.digest), by: resident)
      } == "signature-stale")
    #expect(try await signatures(city, id).isEmpty)
  }

  @Test func onlyTheApplicantSignsAndOnlyWhoeverHandlesItTakesASignature() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    #expect(try await city.refusal { try await sign(city, id, by: "neighbour") } == "case-missing")
    // Within the data scope, and with no task in it.
    #expect(try await city.refusal { try await sign(city, id, by: "chief", .paper) } == "signature-foreign")
    try await sign(city, id, by: "aux", .paper)
    #expect(try await signatures(city, id).first?.method == .paper)
  }

  /// Paper comes by post as well; only what an officer says they compared is sealed as compared.
  @Test(arguments: [SignatureMethod.paper, .handwriting])
  func whoeverTakesASignatureSaysWhetherTheySawTheDocument(_ method: SignatureMethod) async throws {
    let city = try await CaseFixture()
    for (saw, identity) in [(false, "received"), (true, "window")] {
      let id = try await city.start()
      try await sign(city, id, by: "aux", method, sawDocument: saw)
      let kept = try #require(try await signatures(city, id).first)
      #expect(kept.identity == identity && kept.statement["identity"] == identity && kept.verdict == .whole)
    }
    // Whoever signs alone is known by their account, whatever is ticked, and signs nothing on paper.
    let own = try await city.start()
    try await sign(city, own, sawDocument: true)
    #expect(try await signatures(city, own).first?.identity == "password")
    #expect(try await city.refusal { try await sign(city, own, .paper) } == "signature-way")
    #expect(try await city.refusal { try await sign(city, own, by: "aux", .phoneCode) } == "signature-way")
  }

  @Test func nobodyAltersASignatureUnseen() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await sign(city, id)
    let kept = try #require(try await signatures(city, id).first)
    let system = city.store.records(as: .system, purpose: "试改")
    #expect(
      try await city.refusal {
        try await system.update(
          ServiceCase.signature, kept.id, version: nil, ["method": .text("paper")], input: .code)
      } == "signature-kept")
    let open: SQL = "select set_config('lifang.scope_case_signature', '{\"all\":true}', true)"
    await #expect(throws: (any Error).self) {
      try await city.database.transaction { transaction in
        _ = try await transaction.query(open)
        try await transaction.execute("update case_signature set method = 'paper' where id = \(kept.id)")
      }
    }
    #expect(try await signatures(city, id).first?.verdict == .whole)
    // Whoever owns the database gets past that, and is found out, each change by itself.
    for change: SQL in [
      "method = 'paper'", "signed_at = signed_at - interval '1 day'", "witness_name = 'x'", "code = 'X'",
      "reference = 'YQ1'", "identity = 'face'",
    ] {
      let id = try await city.start()
      try await sign(city, id)
      let kept = try #require(try await signatures(city, id).first)
      #expect(kept.verdict == .whole)
      try await forge(city, kept.id, change)
      #expect(try await signatures(city, id).first?.verdict == .broken)
    }
  }

  @Test func aStrangerLearnsWhetherItIsGenuineAndNotWhoSigned() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let code = try await sign(city, id)
    let proof = try #require(try await city.cases.verifySignature(code, by: .stranger, origin: .inside))
    #expect(proof.signer == "刘*" && proof.signature.verdict == .whole && proof.unit == "东城派出所")
    let text = proof.signature.statement.text
    #expect(!text.contains("刘芳") && !text.contains("511702199603071223") && text.contains("method: phone_code"))
    let key = try #require(proof.signature.key)
    #expect(proof.signature.statement.isSealed(proof.signature.seal, by: key))
    #expect(try await city.cases.verifySignature("ABCDEFGH23456789ABCD", by: .stranger, origin: .inside) == nil)
  }

  @Test func evidenceProvesItselfAndTellsWhatWasTamperedWith() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await sign(city, id)
    let (kept, json) = try await evidence(city, id)
    let sound = try SignatureEvidence(json).check(sheet: SignatureTests.sheet, trusted: kept.key)
    #expect(sound.faults.isEmpty && sound.proved.count >= 3)
    for (from, to) in [("张小满", "张大满"), ("method: phone_code", "method: handwriting"), ("\"刘芳\"", "\"刘方\"")] {
      let forged = try SignatureTests.forged(json, from, to)
      #expect(!(try SignatureEvidence(forged).check().faults.isEmpty), "\(from)")
    }
    #expect(!(try SignatureEvidence(json).check(sheet: SignatureTests.sheet + [32]).faults.isEmpty))
    let other = try SM2PrivateKey.generate(.seeded(3)).publicKey
    #expect(!(try SignatureEvidence(json).check(trusted: other).faults.isEmpty))
    // Officers without the case to handle register why first.
    let chief = try city.person("chief")
    let seen = try await city.cases.view(id, as: chief)
    #expect(
      try await city.refusal {
        try await city.cases.signatureEvidence(kept.id, of: seen, by: chief, origin: .inside)
      } == "reading-due")
  }

  /// Names may stand once only, and nobody is told that a label was signed.
  @Test func noPartStandsBesideTheOneThatWasSigned() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await sign(city, id)
    let json = try await evidence(city, id).json
    let parts = try #require(json["parts"]?.array)
    let salt = try #require(json["salt"]?.string)
    let named = try #require(parts.first(where: { $0["name"]?.string == "form.child_name" }))
    let label = try #require(named["label"]?.string)
    #expect(named["value"]?.string == "张小满")
    let beside: JSON = [
      "name": "form.child_name", "label": .string(label),
      "digest": .string(SignedContent.digest("form.child_name", "张大满", salt)), "value": "张大满",
    ]
    for both in [parts + [beside], [beside] + parts] {
      let forged = SignatureTests.forged(json, ["parts": .array(both)])
      #expect(!(try SignatureEvidence(forged).check().faults.isEmpty))
    }
    // Whoever reads the report reads the name beside a label that was exchanged.
    let relabelled = try SignatureEvidence(try SignatureTests.forged(json, "\"\(label)\"", "\"母亲姓名\"")).check()
    #expect(relabelled.proved.contains { $0.contains("form.child_name") && $0.contains("母亲姓名") })
  }

  /// What came from the other network is checked by the key that took it in.
  @Test func evidenceOfTheOtherNetworkIsCheckedByTheKeyThatTookItIn() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await sign(city, id)
    let (kept, json) = try await evidence(city, id)
    let own = try #require(kept.key)
    let inside = try SM2PrivateKey.generate(.seeded(4))
    func taken(by key: SM2PrivateKey, _ bytes: [UInt8]) throws -> SignatureEvidence {
      let (seal, pem) = (try key.sign(bytes).der, try key.publicKey.pem())
      return try SignatureEvidence(
        SignatureTests.forged(json, ["receipt": .string(Hex.encode(seal)), "receiptKey": .string(pem)]))
    }
    let received = try taken(by: inside, kept.statement.receipt(of: kept.seal, by: own))
    #expect(received.check(trusted: inside.publicKey).faults.isEmpty)
    #expect(received.check(trusted: own).faults.isEmpty)
    let other = try SM2PrivateKey.generate(.seeded(3))
    #expect(!received.check(trusted: other.publicKey).faults.isEmpty)
    let unlike = try taken(by: inside, kept.statement.bytes)
    #expect(!unlike.check(trusted: inside.publicKey).faults.isEmpty && !unlike.check().faults.isEmpty)
  }

  @Test func whoeverTookTheCaseUpSeesAllThatIsSigned() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    try await answers(city, id)
    let accepted = try #require(try await city.state(id)["accepted_by"].integer)
    let clerk = try #require(city.people.values.first { $0.id == accepted })
    let seen = try await city.cases.view(id, as: clerk)
    #expect(seen.mine.isEmpty && seen.record.masked.contains("applicant_document"))
    let offer = try await city.cases.signing(id, as: clerk)
    #expect(offer.view.record.masked.isEmpty && offer.view.form?.masked.isEmpty == true)
    #expect(offer.view.record["applicant_document"].text == "511702199603071223")
    let looks = try await city.database.query(
      "select 1 from audit_entry where principal_id = \(accepted) and purpose = '登记申请人签名' and action = 'service_case.reveal'"
    )
    #expect(!looks.isEmpty)
    let given = SignatureGiven(.paper, seen: offer.digest)
    try await city.cases.sign(offer, given, by: clerk)
    #expect(try await signatures(city, id).first?.verdict == .whole)
  }

  /// A second click is the first signature; a scan that comes later is kept, and nothing else is silently dropped.
  @Test func aSecondSignatureOfTheSameIsSaidNotDropped() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let (aux, two) = (try city.person("aux"), try city.person("two"))
    func enter(_ person: Principal, _ sheet: [UInt8]?) async throws -> String {
      let offer = try await city.cases.signing(id, as: person)
      var given = SignatureGiven(.paper, seen: offer.digest)
      given.sheet = sheet
      return try await city.cases.sign(offer, given, by: person)
    }
    let first = try await enter(aux, nil)
    #expect(try await enter(aux, nil) == first)
    #expect(try await city.refusal { try await enter(two, nil) } == "signature-given")
    let scanned = try await enter(aux, SignatureTests.sheet)
    #expect(scanned != first)
    #expect(try await signatures(city, id).map { $0.sheet != nil } == [true, false])
    #expect(try await city.refusal { try await enter(aux, nil) } == "signature-given")
    #expect(try await signatures(city, id).count == 2)
  }

  @Test func aCodeIsProvedByTheItemOfTheCaseThatWasSigned() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let code = try await sign(city, id)
    // What is in force since then asks for other things.
    let path = CaseFixture.resources + "/household/items/hukou_001.yaml"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let laid = city.catalogs.current.laying([
      (file: "hukou_001.yaml", yaml: text.replacing("form: hukou_birth", with: "form: hukou_split"))
    ])
    let changed = ServiceCatalog(laid.catalog, folders: [])
    #expect(changed.item("hukou_001")?.form != "hukou_birth")
    try await city.cases.versions.publish(changed, on: city.database, at: city.time.clock.now())
    let proof = try #require(try await city.cases.verifySignature(code, by: .stranger, origin: .inside))
    #expect(proof.signature.verdict == .whole)
  }

  @Test func aCloudSignatureCountsOnlyUnderTheServicesOwnSeal() async throws {
    let city = try await CaseFixture()
    let peers = PeerCity(secret: "geheim", clock: city.time.clock)
    let connected = try await city.connected(to: peers, secret: "geheim")
    let cases = connected.cases
    let id = try await connected.start()
    let resident = try city.person("resident")
    let offer = try await cases.signing(id, as: resident)
    #expect(!cases.hasCloudSigning)
    func trust(_ key: String) async throws {
      try await cases.parameters.set(
        "signature.cloud_key", key, by: .system, audit: city.store.audit, database: city.database)
      try await cases.parameters.refresh(from: city.database)
    }
    try await trust(PeerCity.cloudKey)
    #expect(cases.hasCloudSigning)
    guard case .waiting = try await cases.cloudSign(offer, by: resident) else {
      Issue.record("nobody signs before they were asked")
      return await peers.stop()
    }
    guard case .signed(let sealed) = try await cases.cloudSign(offer, by: resident) else {
      Issue.record("the service has signed")
      return await peers.stop()
    }
    // On somebody's word alone nothing is entered.
    let unproved = SignatureGiven(.cloud, seen: offer.digest)
    #expect(try await city.refusal { try await cases.sign(offer, unproved, by: resident) } == "cloud-signature")
    var given = unproved
    given.cloud = sealed
    try await cases.sign(offer, given, by: resident)
    let kept = try #require(try await signatures(city, id).first)
    #expect(kept.reference == sealed.serial && kept.verdict == .whole)
    // Another key: what the service sends is no proof any more.
    try await trust(Hex.encode(try SM2PrivateKey.generate(.seeded(3)).publicKey.point))
    guard case .not = try await cases.cloudSign(offer, by: resident) else {
      Issue.record("a seal of somebody else was believed")
      return await peers.stop()
    }
    peers.mode = .status(500)
    guard case .not(let reason) = try await cases.cloudSign(offer, by: resident) else {
      Issue.record("an answer that never came was believed")
      return await peers.stop()
    }
    #expect(!reason.isEmpty)
    // What was sealed stays proved by the key of that day, here and away from here.
    let view = try await cases.view(id, as: resident)
    #expect(view.signatures.first?.verdict == .whole)
    let json = try await cases.signatureEvidence(kept.id, of: view, by: resident, origin: .inside)
    let report = try SignatureEvidence(json).check()
    #expect(report.faults.isEmpty && report.proved.contains { $0.contains(sealed.serial) })
    let cloud = try #require(json["cloud"])
    let other = Hex.encode(try #require(kept.key).point)
    for forged in [
      JSON.null, SignatureTests.forged(cloud, ["signed_at": "2020-01-01T00:00:00Z"]),
      SignatureTests.forged(cloud, ["key": .string(other)]),
    ] {
      let evidence = try SignatureEvidence(SignatureTests.forged(json, ["cloud": forged]))
      #expect(evidence.check().faults == ["云签凭据与签名陈述不符，或缺失"])
    }
    // Whoever owns the database takes the service's seal away, and is found out.
    try await forge(city, kept.id, "cloud = null")
    #expect(try await signatures(city, id).first?.verdict == .broken)
    await peers.stop()
  }
}
