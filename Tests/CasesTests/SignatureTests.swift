import Access
import Audit
import Cases
import Core
import Crypto
import Entities
import Foundation
import Papers
import SQL
import Testing

/// What applicants sign is what stood there: a change shows, and nobody alters a signature or signs for somebody else.
@Suite struct SignatureTests {
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
    #expect(try await city.signatures(id).isEmpty)
    try await city.sign(id)
    // An impatient second click is the same signature.
    try await city.sign(id)
    #expect(try await city.signatures(id).map(\.verdict) == [.whole])
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "姓名请核对")
    var content = CaseContent()
    content.form["child_name"] = .text("张大满")
    try await city.answer(id, by: "resident", opinion: "已改", content: content)
    let label = try #require(city.store.catalog.entity("hukou_birth")?.field("child_name")?.label)
    #expect(try await city.signatures(id).map(\.verdict) == [.altered([label])])
    // What was signed is signed anew; the earlier signature stays as it was.
    try await city.sign(id)
    #expect(try await city.signatures(id).map(\.verdict) == [.whole, .altered([label])])
  }

  @Test func nothingThatHasToBeSignedIsGrantedWithoutASignature() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    #expect(try await city.cases.view(id, as: try city.person("resident")).awaitsSignature)
    try await answers(city, id)
    #expect(
      try await city.refusal { try await city.answer(id, by: "officer", ["review": "passed"]) } == "signature-missing")
    #expect(try await city.state(id)["state"].text == "active")
    try await city.sign(id)
    try await city.answer(id, by: "officer", ["review": "passed"])
    #expect(try await city.state(id)["state"].text == "completed")
    let system = city.store.records(as: .system, purpose: "核对")
    let filed = try #require(
      try await system.find(Archive.entity, where: "service_case_id", equals: .integer(id)))
    let lines = try await system.attached(Archive.item, to: filed.id)
    #expect(lines.filter { $0["kind"].text == "signed" }.count == 1)
    #expect(try await city.refusal { try await city.sign(id) } == "signature-closed")
  }

  @Test func aSignatureThatNoLongerHoldsGrantsNothingEither() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    try await city.sign(id)
    try await city.answer(id, by: "aux", ["review": "supplement"], opinion: "理由请写明")
    var content = CaseContent()
    content.form["reason"] = .text("购房后与父母分开生活")
    try await city.answer(id, by: "resident", content: content)
    try await answers(city, id)
    #expect(
      try await city.refusal { try await city.answer(id, by: "officer", ["review": "passed"]) } == "signature-outdated")
    // Signed on paper at the window, which whoever handles the case enters.
    try await city.sign(id, by: "officer", .paper)
    let kept = try #require(try await city.signatures(id).first)
    #expect(kept.method == .paper && kept.witness == "王民警" && kept.identity == "received" && kept.verdict == .whole)
    try await city.answer(id, by: "officer", ["review": "passed"])
  }

  /// What does not fit its seal is no change of the application, and is told as what it is.
  @Test func aSignatureThatDoesNotFitItsSealGrantsNothingUntilItIsGivenAnew() async throws {
    let city = try await CaseFixture()
    let id = try await demanding(city)
    try await city.sign(id)
    try await city.forge(try #require(try await city.signatures(id).first).id, "identity = 'face'")
    #expect(try await city.cases.view(id, as: try city.person("resident")).awaitsSignature)
    try await answers(city, id)
    #expect(
      try await city.refusal { try await city.answer(id, by: "officer", ["review": "passed"]) } == "signature-broken")
    try await city.sign(id)
    #expect(try await city.signatures(id).map(\.verdict) == [.whole, .broken])
    try await city.answer(id, by: "officer", ["review": "passed"])
  }

  /// A field that an upgrade takes away, or closes to applicants, was not changed by anybody: it is named, and the signature holds.
  @Test func whatAnUpgradeTookAwayIsToldApartFromWhatWasChanged() async throws {
    let city = try await CaseFixture()
    let before = try city.declaring(
      "extend_entity: hukou_birth\nfields:\n  - {name: midwife, label: 接生医师, type: text, max: 20}\n")
    let id = try await city.start()
    try await city.database.execute("alter table hukou_birth add column midwife text default '周医师'")
    try await before.sign(id)
    #expect(try await before.signatures(id).map(\.verdict) == [.whole])
    #expect(try await city.signatures(id).map(\.verdict) == [.incomparable(gone: ["接生医师"], added: [])])
    #expect(try await city.signatures(id).first?.verdict.holds == true)
    let closed = try city.declaring("extend_entity: hukou_birth\nfields:\n  - {name: note, editable: false}\n")
    let noted = try await city.start()
    try await city.tamper("update hukou_birth set note = '无' where service_case_id = \(noted)")
    try await city.sign(noted)
    #expect(try await closed.signatures(noted).map(\.verdict) == [.incomparable(gone: ["备注"], added: [])])
    // What can still be compared is; and where the field is there, an answer that was taken out was taken out.
    try await city.tamper("update hukou_birth set child_name = '张大满' where service_case_id = \(id)")
    let name = try #require(city.store.catalog.entity("hukou_birth")?.field("child_name")?.label)
    #expect(try await city.signatures(id).map(\.verdict) == [.altered([name])])
    try await city.tamper("update hukou_birth set note = null where service_case_id = \(noted)")
    #expect(try await city.signatures(noted).map(\.verdict) == [.altered(["备注"])])
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
    #expect(try await city.signatures(id).isEmpty)
  }

  @Test func onlyTheApplicantSignsAndOnlyWhoeverHandlesItTakesASignature() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    #expect(try await city.refusal { try await city.sign(id, by: "neighbour") } == "case-missing")
    // Within the data scope, and with no task in it.
    #expect(try await city.refusal { try await city.sign(id, by: "chief", .paper) } == "signature-foreign")
    try await city.sign(id, by: "aux", .paper)
    #expect(try await city.signatures(id).first?.method == .paper)
  }

  /// Paper comes by post as well; only what an officer says they compared is sealed as compared.
  @Test(arguments: [SignatureMethod.paper, .handwriting])
  func whoeverTakesASignatureSaysWhetherTheySawTheDocument(_ method: SignatureMethod) async throws {
    let city = try await CaseFixture()
    for (saw, identity) in [(false, "received"), (true, "window")] {
      let id = try await city.start()
      try await city.sign(id, by: "aux", method, sawDocument: saw)
      let kept = try #require(try await city.signatures(id).first)
      #expect(kept.identity == identity && kept.statement["identity"] == identity && kept.verdict == .whole)
    }
    // Whoever signs alone is known by their account, whatever is ticked, and signs nothing on paper.
    let own = try await city.start()
    try await city.sign(own, sawDocument: true)
    #expect(try await city.signatures(own).first?.identity == "password")
    #expect(try await city.refusal { try await city.sign(own, .paper) } == "signature-way")
    #expect(try await city.refusal { try await city.sign(own, by: "aux", .phoneCode) } == "signature-way")
  }

  @Test func nobodyAltersASignatureUnseen() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.sign(id)
    let kept = try #require(try await city.signatures(id).first)
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
    #expect(try await city.signatures(id).first?.verdict == .whole)
    // Whoever owns the database gets past that, and is found out, each change by itself.
    for change: SQL in [
      "method = 'paper'", "signed_at = signed_at - interval '1 day'", "witness_name = 'x'", "code = 'X'",
      "reference = 'YQ1'", "identity = 'face'",
    ] {
      let id = try await city.start()
      try await city.sign(id)
      let kept = try #require(try await city.signatures(id).first)
      #expect(kept.verdict == .whole)
      try await city.forge(kept.id, change)
      #expect(try await city.signatures(id).first?.verdict == .broken)
    }
  }

  @Test func aStrangerLearnsWhetherItIsGenuineAndNotWhoSigned() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let code = try await city.sign(id)
    let proof = try #require(try await city.cases.verifySignature(code, by: .stranger, origin: .inside))
    #expect(proof.signer == "刘*" && proof.signature.verdict == .whole && proof.unit == "东城派出所")
    let text = proof.signature.statement.text
    #expect(!text.contains("刘芳") && !text.contains("511702199603071223") && text.contains("method: phone_code"))
    let key = try #require(proof.signature.key)
    #expect(proof.signature.statement.isSealed(proof.signature.seal, by: key))
    #expect(try await city.cases.verifySignature("ABCDEFGH23456789ABCD", by: .stranger, origin: .inside) == nil)
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
    #expect(try await city.signatures(id).first?.verdict == .whole)
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
    let scanned = try await enter(aux, CaseFixture.signedSheet)
    #expect(scanned != first)
    #expect(try await city.signatures(id).map { $0.sheet != nil } == [true, false])
    #expect(try await city.refusal { try await enter(aux, nil) } == "signature-given")
    #expect(try await city.signatures(id).count == 2)
  }

  @Test func aCodeIsProvedByTheItemOfTheCaseThatWasSigned() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    let code = try await city.sign(id)
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

}
