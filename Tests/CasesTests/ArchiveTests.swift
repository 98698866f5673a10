import Access
import Audit
import Cases
import Core
import Crypto
import Documents
import Entities
import Files
import Foundation
import Messaging
import SQL
import Testing

/// Filing by itself, looking with a reason, and nothing taken away again.
@Suite struct ArchiveTests {
  private static func archive(_ city: CaseFixture, of id: Int64) async throws -> Record? {
    try await city.store.records(as: .system, purpose: "核对")
      .find(Archive.entity, where: "service_case_id", equals: .integer(id))
  }

  private static func complete(_ city: CaseFixture, _ id: Int64) async throws {
    try await city.answer(id, by: "aux", ["review": "passed"])
    try await city.answer(id, by: "two", ["receipt": "matched"])
    try await city.answer(id, by: "officer", ["review": "passed"])
    try await city.answer(id, by: "aux", ["courier_company": "ems", "courier_number": "EA123456789CN"])
  }

  @Test func aCaseIsPreArchivedWhenOnlyItsOriginalsAreMissingAndFiledWhenTheyAreScanned() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    #expect(try await Self.archive(city, of: id) == nil)
    try await city.answer(id, by: "aux", ["review": "passed"])
    let early = try #require(try await Self.archive(city, of: id))
    #expect(early["state"] == .text("pre_archived"))
    #expect(early["number"] == .text("station-HJ-2026-D30-00001"))
    try await city.answer(id, by: "two", ["receipt": "matched"])
    try await city.answer(id, by: "officer", ["review": "passed"])
    try await city.answer(id, by: "aux", ["courier_company": "ems", "courier_number": "EA123456789CN"])
    let over = try #require(try await Self.archive(city, of: id))
    #expect(over.id == early.id)
    #expect(over["state"] == .text("pre_archived"))
    #expect(over["missing"] == .integer(1))
    #expect(over["subject_name"] == .text("张小满"))
    #expect(over["filed_at"].isNull)
    let files = try await city.fileStore()
    let scan = try await files.put(
      [try RasterImageFixture.jpeg(1)].async, name: "原件.jpg", classification: .secret,
      by: try city.person("officer"))
    let officer = city.store.records(as: try city.person("officer"))
    let added = try await officer.insert(
      Archive.item,
      [
        "archive_id": .integer(over.id), "kind": .text("original"), "label": .text("出生医学证明"),
        "files": .list([scan.key]), "division_code": over["division_code"], "unit_id": over["unit_id"],
      ], input: .code)
    #expect(added["position"] == .integer((over["item_count"].integer ?? 0) + 1))
    let filed = try #require(try await Self.archive(city, of: id))
    #expect(filed["state"] == .text("archived"))
    #expect(filed["missing"] == .integer(0))
    #expect(filed["filed_at"] == .instant(CaseFixture.start))
    #expect(filed["digest"] != over["digest"])
    let box = try await city.store.records(as: .system).get(Archive.box, try #require(filed["box_id"].integer))
    #expect(box["held"] == .integer(1))
    #expect(box["category"].text.map { filed["category"].text?.hasPrefix($0) == true } == true)
  }

  @Test func boxesFillUpInTheOrderOfFiling() async throws {
    let city = try await CaseFixture()
    var places: [String] = []
    for _ in 0..<3 {
      let id = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
      let filed = try #require(try await Self.archive(city, of: id))
      places.append("\(filed["box_id"].integer ?? 0):\(filed["position"].integer ?? 0)")
      if places.count == 2 {
        try await city.database.execute("update archive_box set capacity = 2")
      }
    }
    #expect(Set(places).count == 3)
    #expect(places[0].hasSuffix(":1") && places[1].hasSuffix(":2") && places[2].hasSuffix(":1"))
  }

