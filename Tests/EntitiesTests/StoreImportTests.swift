import Access
import Core
import Entities
import Files
import Foundation
import Jobs
import SQL
import Synchronization
import TestSupport
import Testing

@Suite struct StoreImportTests {
  static let header = ["楼栋编码", "名称*", "类型", "区划", "管理单位", "层数", "备注", "没用的列"]

  static func spec(_ batch: Int = 3, mode: ImportSpec.Mode = .upsert, blankClears: Bool = false) throws -> ImportSpec {
    let entity = try #require(try Catalog.load(texts: StoreFixture.declarations).entity("building"))
    return ImportSpec(
      entity: "building", columns: ImportSpec.columns(for: header, of: entity), key: ["code"], mode: mode,
      blankClears: blankClears, batch: batch, label: "楼栋.xlsx")
  }

  static func rows(_ rows: [[String]]) -> [ImportRow] {
    rows.enumerated().map { ImportRow(number: $0 + 2, cells: $1) }
  }

  static func run(
    _ city: StoreFixture, _ rows: [ImportRow], _ spec: ImportSpec, as principal: Principal = .system,
    from run: ImportRun? = nil
  ) async throws -> ImportRun {
    let importer = try RecordImporter(city.store.records(as: principal), spec)
    var iterator = rows.makeIterator()
    let begun = if let run { run } else { try await importer.begin() }
    return try await importer.run(begun) { iterator.next() }
  }

