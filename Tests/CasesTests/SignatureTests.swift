import Access
import Audit
import Cases
import Connectors
import Core
import Crypto
import Entities
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
    _ city: CaseFixture, _ id: Int64, by account: String = "resident", _ method: SignatureMethod = .phoneCode
  ) async throws -> String {
    let person = try city.person(account)
    let offer = try await city.cases.signing(id, as: person)
    var given = SignatureGiven(method, seen: offer.digest)
    given.sheet = SignatureTests.sheet
    return try await city.cases.sign(offer, given, by: person)
  }

  private func signatures(_ city: CaseFixture, _ id: Int64) async throws -> [CaseSignature] {
    try await city.cases.view(id, as: try city.person("resident")).signatures
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
    #expect(kept.method == .paper && kept.witness == "王民警" && kept.identity == "window" && kept.verdict == .whole)
    try await city.answer(id, by: "officer", ["review": "passed"])
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
    // Whoever owns the database gets past that, and is found out.
    for change: SQL in [
      "method = 'paper'", "signed_at = signed_at - interval '1 day'", "witness_name = 'x', code = 'X'",
    ] {
      try await city.database.transaction { transaction in
        _ = try await transaction.query(open)
        try await transaction.execute("alter table case_signature disable trigger case_signature_kept")
        try await transaction.execute("create temporary table was on commit drop as select * from case_signature")
        try await transaction.execute("update case_signature set \(change) where id = \(kept.id)")
        try await transaction.execute("alter table case_signature enable trigger case_signature_kept")
      }
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
    let resident = try city.person("resident")
    let view = try await city.cases.view(id, as: resident)
    let kept = try #require(view.signatures.first)
    let json = try await city.cases.signatureEvidence(kept.id, of: view, by: resident, origin: .inside)
    let sound = try SignatureEvidence(json).check(sheet: SignatureTests.sheet, trusted: kept.key)
    #expect(sound.faults.isEmpty && sound.proved.count >= 3)
    for (from, to) in [("张小满", "张大满"), ("method: phone_code", "method: handwriting"), ("\"刘芳\"", "\"刘方\"")] {
      let forged = try JSON(
        parsing: Array(
          json.text.split(separator: from, omittingEmptySubsequences: false)
            .joined(separator: to).utf8))
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
    guard case .signed(let serial) = try await cases.cloudSign(offer, by: resident) else {
      Issue.record("the service has signed")
      return await peers.stop()
    }
    var given = SignatureGiven(.cloud, seen: offer.digest)
    given.reference = serial
    try await cases.sign(offer, given, by: resident)
    #expect(try await signatures(city, id).first?.reference == serial)
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
    await peers.stop()
  }
}
