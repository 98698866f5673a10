import Access
import Audit
import Cases
import Core
import Crypto
import Entities
import Ferry
import Files
import Papers
import SQL
import Testing

/// What somebody signed outside is entered inside only when everything of it is what was sealed there.
@Suite struct SignatureFerryTests {
  /// Two cities with a ferry between them that tests carry by hand.
  private struct Ferrying {
    let outside: CaseFixture
    let inside: CaseFixture

    static let sheet = Array("%PDF-1.4\n% Antrag\n".utf8)

    init() async throws {
      outside = try await CaseFixture().ferrying(.outside)
      inside = try await CaseFixture().ferrying(.inside)
    }

    init(outside: CaseFixture, inside: CaseFixture) { (self.outside, self.inside) = (outside, inside) }

    /// What waits for the other side, taken out of the outbox.
    func waiting(at city: CaseFixture) async throws -> [FerryMessage] {
      let rows = try await city.database.query("select kind, subject, content from ferry_outbox order by id")
      try await city.database.execute("delete from ferry_outbox")
      var messages: [FerryMessage] = []
      for row in rows {
        let content = try JSON(
          parsing: try city.store.keys.open(try row.get("content"), associated: "ferry_outbox.content"))
        var body: [UInt8] = []
        if let source = content["source"], let key = source["key"]?.string {
          try await city.files.read(try await city.files.find(key)) { body += $0 }
        }
        messages.append(
          FerryMessage(
            kind: try row.get("kind"), subject: try row.get("subject"), payload: content["payload"] ?? .null, body: body
          ))
      }
      return messages
    }

    /// Gives messages to a side as the dock does.
    func hand(_ messages: [FerryMessage], to city: CaseFixture) async throws {
      let receivers = city.cases.ferryReceivers()
      for message in messages {
        let receiver = try #require(receivers.first { $0.kind == message.kind })
        #expect(receiver.shape.faults(in: message.payload).isEmpty)
        try await city.database.transaction { transaction in
          try await transaction.savepoint { try await receiver.apply(message, $0) }
        }
      }
    }

    /// Everything that waits on either side, until nothing does.
    func carry() async throws {
      for _ in 1...3 {
        try await hand(try await waiting(at: outside), to: inside)
        try await hand(try await waiting(at: inside), to: outside)
      }
    }

    /// An application outside that is known inside, by its numbers on both sides.
    func start(_ item: String = "hukou_112", golden: Int = 1) async throws -> (outside: Int64, inside: Int64) {
      let id = try await outside.start(item, golden: golden, delivery: "window")
      try await carry()
      let row = try await inside.database.query("select max(case_id) as id from case_ferry").first
      return (id, try #require(try row?.get("id", as: Int64?.self)))
    }

    /// Signs outside; what it sends waits there.
    @discardableResult
    func sign(_ id: Int64) async throws -> String {
      let resident = try outside.person("resident")
      let offer = try await outside.cases.signing(id, as: resident)
      var given = SignatureGiven(.phoneCode, seen: offer.digest)
      given.sheet = Ferrying.sheet
      return try await outside.cases.sign(offer, given, by: resident)
    }

    func signatures(inside id: Int64) async throws -> [CaseSignature] {
      try await inside.cases.view(id, as: .system).signatures
    }

    /// Grants a case inside.
    func grant(_ id: Int64) async throws {
      try await inside.answer(id, by: "aux", ["review": "passed"])
      for account in ["aux", "two"] {
        for task in try await inside.tasks(id, of: account) {
          try await inside.answer(
            id, by: account, task.step == "receive" ? ["receipt": "matched"] : ["review": "passed"])
        }
      }
      try await inside.answer(id, by: "officer", ["review": "passed"])
    }
  }

  /// A message with one of its values as another text.
  private static func altered(_ message: FerryMessage, _ name: String, _ value: Value) -> FerryMessage {
    let values = JSON.object(
      (message.payload["values"]?.object ?? []).filter { $0.key != name } + [(key: name, value: value.ferried)])
    return with(message, "values", values)
  }

