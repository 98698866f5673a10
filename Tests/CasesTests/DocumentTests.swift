import Access
import Audit
import Cases
import Core
import Crypto
import Entities
import Files
import Foundation
import Households
import Jobs
import Papers
import SQL
import Testing

/// What cases result in on paper: certificates, permits and proofs, their numbers, signatures and codes.
@Suite struct DocumentTests {
  private static let file = "proof.pdf"

  /// A proof of a changed name, completed by the officer at the window.
  private func proof(_ city: CaseFixture) async throws -> (id: Int64, record: Record) {
    let id = try await city.start("hukou_105", by: "officer", channel: .window, delivery: "window")
    let view = try await city.cases.view(id, as: try city.person("officer"))
    return (id, try #require(view.documents.first))
  }

  private func bytes(_ city: CaseFixture, _ document: Int64, by account: String = "officer") async throws -> [UInt8] {
    let office = city.cases.office
    try await office.print(document, .print, reason: "核对", by: try city.person(account))
    return try await city.files.bytes(of: try await office.file(document, .print, try city.person(account)))
  }

  /// The entry, once the file is set as the server does it in the background.
  private func ledger(_ city: CaseFixture, _ id: Int64) async throws -> Record {
    while try await city.cases.office.work(log: .silent) != .nothing {}
    return try await city.store.records(as: .system, purpose: "核对").get(IssuedDocument.entity, id, reveal: true)
  }

  /// Runs `body` in a folder of its own that holds the bytes.
  private func withFile<T>(_ bytes: [UInt8], _ body: (String) throws -> T) throws -> T {
    let folder = NSTemporaryDirectory() + "lifang-papers-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + DocumentTests.file))
    return try body(folder)
  }

  private func output(of command: String, in folder: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", command]
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: data, as: UTF8.self)
  }

  @Test func aCompletedCaseIssuesTheProofItIsFor() async throws {
    let city = try await CaseFixture()
    let (id, document) = try await proof(city)
    #expect(document["number"] == .text("户证〔2026〕000001号"))
    #expect(document[IssuedDocument.state] == "valid")
    let entry = try await ledger(city, document.id)
    #expect(entry["service_case_id"] == .integer(id))
    #expect(entry["unit_id"] == .integer(3))
    #expect(entry["unit_name"] == .text("东城派出所"))
    #expect(entry["holder_name"] == .text("张小满"))
    // The child has no number yet; the applicant's must not stand in its place.
    #expect(entry["holder_document"] == .null)
    let bytes = try await bytes(city, document.id)
    #expect(Hex.encode(Digest.sm3(bytes)) == entry[IssuedDocument.digest])
    let text = try withFile(bytes) { try output(of: "pdftotext -layout \(DocumentTests.file) -", in: $0) }
    for words in ["户口登记项目内容变更更正证明", "户证〔2026〕000001号", "王招弟", "王清扬", "公民身份号码尚未登记", "特此证明", "东城派出所", "二〇二六年十一月十八日"] {
      #expect(text.filter { !$0.isWhitespace }.contains(words), "\(words) in \(text)")
    }
    let view = try await city.cases.view(id, as: try city.person("officer"))
    #expect(view.events.last?.result == "已签发户口登记项目内容变更更正证明 户证〔2026〕000001号")
  }