  @Test func theHeaderSuggestsTheFields() throws {
    #expect(
      try Self.spec().columns == ["code", "name", "kind", "division_code", "unit_id", "storeys", "remark", nil])
    let entity = try #require(try Catalog.load(texts: StoreFixture.declarations).entity("building"))
    #expect(ImportSpec.keys(for: ["name", "code"], of: entity) == [["code"]])
    #expect(ImportSpec.columns(for: ["面积（㎡）", "name"], of: entity) == ["area", "name"])
  }

  @Test func everyRowIsCreatedUpdatedUnchangedOrRejectedWithItsReason() async throws {
    let city = try await StoreFixture.make()
    let unit = try await city.makeUnits().child
    let first = try await Self.run(
      city,
      Self.rows([
        ["A1", "甲栋", "住宅", "511702001000", "东城街道", "6", ""], ["A2", "乙栋", "office", "511702", "\(unit)", "12", "x"],
        ["A3", "丙栋", "城堡", "511702", "", "", ""], ["A4", "", "住宅", "511702", "", "0", ""],
        ["A5", "戊栋", "", "511702", "西城街道", "", ""], ["A6", "己栋", "住宅", "511702", "404", "3", ""],
        ["", "无码栋", "", "511702", "", "", ""],
      ]), try Self.spec())
    #expect(first.isFinished && first.lastRow == 8)
    #expect(first.tally.created == 3 && first.tally.rejected == 4)
    let outcomes = try await city.system.importOutcomes(first.id)
    #expect(outcomes.map(\.result) == [.created, .created, .rejected, .rejected, .rejected, .rejected, .created])
    #expect(outcomes.map(\.field) == [nil, nil, "kind", "name", "unit_id", "unit_id", nil])
    #expect(outcomes[3].reason?.contains("名称") == true && outcomes[3].reason?.contains("层数") == true)
    #expect(outcomes[2].cells?.first == "A3" && outcomes[0].cells == nil)
    let made = try #require(try await city.system.find("building", where: "code", equals: .text("A1")))
    #expect(made["division_code"] == .text("511702001") && made["unit_id"] == .integer(unit))
    #expect(made["kind"] == .text("residential"))
    let numbered = try await city.system.list(ListQuery("building", search: "无码栋"))
    #expect(numbered.records.first?["code"] == .text("B511702-0001"))

    city.clock.advance(seconds: 10)
    let second = try await Self.run(
      city,
      Self.rows([
        ["A1", "甲栋", "住宅", "511702001", "", "6", ""], ["A2", "乙栋", "", "511702", "", "13", ""],
        ["A7", "庚栋", "", "511702", "", "", ""], ["A7", "庚栋改", "", "511702", "", "", ""],
      ]), try Self.spec(10))
    #expect(second.tally.unchanged == 1 && second.tally.updated == 2 && second.tally.created == 1)
    let changed = try #require(try await city.system.find("building", where: "code", equals: .text("A2")))
    #expect(changed["storeys"] == .integer(13) && changed["kind"] == .text("office") && changed["remark"] == .text("x"))
    #expect(changed.version == 2)
    #expect(try await city.system.find("building", where: "code", equals: .text("A7"))?["name"] == .text("庚栋改"))
    let versions = try await city.system.versions("building", changed.id)
    #expect(versions.map { $0.record["storeys"] } == [.integer(13), .integer(12)])
    #expect(try await city.system.list(ListQuery("building", search: "庚栋改")).records.count == 1)
  }

  @Test func modesAndBlankCellsDoWhatTheySay() async throws {
    let city = try await StoreFixture.make()
    let rows = Self.rows([["A1", "甲", "", "511702", "", "5", "旧"]])
    _ = try await Self.run(city, rows, try Self.spec())
    let known = try await Self.run(city, rows, try Self.spec(mode: .insert))
    #expect(try await city.system.importOutcomes(known.id).first?.reason?.contains("只导入新记录") == true)
    let unknown = try await Self.run(
      city, Self.rows([["A9", "乙", "", "511702", "", "", ""]]), try Self.spec(mode: .update))
    #expect(unknown.tally.rejected == 1)
    let cleared = try await Self.run(
      city, Self.rows([["A1", "甲", "", "511702", "", "", ""]]), try Self.spec(blankClears: true))
    #expect(cleared.tally.updated == 1)
    let record = try #require(try await city.system.find("building", where: "code", equals: .text("A1")))
    #expect(record["storeys"] == .null && record["remark"] == .null)
  }

  @Test func rowsOutsideTheScopeAreRejectedAlone() async throws {
    let city = try await StoreFixture.make()
    _ = try await Self.run(city, Self.rows([["A1", "甲", "", "511703", "", "", ""]]), try Self.spec())
    let clerk = StoreFixture.user(7, [("building.import", .division([])), ("building.view", .all)])
    let run = try await Self.run(
      city,
      Self.rows([
        ["A1", "甲改", "", "511703", "", "", ""], ["A2", "乙", "", "511702", "", "", ""],
        ["A3", "丙", "", "511703", "", "", ""],
      ]), try Self.spec(), as: clerk)
    let outcomes = try await city.store.records(as: clerk).importOutcomes(run.id)
    #expect(outcomes.map(\.result) == [.rejected, .created, .rejected])
    #expect(try await city.system.find("building", where: "code", equals: .text("A1"))?["name"] == .text("甲"))
  }

  @Test func peopleAreImportedUnderRowLevelSecurity() async throws {
    let city = try await StoreFixture.make()
    let entity = try city.entity("citizen")
    let id = try #require(ResidentID(region: 511702, birthDate: CivilDate("1990-01-01")!, sequence: 7)).text
    let spec = ImportSpec(
      entity: "citizen", columns: ImportSpec.columns(for: ["姓名", "身份证号", "电话", "区划"], of: entity),
      key: ["id_number"], label: "居民")
    let clerk = StoreFixture.user(
      7, [("citizen.import", .division([])), ("citizen.view", .division([]))], clearance: .secret)
    let first = try await Self.run(
      city, Self.rows([["张三", id, "13812345678", "511702"], ["李四", "511702199001010000", "", "511702"]]), spec,
      as: clerk)
    #expect(first.tally.created == 1 && first.tally.rejected == 1)
    let again = try await Self.run(
      city, Self.rows([["张三", id.lowercased(), "138 1234 5678", "511702"], ["张三丰", id, "", "511702"]]), spec, as: clerk)
    #expect(again.tally.unchanged == 1 && again.tally.updated == 1)
    let other = StoreFixture.user(8, [("citizen.import", .division([]))], division: "511703", clearance: .secret)
    let hidden = try await Self.run(city, Self.rows([["张三", id, "", "511703"]]), spec, as: other)
    let outcomes = try await city.system.importOutcomes(hidden.id)
    #expect(outcomes.map(\.result) == [.rejected] && outcomes[0].field == "id_number")
  }

  @Test func aPreviewKeepsNothing() async throws {
    let city = try await StoreFixture.make()
    let importer = try RecordImporter(city.system, try Self.spec())
    let outcomes = try await importer.preview(
      Self.rows([
        ["A1", "甲", "", "511702", "", "", ""], ["A1", "", "", "511702", "", "", "改"], ["A2", "", "", "", "", "", ""],
      ]))
    #expect(outcomes.map(\.result) == [.created, .updated, .rejected])
    #expect(try await city.system.count(ListQuery("building")).value == 0)
    #expect(try await city.database.query("select from import_run").isEmpty)
  }

  struct Killed: Error {}

  @Test(arguments: [0, 1, 2, 3]) func afterACrashNothingIsLostAndNothingDoubled(_ crash: Int) async throws {
    let city = try await StoreFixture.make()
    let cells =
      (1...10).map { ["A\($0)", "第\($0)栋", "", "511702", "", "", ""] } + [["A1", "改名", "", "511702", "", "", ""]]
    let rows = Self.rows(cells)
    let importer = try RecordImporter(city.system, try Self.spec(3))
    let begun = try await importer.begin()
    let batches = Mutex(0)
    var iterator = rows.makeIterator()
    await #expect(throws: Killed.self) {
      _ = try await importer.run(
        begun,
        committing: { _, _ in
          // Everything of the batch is written, and then the process dies before it commits.
          if batches.withLock({ $0 }) == crash { throw Killed() }
          batches.withLock { $0 += 1 }
        }, next: { iterator.next() })
    }
    let held = try await city.system.importRun(begun.id)
    #expect(held.lastRow == (crash == 0 ? 0 : crash * 3 + 1) && !held.isFinished)
    #expect(try await city.system.count(ListQuery("building")).value == crash * 3)
    let resumed = try RecordImporter(city.system, held.spec)
    var again = rows.makeIterator()
    let done = try await resumed.run(held) { again.next() }
    #expect(done.tally.created == 10 && done.tally.updated == 1 && done.isFinished)
    #expect(try await city.system.count(ListQuery("building")).value == 10)
    #expect(try await city.system.importOutcomes(begun.id).map(\.row) == Array(2...12))
    #expect(try await city.system.find("building", where: "code", equals: .text("A1"))?["name"] == .text("改名"))
  }

  @Test func twoProcessesDoNotDoOneImportTwice() async throws {
    let city = try await StoreFixture.make()
    let rows = Self.rows((1...30).map { ["", "第\($0)栋", "", "511702", "", "", ""] })
    let importer = try RecordImporter(city.system, try Self.spec(2))
    let begun = try await importer.begin()
    let finished = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<2 {
        group.addTask {
          var iterator = rows.makeIterator()
          return (try? await importer.run(begun) { iterator.next() }) != nil
        }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(finished <= 1)
    var iterator = rows.makeIterator()
    _ = try await importer.run(try await city.system.importRun(begun.id)) { iterator.next() }
    #expect(try await city.system.count(ListQuery("building")).value == 30)
  }

  @Test func hooksSeeTheRowsOfABatchAndMayRefuseSome() async throws {
    let sizes = Mutex<[Int]>([])
    var hooks = RecordHooks()
    hooks.beforeInsert("building") { drafts, _ in
      sizes.withLock { $0.append(drafts.count) }
      for index in drafts.indices {
        drafts[index]["remark"] = .text("第 \(drafts[index].row ?? 0) 行")
        if drafts[index]["name"] == .text("禁") { drafts[index].refuse(Refusal(.unprocessable, "no", "不可用。")) }
      }
    }
    hooks.after("building") { events, _ in sizes.withLock { $0.append(-events.count) } }
    let city = try await StoreFixture.make(hooks: hooks)
    let run = try await Self.run(
      city, Self.rows([["A1", "甲", "", "511702"], ["A2", "禁", "", "511702"], ["A3", "乙", "", "511702"]]),
      try Self.spec())
    #expect(run.tally.created == 2 && run.tally.rejected == 1)
    #expect(sizes.withLock { $0 } == [3, -2])
    #expect(try await city.system.find("building", where: "code", equals: .text("A3"))?["remark"] == .text("第 4 行"))
  }

  @Test func aRowThatOnlyTheDatabaseRefusesIsFoundAmongManyAndRejectedAlone() async throws {
    let city = try await StoreFixture.make()
    // 5 × 10¹² passes as a number and does not fit the column.
    let spec = ImportSpec(
      entity: "building", columns: ["code", "name", "division_code", "area"], key: ["code"], label: "x")
    let rows = Self.rows((1...40).map { ["A\($0)", "甲", "511702", $0 == 23 ? "5000000000000" : "\($0)"] })
    let run = try await Self.run(city, rows, spec)
    #expect(run.tally.created == 39 && run.tally.rejected == 1)
    #expect(try await city.system.importOutcomes(run.id, results: [.rejected]).map(\.row) == [24])
  }

  @Test func anImportRunsAsAJobOverAStoredFile() async throws {
    let database = try await TestDatabase.make()
    _ = try await Migrator(log: .silent).run(FilesSchema.migrations + JobsSchema.migrations, on: database)
    let city = try await StoreFixture.make(on: database)
    let folder = FileManager.default.temporaryDirectory.appending(path: "lifang-import-\(UUID())")
      .path(percentEncoded: false)
    let files = FileStore(folder: folder, database: database, keys: city.keys, clock: city.clock.clock)
    defer {
      files.close()
      try? FileManager.default.removeItem(atPath: folder)
    }
    let text = "楼栋编码,名称,区划\nA1,甲,511702\n\nA2,,511702\nA3,丙,511702\n"
    let upload = AsyncStream<[UInt8]> { continuation in
      continuation.yield(Array(text.utf8))
      continuation.finish()
    }
    let file = try await files.put(upload, name: "楼栋.csv", classification: .sensitive, by: .system)
    var kinds = JobKinds()
    city.store.registerImports(in: &kinds, files: files) { _ in .system }
    let queue = JobQueue(database: database, kinds: kinds, clock: city.clock.clock)
    let spec = ImportSpec(
      entity: "building", columns: ["code", "name", "division_code"], key: ["code"], batch: 2, label: "楼栋.csv")
    let (job, run) = try await city.store.queueImport(spec, of: file, by: .system, on: queue)
    let runner = JobRunner(queue: queue, configuration: .init(worker: "w", log: .silent))
    #expect(try await runner.runNext())
    let done = try await queue.get(job)
    #expect(done.state == .done && done.result?["created"] == 2 && done.result?["rejected"] == 1)
    #expect(try await city.system.importOutcomes(run, results: [.rejected]).map(\.row) == [4])
  }

  @Test func aMappingThatCannotBeIsRefusedBeforeTheFirstRow() async throws {
    let city = try await StoreFixture.make()
    for (columns, key) in [
      (["age"], []), (["name", "name"], []), ([nil], []), (["name"], ["code"]), (["name", "code"], ["name"]),
      (["id"], []),
    ] as [([String?], [String])] {
      let refusal = #expect(throws: Refusal.self) {
        try RecordImporter(city.system, ImportSpec(entity: "building", columns: columns, key: key, label: "x"))
      }
      #expect(refusal?.code == "import-columns")
    }
  }

  @Test func whatTheSystemFillsInOnlyRecognisesRecords() async throws {
    let city = try await StoreFixture.make()
    // The code is numbered: a table may recognise by it, and may not set it beside another key.
    _ = try RecordImporter(
      city.system, ImportSpec(entity: "building", columns: ["code", "name"], key: ["code"], label: "x"))
    let refusal = #expect(throws: Refusal.self) {
      try RecordImporter(city.system, ImportSpec(entity: "building", columns: ["code", "name"], label: "x"))
    }
    #expect(refusal?.code == "import-columns" && refusal?.field == "code")
    let aimless = #expect(throws: Refusal.self) {
      try RecordImporter(city.system, ImportSpec(entity: "building", columns: ["name"], mode: .update, label: "x"))
    }
    #expect(aimless?.code == "import-key")
  }

  @Test func exportsKeepScopeMaskingAndCapAndAreAudited() async throws {
    let city = try await StoreFixture.make()
    for index in 1...25 {
      try await city.system.insert(
        "citizen",
        [
          "name": .text("人\(index)"), "division_code": .text(index <= 20 ? "511702" : "511703"),
          "phone": .text("13812345678"),
        ])
    }
    let clerk = StoreFixture.user(7, [("citizen.export", .division([])), ("citizen.view", .own)])
    let seen = Mutex<[Record]>([])
    let query = ListQuery("citizen", sort: [.init(field: "id", descending: false)], columns: ["name", "phone"])
    let report = try await city.store.records(as: clerk).export(query, batch: 7) { batch in
      seen.withLock { $0 += batch }
    }
    #expect(report.rows == 20 && !report.isCut)
    #expect(seen.withLock { $0.map(\.id) } == Array(1...20))
    #expect(
      seen.withLock { $0.allSatisfy { $0["phone"] == .text("138****5678") && $0["name"] == .text("人*") || $0.id > 9 } })
    let cut = try await city.store.records(as: clerk).export(query, cap: 8, batch: 5) { _ in }
    #expect(cut.rows == 8 && cut.isCut)
    await #expect(throws: Killed.self) {
      try await city.store.records(as: clerk).export(query, batch: 5) { _ in throw Killed() }
    }
    let rows = try await city.database.query(
      "select outcome, details ->> 'stage' as stage, (details ->> 'count')::bigint as count from audit_entry where action = 'citizen.export' order by id"
    )
    #expect(
      try rows.map { try $0.get("stage", as: String.self) } == ["begun", "done", "begun", "done", "begun", "failed"])
    #expect(try rows.map { try $0.get("count", as: Int64?.self) } == [nil, 20, nil, 8, nil, 5])
  }
}