  private static func with(_ message: FerryMessage, _ member: String, _ value: JSON) -> FerryMessage {
    FerryMessage(
      kind: message.kind, subject: message.subject,
      payload: .object((message.payload.object ?? []).map { ($0.key, $0.key == member ? value : $0.value) }))
  }

  @Test func whatWasSignedOutsideHoldsInsideUnderItsOwnSeal() async throws {
    let ferry = try await Ferrying()
    let id = try await ferry.start()
    let code = try await ferry.sign(id.outside)
    try await ferry.carry()
    let kept = try #require(try await ferry.signatures(inside: id.inside).first)
    #expect(kept.code == code && kept.verdict == .whole && kept.sheet != nil)
    // The key of the outside is none of the inside's: what the envelope proved is sealed anew.
    #expect(kept.key?.point != ferry.inside.cases.office.keys.current?.key.publicKey.point)
    try await ferry.grant(id.inside)
    #expect(try await ferry.inside.state(id.inside)["state"].text == "completed")
  }

  /// What an officer enters inside, and what becomes of it there, the applicant outside reads too.
  @Test func whoeverAppliedOutsideIsToldOfWhatIsSignedInside() async throws {
    let ferry = try await Ferrying()
    let id = try await ferry.start()
    func seen() async throws -> CaseView {
      try await ferry.outside.cases.view(id.outside, as: try ferry.outside.person("resident"))
    }
    let before = try await seen()
    #expect(before.awaitsSignature && before.signatureHolds == nil)
    let aux = try ferry.inside.person("aux")
    let offer = try await ferry.inside.cases.signing(id.inside, as: aux)
    try await ferry.inside.cases.sign(offer, SignatureGiven(.paper, seen: offer.digest), by: aux)
    try await ferry.carry()
    let told = try await seen()
    #expect(!told.awaitsSignature && told.signatureHolds == true && told.signatures.isEmpty)
    let event = try #require(told.shownEvents.last)
    #expect(event.title == "签名：纸质签名" && event.actor == "东城派出所")
    // What is supplemented was not signed, at once and as the inside says it.
    try await ferry.inside.answer(id.inside, by: "aux", ["review": "supplement"], opinion: "理由请写明")
    try await ferry.carry()
    #expect(try await seen().signatureHolds == true)
    var content = CaseContent()
    content.form["reason"] = .text("购房后与父母分开生活")
    try await ferry.outside.answer(id.outside, by: "resident", content: content)
    #expect(try await seen().awaitsSignature)
    try await ferry.carry()
    let outdated = try await seen()
    #expect(outdated.awaitsSignature && outdated.signatureHolds == false)
    // Signed outside, it is the inside that says so in the end.
    try await ferry.sign(id.outside)
    #expect(try await !seen().awaitsSignature)
    try await ferry.carry()
    let signed = try await seen()
    #expect(!signed.awaitsSignature && signed.signedInside == true)
  }