  @Test func nobodyTakesAnythingOutOfAnArchive() async throws {
    let city = try await CaseFixture()
    let id = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    let filed = try #require(try await Self.archive(city, of: id))
    let system = city.store.records(as: .system, purpose: "试改")
    let line = try #require(try await system.attached(Archive.item, to: filed.id).first)
    #expect(
      try await city.refusal { try await system.delete(Archive.entity, filed.id, version: nil) } == "archive-kept")
    #expect(try await city.refusal { try await system.delete(Archive.item, line.id, version: nil) } == "archive-kept")
    #expect(
      try await city.refusal {
        try await system.update(Archive.item, line.id, version: nil, ["label": .text("别的")], input: .code)
      } == "archive-kept")
    await #expect(throws: (any Error).self) {
      try await city.tamper("delete from archive_item where id = \(line.id)")
    }
    await #expect(throws: (any Error).self) {
      try await city.tamper("update archive set number = 'x' where id = \(filed.id)")
    }
  }

  @Test func whatIsRefusedIsFiledAtOnceWithItsNotice() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "refused"], opinion: "父母均非本市户籍，不符合落户条件。")
    let record = try await city.store.records(as: .system).get(ServiceCase.entity, id)
    #expect(record["state"] == .text("refused"))
    #expect(record["refusal_reason"] == .text("父母均非本市户籍，不符合落户条件。"))
    let filed = try #require(try await Self.archive(city, of: id))
    #expect(filed["state"] == .text("archived") && filed["missing"] == .integer(0))
    #expect(filed["filed_at"] == .instant(CaseFixture.start))
    let system = city.store.records(as: .system, purpose: "核对")
    let lines = try await system.attached(Archive.item, to: filed.id)
    let notice = try #require(lines.last)
    #expect(notice["kind"] == .text("notice") && notice["label"] == .text("不予办理告知书"))
    #expect(notice["document_number"].text?.hasPrefix("不予办告字〔2026〕") == true)
    let own = try await city.cases.view(id, as: try city.person("resident"))
    #expect(own.documents.map { $0["label"].text } == ["不予办理告知书"])
    let verifier = ArchiveVerifier(store: city.store, files: city.files, audit: city.database)
    let clean = try await verifier.verify()
    #expect(clean.findings == [] && clean.archives == 1 && clean.files == 1, "the notice is a file of it")
    try await city.database.execute(
      "update case_event set opinion = '别的' where case_id = \(id) and opinion is not null")
    #expect(try await verifier.verify().findings.map(\.what) == ["办理过程被改动"])
  }

  @Test func whatIsTakenUpAgainAfterARefusalAndGrantedIsOneArchive() async throws {
    let city = try await CaseFixture()
    let id = try await city.start()
    try await city.answer(id, by: "aux", ["review": "refused"], opinion: "材料不符")
    let refused = try #require(try await Self.archive(city, of: id))
    try await city.cases.move(id, .reopen(at: "pre_review"), opinion: "审核有误", by: try city.person("chief"))
    #expect(try await city.state(id)["refusal_reason"].isNull)
    try await Self.complete(city, id)
    let filed = try #require(try await Self.archive(city, of: id))
    #expect(filed.id == refused.id && filed["state"] == .text("pre_archived") && filed["missing"] == .integer(1))
    let system = city.store.records(as: .system, purpose: "核对")
    let materials = try await system.attached(ServiceCase.material, to: id)
    let lines = try await system.attached(Archive.item, to: filed.id).filter { $0["kind"] == .text("material") }
    #expect(lines.count == materials.count, "what stands in the archive already is not filed again")
    let verifier = ArchiveVerifier(store: city.store, files: city.files, audit: city.database)
    #expect(try await verifier.verify().findings == [])
  }

  @Test func verifyingNamesWhatWasAltered() async throws {
    let city = try await CaseFixture()
    let id = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    let filed = try #require(try await Self.archive(city, of: id))
    let files = try await city.fileStore()
    let scan = try await files.put(
      [try RasterImageFixture.jpeg(2)].async, name: "补充.jpg", classification: .secret,
      by: try city.person("officer"))
    try await city.store.records(as: try city.person("officer")).insert(
      Archive.item,
      [
        "archive_id": .integer(filed.id), "kind": .text("supplement"), "label": .text("补充证明"),
        "note": .text("当事人补交"), "files": .list([scan.key]), "division_code": filed["division_code"],
        "unit_id": filed["unit_id"],
      ], input: .code)
    let verifier = ArchiveVerifier(store: city.store, files: files, audit: city.database)
    let clean = try await verifier.verify()
    #expect(clean.archives == 1 && clean.files == 1)
    #expect(clean.findings == [])
    try await city.database.execute(
      "update case_event set opinion = '改过' where case_id = \(id) and action = 'submit'")
    #expect(try await verifier.verify().findings.map(\.what) == ["办理过程被改动"])
    try await city.database.execute("update case_event set opinion = null where case_id = \(id) and action = 'submit'")
    #expect(try await verifier.verify().findings == [])
    try await city.tamper("update hukou_birth set birth_place = '别处' where service_case_id = \(id)")
    #expect(try await verifier.verify().findings.map(\.what) == ["申请内容被改动"])
    try await city.tamper("update archive set digest = \(String(repeating: "0", count: 64))")
    let all = try await verifier.verify(number: filed["number"].text).findings.map(\.what)
    #expect(all == ["申请内容被改动", "档案摘要被改动", "档案摘要与审计日志里的不一致", "档案摘要与最后一版的不一致"])
    // A byte of the stored file.
    let path = files.folder + "/" + (try await Self.location(city, scan.key))
    var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    bytes[bytes.count - 40] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    #expect(try await verifier.verify().findings.map(\.what).contains { $0.contains("补充证明") })
  }

  private static func location(_ city: CaseFixture, _ key: String) async throws -> String {
    try await city.database.query(
      "select o.location from file_reference r join file_object o on o.id = r.object_id where r.key = \(key)"
    ).first?.get("location") ?? ""
  }

  @Test func everythingAddedIsANewVersionAndTheOldOnesStayProvable() async throws {
    let city = try await CaseFixture()
    let id = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    let filed = try #require(try await Self.archive(city, of: id))
    let officer = city.store.records(as: try city.person("officer"))
    func add(_ kind: String, _ label: String, _ note: String?) async throws {
      let scan = try await city.files.put(
        [try RasterImageFixture.jpeg(3)].async, name: "补.jpg", classification: .secret, by: try city.person("officer"))
      var values: [String: Value] = [
        "archive_id": .integer(filed.id), "kind": .text(kind), "label": .text(label), "files": .list([scan.key]),
        "division_code": filed["division_code"], "unit_id": filed["unit_id"],
      ]
      if let note { values["note"] = .text(note) }
      try await officer.insert(Archive.item, values, input: .code)
    }
    // Why something is added has to be said.
    await #expect(throws: Refusal.self) { try await add("supplement", "证明", nil) }
    try await add("approval_form", "受理审批单", nil)
    try await add("supplement", "证明", "当事人补交")
    let system = city.store.records(as: .system, purpose: "核对")
    let versions = try await system.attached(Archive.version, to: filed.id).sorted {
      ($0["number"].integer ?? 0) < ($1["number"].integer ?? 0)
    }
    #expect(versions.map { $0["number"].integer } == [1, 2, 3])
    #expect(versions.map { $0["reason"].text } == ["归档", "受理审批单“受理审批单”", "补充材料“证明”：当事人补交"])
    #expect(versions[0]["digest"] == filed["digest"])
    #expect(versions[2]["sealed_by"] == .integer(try city.person("officer").id))
    #expect(Set(versions.map { $0["chain"].text }).count == 3)
    let verifier = ArchiveVerifier(store: city.store, files: city.files, audit: city.database)
    #expect(try await verifier.verify().findings == [])
    #expect(
      try await city.refusal { try await system.delete(Archive.version, versions[0].id, version: nil) }
        == "archive-kept")
    await #expect(throws: (any Error).self) {
      try await city.tamper("update archive_version set reason = '别的' where archive_id = \(filed.id)")
    }
    // Whoever gets past the trigger breaks the chain.
    try await city.tamper("alter table archive_version disable trigger archive_version_kept", expectingRows: false)
    try await city.tamper(
      "update archive_version set digest = \(String(repeating: "0", count: 64)) where archive_id = \(filed.id) and number = 2"
    )
    let found = try await verifier.verify().findings.map(\.what)
    #expect(found.contains("第 2 版与前一版接不上") && found.contains("审计日志里没有第 2 版的归档记录"))
  }

  @Test func aCatalogueIsMadeWhenEnoughWasFiledAndTheOfficersAreTold() async throws {
    let city = try await CaseFixture()
    for _ in 0..<3 { _ = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window") }
    let parameters = Parameters(city.catalogs)
    let catalogues = ArchiveCatalogues(store: city.store, messages: city.messages, parameters: parameters)
    #expect(try await catalogues.gather() == 0, "a hundred files have not come together")
    try await city.tamper("update archive set file_count = 60, state = 'archived', filed_at = finished_at")
    #expect(try await catalogues.gather() == 1)
    #expect(try await catalogues.gather() == 0, "what is left is too little, and twice is once")
    let system = city.store.records(as: .system, purpose: "核对")
    let made = try #require(
      try await system.list(ListQuery(ArchiveCatalogues.entity, limit: 10)).records.first)
    #expect(made["archive_count"] == .integer(2) && made["file_count"] == .integer(120))
    #expect(made["state"] == .text("ready") && made["number"].text == "station-2026-M0001")
    let inside = try await system.list(
      ListQuery(
        Archive.entity, filters: [ListFilter("catalogue_id", .equals(.integer(made.id)))], columns: ["number"],
        limit: 10))
    #expect(inside.records.map { $0["number"] }.contains(made["first_number"]))
    let told = try await city.messages.box(.init(), of: try city.person("officer").id).messages
    #expect(told.contains { $0.title.contains("station-2026-M0001") })
    let west = try await city.messages.box(.init(), of: try city.person("west").id).messages
    #expect(!west.contains { $0.title.contains("目录") }, "another station is not told")
  }

  // MARK: Readings

  private static func ask(_ city: CaseFixture, _ number: String, by account: String) async throws -> Record {
    try await city.store.records(as: try city.person(account)).insert(
      CaseReading.entity, ["case_number": .text(number), "purpose": .text("核对出生证"), "days": .integer(1)])
  }

  @Test func whoeverHasTheRightLooksAtOnceAndOthersAreLetIn() async throws {
    let city = try await CaseFixture()
    let id = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    let number = try #require(try await city.state(id)["number"].text)
    let before = try await city.cases.view(id, as: try city.person("chief"))
    #expect(
      before.reading == nil
        && before.materials.contains { $0.masked.contains("files") } == !before.materials.allSatisfy {
          $0["files"].isBlank
        })
    let granted = try await Self.ask(city, number, by: "chief")
    #expect(granted["state"] == .text("granted"))
    let view = try await city.cases.view(id, as: try city.person("chief"))
    #expect(view.reading?.purpose == "核对出生证")
    #expect(view.materials.allSatisfy { !$0.masked.contains("files") })
    // The officer of another station does not even see the case, asks by its number and is let in by the chief.
    #expect(try await city.refusal { try await city.cases.view(id, as: try city.person("west")) } == "case-missing")
    let asked = try await Self.ask(city, number, by: "west")
    #expect(asked["state"] == .text("requested"))
    #expect(try await city.refusal { try await city.cases.view(id, as: try city.person("west")) } == "case-missing")
    let chief = city.store.records(as: try city.person("chief"))
    try await chief.perform("approve", on: CaseReading.entity, asked.id, version: nil)
    let let_in = try await city.cases.view(id, as: try city.person("west"))
    #expect(let_in.access == .reading)
    // A day later it is over.
    try city.wait(until: "2026-11-19 10:01")
    #expect(try await city.refusal { try await city.cases.view(id, as: try city.person("west")) } == "case-missing")
    #expect(try await city.refusal { try await Self.ask(city, "不存在的编号", by: "west") } == "case-missing")
  }

  @Test func nobodyApprovesTheirOwnReading() async throws {
    let city = try await CaseFixture()
    let id = try await city.cases.start(
      try city.application(golden: 2, channel: .window, delivery: "window", division: "511702002001"),
      by: try city.person("west")
    ).id
    let number = try #require(try await city.state(id)["number"].text)
    // The chief of the eastern station has no case of the western one in scope.
    let asked = try await Self.ask(city, number, by: "chief")
    #expect(asked["state"] == .text("requested"))
    let system = city.store.records(as: .system)
    try await system.update(CaseReading.entity, asked.id, version: nil, ["unit_id": .integer(3)], input: .code)
    let chief = city.store.records(as: try city.person("chief"))
    #expect(
      try await city.refusal { try await chief.perform("approve", on: CaseReading.entity, asked.id, version: nil) }
        == "reading-own")
  }
}

/// A small picture of a paper.
enum RasterImageFixture {
  static func jpeg(_ seed: UInt8, width: Int = 800, height: Int = 1000) throws -> [UInt8] {
    var pixels = [UInt8](repeating: 240, count: width * height * 4)
    for y in stride(from: 40, to: height - 40, by: 20) {
      for row in y..<y + 8 {
        for x in 40..<width - 40 where (x / 5 + Int(seed)) % 3 != 0 {
          for channel in 0..<3 { pixels[(row * width + x) * 4 + channel] = 20 &+ seed }
        }
      }
    }
    return try RasterImage(width: width, height: height, pixels: pixels).jpeg()
  }
}

extension Array where Element == [UInt8] {
  /// The parts of a file as they come in.
  var async: AsyncStream<[UInt8]> {
    AsyncStream { continuation in
      for one in self { continuation.yield(one) }
      continuation.finish()
    }
  }
}