  @Test func whoHasNoRegistrationIsToldSoOnPaperAndWhoHasOneIsNot() async throws {
    let city = try await CaseFixture()
    let officer = try city.person("officer")
    let id = try await city.start(
      "hukou_proof_unregistered", by: "officer", channel: .window, delivery: "window")
    let document = try #require(try await city.cases.view(id, as: officer).documents.first)
    let entry = try await ledger(city, document.id)
    let words = try withFile(try await bytes(city, document.id)) {
      try output(of: "pdftotext -layout \(DocumentTests.file) -", in: $0)
    }.filter { !$0.isWhitespace }
    for part in ["未登记户口证明", "张小满", "2019年5月4日", "荷叶街28号", "没有户口登记", "无公民身份号码"] {
      #expect(words.contains(part), "\(part) in \(words)")
    }
    let code = try #require(entry["code"].text)
    #expect(try await city.cases.office.verify(code, by: officer, origin: .inside)?.verdict == .authentic)

    try await city.store.records(as: .system).insert(
      "person",
      [
        "name": .text("程在册"), "resident_id": .text("511702199401016234"), "sex": .text("male"),
        "birth_date": .date(try #require(CivilDate("1994-01-01"))), "residency": .text("registered"),
        "division_code": .text("511702001001"), "household_number": .text("511702000123"),
      ], input: .code)
    var known = try city.application("hukou_proof_unregistered", channel: .window, delivery: "window")
    known.content.values["subject_name"] = .text("程在册")
    known.content.values["subject_document"] = .text("511702199401016234")
    let other = try await city.cases.start(known, by: officer).id
    let view = try await city.cases.view(other, as: officer)
    #expect(view.documents.isEmpty)
    #expect(view.events.contains { $0.opinion?.contains("不能出具未登记户口的证明") == true })
  }

  @Test func aDocumentIsSetFromWhatItWasIssuedWithAndOnce() async throws {
    let city = try await CaseFixture()
    let (id, document) = try await proof(city)
    let records = city.store.records(as: .system, purpose: "核对")
    let fresh = try await records.get(IssuedDocument.entity, document.id, reveal: true)
    #expect(fresh[IssuedDocument.digest] == nil)
    #expect(fresh[IssuedDocument.number] == "户证〔2026〕000001号")
    // What is changed between the decision and the setting is of another day.
    let form = try #require(try await records.attached("hukou_proof", to: id).first)
    try await records.update("hukou_proof", form.id, version: nil, ["value_after": .text("王某某")], input: .code)
    async let asked = bytes(city, document.id)
    async let again = city.cases.office.work(log: .silent)
    let text = try withFile(try await asked) { try output(of: "pdftotext -layout \(DocumentTests.file) -", in: $0) }
    _ = try await again
    let words = text.filter { !$0.isWhitespace }
    #expect(words.contains("王清扬") && !words.contains("王某某"), "\(text)")
    #expect(try await city.cases.office.work(log: .silent) == .nothing)
    let entry = try await ledger(city, document.id)
    #expect(entry.version == 3, "set once, printed once")
    #expect(try await city.database.value("select count(*) from document_setting", as: Int.self) == 0)
  }

  @Test func stockOpensslChecksTheSignatureAndAScannerReadsTheCode() async throws {
    let city = try await CaseFixture()
    let (_, document) = try await proof(city)
    let entry = try await ledger(city, document.id)
    let signature = try #require(entry[IssuedDocument.signature].flatMap { Hex.decode($0) })
    let key = try #require(city.cases.office.keys.trusted[entry[IssuedDocument.keyID] ?? 0])
    let bytes = try await bytes(city, document.id)
    try withFile(bytes) { folder in
      try Data(signature).write(to: URL(fileURLWithPath: folder + "/signature.der"))
      try key.pem().write(toFile: folder + "/key.pem", atomically: true, encoding: .utf8)
      let check =
        "openssl dgst -sm3 -sigopt distid:1234567812345678 -verify key.pem -signature signature.der "
      #expect(try output(of: check + DocumentTests.file, in: folder) == "Verified OK\n")
      #expect(
        try output(of: "echo x >> \(DocumentTests.file); " + check + DocumentTests.file, in: folder) != "Verified OK\n")
    }
    let said = try withFile(bytes) { folder in
      try output(of: "pdftoppm -r 200 -png \(DocumentTests.file) page && zbarimg --raw -q page*.png", in: folder)
    }
    #expect(said == "https://lifang.example/verify/\(entry[IssuedDocument.code] ?? "")\n")
  }

  @Test func thePermitIsIssuedInItsStepAndAgainAfterAReturn() async throws {
    let city = try await CaseFixture()
    let item = try #require(city.cases.services.item("hukou_046"))
    let golden = try #require(item.goldenCases.firstIndex { $0.process == "hukou_move_in_outside" })
    let id = try await city.start("hukou_046", by: "officer", channel: .window, golden: golden, delivery: "window")
    #expect(try await city.cases.view(id, as: try city.person("officer")).documents.isEmpty)
    try await city.answer(id, by: "officer")
    let first = try #require(try await city.cases.view(id, as: try city.person("officer")).documents.first)
    #expect(first["number"] == .text("准迁字〔2026〕000001号"))
    // Forty days, the day of issue counted.
    #expect(first["valid_until"].date == CivilDate("2026-12-27"))
    let task = try #require(try await city.tasks(id, of: "officer").first).number
    try await city.cases.move(
      id, .back(task: task, to: "issue_permit"), opinion: "地址有误", by: try city.person("officer"))
    try await city.answer(id, by: "officer")
    let both = try await city.cases.view(id, as: try city.person("officer")).documents
    #expect(both.map { $0["state"].text } == ["valid", "void"])
    #expect(both.last?["void_reason"].text == "已换发新证，编号 准迁字〔2026〕000002号")
  }