  @Test func nothingThatIsNotWhatWasSealedIsEntered() async throws {
    let ferry = try await Ferrying()
    let id = try await ferry.start()
    try await ferry.sign(id.outside)
    let sent = try await ferry.waiting(at: ferry.outside)
    let parts = sent.filter { $0.kind != "case.signature" }
    let message = try #require(sent.last { $0.kind == "case.signature" })
    let values = try #require(message.payload["values"]?.object)
    func text(_ name: String) -> JSON? { values.first { $0.key == name }?.value }
    let other = try SM2PrivateKey.generate(.seeded(3))
    let signed = try #require(text("parts")?["json"]?.object)
    let (dropped, unlike) = (
      JSON.object(Array(signed.dropFirst())),
      JSON.object(signed.map { ($0.key, ["label": "x", "digest": .string(String(repeating: "0", count: 64))]) })
    )
    let file: JSON = try #require(message.payload["files"]?.array?.first)
    func member(_ name: String, _ value: JSON) -> JSON {
      .array([.object((file.object ?? []).map { ($0.key, $0.key == name ? value : $0.value) })])
    }
    let forged: [(String, FerryMessage)] = [
      ("parts left out", Self.altered(message, "parts", .json(dropped))),
      ("other parts", Self.altered(message, "parts", .json(unlike))),
      ("digest", Self.altered(message, "digest", .text(String(repeating: "0", count: 64)))),
      ("method", Self.altered(message, "method", .text("handwriting"))),
      ("paper", Self.altered(message, "method", .text("paper"))),
      ("name", Self.altered(message, "signer_name", .text("周邻居"))),
      ("account", Self.altered(message, "account_name", .text("周邻居"))),
      ("identity", Self.altered(message, "identity", .text("face"))),
      ("witness", Self.altered(message, "witness_name", .text("王民警"))),
      ("time", Self.altered(message, "signed_at", .instant(CaseFixture.start + -86_400))),
      ("code", Self.altered(message, "code", .text("ABCDEFGH23456789ABCD"))),
      ("secret", Self.altered(message, "salt", .text("0"))),
      ("serial number", Self.altered(message, "reference", .text("YQ1"))),
      ("key", Self.altered(message, "seal_key", .text(Hex.encode(other.publicKey.point)))),
      (
        "file of another digest",
        Self.with(message, "files", member("digest", .string(String(repeating: "a", count: 64))))
      ),
      ("sheet as picture", Self.with(message, "files", member("field", "picture"))),
      ("no file", Self.with(message, "files", [])),
    ]
    for (what, message) in forged {
      let refused = try await ferry.inside.refusal { try await ferry.hand(parts + [message], to: ferry.inside) }
      #expect(refused == "ferry-signature", "\(what)")
      #expect(try await ferry.signatures(inside: id.inside).isEmpty, "\(what)")
    }
    // Parts that do not come out as the digest that was signed.
    try await ferry.inside.database.execute("delete from ferry_part")
    #expect(try await ferry.inside.refusal { try await ferry.hand([message], to: ferry.inside) } == "ferry-file")
    // What was sealed is taken, once somebody tries again with what was sent.
    try await ferry.hand(parts + [message], to: ferry.inside)
    #expect(try await ferry.signatures(inside: id.inside).map(\.verdict) == [.whole])
  }

  @Test func aSideWithoutAKeyKeepsTheMessageForLater() async throws {
    let ferry = try await Ferrying()
    let id = try await ferry.start()
    try await ferry.sign(id.outside)
    let sent = try await ferry.waiting(at: ferry.outside)
    let blind = Ferrying(outside: ferry.outside, inside: try ferry.inside.ferrying(.inside, signing: false))
    await #expect(throws: Fault.self) { try await blind.hand(sent, to: blind.inside) }
    try await ferry.hand(sent, to: ferry.inside)
    #expect(try await ferry.signatures(inside: id.inside).count == 1)
  }

  /// A signature that crosses the decision decides nothing, and nobody loses sight of it.
  @Test func aSignatureThatComesAfterTheDecisionIsToldAndNotEntered() async throws {
    let ferry = try await Ferrying()
    let id = try await ferry.start("hukou_001", golden: 0)
    let code = try await ferry.sign(id.outside)
    let late = try await ferry.waiting(at: ferry.outside)
    try await ferry.inside.answer(id.inside, by: "aux", ["review": "refused"], opinion: "房屋不在本辖区。")
    try await ferry.hand(late, to: ferry.inside)
    #expect(try await ferry.signatures(inside: id.inside).isEmpty)
    let event = try #require(try await ferry.inside.cases.view(id.inside, as: .system).events.last)
    #expect(event.action == "sign-late" && event.opinion?.contains(code) == true)
    #expect(try await ferry.inside.database.query("select 1 from ferry_part").isEmpty)
    let noted = try await ferry.inside.database.query(
      "select 1 from audit_entry where action = 'case_signature.late' and record_id = \(id.inside)")
    #expect(noted.count == 1)
    // Its applicant reads so outside.
    try await ferry.carry()
    let seen = try await ferry.outside.cases.view(id.outside, as: try ferry.outside.person("resident"))
    #expect(seen.shownEvents.contains { $0.action == "sign-late" && $0.opinion?.contains(code) == true })
  }
}
