import Access
import Cases
import Core
import Crypto
import Documents
import Entities
import Files
import Foundation
import SQL
import Synchronization
import Testing

/// Samples that anybody can draw again, bad images found by their pixels, and what did not pass going back.
@Suite struct InspectionTests {
  private static func window(_ city: CaseFixture, _ count: Int) async throws -> [Int64] {
    var cases: [Int64] = []
    for _ in 0..<count {
      cases.append(try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window"))
    }
    return cases
  }

  /// What stock openssl makes of a text.
  private static func sm3(_ text: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    process.arguments = ["dgst", "-sm3", "-r"]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    input.fileHandleForWriting.write(Data(text.utf8))
    try input.fileHandleForWriting.close()
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return String(said.prefix(64))
  }

  @Test func theOrderOfADrawIsThatOfOpenssl() throws {
    let numbers = (1...12).map { "5117022026111800\($0 + 1000)" }
    let expected = try numbers.map { (try InspectionTests.sm3("2026118:\($0)"), $0) }.sorted { $0 < $1 }.map(\.1)
    #expect(SeededDraw.ranked(numbers.shuffled(), seed: "2026118") == expected)
    #expect(SeededDraw.ranked(numbers, seed: "2026119") != expected)
    #expect(SeededDraw.share(10, of: 0) == 0)
    #expect(SeededDraw.share(1, of: 7) == 1)
    #expect(SeededDraw.share(50, of: 7) == 4)
  }

  @Test func aPlanDrawsItsShareAndWhatFailsGoesBackWithADeadline() async throws {
    let city = try await CaseFixture()
    let cases = try await Self.window(city, 5)
    let west = try await city.start(by: "west", channel: .window, golden: 2, delivery: "window")
    _ = try await city.start()
    let county = city.store.records(as: try city.person("county"))
    let plan = try await county.insert(
      "inspection_plan",
      [
        "name": .text("十一月抽检"), "from_on": .day("2026-11-01"), "to_on": .day("2026-11-18"),
        "percent": .integer(50), "seed": .text("20261118"), "correct_days": .integer(5),
      ])
    let drawn = try await county.perform("draw", on: "inspection_plan", plan.id, version: nil)
    #expect(drawn["population"] == .integer(6))
    #expect(drawn["drawn"] == .integer(3))
    let samples = try await county.list(
      ListQuery("inspection_sample", sort: [.init(field: "rank", descending: false)])
    ).records
    var numbers: [String] = []
    for id in cases + [west] { numbers.append(try #require(try await city.state(id)["number"].text)) }
    #expect(
      samples.map { $0["case_number"].text ?? "" } == Array(SeededDraw.ranked(numbers, seed: "20261118").prefix(3)))
    #expect(drawn["population_digest"] == .text(try Self.sm3(numbers.sorted().joined(separator: "\n") + "\n")))
    #expect(
      try await city.refusal { try await county.update("inspection_plan", plan.id, version: nil, ["seed": .text("1")]) }
        == "plan-drawn")
    let first = try #require(samples.first)
    try await county.perform("pass", on: "inspection_sample", samples[1].id, version: nil)
    try await county.perform(
      "fail", on: "inspection_sample", first.id, version: nil,
      asked: ["problems": .list(["blurred"]), "severity": .text("minor"), "finding": .text("第一页看不清")])
    let sample = try await city.store.records(as: .system).get("inspection_sample", first.id)
    let demand = try await city.store.records(as: .system, purpose: "核对").get(
      "case_inspection", try #require(sample["case_inspection_id"].integer))
    #expect(demand["due_on"] == .day("2026-11-23"))
    #expect(demand["state"] == .text("pending"))
    #expect(demand["service_case_id"] == first["service_case_id"] || !demand["service_case_id"].isNull)
    #expect(demand["problems"] == .list(["blurred"]))
  }

  @Test func aCaseThatIsCompletedMeanwhileMakesTheDrawBeRepeated() async throws {
    let city = try await CaseFixture()
    _ = try await Self.window(city, 2)
    let late = try #require(try await Self.window(city, 1).first)
    let county = try city.person("county")
    try await city.hide(late)
    var hooks = CaseFixture.hooks
    // Behind the hook that counts, as if another transaction had committed in between.
    hooks.beforeUpdate("inspection_plan") { _, records in
      guard let transaction = records.transaction else { return }
      _ = try await transaction.query("select set_config('lifang.scope_service_case', '{\"all\":true}', true)")
      #expect(try await transaction.execute("update service_case set state = 'completed' where id = \(late)") == 1)
    }
    let store = city.store(hooks: hooks)
    let plan = try await city.store.records(as: county).insert(
      "inspection_plan",
      [
        "name": .text("抽检"), "from_on": .day("2026-11-01"), "to_on": .day("2026-11-18"), "amount": .integer(2),
      ])
    #expect(
      try await city.refusal {
        try await store.records(as: county).perform("draw", on: "inspection_plan", plan.id, version: nil)
      } == "plan-moved")
    let drawn = try await city.store.records(as: county).perform("draw", on: "inspection_plan", plan.id, version: nil)
    #expect(drawn["population"] == .integer(2))
  }

  @Test func aRangeWithoutCasesDrawsNothing() async throws {
    let city = try await CaseFixture()
    let county = city.store.records(as: try city.person("county"))
    let plan = try await county.insert(
      "inspection_plan",
      [
        "name": .text("空"), "from_on": .day("2020-01-01"), "to_on": .day("2020-02-01"),
        "percent": .integer(10),
      ])
    #expect(
      try await city.refusal { try await county.perform("draw", on: "inspection_plan", plan.id, version: nil) }
        == "plan-empty")
    #expect(try await city.store.records(as: .system).get("inspection_plan", plan.id)["state"] == .text("draft"))
  }