  @Test func whatIsIssuedAgainMakesTheOldOneVoid() async throws {
    let city = try await CaseFixture()
    let item = try #require(city.cases.services.item("hukou_054"))
    let id = try await city.start(
      item.code, by: "officer", channel: .window, golden: 0, delivery: "window")
    while let task = try await city.tasks(id, of: "officer").first {
      try await city.cases.move(id, .complete(task: task.number, values: [:]), by: try city.person("officer"))
    }
    let old = try #require(try await city.cases.view(id, as: try city.person("officer")).documents.first)
    let holder = try await ledger(city, old.id)
    var again = try city.application("hukou_099", channel: .window, delivery: "window")
    again.content.form["certificate_number"] = old["number"]
    again.content.form["holder_name"] = holder["holder_name"]
    if let number = holder["holder_document"].text { again.content.form["holder_id"] = .text(number) }
    let next = try await city.cases.start(again, by: try city.person("officer")).id
    let new = try #require(try await city.cases.view(next, as: try city.person("officer")).documents.first)
    #expect(new["number"] != old["number"])
    #expect(try await ledger(city, old.id)[IssuedDocument.state] == "void")
    #expect(try await ledger(city, new.id)[IssuedDocument.state] == "valid")
  }

  @Test func theNumberOfSomebodyElsesDocumentMakesNothingVoid() async throws {
    let city = try await CaseFixture()
    let item = try #require(city.cases.services.item("hukou_054"))
    let id = try await city.start(item.code, by: "officer", channel: .window, golden: 0, delivery: "window")
    while let task = try await city.tasks(id, of: "officer").first {
      try await city.cases.move(id, .complete(task: task.number, values: [:]), by: try city.person("officer"))
    }
    let foreign = try #require(try await city.cases.view(id, as: try city.person("officer")).documents.first)
    var again = try city.application("hukou_099", channel: .window, delivery: "window")
    again.content.form["certificate_number"] = foreign["number"]
    again.content.form["holder_id"] = .text("340102198906061778")
    again.content.form["holder_name"] = .text("冯一人")
    let next = try await city.cases.start(again, by: try city.person("officer")).id
    let new = try #require(try await city.cases.view(next, as: try city.person("officer")).documents.first)
    #expect(try await ledger(city, new.id)[IssuedDocument.state] == "valid")
    #expect(try await ledger(city, foreign.id)[IssuedDocument.state] == "valid")
  }

