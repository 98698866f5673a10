import Access
import Cases
import Connectors
import Core
import Crypto
import Entities
import Files
import Peers
import SQL
import Testing

/// Applicants hand in their own electronic licences instead of photographs; each proves itself, for ever.
@Suite struct LicenceTests {
  private struct Desk {
    let city: CaseFixture
    let peers: PeerCity
    let holder: Principal
    var cases: CaseStore { city.cases }

    /// The number of ``CaseFixture/application(_:golden:channel:delivery:division:)``'s applicant.
    static let document = "511702199603071223"

    init(assurance: Assurance = .face) async throws {
      let fixture = try await CaseFixture()
      peers = PeerCity(secret: "geheim", clock: fixture.time.clock)
      city = try await fixture.connected(to: peers, secret: "geheim")
      let resident = try city.person("resident")
      holder = Principal(
        kind: resident.kind, id: resident.id, name: resident.name, unit: resident.unit, grants: resident.grants,
        clearance: resident.clearance, assurance: assurance)
    }

    func trust(_ key: String = PeerCity.licenceKey) async throws {
      try await cases.parameters.set(
        "signature.licence_key", key, by: .system, audit: city.store.audit, database: city.database)
    }

    func item() throws -> (ServiceItem, MaterialRequirement, MaterialKind) {
      let item = try #require(cases.services.item("hukou_001"))
      let requirement = try #require(item.materials.first { $0.name == "mother_register" })
      return (item, requirement, try #require(requirement.kinds.first))
    }

    func fetch(of document: String = Desk.document) async throws -> LicenceFetch {
      let (item, _, kind) = try item()
      return try await cases.fetchLicence(kind, holder: ("刘芳", document), for: item, by: holder)
    }

    /// An application with a licence for the register of the mother.
    func application(_ licence: ElectronicLicence, file: [UInt8], mother: String = Desk.document) async throws
      -> CaseApplication
    {
      let (_, requirement, kind) = try item()
      let stored = try await city.database.transaction { transaction in
        try await city.files.put(
          bytes: file, name: "居民户口簿（电子证照）.pdf", classification: .secret, policy: .scans, by: holder, in: transaction)
      }
      var application = try city.application()
      application.content.form["mother_resident_id"] = .text(mother)
      application.content.materials.removeAll { $0.requirement == requirement.name }
      application.content.materials.append(
        HandedMaterial(
          requirement: requirement.name, kind: kind.name, way: .files, files: [stored.key], licence: licence))
      return application
    }

    func material(_ id: Int64) async throws -> Record {
      try #require(
        try await city.store.records(as: .system).attached(ServiceCase.material, to: id)
          .first { $0["requirement"].text == "mother_register" })
    }
  }

  private func desk(
    _ assurance: Assurance = .face, _ body: (Desk) async throws -> Void
  ) async throws {
    let desk = try await Desk(assurance: assurance)
    do { try await body(desk) } catch {
      await desk.peers.stop()
      throw error
    }
    await desk.peers.stop()
  }