  @Test func whatIsWrongWithAnImageFollowsFromItsMeasures() {
    func faults(
      _ side: Int = 1000, brightness: Double = 200, ink: Double = 80, sharpness: Double = 90, doubled: Bool = false
    ) -> [String] {
      ImageInspection.faults(
        FileMeasure(
          pages: 1, width: side, height: 1400, brightness: brightness, sharpness: sharpness, ink: ink),
        ImageInspection.Limits(), isDoubled: doubled)
    }
    #expect(faults() == [])
    #expect(faults(699) == ["small"])
    #expect(faults(brightness: 69) == ["dark"])
    #expect(faults(sharpness: 29) == ["blurred"])
    #expect(faults(ink: 1, sharpness: 0) == ["blank"])
    #expect(faults(doubled: true) == ["doubled"])
    let broken = FileMeasure(pages: nil, width: nil, height: nil, brightness: nil, sharpness: nil, ink: nil)
    #expect(ImageInspection.faults(broken, ImageInspection.Limits(), isDoubled: false) == ["unreadable"])
  }

  @Test func uploadedImagesAreMeasuredOnceAndBadOnesListed() async throws {
    let city = try await CaseFixture()
    let files = try await city.fileStore()
    let officer = try city.person("officer")
    var keys: [String] = []
    for (name, bytes) in [
      ("清楚.jpg", try RasterImageFixture.jpeg(3)), ("太小.jpg", try RasterImageFixture.jpeg(4, width: 200, height: 260)),
      ("坏.jpg", Array(try RasterImageFixture.jpeg(5).prefix(600))),
    ] {
      keys.append(
        try await files.put([bytes].async, name: name, classification: .secret, by: officer).key)
    }
    let ids = try await Self.window(city, 2)
    // The small one stands in both cases.
    for (index, id) in ids.enumerated() {
      let material = try #require(
        try await city.store.records(as: .system, purpose: "核对").attached(ServiceCase.material, to: id).first)
      let own =
        index == 0
        ? keys
        : [
          try await files.put(
            [try RasterImageFixture.jpeg(4, width: 200, height: 260)].async, name: "又一次.jpg", classification: .secret,
            by: officer
          ).key
        ]
      for key in own {
        try await city.database.execute(
          """
          update file_reference set entity = 'case_material', record_id = \(material.id), field = 'files',
            attached_at = now() where key = \(key)
          """)
      }
    }
    let inspection = ImageInspection(
      store: city.store, measures: FileMeasures(PageImages(files: files)), parameters: Parameters(city.catalogs))
    #expect(try await inspection.run() == 4)
    #expect(try await inspection.run() == 0)
    #expect(try await city.database.value("select count(*) from file_measure", as: Int.self) == 3)
    let found = try await city.store.records(as: .system).list(
      ListQuery("image_finding", columns: ["file_key", "faults"])
    ).records
    let byKey = Dictionary(
      found.map { ($0["file_key"].text ?? "", $0["faults"].list ?? []) }, uniquingKeysWith: { first, _ in first })
    #expect(byKey[keys[0]] == nil)
    #expect(byKey[keys[1]] == ["doubled", "small"])
    #expect(byKey[keys[2]]?.contains("unreadable") == true || byKey[keys[2]]?.contains("blank") == true)
    #expect(found.count == 3)
  }

  @Test func aFileThatCannotBeReadHoldsUpNoOtherAndCountsAsUnreadableInTheEnd() async throws {
    let city = try await CaseFixture()
    let files = try await city.fileStore()
    let officer = try city.person("officer")
    let id = try await city.start(by: "officer", channel: .window, golden: 2, delivery: "window")
    let material = try #require(
      try await city.store.records(as: .system, purpose: "核对").attached(ServiceCase.material, to: id).first)
    var keys: [String] = []
    for (name, seed) in [("丢失.jpg", UInt8(6)), ("清楚.jpg", 7), ("过小.jpg", 8)] {
      let bytes = try RasterImageFixture.jpeg(seed, width: seed == 8 ? 300 : 800, height: seed == 8 ? 400 : 1000)
      let key = try await files.put([bytes].async, name: name, classification: .secret, by: officer).key
      try await city.database.execute(
        """
        update file_reference set entity = 'case_material', record_id = \(material.id), field = 'files',
          attached_at = \(CaseFixture.start + Int64(keys.count)) where key = \(key)
        """)
      keys.append(key)
    }
    // The disk does not give the first one.
    let place: String = try await city.database.value(
      "select o.location from file_reference r join file_object o on o.id = r.object_id where r.key = \(keys[0])")
    try FileManager.default.removeItem(atPath: files.folder + "/" + place)
    let reported = Reported()
    let inspection = ImageInspection(
      store: city.store, measures: FileMeasures(PageImages(files: files)) { _ in reported.add() },
      parameters: Parameters(city.catalogs))
    #expect(try await inspection.run() == 2, "the others are judged")
    #expect(reported.count == 1)
    #expect(try await inspection.run() == 0, "it waits")
    for minute in ["10:11", "10:22"] {
      try city.wait(until: "2026-11-18 \(minute)")
      #expect(try await inspection.run() == (minute == "10:22" ? 1 : 0))
    }
    #expect(try await inspection.run() == 0)
    let found = try await city.store.records(as: .system).list(
      ListQuery("image_finding", columns: ["file_key", "faults"])
    ).records
    #expect(found.first { $0["file_key"].text == keys[0] }?["faults"].list == ["unreadable"])
    // Whoever uploads is told in words, and of a good picture nothing.
    #expect(await inspection.complaints(about: keys[1]) == [])
    #expect(await inspection.complaints(about: keys[2]) == ["尺寸过小"])
    #expect(await inspection.complaints(about: keys[0]) == ["打不开"])
  }
}

/// Counts what was reported from any thread.
private final class Reported: Sendable {
  private let times = Atomic<Int>(0)
  func add() { times.add(1, ordering: .relaxed) }
  var count: Int { times.load(ordering: .relaxed) }
}