  @Test func aSecondPrintingNeedsAReasonAndTheRight() async throws {
    let city = try await CaseFixture()
    let (_, document) = try await proof(city)
    let office = city.cases.office
    let officer = try city.person("officer")
    #expect(try await city.refusal { try await office.file(document.id, .print, officer) } == "document-not-printed")
    try await office.print(document.id, .print, reason: "", by: try city.person("aux"))
    #expect(
      try await city.refusal { try await office.print(document.id, .print, reason: "卡纸", by: try city.person("aux")) }
        == "permission-missing")
    #expect(
      try await city.refusal { try await office.print(document.id, .print, reason: " ", by: officer) }
        == "reason-missing")
    try await office.print(document.id, .print, reason: "打印机卡纸", by: officer)
    #expect(try await ledger(city, document.id)[IssuedDocument.prints] == 2)
    // Another station does not even learn that there is one; the file is for whoever printed it, for a quarter of an hour.
    let west = try city.person("west")
    #expect(
      try await city.refusal { try await office.print(document.id, .print, reason: "看看", by: west) }
        == "document-missing")
    #expect(try await city.refusal { try await office.file(document.id, .print, west) } == "document-not-printed")
    _ = try await office.file(document.id, .print, officer)
    try city.wait(until: "2026-11-18 10:16")
    #expect(try await city.refusal { try await office.file(document.id, .print, officer) } == "document-not-printed")
    let prints = try await city.store.records(as: officer).list(ListQuery(IssuedDocument.printing))
    #expect(prints.records.map { $0["reason"].text } == ["打印机卡纸", nil])
  }

  @Test func theCodeTellsWhetherADocumentIsAuthentic() async throws {
    let city = try await CaseFixture()
    let (_, document) = try await proof(city)
    let office = city.cases.office
    let code = try #require(try await ledger(city, document.id)[IssuedDocument.code])
    func verdict(_ code: String) async throws -> DocumentProof.Verdict? {
      try await office.verify(code, by: .stranger, origin: .inside)?.verdict
    }
    #expect(try await verdict(code) == .authentic)
    #expect(try await verdict(DocumentOffice.spaced(code).lowercased()) == .authentic)
    #expect(try await verdict(String(code.reversed())) == nil)
    #expect(try await verdict("' or true --") == nil)
    let proof = try await office.verify(code, by: .stranger, origin: .inside)
    #expect(proof?.holder == "张**")
    let asked = try await city.database.value(
      "select count(*) from audit_entry where action = 'issued_document.verify' and principal_kind = 'stranger'",
      as: Int.self)
    #expect(asked == 5)
    // A ledger that was altered behind the program's back proves nothing.
    try await city.database.transaction { transaction in
      try await transaction.execute("select set_config('lifang.scope_issued_document', '{\"all\":true}', true)")
      try await transaction.execute(
        "update issued_document set signature = overlay(signature placing 'ffff' from 40) where code = \(code)")
    }
    #expect(try await verdict(code) == .broken)
    try await city.store.records(as: try city.person("officer")).perform(
      "void", on: IssuedDocument.entity, document.id, version: nil, asked: ["void_reason": .text("姓名有误")])
    #expect(try await verdict(code) == .void)
  }

  @Test func aPermitExpires() async throws {
    let city = try await CaseFixture()
    let item = try #require(city.cases.services.item("hukou_046"))
    let golden = try #require(item.goldenCases.firstIndex { $0.process == "hukou_move_in_outside" })
    let id = try await city.start("hukou_046", by: "officer", channel: .window, golden: golden, delivery: "window")
    try await city.answer(id, by: "officer")
    let document = try #require(try await city.cases.view(id, as: try city.person("officer")).documents.first)
    let code = try #require(try await ledger(city, document.id)[IssuedDocument.code])
    let office = city.cases.office
    try city.wait(until: "2026-12-27 23:00")
    #expect(try await office.verify(code, by: .stranger, origin: .inside)?.verdict == .authentic)
    try city.wait(until: "2026-12-28 01:00")
    #expect(try await office.verify(code, by: .stranger, origin: .inside)?.verdict == .expired)
  }

  @Test func theLedgerIsNeverAltered() async throws {
    let city = try await CaseFixture()
    let (_, document) = try await proof(city)
    let records = city.store.records(as: .system, purpose: "核对")
    #expect(
      try await city.refusal {
        try await records.update(
          IssuedDocument.entity, document.id, version: nil, ["holder_name": .text("别人")], input: .code)
      } == "document-sealed")
    #expect(
      try await city.refusal {
        try await records.update(
          IssuedDocument.entity, document.id, version: nil, ["digest": .text("00")], input: .code)
      } == "document-sealed")
    try await records.perform(
      "void", on: IssuedDocument.entity, document.id, version: nil, asked: ["void_reason": .text("作废")])
    #expect(
      try await city.refusal {
        try await records.update(
          IssuedDocument.entity, document.id, version: nil, ["state": .text("valid")], input: .code)
      } == "document-sealed")
    #expect(
      try await city.refusal {
        try await city.cases.office.print(document.id, .print, reason: "再打", by: try city.person("officer"))
      } == "document-void")
  }

  @Test func anApplicantFetchesTheirOwnCopy() async throws {
    let city = try await CaseFixture()
    let id = try await city.start("hukou_105", delivery: "window")
    try await city.answer(id, by: "aux", ["review": "passed"])
    try await city.answer(id, by: "aux", ["receipt": "matched"])
    #expect(try await city.cases.view(id, as: try city.person("resident")).documents.isEmpty)
    try await city.answer(id, by: "officer", ["review": "passed"])
    let resident = try city.person("resident")
    let view = try await city.cases.view(id, as: resident)
    let document = try #require(view.documents.first)
    let file = try await city.cases.office.download(document.id, by: resident)
    #expect(try await city.files.bytes(of: file).starts(with: Array("%PDF-".utf8)))
    #expect(try await ledger(city, document.id)[IssuedDocument.prints] == 0)
  }

  @Test func aCollectionNoticeIsPrintedForWhatLiesAtTheWindow() async throws {
    let city = try await CaseFixture()
    let (id, _) = try await proof(city)
    let officer = try city.person("officer")
    let office = city.cases.office
    let notice = try await office.issue("collection_notice", id, for: "催领", by: officer)
    #expect(notice["number"] == .text("催领〔2026〕000001号"))
    try await office.print(notice.id, .print, reason: "", by: officer)
    let bytes = try await city.files.bytes(of: try await office.file(notice.id, .print, officer))
    let text = try withFile(bytes) { try output(of: "pdftotext \(DocumentTests.file) -", in: $0) }
    #expect(text.filter { !$0.isWhitespace }.contains("催领通知单"))
    let open = try await city.start("hukou_001")
    #expect(
      try await city.refusal { try await office.issue("collection_notice", open, for: "催领", by: officer) }
        == "document-condition")
    #expect(
      try await city.refusal { try await office.issue("collection_notice", id, for: " ", by: officer) }
        == "purpose-missing")
    #expect(
      try await city.refusal { try await office.issue("collection_notice", id, for: "催领", by: try city.person("west")) }
        == "record-missing")
  }

  // MARK: The card of a household's booklet

  /// 登记事项变更和更正记载: as 变更打印控制 lets each item through, also of changes made before (C-496).
  @Test func theCardRecordsTheChangesThatTheRuleLetsThrough() async throws {
    let city = try await CaseFixture()
    let households = HouseholdTests()
    let he = try households.id("1960-03-07", 11)
    let number = try await households.household(city, head: "孙一", he)
    let son = try await households.person(city, "孙二", try households.id("1990-03-07", 12), in: number, .son)
    let registers = households.registers(city)
    try await registers.update(
      "person", son, version: nil, ["name": .text("孙小二"), "relation_to_head": .text("other")], input: .code)
    let household = try await households.row(city, number).id
    let officer = try city.person("officer")
    func card() async throws -> String {
      let booklet = try await city.cases.office.issue("household_register", household, for: "换发", by: officer)
      try await city.cases.office.print(booklet.id, .print, reason: "", by: officer)
      let bytes = try await city.files.bytes(of: try await city.cases.office.file(booklet.id, .print, officer))
      return try withFile(bytes) { try output(of: "pdftotext -layout \(DocumentTests.file) -", in: $0) }.filter {
        !$0.isWhitespace
      }
    }
    let first = try await card()
    #expect(first.contains("登记事项变更和更正记载"))
    // The card itself shows the relation as it is; the page of changes says it with the date.
    func relations(_ card: String) -> Int { card.components(separatedBy: "户主或与户主关系非亲属2026年").count - 1 }
    #expect(first.contains("姓名孙小二") && relations(first) == 1)
    // Nobody else's card has a page of changes.
    #expect(first.components(separatedBy: "登记事项变更和更正记载").count == 2)
    let rule = try await registers.insert(
      "change_print_rule", ["field": .text("relation_to_head"), "printed": .boolean(false)], input: .code)
    let second = try await card()
    #expect(second.contains("姓名孙小二") && relations(second) == 0)
    try await registers.delete("change_print_rule", rule.id, version: nil)
    #expect(relations(try await card()) == 1)
  }

  /// 催办: a first-generation card to be replaced or expired, a second-generation one that expires, none at sixteen (C-455).
  @Test func theReminderOfACardSaysWhyItIsDue() async throws {
    let city = try await CaseFixture()
    let households = HouseholdTests()
    let registers = households.registers(city)
    let someone = try await households.person(city, "何少年", try households.id("2010-05-12", 11))
    let officer = try city.person("officer")
    func notice(_ kind: String?, _ expiry: String?) async throws -> String {
      try await registers.update(
        "person", someone, version: nil,
        [
          "card_kind": kind.map { .text($0) } ?? .null,
          "card_expires_on": try expiry.map { .date(try #require(CivilDate($0))) } ?? .null,
        ], input: .code)
      let issued = try await city.cases.office.issue("id_card_notice", someone, for: "催办", by: officer)
      try await city.cases.office.print(issued.id, .print, reason: "", by: officer)
      let bytes = try await city.files.bytes(of: try await city.cases.office.file(issued.id, .print, officer))
      return try withFile(bytes) { try output(of: "pdftotext \(DocumentTests.file) -", in: $0) }.filter {
        !$0.isWhitespace
      }
    }
    #expect(try await notice(nil, nil).contains("您已年满16周岁"))
    #expect(try await notice("first", "2016-01-01").contains("第一代居民身份证已于2016年1月1日到期"))
    #expect(try await notice("first", nil).contains("换领第二代居民身份证"))
    #expect(try await notice("second", "2026-11-01").contains("2026年11月1日，已到期"))
    #expect(try await notice("second", "2027-01-15").contains("2027年1月15日，即将到期"))
    #expect(try await city.refusal { try await notice("second", "2036-01-15") } == "document-condition")
  }
}