  @Test func aLicenceIsHandedInByItsHolderAndProvesItselfToWhoeverReviews() async throws {
    try await desk { desk in
      #expect(!desk.cases.hasLicences, "without the key nothing could be proved")
      guard case .not = try await desk.fetch() else { throw Fault("licence-without-key") }
      try await desk.trust()
      guard case .fetched(let licence, let file) = try await desk.fetch() else { throw Fault("no-licence") }
      #expect(licence.name == "居民户口簿" && file.starts(with: Array("%PDF-".utf8)))
      #expect(ElectronicLicence(licence.json) == licence)
      let id = try await desk.cases.start(
        try await desk.application(licence, file: file), by: desk.holder
      ).id
      let material = try await desk.material(id)
      #expect(material["verification"].text == "match")
      #expect(material["verification_note"].text?.contains("居民户口簿") == true)
      let seen = try #require(
        try await desk.cases.view(id, as: desk.holder).materials.first { $0.id == material.id })
      #expect(seen.isFromLicence)
      #expect(try await desk.cases.verify(material: material.id, of: id, by: .system).result == .match)
      // The log of calls keeps neither the paper nor whose it is.
      let logged = try await desk.city.database.query(
        "select coalesce(request, '') as request, coalesce(response, '') as response from connector_call")
      let text = try logged.map {
        "\(try $0.get("request", as: String.self)) \(try $0.get("response", as: String.self))"
      }
      .joined()
      #expect(!text.isEmpty && !text.contains(Desk.document) && !text.contains(licence.number))
      #expect(text.contains("字节") && text.utf8.count < 2000)
    }
  }

  @Test func whatIsNotTheApplicantsOwnOrNotTheFileIsRefused() async throws {
    try await desk { desk in
      try await desk.trust()
      guard case .fetched(let own, let file) = try await desk.fetch(),
        case .fetched(let other, let otherFile) = try await desk.fetch(of: "511702199401016234")
      else { throw Fault("no-licence") }
      func refused(_ licence: ElectronicLicence, _ file: [UInt8]) async throws -> [String] {
        do {
          _ = try await desk.cases.start(try await desk.application(licence, file: file), by: desk.holder)
          return []
        } catch let refusal as Refusal {
          return ([refusal] + refusal.others).map { "\($0.code) \($0.field ?? "")" }
        }
      }
      let unproved = ["licence-unproved material.mother_register"]
      #expect(try await refused(other, otherFile) == unproved)
      #expect(try await refused(own, otherFile) == unproved)
      let renamed = ElectronicLicence(
        type: own.type, number: own.number, name: own.name, issuer: "别处", issuedOn: own.issuedOn, validUntil: nil,
        digest: own.digest, seal: own.seal, key: own.key)
      #expect(try await refused(renamed, file) == unproved)
      let forger = try SM2PrivateKey.generate(.seeded(3))
      let forged = ElectronicLicence(
        type: own.type, number: own.number, name: own.name, issuer: own.issuer, issuedOn: own.issuedOn,
        validUntil: own.validUntil, digest: own.digest,
        seal: try forger.sign(Array(own.statement(holder: Desk.document).utf8)).der, key: forger.publicKey.point)
      #expect(forged.isGenuine(holder: Desk.document), "sealed well, by nobody we know")
      #expect(try await refused(forged, file) == unproved)
      #expect(try await refused(own, file).isEmpty)
    }
  }

  @Test(arguments: [Assurance.password, .phone, .realName])
  func onlyWhoShowedTheirFaceFetches(_ assurance: Assurance) async throws {
    try await desk(assurance) { desk in
      try await desk.trust()
      #expect(try await desk.city.refusal { try await desk.fetch() } == "licence-face")
      #expect(desk.peers.seen.isEmpty)
    }
  }

  @Test func withoutAnAnswerTheApplicantIsToldAndGoesOn() async throws {
    try await desk { desk in
      try await desk.trust()
      desk.peers.mode = .status(503)
      guard case .not(let reason) = try await desk.fetch() else { throw Fault("fetched-from-nobody") }
      #expect(reason.contains("电子证照系统"))
      desk.peers.mode = .well
      // Whose number ends in 7 has none.
      guard case .not(let none) = try await desk.fetch(of: "511702199001010017") else { throw Fault("fetched") }
      #expect(none.contains("没有您的这份证照"))
    }
  }

  @Test func aKeyThatChangedLeavesTheJudgementToPeople() async throws {
    try await desk { desk in
      try await desk.trust()
      guard case .fetched(let licence, let file) = try await desk.fetch() else { throw Fault("no-licence") }
      let id = try await desk.cases.start(try await desk.application(licence, file: file), by: desk.holder).id
      let material = try await desk.material(id).id
      try await desk.trust(Hex.encode(try SM2PrivateKey.generate(.seeded(8)).publicKey.point))
      #expect(try await desk.cases.verify(material: material, of: id, by: .system).result == .unknown)
      // Another file in its place is found out.
      try await desk.trust()
      let other = try await desk.city.database.transaction { transaction in
        try await desk.city.files.put(
          bytes: file + [10], name: "换过的.pdf", classification: .secret, policy: .scans, by: desk.holder, in: transaction
        )
      }
      try await desk.city.store.records(as: .system).plain.update(
        ServiceCase.material, material, version: nil, ["files": .list([other.key])], input: .code)
      #expect(try await desk.cases.verify(material: material, of: id, by: .system).result == .mismatch)
    }
  }

  @Test func oneMayNotHandInTheirOwnForThePaperOfAnother() async throws {
    try await desk { desk in
      try await desk.trust()
      guard case .fetched(let licence, let file) = try await desk.fetch() else { throw Fault("no-licence") }
      let other = try await desk.application(licence, file: file, mother: "511702199001010060")
      #expect(try await desk.city.refusal { try await desk.cases.start(other, by: desk.holder) } == "licence-unproved")
    }
  }

  @Test func whoIssuedAPaperIsAskedTooAndTheWorseFindingStands() async throws {
    try await desk { desk in
      try await desk.trust()
      let item = try #require(desk.cases.services.item("hukou_003"))
      let golden = try #require(item.goldenCases.firstIndex { $0.materials.contains("marriage_certificate") })
      let requirement = try #require(item.materials.first { $0.name == "marriage_certificate" })
      let kind = try #require(requirement.licensed.first)
      guard
        case .fetched(let licence, let file) = try await desk.cases.fetchLicence(
          kind, holder: ("刘芳", Desk.document), for: item, by: desk.holder)
      else { throw Fault("no-licence") }
      let stored = try await desk.city.database.transaction { transaction in
        try await desk.city.files.put(
          bytes: file, name: "结婚证.pdf", classification: .secret, policy: .scans, by: desk.holder, in: transaction)
      }
      var application = try desk.city.application(item.code, golden: golden)
      application.content.form["mother_resident_id"] = .text(Desk.document)
      // To the registry a number that ends in 8 is void.
      application.content.form["marriage_certificate_number"] = .text("J511702-2020-000008")
      application.content.materials.removeAll { $0.requirement == requirement.name }
      application.content.materials.append(
        HandedMaterial(
          requirement: requirement.name, kind: kind.name, way: .files, files: [stored.key], licence: licence))
      let id = try await desk.cases.start(application, by: desk.holder).id
      let material = try #require(
        try await desk.city.store.records(as: .system).attached(ServiceCase.material, to: id)
          .first { $0["requirement"].text == requirement.name })
      #expect(material["verification"].text == "mismatch")
      let note = material["verification_note"].text ?? ""
      #expect(note.contains("已作废") && note.contains("签名有效"))
    }
  }

  @Test func aLicenceThatEndedIsNotGivenAndEndsLater() async throws {
    try await desk { desk in
      try await desk.trust()
      let item = try #require(desk.cases.services.items.first { $0.materials.contains { $0.name == "resident_card" } })
      let kind = try #require(item.materials.first { $0.name == "resident_card" }?.licensed.first)
      func fetch(_ document: String) async throws -> LicenceFetch {
        try await desk.cases.fetchLicence(kind, holder: ("刘芳", document), for: item, by: desk.holder)
      }
      guard case .not(let reason) = try await fetch("511702199001010095") else { throw Fault("ended") }
      #expect(reason.contains("到期"))
      guard case .fetched(let licence, _) = try await fetch(Desk.document) else { throw Fault("no-licence") }
      #expect(licence.validUntil == CivilDate("2040-05-12") && licence.described.contains("有效期至 2040-05-12"))
    }
  }

  @Test func aSupplementThatKeepsTheFileKeepsItsProof() async throws {
    try await desk { desk in
      try await desk.trust()
      guard case .fetched(let licence, let file) = try await desk.fetch() else { throw Fault("no-licence") }
      let application = try await desk.application(licence, file: file)
      let id = try await desk.cases.start(application, by: desk.holder).id
      try await desk.city.answer(id, by: "aux", ["review": "supplement"], opinion: "请补一页")
      let (_, requirement, kind) = try desk.item()
      let key = try #require(application.content.materials.last?.files.first)
      let page = try await desk.city.database.transaction { transaction in
        try await desk.city.files.put(
          bytes: file + [10], name: "补的一页.pdf", classification: .secret, policy: .scans, by: desk.holder,
          in: transaction)
      }
      var content = CaseContent()
      content.materials = [
        HandedMaterial(requirement: requirement.name, kind: kind.name, way: .files, files: [key, page.key])
      ]
      let task = try #require(try await desk.cases.view(id, as: desk.holder).mine.first)
      try await desk.cases.move(
        id, .complete(task: task.number, values: [:]), content: content, by: desk.holder)
      let material = try await desk.material(id)
      #expect(material.isFromLicence)
      #expect(material["verification"].text == "match")
      #expect(material["verification_note"].text?.contains("另有 1 个文件不是电子证照") == true)
      // Without the file nothing of it is left.
    }
  }
}
