import Access
import Audit
import Cases
import Core
import Crypto
import Entities
import Peers
import SQL
import Testing

/// What is taken away from the installation, and what the cloud seals, proves itself and nothing else.
@Suite struct SignatureEvidenceTests {
  /// The evidence with one text in place of another.
  private static func forged(_ json: JSON, _ from: String, _ to: String) throws -> JSON {
    try JSON(
      parsing: Array(json.text.split(separator: from, omittingEmptySubsequences: false).joined(separator: to).utf8))
  }

  /// An object with other members.
  private static func forged(_ json: JSON, _ members: [String: JSON]) -> JSON {
    .object((json.object ?? []).map { (key: $0.key, value: members[$0.key] ?? $0.value) })
  }

  @Test func evidenceProvesItselfAndTellsWhatWasTamperedWith() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.sign(id)
    let (kept, json) = try await city.evidence(id)
    let sound = try SignatureEvidence(json).check(sheet: CaseFixture.signedSheet, trusted: kept.key)
    #expect(sound.faults.isEmpty && sound.proved.count >= 3)
    for (from, to) in [("张小满", "张大满"), ("method: phone_code", "method: handwriting"), ("\"刘芳\"", "\"刘方\"")] {
      let forged = try SignatureEvidenceTests.forged(json, from, to)
      #expect(!(try SignatureEvidence(forged).check().faults.isEmpty), "\(from)")
    }
    #expect(!(try SignatureEvidence(json).check(sheet: CaseFixture.signedSheet + [32]).faults.isEmpty))
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
    try await city.sign(id)
    let json = try await city.evidence(id).json
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
      let forged = SignatureEvidenceTests.forged(json, ["parts": .array(both)])
      #expect(!(try SignatureEvidence(forged).check().faults.isEmpty))
    }
    // Whoever reads the report reads the name beside a label that was exchanged.
    let relabelled = try SignatureEvidence(try SignatureEvidenceTests.forged(json, "\"\(label)\"", "\"母亲姓名\"")).check()
    #expect(relabelled.proved.contains { $0.contains("form.child_name") && $0.contains("母亲姓名") })
  }

  /// What came from the other network is checked by the key that took it in.
  @Test func evidenceOfTheOtherNetworkIsCheckedByTheKeyThatTookItIn() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.sign(id)
    let (kept, json) = try await city.evidence(id)
    let own = try #require(kept.key)
    let inside = try SM2PrivateKey.generate(.seeded(4))
    func taken(by key: SM2PrivateKey, _ bytes: [UInt8]) throws -> SignatureEvidence {
      let (seal, pem) = (try key.sign(bytes).der, try key.publicKey.pem())
      return try SignatureEvidence(
        SignatureEvidenceTests.forged(json, ["receipt": .string(Hex.encode(seal)), "receiptKey": .string(pem)]))
    }
    let received = try taken(by: inside, kept.statement.receipt(of: kept.seal, by: own))
    #expect(received.check(trusted: inside.publicKey).faults.isEmpty)
    #expect(received.check(trusted: own).faults.isEmpty)
    let other = try SM2PrivateKey.generate(.seeded(3))
    #expect(!received.check(trusted: other.publicKey).faults.isEmpty)
    let unlike = try taken(by: inside, kept.statement.bytes)
    #expect(!unlike.check(trusted: inside.publicKey).faults.isEmpty && !unlike.check().faults.isEmpty)
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
    let kept = try #require(try await city.signatures(id).first)
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
      JSON.null, SignatureEvidenceTests.forged(cloud, ["signed_at": "2020-01-01T00:00:00Z"]),
      SignatureEvidenceTests.forged(cloud, ["key": .string(other)]),
    ] {
      let evidence = try SignatureEvidence(SignatureEvidenceTests.forged(json, ["cloud": forged]))
      #expect(evidence.check().faults == ["云签凭据与签名陈述不符，或缺失"])
    }
    // Whoever owns the database takes the service's seal away, and is found out.
    try await city.forge(kept.id, "cloud = null")
    #expect(try await city.signatures(id).first?.verdict == .broken)
    await peers.stop()
  }
}
